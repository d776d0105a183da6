#include "text/pre_tokenizer.h"

#include <algorithm>

#include "text/byte_level.h"
#include "text/normalizer.h"
#include "text/unicode.h"

namespace mang {

namespace {

using Kind = PreTokenizerStep::Kind;
using Prepend = PreTokenizerStep::Prepend;

bool is_space(char32_t c) { return Unicode::get().is_space(c); }

// \w+|[^\w\s]+ with the joiners in \w, as Rust's regular expressions have them.
constexpr std::string_view kWhitespacePattern = R"([\w\u200C\u200D]+|[^\w\s\u200C\u200D]+)";

// Puts matches and the gaps between them together as a behavior wants; parts come in order and touch.
template <typename F>
class Joiner {
 public:
  Joiner(SplitBehavior behavior, F& f) : behavior_(behavior), f_(f) {}

  void part(size_t begin, size_t end, bool is_match) {
    switch (behavior_) {
      case SplitBehavior::kIsolated: f_(begin, end); return;
      case SplitBehavior::kRemoved:
        if (!is_match) f_(begin, end);
        return;
      case SplitBehavior::kContiguous: held(begin, end, is_match == last_was_match_); break;
      case SplitBehavior::kMergedWithPrevious: held(begin, end, is_match && !last_was_match_); break;
      case SplitBehavior::kMergedWithNext: held(begin, end, !is_match && last_was_match_); break;
    }
    last_was_match_ = is_match;
  }
  void finish() {
    if (has_held_) f_(begin_, end_);
  }

