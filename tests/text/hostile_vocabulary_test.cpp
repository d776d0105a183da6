// Vocabularies that have hurt other programs (tests/hostile/vocabulary/, written by tools/make_fuzz_seeds.py): refused
// with a sentence, or a tokenizer that does no harm.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <string>

#include "format/gguf.h"
#include "load/tokenizer_from_gguf.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

using namespace mang;

namespace {

// What the refusal says of each; "": it is harmless.
const std::map<std::string, std::string> kSays = {
    {"bos_negative", ""},  // as if the file named none
    {"bos_past_end", "the id 2 among 2 tokens"},
    {"byte_token_negative", "'<0x-1>') is to stand for a byte"},
    {"byte_token_not_hex", "'<0xZZ>') is to stand for a byte"},
    {"byte_token_too_big", "'<0x100>') is to stand for a byte"},
    {"byte_token_twice", "the token '<0x41>' twice"},
    {"eos_all_ones", "the id 4294967295 among 2 tokens"},
    {"merge_of_unknown_tokens", "merge 0 ('x y')"},
    {"merge_result_unknown", "merge 0 ('a b')"},
    {"merge_without_space", "merge 0 ('ab') is not two tokens"},
    {"merges_missing", "needs tokenizer.ggml.merges"},
    {"model_unknown", "'no-such-tokenizer'"},
    {"no_tokens", "tokenizer.ggml.tokens is empty"},
    {"pre_tokenizer_unknown", "'no-such-pre'"},
    {"score_not_a_number", "NaN"},
    {"scores_fewer_than_tokens", "1 entries for 3 tokens"},
    {"token_empty", ""},
    {"token_not_utf8", "token 1 is not UTF-8"},
    {"token_twice", "the token 'a' twice"},
    {"type_huge", "the type 2147483647"},
    {"type_negative", "the type -1"},
    {"types_fewer_than_tokens", "1 entries for 3 tokens"},
    {"unknown_past_end", "the id 7 among 1 tokens"},
};

Result<Tokenizer> build(Result<GgufVocabulary> vocabulary) {
  if (!vocabulary.ok()) return vocabulary.error();
  auto spec = tokenizer_from_vocabulary(std::move(*vocabulary));
  if (!spec.ok()) return spec.error();
  return Tokenizer::build(std::move(*spec));
}

void exercise(const Tokenizer& tokenizer) {
  for (const char* text : {"", "a", "<0x41>ab <s>\n", "\xFF\xC3", "thế giới", "<0x-1><0x100><0xZZ>"}) {
    for (const bool special : {false, true}) {
      const std::vector<int32_t> ids = tokenizer.encode(text, {special, special});
      for (int32_t id : ids) CHECK((id >= 0 && id < tokenizer.vocab_size()));
      CHECK(is_utf8(tokenizer.decode(ids)));
    }
  }
  CHECK(is_utf8(tokenizer.decode(std::vector<int32_t>{-1, 0, 1, 2, INT32_MAX, INT32_MIN})));
}

}  // namespace

TEST_CASE("Hostile vocabularies are refused with a sentence or do no harm") {
  size_t files = 0, refused = 0;
  for (const auto& at : std::filesystem::directory_iterator(MANG_SOURCE_DIR "/tests/hostile/vocabulary")) {
    const std::string name = at.path().stem().string();
    CAPTURE(name);
    const auto says = kSays.find(name);
    REQUIRE((says != kSays.end()));
    auto file = GgufFile::open(at.path().string());
    REQUIRE(file.ok());
    if (auto as_it_is = build(read_gguf_vocabulary(file->metadata())); as_it_is.ok()) {
      exercise(*as_it_is);
    } else {
      CHECK(!as_it_is.error().message.empty());
    }
    // What these small files also lack is filled in, so that the one fault each is about meets its own check.
    auto vocabulary = read_gguf_vocabulary(file->metadata());
    if (vocabulary.ok()) {
      vocabulary->has_add_bos = true;
      if (vocabulary->pre.empty()) vocabulary->pre = "gpt-2";
    }
    const auto tokenizer = build(std::move(vocabulary));
    if (tokenizer.ok()) {
      CHECK(says->second.empty());
      exercise(*tokenizer);
    } else {
      CHECK_MESSAGE((!says->second.empty() && tokenizer.error().message.find(says->second) != std::string::npos),
                    tokenizer.error().message);
      ++refused;
    }
    ++files;
  }
  CHECK(files == kSays.size());
  fmt::print("measured: {} of {} hostile vocabularies refused, the others do no harm\n", refused, files);
}
