#include "jinja/symbols.h"

#include <algorithm>
#include <functional>

namespace mang::jinja {

uint16_t FunctionInfo::slot(int level, const std::string& name) {
  const auto [at, added] = slots.try_emplace({level, name}, static_cast<uint16_t>(slots.size()));
  if (added && slots.size() > UINT16_MAX) overflow = true;
  return at->second;
}

Variable Symbols::define(const std::string& name, VariableLoad load) {
  const Variable variable{function_, function_->slot(level_, name)};
  refs_[name] = variable;
  loads_[variable] = std::move(load);
  return variable;
}

Variable Symbols::declare_parameter(const std::string& name) {
  stores_.insert(name);
  return define(name, {VariableLoad::From::parameter, {}, {}});
}

std::optional<Variable> Symbols::find(const std::string& name) const {
  for (const Symbols* scope = this; scope; scope = scope->parent_) {
    if (const auto at = scope->refs_.find(name); at != scope->refs_.end()) return at->second;
  }
  return std::nullopt;
}

std::map<std::string, Variable> Symbols::stored_names() const {
  std::map<std::string, Variable> out;
  for (const Symbols* scope = this; scope; scope = scope->parent_) {
    for (const auto& name : scope->stores_) out.try_emplace(name, *find(name));
  }
  return out;
}

void Symbols::store(const std::string& name) {
  stores_.insert(name);
  if (refs_.contains(name)) return;
  if (parent_) {
    if (const auto outer = parent_->find(name)) {
      define(name, {VariableLoad::From::alias, *outer, {}});
      return;
    }
  }
  define(name, {VariableLoad::From::nothing, {}, {}});
}

void Symbols::load(const std::string& name) {
  if (!find(name)) define(name, {VariableLoad::From::context, {}, name});
}

void Symbols::visit(const Expr& expr, bool store_as_parameter) {
  if (expr.kind == Expr::Kind::name) {
    if (store_as_parameter || expr.use == Expr::Use::parameter) {
      declare_parameter(expr.text);
    } else if (expr.use == Expr::Use::store) {
      store(expr.text);
    } else {
      load(expr.text);
    }
    return;
  }
  if (expr.kind == Expr::Kind::namespace_ref) load(expr.text);
  for (const auto& kid : expr.kids) {
    if (kid) visit(*kid, store_as_parameter);
  }
}

void Symbols::visit(const Body& body) {
  for (const auto& statement : body) visit(*statement);
}

void Symbols::visit(const Stmt& statement) {
  using Kind = Stmt::Kind;
  switch (statement.kind) {
    case Kind::output:
      for (const auto& part : statement.parts) {
        if (part.expr) visit(*part.expr);
      }
      break;
    case Kind::set:
      visit(*statement.exprs[1]);
      visit(*statement.exprs[0]);
      break;
    case Kind::set_block:  // its body has a scope of its own
    case Kind::call_block:
    case Kind::filter_block:
      visit(*statement.exprs[0]);
      break;
    case Kind::for_:
      visit(*statement.loop->iterable);
      break;
    case Kind::with:
      for (size_t i = 1; i < statement.exprs.size(); i += 2) visit(*statement.exprs[i]);
      break;
    case Kind::macro:
      store(statement.macro->name);
      break;
    case Kind::if_: {
      std::vector<const Branch*> elifs;
      const Branch* otherwise = nullptr;
      for (size_t i = 1; i < statement.branches.size(); ++i) {
        if (statement.branches[i].test) {
          elifs.push_back(&statement.branches[i]);
        } else {
          otherwise = &statement.branches[i];
        }
      }
      visit_if(statement.branches[0], elifs, otherwise);
      break;
    }
    default:
      break;
  }
}

void Symbols::visit_if(const Branch& first, const std::vector<const Branch*>& elifs, const Branch* otherwise) {
  visit(*first.test);
  if (!budget_->spend(3 * (refs_.size() + 1))) return;
  Symbols body = *this, elif = *this, rest = *this;
  body.visit(first.body);
  for (const Branch* branch : elifs) elif.visit_if(*branch, {}, nullptr);
  if (otherwise) rest.visit(otherwise->body);
  merge_branches({&body, &elif, &rest});
}

// A name assigned in only some branches starts as what it was outside, or as the context has it.
void Symbols::merge_branches(const std::vector<const Symbols*>& branches) {
  std::set<std::string> stores;
  for (const Symbols* branch : branches) stores.insert(branch->stores_.begin(), branch->stores_.end());
  for (const auto& name : stores_) stores.erase(name);
  for (const Symbols* branch : branches) {
    for (const auto& [name, variable] : branch->refs_) refs_[name] = variable;
    for (const auto& [variable, load] : branch->loads_) loads_[variable] = load;
    stores_.insert(branch->stores_.begin(), branch->stores_.end());
  }
  for (const auto& name : stores) {
    const Variable target = *find(name);
    const auto outer = parent_ ? parent_->find(name) : std::nullopt;
    loads_[target] = outer ? VariableLoad{VariableLoad::From::alias, *outer, {}}
                           : VariableLoad{VariableLoad::From::context, {}, name};
  }
}

namespace {

// Everything below a node, in the order of jinja2's fields.
struct Walker {
  explicit Walker(ResolverBudget& b) : budget(b) {}

