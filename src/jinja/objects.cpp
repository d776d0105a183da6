// Ranges, dict views, namespaces, bound methods, and the iterators over data.
#include <algorithm>

#include "jinja/filters.h"
#include "jinja/operators.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

class SequenceIterator final : public Iterator {
 public:
  explicit SequenceIterator(Value owner) : owner_(std::move(owner)) {}
  Result<std::optional<Value>> next(Runtime&) override {
    if (at_ >= owner_.items().size()) return std::optional<Value>();
    return std::optional<Value>(owner_.items()[at_++]);
  }

 private:
  Value owner_;
  size_t at_ = 0;
};

class TextIterator final : public Iterator {
 public:
  explicit TextIterator(Value owner) : owner_(std::move(owner)) {}
  Result<std::optional<Value>> next(Runtime& rt) override {
    const auto bytes = owner_.str();
    if (at_ >= bytes.size()) return std::optional<Value>();
    const size_t start = at_;
    unicode::decode(bytes, at_);
    return std::optional<Value>(rt.string(std::string(bytes.substr(start, at_ - start))));
  }

 private:
  Value owner_;
  size_t at_ = 0;
};

class ViewIterator final : public Iterator {
 public:
  explicit ViewIterator(Ref<DictView> view) : view_(std::move(view)) {}
  Result<std::optional<Value>> next(Runtime& rt) override {
    if (at_ >= view_->dict()->pairs.size()) return std::optional<Value>();
    return std::optional<Value>(view_->at(rt, at_++));
  }

 private:
  Ref<DictView> view_;
  size_t at_ = 0;
};

class RangeIterator final : public Iterator {
 public:
  explicit RangeIterator(Ref<Range> range) : range_(std::move(range)) {}
  Result<std::optional<Value>> next(Runtime&) override {
    if (at_ >= range_->count()) return std::optional<Value>();
    return std::optional<Value>(Value::integer(range_->at(at_++)));
  }

 private:
  Ref<Range> range_;
  int64_t at_ = 0;
};

class EmptyIterator final : public Iterator {
 public:
  Result<std::optional<Value>> next(Runtime&) override { return std::optional<Value>(); }
};

}  // namespace

bool is_iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::string:
    case Kind::list:
    case Kind::tuple:
    case Kind::dict:
      return true;
    case Kind::opaque:
      return value.opaque().iterable();
    default:
      return false;
  }
}

Result<Ref<Iterator>> iterate(Runtime& rt, const Value& value) {
  MANG_TRY(rt.step());
  switch (value.kind()) {
    case Kind::undefined:
      return Ref<Iterator>(rt.make<EmptyIterator>());
    case Kind::string:
      return Ref<Iterator>(rt.make<TextIterator>(value));
    case Kind::list:
    case Kind::tuple:
      return Ref<Iterator>(rt.make<SequenceIterator>(value));
    case Kind::dict: {
      const Ref<Dict> dict(const_cast<Dict*>(&value.dict()));
      return Ref<Iterator>(rt.make<ViewIterator>(rt.make<DictView>(dict, DictView::Part::keys)));
    }
    case Kind::opaque:
      if (value.opaque().iterable()) return value.opaque().iterate(rt);
      break;
    default:
      break;
  }
  return fail("'{}' object is not iterable", type_name(value));
}

Result<std::vector<Value>> to_vector(Runtime& rt, const Value& value) {
  if (value.is_sequence()) {
    MANG_TRY(rt.work_items(value.items().size()));
    return value.items();
  }
  MANG_TRY(auto it, iterate(rt, value));
  std::vector<Value> out;
  while (true) {
    MANG_TRY(auto item, it->next(rt));
    if (!item) return out;
    MANG_TRY(rt.step());
    // The vector itself is not counted while it grows, so its room is asked for before each doubling.
    if (out.size() == out.capacity()) MANG_TRY(rt.work_items(2 * out.size() + 1));
    out.push_back(*std::move(item));
  }
}

