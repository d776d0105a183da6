#include "engine/cache_end.h"

#include "base/check.h"

namespace mang {

std::string_view cache_end_name(CacheEnd end) {
  switch (end) {
    case CacheEnd::off:
      return "off";
    case CacheEnd::whole:
      return "whole";
    case CacheEnd::first:
      return "first";
    case CacheEnd::fresh:
      return "fresh";
    case CacheEnd::departed:
      return "departed";
    case CacheEnd::evicted:
      return "evicted";
  }
  MANG_CHECK(false);
}

}  // namespace mang
