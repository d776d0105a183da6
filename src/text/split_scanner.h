// Hand-written scanners for the splitting patterns of the published byte-level tokenizers. Each does exactly what the
// regular expression it is named by does (text/regex.h runs any of them, slower; the tests compare the two on random
// text), in one pass, with time linear in the text.
#pragma once

#include <string_view>

#include "text/unicode.h"

namespace mang {

struct Match {
  const char* begin;
  const char* end;  // begin == end == end of the text: none
};

// The first match at or after p, in a text that ends at `end`; p < end.
using ScanFunction = Match (*)(const Unicode& unicode, const char* p, const char* end);

// The scanner for a pattern, nullptr if there is none: then the regular expression has to be run.
ScanFunction find_scanner(std::string_view pattern);

// The patterns, as the publishers' tokenizer.json files write them.
namespace split_patterns {
extern const std::string_view kGpt2;      // what ByteLevel's use_regex stands for
extern const std::string_view kLlama3;    // also GLM-4
extern const std::string_view kQwen2;     // Llama 3's, with single digits
extern const std::string_view kO200k;     // GPT-4o, gpt-oss
extern const std::string_view kTekken;    // Mistral
extern const std::string_view kKimi;      // Kimi K2: Han runs apart
extern const std::string_view kDigits3;   // \p{N}{1,3}
extern const std::string_view kDigit;     // \p{N}
extern const std::string_view kCjk;       // DeepSeek V3, second split
extern const std::string_view kDeepseek3; // DeepSeek V3, third split; Hunyuan
}  // namespace split_patterns

}  // namespace mang
