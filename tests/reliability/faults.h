// Runs a program with one of its system's calls failing (fault_shim.cpp), over every such call or a sample of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/subprocess.h"

namespace mang::test {

struct Fault {
  std::string kinds;  // "write,pwrite"
  uint64_t nth = 0;   // from 1; 0: only count
  std::string how = "once";
  int error = 0;
  std::string scope = "program";
};

struct Faulted {
  Ran ran;
  bool reported = false;  // false: the program did not come to its end
  bool at_once = false;   // it ended where it was, with memory that even giving back could not do without
  uint64_t calls = 0, struck = 0;
  std::string caller;             // who made the first call that failed
  std::vector<std::string> open;  // what descriptors above 2 lead to at the end
};

Faulted run_with(const Fault& fault, const std::vector<std::string>& arguments, How how);

// Which of `calls` calls fail: all, or as many as wanted, spread by a fixed seed.
std::vector<uint64_t> picks(uint64_t calls, size_t most);

// Exit code 1 and a sentence at the end of stderr with `part` in it.
void check_clear_failure(const Faulted& faulted, const std::string& part);

// Something a user does, with what must hold before, after a failure, and after success.
struct Scene {
  std::string name;
  std::vector<std::string> arguments;
  How how = {};
  std::function<void()> reset = {};         // none: the command changes nothing
  std::function<void()> check_failed = {};  // nothing wrong is visible, nothing is left over
  std::function<void(const Ran&)> check_succeeded = {};
};

// What may happen in a sweep beside a clear failure.
struct Sweep {
  std::string label;          // what fails, in words
  Fault fault;                // `nth` is set by the sweep
  size_t most = 10;           // runs; all calls where there are no more
  std::string sentence = "";  // part of what is said when it fails
  bool may_leave = false;     // taking away is what fails: temporary files may stay
};

struct Swept {
  uint64_t calls = 0;  // that could fail
  size_t runs = 0, failed = 0, survived = 0;
};

// Lets one call after the other fail. Each run ends with success and the right result, or with exit code 1 and a
// sentence; then the same command without a fault succeeds. Prints a row of figures.
Swept sweep(const Scene& scene, const Sweep& sweep);

}  // namespace mang::test
