// Ctrl-C (SIGINT) and SIGTERM as a flag that work in progress looks at. The second Ctrl-C ends the program at once.
#pragma once

#include <atomic>

namespace mang::cli {

// Starts to catch the signals; the flag becomes true at the first one.
const std::atomic<bool>& catch_interrupts();

// What the program exits with when the user stopped it: 128 + SIGINT, as shells write it.
inline constexpr int kExitInterrupted = 130;

}  // namespace mang::cli
