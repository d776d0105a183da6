#include "jinja/lexer.h"

#include <algorithm>
#include <array>

#include "jinja/string_escape.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

size_t count_lines(std::string_view text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

bool is_space_only(std::string_view text) { return unicode::strip(text, true, false).empty(); }

// \r\n and \r become \n; one newline at the very end is dropped.
std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out.push_back(source[i]);
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) MANG_TRY(lex_root());
    push(TokenType::end, "");
    return std::move(tokens_);
  }

 private:
  enum class Tag { none, block, variable, comment };

  template <typename... Args>
  [[nodiscard]] Error error(fmt::format_string<detail::Formatted<const Args&>...> text, const Args&... args) const {
    return fail("line {}: {}", line_, fail(text, args...));
  }
  void push(TokenType type, std::string text) { tokens_.push_back({type, line_, std::move(text)}); }
  [[nodiscard]] bool at(std::string_view text) const { return source_.substr(at_).starts_with(text); }
  [[nodiscard]] char peek(size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  void skip(size_t n) {
    line_ += static_cast<int>(count_lines(source_.substr(at_, n)));
    at_ += n;
  }
  void skip_space() { skip(source_.size() - at_ - unicode::strip(source_.substr(at_), true, false).size()); }

  Result<void> lex_root();
  Result<void> lex_raw(size_t tag_end);
  Result<void> lex_comment();
  Result<void> lex_code(Tag tag);
  Result<void> lex_token();
  bool try_end_of_tag(Tag tag);
  void emit_data(std::string_view text, char sign, Tag tag);
  size_t match_raw(size_t start) const;
  bool match_endraw(size_t start, char& sign, size_t& end, char& closing) const;
  size_t match_float() const;
  size_t match_integer() const;

  std::string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // the last match ended a line
  std::string brackets_;
  std::vector<Token> tokens_;
};

// Text before a tag: '-' strips all whitespace at its end; otherwise (lstrip_blocks) what stands on the tag's own line
// goes if it is only whitespace, except before a variable or after '+'.
void Lexer::emit_data(std::string_view text, char sign, Tag tag) {
  std::string_view kept = text;
  if (sign == '-') {
    kept = unicode::strip(text, false, true);
  } else if (sign != '+' && tag != Tag::variable) {
    const size_t last_newline = text.rfind('\n');
    const size_t start = last_newline == std::string_view::npos ? 0 : last_newline + 1;
    if ((start > 0 || line_starting_) && start < text.size() && is_space_only(text.substr(start))) {
      kept = text.substr(0, start);
    }
  }
  if (!kept.empty()) push(TokenType::data, std::string(kept));
  line_ += static_cast<int>(count_lines(text));
}

// The end of "{%- raw -%}" starting at `start`, or npos.
size_t Lexer::match_raw(size_t start) const {
  std::string_view rest = source_.substr(start + 2);
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  rest = unicode::strip(rest, true, false);
  if (!rest.starts_with("raw")) return std::string_view::npos;
  rest = unicode::strip(rest.substr(3), true, false);
  if (rest.starts_with("-%}")) {
    rest = unicode::strip(rest.substr(3), true, false);
  } else if (rest.starts_with("%}")) {
    rest.remove_prefix(2);
  } else {
    return std::string_view::npos;
  }
  return source_.size() - rest.size();
}

bool Lexer::match_endraw(size_t start, char& sign, size_t& end, char& closing) const {
  std::string_view rest = source_.substr(start + 2);
  sign = !rest.empty() && (rest[0] == '-' || rest[0] == '+') ? rest[0] : '\0';
  if (sign) rest.remove_prefix(1);
  rest = unicode::strip(rest, true, false);
  if (!rest.starts_with("endraw")) return false;
  rest = unicode::strip(rest.substr(6), true, false);
  closing = '\0';
  if (rest.starts_with("+%}")) {
    rest.remove_prefix(3);
  } else if (rest.starts_with("-%}")) {
    rest = unicode::strip(rest.substr(3), true, false);
  } else if (rest.starts_with("%}")) {
    rest.remove_prefix(2);
    if (rest.starts_with("\n")) rest.remove_prefix(1);
  } else {
    return false;
  }
  end = source_.size() - rest.size();
  return true;
}

