#include "jinja/resolver.h"

#include <deque>

#include "jinja/filters.h"
#include "jinja/symbols.h"

namespace mang::jinja {
namespace {

// Where the resolver stands: jinja2's Frame.
struct Frame {
  Symbols* symbols;
  FunctionInfo* function;
  bool toplevel = false;  // assignments are seen by blocks
  bool soft = false;      // in an if: unknown filters fail only when they are reached
  bool in_loop = false;   // break and continue have a loop in this function
};

class Resolver {
 public:
  explicit Resolver(Program& program) : program_(program) {}

  Result<void> run() {
    FunctionInfo& root = new_function(nullptr);
    Frame frame = inner(nullptr, root);
    frame.toplevel = true;
    if (!find_undeclared(program_.body, {"self"}, budget_).empty()) {
      program_.self_index = frame.symbols->declare_parameter("self").index;
    }
    frame.symbols->visit(program_.body);
    program_.scope = scope_of(frame);
    MANG_TRY(resolve(program_.body, frame));
    MANG_TRY(resolve_blocks());
    program_.slots = static_cast<uint16_t>(root.slots.size());
    for (const auto& function : functions_) {
      if (function.overflow) return fail("the template has more than {} variables in one place", UINT16_MAX);
    }
    return {};
  }

 private:
  FunctionInfo& new_function(const FunctionInfo* parent) {
    functions_.push_back({parent, {}, false});
    return functions_.back();
  }
  Frame inner(const Symbols* parent, FunctionInfo& function) {
    symbols_.emplace_back(parent, function, budget_);
    return {&symbols_.back(), &function};
  }
  // A scope inside `frame`, in the same function.
  Frame inner(const Frame& frame) {
    Frame out = inner(frame.symbols, *frame.function);
    out.in_loop = frame.in_loop;
    return out;
  }

  template <typename... Args>
  [[nodiscard]] Error error_at(int line, fmt::format_string<detail::Formatted<const Args&>...> text,
                               const Args&... args) const {
    return fail("line {}: {}", line, fail(text, args...));
  }

  static Slot slot_of(const Variable& variable, const Frame& frame) {
    uint16_t hops = 0;
    for (const FunctionInfo* f = frame.function; f && f != variable.function; f = f->parent) ++hops;
    return {hops, variable.index};
  }

  static Scope scope_of(const Frame& frame) {
    Scope scope;
    for (const auto& [variable, load] : frame.symbols->loads()) {
      scope.forget.push_back(variable.index);
      switch (load.from) {
        case VariableLoad::From::parameter:
          break;
        case VariableLoad::From::context:
          scope.loads.push_back({Load::From::context, variable.index, {}, load.name});
          break;
        case VariableLoad::From::alias:
          scope.loads.push_back({Load::From::alias, variable.index, slot_of(load.source, frame), {}});
          break;
        case VariableLoad::From::nothing:
          scope.loads.push_back({Load::From::nothing, variable.index, {}, {}});
          break;
      }
    }
    return scope;
  }

  Result<void> resolve(Body& body, const Frame& frame) {
    if (budget_.exceeded()) return fail("the template has too many names, loops and conditions inside each other");
    for (auto& statement : body) MANG_TRY(resolve(*statement, frame));
    return {};
  }
  Result<void> resolve(Stmt& statement, const Frame& frame);
  Result<void> resolve(Expr& expr, const Frame& frame);
  Result<void> resolve_loop(LoopInfo& loop, int line, const Frame& frame);
  Result<void> resolve_macro(MacroInfo& macro, const Frame& frame);
  Result<void> resolve_with(Stmt& statement, const Frame& frame);
  Result<void> resolve_block_statement(Stmt& statement, const Frame& frame);
  Result<void> resolve_blocks();
  void export_targets(const Expr& target, const Frame& frame, Stmt& statement);

