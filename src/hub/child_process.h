// Runs another program without a shell, watched: its output is kept (the last part of it), and it can be stopped.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace mang {

struct ChildOptions {
  std::vector<std::string> argv;         // argv[0] is looked up along PATH
  std::vector<std::string> environment;  // "NAME=value", all of it
  // Asked about ten times a second; false ends the child and everything it started. Empty: never stopped.
  std::function<bool()> keep_going;
  std::string input;               // what it reads from stdin; empty: nothing
  size_t keep_output = 16 * 1024;  // bytes
};

struct ChildOutcome {
  int exit_code = 0;     // 128 + n when signal n ended it
  bool stopped = false;  // by keep_going
  std::string output;    // the last keep_output bytes of what it wrote to stdout and stderr, together
};

// Waits until the child has ended. An error only when it could not be started.
Result<ChildOutcome> run_child(const ChildOptions& options);

}  // namespace mang