  ResolverBudget& budget;
  std::function<void(const Expr&)> on_name;              // name expressions
  std::function<void(const std::string&)> on_parameter;  // macro parameters
  std::function<bool(const Stmt&)> enter = [](const Stmt&) { return true; };

  void walk(const Expr* expr) const {
    if (!expr || !budget.spend(1)) return;
    if (expr->kind == Expr::Kind::name && on_name) on_name(*expr);
    for (const auto& kid : expr->kids) walk(kid.get());
  }
  void walk(const Body& body) const {
    for (const auto& statement : body) walk(*statement);
  }
  void walk(const LoopInfo& loop) const {
    walk(loop.target.get());
    walk(loop.iterable.get());
    walk(loop.body);
    walk(loop.otherwise);
    walk(loop.test.get());
  }
  void walk(const Stmt& statement) const {
    if (!budget.spend(1) || !enter(statement)) return;
    for (const auto& part : statement.parts) walk(part.expr.get());
    if (statement.kind == Stmt::Kind::filter_block) walk(statement.body);
    for (const auto& expr : statement.exprs) walk(expr.get());
    for (const auto& branch : statement.branches) {
      walk(branch.test.get());
      walk(branch.body);
    }
    if (statement.loop) walk(*statement.loop);
    if (statement.macro) {
      for (const auto& parameter : statement.macro->parameters) {
        if (on_parameter) on_parameter(parameter.name);
      }
      for (const auto& parameter : statement.macro->parameters) walk(parameter.default_value.get());
      walk(statement.macro->body);
    }
    if (statement.kind != Stmt::Kind::filter_block) walk(statement.body);
  }
};

}  // namespace

std::set<std::string> find_undeclared(const Body& body, std::set<std::string> names, ResolverBudget& budget) {
  std::set<std::string> found;
  Walker walker(budget);
  walker.on_name = [&](const Expr& name) {
    if (name.use == Expr::Use::load && names.contains(name.text)) {
      found.insert(name.text);
    } else {
      names.erase(name.text);
    }
  };
  walker.on_parameter = [&](const std::string& name) { names.erase(name); };
  walker.enter = [](const Stmt& statement) { return statement.kind != Stmt::Kind::block; };
  walker.walk(body);
  return found;
}

bool assigns_name(const LoopInfo& loop, const std::string& name, ResolverBudget& budget) {
  bool assigned = false;
  Walker walker(budget);
  walker.on_name = [&](const Expr& expr) { assigned |= expr.use == Expr::Use::store && expr.text == name; };
  walker.walk(loop);
  return assigned;
}

bool has_scoped_block(const Body& body, ResolverBudget& budget) {
  bool found = false;
  Walker walker(budget);
  walker.enter = [&](const Stmt& statement) {
    found |= statement.kind == Stmt::Kind::block && statement.scoped;
    return true;
  };
  walker.walk(body);
  return found;
}

}  // namespace mang::jinja
