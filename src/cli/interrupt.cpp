#include "cli/interrupt.h"

#include <unistd.h>

#include <csignal>

namespace mang::cli {
namespace {

// A signal handler can reach nothing but globals.
std::atomic<bool> interrupted{false};
std::atomic<bool> terminated{false};
std::atomic<int> watchers{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_signal(int signal) {
  if (signal == SIGTERM) terminated.store(true);
  if (watchers.load() == 0 || interrupted.exchange(true)) {
    // The shell's prompt begins on a line of its own.
    if (::isatty(STDERR_FILENO) == 1 && ::write(STDERR_FILENO, "\n", 1) < 0) ::_exit(kExitInterrupted);
    ::_exit(kExitInterrupted);
  }
}

}  // namespace

const std::atomic<bool>& catch_interrupts() {
  for (int signal : {SIGINT, SIGTERM}) {
    struct sigaction action = {};
    // A shell script starts its background jobs with Ctrl-C ignored: they stay so.
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
  return interrupted;
}

WatchInterrupts::WatchInterrupts() { watchers.fetch_add(1); }
WatchInterrupts::~WatchInterrupts() { watchers.fetch_sub(1); }

bool asked_to_end() { return terminated.load(); }

bool take_interrupt() { return !terminated.load() && interrupted.exchange(false); }

}  // namespace mang::cli
