// The golden tokenizers of tests/golden/tokenizers, for several tests.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "base/mapped_file.h"
#include "load/tokenizer_from_json.h"
#include "text/tokenizer.h"

namespace mang::testing {

inline const std::string kGoldens = MANG_SOURCE_DIR "/tests/golden/tokenizers/";

inline std::vector<std::string> golden_names() {
  return {"added", "added_spm", "bailing", "cl100k", "contiguous", "deepseek3", "digits", "exaone", "glm4", "gpt2",
          "gpt2_prefix", "hunyuan", "kimi", "llama3", "o200k", "punctuation", "qwen2", "qwen35", "smollm", "spm_gemma",
          "spm_llama", "spm_unfused", "tekken", "unigram_bytes", "unigram_t5", "unigram_whole", "unigram_xlmr"};
}

inline std::string golden_text(const std::string& file) {
  auto text = read_text_file(kGoldens + file, size_t{1} << 26);
  REQUIRE_MESSAGE(text.ok(), file);
  return *text;
}

inline TokenizerSpec golden_spec(const std::string& name) {
  auto spec = tokenizer_from_json(golden_text(name + ".json"), "", name);
  REQUIRE_MESSAGE(spec.ok(), (spec.ok() ? "" : spec.error().message));
  return *spec;
}

inline Tokenizer golden_tokenizer(const std::string& name) {
  auto tokenizer = Tokenizer::build(golden_spec(name));
  REQUIRE_MESSAGE(tokenizer.ok(), (tokenizer.ok() ? "" : tokenizer.error().message));
  return std::move(*tokenizer);
}

inline std::vector<Json> golden_lines(const std::string& file) {
  const std::string text = golden_text(file);
  std::vector<Json> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    auto json = parse_json(std::string_view(text).substr(begin, end - begin), file);
    REQUIRE(json.ok());
    out.push_back(std::move(*json));
    begin = end + 1;
  }
  REQUIRE(!out.empty());
  return out;
}

}  // namespace mang::testing
