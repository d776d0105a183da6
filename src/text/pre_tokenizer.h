// The pre-tokenizer steps of a spec, made runnable: text → words. Steps are nested, each piece of one step going
// straight through the next ones, so that no list of pieces is kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/regex.h"
#include "text/split_scanner.h"
#include "text/tokenizer_spec.h"

namespace mang {

// Where the words go.
class WordSink {
 public:
  virtual ~WordSink() = default;
  virtual void word(std::string_view text) = 0;
};

class PreTokenizer {
 public:
  // `raw_bytes`: the last step is ByteLevel, and the words are left as bytes instead of stand-in characters.
  static Result<PreTokenizer> build(const std::vector<PreTokenizerStep>& steps, bool raw_bytes);

  // `origin`: how many bytes at the front belong to the first character of the original text (text/normalizer.h).
  void run(std::string_view text, size_t origin, WordSink& sink) const { emit(0, text, origin, sink); }

  // For tests: patterns run through the regular expression engine even where there is a scanner.
  void forget_scanners();

 private:
  using Predicate = bool (*)(char32_t);
  struct Step {
    PreTokenizerStep spec;
    ScanFunction scanner = nullptr;  // one of these four finds the matches
    std::optional<Regex> regex;
    Predicate predicate = nullptr;
    std::string literal;
    SplitBehavior behavior = SplitBehavior::kIsolated;
    bool invert = false;
    bool splits = true;
  };
  static Result<Step> build_step(const PreTokenizerStep& spec);
  void emit(size_t step, std::string_view piece, size_t origin, WordSink& sink) const;
  void split(size_t step, std::string_view piece, size_t origin, WordSink& sink) const;
  template <typename F>
  void for_each_part(const Step& step, std::string_view piece, F&& f) const;
  void byte_level(size_t step, std::string_view piece, size_t origin, WordSink& sink) const;
  void emit_stand_ins(size_t step, std::string_view piece, size_t origin, WordSink& sink) const;
  void metaspace(size_t step, std::string_view piece, size_t origin, WordSink& sink) const;

  std::vector<Step> steps_;
  bool raw_bytes_ = false;
};

}  // namespace mang
