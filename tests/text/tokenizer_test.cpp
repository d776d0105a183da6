#include <doctest/doctest.h>

#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "golden_files.h"
#include "random_text.h"
#include "support/scale.h"
#include "text/bpe.h"
#include "text/byte_level.h"
#include "text/unicode.h"

using namespace mang;
using namespace mang::testing;

namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Processor time of one encoding.
double encode_seconds(const Tokenizer& tokenizer, const std::string& text) {
  const double begin = cpu_seconds();
  const std::vector<int32_t> ids = tokenizer.encode(text, {.parse_special = true});
  const double seconds = cpu_seconds() - begin;
  CHECK(ids.size() <= text.size() + 8);  // also: the work is not left out
  return seconds;
}

std::string repeated(std::string_view what, size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += what;
  return out;
}

TokenizerSpec tiny_spec() {
  TokenizerSpec spec;
  for (int32_t id = 0; id < 4; ++id) spec.vocabulary.push_back({std::string(1, static_cast<char>('a' + id)), id, 0});
  spec.vocabulary.push_back({"ab", 4, 0});
  spec.merges.push_back({0, 1, 4});
  return spec;
}

std::string refusal(const std::function<void(TokenizerSpec&)>& change) {
  TokenizerSpec spec = tiny_spec();
  change(spec);
  auto built = Tokenizer::build(std::move(spec));
  REQUIRE(!built.ok());
  return built.error().message;
}

}  // namespace

TEST_CASE("A vocabulary of five tokens") {
  auto tokenizer = Tokenizer::build(tiny_spec());
  REQUIRE(tokenizer.ok());
  CHECK(tokenizer->encode("abba") == std::vector<int32_t>{4, 1, 0});
  CHECK(tokenizer->encode("axb") == std::vector<int32_t>{0, 1});  // no unknown token: dropped
  CHECK(tokenizer->vocab_size() == 5);
  CHECK(tokenizer->token_id("ab") == 4);
  CHECK(tokenizer->token_id("xyz") == -1);
  CHECK(tokenizer->token_text(4) == "ab");
  CHECK(tokenizer->token_text(5).empty());
  CHECK(tokenizer->token_text(-1).empty());
  CHECK(tokenizer->decode(std::vector<int32_t>{4, 99, -7, 0}) == "aba");
  CHECK(tokenizer->encode("").empty());
}

TEST_CASE("A spec that does not hold together is refused with a sentence") {
  CHECK(refusal([](auto& s) { s.vocabulary.clear(); s.merges.clear(); }).find("empty") != std::string::npos);
  CHECK(refusal([](auto& s) { s.vocabulary[1].id = 0; }).find("id 0") != std::string::npos);
  CHECK(refusal([](auto& s) { s.vocabulary[1].id = -1; }).find("id -1") != std::string::npos);
  CHECK(refusal([](auto& s) { s.vocabulary[1].id = INT32_MAX; }).find("2147483647") != std::string::npos);
  CHECK(refusal([](auto& s) { s.vocabulary[1].text = "a"; }).find("'a'") != std::string::npos);
  CHECK(refusal([](auto& s) { s.merges[0].right = 2; }).find("merge 0") != std::string::npos);
  CHECK(refusal([](auto& s) { s.merges[0].merged = 77; }).find("merge 0") != std::string::npos);
  CHECK(refusal([](auto& s) { s.merges[0].left = -2; }).find("merge 0") != std::string::npos);
  CHECK(refusal([](auto& s) { s.unknown_id = 9; }).find("unknown") != std::string::npos);
  CHECK(refusal([](auto& s) { s.bos_id = 5; }).find("bos") != std::string::npos);
  CHECK(refusal([](auto& s) { s.eog_ids = {5}; }).find("end-of-generation") != std::string::npos);
  CHECK(refusal([](auto& s) { s.post_template = {{false, {0}}}; }).find("post-processor") != std::string::npos);
  CHECK(refusal([](auto& s) { s.added_tokens = {{5, "", false, false, false, false, true}}; }).find("empty") !=
        std::string::npos);
  CHECK(refusal([](auto& s) { s.added_tokens = {{3, "a", false, false, false, false, true}}; }).find("'a'") !=
        std::string::npos);
  CHECK(refusal([](auto& s) { s.model = TokenizerSpec::Model::kUnigram; }).find("unigram") != std::string::npos);
  CHECK(refusal([](auto& s) {
          s.decoders.resize(2);
          s.decoders[1].kind = DecoderStep::Kind::kByteFallback;
        }).find("ByteFallback after Fuse") != std::string::npos);
}

