// "user.address.0": what the attribute= of map, sort, groupby, join and others looks up.
#pragma once

#include <vector>

#include "jinja/operators.h"

namespace mang::jinja {

class AttributePath {
 public:
  // None: the item itself. Parts of digits are places in a list.
  static Result<AttributePath> parse(const Value& attribute);

  // `fallback` (Kind::missing: none) stands in for what is undefined on the way.
  [[nodiscard]] Result<Value> get(Runtime& rt, const Value& item, const Value& fallback = Value::missing()) const;

 private:
  std::vector<Value> parts_;
};

// Text in lower case, anything else as it is: how sort and the like compare unless case_sensitive.
Result<Value> ignore_case(Runtime& rt, const Value& value);

}  // namespace mang::jinja
