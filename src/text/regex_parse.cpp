#include "text/regex_node.h"

#include "text/regex_class.h"
#include "text/unicode.h"

namespace mang::regex_detail {

namespace {

using Kind = Node::Kind;
using Mode = Instruction::Mode;
using Assert = Instruction::Assert;

constexpr int kMaxDepth = 32;
constexpr uint32_t kMaxRepeat = 1000;
constexpr uint32_t kNoLimit = UINT32_MAX;

Node set_node(CharSet set) {
  Node node;
  node.kind = Kind::kSet;
  node.set = std::move(set);
  return node;
}

Node assert_node(Assert assertion, CharSet set = {}) {
  Node node;
  node.kind = Kind::kAssert;
  node.assertion = assertion;
  node.set = std::move(set);
  return node;
}

Node wrap(Kind kind, Node part) {
  Node node;
  node.kind = kind;
  node.parts.push_back(std::move(part));
  return node;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  Result<Node> parse_all() {
    MANG_TRY(Node node, parse_choice(0));
    if (!done()) return fail("an unmatched ) at byte {}.", position_);
    return node;
  }

 private:
  [[nodiscard]] bool done() const { return position_ >= pattern_.size(); }
  [[nodiscard]] char peek() const { return pattern_[position_]; }
  bool accept(std::string_view text) {
    if (pattern_.substr(position_, text.size()) != text) return false;
    position_ += text.size();
    return true;
  }

  Result<Node> parse_choice(int depth) {
    if (depth > kMaxDepth) return fail("groups nested more than {} deep are refused.", kMaxDepth);
    const bool outer_ignore_case = ignore_case_;
    Node choice;
    choice.kind = Kind::kChoice;
    do {
      MANG_TRY(Node sequence, parse_sequence(depth));
      choice.parts.push_back(std::move(sequence));
    } while (accept("|"));
    ignore_case_ = outer_ignore_case;
    if (choice.parts.size() == 1) return std::move(choice.parts[0]);
    return choice;
  }

  Result<Node> parse_sequence(int depth) {
    Node sequence;
    sequence.kind = Kind::kSequence;
    folded_.clear();
    while (!done() && peek() != '|' && peek() != ')') {
      MANG_TRY(Node atom, parse_atom(depth));
      MANG_TRY(Node repeated, parse_repeats(std::move(atom)));
      sequence.parts.push_back(std::move(repeated));
    }
    folded_.clear();
    return sequence;
  }

  // * + ? {m,n}, each possibly followed by ? or +, possibly several in a row.
  Result<Node> parse_repeats(Node node) {
    while (!done()) {
      uint32_t min = 0;
      uint32_t max = kNoLimit;
      bool interval = false;
      if (accept("*")) {
      } else if (accept("+")) {
        min = 1;
      } else if (accept("?")) {
        max = 1;
      } else if (peek() == '{') {
        MANG_TRY(bool is_interval, parse_interval(min, max));
        if (!is_interval) return node;
        interval = true;
      } else {
        return node;
      }
      folded_.clear();
      Node repeat = wrap(Kind::kRepeat, std::move(node));
      repeat.min = min;
      repeat.max = max;
      if (interval && min == max && !done() && peek() == '?') return fail("{{n}}? is not supported.");
      if (accept("?")) {
        repeat.mode = Mode::kLazy;
      } else if (!interval && accept("+")) {  // {m,n}+ repeats the repeat, in Oniguruma's syntax
        repeat.mode = Mode::kPossessive;
      }
      node = std::move(repeat);
    }
    return node;
  }

  // False (and nothing consumed): the brace is a literal.
  Result<bool> parse_interval(uint32_t& min, uint32_t& max) {
    size_t p = position_ + 1;
    const auto number = [&](uint32_t& value) {
      const size_t begin = p;
      value = 0;
      while (p < pattern_.size() && pattern_[p] >= '0' && pattern_[p] <= '9' && value <= kMaxRepeat) {
        value = value * 10 + static_cast<uint32_t>(pattern_[p++] - '0');
      }
      return p > begin;
    };
    const bool has_min = number(min);
    bool has_max = false;
    const bool comma = p < pattern_.size() && pattern_[p] == ',';
    if (comma) {
      ++p;
      has_max = number(max);
    }
    if (p >= pattern_.size() || pattern_[p] != '}' || (!has_min && !has_max)) {
      return fail("a brace that is no {{m,n}} is not supported; write \\{{.");
    }
    if (!comma) max = min;
    if (comma && !has_max) max = kNoLimit;
    if (min > kMaxRepeat || (max != kNoLimit && (max > kMaxRepeat || max < min))) {
      return fail("the counts of {{m,n}} must be in order and at most {}.", kMaxRepeat);
    }
    position_ = p + 1;
    return true;
  }

  Result<Node> parse_atom(int depth) {
    const char c = peek();
    switch (c) {
      case '(': return parse_group(depth);
      case '[': {
        ++position_;
        folded_.clear();
        MANG_TRY(CharSet set, parse_bracket(pattern_, position_, ignore_case_, 0));
        return set_node(std::move(set));
      }
      case '.':
        ++position_;
        folded_.clear();
        return set_node(CharSet::of('\n', '\n').complement());
      case '^':
        ++position_;
        return assert_node(Assert::kLineBegin);
      case '$':
        ++position_;
        return assert_node(Assert::kLineEnd);
      case '\\': return parse_escape();
      case '{': return fail("a brace that is no {{m,n}} is not supported; write \\{{.");
      case '*':
      case '+':
      case '?': return fail("'{}' at byte {} repeats nothing.", c, position_);
      default: {
        const Decoded d = decode_utf8(pattern_.data() + position_, pattern_.data() + pattern_.size());
        if (d.value >= kInvalidByte) return fail("the pattern is not UTF-8.");
        position_ += d.length;
        return literal(d.value);
      }
    }
  }

  Result<Node> literal(char32_t c) {
    if (!ignore_case_) return set_node(CharSet::of(c, c));
    // Some characters equal a row of others when case is ignored (ß and ss): refused rather than missed.
    folded_.push_back(simple_fold(c));
    const bool cased_beyond_ascii =
        c > 127 && Unicode::get().is(c, mask_of(Category::Ll, Category::Lt, Category::Lu));
    if (cased_beyond_ascii || has_case_expansion(folded_)) {
      return fail("(?i) is not supported for the text before byte {}.", position_);
    }
    std::vector<CharSet::Range> ranges;
    for (char32_t variant : case_variants(c)) ranges.emplace_back(variant, variant);
    return set_node(CharSet::from_ranges(std::move(ranges)));
  }

  Result<Node> parse_escape() {
    ++position_;
    if (done()) return fail("the pattern ends in a backslash.");
    const char c = peek();
    CharSet set;
    if (escape_set(c, false, set)) {
      ++position_;
      folded_.clear();
      return set_node(std::move(set));
    }
    if (c == 'p' || c == 'P') {
      if (ignore_case_) return fail("\\p{{…}} under (?i) is not supported.");
      MANG_TRY(CharSet property, parse_property(pattern_, position_, false));
      return set_node(std::move(property));
    }
    constexpr std::pair<char, Assert> kAsserts[] = {{'A', Assert::kTextBegin}, {'z', Assert::kTextEnd},
                                                    {'Z', Assert::kTextEndLine}, {'b', Assert::kWord},
                                                    {'B', Assert::kNotWord}};
    for (const auto& [letter, assertion] : kAsserts) {
      if (letter == c) {
        ++position_;
        return assert_node(assertion);
      }
    }
    MANG_TRY(char32_t character, parse_escaped_character(pattern_, position_));
    return literal(character);
  }

  Result<Node> parse_group(int depth) {
    ++position_;
    folded_.clear();
    if (accept("?:")) return close_group(depth);
    if (accept("?>")) {
      MANG_TRY(Node body, close_group(depth));
      return wrap(Kind::kAtomic, std::move(body));
    }
    if (accept("?=")) return look(depth, false);
    if (accept("?!")) return look(depth, true);
    if (accept("?<=")) return look_behind(depth, false);
    if (accept("?<!")) return look_behind(depth, true);
    if (accept("?i:")) {
      const bool outer = ignore_case_;
      ignore_case_ = true;
      MANG_TRY(Node body, close_group(depth));
      ignore_case_ = outer;
      return body;
    }
    if (accept("?i)")) {  // until the end of the enclosing group, the alternatives after it included
      ignore_case_ = true;
      MANG_TRY(Node rest, parse_choice(depth + 1));
      return rest;
    }
    if (!done() && peek() == '?') return fail("the group '({}' is not supported.", pattern_.substr(position_, 3));
    return close_group(depth);
  }

  Result<Node> close_group(int depth) {
    MANG_TRY(Node body, parse_choice(depth + 1));
    if (!accept(")")) return fail("a group is not closed.");
    folded_.clear();
    return body;
  }

  // The set of a body that is exactly one character of a set.
  static const CharSet* one_character(const Node& node) {
    if (node.kind == Kind::kSet) return &node.set;
    if (node.kind == Kind::kSequence && node.parts.size() == 1) return one_character(node.parts[0]);
    return nullptr;
  }

  Result<Node> look(int depth, bool negate) {
    MANG_TRY(Node body, close_group(depth));
    if (const CharSet* set = one_character(body)) {
      return assert_node(negate ? Assert::kNotNext : Assert::kNext, *set);
    }
    Node node = wrap(Kind::kLook, std::move(body));
    node.negate = negate;
    return node;
  }

  Result<Node> look_behind(int depth, bool negate) {
    MANG_TRY(Node body, close_group(depth));
    const CharSet* set = one_character(body);
    if (set == nullptr) return fail("lookbehind of more than one character is not supported.");
    return assert_node(negate ? Assert::kNotBefore : Assert::kBefore, *set);
  }

  std::string_view pattern_;
  size_t position_ = 0;
  bool ignore_case_ = false;
  std::vector<char32_t> folded_;  // the literals just before, under (?i)
};

}  // namespace

Result<Node> parse(std::string_view pattern) {
  Parser parser(pattern);
  return parser.parse_all();
}

}  // namespace mang::regex_detail