Result<void> Lexer::lex_root() {
  // The first of {% {{ {#.
  size_t open = at_;
  Tag tag = Tag::none;
  for (; (open = source_.find('{', open)) != std::string_view::npos; ++open) {
    const char next = open + 1 < source_.size() ? source_[open + 1] : '\0';
    tag = next == '%' ? Tag::block : next == '{' ? Tag::variable : next == '#' ? Tag::comment : Tag::none;
    if (tag != Tag::none) break;
  }
  if (tag == Tag::none) {
    push(TokenType::data, std::string(source_.substr(at_)));
    at_ = source_.size();
    return {};
  }
  const char sign =
      open + 2 < source_.size() && (source_[open + 2] == '-' || source_[open + 2] == '+') ? source_[open + 2] : '\0';
  const size_t raw_end = tag == Tag::block ? match_raw(open) : std::string_view::npos;
  emit_data(source_.substr(at_, open - at_), sign, tag);
  at_ = open;
  line_starting_ = false;
  if (raw_end != std::string_view::npos) return lex_raw(raw_end);
  const TokenType type = tag == Tag::block ? TokenType::block_begin : TokenType::variable_begin;
  if (tag != Tag::comment) push(type, "");
  at_ += sign ? 3 : 2;
  if (tag == Tag::comment) return lex_comment();
  return lex_code(tag);
}

Result<void> Lexer::lex_raw(size_t tag_end) {
  line_starting_ = source_[tag_end - 1] == '\n';
  skip(tag_end - at_);
  for (size_t open = at_; (open = source_.find("{%", open)) != std::string_view::npos; ++open) {
    char sign = '\0', closing = '\0';
    size_t end = 0;
    if (!match_endraw(open, sign, end, closing)) continue;
    emit_data(source_.substr(at_, open - at_), sign, Tag::block);
    at_ = open;
    line_starting_ = source_[end - 1] == '\n';
    skip(end - at_);
    return {};
  }
  return error("Missing end of raw directive");
}

Result<void> Lexer::lex_comment() {
  const size_t close = source_.find("#}", at_);
  if (close == std::string_view::npos) return error("Missing end of comment tag");
  // The sign before "#}" belongs to the tag, unless it is the opening sign itself.
  const char sign = close > at_ ? source_[close - 1] : '\0';
  skip(close + 2 - at_);
  if (sign == '-') {
    skip_space();
  } else if (sign != '+' && peek() == '\n') {
    skip(1);
  }
  line_starting_ = source_[at_ - 1] == '\n';
  return {};
}

bool Lexer::try_end_of_tag(Tag tag) {
  if (!brackets_.empty()) return false;
  const std::string_view close = tag == Tag::block ? "%}" : "}}";
  const bool minus = peek() == '-', plus = tag == Tag::block && peek() == '+';
  if (source_.substr(at_ + (minus || plus ? 1 : 0), 2) != close) return false;
  push(tag == Tag::block ? TokenType::block_end : TokenType::variable_end, "");
  skip(minus || plus ? 3 : 2);
  if (minus) {
    skip_space();
  } else if (tag == Tag::block && !plus && peek() == '\n') {
    skip(1);
  }
  line_starting_ = source_[at_ - 1] == '\n';
  return true;
}

Result<void> Lexer::lex_code(Tag tag) {
  brackets_.clear();
  while (at_ < source_.size()) {
    if (try_end_of_tag(tag)) return {};
    MANG_TRY(lex_token());
  }
  return {};  // the parser reports the missing end
}

size_t digits_from(std::string_view text, size_t at) {
  // (\d+_)*\d+
  size_t end = at;
  while (end < text.size()) {
    if (text[end] >= '0' && text[end] <= '9') {
      ++end;
    } else if (text[end] == '_' && end > at && text[end - 1] != '_' && end + 1 < text.size() && text[end + 1] >= '0' &&
               text[end + 1] <= '9') {
      ++end;
    } else {
      break;
    }
  }
  return end;
}

size_t Lexer::match_float() const {
  if (at_ > 0 && source_[at_ - 1] == '.') return 0;
  size_t end = digits_from(source_, at_);
  if (end == at_) return 0;
  bool fraction = false, exponent = false;
  if (end + 1 < source_.size() && source_[end] == '.') {
    const size_t after = digits_from(source_, end + 1);
    if (after > end + 1) {
      end = after;
      fraction = true;
    }
  }
  if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
    size_t start = end + 1;
    if (start < source_.size() && (source_[start] == '+' || source_[start] == '-')) ++start;
    const size_t after = digits_from(source_, start);
    if (after > start) {
      end = after;
      exponent = true;
    }
  }
  return fraction || exponent ? end - at_ : 0;
}

