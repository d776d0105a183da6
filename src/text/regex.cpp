#include "text/regex.h"

#include "text/unicode.h"

namespace mang {

using regex_detail::Instruction;
using Op = Instruction::Op;
using Mode = Instruction::Mode;
using Assert = Instruction::Assert;

Result<Regex> Regex::compile(std::string_view pattern) {
  MANG_TRY(auto program, regex_detail::compile(pattern));
  Regex regex;
  regex.program_ = std::make_shared<const regex_detail::Program>(std::move(program));
  return regex;
}

RegexFinder::RegexFinder(const Regex& regex, std::string_view text)
    : program_(regex.program_), text_(text), loops_(regex.program_->loops) {}

Decoded RegexFinder::at(size_t position) const {
  return decode_utf8(text_.data() + position, text_.data() + text_.size());
}

// Where the character that ends at `position` > 0 begins.
size_t RegexFinder::before(size_t position) const {
  for (size_t n = 1; n <= 4 && n <= position; ++n) {
    const size_t begin = position - n;
    if ((static_cast<uint8_t>(text_[begin]) & 0xC0) == 0x80 && n < 4) continue;
    if (at(begin).length == n) return begin;
    break;
  }
  return position - 1;  // an invalid byte
}

bool RegexFinder::next(size_t& begin, size_t& end) {
  const auto& program = *program_;
  while (position_ <= text_.size()) {
    const bool at_end = position_ == text_.size();
    if (program.may_be_empty || (!at_end && program.first.contains(at(position_).value))) {
      size_t stop = 0;
      if (match_at(0, position_, stop)) {
        begin = position_;
        end = stop;
        if (stop > begin) {
          position_ = stop;
          last_end_ = stop;
          return true;
        }
        position_ = at_end ? text_.size() + 1 : position_ + at(position_).length;
        if (stop != last_end_) {
          last_end_ = stop;
          return true;
        }
        continue;
      }
    }
    position_ = at_end ? text_.size() + 1 : position_ + at(position_).length;
  }
  return false;
}

bool RegexFinder::match_at(uint32_t pc, size_t position, size_t& end) {
  const auto& code = program_->code;
  const size_t base = stack_.size();
  while (true) {
    const Instruction& instruction = code[pc];
    ++steps_;
    bool ok = true;
    switch (instruction.op) {
      case Op::kMatch:
        end = position;
        stack_.resize(base);
        return true;
      case Op::kSet:
        ok = position < text_.size();
        if (ok) {
          const Decoded d = at(position);
          ok = program_->sets[instruction.set].contains(d.value);
          position += d.length;
          ++pc;
        }
        break;
      case Op::kLoop:
        ok = enter_loop(pc, position);
        break;
      case Op::kSplit:
        ok = enter_split(instruction, position);
        pc = instruction.target;
        break;
      case Op::kJump:
        pc = instruction.target;
        break;
      case Op::kAssert:
        ok = holds(instruction, position);
        ++pc;
        break;
      case Op::kLook: {
        size_t ignored = 0;
        ok = match_at(pc + 1, position, ignored) != instruction.negate;
        pc = instruction.target;
        break;
      }
      case Op::kAtomic:
        ok = match_at(pc + 1, position, position);
        pc = instruction.target;
        break;
    }
    if (!ok && !resume(base, pc, position)) return false;
  }
}

// The end of the run of the loop's characters at `position`, at most `max` of them.
size_t RegexFinder::run_end(const Instruction& loop, size_t position) {
  LoopMemory& memory = loops_[loop.slot];
  const bool unlimited = loop.max == UINT32_MAX;
  if (unlimited && memory.run_begin <= position && position < memory.run_end) return memory.run_end;
  const CharSet& set = program_->sets[loop.set];
  size_t end = position;
  for (uint32_t n = 0; n < loop.max && end < text_.size(); ++n) {
    if (unlimited && end == memory.run_begin && end < memory.run_end) {
      end = memory.run_end;
      break;
    }
    const Decoded d = at(end);
    if (!set.contains(d.value)) break;
    end += d.length;
    ++steps_;
  }
  if (unlimited && end > position) {
    memory.run_begin = position;
    memory.run_end = end;
  }
  return end;
}

bool RegexFinder::enter_loop(uint32_t& pc, size_t& position) {
  const Instruction& loop = program_->code[pc];
  const size_t end = run_end(loop, position);
  size_t lowest = position;
  for (uint32_t n = 0; n < loop.min; ++n) {
    if (lowest >= end) return false;
    lowest += at(lowest).length;
  }
  if (loop.mode == Mode::kPossessive) {
    position = end;
    ++pc;
    return true;
  }
  const LoopMemory& memory = loops_[loop.slot];
  const bool lazy = loop.mode == Mode::kLazy;
  const size_t first = lazy ? lowest : end;
  const Entry entry = {lazy ? Entry::Kind::kTakeMore : Entry::Kind::kGiveBack, pc, first, lazy ? end : lowest};
  if (memory.failed_low <= first && first <= memory.failed_high) {
    return lazy ? take_more(entry, pc, position) : give_back(entry, pc, position);
  }
  stack_.push_back(entry);
  position = first;
  ++pc;
  return true;
}

// What follows the loop has failed from entry.position: remember it, and try from one character less.
bool RegexFinder::give_back(Entry entry, uint32_t& pc, size_t& position) {
  LoopMemory& memory = loops_[program_->code[entry.pc].slot];
  size_t failed = entry.position;
  const bool known = memory.failed_low <= failed && failed <= memory.failed_high;
  if (!known) {
    const bool adjacent = failed < text_.size() && memory.failed_low <= memory.failed_high &&
                          failed + at(failed).length == memory.failed_low;
    if (!adjacent) memory.failed_high = failed;
    memory.failed_low = failed;
  }
  failed = memory.failed_low;
  if (failed <= entry.limit) return false;
  position = before(failed);
  pc = entry.pc + 1;
  stack_.push_back({Entry::Kind::kGiveBack, entry.pc, position, entry.limit});
  return true;
}

// The same for a lazy loop, which then takes one character more.
bool RegexFinder::take_more(Entry entry, uint32_t& pc, size_t& position) {
  LoopMemory& memory = loops_[program_->code[entry.pc].slot];
  size_t failed = entry.position;
  const bool known = memory.failed_low <= failed && failed <= memory.failed_high;
  if (!known) {
    const bool adjacent = memory.failed_low <= memory.failed_high && failed > 0 && before(failed) == memory.failed_high;
    if (!adjacent) memory.failed_low = failed;
    memory.failed_high = failed;
  }
  failed = memory.failed_high;
  if (failed >= entry.limit) return false;
  position = failed + at(failed).length;
  pc = entry.pc + 1;
  stack_.push_back({Entry::Kind::kTakeMore, entry.pc, position, entry.limit});
  return true;
}

// The next thing to try, false if there is none above `base`.
bool RegexFinder::resume(size_t base, uint32_t& pc, size_t& position) {
  while (stack_.size() > base) {
    const Entry entry = stack_.back();
    stack_.pop_back();
    ++steps_;
    switch (entry.kind) {
      case Entry::Kind::kResume:
        pc = entry.pc;
        position = entry.position;
        return true;
      case Entry::Kind::kGiveBack:
        if (give_back(entry, pc, position)) return true;
        break;
      case Entry::Kind::kTakeMore:
        if (take_more(entry, pc, position)) return true;
        break;
      case Entry::Kind::kFailed:
        failed_[size_t{entry.pc} * (text_.size() + 1) + entry.position] = true;
        break;
    }
  }
  return false;
}

bool RegexFinder::enter_split(const Instruction& split, size_t position) {
  constexpr uint64_t kPatience = 64;  // steps for each character before failures are remembered
  if (failed_.empty() && steps_ > kPatience * (text_.size() + 64)) {
    failed_.resize(size_t{program_->splits} * (text_.size() + 1));
  }
  if (!failed_.empty()) {
    if (failed_[size_t{split.slot} * (text_.size() + 1) + position]) return false;
    stack_.push_back({Entry::Kind::kFailed, split.slot, position, 0});
  }
  stack_.push_back({Entry::Kind::kResume, split.other, position, 0});
  return true;
}

bool RegexFinder::holds(const Instruction& instruction, size_t position) const {
  const bool at_begin = position == 0;
  const bool at_end = position == text_.size();
  const auto next_is = [&](auto&& test) { return !at_end && test(at(position).value); };
  const auto last_is = [&](auto&& test) { return !at_begin && test(at(before(position)).value); };
  const auto in_set = [&](char32_t c) { return program_->sets[instruction.set].contains(c); };
  const auto newline = [](char32_t c) { return c == '\n'; };
  switch (instruction.assertion) {
    case Assert::kLineBegin: return at_begin || (last_is(newline) && !at_end);
    case Assert::kLineEnd: return at_end || next_is(newline);
    case Assert::kTextBegin: return at_begin;
    case Assert::kTextEnd: return at_end;
    case Assert::kTextEndLine: return at_end || (position + 1 == text_.size() && text_[position] == '\n');
    case Assert::kWord: return last_is(is_word_outside_brackets) != next_is(is_word_outside_brackets);
    case Assert::kNotWord: return last_is(is_word_outside_brackets) == next_is(is_word_outside_brackets);
    case Assert::kNext: return next_is(in_set);
    case Assert::kNotNext: return !next_is(in_set);
    case Assert::kBefore: return last_is(in_set);
    case Assert::kNotBefore: return !last_is(in_set);
  }
  return false;
}

}  // namespace mang
