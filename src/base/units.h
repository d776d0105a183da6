// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace mang {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

// "1.12 GB", "85.3 MB", "512 B": powers of 1000, as file managers and model cards write sizes.
std::string human_bytes(uint64_t bytes);
// "1.54 B", "135 M": counts such as parameters.
std::string human_count(uint64_t count);

}  // namespace mang
