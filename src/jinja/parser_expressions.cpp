// Expressions, from the loosest binding (a if b else c) to the tightest (names, literals, brackets).
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "jinja/parser.h"

namespace mang::jinja {
namespace {

constexpr int kMaxBrackets = 150;  // recursion of the parser itself, about 15 calls a bracket

ExprPtr make(Expr::Kind kind, int line) { return std::make_unique<Expr>(kind, line); }

ExprPtr make(Expr::Kind kind, int line, ExprPtr a) {
  auto node = make(kind, line);
  node->add_kid(std::move(a));
  return node;
}

ExprPtr make(Expr::Kind kind, int line, ExprPtr a, ExprPtr b) {
  auto node = make(kind, line, std::move(a));
  node->add_kid(std::move(b));
  return node;
}

ExprPtr make_literal(int line, Literal literal) {
  auto node = make(Expr::Kind::literal, line);
  node->literal = std::move(literal);
  return node;
}

// Whether jinja2 folds this into a literal when it compiles.
bool is_constant(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::name:
    case Expr::Kind::call:
    case Expr::Kind::namespace_ref:
      return false;
    default:
      return std::all_of(expr.kids.begin(), expr.kids.end(),
                         [](const ExprPtr& kid) { return !kid || is_constant(*kid); });
  }
}

class NestingGuard {
 public:
  explicit NestingGuard(int& depth) : depth_(depth) { ++depth_; }
  ~NestingGuard() { --depth_; }
  NestingGuard(const NestingGuard&) = delete;
  NestingGuard& operator=(const NestingGuard&) = delete;

 private:
  int& depth_;
};

}  // namespace

ExprPtr Expr::clone() const {
  auto copy = std::make_unique<Expr>(kind, line);
  copy->use = use;
  copy->height = height;
  for (const auto& kid : kids) copy->kids.push_back(kid ? kid->clone() : nullptr);
  copy->text = text;
  copy->attribute = attribute;
  copy->literal = literal;
  copy->compares = compares;
  copy->positional = positional;
  copy->keywords = keywords;
  copy->star = star;
  copy->star_star = star_star;
  return copy;
}

// Chains such as a + b + c grow towards the left without the parser recursing; evaluation does recurse.
Result<ExprPtr> Parser::checked(ExprPtr node) const {
  if (node->height > kMaxExpressionHeight) {
    return error_at(node->line, "the expression is nested more than {} deep", kMaxExpressionHeight);
  }
  return node;
}

