// Ctrl-C (SIGINT) and SIGTERM. Ordinarily they end the program at once: loading a model or reading a file leaves
// nothing half done. Work that must be wound up (an answer, a download, a file being written) watches instead.
#pragma once

#include <atomic>

namespace mang::cli {

// What the program exits with when the user stopped it: 128 + SIGINT, as shells write it.
inline constexpr int kExitInterrupted = 130;

// Starts to catch the signals. The flag becomes true when one arrives while it is watched.
const std::atomic<bool>& catch_interrupts();

// While one of these lives, the first signal only sets the flag; the second ends the program at once.
class WatchInterrupts {
 public:
  WatchInterrupts();
  ~WatchInterrupts();
  WatchInterrupts(const WatchInterrupts&) = delete;
  WatchInterrupts& operator=(const WatchInterrupts&) = delete;
};

// Takes a Ctrl-C back that was dealt with: true when there was one. A SIGTERM stays.
bool take_interrupt();
// True after a SIGTERM.
bool asked_to_end();

}  // namespace mang::cli
