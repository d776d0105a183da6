#include "jinja/attribute_path.h"

#include <algorithm>

#include "jinja/python_number.h"
#include "jinja/unicode.h"

namespace mang::jinja {

Result<AttributePath> AttributePath::parse(const Value& attribute) {
  AttributePath path;
  if (attribute.is(Kind::none)) return path;
  if (!attribute.is(Kind::string)) {
    path.parts_.push_back(attribute);
    return path;
  }
  const auto text = attribute.str();
  if (std::count(text.begin(), text.end(), '.') > 100) return fail("an attribute path has more than 100 parts");
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('.', start), text.size());
    const auto part = text.substr(start, end - start);
    const bool digits =
        !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    path.parts_.push_back(digits ? integer_from_decimal(false, part) : Value::string(std::string(part)));
    start = end + 1;
  }
  return path;
}

Result<Value> AttributePath::get(Runtime& rt, const Value& item, const Value& fallback) const {
  Value value = item;
  for (const Value& part : parts_) {
    MANG_TRY(value, get_item(rt, value, part));
    const bool has_fallback = !fallback.is(Kind::missing) && !fallback.is(Kind::none);
    if (has_fallback && value.is(Kind::undefined)) value = fallback;
  }
  return value;
}

Result<Value> ignore_case(Runtime& rt, const Value& value) {
  if (!value.is(Kind::string)) return value;
  MANG_TRY(rt.work(value.str().size() * 2));
  return rt.string(unicode::lower(value.str()), value.text().safe);
}

}  // namespace mang::jinja
