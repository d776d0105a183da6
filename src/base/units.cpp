#include "base/units.h"

#include <fmt/format.h>

namespace mang {

namespace {

std::string scaled(uint64_t n, const char* const* suffixes, int count) {
  double value = static_cast<double>(n);
  int i = 0;
  while (value >= 999.5 && i + 1 < count) {
    value /= 1000;
    ++i;
  }
  if (i == 0) return fmt::format("{}{}", n, suffixes[0]);
  return value >= 99.95 ? fmt::format("{:.0f}{}", value, suffixes[i])
                        : fmt::format("{:.{}f}{}", value, value >= 9.995 ? 1 : 2, suffixes[i]);
}

}  // namespace

std::string human_bytes(uint64_t bytes) {
  static constexpr const char* kSuffixes[] = {" B", " kB", " MB", " GB", " TB"};
  return scaled(bytes, kSuffixes, 5);
}

std::string human_count(uint64_t count) {
  static constexpr const char* kSuffixes[] = {"", " k", " M", " B", " T"};
  return scaled(count, kSuffixes, 5);
}

}  // namespace mang