  Program& program_;
  std::deque<FunctionInfo> functions_;
  std::deque<Symbols> symbols_;
  ResolverBudget budget_;
  std::vector<Stmt*> pending_blocks_;
  std::set<std::string> block_names_;
};

Result<void> Resolver::resolve(Expr& expr, const Frame& frame) {
  using Kind = Expr::Kind;
  switch (expr.kind) {
    case Kind::literal:
      expr.constant = static_cast<uint32_t>(program_.constants.size());
      program_.constants.push_back(&expr);
      return {};
    case Kind::name:
    case Kind::namespace_ref: {
      const auto variable = frame.symbols->find(expr.text);
      if (!variable) return error_at(expr.line, "the name '{}' cannot be resolved here", expr.text);
      expr.slot = slot_of(*variable, frame);
      return {};
    }
    case Kind::filter:
    case Kind::test: {
      const bool is_filter = expr.kind == Kind::filter;
      expr.builtin = is_filter ? find_filter(expr.text) : find_test(expr.text);
      if (!expr.builtin && !frame.soft) {
        return error_at(expr.line, "No {} named '{}'.", is_filter ? "filter" : "test", expr.text);
      }
      break;
    }
    default:
      break;
  }
  Frame kids = frame;
  if (expr.kind == Kind::conditional) kids.soft = true;
  for (auto& kid : expr.kids) {
    if (kid) MANG_TRY(resolve(*kid, kids));
  }
  return {};
}

void Resolver::export_targets(const Expr& target, const Frame& frame, Stmt& statement) {
  if (!frame.toplevel) return;
  if (target.kind == Expr::Kind::name) statement.exports.emplace_back(target.text, target.slot);
  for (const auto& kid : target.kids) export_targets(*kid, frame, statement);
}

Result<void> Resolver::resolve(Stmt& statement, const Frame& frame) {
  using Kind = Stmt::Kind;
  switch (statement.kind) {
    case Kind::output:
      for (auto& part : statement.parts) {
        if (part.expr) MANG_TRY(resolve(*part.expr, frame));
      }
      return {};
    case Kind::if_: {
      Frame soft = frame;
      soft.soft = true;
      for (auto& branch : statement.branches) {
        if (branch.test) MANG_TRY(resolve(*branch.test, soft));
        MANG_TRY(resolve(branch.body, soft));
      }
      return {};
    }
    case Kind::for_:
      return resolve_loop(*statement.loop, statement.line, frame);
    case Kind::macro: {
      MANG_TRY(resolve_macro(*statement.macro, frame));
      statement.slot = slot_of(frame.symbols->find(statement.macro->name).value_or(Variable{}), frame);
      if (frame.toplevel) statement.exports.emplace_back(statement.macro->name, statement.slot);
      return {};
    }
    case Kind::call_block:
      MANG_TRY(resolve_macro(*statement.macro, frame));
      return resolve(*statement.exprs[0], frame);
    case Kind::generation:
      return resolve_macro(*statement.macro, frame);
    case Kind::set:
      for (auto& expr : statement.exprs) MANG_TRY(resolve(*expr, frame));
      export_targets(*statement.exprs[0], frame, statement);
      return {};
    case Kind::set_block:
    case Kind::filter_block:
    case Kind::autoescape:
      return resolve_block_statement(statement, frame);
    case Kind::with:
      return resolve_with(statement, frame);
    case Kind::block: {
      if (!block_names_.insert(statement.text).second) {
        return error_at(statement.line, "block '{}' defined twice", statement.text);
      }
      pending_blocks_.push_back(&statement);
      if (statement.scoped) {
        for (const auto& [name, variable] : frame.symbols->stored_names()) {
          statement.exports.emplace_back(name, slot_of(variable, frame));
        }
      }
      return {};
    }
    case Kind::refuse:
      return {};
    case Kind::break_:
    case Kind::continue_:
      if (!frame.in_loop) {
        return error_at(statement.line, "'{}' outside loop", statement.kind == Kind::break_ ? "break" : "continue");
      }
      return {};
  }
  return {};
}

// {% set %}…{% endset %}, {% filter %}, {% autoescape %}: a scope of their own in the same function.
Result<void> Resolver::resolve_block_statement(Stmt& statement, const Frame& frame) {
  Frame scope = inner(frame);
  if (statement.kind == Stmt::Kind::set_block) {
    scope.symbols->visit(statement.body);
    if (statement.exprs[1]) scope.symbols->visit(*statement.exprs[1]);
  } else {
    if (statement.kind == Stmt::Kind::autoescape) scope.symbols->visit(*statement.exprs[0]);
    scope.symbols->visit(statement.body);
    if (statement.kind == Stmt::Kind::filter_block) scope.symbols->visit(*statement.exprs[0]);
  }
  statement.scope = scope_of(scope);
  MANG_TRY(resolve(statement.body, scope));
  if (statement.kind != Stmt::Kind::set_block) return resolve(*statement.exprs[0], scope);
  if (statement.exprs[1]) MANG_TRY(resolve(*statement.exprs[1], scope));
  MANG_TRY(resolve(*statement.exprs[0], frame));
  export_targets(*statement.exprs[0], frame, statement);
  return {};
}

Result<void> Resolver::resolve_with(Stmt& statement, const Frame& frame) {
  Frame scope = inner(frame);
  for (size_t i = 0; i < statement.exprs.size(); i += 2) scope.symbols->visit(*statement.exprs[i], true);
  scope.symbols->visit(statement.body);
  statement.scope = scope_of(scope);
  for (size_t i = 0; i < statement.exprs.size(); i += 2) {
    MANG_TRY(resolve(*statement.exprs[i], scope));
    MANG_TRY(resolve(*statement.exprs[i + 1], frame));
  }
  return resolve(statement.body, scope);
}

Result<void> Resolver::resolve_loop(LoopInfo& loop, int line, const Frame& frame) {
  loop.has_loop = loop.recursive || !find_undeclared(loop.body, {"loop"}, budget_).empty() ||
                  has_scoped_block(loop.body, budget_) || has_scoped_block(loop.otherwise, budget_);
  FunctionInfo& function = loop.recursive ? new_function(frame.function) : *frame.function;
  Frame body = inner(frame.symbols, function);
  Frame otherwise = inner(frame.symbols, function);
  body.in_loop = true;
  otherwise.in_loop = frame.in_loop && !loop.recursive;
  if (loop.has_loop) loop.loop_index = body.symbols->declare_parameter("loop").index;
  body.symbols->visit(*loop.target, true);
  body.symbols->visit(loop.body);
  otherwise.symbols->visit(loop.otherwise);
  if (assigns_name(loop, "loop", budget_)) {
    return error_at(line, "Can't assign to special loop variable in for-loop target");
  }
  if (loop.test) {
    FunctionInfo& filter = new_function(frame.function);
    Frame test = inner(frame.symbols, filter);
    loop.test_target = loop.target->clone();
    test.symbols->visit(*loop.test_target, true);
    test.symbols->visit(*loop.test);
    MANG_TRY(resolve(*loop.test_target, test));
    MANG_TRY(resolve(*loop.test, test));
    loop.test_scope = scope_of(test);
    loop.test_slots = static_cast<uint16_t>(filter.slots.size());
  }
  MANG_TRY(resolve(*loop.iterable, frame));
  loop.scope = scope_of(body);
  loop.otherwise_scope = scope_of(otherwise);
  MANG_TRY(resolve(*loop.target, body));
  MANG_TRY(resolve(loop.body, body));
  MANG_TRY(resolve(loop.otherwise, otherwise));
  if (loop.recursive) loop.slots = static_cast<uint16_t>(function.slots.size());
  return {};
}

Result<void> Resolver::resolve_macro(MacroInfo& macro, const Frame& frame) {
  FunctionInfo& function = new_function(frame.function);
  Frame scope = inner(frame.symbols, function);
  Symbols& symbols = *scope.symbols;
  bool names_kwargs = false, names_varargs = false;
  for (auto& parameter : macro.parameters) {
    parameter.index = symbols.declare_parameter(parameter.name).index;
    names_kwargs |= parameter.name == "kwargs";
    names_varargs |= parameter.name == "varargs";
  }
  for (auto& parameter : macro.parameters) {
    if (parameter.default_value) symbols.visit(*parameter.default_value);
  }
  symbols.visit(macro.body);
  const auto special = find_undeclared(macro.body, {"caller", "kwargs", "varargs"}, budget_);
  for (const auto& parameter : macro.parameters) {
    if (parameter.name != "caller") continue;
    macro.explicit_caller = true;
    if (special.contains("caller") && !parameter.default_value) {
      return error_at(
          macro.line,
          "When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.");
    }
  }
  macro.uses_caller = special.contains("caller");
  if (macro.uses_caller && !macro.explicit_caller) macro.caller_index = symbols.declare_parameter("caller").index;
  if (special.contains("kwargs") && !names_kwargs) {
    macro.uses_kwargs = true;
    macro.kwargs_index = symbols.declare_parameter("kwargs").index;
  }
  if (special.contains("varargs") && !names_varargs) {
    macro.uses_varargs = true;
    macro.varargs_index = symbols.declare_parameter("varargs").index;
  }
  macro.scope = scope_of(scope);
  for (auto& parameter : macro.parameters) {
    if (parameter.default_value) MANG_TRY(resolve(*parameter.default_value, scope));
  }
  MANG_TRY(resolve(macro.body, scope));
  macro.slots = static_cast<uint16_t>(function.slots.size());
  return {};
}

// Blocks see the context and top-level assignments, not the scope they stand in.
Result<void> Resolver::resolve_blocks() {
  for (size_t i = 0; i < pending_blocks_.size(); ++i) {
    Stmt& statement = *pending_blocks_[i];
    BlockInfo block;
    block.name = statement.text;
    block.statement = &statement;
    FunctionInfo& function = new_function(nullptr);
    Frame frame = inner(nullptr, function);
    const auto special = find_undeclared(statement.body, {"self", "super"}, budget_);
    if (special.contains("self")) block.self_index = frame.symbols->declare_parameter("self").index;
    if (special.contains("super")) block.super_index = frame.symbols->declare_parameter("super").index;
    frame.symbols->visit(statement.body);
    block.scope = scope_of(frame);
    MANG_TRY(resolve(statement.body, frame));
    block.slots = static_cast<uint16_t>(function.slots.size());
    program_.blocks.push_back(std::move(block));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Program>> resolve_program(Body source, std::string name) {
  auto program = std::make_shared<Program>();
  program->name = std::move(name);
  program->body = std::move(source);
  MANG_TRY(Resolver(*program).run());
  return std::shared_ptr<const Program>(std::move(program));
}

}  // namespace mang::jinja
