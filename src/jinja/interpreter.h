// Runs a resolved template.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jinja/ast.h"
#include "jinja/operators.h"

namespace mang::jinja {

// The variables of one running function; macros keep the ones they were made in alive.
class Environment final : public Cyclic {
 public:
  Environment(Ref<Environment> parent, uint16_t slots) : parent_(std::move(parent)), slots_(slots, Value::missing()) {}
  [[nodiscard]] std::string_view type_name() const override { return "environment"; }
  Value& at(Slot slot) {
    Environment* env = this;
    for (uint16_t i = 0; i < slot.hops; ++i) env = env->parent_.get();
    return env->slots_[slot.index];
  }
  Value& own(uint16_t index) { return slots_[index]; }
  void clear() override { slots_.assign(slots_.size(), Value::missing()); }

 private:
  Ref<Environment> parent_;
  std::vector<Value> slots_;
};

// A loop as its body sees it: `loop`.
class LoopContext final : public Opaque {
 public:
  // `info`, `closure`: of a recursive loop, else null.
  LoopContext(class Interpreter& interpreter, Value iterable, Ref<Iterator> items, const LoopInfo* info,
              Ref<Environment> closure, int64_t depth0)
      : interpreter_(&interpreter),
        iterable_(std::move(iterable)),
        items_(std::move(items)),
        info_(info),
        closure_(std::move(closure)),
        depth0_(depth0) {}

  // Moves to the next item; nullopt at the end.
  Result<std::optional<Value>> advance(Runtime& rt);

  [[nodiscard]] std::string_view type_name() const override { return "LoopContext"; }
  Result<std::optional<Value>> attribute(Runtime& rt, std::string_view name) override;
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& rt, Arguments& arguments) override;
  Result<std::string> repr(Runtime& rt) override;
  Result<std::optional<int64_t>> length(Runtime& rt) override;
  [[nodiscard]] int64_t index0() const { return index0_; }

  // For loop.changed: remembers the values, true when they differ from the last ones.
  Result<bool> changed(Runtime& rt, std::vector<Value> values);

 private:
  Result<bool> peek(Runtime& rt);  // whether there is a next item

  Interpreter* interpreter_;
  Value iterable_;
  Ref<Iterator> items_;
  const LoopInfo* info_;
  Ref<Environment> closure_;
  int64_t depth0_;
  int64_t index0_ = -1;
  std::optional<int64_t> length_;
  std::optional<Value> after_, current_, before_, last_changed_;
};

class Macro final : public Opaque {
 public:
  Macro(Interpreter& interpreter, const MacroInfo& info, Ref<Environment> closure)
      : interpreter_(&interpreter), info_(&info), closure_(std::move(closure)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Macro"; }
  Result<std::optional<Value>> attribute(Runtime& rt, std::string_view name) override;
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& rt, Arguments& arguments) override;
  Result<std::string> repr(Runtime& rt) override;

 private:
  Interpreter* interpreter_;
  const MacroInfo* info_;
  Ref<Environment> closure_;
};

class Interpreter {
 public:
  Interpreter(Runtime& rt, const Program& program, const Dict& context);

  Result<std::string> render();

  // A macro's body with its parameters bound; a block by name; a recursive loop over new items.
  Result<Value> call_macro(const MacroInfo& macro, const Ref<Environment>& closure, Arguments& arguments);
  Result<void> render_block(const BlockInfo& block, Builder& out);
  Result<Value> render_recursive_loop(const LoopInfo& loop, const Ref<Environment>& closure, const Value& items,
                                      int64_t depth0);
  [[nodiscard]] const BlockInfo* find_block(std::string_view name) const;

 private:
  enum class Flow { normal, break_loop, continue_loop };
  using Env = Ref<Environment>;

  // Statements: interpreter.cpp.
  Result<Flow> run(const Body& body, const Env& env, Builder& out);
  Result<Flow> run(const Stmt& statement, const Env& env, Builder& out);
  Result<Flow> run_output(const Stmt& statement, const Env& env, Builder& out);
  Result<Flow> run_if(const Stmt& statement, const Env& env, Builder& out);
  Result<Flow> run_for(const Stmt& statement, const Env& env, Builder& out);
  Result<Flow> run_loop(const LoopInfo& loop, const Value& items, const Env& closure, const Env& env, int64_t depth0,
                        Builder& out);
  Result<Flow> run_set(const Stmt& statement, const Env& env);
  Result<Flow> run_captured(const Stmt& statement, const Env& env, Builder& out);
  Result<Flow> run_with(const Stmt& statement, const Env& env, Builder& out);
  Result<Flow> run_autoescape(const Stmt& statement, const Env& env, Builder& out);
  Result<Flow> run_macro_statement(const Stmt& statement, const Env& env, Builder& out);
  Result<Flow> run_block(const Stmt& statement, const Env& env, Builder& out);
  Result<void> enter(const Scope& scope, const Env& env);
  void leave(const Scope& scope, const Env& env);
  Result<void> assign(const Expr& target, Value value, const Env& env);
  Result<void> export_names(const Stmt& statement, const Env& env);
  Result<void> print(const Value& value, Builder& out);
  Result<void> print_text(const Value& value, Builder& out);
  Result<Value> lookup(const std::string& name);  // missing when nothing has that name
  Result<Ref<Iterator>> filtered(const LoopInfo& loop, Ref<Iterator> items, const Env& closure);

  // Expressions: expressions.cpp.
  Result<Value> eval(const Expr& expr, const Env& env);
  Result<Value> eval_children(const Expr& expr, const Env& env, Kind kind);
  Result<Value> eval_name(const Expr& expr, const Env& env);
  Result<Value> eval_dict(const Expr& expr, const Env& env);
  Result<Value> eval_attribute(const Expr& expr, const Env& env);
  Result<Value> eval_item(const Expr& expr, const Env& env);
  Result<Value> eval_slice(const Expr& expr, const Env& env);
  Result<Value> eval_call(const Expr& expr, const Env& env, const Value* caller = nullptr);
  Result<Value> eval_builtin(const Expr& expr, const Env& env);
  Result<Value> eval_arithmetic(const Expr& expr, const Env& env, Arithmetic op);
  Result<Value> eval_power(const Expr& expr, const Env& env);
  Result<Value> eval_sign(const Expr& expr, const Env& env);
  Result<Value> eval_not(const Expr& expr, const Env& env);
  Result<Value> eval_and_or(const Expr& expr, const Env& env);
  Result<Value> eval_concat(const Expr& expr, const Env& env);
  Result<Value> eval_compare(const Expr& expr, const Env& env);
  Result<Value> eval_conditional(const Expr& expr, const Env& env);
  Result<void> eval_arguments(const Expr& expr, const Env& env, Arguments& out);
  Result<bool> eval_truth(const Expr& expr, const Env& env);
  Value constant(const Expr& expr);

  friend class LoopContext;

  Runtime& rt_;
  const Program& program_;
  const Dict& context_;
  Ref<Dict> exported_;              // top-level assignments, for blocks
  Ref<Dict> overlay_;               // a scoped block's variables; null outside
  std::vector<Value> constants_;    // made when first used
  std::vector<Value> block_input_;  // what filter blocks captured
};

}  // namespace mang::jinja