 private:
  void held(size_t begin, size_t end, bool joins) {
    if (has_held_ && joins) {
      end_ = end;
      return;
    }
    finish();
    begin_ = begin;
    end_ = end;
    has_held_ = true;
  }
  SplitBehavior behavior_;
  F& f_;
  size_t begin_ = 0, end_ = 0;
  bool has_held_ = false;
  bool last_was_match_ = false;
};

}  // namespace

Result<PreTokenizer::Step> PreTokenizer::build_step(const PreTokenizerStep& spec) {
  Step step;
  step.spec = spec;
  step.behavior = spec.behavior;
  switch (spec.kind) {
    case Kind::kSplit:
      step.invert = spec.invert;
      if (!spec.pattern.is_regex) {
        if (spec.pattern.text.empty()) return fail("the pre-tokenizer Split looks for an empty string.");
        step.literal = spec.pattern.text;
        break;
      }
      step.scanner = find_scanner(spec.pattern.text);
      if (step.scanner == nullptr) {
        MANG_TRY(step.regex, Regex::compile(spec.pattern.text));
      }
      break;
    case Kind::kByteLevel:
      step.splits = spec.use_regex;
      step.behavior = SplitBehavior::kIsolated;
      if (spec.use_regex) step.scanner = find_scanner(split_patterns::kGpt2);
      break;
    case Kind::kMetaspace:
      step.splits = spec.split;
      step.behavior = SplitBehavior::kMergedWithNext;
      step.literal = spec.replacement;
      if (spec.replacement.empty()) return fail("the pre-tokenizer Metaspace has no replacement character.");
      break;
    case Kind::kDigits:
      step.predicate = is_numeric;
      step.behavior = spec.individual_digits ? SplitBehavior::kIsolated : SplitBehavior::kContiguous;
      break;
    case Kind::kPunctuation: step.predicate = is_punctuation; break;
    case Kind::kWhitespace: {
      MANG_TRY(step.regex, Regex::compile(kWhitespacePattern));
      step.invert = true;
      step.behavior = SplitBehavior::kRemoved;
      break;
    }
    case Kind::kWhitespaceSplit:
      step.predicate = is_space;
      step.behavior = SplitBehavior::kRemoved;
      break;
  }
  return step;
}

Result<PreTokenizer> PreTokenizer::build(const std::vector<PreTokenizerStep>& steps, bool raw_bytes) {
  constexpr size_t kMaxSteps = 64;
  if (steps.size() > kMaxSteps) return fail("more than {} pre-tokenizers are refused.", kMaxSteps);
  PreTokenizer out;
  out.raw_bytes_ = raw_bytes;
  for (const auto& spec : steps) {
    MANG_TRY(Step step, build_step(spec));
    out.steps_.push_back(std::move(step));
  }
  return out;
}

void PreTokenizer::forget_scanners() {
  for (Step& step : steps_) {
    if (step.scanner == nullptr) continue;
    const auto pattern =
        step.spec.kind == Kind::kByteLevel ? split_patterns::kGpt2 : std::string_view(step.spec.pattern.text);
    auto regex = Regex::compile(pattern);
    MANG_CHECK(regex.ok());
    step.regex = *regex;
    step.scanner = nullptr;
  }
}

void PreTokenizer::emit(size_t step, std::string_view piece, size_t origin, WordSink& sink) const {
  if (piece.empty()) return;
  if (step == steps_.size()) {
    sink.word(piece);
    return;
  }
  switch (steps_[step].spec.kind) {
    case Kind::kByteLevel: byte_level(step, piece, origin, sink); return;
    case Kind::kMetaspace: metaspace(step, piece, origin, sink); return;
    default: split(step, piece, origin, sink); return;
  }
}

// Calls f(begin, end, is_match) for the matches and the gaps between them, in order, the whole piece.
template <typename F>
void PreTokenizer::for_each_part(const Step& step, std::string_view piece, F&& f) const {
  const char* const origin = piece.data();
  const char* const end = origin + piece.size();
  size_t done = 0;
  const auto match = [&](size_t from, size_t to) {
    if (from > done) f(done, from, step.invert);
    f(from, to, !step.invert);
    done = to;
  };
  if (step.scanner != nullptr) {
    const Unicode& unicode = Unicode::get();
    for (const char* p = origin; p < end;) {
      const Match m = step.scanner(unicode, p, end);
      if (m.begin == m.end) break;
      match(static_cast<size_t>(m.begin - origin), static_cast<size_t>(m.end - origin));
      p = m.end;
    }
  } else if (step.regex) {
    RegexFinder finder(*step.regex, piece);
    size_t from = 0;
    size_t to = 0;
    while (finder.next(from, to)) match(from, to);
  } else if (step.predicate != nullptr) {
    for (const char* p = origin; p < end;) {
      const Decoded d = decode_utf8(p, end);
      const auto at = static_cast<size_t>(p - origin);
      if (step.predicate(d.value)) match(at, at + d.length);
      p += d.length;
    }
  } else {
    for (size_t at = 0; (at = piece.find(step.literal, at)) != std::string_view::npos; at += step.literal.size()) {
      match(at, at + step.literal.size());
    }
  }
  if (done < piece.size()) f(done, piece.size(), step.invert);
}

void PreTokenizer::split(size_t step, std::string_view piece, size_t origin, WordSink& sink) const {
  auto next = [&](size_t begin, size_t end) {
    emit(step + 1, piece.substr(begin, end - begin), origin > begin ? std::min(origin, end) - begin : 0, sink);
  };
  Joiner joiner(steps_[step].behavior, next);
  for_each_part(steps_[step], piece, [&](size_t begin, size_t end, bool is_match) { joiner.part(begin, end, is_match); });
  joiner.finish();
}

void PreTokenizer::byte_level(size_t step, std::string_view piece, size_t origin, WordSink& sink) const {
  const Step& s = steps_[step];
  std::string prefixed;
  if (s.spec.add_prefix_space && piece[0] != ' ') {
    prefixed = " ";
    prefixed += piece;
    piece = prefixed;
    if (origin > 0) ++origin;
  }
  const bool last = raw_bytes_ && step + 1 == steps_.size();
  if (last && s.splits) {
    split(step, piece, origin, sink);
  } else if (last) {
    sink.word(piece);
  } else if (s.splits) {
    for_each_part(s, piece, [&](size_t begin, size_t end, bool) {
      emit_stand_ins(step + 1, piece.substr(begin, end - begin), origin > begin ? std::min(origin, end) - begin : 0, sink);
    });
  } else {
    emit_stand_ins(step + 1, piece, origin, sink);
  }
}

void PreTokenizer::emit_stand_ins(size_t step, std::string_view piece, size_t origin, WordSink& sink) const {
  const size_t new_origin = bytes_to_stand_ins(piece.substr(0, origin)).size();
  emit(step, bytes_to_stand_ins(piece), new_origin, sink);
}

void PreTokenizer::metaspace(size_t step, std::string_view piece, size_t origin, WordSink& sink) const {
  const Step& s = steps_[step];
  const std::string& mark = s.spec.replacement;
  std::string text;
  text.reserve(piece.size() + piece.size() / 2 + mark.size());
  const bool begins = piece[0] == ' ' || piece.substr(0, mark.size()) == mark;
  const bool at_origin = origin > 0;
  if (!begins && (s.spec.prepend == Prepend::kAlways || (s.spec.prepend == Prepend::kFirst && at_origin))) text = mark;
  const size_t prefix = text.size();
  replace_string(piece, " ", mark, text, origin);
  if (at_origin) origin += prefix;
  if (s.splits) {
    split(step, text, origin, sink);
  } else {
    emit(step + 1, text, origin, sink);
  }
}

}  // namespace mang
