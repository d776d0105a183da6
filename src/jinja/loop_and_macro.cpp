// The objects a running template hands to itself: loop, macros, self.
#include <algorithm>

#include "jinja/bind.h"
#include "jinja/interpreter.h"
#include "jinja/template_reference.h"

namespace mang::jinja {
namespace {

LoopContext& loop_of(const Value& self) { return static_cast<LoopContext&>(self.opaque()); }

Result<Value> loop_cycle(Runtime&, const Value& self, Arguments& arguments) {
  if (!arguments.named.empty()) return fail("cycle() takes no keyword arguments");
  if (arguments.positional.empty()) return fail("no items for cycling given");
  const auto n = static_cast<int64_t>(arguments.positional.size());
  return arguments.positional[static_cast<size_t>(loop_of(self).index0() % n)];
}

Result<Value> loop_changed(Runtime& rt, const Value& self, Arguments& arguments) {
  if (!arguments.named.empty()) return fail("changed() takes no keyword arguments");
  MANG_TRY(bool changed, loop_of(self).changed(rt, std::move(arguments.positional)));
  return Value::boolean(changed);
}

}  // namespace

Result<std::optional<Value>> LoopContext::advance(Runtime& rt) {
  std::optional<Value> item;
  if (after_) {
    item = std::move(after_);
    after_.reset();
  } else {
    MANG_TRY(item, items_->next(rt));
    if (!item) return item;
  }
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return item;
}

Result<bool> LoopContext::peek(Runtime& rt) {
  if (after_) return true;
  MANG_TRY(after_, items_->next(rt));
  return after_.has_value();
}

Result<std::optional<int64_t>> LoopContext::length(Runtime& rt) {
  if (length_) return length_;
  if (!iterable_.is(Kind::opaque)) {
    MANG_TRY(length_, length_of(rt, iterable_));
    return length_;
  }
  MANG_TRY(length_, iterable_.opaque().length(rt));
  if (length_) return length_;
  MANG_TRY(auto rest, to_vector(rt, Runtime::opaque(items_)));
  length_ = static_cast<int64_t>(rest.size()) + index0_ + 1 + (after_ ? 1 : 0);
  MANG_TRY(items_, mang::jinja::iterate(rt, rt.list(std::move(rest))));
  return length_;
}

Result<std::optional<Value>> LoopContext::attribute(Runtime& rt, std::string_view name) {
  const auto number = [](int64_t i) { return std::optional<Value>(Value::integer(i)); };
  if (name == "index") return number(index0_ + 1);
  if (name == "index0") return number(index0_);
  if (name == "first") return std::optional<Value>(Value::boolean(index0_ == 0));
  if (name == "last") {
    MANG_TRY(bool more, peek(rt));
    return std::optional<Value>(Value::boolean(!more));
  }
  if (name == "length" || name == "revindex" || name == "revindex0") {
    MANG_TRY(auto n, length(rt));
    return number(name == "length" ? *n : name == "revindex" ? *n - index0_ : *n - index0_ - 1);
  }
  if (name == "depth") return number(depth0_ + 1);
  if (name == "depth0") return number(depth0_);
  if (name == "previtem") {
    return std::optional<Value>(index0_ == 0 || !before_ ? rt.undefined("there is no previous item") : *before_);
  }
  if (name == "nextitem") {
    MANG_TRY(bool more, peek(rt));
    return std::optional<Value>(more ? *after_ : rt.undefined("there is no next item"));
  }
  if (name == "cycle" || name == "changed") {
    const Value self = Value::from_object(Kind::opaque, this);
    const auto function = name == "cycle" ? loop_cycle : loop_changed;
    return std::optional<Value>(
        Runtime::opaque(rt.make<Bound>(self, function, name == "cycle" ? "cycle" : "changed", false)));
  }
  return std::optional<Value>();
}

Result<bool> LoopContext::changed(Runtime& rt, std::vector<Value> values) {
  const Value now = rt.tuple(std::move(values));
  if (last_changed_) {
    MANG_TRY(bool same, equal(rt, *last_changed_, now));
    if (same) return false;
  }
  last_changed_ = now;
  return true;
}

Result<Value> LoopContext::call(Runtime& rt, Arguments& arguments) {
  if (!info_) return fail("The loop must have the 'recursive' marker to be called recursively.");
  MANG_TRY(auto a, bind<1>("loop", arguments, {"iterable"}, 1));
  MANG_TRY(rt.step());
  return interpreter_->render_recursive_loop(*info_, closure_, a[0], depth0_ + 1);
}

Result<std::string> LoopContext::repr(Runtime& rt) {
  MANG_TRY(auto n, length(rt));
  return fmt::format("<LoopContext {}/{}>", index0_ + 1, *n);
}

Result<std::optional<Value>> Macro::attribute(Runtime& rt, std::string_view name) {
  if (name == "name") return std::optional<Value>(info_->name.empty() ? Value::none() : rt.string(info_->name));
  if (name == "arguments") {
    std::vector<Value> names;
    for (const auto& parameter : info_->parameters) names.push_back(rt.string(parameter.name));
    return std::optional<Value>(rt.tuple(std::move(names)));
  }
  if (name == "catch_kwargs") return std::optional<Value>(Value::boolean(info_->uses_kwargs));
  if (name == "catch_varargs") return std::optional<Value>(Value::boolean(info_->uses_varargs));
  if (name == "caller") return std::optional<Value>(Value::boolean(info_->uses_caller));
  if (name == "explicit_caller") return std::optional<Value>(Value::boolean(info_->explicit_caller));
  return std::optional<Value>();
}

Result<Value> Macro::call(Runtime&, Arguments& arguments) {
  return interpreter_->call_macro(*info_, closure_, arguments);
}

Result<std::string> Macro::repr(Runtime&) {
  return info_->name.empty() ? std::string("<Macro anonymous>") : fmt::format("<Macro {}>", string_repr(info_->name));
}

Result<Value> BlockReference::call(Runtime& rt, Arguments& arguments) {
  MANG_TRY(bind_none("block", arguments));
  Builder out(rt);
  MANG_TRY(interpreter_->render_block(*block_, out));
  return rt.string(out.take(), rt.autoescape);
}

Result<std::optional<Value>> TemplateReference::attribute(Runtime& rt, std::string_view name) {
  const BlockInfo* block = interpreter_->find_block(name);
  if (!block) return std::optional<Value>();
  return std::optional<Value>(Runtime::opaque(rt.make<BlockReference>(*interpreter_, *block)));
}

Result<std::optional<Value>> TemplateReference::item(Runtime& rt, const Value& key) {
  if (!key.is(Kind::string)) return std::optional<Value>();
  return attribute(rt, key.str());
}

Result<void> bind_macro(Runtime& rt, const MacroInfo& macro, Arguments& arguments, Environment& env) {
  const size_t count = macro.parameters.size();
  const size_t positional = std::min(arguments.positional.size(), count);
  for (size_t i = 0; i < positional; ++i) env.own(macro.parameters[i].index) = arguments.positional[i];
  const auto take = [&](std::string_view name) {
    Value out = Value::missing();
    const auto at = std::find_if(arguments.named.begin(), arguments.named.end(),
                                 [&](const auto& pair) { return pair.first == name; });
    if (at != arguments.named.end()) {
      out = std::move(at->second);
      arguments.named.erase(at);
    }
    return out;
  };
  bool found_caller = positional == count && macro.explicit_caller;
  for (size_t i = positional; i < count; ++i) {
    env.own(macro.parameters[i].index) = take(macro.parameters[i].name);
    found_caller |= macro.parameters[i].name == "caller";
  }
  if (macro.uses_caller && !found_caller) {
    Value caller = take("caller");
    const bool none = caller.is(Kind::missing) || caller.is(Kind::none);
    const uint16_t index = macro.caller_index;
    if (!macro.explicit_caller) env.own(index) = none ? rt.undefined("No caller defined") : std::move(caller);
  }
  if (macro.uses_kwargs) {
    auto rest = rt.new_dict();
    for (auto& [name, value] : arguments.named) MANG_TRY(dict_set(rt, *rest, name, value));
    env.own(macro.kwargs_index) = rt.dict(rest);
  } else if (!arguments.named.empty()) {
    for (const auto& [name, value] : arguments.named) {
      if (name == "caller") {
        return fail(
            "macro '{}' was invoked with two values for the special caller argument. This is most likely a bug.",
            macro.name);
      }
    }
    return fail("macro '{}' takes no keyword argument '{}'", macro.name, arguments.named[0].first);
  }
  if (macro.uses_varargs) {
    const auto first = arguments.positional.begin() + static_cast<std::ptrdiff_t>(positional);
    env.own(macro.varargs_index) = rt.tuple(std::vector<Value>(first, arguments.positional.end()));
  } else if (arguments.positional.size() > count) {
    return fail("macro '{}' takes not more than {} argument(s)", macro.name, count);
  }
  return {};
}

}  // namespace mang::jinja
