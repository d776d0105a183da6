// Regular expressions as tokenizer.json files write them: the part of Oniguruma's syntax that splits text.
//   literals, escapes, . [classes with ranges, [nested], &&, [:posix:], \p{…}] \s \d \w \h and their complements,
//   | ( ) (?: ) (?> ) (?i: ) (?i), * + ? {m,n} greedy, lazy (?) and possessive (+), ^ $ \A \z \Z \b \B,
//   lookahead (?= ) (?! ) of anything, lookbehind (?<= ) (?<! ) of one character.
// Anything else (backreferences, \X, \K, named groups, …) is refused by name.
//
// Matching is leftmost, alternatives in their order, as Oniguruma's. It runs without recursion on the text and
// remembers what has failed, so that time stays near linear where plain backtracking would be quadratic or worse.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/char_set.h"

namespace mang {

namespace regex_detail {

struct Instruction {
  enum class Op : uint8_t { kSet, kLoop, kSplit, kJump, kAssert, kLook, kAtomic, kMatch };
  enum class Mode : uint8_t { kGreedy, kLazy, kPossessive };
  enum class Assert : uint8_t { kLineBegin, kLineEnd, kTextBegin, kTextEnd, kTextEndLine, kWord, kNotWord, kNext,
                                kNotNext, kBefore, kNotBefore };
  Op op = Op::kMatch;
  Mode mode = Mode::kGreedy;
  Assert assertion = Assert::kTextEnd;
  bool negate = false;     // kLook
  uint32_t set = 0;        // kSet, kLoop, kAssert of one character: index into sets
  uint32_t min = 0;        // kLoop
  uint32_t max = 0;        // kLoop; UINT32_MAX: no limit
  uint32_t target = 0;     // kJump; kSplit: tried first; kLook, kAtomic: where to go on
  uint32_t other = 0;      // kSplit: tried second
  uint32_t slot = 0;       // kLoop, kSplit: index of what is remembered
};

struct Program {
  std::vector<Instruction> code;
  std::vector<CharSet> sets;
  CharSet first;             // a match begins with one of these …
  bool may_be_empty = true;  // … unless it may be empty
  uint32_t loops = 0;
  uint32_t splits = 0;
};

Result<Program> compile(std::string_view pattern);

}  // namespace regex_detail

class Regex {
 public:
  static Result<Regex> compile(std::string_view pattern);

 private:
  friend class RegexFinder;
  std::shared_ptr<const regex_detail::Program> program_;
};

// The matches of a text, from left to right, without overlap; an empty match right after another one is left out.
class RegexFinder {
 public:
  RegexFinder(const Regex& regex, std::string_view text);
  // False: there are no more.
  bool next(size_t& begin, size_t& end);

 private:
  struct Entry {
    enum class Kind : uint8_t { kResume, kGiveBack, kTakeMore, kFailed };
    Kind kind;
    uint32_t pc;      // of kFailed: the split's slot
    size_t position;
    size_t limit;     // kGiveBack: not below; kTakeMore: not above
  };
  struct LoopMemory {
    size_t run_begin = 1, run_end = 0;        // a run of the loop's set: from inside it, the run ends there
    size_t failed_low = 1, failed_high = 0;   // what follows the loop fails from every character in here
  };
  bool match_at(uint32_t pc, size_t position, size_t& end);
  bool enter_loop(uint32_t& pc, size_t& position);
  bool give_back(Entry entry, uint32_t& pc, size_t& position);
  bool take_more(Entry entry, uint32_t& pc, size_t& position);
  bool resume(size_t base, uint32_t& pc, size_t& position);
  bool holds(const regex_detail::Instruction& instruction, size_t position) const;
  bool enter_split(const regex_detail::Instruction& split, size_t position);
  size_t run_end(const regex_detail::Instruction& loop, size_t position);
  [[nodiscard]] size_t before(size_t position) const;
  [[nodiscard]] Decoded at(size_t position) const;

  std::shared_ptr<const regex_detail::Program> program_;
  std::string_view text_;
  size_t position_ = 0;
  size_t last_end_ = SIZE_MAX;
  uint64_t steps_ = 0;
  std::vector<Entry> stack_;
  std::vector<LoopMemory> loops_;
  std::vector<bool> failed_;  // split × position; empty until backtracking has become long
};

}  // namespace mang