Result<Value> Opaque::call(Runtime&, Arguments&) { return fail("'{}' object is not callable", type_name()); }
Result<std::string> Opaque::repr(Runtime&) { return fmt::format("<{} object>", type_name()); }
Result<Ref<Iterator>> Opaque::iterate(Runtime&) { return fail("'{}' object is not iterable", type_name()); }

Result<std::optional<Value>> Range::attribute(Runtime&, std::string_view name) {
  if (name == "start") return std::optional<Value>(Value::integer(start_));
  if (name == "stop") return std::optional<Value>(Value::integer(stop_));
  if (name == "step") return std::optional<Value>(Value::integer(step_));
  return std::optional<Value>();
}

Result<std::string> Range::repr(Runtime&) {
  if (step_ == 1) return fmt::format("range({}, {})", start_, stop_);
  return fmt::format("range({}, {}, {})", start_, stop_, step_);
}

Result<Ref<Iterator>> Range::iterate(Runtime& rt) { return Ref<Iterator>(rt.make<RangeIterator>(Ref<Range>(this))); }

Result<std::optional<Value>> Range::item(Runtime&, const Value& key) {
  if (!key.is_integral()) return std::optional<Value>();
  const int64_t index = key.as_int() < 0 ? key.as_int() + count_ : key.as_int();
  if (index < 0 || index >= count_) return std::optional<Value>();
  return std::optional<Value>(Value::integer(at(index)));
}

bool Range::equals(const Opaque& other) const {
  const auto* range = dynamic_cast<const Range*>(&other);
  if (!range || range->count_ != count_) return false;
  return count_ == 0 || (start_ == range->start_ && (count_ == 1 || step_ == range->step_));
}

std::string_view DictView::type_name() const {
  return part_ == Part::keys ? "dict_keys" : part_ == Part::values ? "dict_values" : "dict_items";
}

Value DictView::at(Runtime& rt, size_t i) const {
  const auto& [key, value] = dict_->pairs[i];
  if (part_ == Part::keys) return key;
  if (part_ == Part::values) return value;
  return rt.tuple({key, value});
}

Result<std::string> DictView::repr(Runtime& rt) {
  Builder out(rt);
  MANG_TRY(out.append(type_name()));
  MANG_TRY(out.append("(["));
  for (size_t i = 0; i < dict_->pairs.size(); ++i) {
    if (i > 0) MANG_TRY(out.append(", "));
    MANG_TRY(append_repr(rt, out, at(rt, i)));
  }
  MANG_TRY(out.append("])"));
  return out.take();
}

Result<Ref<Iterator>> DictView::iterate(Runtime& rt) {
  return Ref<Iterator>(rt.make<ViewIterator>(Ref<DictView>(this)));
}

Result<std::optional<Value>> Namespace::attribute(Runtime&, std::string_view name) {
  const Value* value = attributes_->find(name);
  return value ? std::optional<Value>(*value) : std::nullopt;
}

Result<std::string> Namespace::repr(Runtime& rt) {
  MANG_TRY(std::string inner, repr_of(rt, rt.dict(attributes_)));
  return fmt::format("<Namespace {}>", inner);
}

Result<void> Namespace::set(Runtime& rt, const std::string& name, Value value) {
  if (name.starts_with("_")) {
    return fail(
        "Chat templates cannot store underscore-prefixed attributes on a namespace, but got '{}'. Please rename "
        "the attribute.",
        name);
  }
  if (const Value* old = attributes_->find(name)) {
    *const_cast<Value*>(old) = std::move(value);
    return {};
  }
  return dict_set(rt, *attributes_, name, std::move(value));
}

Result<std::string> Bound::repr(Runtime&) {
  if (global_) return fmt::format("<function {}>", name_);
  return fmt::format("<built-in method {} of {} object>", name_, mang::jinja::type_name(self_));
}

Result<std::optional<Value>> Bound::attribute(Runtime& rt, std::string_view name) {
  if (global_ && name_ == "dict" && name == "fromkeys") {
    if (const auto* method = find_method(rt.dict(rt.new_dict()), name)) {
      return std::optional<Value>(Runtime::opaque(rt.make<Bound>(Value(), method->function, method->name, false)));
    }
  }
  return std::optional<Value>();
}

}  // namespace mang::jinja