Result<ExprPtr> Parser::parse_tuple(const TupleRules& rules) {
  const int line = current().line;
  auto tuple = make(Expr::Kind::tuple, line);
  bool is_tuple = false;
  while (true) {
    if (!tuple->kids.empty()) MANG_TRY(expect_op(","));
    const Token& token = current();
    const bool at_end = token.type == TokenType::variable_end || token.type == TokenType::block_end ||
                        token.is_op(")") || (!rules.stop_name.empty() && token.is_name(rules.stop_name));
    if (at_end) break;
    if (rules.simplified) {
      MANG_TRY(ExprPtr item, parse_primary(rules.with_namespace));
      tuple->add_kid(std::move(item));
    } else {
      MANG_TRY(ExprPtr item, parse_expression(rules.conditional));
      tuple->add_kid(std::move(item));
    }
    if (!current().is_op(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!tuple->kids.empty()) return std::move(tuple->kids[0]);
    if (!rules.parentheses) return error_at(line, "Expected an expression, got '{}'", current().describe());
  }
  return checked(std::move(tuple));
}

Result<ExprPtr> Parser::parse_expression(bool conditional) { return conditional ? parse_conditional() : parse_or(); }

Result<ExprPtr> Parser::parse_conditional() {
  const NestingGuard guard(expression_nesting_);
  if (expression_nesting_ > kMaxBrackets) {
    return error_at(current().line, "the expression is nested more than {} deep", kMaxBrackets);
  }
  int line = current().line;
  MANG_TRY(ExprPtr value, parse_or());
  while (skip_name("if")) {
    MANG_TRY(ExprPtr test, parse_or());
    ExprPtr otherwise;
    if (skip_name("else")) {
      MANG_TRY(otherwise, parse_conditional());
    }
    value = make(Expr::Kind::conditional, line, std::move(value), std::move(test));
    value->add_kid(std::move(otherwise));
    MANG_TRY(value, checked(std::move(value)));
    line = current().line;
  }
  return value;
}

Result<ExprPtr> Parser::parse_or() {
  const NestingGuard guard(expression_nesting_);
  if (expression_nesting_ > 2 * kMaxBrackets) {
    return error_at(current().line, "the expression is nested more than {} deep", kMaxBrackets);
  }
  MANG_TRY(ExprPtr left, parse_and());
  while (current().is_name("or")) {
    const int line = next().line;
    MANG_TRY(ExprPtr right, parse_and());
    MANG_TRY(left, checked(make(Expr::Kind::logical_or, line, std::move(left), std::move(right))));
  }
  return left;
}

Result<ExprPtr> Parser::parse_and() {
  MANG_TRY(ExprPtr left, parse_not());
  while (current().is_name("and")) {
    const int line = next().line;
    MANG_TRY(ExprPtr right, parse_not());
    MANG_TRY(left, checked(make(Expr::Kind::logical_and, line, std::move(left), std::move(right))));
  }
  return left;
}

Result<ExprPtr> Parser::parse_not() {
  int line = current().line;
  bool negated = false;
  bool any = false;
  for (; skip_name("not"); any = true) negated = !negated;
  MANG_TRY(ExprPtr value, parse_compare());
  if (!any) return value;
  value = make(Expr::Kind::logical_not, line, std::move(value));
  if (!negated) value = make(Expr::Kind::logical_not, line, std::move(value));
  return checked(std::move(value));
}

Result<ExprPtr> Parser::parse_compare() {
  static constexpr std::pair<std::string_view, Compare> operators[] = {{"==", Compare::eq}, {"!=", Compare::ne},
                                                                       {"<", Compare::lt},  {"<=", Compare::le},
                                                                       {">", Compare::gt},  {">=", Compare::ge}};
  const int line = current().line;
  MANG_TRY(ExprPtr value, parse_sum());
  ExprPtr node;
  while (true) {
    std::optional<Compare> op;
    for (const auto& [text, compare] : operators) {
      if (current().is_op(text)) op = compare;
    }
    if (op) {
      next();
    } else if (skip_name("in")) {
      op = Compare::in;
    } else if (current().is_name("not") && look().is_name("in")) {
      next();
      next();
      op = Compare::not_in;
    } else {
      break;
    }
    if (!node) node = make(Expr::Kind::compare, line, std::move(value));
    MANG_TRY(ExprPtr right, parse_sum());
    node->compares.push_back(*op);
    node->add_kid(std::move(right));
  }
  if (!node) return value;
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_sum() {
  MANG_TRY(ExprPtr left, parse_concat());
  while (current().is_op("+") || current().is_op("-")) {
    const auto kind = current().is_op("+") ? Expr::Kind::add : Expr::Kind::subtract;
    const int line = next().line;
    MANG_TRY(ExprPtr right, parse_concat());
    MANG_TRY(left, checked(make(kind, line, std::move(left), std::move(right))));
  }
  return left;
}

Result<ExprPtr> Parser::parse_concat() {
  MANG_TRY(ExprPtr first, parse_product());
  if (!current().is_op("~")) return first;
  auto node = make(Expr::Kind::concat, current().line, std::move(first));
  while (skip_op("~")) {
    MANG_TRY(ExprPtr more, parse_product());
    node->add_kid(std::move(more));
  }
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_product() {
  static constexpr std::pair<std::string_view, Expr::Kind> operators[] = {{"*", Expr::Kind::multiply},
                                                                          {"/", Expr::Kind::divide},
                                                                          {"//", Expr::Kind::floor_divide},
                                                                          {"%", Expr::Kind::modulo}};
  MANG_TRY(ExprPtr left, parse_power());
  while (true) {
    std::optional<Expr::Kind> kind;
    for (const auto& [text, k] : operators) {
      if (current().is_op(text)) kind = k;
    }
    if (!kind) return left;
    const int line = next().line;
    MANG_TRY(ExprPtr right, parse_power());
    MANG_TRY(left, checked(make(*kind, line, std::move(left), std::move(right))));
  }
}

// Left to right, unlike Python: 2**3**2 is (2**3)**2, as jinja2 has it.
Result<ExprPtr> Parser::parse_power() {
  MANG_TRY(ExprPtr left, parse_unary());
  while (current().is_op("**")) {
    const int line = next().line;
    MANG_TRY(ExprPtr right, parse_unary());
    const bool folded_base = is_constant(*left) && !is_constant(*right);
    MANG_TRY(left, checked(make(Expr::Kind::power, line, std::move(left), std::move(right))));
    left->folded_base = folded_base;
  }
  return left;
}

Result<ExprPtr> Parser::parse_unary(bool with_filter) {
  const NestingGuard guard(expression_nesting_);
  if (expression_nesting_ > 2 * kMaxBrackets) {
    return error_at(current().line, "the expression is nested more than {} deep", kMaxBrackets);
  }
  ExprPtr node;
  const int line = current().line;
  if (current().is_op("-") || current().is_op("+")) {
    const auto kind = current().is_op("-") ? Expr::Kind::negative : Expr::Kind::positive;
    next();
    MANG_TRY(node, parse_unary(false));
    node = make(kind, line, std::move(node));
  } else {
    MANG_TRY(node, parse_primary());
  }
  MANG_TRY(node, parse_postfix(std::move(node)));
  if (with_filter) {
    MANG_TRY(node, parse_filters_and_tests(std::move(node)));
  }
  return node;
}

Result<ExprPtr> Parser::parse_primary(bool with_namespace) {
  const Token& token = current();
  switch (token.type) {
    case TokenType::name:
      return parse_name(with_namespace);
    case TokenType::integer:
    case TokenType::real:
      return parse_number();
    case TokenType::string: {
      std::string text;
      const int line = token.line;
      while (current().type == TokenType::string) text += next().text;
      return make_literal(line, std::move(text));
    }
    default:
      break;
  }
  if (token.is_op("(")) {
    next();
    MANG_TRY(ExprPtr inner, parse_tuple({.parentheses = true}));
    MANG_TRY(expect_op(")"));
    return inner;
  }
  if (token.is_op("[")) return parse_list();
  if (token.is_op("{")) return parse_dict();
  return error_at(token.line, "unexpected '{}'", token.describe());
}

Result<ExprPtr> Parser::parse_name(bool with_namespace) {
  const Token& token = next();
  const std::string& text = token.text;
  const int line = token.line;
  if (text == "true" || text == "True") return make_literal(line, true);
  if (text == "false" || text == "False") return make_literal(line, false);
  if (text == "none" || text == "None") return make_literal(line, std::monostate());
  if (with_namespace && current().is_op(".")) {
    next();
    auto node = make(Expr::Kind::namespace_ref, line);
    node->text = text;
    MANG_TRY(node->attribute, expect_any_name());
    return node;
  }
  auto node = make(Expr::Kind::name, line);
  node->text = text;
  return node;
}

Result<ExprPtr> Parser::parse_number() {
  const Token& token = next();
  const std::string& text = token.text;
  if (token.type == TokenType::real) return make_literal(token.line, std::strtod(text.c_str(), nullptr));
  int base = 10;
  size_t start = 0;
  if (text.size() > 2 && text[0] == '0' && text[1] > '9') {
    const char letter = static_cast<char>(text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
    start = 2;
  }
  int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data() + start, text.data() + text.size(), value, base);
  if (status == std::errc()) return make_literal(token.line, value);
  if (base != 10) return error_at(token.line, "the number {} does not fit 64 bits", text);
  if (text.size() > 4300) return error_at(token.line, "a number of {} digits is too long", text.size());
  return make_literal(token.line, BigLiteral{text});
}

Result<ExprPtr> Parser::parse_list() {
  auto node = make(Expr::Kind::list, next().line);
  while (!current().is_op("]")) {
    if (!node->kids.empty()) MANG_TRY(expect_op(","));
    if (current().is_op("]")) break;
    MANG_TRY(ExprPtr item, parse_expression());
    node->add_kid(std::move(item));
  }
  MANG_TRY(expect_op("]"));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_dict() {
  auto node = make(Expr::Kind::dict, next().line);
  while (!current().is_op("}")) {
    if (!node->kids.empty()) MANG_TRY(expect_op(","));
    if (current().is_op("}")) break;
    MANG_TRY(ExprPtr key, parse_expression());
    MANG_TRY(expect_op(":"));
    MANG_TRY(ExprPtr value, parse_expression());
    node->add_kid(std::move(key));
    node->add_kid(std::move(value));
  }
  MANG_TRY(expect_op("}"));
  return checked(std::move(node));
}

Result<ExprPtr> Parser::parse_postfix(ExprPtr node) {
  while (true) {
    if (current().is_op(".") || current().is_op("[")) {
      MANG_TRY(node, parse_subscript(std::move(node)));
    } else if (current().is_op("(")) {
      MANG_TRY(node, parse_call(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<ExprPtr> Parser::parse_filters_and_tests(ExprPtr node) {
  while (true) {
    if (current().is_op("|")) {
      MANG_TRY(node, parse_filter(std::move(node), false));
    } else if (current().is_name("is")) {
      MANG_TRY(node, parse_test(std::move(node)));
    } else if (current().is_op("(")) {
      MANG_TRY(node, parse_call(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<ExprPtr> Parser::parse_subscript(ExprPtr node) {
  const int line = current().line;
  if (next().text == ".") {
    const Token& token = next();
    if (token.type == TokenType::name) {
      auto access = make(Expr::Kind::attribute, line, std::move(node));
      access->text = token.text;
      return checked(std::move(access));
    }
    if (token.type != TokenType::integer) return error_at(token.line, "expected name or number");
    --at_;
    MANG_TRY(ExprPtr index, parse_number());
    return checked(make(Expr::Kind::item, line, std::move(node), std::move(index)));
  }
  std::vector<ExprPtr> arguments;
  bool has_slice = false;
  while (!current().is_op("]")) {
    if (!arguments.empty()) MANG_TRY(expect_op(","));
    bool is_slice = false;
    MANG_TRY(ExprPtr argument, parse_slice_or_index(is_slice));
    has_slice |= is_slice;
    arguments.push_back(std::move(argument));
  }
  MANG_TRY(expect_op("]"));
  if (arguments.size() == 1 && has_slice) {
    arguments[0]->kids[0] = std::move(node);
    arguments[0]->height = std::max(arguments[0]->height, arguments[0]->kids[0]->height + 1);
    return checked(std::move(arguments[0]));
  }
  if (has_slice) return error_at(line, "a slice beside other subscripts is not supported");
  if (arguments.size() == 1) return checked(make(Expr::Kind::item, line, std::move(node), std::move(arguments[0])));
  auto tuple = make(Expr::Kind::tuple, line);
  for (auto& argument : arguments) tuple->add_kid(std::move(argument));
  return checked(make(Expr::Kind::item, line, std::move(node), std::move(tuple)));
}

Result<ExprPtr> Parser::parse_slice_or_index(bool& is_slice) {
  const int line = current().line;
  ExprPtr start, stop, step;
  if (!current().is_op(":")) {
    MANG_TRY(start, parse_expression());
    if (!current().is_op(":")) return start;
  }
  next();
  is_slice = true;
  const auto at_end = [&] { return current().is_op("]") || current().is_op(","); };
  if (!current().is_op(":") && !at_end()) {
    MANG_TRY(stop, parse_expression());
  }
  if (skip_op(":") && !at_end()) {
    MANG_TRY(step, parse_expression());
  }
  auto node = make(Expr::Kind::slice, line);
  node->kids.push_back(nullptr);  // the sliced value, put there by the caller
  node->add_kid(std::move(start));
  node->add_kid(std::move(stop));
  node->add_kid(std::move(step));
  return node;
}

Result<ExprPtr> Parser::parse_call(ExprPtr callee) {
  auto node = make(Expr::Kind::call, current().line, std::move(callee));
  MANG_TRY(parse_arguments(*node));
  return checked(std::move(node));
}

Result<void> Parser::parse_arguments(Expr& call) {
  const int line = current().line;
  MANG_TRY(expect_op("("));
  const Error invalid = error_at(line, "invalid syntax for function call expression");
  ExprPtr star, star_star;
  bool first = true;
  for (; !current().is_op(")"); first = false) {
    if (!first) {
      MANG_TRY(expect_op(","));
      if (current().is_op(")")) break;
    }
    if (skip_op("*")) {
      if (star || star_star) return invalid;
      MANG_TRY(star, parse_expression());
    } else if (skip_op("**")) {
      if (star_star) return invalid;
      MANG_TRY(star_star, parse_expression());
    } else if (current().type == TokenType::name && look().is_op("=")) {
      if (star_star) return invalid;
      const std::string key = next().text;
      for (const auto& seen : call.keywords) {
        if (seen == key) return error_at(line, "keyword argument repeated: {}", key);
      }
      next();
      MANG_TRY(ExprPtr value, parse_expression());
      call.keywords.push_back(key);
      call.add_kid(std::move(value));
    } else {
      if (star || star_star || !call.keywords.empty()) return invalid;
      MANG_TRY(ExprPtr value, parse_expression());
      ++call.positional;
      call.add_kid(std::move(value));
    }
  }
  MANG_TRY(expect_op(")"));
  call.star = star != nullptr;
  call.star_star = star_star != nullptr;
  if (star) call.add_kid(std::move(star));
  if (star_star) call.add_kid(std::move(star_star));
  return {};
}

Result<ExprPtr> Parser::parse_filter(ExprPtr node, bool start_inline) {
  while (start_inline || current().is_op("|")) {
    if (!start_inline) next();
    start_inline = false;
    auto filter = make(Expr::Kind::filter, current().line, std::move(node));
    MANG_TRY(filter->text, expect_any_name());
    while (skip_op(".")) {
      MANG_TRY(std::string more, expect_any_name());
      filter->text += "." + more;
    }
    if (current().is_op("(")) MANG_TRY(parse_arguments(*filter));
    MANG_TRY(node, checked(std::move(filter)));
  }
  return node;
}

Result<ExprPtr> Parser::parse_test(ExprPtr value) {
  const int line = next().line;
  const bool negated = skip_name("not");
  auto test = make(Expr::Kind::test, line, std::move(value));
  MANG_TRY(test->text, expect_any_name());
  while (skip_op(".")) {
    MANG_TRY(std::string more, expect_any_name());
    test->text += "." + more;
  }
  const Token& token = current();
  const bool starts_argument = token.type == TokenType::name || token.type == TokenType::string ||
                               token.type == TokenType::integer || token.type == TokenType::real || token.is_op("[") ||
                               token.is_op("{");
  if (token.is_op("(")) {
    MANG_TRY(parse_arguments(*test));
  } else if (starts_argument && !token.is_name("else") && !token.is_name("or") && !token.is_name("and")) {
    if (token.is_name("is")) return error_at(token.line, "You cannot chain multiple tests with is");
    MANG_TRY(ExprPtr argument, parse_primary());
    MANG_TRY(argument, parse_postfix(std::move(argument)));
    test->positional = 1;
    test->add_kid(std::move(argument));
  }
  if (!negated) return checked(std::move(test));
  return checked(make(Expr::Kind::logical_not, line, std::move(test)));
}

}  // namespace mang::jinja
