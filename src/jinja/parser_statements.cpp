// Statements: what stands between {% and %}.
#include <algorithm>

#include "jinja/parser.h"

namespace mang::jinja {
namespace {

StmtPtr make(Stmt::Kind kind, int line) { return std::make_unique<Stmt>(kind, line); }

bool can_assign(const Expr& target) {
  if (target.kind == Expr::Kind::tuple) {
    return std::all_of(target.kids.begin(), target.kids.end(), [](const ExprPtr& kid) { return can_assign(*kid); });
  }
  return target.kind == Expr::Kind::name || target.kind == Expr::Kind::namespace_ref;
}

void mark_store(Expr& target) {
  target.use = Expr::Use::store;
  for (auto& kid : target.kids) mark_store(*kid);
}

std::string quoted(const std::vector<std::string_view>& names) {
  std::string out;
  for (const auto name : names) out += fmt::format("{}'{}'", out.empty() ? "" : " or ", name);
  return out;
}

}  // namespace

Result<void> Parser::expect(TokenType type, std::string_view described) {
  if (current().type != type) {
    if (current().type == TokenType::end) {
      return error_at(current().line, "unexpected end of template, expected '{}'.", described);
    }
    return error_at(current().line, "expected token '{}', got '{}'", described, current().describe());
  }
  next();
  return {};
}

Result<void> Parser::expect_op(std::string_view op) {
  if (skip_op(op)) return {};
  return error_at(current().line, "expected token '{}', got '{}'", op, current().describe());
}

Result<void> Parser::expect_name(std::string_view name) {
  if (skip_name(name)) return {};
  return error_at(current().line, "expected token '{}', got '{}'", name, current().describe());
}

Result<std::string> Parser::expect_any_name() {
  if (current().type == TokenType::name) return next().text;
  return error_at(current().line, "expected token 'name', got '{}'", current().describe());
}

Error Parser::unknown_tag(const std::string& name) const {
  std::string message =
      name.empty() ? "Unexpected end of template." : fmt::format("Encountered unknown tag '{}'.", name);
  if (!expected_ends_.empty()) {
    bool known = false;
    for (const auto& ends : expected_ends_) known |= std::find(ends.begin(), ends.end(), name) != ends.end();
    message += known ? " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for "
                     : " Jinja was looking for the following tags: ";
    message += quoted(expected_ends_.back()) + ".";
  }
  if (!open_tags_.empty()) {
    const auto& [name_open, line] = open_tags_.back();
    message += fmt::format(" The innermost block that needs to be closed is '{}', opened in line {}.", name_open, line);
  }
  return error_at(current().line, "{}", message);
}

Result<Body> Parser::parse_template() {
  MANG_TRY(Body body, parse_body({}));
  return body;
}

// Up to (not including) one of the end tags, or the end of the template when there are none.
Result<Body> Parser::parse_body(const std::vector<std::string_view>& ends) {
  Body body;
  StmtPtr output;
  const auto flush = [&] {
    if (output) body.push_back(std::move(output));
  };
  while (current().type != TokenType::end) {
    const Token& token = current();
    if (token.type == TokenType::data || token.type == TokenType::variable_begin) {
      if (!output) output = make(Stmt::Kind::output, token.line);
      next();
      if (token.type == TokenType::data) {
        output->parts.push_back({token.text, nullptr});
        continue;
      }
      MANG_TRY(ExprPtr value, parse_tuple({}));
      MANG_TRY(expect(TokenType::variable_end, "end of print statement"));
      output->parts.push_back({"", std::move(value)});
      continue;
    }
    if (token.type != TokenType::block_begin) return error_at(token.line, "unexpected '{}'", token.describe());
    flush();
    next();
    if (current().type == TokenType::name && std::find(ends.begin(), ends.end(), current().text) != ends.end()) {
      return body;
    }
    MANG_TRY(StmtPtr statement, parse_statement());
    body.push_back(std::move(statement));
    MANG_TRY(expect(TokenType::block_end, "end of statement block"));
  }
  flush();
  if (!ends.empty()) return unknown_tag("");
  return body;
}

Result<Body> Parser::parse_block_body(const std::vector<std::string_view>& ends, bool drop_end) {
  skip_op(":");
  MANG_TRY(expect(TokenType::block_end, "end of statement block"));
  expected_ends_.push_back(ends);
  MANG_TRY(Body body, parse_body(ends));
  expected_ends_.pop_back();
  if (drop_end) next();
  return body;
}

Result<StmtPtr> Parser::parse_statement() {
  using Parse = Result<StmtPtr> (Parser::*)();
  static constexpr std::pair<std::string_view, Parse> statements[] = {{"for", &Parser::parse_for},
                                                                      {"if", &Parser::parse_if},
                                                                      {"macro", &Parser::parse_macro},
                                                                      {"call", &Parser::parse_call_block},
                                                                      {"filter", &Parser::parse_filter_block},
                                                                      {"set", &Parser::parse_set},
                                                                      {"with", &Parser::parse_with},
                                                                      {"block", &Parser::parse_block},
                                                                      {"autoescape", &Parser::parse_autoescape},
                                                                      {"print", &Parser::parse_print},
                                                                      {"generation", &Parser::parse_generation},
                                                                      {"include", &Parser::parse_refused},
                                                                      {"import", &Parser::parse_refused},
                                                                      {"from", &Parser::parse_refused},
                                                                      {"extends", &Parser::parse_refused}};
  if (current().type != TokenType::name) return error_at(current().line, "tag name expected");
  const std::string name = current().text;
  if (name == "break" || name == "continue") {
    return make(name == "break" ? Stmt::Kind::break_ : Stmt::Kind::continue_, next().line);
  }
  for (const auto& [tag, parse] : statements) {
    if (tag != name) continue;
    if (++statement_nesting_ > kMaxStatementNesting) {
      return error_at(current().line, "statements are nested more than {} deep", kMaxStatementNesting);
    }
    open_tags_.emplace_back(name, current().line);
    MANG_TRY(StmtPtr statement, (this->*parse)());
    open_tags_.pop_back();
    --statement_nesting_;
    return statement;
  }
  return unknown_tag(name);
}

Result<ExprPtr> Parser::parse_target(bool with_namespace, bool stop_at_in) {
  const int line = current().line;
  MANG_TRY(ExprPtr target, parse_tuple({.simplified = true,
                                        .with_namespace = with_namespace,
                                        .stop_name = stop_at_in ? std::string_view("in") : std::string_view()}));
  if (!can_assign(*target))
    return error_at(line, "can't assign to this expression; a target is a name or a tuple of names");
  mark_store(*target);
  return target;
}

Result<std::string> Parser::parse_target_name() {
  const int line = current().line;
  MANG_TRY(std::string name, expect_any_name());
  for (const std::string_view reserved : {"true", "false", "none", "True", "False", "None"}) {
    if (name == reserved) return error_at(line, "can't assign to '{}'", name);
  }
  return name;
}

Result<StmtPtr> Parser::parse_set() {
  auto node = make(Stmt::Kind::set, next().line);
  MANG_TRY(ExprPtr target, parse_target(true, false));
  node->exprs.push_back(std::move(target));
  if (skip_op("=")) {
    MANG_TRY(ExprPtr value, parse_tuple({}));
    node->exprs.push_back(std::move(value));
    return node;
  }
  node->kind = Stmt::Kind::set_block;
  MANG_TRY(ExprPtr filter, parse_filter(nullptr, false));
  node->exprs.push_back(std::move(filter));
  MANG_TRY(node->body, parse_block_body({"endset"}, true));
  return node;
}

Result<StmtPtr> Parser::parse_for() {
  auto node = make(Stmt::Kind::for_, next().line);
  node->loop = std::make_unique<LoopInfo>();
  LoopInfo& loop = *node->loop;
  MANG_TRY(loop.target, parse_target(false, true));
  MANG_TRY(expect_name("in"));
  MANG_TRY(loop.iterable, parse_tuple({.conditional = false, .stop_name = "recursive"}));
  if (skip_name("if")) {
    MANG_TRY(loop.test, parse_expression());
  }
  loop.recursive = skip_name("recursive");
  MANG_TRY(loop.body, parse_block_body({"endfor", "else"}, false));
  if (next().text == "else") {
    MANG_TRY(loop.otherwise, parse_block_body({"endfor"}, true));
  }
  return node;
}

Result<StmtPtr> Parser::parse_if() {
  auto node = make(Stmt::Kind::if_, current().line);
  while (true) {
    Branch branch;
    branch.line = next().line;
    MANG_TRY(branch.test, parse_tuple({.conditional = false}));
    MANG_TRY(branch.body, parse_block_body({"elif", "else", "endif"}, false));
    node->branches.push_back(std::move(branch));
    if (current().text == "elif") continue;
    break;
  }
  if (next().text == "else") {
    Branch branch;
    branch.line = current().line;
    MANG_TRY(branch.body, parse_block_body({"endif"}, true));
    node->branches.push_back(std::move(branch));
  }
  return node;
}

Result<StmtPtr> Parser::parse_with() {
  auto node = make(Stmt::Kind::with, next().line);
  while (current().type != TokenType::block_end && current().type != TokenType::end) {
    if (!node->exprs.empty()) MANG_TRY(expect_op(","));
    MANG_TRY(ExprPtr target, parse_target(false, false));
    MANG_TRY(expect_op("="));
    MANG_TRY(ExprPtr value, parse_expression());
    node->exprs.push_back(std::move(target));
    node->exprs.push_back(std::move(value));
  }
  MANG_TRY(node->body, parse_block_body({"endwith"}, true));
  return node;
}

Result<StmtPtr> Parser::parse_autoescape() {
  auto node = make(Stmt::Kind::autoescape, next().line);
  MANG_TRY(ExprPtr value, parse_expression());
  node->exprs.push_back(std::move(value));
  MANG_TRY(node->body, parse_block_body({"endautoescape"}, true));
  return node;
}

Result<StmtPtr> Parser::parse_block() {
  auto node = make(Stmt::Kind::block, next().line);
  MANG_TRY(node->text, expect_any_name());
  node->scoped = skip_name("scoped");
  node->required = skip_name("required");
  MANG_TRY(node->body, parse_block_body({"endblock"}, true));
  if (node->required) {
    for (const auto& inner : node->body) {
      bool blank = inner->kind == Stmt::Kind::output;
      for (const auto& part : inner->parts) {
        blank = blank && !part.expr && part.data.find_first_not_of(" \t\n\r\f\v") == std::string::npos;
      }
      if (!blank) return error_at(node->line, "Required blocks can only contain comments or whitespace");
    }
  }
  skip_name(node->text);
  return node;
}

Result<void> Parser::parse_signature(MacroInfo& macro) {
  MANG_TRY(expect_op("("));
  bool any_default = false;
  while (!current().is_op(")")) {
    if (!macro.parameters.empty()) MANG_TRY(expect_op(","));
    Parameter parameter;
    MANG_TRY(parameter.name, parse_target_name());
    for (const auto& other : macro.parameters) {
      if (other.name == parameter.name) return error_at(macro.line, "two parameters are named '{}'", other.name);
    }
    if (skip_op("=")) {
      MANG_TRY(parameter.default_value, parse_expression());
      any_default = true;
    } else if (any_default) {
      return error_at(current().line, "non-default argument follows default argument");
    }
    macro.parameters.push_back(std::move(parameter));
  }
  return expect_op(")");
}

Result<StmtPtr> Parser::parse_macro() {
  auto node = make(Stmt::Kind::macro, next().line);
  node->macro = std::make_unique<MacroInfo>();
  node->macro->line = node->line;
  MANG_TRY(node->macro->name, parse_target_name());
  MANG_TRY(parse_signature(*node->macro));
  MANG_TRY(node->macro->body, parse_block_body({"endmacro"}, true));
  return node;
}

Result<StmtPtr> Parser::parse_call_block() {
  auto node = make(Stmt::Kind::call_block, next().line);
  node->macro = std::make_unique<MacroInfo>();
  node->macro->line = node->line;
  if (current().is_op("(")) MANG_TRY(parse_signature(*node->macro));
  MANG_TRY(ExprPtr call, parse_expression());
  if (call->kind != Expr::Kind::call) return error_at(node->line, "expected call");
  node->exprs.push_back(std::move(call));
  MANG_TRY(node->macro->body, parse_block_body({"endcall"}, true));
  return node;
}

Result<StmtPtr> Parser::parse_generation() {
  auto node = make(Stmt::Kind::generation, next().line);
  node->macro = std::make_unique<MacroInfo>();
  node->macro->line = node->line;
  MANG_TRY(node->macro->body, parse_block_body({"endgeneration"}, true));
  return node;
}

Result<StmtPtr> Parser::parse_filter_block() {
  auto node = make(Stmt::Kind::filter_block, next().line);
  MANG_TRY(ExprPtr filter, parse_filter(nullptr, true));
  node->exprs.push_back(std::move(filter));
  MANG_TRY(node->body, parse_block_body({"endfilter"}, true));
  return node;
}

Result<StmtPtr> Parser::parse_print() {
  auto node = make(Stmt::Kind::output, next().line);
  while (current().type != TokenType::block_end && current().type != TokenType::end) {
    if (!node->parts.empty()) MANG_TRY(expect_op(","));
    MANG_TRY(ExprPtr value, parse_expression());
    node->parts.push_back({"", std::move(value)});
  }
  return node;
}

// include, import, from … import, extends: they read well and fail when they are reached, as in an environment that
// has no other templates.
Result<StmtPtr> Parser::parse_refused() {
  auto node = make(Stmt::Kind::refuse, current().line);
  node->text = next().text;
  MANG_TRY(ExprPtr source, parse_expression());
  const auto parse_context = [&] {
    if ((current().is_name("with") || current().is_name("without")) && look().is_name("context")) {
      next();
      next();
    }
  };
  if (node->text == "include") {
    if (current().is_name("ignore") && look().is_name("missing")) {
      next();
      next();
    }
    parse_context();
  } else if (node->text == "import") {
    MANG_TRY(expect_name("as"));
    MANG_TRY(parse_target_name());
    parse_context();
  } else if (node->text == "from") {
    MANG_TRY(expect_name("import"));
    do {
      MANG_TRY(std::string name, parse_target_name());
      if (skip_name("as")) MANG_TRY(parse_target_name());
    } while (skip_op(","));
    parse_context();
  }
  return node;
}

}  // namespace mang::jinja
