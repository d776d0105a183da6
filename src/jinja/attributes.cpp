// x.name, x[key], x[a:b], x(…): the sandbox's lookups.
#include <algorithm>

#include "jinja/filters.h"
#include "jinja/operators.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

Value no_attribute(Runtime& rt, const Value& object, std::string_view name) {
  return rt.undefined(fmt::format("'{}' has no attribute '{}'", object_name(object), name));
}

Value unsafe_attribute(Runtime& rt, const Value& object, std::string_view name) {
  return rt.undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(object)));
}

Value code_point_at(Runtime& rt, const Value& text, size_t index) {
  const auto bytes = text.str();
  const size_t start = text.text().ascii() ? index : unicode::offset_of(bytes, index);
  size_t end = start;
  unicode::decode(bytes, end);
  return rt.string(std::string(bytes.substr(start, end - start)), text.text().safe);
}

// object[key] where Python has one: nullopt for TypeError and LookupError.
Result<std::optional<Value>> subscript(Runtime& rt, const Value& object, const Value& key) {
  const std::optional<Value> none;
  if (object.is(Kind::dict)) {
    auto found = dict_find(rt, object.dict(), key);
    if (!found) return none;  // unhashable
    return *found ? std::optional<Value>(**found) : none;
  }
  if (object.is(Kind::opaque)) return object.opaque().item(rt, key);
  if (!object.is(Kind::string) && !object.is_sequence()) return none;
  if (!key.is_integral()) return none;
  if (object.is(Kind::string)) {
    MANG_TRY(rt.step(object.str().size() / 512));
    if (!object.text().ascii()) MANG_TRY(rt.letters(object.str().size()));
  }
  const auto size = static_cast<int64_t>(object.is(Kind::string) ? object.text().length() : object.items().size());
  int64_t index = key.as_int();
  if (index < 0) index += size;
  if (index < 0 || index >= size) return none;
  if (object.is(Kind::string)) return std::optional<Value>(code_point_at(rt, object, static_cast<size_t>(index)));
  return std::optional<Value>(object.items()[static_cast<size_t>(index)]);
}

// Bounds of a slice over `size` items, as slice.indices() makes them.
struct SliceBounds {
  int64_t start, stop, step, count;
};

Result<std::optional<int64_t>> slice_part(const Value& value) {
  if (value.is(Kind::none)) return std::optional<int64_t>();
  if (value.is_integral()) return std::optional<int64_t>(value.as_int());
  if (value.is(Kind::big)) return std::optional<int64_t>(value.big().negative ? INT64_MIN : INT64_MAX);
  return fail("slice indices must be integers or None or have an __index__ method");
}

Result<SliceBounds> slice_bounds(int64_t size, const Value& start, const Value& stop, const Value& step) {
  MANG_TRY(auto by, slice_part(step));
  MANG_TRY(auto from, slice_part(start));
  MANG_TRY(auto to, slice_part(stop));
  SliceBounds out{0, 0, by.value_or(1), 0};
  if (out.step == 0) return fail("slice step cannot be zero");
  if (out.step == INT64_MIN) out.step = -INT64_MAX;
  const bool down = out.step < 0;
  const int64_t low = down ? -1 : 0, high = down ? size - 1 : size;
  const auto clamp = [&](int64_t i) {
    if (i < 0) i = i < -size ? INT64_MIN / 2 : i + size;
    return std::clamp(i, low, high);
  };
  out.start = from ? clamp(*from) : (down ? high : low);
  out.stop = to ? clamp(*to) : (down ? low : high);
  if (down && out.stop < out.start) out.count = (out.start - out.stop - 1) / -out.step + 1;
  if (!down && out.start < out.stop) out.count = (out.stop - out.start - 1) / out.step + 1;
  return out;
}

Value slice_text(Runtime& rt, const Value& text, const SliceBounds& b) {
  const auto bytes = text.str();
  const bool safe = text.text().safe;
  const bool ascii = text.text().ascii();
  if (b.step == 1) {
    const size_t start = ascii ? static_cast<size_t>(b.start) : unicode::offset_of(bytes, static_cast<size_t>(b.start));
    const auto rest = bytes.substr(std::min(start, bytes.size()));
    const size_t size = ascii ? static_cast<size_t>(b.count) : unicode::offset_of(rest, static_cast<size_t>(b.count));
    return rt.string(std::string(rest.substr(0, b.count == 0 ? 0 : size)), safe);
  }
  std::string out;
  if (ascii) {
    for (int64_t i = 0; i < b.count; ++i) out.push_back(bytes[static_cast<size_t>(b.start + i * b.step)]);
    return rt.string(std::move(out), safe);
  }
  std::vector<uint32_t> offsets;
  for (size_t at = 0; at < bytes.size(); unicode::decode(bytes, at)) offsets.push_back(static_cast<uint32_t>(at));
  for (int64_t i = 0; i < b.count; ++i) {
    const size_t start = offsets[static_cast<size_t>(b.start + i * b.step)];
    size_t end = start;
    unicode::decode(bytes, end);
    out.append(bytes.substr(start, end - start));
  }
  return rt.string(std::move(out), safe);
}

}  // namespace

