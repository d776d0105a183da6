// tokenizer.json and GGUF vocabularies: what is read, and what is refused by name.
#include <doctest/doctest.h>

#include <string>

#include "golden_files.h"
#include "load/tokenizer_from_gguf.h"

using namespace mang;
using namespace mang::testing;

namespace {

const std::string kBase = R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
"pre_tokenizer":null,"post_processor":null,"decoder":null,
"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kBase;
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string refusal(const std::string& json) {
  auto spec = tokenizer_from_json(json, "", "tokenizer.json");
  if (!spec.ok()) return spec.error().message;
  auto built = Tokenizer::build(std::move(*spec));
  REQUIRE_MESSAGE(!built.ok(), json);
  return built.error().message;
}

void check_refused(const std::string& json, std::string_view says) {
  const std::string message = refusal(json);
  CHECK_MESSAGE(message.find(says) != std::string::npos, message);
}

GgufVocabulary gpt2_vocabulary() {
  GgufVocabulary v;
  v.model = "gpt2";
  v.pre = "llama-bpe";
  v.tokens = {"a", "b", "ab", "<|end|>", "<tool>"};
  v.token_types = {1, 1, 1, 3, 4};
  v.merges = {"a b"};
  v.bos_id = v.eos_id = 3;
  return v;
}

GgufVocabulary llama_vocabulary() {
  GgufVocabulary v;
  v.model = "llama";
  v.tokens = {"<unk>", "<s>", "</s>", "\xE2\x96\x81", "a", "b", "\xE2\x96\x81" "a", "ab", "bb", "  "};
  v.scores = {0, 0, 0, -4, -5, -6, -1, -2, -3, -1000};
  v.token_types = {2, 3, 3, 1, 1, 1, 1, 1, 1, 4};
  v.bos_id = 1;
  v.eos_id = 2;
  v.unknown_id = 0;
  return v;
}

std::string refusal(GgufVocabulary v) {
  auto spec = tokenizer_from_vocabulary(std::move(v));
  REQUIRE(!spec.ok());
  return spec.error().message;
}

}  // namespace

TEST_CASE("The smallest tokenizer.json") {
  auto spec = tokenizer_from_json(kBase, R"({"bos_token":"a","eos_token":{"content":"ab"},"pad_token":null})", "t");
  REQUIRE(spec.ok());
  CHECK(spec->bos_id == 0);
  CHECK(spec->eos_id == 2);
  CHECK(spec->pad_id == -1);
  CHECK(spec->eog_ids == std::vector<int32_t>{2});
  auto tokenizer = Tokenizer::build(std::move(*spec));
  REQUIRE(tokenizer.ok());
  CHECK(tokenizer->encode("aab") == std::vector<int32_t>{0, 2});
  CHECK(tokenizer->decode(std::vector<int32_t>{0, 2}) == "a ab");  // no decoder: joined by spaces, as there
}

TEST_CASE("tokenizer.json: what is not supported is named") {
  check_refused(with("\"BPE\"", "\"WordPiece\""), "WordPiece");
  check_refused(with("\"type\":\"BPE\"", "\"type\":\"BPE\",\"dropout\":0.1"), "dropout");
  check_refused(with("\"type\":\"BPE\"", "\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\""), "end_of_word_suffix");
  check_refused(with("\"type\":\"BPE\"", "\"type\":\"BPE\",\"magic\":1"), "magic");
  check_refused(with("\"type\":\"BPE\"", "\"type\":\"BPE\",\"unk_token\":\"<unk>\""), "<unk>");
  check_refused(with("\"version\":\"1.0\"", "\"version\":\"2.0\""), "version");
  check_refused(with("\"version\":\"1.0\"", "\"extra\":1"), "extra");
  check_refused(with("\"normalizer\":null", R"("normalizer":{"type":"BertNormalizer"})"), "BertNormalizer");
  check_refused(with("\"normalizer\":null", R"("normalizer":{"type":"NFC","x":1})"), "\"x\"");
  check_refused(with("\"normalizer\":null", R"("normalizer":{"type":"Precompiled","precompiled_charsmap":"AAA!"})"), "base64");
  check_refused(with("\"normalizer\":null", R"("normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="})"), "trie");
  check_refused(with("\"pre_tokenizer\":null", R"("pre_tokenizer":{"type":"UnicodeScripts"})"), "UnicodeScripts");
  check_refused(with("\"pre_tokenizer\":null",
                     R"x("pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?<x>a)"},"behavior":"Isolated","invert":false})x"),
                "(?<");
  check_refused(with("\"pre_tokenizer\":null",
                     R"("pre_tokenizer":{"type":"Split","pattern":{"Regex":"a"},"behavior":"Sideways","invert":false})"),
                "Sideways");
  check_refused(with("\"pre_tokenizer\":null", R"("pre_tokenizer":{"type":"Metaspace","replacement":"ab"})"), "replacement");
  check_refused(with("\"post_processor\":null", R"("post_processor":{"type":"Other"})"), "Other");
  check_refused(with("\"post_processor\":null",
                     R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}}],"pair":[],"special_tokens":{}})"),
                "<s>");
  check_refused(with("\"decoder\":null", R"("decoder":{"type":"WordPiece","prefix":"##"})"), "WordPiece");
  check_refused(with("\"added_tokens\":[]",
                     R"("added_tokens":[{"id":7,"content":"x","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}])"),
                "the id 7");
}

