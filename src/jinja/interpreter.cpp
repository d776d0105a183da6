// Statements.
#include "jinja/interpreter.h"

#include "jinja/filters.h"
#include "jinja/scope_exit.h"
#include "jinja/template_reference.h"

namespace mang::jinja {

Interpreter::Interpreter(Runtime& rt, const Program& program, const Dict& context)
    : rt_(rt),
      program_(program),
      context_(context),
      exported_(rt.new_dict()),
      constants_(program.constants.size(), Value::missing()) {
  rt.memory.add(constants_.size() * sizeof(Value));
}

Result<std::string> Interpreter::render() {
  Builder out(rt_);
  const Env env = rt_.make_cyclic<Environment>(Env(), program_.slots);
  if (program_.self_index) env->own(*program_.self_index) = Runtime::opaque(rt_.make<TemplateReference>(*this));
  MANG_TRY(enter(program_.scope, env));
  MANG_TRY(run(program_.body, env, out));
  MANG_TRY(rt_.step());
  return out.take();
}

// A context variable, or a top-level assignment, or a global function.
Result<Value> Interpreter::lookup(const std::string& name) {
  if (overlay_) {
    if (const Value* value = overlay_->find(name)) return *value;
  }
  if (const Value* value = exported_->find(name)) return *value;
  if (const Value* value = context_.find(name)) return *value;
  return find_global(rt_, name);
}

Result<void> Interpreter::enter(const Scope& scope, const Env& env) {
  for (const Load& load : scope.loads) {
    MANG_TRY(rt_.step());
    switch (load.from) {
      case Load::From::context: {
        MANG_TRY(env->own(load.index), lookup(load.name));
        break;
      }
      case Load::From::alias:
        env->own(load.index) = Value(env->at(load.source));
        break;
      case Load::From::nothing:
        env->own(load.index) = Value::missing();
        break;
    }
  }
  return {};
}

void Interpreter::leave(const Scope& scope, const Env& env) {
  for (const uint16_t index : scope.forget) env->own(index) = Value::missing();
}

Result<void> Interpreter::print(const Value& value, Builder& out) {
  if (!rt_.autoescape) return append_str(rt_, out, value);
  MANG_TRY(Value escaped, escape_value(rt_, value));
  return out.append(escaped.str());
}

// The output of a filter or call block: jinja2 hands it on as it is, and only text joins the rest.
Result<void> Interpreter::print_text(const Value& value, Builder& out) {
  if (!value.is(Kind::string)) return fail("the block's result must be text, not {}", type_name(value));
  return out.append(value.str());
}

Result<Interpreter::Flow> Interpreter::run(const Body& body, const Env& env, Builder& out) {
  for (const auto& statement : body) {
    MANG_TRY(rt_.step());
    rt_.line = statement->line;
    MANG_TRY(Flow flow, run(*statement, env, out));
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Result<Interpreter::Flow> Interpreter::run(const Stmt& statement, const Env& env, Builder& out) {
  const DepthGuard depth(rt_);
  MANG_TRY(depth.check());
  using Kind = Stmt::Kind;
  switch (statement.kind) {
    case Kind::output:
      return run_output(statement, env, out);
    case Kind::if_:
      return run_if(statement, env, out);
    case Kind::for_:
      return run_for(statement, env, out);
    case Kind::macro:
    case Kind::call_block:
    case Kind::generation:
      return run_macro_statement(statement, env, out);
    case Kind::set:
      return run_set(statement, env);
    case Kind::set_block:
    case Kind::filter_block:
      return run_captured(statement, env, out);
    case Kind::with:
      return run_with(statement, env, out);
    case Kind::autoescape:
      return run_autoescape(statement, env, out);
    case Kind::block:
      return run_block(statement, env, out);
    case Kind::refuse:
      return fail("'{}' is refused: a chat template stands alone, there are no other templates to load",
                  statement.text);
    case Kind::break_:
      return Flow::break_loop;
    case Kind::continue_:
      return Flow::continue_loop;
  }
  return Flow::normal;
}

Result<Interpreter::Flow> Interpreter::run_output(const Stmt& statement, const Env& env, Builder& out) {
  for (const auto& part : statement.parts) {
    if (!part.expr) {
      MANG_TRY(rt_.step());
      MANG_TRY(out.append(part.data));
      continue;
    }
    rt_.line = part.expr->line;
    MANG_TRY(Value value, eval(*part.expr, env));
    MANG_TRY(print(value, out));
  }
  return Flow::normal;
}

Result<Interpreter::Flow> Interpreter::run_if(const Stmt& statement, const Env& env, Builder& out) {
  for (const auto& branch : statement.branches) {
    if (branch.test) {
      rt_.line = branch.line;
      MANG_TRY(bool taken, eval_truth(*branch.test, env));
      if (!taken) continue;
    }
    return run(branch.body, env, out);
  }
  return Flow::normal;
}

Result<Interpreter::Flow> Interpreter::run_for(const Stmt& statement, const Env& env, Builder& out) {
  const LoopInfo& loop = *statement.loop;
  MANG_TRY(Value items, eval(*loop.iterable, env));
  rt_.line = statement.line;
  if (!loop.recursive) return run_loop(loop, items, env, env, 0, out);
  MANG_TRY(Value text, render_recursive_loop(loop, env, items, 0));
  MANG_TRY(print_text(text, out));
  return Flow::normal;
}

Result<Value> Interpreter::render_recursive_loop(const LoopInfo& loop, const Env& closure, const Value& items,
                                                 int64_t depth0) {
  if (rt_.call_depth >= kMaxCallDepth)
    return fail("a recursive loop calls itself more than {} times deep", kMaxCallDepth);
  ++rt_.call_depth;
  const ScopeExit leave_call([this] { --rt_.call_depth; });
  Builder out(rt_);
  const Env env = rt_.make_cyclic<Environment>(closure, loop.slots);
  MANG_TRY(rt_.work_items(loop.slots));
  MANG_TRY(run_loop(loop, items, closure, env, depth0, out));
  env->clear();
  return rt_.string(out.take(), rt_.autoescape);
}

// The items the loop's `if` lets through, tested one by one as the loop asks for them.
Result<Ref<Iterator>> Interpreter::filtered(const LoopInfo& loop, Ref<Iterator> items, const Env& closure) {
  const Env env = rt_.make_cyclic<Environment>(closure, loop.test_slots);
  bool started = false;
  return Ref<Iterator>(
      rt_.make<Generator>([this, &loop, items, env, started](Runtime& rt) mutable -> Result<std::optional<Value>> {
        if (!started) MANG_TRY(enter(loop.test_scope, env));
        started = true;
        while (true) {
          MANG_TRY(auto item, items->next(rt));
          if (!item) return item;
          MANG_TRY(rt.step());
          MANG_TRY(assign(*loop.test_target, *item, env));
          MANG_TRY(bool kept, eval_truth(*loop.test, env));
          if (!kept) continue;
          if (loop.test_target->kind != Expr::Kind::tuple) return item;
          // What was unpacked is handed on as a tuple.
          MANG_TRY(auto parts, to_vector(rt, *item));
          return std::optional<Value>(rt.tuple(std::move(parts)));
        }
      }));
}

// `closure`: the variables around the loop; `env`: those of the function the body runs in.
Result<Interpreter::Flow> Interpreter::run_loop(const LoopInfo& loop, const Value& items, const Env& closure,
                                                const Env& env, int64_t depth0, Builder& out) {
  MANG_TRY(auto iterator, iterate(rt_, items));
  Value iterable = items;
  if (loop.test) {
    MANG_TRY(iterator, filtered(loop, std::move(iterator), closure));
    iterable = Runtime::opaque(iterator);
  }
  const auto context = rt_.make<LoopContext>(*this, std::move(iterable), std::move(iterator),
                                             loop.recursive ? &loop : nullptr, closure, depth0);
  // As in jinja2, only a body that ran to its end keeps the else part from running.
  bool finished_one = false;
  while (true) {
    MANG_TRY(auto item, context->advance(rt_));
    if (!item) break;
    MANG_TRY(rt_.step());
    MANG_TRY(assign(*loop.target, *std::move(item), env));
    if (loop.has_loop) env->own(loop.loop_index) = Runtime::opaque(context);
    MANG_TRY(enter(loop.scope, env));
    MANG_TRY(Flow flow, run(loop.body, env, out));
    if (flow == Flow::break_loop) break;
    if (flow == Flow::normal) finished_one = true;
  }
  leave(loop.scope, env);
  if (finished_one || loop.otherwise.empty()) return Flow::normal;
  MANG_TRY(enter(loop.otherwise_scope, env));
  MANG_TRY(Flow flow, run(loop.otherwise, env, out));
  leave(loop.otherwise_scope, env);
  return flow;
}

Result<void> Interpreter::assign(const Expr& target, Value value, const Env& env) {
  if (target.kind == Expr::Kind::name) {
    env->at(target.slot) = std::move(value);
    return {};
  }
  if (target.kind == Expr::Kind::namespace_ref) {
    const Value& object = env->at(target.slot);
    auto* space = object.is(Kind::opaque) ? dynamic_cast<Namespace*>(&object.opaque()) : nullptr;
    if (!space) return fail("cannot assign attribute on non-namespace object");
    return space->set(rt_, target.attribute, std::move(value));
  }
  if (value.is(Kind::undefined) ? false : !is_iterable(value)) {
    return fail("cannot unpack non-iterable {} object", type_name(value));
  }
  const size_t wanted = target.kids.size();
  MANG_TRY(auto it, iterate(rt_, value));
  std::vector<Value> parts;
  while (parts.size() <= wanted) {
    MANG_TRY(auto part, it->next(rt_));
    if (!part) break;
    parts.push_back(*std::move(part));
  }
  if (parts.size() > wanted) return fail("too many values to unpack (expected {})", wanted);
  if (parts.size() < wanted) return fail("not enough values to unpack (expected {}, got {})", wanted, parts.size());
  for (size_t i = 0; i < wanted; ++i) MANG_TRY(assign(*target.kids[i], std::move(parts[i]), env));
  return {};
}

Result<void> Interpreter::export_names(const Stmt& statement, const Env& env) {
  if (program_.blocks.empty()) return {};
  for (const auto& [name, slot] : statement.exports) MANG_TRY(dict_set(rt_, *exported_, name, env->at(slot)));
  return {};
}

Result<Interpreter::Flow> Interpreter::run_set(const Stmt& statement, const Env& env) {
  MANG_TRY(Value value, eval(*statement.exprs[1], env));
  rt_.line = statement.line;
  MANG_TRY(assign(*statement.exprs[0], std::move(value), env));
  MANG_TRY(export_names(statement, env));
  return Flow::normal;
}

// {% set x %}…{% endset %} and {% filter f %}…{% endfilter %}.
Result<Interpreter::Flow> Interpreter::run_captured(const Stmt& statement, const Env& env, Builder& out) {
  MANG_TRY(enter(statement.scope, env));
  Builder captured(rt_);
  MANG_TRY(Flow flow, run(statement.body, env, captured));
  if (flow != Flow::normal) return flow;  // what was captured is lost
  rt_.line = statement.line;
  Value value = rt_.string(captured.take(), rt_.autoescape);
  const bool is_set = statement.kind == Stmt::Kind::set_block;
  if (const Expr* filter = statement.exprs[is_set ? 1 : 0].get()) {
    block_input_.push_back(std::move(value));
    MANG_TRY(value, eval(*filter, env));
    block_input_.pop_back();
  }
  if (is_set) {
    MANG_TRY(assign(*statement.exprs[0], std::move(value), env));
    MANG_TRY(export_names(statement, env));
  } else {
    MANG_TRY(print_text(value, out));
  }
  leave(statement.scope, env);
  return Flow::normal;
}

Result<Interpreter::Flow> Interpreter::run_with(const Stmt& statement, const Env& env, Builder& out) {
  MANG_TRY(enter(statement.scope, env));
  for (size_t i = 0; i < statement.exprs.size(); i += 2) {
    MANG_TRY(Value value, eval(*statement.exprs[i + 1], env));
    MANG_TRY(assign(*statement.exprs[i], std::move(value), env));
  }
  MANG_TRY(Flow flow, run(statement.body, env, out));
  leave(statement.scope, env);
  return flow;
}

Result<Interpreter::Flow> Interpreter::run_autoescape(const Stmt& statement, const Env& env, Builder& out) {
  MANG_TRY(enter(statement.scope, env));
  MANG_TRY(bool on, eval_truth(*statement.exprs[0], env));
  const bool before = std::exchange(rt_.autoescape, on);
  MANG_TRY(Flow flow, run(statement.body, env, out));
  rt_.autoescape = before;
  leave(statement.scope, env);
  return flow;
}

Result<Interpreter::Flow> Interpreter::run_macro_statement(const Stmt& statement, const Env& env, Builder& out) {
  const auto macro = rt_.make<Macro>(*this, *statement.macro, env);
  if (statement.kind == Stmt::Kind::macro) {
    env->at(statement.slot) = Runtime::opaque(macro);
    MANG_TRY(export_names(statement, env));
    return Flow::normal;
  }
  Value text;
  if (statement.kind == Stmt::Kind::generation) {
    Arguments none;
    MANG_TRY(text, macro->call(rt_, none));
  } else {
    const Value caller = Runtime::opaque(macro);
    MANG_TRY(text, eval_call(*statement.exprs[0], env, &caller));
  }
  MANG_TRY(print_text(text, out));
  return Flow::normal;
}

Result<Value> Interpreter::call_macro(const MacroInfo& macro, const Env& closure, Arguments& arguments) {
  if (rt_.call_depth >= kMaxCallDepth) return fail("macros call each other more than {} deep", kMaxCallDepth);
  ++rt_.call_depth;
  const int line = rt_.line;
  const ScopeExit leave_call([this] { --rt_.call_depth; });
  MANG_TRY(rt_.work_items(macro.slots));
  const Env env = rt_.make_cyclic<Environment>(closure, macro.slots);
  MANG_TRY(bind_macro(rt_, macro, arguments, *env));
  MANG_TRY(enter(macro.scope, env));
  for (const auto& parameter : macro.parameters) {
    Value& slot = env->own(parameter.index);
    if (!slot.is(Kind::missing)) continue;
    if (!parameter.default_value) {
      slot = rt_.undefined(fmt::format("parameter '{}' was not provided", parameter.name));
      continue;
    }
    MANG_TRY(Value value, eval(*parameter.default_value, env));
    env->own(parameter.index) = std::move(value);
  }
  Builder out(rt_);
  MANG_TRY(run(macro.body, env, out));
  rt_.line = line;
  return rt_.string(out.take(), rt_.autoescape);
}

const BlockInfo* Interpreter::find_block(std::string_view name) const {
  for (const auto& block : program_.blocks) {
    if (block.name == name) return &block;
  }
  return nullptr;
}

Result<void> Interpreter::render_block(const BlockInfo& block, Builder& out) {
  if (rt_.call_depth >= kMaxCallDepth) return fail("blocks call each other more than {} deep", kMaxCallDepth);
  ++rt_.call_depth;
  const ScopeExit leave_call([this] { --rt_.call_depth; });
  const Env env = rt_.make_cyclic<Environment>(Env(), block.slots);
  if (block.self_index) env->own(*block.self_index) = Runtime::opaque(rt_.make<TemplateReference>(*this));
  if (block.super_index) {
    env->own(*block.super_index) = rt_.undefined(fmt::format("there is no parent block called '{}'.", block.name));
  }
  MANG_TRY(enter(block.scope, env));
  MANG_TRY(run(block.statement->body, env, out));
  return {};
}

Result<Interpreter::Flow> Interpreter::run_block(const Stmt& statement, const Env& env, Builder& out) {
  if (statement.required) return fail("Required block '{}' not found", statement.text);
  const Ref<Dict> before = overlay_;
  if (statement.scoped) {
    auto inner = rt_.new_dict();
    if (before) {
      for (const auto& [key, value] : before->pairs) MANG_TRY(dict_set(rt_, *inner, key, value));
    }
    for (const auto& [name, slot] : statement.exports) {
      const Value& value = env->at(slot);
      if (!value.is(Kind::missing)) MANG_TRY(dict_set(rt_, *inner, name, value));
    }
    overlay_ = inner;
  }
  MANG_TRY(render_block(*find_block(statement.text), out));
  overlay_ = before;
  return Flow::normal;
}

}  // namespace mang::jinja
