// What Values point at. Internal to the interpreter; value.h is what callers see.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "jinja/value.h"

namespace mang::jinja {

// A str. Positions are code points, as in Python.
struct Text final : Object {
  explicit Text(std::string utf8, bool is_safe = false) : bytes(std::move(utf8)), safe(is_safe) {}

  [[nodiscard]] size_t length() const;  // code points
  [[nodiscard]] bool ascii() const { return length() == bytes.size(); }

  std::string bytes;
  bool safe;  // markupsafe.Markup: escaped already, and everything joined to it is escaped

 private:
  static constexpr size_t kUnknown = SIZE_MAX;
  mutable size_t length_ = kUnknown;
};

// A list or a tuple. `fields`: the names of a named tuple's places (groupby), or null.
struct Sequence final : Object {
  explicit Sequence(std::vector<Value> v) : items(std::move(v)) {}
  std::vector<Value> items;
  std::span<const std::string_view> fields;
};

// A dict: pairs in insertion order, and beyond a few pairs a hash index. Only dict_set (operators.h) adds to it,
// and only while it is being built (a namespace's attributes excepted).
struct Dict final : Object {
  std::vector<std::pair<Value, Value>> pairs;
  std::vector<uint32_t> index;  // open addressing: place in pairs + 1, 0 = free; empty while pairs are few

  // The value of a string key, or null.
  [[nodiscard]] const Value* find(std::string_view key) const;
};

// An int outside 64 bits, as JSON may hold it. It can be carried, compared and printed; arithmetic refuses it.
struct Big final : Object {
  Big(bool is_negative, std::string d) : negative(is_negative), digits(std::move(d)) {}
  [[nodiscard]] std::string decimal() const { return negative ? "-" + digits : digits; }
  [[nodiscard]] double approximate() const;
  bool negative;
  std::string digits;  // decimal, no leading zeros
};

// Why something is undefined: the sentence an operation on it fails with.
struct UndefinedInfo final : Object {
  explicit UndefinedInfo(std::string m) : message(std::move(m)) {}
  std::string message;
};

// Arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  [[nodiscard]] bool empty() const { return positional.empty() && named.empty(); }
  [[nodiscard]] Value* find(std::string_view name);
};

// One pass over some values.
class Iterator;

// Values that are neither data nor undefined.
class Opaque : public Object {
 public:
  // Python's name of the type, for error messages: "generator", "Macro", …
  [[nodiscard]] virtual std::string_view type_name() const = 0;
  // A named attribute; nullopt: there is none.
  virtual Result<std::optional<Value>> attribute(Runtime&, std::string_view) { return std::optional<Value>(); }
  [[nodiscard]] virtual bool callable() const { return false; }
  virtual Result<Value> call(Runtime&, Arguments&);
  virtual Result<std::string> repr(Runtime&);
  [[nodiscard]] virtual bool iterable() const { return false; }
  virtual Result<Ref<Iterator>> iterate(Runtime&);
  // len(); nullopt: it has none.
  virtual Result<std::optional<int64_t>> length(Runtime&) { return std::optional<int64_t>(); }
  // value[key] where value is a sequence (range): nullopt, not subscriptable or out of range.
  virtual Result<std::optional<Value>> item(Runtime&, const Value&) { return std::optional<Value>(); }
  // value in this; nullopt: by iteration.
  virtual Result<std::optional<bool>> contains(Runtime&, const Value&) { return std::optional<bool>(); }
  [[nodiscard]] virtual bool equals(const Opaque& other) const { return this == &other; }
  // bool(value) of objects that have no length.
  [[nodiscard]] virtual bool has_getitem() const { return false; }
};

// An object that can hold a reference to itself: the render clears those still alive when it ends.
class Cyclic : public Opaque {
 public:
  ~Cyclic() override { delist(); }
  void enlist(Cyclic*& head) {
    next_ = head;
    previous_ = &head;
    if (head) head->previous_ = &next_;
    head = this;
  }
  void delist() {
    if (previous_) *previous_ = next_;
    if (next_) next_->previous_ = previous_;
    previous_ = nullptr;
    next_ = nullptr;
  }
  virtual void clear() = 0;

 private:
  Cyclic* next_ = nullptr;
  Cyclic** previous_ = nullptr;
};

