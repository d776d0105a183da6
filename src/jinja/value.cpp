#include "jinja/value.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>

#include "jinja/object.h"
#include "jinja/unicode.h"

namespace mang::jinja {

Object::~Object() {
  if (memory_) memory_->remove(charged_);
}

void Object::charge(Memory& memory, size_t bytes) {
  memory_ = &memory;
  charged_ += bytes;
  memory.add(bytes);
}

// Objects of a render queue up instead of deleting each other, so that a list nested a million deep is freed in a
// loop. Objects without a Memory come from outside and are as shallow as their source.
void Object::destroy() const {
  if (!memory_) {
    delete this;
    return;
  }
  Memory& memory = *memory_;
  next_doomed_ = memory.doomed;
  memory.doomed = const_cast<Object*>(this);
  if (memory.draining) return;
  memory.draining = true;
  while (memory.doomed) {
    Object* next = memory.doomed;
    memory.doomed = next->next_doomed_;
    delete next;
  }
  memory.draining = false;
}

Value Value::real(double d) {
  Value value(Kind::real, 0);
  value.real_ = d;
  return value;
}

Value Value::string(std::string utf8) { return from_object(Kind::string, new Text(std::move(utf8))); }

Value Value::unsigned_integer(uint64_t i) {
  if (i <= static_cast<uint64_t>(INT64_MAX)) return integer(static_cast<int64_t>(i));
  return from_object(Kind::big, new Big(false, std::to_string(i)));
}

Value Value::list(std::vector<Value> items) { return from_object(Kind::list, new Sequence(std::move(items))); }
Value Value::tuple(std::vector<Value> items) { return from_object(Kind::tuple, new Sequence(std::move(items))); }

size_t Text::length() const {
  if (length_ == kUnknown) length_ = unicode::count(bytes);
  return length_;
}

double Big::approximate() const { return std::strtod(decimal().c_str(), nullptr); }

Value* Arguments::find(std::string_view name) {
  const auto at = std::find_if(named.begin(), named.end(), [&](const auto& pair) { return pair.first == name; });
  return at == named.end() ? nullptr : &at->second;
}

}  // namespace mang::jinja
