#include "base/check.h"
#include "engine/engine.h"

namespace mang {

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop_token:
      return "stop token";
    case FinishReason::stop_string:
      return "stop string";
    case FinishReason::max_tokens:
      return "max tokens";
    case FinishReason::context_full:
      return "context full";
    case FinishReason::cancelled:
      return "cancelled";
    case FinishReason::error:
      return "error";
  }
  MANG_CHECK(false);
}

}  // namespace mang
