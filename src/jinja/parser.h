// Tokens → statements, by jinja2's grammar. Nesting is bounded, so that no template can exhaust the stack.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/ast.h"
#include "jinja/lexer.h"

namespace mang::jinja {

inline constexpr int kMaxStatementNesting = 100;  // if, for, macro … inside each other
inline constexpr int kMaxExpressionHeight = 400;  // operators, calls and brackets inside each other

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Body> parse_template();

 private:
  // Statements: parser_statements.cpp.
  Result<Body> parse_body(const std::vector<std::string_view>& ends);
  Result<Body> parse_block_body(const std::vector<std::string_view>& ends, bool drop_end);
  Result<StmtPtr> parse_statement();
  Result<StmtPtr> parse_for();
  Result<StmtPtr> parse_if();
  Result<StmtPtr> parse_macro();
  Result<StmtPtr> parse_call_block();
  Result<StmtPtr> parse_generation();
  Result<StmtPtr> parse_filter_block();
  Result<StmtPtr> parse_set();
  Result<StmtPtr> parse_with();
  Result<StmtPtr> parse_block();
  Result<StmtPtr> parse_autoescape();
  Result<StmtPtr> parse_print();
  Result<StmtPtr> parse_refused();
  Result<void> parse_signature(MacroInfo& macro);
  Result<ExprPtr> parse_target(bool with_namespace, bool stop_at_in);
  Result<std::string> parse_target_name();
  Error unknown_tag(const std::string& name) const;

  // Expressions: parser_expressions.cpp.
  struct TupleRules {
    bool simplified = false;  // names and literals only
    bool conditional = true;  // "a if b" may appear
    bool parentheses = false;
    bool with_namespace = false;
    std::string_view stop_name;  // a name that ends the tuple
  };
  Result<ExprPtr> parse_tuple(const TupleRules& rules);
  Result<ExprPtr> parse_expression(bool conditional = true);
  Result<ExprPtr> parse_conditional();
  Result<ExprPtr> parse_or();
  Result<ExprPtr> parse_and();
  Result<ExprPtr> parse_not();
  Result<ExprPtr> parse_compare();
  Result<ExprPtr> parse_sum();
  Result<ExprPtr> parse_concat();
  Result<ExprPtr> parse_product();
  Result<ExprPtr> parse_power();
  Result<ExprPtr> parse_unary(bool with_filter = true);
  Result<ExprPtr> parse_primary(bool with_namespace = false);
  Result<ExprPtr> parse_name(bool with_namespace);
  Result<ExprPtr> parse_number();
  Result<ExprPtr> parse_list();
  Result<ExprPtr> parse_dict();
  Result<ExprPtr> parse_postfix(ExprPtr node);
  Result<ExprPtr> parse_filters_and_tests(ExprPtr node);
  Result<ExprPtr> parse_subscript(ExprPtr node);
  Result<ExprPtr> parse_slice_or_index(bool& is_slice);
  Result<ExprPtr> parse_call(ExprPtr callee);
  Result<void> parse_arguments(Expr& call);
  Result<ExprPtr> parse_filter(ExprPtr node, bool start_inline);
  Result<ExprPtr> parse_test(ExprPtr node);
  Result<ExprPtr> checked(ExprPtr node) const;

  // Tokens.
  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& look() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  const Token& next() {
    const Token& token = tokens_[at_];
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool skip_op(std::string_view op) { return current().is_op(op) && (next(), true); }
  bool skip_name(std::string_view name) { return current().is_name(name) && (next(), true); }
  Result<void> expect(TokenType type, std::string_view described);
  Result<void> expect_op(std::string_view op);
  Result<void> expect_name(std::string_view name);
  Result<std::string> expect_any_name();
  template <typename... Args>
  [[nodiscard]] Error error_at(int line, fmt::format_string<detail::Formatted<const Args&>...> text,
                               const Args&... args) const {
    return fail("line {}: {}", line, fail(text, args...));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int statement_nesting_ = 0;
  int expression_nesting_ = 0;
  std::vector<std::pair<std::string, int>> open_tags_;  // with their lines
  std::vector<std::vector<std::string_view>> expected_ends_;
};

}  // namespace mang::jinja
