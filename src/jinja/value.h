// The values a template computes with: Python's none, bool, int, float, str, list, tuple, dict, and objects that are
// only reachable by name (macros, loops, namespaces, methods, iterators).
//
// Integers are 64 bits wide; a result outside is an error of the operation, never a wrapped number. Lists, tuples,
// dicts and strings never change once built (the sandbox refuses every mutation), so copies share.
// Reference counts are not atomic: a Value and everything inside it belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mang::jinja {

class Object;
class Runtime;

// Bytes that live objects of one render hold, against its limit.
struct Memory {
  size_t limit = SIZE_MAX;
  size_t used = 0;
  size_t peak = 0;
  Object* doomed = nullptr;  // objects waiting to be freed: freeing a deep structure must not recurse
  bool draining = false;

  void add(size_t bytes) {
    used += bytes;
    if (used > peak) peak = used;
  }
  void remove(size_t bytes) { used -= bytes; }
  [[nodiscard]] bool room_for(size_t bytes) const { return used <= limit && bytes <= limit - used; }
};

// A reference-counted thing on the heap.
class Object {
 public:
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object();

  void retain() const { ++refs_; }
  void release() const {
    if (--refs_ == 0) destroy();
  }
  // Counts `bytes` more against `memory` until this object dies.
  void charge(Memory& memory, size_t bytes);

 private:
  void destroy() const;

  mutable uint32_t refs_ = 0;
  mutable Object* next_doomed_ = nullptr;
  Memory* memory_ = nullptr;
  size_t charged_ = 0;
};

// A counted pointer to an Object.
template <typename T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <typename U>
  requires std::is_convertible_v<U*, T*> Ref(const Ref<U>& other)
      : Ref(static_cast<T*>(other.get())) {}  // NOLINT: implicit on purpose
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->release();
  }
  [[nodiscard]] T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

struct Text;
struct Sequence;
struct Dict;
struct UndefinedInfo;
struct Big;
class Opaque;

enum class Kind : uint8_t {
  missing,    // internal: a variable without a value
  undefined,  // jinja2's Undefined
  none,
  boolean,
  integer,
  real,
  big,     // an int beyond 64 bits: it can be carried, compared and printed (object.h)
  string,  // UTF-8; may be marked safe (markupsafe.Markup)
  list,
  tuple,
  dict,
  opaque,  // everything else: object.h
};

class Value {
 public:
  Value() : kind_(Kind::none), integer_(0) {}
  Value(const Value& other) : kind_(other.kind_), integer_(other.integer_) {
    if (on_heap()) object_->retain();
  }
  Value(Value&& other) noexcept : kind_(other.kind_), integer_(other.integer_) {
    other.kind_ = Kind::none;
    other.integer_ = 0;
  }
  Value& operator=(Value other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(integer_, other.integer_);
    return *this;
  }
  ~Value() {
    if (on_heap()) object_->release();
  }

  static Value none() { return {}; }
  static Value missing() { return Value(Kind::missing, 0); }
  static Value boolean(bool b) { return Value(Kind::boolean, b ? 1 : 0); }
  static Value integer(int64_t i) { return Value(Kind::integer, i); }
  static Value real(double d);
  // For values made outside a render (the context); inside one, Runtime makes them and counts their memory.
  static Value string(std::string utf8);
  static Value unsigned_integer(uint64_t i);
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  // Keys are strings; a repeated key keeps its first place and takes the last value, as Python's json does.
  static Value dict(std::vector<std::pair<std::string, Value>> items);
  static Value from_object(Kind kind, Object* object) {
    Value value(kind, 0);
    value.object_ = object;
    object->retain();
    return value;
  }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }
  [[nodiscard]] bool is_integral() const { return kind_ == Kind::integer || kind_ == Kind::boolean; }
  [[nodiscard]] bool is_number() const { return is_integral() || kind_ == Kind::real || kind_ == Kind::big; }
  [[nodiscard]] bool is_sequence() const { return kind_ == Kind::list || kind_ == Kind::tuple; }
  [[nodiscard]] bool on_heap() const { return kind_ >= Kind::big || (kind_ == Kind::undefined && object_ != nullptr); }

  // Each is right only for its kind.
  [[nodiscard]] bool as_bool() const { return integer_ != 0; }
  [[nodiscard]] int64_t as_int() const { return integer_; }  // integer or boolean
  [[nodiscard]] double as_real() const { return real_; }
  [[nodiscard]] const Object* object() const { return object_; }
  [[nodiscard]] Object* object() { return object_; }
  [[nodiscard]] const Text& text() const;
  [[nodiscard]] std::string_view str() const;             // string
  [[nodiscard]] const std::vector<Value>& items() const;  // list or tuple
  [[nodiscard]] const Dict& dict() const;
  [[nodiscard]] const Big& big() const;
  [[nodiscard]] Opaque& opaque() const;
  [[nodiscard]] bool same(const Value& other) const { return kind_ == other.kind_ && integer_ == other.integer_; }

 private:
  Value(Kind kind, int64_t i) : kind_(kind), integer_(i) {}

  Kind kind_;
  union {
    int64_t integer_;
    double real_;
    Object* object_;
  };
};

}  // namespace mang::jinja
