// Expressions.
#include <cmath>

#include "jinja/filters.h"
#include "jinja/interpreter.h"
#include "jinja/python_number.h"

namespace mang::jinja {

Value Interpreter::constant(const Expr& expr) {
  Value& value = constants_[expr.constant];
  if (!value.is(Kind::missing)) return value;
  struct Make {
    Runtime& rt;
    Value operator()(std::monostate) const { return Value::none(); }
    Value operator()(bool b) const { return Value::boolean(b); }
    Value operator()(int64_t i) const { return Value::integer(i); }
    Value operator()(double d) const { return Value::real(d); }
    Value operator()(const std::string& s) const { return rt.string(s); }
    Value operator()(const BigLiteral& big) const { return integer_from_decimal(false, big.digits); }
  };
  value = std::visit(Make{rt_}, expr.literal);
  return value;
}

Result<Value> Interpreter::eval(const Expr& expr, const Env& env) {
  MANG_TRY(rt_.step());
  const DepthGuard depth(rt_);
  MANG_TRY(depth.check());
  using Kind = Expr::Kind;
  switch (expr.kind) {
    case Kind::literal:
      return constant(expr);
    case Kind::name:
    case Kind::namespace_ref:
      return eval_name(expr, env);
    case Kind::tuple:
      return eval_children(expr, env, jinja::Kind::tuple);
    case Kind::list:
      return eval_children(expr, env, jinja::Kind::list);
    case Kind::dict:
      return eval_dict(expr, env);
    case Kind::attribute:
      return eval_attribute(expr, env);
    case Kind::item:
      return eval_item(expr, env);
    case Kind::slice:
      return eval_slice(expr, env);
    case Kind::call:
      return eval_call(expr, env);
    case Kind::filter:
    case Kind::test:
      return eval_builtin(expr, env);
    case Kind::negative:
    case Kind::positive:
      return eval_sign(expr, env);
    case Kind::logical_not:
      return eval_not(expr, env);
    case Kind::add:
      return eval_arithmetic(expr, env, Arithmetic::add);
    case Kind::subtract:
      return eval_arithmetic(expr, env, Arithmetic::subtract);
    case Kind::multiply:
      return eval_arithmetic(expr, env, Arithmetic::multiply);
    case Kind::divide:
      return eval_arithmetic(expr, env, Arithmetic::divide);
    case Kind::floor_divide:
      return eval_arithmetic(expr, env, Arithmetic::floor_divide);
    case Kind::modulo:
      return eval_arithmetic(expr, env, Arithmetic::modulo);
    case Kind::power:
      return eval_power(expr, env);
    case Kind::logical_and:
    case Kind::logical_or:
      return eval_and_or(expr, env);
    case Kind::concat:
      return eval_concat(expr, env);
    case Kind::compare:
      return eval_compare(expr, env);
    case Kind::conditional:
      return eval_conditional(expr, env);
  }
  return Value::none();
}

Result<bool> Interpreter::eval_truth(const Expr& expr, const Env& env) {
  MANG_TRY(Value value, eval(expr, env));
  return truth(rt_, value);
}

Result<Value> Interpreter::eval_name(const Expr& expr, const Env& env) {
  const Value& value = env->at(expr.slot);
  if (!value.is(Kind::missing)) return value;
  return rt_.undefined(fmt::format("'{}' is undefined", expr.text));
}

Result<Value> Interpreter::eval_children(const Expr& expr, const Env& env, Kind kind) {
  std::vector<Value> items;
  items.reserve(expr.kids.size());
  for (const auto& kid : expr.kids) {
    MANG_TRY(Value item, eval(*kid, env));
    items.push_back(std::move(item));
  }
  return rt_.sequence(kind, std::move(items));
}

Result<Value> Interpreter::eval_dict(const Expr& expr, const Env& env) {
  auto dict = rt_.new_dict();
  for (size_t i = 0; i < expr.kids.size(); i += 2) {
    MANG_TRY(Value key, eval(*expr.kids[i], env));
    MANG_TRY(Value value, eval(*expr.kids[i + 1], env));
    rt_.line = expr.line;
    MANG_TRY(dict_set(rt_, *dict, std::move(key), std::move(value)));
  }
  return rt_.dict(dict);
}

Result<Value> Interpreter::eval_attribute(const Expr& expr, const Env& env) {
  MANG_TRY(Value object, eval(*expr.kids[0], env));
  rt_.line = expr.line;
  return get_attribute(rt_, object, expr.text);
}

Result<Value> Interpreter::eval_item(const Expr& expr, const Env& env) {
  MANG_TRY(Value object, eval(*expr.kids[0], env));
  MANG_TRY(Value key, eval(*expr.kids[1], env));
  rt_.line = expr.line;
  return get_item(rt_, object, key);
}

Result<Value> Interpreter::eval_slice(const Expr& expr, const Env& env) {
  MANG_TRY(Value object, eval(*expr.kids[0], env));
  Value parts[3];
  for (size_t i = 0; i < 3; ++i) {
    if (!expr.kids[i + 1]) continue;
    MANG_TRY(parts[i], eval(*expr.kids[i + 1], env));
  }
  rt_.line = expr.line;
  return slice(rt_, object, parts[0], parts[1], parts[2]);
}

Result<void> Interpreter::eval_arguments(const Expr& expr, const Env& env, Arguments& out) {
  size_t kid = 1;
  for (uint32_t i = 0; i < expr.positional; ++i) {
    MANG_TRY(Value value, eval(*expr.kids[kid++], env));
    out.positional.push_back(std::move(value));
  }
  for (const auto& key : expr.keywords) {
    MANG_TRY(Value value, eval(*expr.kids[kid++], env));
    out.named.emplace_back(key, std::move(value));
  }
  if (expr.star) {
    MANG_TRY(Value more, eval(*expr.kids[kid++], env));
    MANG_TRY(auto items, to_vector(rt_, more));
    out.positional.insert(out.positional.end(), items.begin(), items.end());
  }
  if (expr.star_star) {
    MANG_TRY(Value more, eval(*expr.kids[kid], env));
    if (!more.is(Kind::dict)) return fail("argument after ** must be a mapping, not {}", type_name(more));
    for (const auto& [key, value] : more.dict().pairs) {
      MANG_TRY(rt_.step());
      if (!key.is(Kind::string)) return fail("keywords must be strings");
      if (out.find(key.str())) return fail("got multiple values for keyword argument '{}'", key.str());
      out.named.emplace_back(std::string(key.str()), value);
    }
  }
  return {};
}

Result<Value> Interpreter::eval_call(const Expr& expr, const Env& env, const Value* caller) {
  MANG_TRY(Value callee, eval(*expr.kids[0], env));
  Arguments arguments;
  MANG_TRY(eval_arguments(expr, env, arguments));
  if (caller) {
    if (arguments.find("caller")) return fail("got multiple values for keyword argument 'caller'");
    arguments.named.emplace_back("caller", *caller);
  }
  rt_.line = expr.line;
  return call_value(rt_, callee, arguments);
}

Result<Value> Interpreter::eval_builtin(const Expr& expr, const Env& env) {
  Value input;
  if (expr.kids[0]) {
    MANG_TRY(input, eval(*expr.kids[0], env));
  } else {
    input = block_input_.back();
  }
  Arguments arguments;
  MANG_TRY(eval_arguments(expr, env, arguments));
  rt_.line = expr.line;
  if (!expr.builtin) {
    return fail("No {} named '{}' found.", expr.kind == Expr::Kind::filter ? "filter" : "test", expr.text);
  }
  return expr.builtin->function(rt_, input, arguments);
}

Result<Value> Interpreter::eval_arithmetic(const Expr& expr, const Env& env, Arithmetic op) {
  MANG_TRY(Value left, eval(*expr.kids[0], env));
  MANG_TRY(Value right, eval(*expr.kids[1], env));
  rt_.line = expr.line;
  return arithmetic(rt_, op, left, right);
}

// jinja2 writes what it computed at compile time into Python source as it is, where ** binds tighter than a sign: with
// a base of -2, folded, the power is -(2 ** x).
Result<Value> Interpreter::eval_power(const Expr& expr, const Env& env) {
  MANG_TRY(Value base, eval(*expr.kids[0], env));
  MANG_TRY(Value exponent, eval(*expr.kids[1], env));
  rt_.line = expr.line;
  const bool minus = expr.folded_base && ((base.is(jinja::Kind::integer) && base.as_int() < 0) ||
                                          (base.is(jinja::Kind::real) && std::signbit(base.as_real())));
  if (!minus) return arithmetic(rt_, Arithmetic::power, base, exponent);
  MANG_TRY(base, negate(base));
  MANG_TRY(Value power, arithmetic(rt_, Arithmetic::power, base, exponent));
  return negate(power);
}

Result<Value> Interpreter::eval_sign(const Expr& expr, const Env& env) {
  MANG_TRY(Value value, eval(*expr.kids[0], env));
  rt_.line = expr.line;
  return expr.kind == Expr::Kind::negative ? negate(value) : plus(value);
}

Result<Value> Interpreter::eval_not(const Expr& expr, const Env& env) {
  MANG_TRY(bool value, eval_truth(*expr.kids[0], env));
  return Value::boolean(!value);
}

Result<Value> Interpreter::eval_and_or(const Expr& expr, const Env& env) {
  MANG_TRY(Value left, eval(*expr.kids[0], env));
  MANG_TRY(bool decided, truth(rt_, left));
  if (decided == (expr.kind == Expr::Kind::logical_or)) return left;
  return eval(*expr.kids[1], env);
}

Result<Value> Interpreter::eval_concat(const Expr& expr, const Env& env) {
  std::vector<Value> parts;
  bool safe = false;
  for (const auto& kid : expr.kids) {
    MANG_TRY(Value part, eval(*kid, env));
    safe |= rt_.autoescape && part.is(jinja::Kind::string) && part.text().safe;
    parts.push_back(std::move(part));
  }
  rt_.line = expr.line;
  Builder out(rt_);
  for (Value& part : parts) {
    if (safe) {
      MANG_TRY(part, escape_value(rt_, part));
    }
    MANG_TRY(append_str(rt_, out, part));
  }
  return rt_.string(out.take(), safe);
}

Result<Value> Interpreter::eval_compare(const Expr& expr, const Env& env) {
  MANG_TRY(Value left, eval(*expr.kids[0], env));
  bool holds = true;
  for (size_t i = 0; i < expr.compares.size() && holds; ++i) {
    MANG_TRY(Value right, eval(*expr.kids[i + 1], env));
    rt_.line = expr.line;
    const Compare op = expr.compares[i];
    if (op == Compare::eq || op == Compare::ne) {
      MANG_TRY(bool same, equal(rt_, left, right));
      holds = same == (op == Compare::eq);
    } else if (op == Compare::in || op == Compare::not_in) {
      MANG_TRY(bool found, contains(rt_, left, right));
      holds = found == (op == Compare::in);
    } else {
      const Order order = op == Compare::lt   ? Order::lt
                          : op == Compare::le ? Order::le
                          : op == Compare::gt ? Order::gt
                                              : Order::ge;
      MANG_TRY(holds, ordered(rt_, left, right, order));
    }
    left = std::move(right);
  }
  return Value::boolean(holds);
}

Result<Value> Interpreter::eval_conditional(const Expr& expr, const Env& env) {
  MANG_TRY(bool taken, eval_truth(*expr.kids[1], env));
  if (taken) return eval(*expr.kids[0], env);
  if (expr.kids[2]) return eval(*expr.kids[2], env);
  return rt_.undefined(fmt::format(
      "the inline if-expression on line {} evaluated to false and no else section was defined.", expr.line));
}

}  // namespace mang::jinja
