// `self` in a template: self.name() renders the block of that name. And the binding of a macro's arguments.
#pragma once

#include "jinja/interpreter.h"

namespace mang::jinja {

class BlockReference final : public Opaque {
 public:
  BlockReference(Interpreter& interpreter, const BlockInfo& block) : interpreter_(&interpreter), block_(&block) {}
  [[nodiscard]] std::string_view type_name() const override { return "BlockReference"; }
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& rt, Arguments& arguments) override;

 private:
  Interpreter* interpreter_;
  const BlockInfo* block_;
};

class TemplateReference final : public Opaque {
 public:
  explicit TemplateReference(Interpreter& interpreter) : interpreter_(&interpreter) {}
  [[nodiscard]] std::string_view type_name() const override { return "TemplateReference"; }
  Result<std::optional<Value>> item(Runtime& rt, const Value& key) override;
  Result<std::optional<Value>> attribute(Runtime& rt, std::string_view name) override;

 private:
  Interpreter* interpreter_;
};

// Positional and named arguments → the macro's variables, by jinja2's rules for caller, kwargs and varargs.
Result<void> bind_macro(Runtime& rt, const MacroInfo& macro, Arguments& arguments, Environment& env);

}  // namespace mang::jinja
