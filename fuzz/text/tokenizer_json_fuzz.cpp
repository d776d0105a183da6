// Any bytes as tokenizer.json: refused with a sentence, or a tokenizer that encodes and decodes without harm. The
// second half of an input (after a zero byte) is text to encode.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "load/tokenizer_from_json.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void exercise(const mang::Tokenizer& tokenizer, std::string_view text) {
  for (const mang::EncodeOptions options : {mang::EncodeOptions{}, mang::EncodeOptions{true, true}}) {
    const std::vector<int32_t> ids = tokenizer.encode(text, options);
    for (int32_t id : ids) require(id >= 0 && id < tokenizer.vocab_size());
    const std::string decoded = tokenizer.decode(ids);
    mang::Detokenizer stream(tokenizer);
    std::string streamed;
    for (int32_t id : ids) streamed += stream.feed(id);
    streamed += stream.finish();
    require(streamed == decoded);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = input.find('\0');
  const std::string_view json = input.substr(0, zero);
  auto spec = mang::tokenizer_from_json(json, "", "tokenizer.json");
  if (!spec) {
    require(!spec.error().message.empty());
    return 0;
  }
  auto tokenizer = mang::Tokenizer::build(std::move(*spec));
  if (!tokenizer) {
    require(!tokenizer.error().message.empty());
    return 0;
  }
  exercise(*tokenizer, "Hello, thế giới 123\n  a<s> b");
  exercise(*tokenizer, input.substr(0, 4096));
  if (zero != std::string_view::npos) exercise(*tokenizer, input.substr(zero + 1).substr(0, 4096));
  return 0;
}