size_t Lexer::match_integer() const {
  const auto run = [&](size_t start, auto&& is_digit) {  // (_?digit)*
    size_t end = start;
    while (end < source_.size()) {
      const size_t digit = source_[end] == '_' ? end + 1 : end;
      if (digit >= source_.size() || !is_digit(source_[digit])) break;
      end = digit + 1;
    }
    return end;
  };
  const auto decimal = [](char c) { return c >= '0' && c <= '9'; };
  if (!decimal(peek())) return 0;
  if (peek() != '0') return run(at_ + 1, decimal) - at_;
  const char base = static_cast<char>(peek(1) | 0x20);
  size_t end = at_ + 2;
  if (base == 'b') end = run(at_ + 2, [](char c) { return c == '0' || c == '1'; });
  if (base == 'o') end = run(at_ + 2, [](char c) { return c >= '0' && c <= '7'; });
  if (base == 'x') {
    end = run(at_ + 2, [&](char c) { return decimal(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); });
  }
  if (end > at_ + 2) return end - at_;
  return run(at_ + 1, [](char c) { return c == '0'; }) - at_;
}

Result<void> Lexer::lex_token() {
  size_t next = at_;
  const char32_t c = unicode::decode(source_, next);
  if (unicode::has(c, unicode::kSpace)) {
    skip_space();
    return {};
  }
  const auto number = [&](TokenType type, size_t size) {
    std::string text(source_.substr(at_, size));
    std::erase(text, '_');
    push(type, std::move(text));
    at_ += size;
  };
  if (const size_t size = match_float()) return number(TokenType::real, size), Result<void>();
  if (const size_t size = match_integer()) return number(TokenType::integer, size), Result<void>();

  const auto in_name = [](char32_t x) {
    constexpr uint16_t word = unicode::kAlpha | unicode::kDecimal | unicode::kDigit | unicode::kNumeric;
    return x == '_' || (unicode::properties(x) & (word | unicode::kIdContinue)) != 0;
  };
  if (in_name(c)) {
    const size_t start = at_;
    for (size_t end = at_; end < source_.size() && in_name(unicode::decode(source_, end));) at_ = end;
    const std::string_view name = source_.substr(start, at_ - start);
    if (!unicode::is_identifier(name)) return error("Invalid character in identifier '{}'", name);
    push(TokenType::name, std::string(name));
    return {};
  }
  if (c == '\'' || c == '"') {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != static_cast<char>(c)) end += source_[end] == '\\' ? 2 : 1;
    if (end < source_.size()) {
      auto value = unescape_string(source_.substr(at_ + 1, end - at_ - 1));
      if (!value) return error("{}", value.error());
      push(TokenType::string, *std::move(value));
      skip(end + 1 - at_);
      return {};
    }
    return error("the text that starts here with {} is not closed", static_cast<char>(c));
  }
  constexpr std::array<std::string_view, 26> operators = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "/",
                                                          "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                          ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
  const auto* op = std::find_if(operators.begin(), operators.end(), [&](std::string_view o) { return at(o); });
  if (op == operators.end()) {
    return error("unexpected char '{}'", source_.substr(at_, next - at_));
  }
  if (*op == "(" || *op == "[" || *op == "{") {
    brackets_.push_back(*op == "(" ? ')' : *op == "[" ? ']' : '}');
  } else if (*op == ")" || *op == "]" || *op == "}") {
    if (brackets_.empty()) {
      return error("unexpected '{}'{}", *op, *op == "}" ? "; an output ends with '}}', a statement with '%}'" : "");
    }
    if (brackets_.back() != (*op)[0]) return error("unexpected '{}', expected '{}'", *op, brackets_.back());
    brackets_.pop_back();
  }
  push(TokenType::op, std::string(*op));
  at_ += op->size();
  return {};
}

}  // namespace

std::string Token::describe() const {
  switch (type) {
    case TokenType::data:
      return "template data / text";
    case TokenType::variable_begin:
      return "begin of print statement";
    case TokenType::variable_end:
      return "end of print statement";
    case TokenType::block_begin:
      return "begin of statement block";
    case TokenType::block_end:
      return "end of statement block";
    case TokenType::end:
      return "end of template";
    case TokenType::name:
    case TokenType::op:
      return text;
    case TokenType::string:
      return "string";
    case TokenType::integer:
      return "integer";
    case TokenType::real:
      return "float";
  }
  return text;
}

Result<std::vector<Token>> tokenize(std::string_view source) {
  const std::string text = normalize_newlines(source);
  return Lexer(text).run();
}

}  // namespace mang::jinja
