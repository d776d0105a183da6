// Finding bytes in bytes in linear time, whatever the texts are.
#pragma once

#include <cstddef>
#include <string_view>

namespace mang::jinja {

// The first place of `needle` at or after `from`, or npos. An empty needle is found at `from`.
size_t find_bytes(std::string_view text, std::string_view needle, size_t from = 0);
// The last place, or npos.
size_t rfind_bytes(std::string_view text, std::string_view needle);
// How often it stands there without overlapping; needle not empty.
size_t count_bytes(std::string_view text, std::string_view needle);

}  // namespace mang::jinja
