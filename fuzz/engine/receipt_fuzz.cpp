// Any bytes as a receipt: refused with a sentence, or one that is written as it was read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/receipt.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = mang::read_receipt({reinterpret_cast<const char*>(data), size}, "receipt.json");
  if (!file.ok()) {
    require(!file.error().message.empty());
    return 0;
  }
  require(!file->receipt.prompt.empty() && !file->receipt.weights.empty());
  const std::string text = mang::receipt_text(file->receipt);
  const auto again = mang::read_receipt(text, "receipt.json");
  require(again.ok() && again->digest_fits);
  require(mang::receipt_text(again->receipt) == text);
  return 0;
}