TEST_CASE("Control tokens in a text stay text unless they are asked for") {
  const Tokenizer tokenizer = golden_tokenizer("qwen2");
  const int32_t start = tokenizer.token_id("<|im_start|>");
  REQUIRE(start >= 0);
  CHECK(tokenizer.is_special(start));
  const std::string text = "a<|im_start|>b";
  const auto plain = tokenizer.encode(text);
  CHECK(std::find(plain.begin(), plain.end(), start) == plain.end());
  CHECK(tokenizer.decode(plain) == text);
  const auto special = tokenizer.encode(text, {.parse_special = true});
  CHECK(std::find(special.begin(), special.end(), start) != special.end());
  CHECK(tokenizer.decode(special) == text);
  CHECK(tokenizer.decode(special, true) == "ab");
  // An added token that is no control token is vocabulary, either way.
  const int32_t call = tokenizer.token_id("<tool_call>");
  CHECK(!tokenizer.is_special(call));
  CHECK(tokenizer.encode("<tool_call>") == std::vector<int32_t>{call});
  CHECK(tokenizer.is_eog(tokenizer.token_id("<|im_end|>")));
  CHECK(!tokenizer.is_eog(start));
}

TEST_CASE("Any bytes survive vocabularies that have bytes") {
  RandomText random(5);
  for (const char* name : {"gpt2", "llama3", "deepseek3", "kimi", "spm_gemma"}) {
    CAPTURE(name);
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (int i = 0; i < 200; ++i) {
      const std::string text = random.text(20);
      std::string again;
      for (int32_t id : tokenizer.encode(text)) again += tokenizer.token_bytes(id);
      CHECK(again == text);
    }
  }
}

TEST_CASE("Merging fast is merging by the definition") {
  RandomText random(6);
  for (const char* name : {"gpt2", "kimi", "spm_llama", "spm_unfused", "added_spm"}) {
    CAPTURE(name);
    const TokenizerSpec spec = golden_spec(name);
    const bool bytes = !spec.byte_fallback;
    auto model = BpeModel::build(spec, bytes);
    REQUIRE(model.ok());
    BpeScratch scratch;
    for (int i = 0; i < 1500; ++i) {
      std::string word = random.text(i % 10 == 0 ? 120 : 8);
      if (!bytes) {
        for (char& c : word) c = c == ' ' ? 'e' : c;
      }
      std::vector<int32_t> fast, slow;
      model->encode(word, scratch, fast);
      model->encode_reference(word, slow);
      CHECK(fast == slow);
    }
  }
}

namespace {

// Twice the text takes at most 2.2 times as long: the whole between two halves, which feel the same other programs. Such
// a measurement errs either way on a busy machine and is repeated before it counts; quadratic time fails every one.
void check_doubling(const Tokenizer& tokenizer, const std::string& what, size_t bytes) {
  const std::string whole_text = repeated(what, bytes), half_text = repeated(what, bytes / 2);
  double ratio = 1e9;
  for (int round = 0; round < 60 && ratio > 2.2; ++round) {
    const double before = encode_seconds(tokenizer, half_text);
    const double whole = encode_seconds(tokenizer, whole_text);
    const double after = encode_seconds(tokenizer, half_text);
    ratio = std::min(ratio, 2 * whole / (before + after));
  }
  CAPTURE(what);
  CHECK(ratio <= 2.2);
}

void check_second(const Tokenizer& tokenizer, const std::string& what) {
  const std::string text = repeated(what, test::reduced(size_t{1} << 20, size_t{1} << 16));
  double seconds = 1e9;
  for (int round = 0; round < 5 && seconds > 1; ++round) {
    seconds = std::min(seconds, encode_seconds(tokenizer, text));
  }
  CAPTURE(what);
  CHECK(seconds <= 1);
}

}  // namespace

TEST_CASE("A mebibyte of one character takes at most a second, and twice the text at most 2.2 times as long") {
  const std::vector<std::string> runs = {"a", " ", "\n", "1", "!", "é", "中", "\xCC\x81", "😀", "'", "\xFF", "A", "▁", "ab "};
  const bool full = test::scale(0, 1) != 0;
  for (const auto& name : golden_names()) {
    CAPTURE(name);
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (size_t i = 0; i < runs.size(); ++i) {
      if (full || i < 2) check_second(tokenizer, runs[i]);
      check_doubling(tokenizer, runs[i], full ? size_t{1} << 20 : size_t{1} << 16);
    }
  }
}

TEST_CASE("One tokenizer serves many threads") {
  const Tokenizer tokenizer = golden_tokenizer("o200k");
  RandomText random(8);
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) texts.push_back(random.text(40));
  std::vector<std::vector<int32_t>> found[3];
  std::vector<std::thread> threads;
  for (auto& mine : found) {
    threads.emplace_back([&] {
      for (const auto& text : texts) mine.push_back(tokenizer.encode(text));
    });
  }
  for (auto& thread : threads) thread.join();
  const Tokenizer fresh = golden_tokenizer("o200k");
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto expected = fresh.encode(texts[i]);
    for (const auto& mine : found) CHECK(mine[i] == expected);
  }
}

TEST_CASE("Byte-level stand-ins") {
  for (int byte = 0; byte < 256; ++byte) CHECK(stand_in_byte(byte_stand_in(static_cast<uint8_t>(byte))) == byte);
  CHECK(bytes_to_stand_ins(" a\n") == "ĠaĊ");
  CHECK(stand_ins_to_bytes("Ġa") == " a");
  CHECK(!stand_ins_to_bytes("▁a"));
  CHECK(stand_in_byte(0x110000) == -1);
}