class Iterator : public Opaque {
 public:
  // The next value, or nullopt at the end.
  virtual Result<std::optional<Value>> next(Runtime&) = 0;
  [[nodiscard]] std::string_view type_name() const override { return "generator"; }
  [[nodiscard]] bool iterable() const override { return true; }
  Result<Ref<Iterator>> iterate(Runtime&) override { return Ref<Iterator>(this); }
};

// range(): start, start + step, … count values.
class Range final : public Opaque {
 public:
  Range(int64_t start, int64_t stop, int64_t step, int64_t count)
      : start_(start), stop_(stop), step_(step), count_(count) {}
  [[nodiscard]] std::string_view type_name() const override { return "range"; }
  Result<std::optional<Value>> attribute(Runtime&, std::string_view) override;
  Result<std::string> repr(Runtime&) override;
  [[nodiscard]] bool iterable() const override { return true; }
  Result<Ref<Iterator>> iterate(Runtime&) override;
  Result<std::optional<int64_t>> length(Runtime&) override { return std::optional<int64_t>(count_); }
  Result<std::optional<Value>> item(Runtime&, const Value&) override;
  [[nodiscard]] bool equals(const Opaque& other) const override;
  [[nodiscard]] bool has_getitem() const override { return true; }
  [[nodiscard]] int64_t at(int64_t i) const { return start_ + i * step_; }
  [[nodiscard]] int64_t count() const { return count_; }
  [[nodiscard]] int64_t step() const { return step_; }

 private:
  int64_t start_, stop_, step_, count_;
};

// dict.keys(), .values(), .items().
class DictView final : public Opaque {
 public:
  enum class Part { keys, values, items };
  DictView(Ref<Dict> dict, Part part) : dict_(std::move(dict)), part_(part) {}
  [[nodiscard]] std::string_view type_name() const override;
  Result<std::string> repr(Runtime&) override;
  [[nodiscard]] bool iterable() const override { return true; }
  Result<Ref<Iterator>> iterate(Runtime&) override;
  Result<std::optional<int64_t>> length(Runtime&) override {
    return std::optional<int64_t>(static_cast<int64_t>(dict_->pairs.size()));
  }
  [[nodiscard]] Value at(Runtime&, size_t i) const;
  [[nodiscard]] const Ref<Dict>& dict() const { return dict_; }
  [[nodiscard]] Part part() const { return part_; }

 private:
  Ref<Dict> dict_;
  Part part_;
};

// namespace(...): the one thing templates may change.
class Namespace final : public Cyclic {
 public:
  explicit Namespace(Ref<Dict> attributes) : attributes_(std::move(attributes)) {}
  [[nodiscard]] std::string_view type_name() const override { return "TemplateNamespace"; }
  Result<std::optional<Value>> attribute(Runtime&, std::string_view) override;
  Result<std::string> repr(Runtime&) override;
  Result<void> set(Runtime&, const std::string& name, Value value);
  void clear() override { attributes_->pairs.clear(), attributes_->index.clear(); }

 private:
  Ref<Dict> attributes_;
};

using BuiltinFunction = Result<Value> (*)(Runtime&, const Value& self, Arguments&);

// A method taken from its object ("x".upper) or a global function (range).
class Bound final : public Opaque {
 public:
  Bound(Value self, BuiltinFunction function, std::string_view name, bool is_global)
      : self_(std::move(self)), function_(function), name_(name), global_(is_global) {}
  [[nodiscard]] std::string_view type_name() const override {
    return global_ ? "function" : "builtin_function_or_method";
  }
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& rt, Arguments& arguments) override { return function_(rt, self_, arguments); }
  Result<std::string> repr(Runtime&) override;
  Result<std::optional<Value>> attribute(Runtime&, std::string_view) override;

 private:
  Value self_;
  BuiltinFunction function_;
  std::string_view name_;  // of a static table
  bool global_;
};

inline const Text& Value::text() const { return *static_cast<const Text*>(object_); }
inline std::string_view Value::str() const { return text().bytes; }
inline const std::vector<Value>& Value::items() const { return static_cast<const Sequence*>(object_)->items; }
inline const Dict& Value::dict() const { return *static_cast<const Dict*>(object_); }
inline const Big& Value::big() const { return *static_cast<const Big*>(object_); }
inline Opaque& Value::opaque() const { return *static_cast<Opaque*>(object_); }

}  // namespace mang::jinja