TEST_CASE("tokenizer.json: what is broken is refused") {
  for (size_t n = 0; n < kBase.size(); ++n) CHECK(!tokenizer_from_json(kBase.substr(0, n), "", "t").ok());
  check_refused(with("[\"a b\"]", "[\"a b c\"]"), "merge 0");
  check_refused(with("[\"a b\"]", "[\"b b\"]"), "bb");
  check_refused(with("[\"a b\"]", "[[\"a\"]]"), "merges");
  check_refused(with("[\"a b\"]", "[[\"a\",\"b\",\"c\"]]"), "merges");
  check_refused(with("[\"a b\"]", "[\"a b\",[\"a\",\"b\"]]"), "merges");
  check_refused(with("[\"a b\"]", "{}"), "merges");
  check_refused(with("\"b\":1", "\"b\":-1"), "id");
  check_refused(with("\"b\":1", "\"b\":0"), "id");
  check_refused(with("\"b\":1", "\"b\":4000000000"), "id");
  check_refused(with("\"b\":1", "\"b\":99999999999999999999"), "vocab");
  check_refused(with("\"b\":1", "\"b\":1.5"), "vocab");
  check_refused(with("\"b\":1", "\"a\":1"), "'a'");
  check_refused(with("\"b\":1", "\"b\":[]"), "vocab");
  check_refused(with("\"b\":1", "\"b\":1000000"), "1000000");
  check_refused(with("{\"a\":0,\"b\":1,\"ab\":2}", "[[\"a\",0.5]]"), "map");
  check_refused("[]", "object");
  check_refused(std::string(100000, '['), "nested");
  check_refused(R"({"model":)" + std::string(100, '{'), "JSON");
}

TEST_CASE("GGUF: byte-level BPE") {
  auto spec = tokenizer_from_vocabulary(gpt2_vocabulary());
  REQUIRE(spec.ok());
  CHECK(spec->ignore_merges);
  CHECK(spec->eog_ids == std::vector<int32_t>{3});
  auto tokenizer = Tokenizer::build(std::move(*spec));
  REQUIRE(tokenizer.ok());
  CHECK(tokenizer->encode("ab<|end|><tool>", {true, true}) == std::vector<int32_t>{3, 2, 3, 4});
  CHECK(tokenizer->encode("ab<tool>") == std::vector<int32_t>{2, 4});

  auto unknown = gpt2_vocabulary();
  unknown.pre = "novel-pre";
  CHECK(refusal(unknown).find("novel-pre") != std::string::npos);
  auto model = gpt2_vocabulary();
  model.model = "rwkv";
  CHECK(refusal(model).find("rwkv") != std::string::npos);
  auto merge = gpt2_vocabulary();
  merge.merges = {"a c"};
  CHECK(refusal(merge).find("merge 0") != std::string::npos);
  auto bos = gpt2_vocabulary();
  bos.bos_id = -1;
  CHECK(refusal(bos).find("BOS") != std::string::npos);
  auto range = gpt2_vocabulary();
  range.eos_id = 5;
  CHECK(refusal(range).find("id 5") != std::string::npos);
  auto types = gpt2_vocabulary();
  types.token_types.pop_back();
  CHECK(refusal(types).find("token_type") != std::string::npos);
  auto twice = gpt2_vocabulary();
  twice.tokens[1] = "a";
  CHECK(refusal(twice).find("twice") != std::string::npos);
}

TEST_CASE("GGUF: SentencePiece BPE goes by scores") {
  auto spec = tokenizer_from_vocabulary(llama_vocabulary());
  REQUIRE(spec.ok());
  auto tokenizer = Tokenizer::build(std::move(*spec));
  REQUIRE(tokenizer.ok());
  // " abb" is mark a b b: the mark and a first (−1), then bb (−3).
  CHECK(tokenizer->encode("abb") == std::vector<int32_t>{6, 8});
  CHECK(tokenizer->encode("bab", {false, true}) == std::vector<int32_t>{1, 3, 5, 7});
  CHECK(tokenizer->decode(std::vector<int32_t>{1, 3, 5, 7}, true) == "bab");
  CHECK(tokenizer->token_text(9) == "\xE2\x96\x81\xE2\x96\x81");  // written with spaces in the file
  CHECK(tokenizer->encode("  b") == std::vector<int32_t>{9, 3, 5});

  auto scores = llama_vocabulary();
  scores.scores.clear();
  CHECK(refusal(scores).find("scores") != std::string::npos);
}

TEST_CASE("GGUF: unigram") {
  auto v = llama_vocabulary();
  v.model = "t5";
  v.remove_extra_whitespaces = true;
  const auto built = [](const GgufVocabulary& vocabulary) {
    auto spec = tokenizer_from_vocabulary(vocabulary);
    REQUIRE(spec.ok());
    auto tokenizer = Tokenizer::build(std::move(*spec));
    REQUIRE(tokenizer.ok());
    return std::move(*tokenizer);
  };
  // mark-a-b is the mark (−4) and ab (−2): better than mark-a (−1) and b (−6). The two spaces are a token that the user
  // of the training program asked to keep whole, and are cut out before anything else.
  CHECK(built(v).encode("ab  a") == std::vector<int32_t>{3, 7, 9, 6});
  v.token_types[9] = 1;
  const Tokenizer tokenizer = built(v);
  CHECK(tokenizer.encode("ab  a") == std::vector<int32_t>{3, 7, 6});
  CHECK(tokenizer.decode(std::vector<int32_t>{3, 7, 6}) == "ab a");
  v.unknown_id = -1;
  CHECK(refusal(v).find("unknown") != std::string::npos);
}