Result<std::optional<Value>> real_attribute(Runtime& rt, const Value& object, std::string_view name) {
  if (object.is(Kind::undefined)) return undefined_error(object);
  if (const FilterEntry* method = find_method(object, name)) {
    return std::optional<Value>(Runtime::opaque(rt.make<Bound>(object, method->function, method->name, false)));
  }
  if (object.is_sequence()) {
    const auto* sequence = static_cast<const Sequence*>(object.object());
    for (size_t i = 0; i < sequence->fields.size(); ++i) {
      if (sequence->fields[i] == name) return std::optional<Value>(sequence->items[i]);
    }
  }
  if (object.is_integral() && (name == "real" || name == "numerator")) {
    return std::optional<Value>(Value::integer(object.as_int()));
  }
  if (object.is_integral() && (name == "imag" || name == "denominator")) {
    return std::optional<Value>(Value::integer(name == "imag" ? 0 : 1));
  }
  if (object.is(Kind::real) && (name == "real" || name == "imag")) {
    return std::optional<Value>(Value::real(name == "real" ? object.as_real() : 0.0));
  }
  if (object.is(Kind::opaque)) return object.opaque().attribute(rt, name);
  return std::optional<Value>();
}

Result<Value> get_attribute(Runtime& rt, const Value& object, std::string_view name) {
  if (object.is(Kind::undefined)) return undefined_error(object);
  if (is_unsafe_attribute(object, name)) return unsafe_attribute(rt, object, name);
  MANG_TRY(auto value, real_attribute(rt, object, name));
  if (value) return *std::move(value);
  if (object.is(Kind::dict)) {
    if (const Value* item = object.dict().find(name)) return *item;
  }
  return no_attribute(rt, object, name);
}

Result<Value> get_item(Runtime& rt, const Value& object, const Value& key) {
  if (object.is(Kind::undefined)) return undefined_error(object);
  MANG_TRY(auto item, subscript(rt, object, key));
  if (item) return *std::move(item);
  if (key.is(Kind::string)) {
    const auto name = key.str();
    if (is_unsafe_attribute(object, name)) return unsafe_attribute(rt, object, name);
    MANG_TRY(auto value, real_attribute(rt, object, name));
    if (value) return *std::move(value);
    return no_attribute(rt, object, name);
  }
  MANG_TRY(std::string shown, repr_of(rt, key));
  if (shown.size() > 200) shown = shown.substr(0, unicode::offset_of(shown, 60)) + "…";
  return rt.undefined(fmt::format("{} has no element {}", object_name(object), shown));
}

Result<Value> slice(Runtime& rt, const Value& object, const Value& start, const Value& stop, const Value& step) {
  if (object.is(Kind::undefined)) return undefined_error(object);
  if (object.is(Kind::string)) {
    MANG_TRY(rt.work(object.str().size()));
    if (!object.text().ascii()) MANG_TRY(rt.letters(object.str().size()));
    MANG_TRY(auto bounds, slice_bounds(static_cast<int64_t>(object.text().length()), start, stop, step));
    return slice_text(rt, object, bounds);
  }
  if (object.is_sequence()) {
    const auto& items = object.items();
    MANG_TRY(auto b, slice_bounds(static_cast<int64_t>(items.size()), start, stop, step));
    MANG_TRY(rt.work_items(static_cast<size_t>(b.count)));
    std::vector<Value> out;
    out.reserve(static_cast<size_t>(b.count));
    for (int64_t i = 0; i < b.count; ++i) out.push_back(items[static_cast<size_t>(b.start + i * b.step)]);
    return rt.sequence(object.kind(), std::move(out));
  }
  if (object.is(Kind::opaque)) {
    if (const auto* range = dynamic_cast<const Range*>(&object.opaque())) {
      MANG_TRY(auto b, slice_bounds(range->count(), start, stop, step));
      const int64_t first = range->at(b.start);
      const int64_t by = b.count > 1 ? range->step() * b.step : range->step();
      return Runtime::opaque(rt.make<Range>(first, range->at(b.stop), by, b.count));
    }
  }
  if (object.is(Kind::dict)) return fail("unhashable type: 'slice'");
  return fail("'{}' object is not subscriptable", type_name(object));
}

Result<Value> call_value(Runtime& rt, const Value& callee, Arguments& arguments) {
  MANG_TRY(rt.step());
  if (callee.is(Kind::undefined)) return undefined_error(callee);
  if (callee.is(Kind::opaque) && callee.opaque().callable()) return callee.opaque().call(rt, arguments);
  return fail("'{}' object is not callable", type_name(callee));
}

}  // namespace mang::jinja
