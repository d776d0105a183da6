// Template source → tokens, as jinja2's lexer with trim_blocks and lstrip_blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang::jinja {

enum class TokenType : uint8_t {
  data,  // text between tags, whitespace control already applied
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  integer,
  real,
  op,  // an operator or a bracket: its text says which
  end,
};

struct Token {
  TokenType type = TokenType::end;
  int line = 1;
  std::string text;  // a name, the data, the string's value, the number without '_', the operator

  [[nodiscard]] bool is_op(std::string_view t) const { return type == TokenType::op && text == t; }
  [[nodiscard]] bool is_name(std::string_view t) const { return type == TokenType::name && text == t; }
  // How error messages call it.
  [[nodiscard]] std::string describe() const;
};

// An error carries its line: "line 3: unexpected '}'". The last token is `end`.
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace mang::jinja
