// Why a prompt, or the rest of it, had to be read.
#pragma once

#include <string_view>

namespace mang {

// Why what the prefix cache knew of a prompt ended where it did.
enum class CacheEnd {
  off,       // it was not asked
  whole,     // it did not: all blocks that are full were there (the last one, begun only, is always computed)
  first,     // nothing with this beginning was there
  fresh,     // what follows was never read: a conversation that goes on
  departed,  // something else stood there before
  evicted    // it was there, and its memory was needed for others
};
std::string_view cache_end_name(CacheEnd end);  // "whole", …

}  // namespace mang
