// Parity with Hugging Face's library on the golden tokenizers: ids, decoded text, streamed text.
#include "golden_files.h"

#include "text/unicode.h"

using namespace mang;
using namespace mang::testing;

namespace {

std::string stream_all(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, bool skip_special) {
  Detokenizer stream(tokenizer, skip_special);
  std::string out;
  for (int32_t id : ids) {
    const std::string piece = stream.feed(id);
    CHECK(is_utf8(piece));
    out += piece;
  }
  return out + stream.finish();
}

}  // namespace

TEST_CASE("Golden tokenizers encode and decode as Hugging Face does") {
  for (const auto& name : golden_names()) {
    CAPTURE(name);
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (const Json& line : golden_lines(name + ".cases.jsonl")) {
      const auto text = line["text"].get<std::string>();
      CAPTURE(text);
      CHECK(tokenizer.encode(text) == line["plain"].get<std::vector<int32_t>>());
      CHECK(tokenizer.encode(text, {.parse_special = true}) == line["special"].get<std::vector<int32_t>>());
      CHECK(tokenizer.encode(text, {.parse_special = true, .add_special = true}) ==
            line["added"].get<std::vector<int32_t>>());
      const auto ids = line["ids"].get<std::vector<int32_t>>();
      CHECK(tokenizer.decode(ids) == line["decoded"].get<std::string>());
      CHECK(tokenizer.decode(ids, true) == line["skipped"].get<std::string>());
      CHECK(stream_all(tokenizer, ids, false) == line["decoded"].get<std::string>());
      CHECK(stream_all(tokenizer, ids, true) == line["skipped"].get<std::string>());
    }
  }
}
