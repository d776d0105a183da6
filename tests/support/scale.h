// How much a test does: its size in every run, or in full when MANG_TEST_FULL is set in the environment.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace mang::test {

inline uint64_t scale(uint64_t ci, uint64_t full) { return std::getenv("MANG_TEST_FULL") != nullptr ? full : ci; }

// Whether this program runs under AddressSanitizer, whose memory and time say nothing about the program's own.
inline constexpr bool kSanitized =
#if defined(__SANITIZE_ADDRESS__)
    true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

// A size or count that takes seconds as built for users and minutes with every access checked: the same kinds of case,
// fewer or smaller of them under the sanitizers.
template <typename T>
constexpr T reduced(T full, T under_sanitizers) {
  return kSanitized ? under_sanitizers : full;
}

}  // namespace mang::test
