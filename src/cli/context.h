// What every command gets: the world outside, read once by main.
#pragma once

#include <atomic>
#include <string>

#include "base/log.h"
#include "cli/environment.h"
#include "cli/io.h"
#include "hub/catalog.h"

namespace mang::cli {

class Settings;

// Exit codes of the program (interrupt.h has the one for Ctrl-C).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

struct Context {
  Environment environment;
  const Settings& settings;
  const Catalog& catalog;
  const std::atomic<bool>& interrupted;
  Output out;
  Log log;  // the libraries' warnings, to stderr
};

// "mang: …" on stderr.
void print_error(const Error& error);
// The same for a mistake in how the command was called; returns kExitUsage.
int usage_error(std::string_view command, const std::string& message);

}  // namespace mang::cli
