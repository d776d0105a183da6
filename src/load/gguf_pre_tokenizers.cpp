#include "load/gguf_pre_tokenizers.h"

#include <algorithm>
#include <array>

#include "text/split_scanner.h"

namespace mang {

namespace {

enum class Splits { kGpt2, kDigitsGpt2, kLlama3, kQwen2, kQwen35, kDeepseek3, kO200k, kTekken, kKimi };

struct Known {
  std::string_view name;
  Splits splits;
  bool nfc = false;            // the publisher's tokenizer.json normalizes
  bool ignore_merges = false;  // vocabularies that come from tiktoken: a word that is a token is that token
  bool adds_bos = false;
};

// Names as llama.cpp's converter writes them.
constexpr std::array<Known, 35> kKnown = {{
    {"gpt-2", Splits::kGpt2},
    {"gpt2", Splits::kGpt2},
    {"phi-2", Splits::kGpt2},
    {"smollm", Splits::kDigitsGpt2},
    {"starcoder", Splits::kDigitsGpt2},
    {"refact", Splits::kDigitsGpt2},
    {"command-r", Splits::kDigitsGpt2, true},
    {"llama3", Splits::kLlama3, false, true, true},
    {"llama-v3", Splits::kLlama3, false, true, true},
    {"llama-bpe", Splits::kLlama3, false, true, true},
    {"falcon3", Splits::kLlama3, false, true, true},
    {"falcon-h1", Splits::kLlama3, false, true, true},
    {"lfm2", Splits::kLlama3, false, true, true},
    {"dbrx", Splits::kLlama3},
    {"smaug-bpe", Splits::kLlama3},
    {"glm4", Splits::kLlama3, false, true},
    {"chatglm-bpe", Splits::kLlama3, false, true},
    {"qwen2", Splits::kQwen2, true},
    {"deepseek-r1-qwen", Splits::kQwen2, true},
    {"megrez", Splits::kQwen2, true},
    {"hunyuan", Splits::kQwen2, true, true},
    {"stablelm2", Splits::kQwen2},
    {"grok-2", Splits::kQwen2},
    {"solar-open", Splits::kQwen2},
    {"qwen35", Splits::kQwen35, true},
    {"deepseek-v3", Splits::kDeepseek3},
    {"hunyuan-dense", Splits::kDeepseek3},
    {"joyai-llm", Splits::kDeepseek3},
    {"gpt-4o", Splits::kO200k, false, true},
    {"o200k", Splits::kO200k, false, true},
    {"gpt-oss", Splits::kO200k, false, true},
    {"llama4", Splits::kO200k, false, true},
    {"tekken", Splits::kTekken, false, true, true},
    {"pixtral", Splits::kTekken, false, true, true},
    {"kimi-k2", Splits::kKimi, false, true},
}};

// Qwen 3.5: marks belong to words.
constexpr std::string_view kQwen35Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

PreTokenizerStep split_step(std::string_view pattern) {
  PreTokenizerStep step;
  step.kind = PreTokenizerStep::Kind::kSplit;
  step.pattern = {true, std::string(pattern)};
  return step;
}

std::vector<PreTokenizerStep> steps_of(Splits splits) {
  using namespace split_patterns;
  std::vector<PreTokenizerStep> out;
  PreTokenizerStep bytes;
  bytes.kind = PreTokenizerStep::Kind::kByteLevel;
  bytes.use_regex = splits == Splits::kGpt2 || splits == Splits::kDigitsGpt2;
  switch (splits) {
    case Splits::kGpt2: break;
    case Splits::kDigitsGpt2: {
      PreTokenizerStep digits;
      digits.kind = PreTokenizerStep::Kind::kDigits;
      digits.individual_digits = true;
      out.push_back(digits);
      break;
    }
    case Splits::kLlama3: out.push_back(split_step(kLlama3)); break;
    case Splits::kQwen2: out.push_back(split_step(kQwen2)); break;
    case Splits::kQwen35: out.push_back(split_step(kQwen35Pattern)); break;
    case Splits::kDeepseek3:
      out = {split_step(kDigits3), split_step(kCjk), split_step(kDeepseek3)};
      break;
    case Splits::kO200k: out.push_back(split_step(kO200k)); break;
    case Splits::kTekken: out.push_back(split_step(kTekken)); break;
    case Splits::kKimi: out.push_back(split_step(kKimi)); break;
  }
  out.push_back(bytes);
  return out;
}

}  // namespace

bool apply_pre_tokenizer(std::string_view name, TokenizerSpec& spec, bool& adds_bos) {
  const auto* known = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.name == name; });
  if (known == kKnown.end()) return false;
  spec.pre_tokenizers = steps_of(known->splits);
  if (known->nfc) {
    NormalizerStep nfc;
    nfc.kind = NormalizerStep::Kind::kNfc;
    spec.normalizers.push_back(nfc);
  }
  spec.ignore_merges = known->ignore_merges;
  adds_bos = known->adds_bos;
  return true;
}

}  // namespace mang
