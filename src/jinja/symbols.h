// The symbol tables of jinja2's compiler: for each scope, which names it reads, which it assigns, and what each
// variable holds when the scope is entered. Rules and their quirks follow jinja2/idtracking.py.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jinja/ast.h"

namespace mang::jinja {

// What the passes over a template may cost together: its size times its nesting is not bounded by its size alone.
struct ResolverBudget {
  size_t used = 0;
  static constexpr size_t kLimit = 400'000;  // names copied and nodes visited again
  [[nodiscard]] bool spend(size_t n) { return (used += n) <= kLimit; }
  [[nodiscard]] bool exceeded() const { return used > kLimit; }
};

// A function of the compiled template: the template itself, a block, a macro, a recursive loop, a loop's filter.
struct FunctionInfo {
  const FunctionInfo* parent = nullptr;
  std::map<std::pair<int, std::string>, uint16_t> slots;  // (level, name)
  bool overflow = false;                                  // more variables than a Slot can name

  uint16_t slot(int level, const std::string& name);
};

// A variable of a function.
struct Variable {
  const FunctionInfo* function = nullptr;
  uint16_t index = 0;
  auto operator<=>(const Variable&) const = default;
};

struct VariableLoad {
  enum class From : uint8_t { parameter, context, alias, nothing };
  From from = From::nothing;
  Variable source;   // alias
  std::string name;  // context
};

class Symbols {
 public:
  Symbols(const Symbols* parent, FunctionInfo& function, ResolverBudget& budget)
      : parent_(parent), level_(parent ? parent->level_ + 1 : 0), function_(&function), budget_(&budget) {}

  // What visiting a node does to the table of the scope it stands in.
  void visit(const Stmt& statement);
  void visit(const Body& body);
  void visit(const Expr& expr, bool store_as_parameter = false);

  Variable declare_parameter(const std::string& name);
  [[nodiscard]] std::optional<Variable> find(const std::string& name) const;
  // The names assigned here and outside, with their variables.
  [[nodiscard]] std::map<std::string, Variable> stored_names() const;
  [[nodiscard]] const std::map<Variable, VariableLoad>& loads() const { return loads_; }

 private:
  Variable define(const std::string& name, VariableLoad load);
  void store(const std::string& name);
  void load(const std::string& name);
  void visit_if(const Branch& first, const std::vector<const Branch*>& elifs, const Branch* otherwise);
  void merge_branches(const std::vector<const Symbols*>& branches);

  const Symbols* parent_;
  int level_;
  FunctionInfo* function_;
  ResolverBudget* budget_;
  std::map<std::string, Variable> refs_;
  std::map<Variable, VariableLoad> loads_;
  std::set<std::string> stores_;
};

// Which of `names` a body reads before anything assigns them, as jinja2's find_undeclared sees it.
std::set<std::string> find_undeclared(const Body& body, std::set<std::string> names, ResolverBudget& budget);
// Whether a name is assigned anywhere inside a loop, and whether a scoped block stands in it.
bool assigns_name(const LoopInfo& loop, const std::string& name, ResolverBudget& budget);
bool has_scoped_block(const Body& body, ResolverBudget& budget);

}  // namespace mang::jinja
