// What one render owns: its limits (steps, bytes, time, depth) and the making of values that count against them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "jinja/date_time.h"
#include "jinja/object.h"
#include "jinja/template.h"
#include "jinja/value.h"

namespace mang::jinja {

inline constexpr int kMaxDepth = 4000;  // nested evaluations: expressions, statements, macros, printed values
inline constexpr size_t kMaxStackBytes = size_t{3} << 20;  // a second guard, for builds with large stack frames
inline constexpr int kMaxCallDepth = 190;  // macros and recursive loops inside each other; Python gives up near there
inline constexpr int64_t kMaxRange = 100'000;  // items of range(), as jinja2's sandbox
inline constexpr int64_t kMaxPadding = int64_t{1} << 24;

// What a step buys, so that a million take about a tenth of a second whatever they are spent on.
inline constexpr uint64_t kBytesPerStep = 256;      // copied
inline constexpr uint64_t kLetterBytesPerStep = 8;  // decoded, looked up, mapped
inline constexpr uint64_t kStepsOfReal = 8;         // a real number written in digits

class Runtime {
 public:
  explicit Runtime(const RenderOptions& options);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Counts work that is about to be done; fails when that would pass a limit.
  Result<void> step(uint64_t n = 1) {
    steps_ += n;
    if (steps_ >= next_check_ || memory.used > memory.limit) return check_limits();
    return {};
  }
  // About to read `bytes` and keep up to `bytes` new ones.
  Result<void> work(size_t bytes);
  // About to look at `bytes` of text letter by letter.
  Result<void> letters(size_t bytes) { return step(bytes / kLetterBytesPerStep); }
  // About to handle `n` items of 16 bytes each.
  Result<void> work_items(size_t n) { return work(n * sizeof(Value)); }

  Value string(std::string bytes, bool safe = false);
  Value list(std::vector<Value> items) { return sequence(Kind::list, std::move(items)); }
  Value tuple(std::vector<Value> items) { return sequence(Kind::tuple, std::move(items)); }
  Value sequence(Kind kind, std::vector<Value> items);
  Value dict(const Ref<Dict>& d) { return Value::from_object(Kind::dict, d.get()); }
  Ref<Dict> new_dict();
  Value undefined(std::string message);
  template <typename T, typename... Args>
  Ref<T> make(Args&&... args) {
    Ref<T> object(new T(std::forward<Args>(args)...));
    object->charge(memory, sizeof(T) + 32);
    return object;
  }
  template <typename T, typename... Args>
  Ref<T> make_cyclic(Args&&... args) {
    auto object = make<T>(std::forward<Args>(args)...);
    object->enlist(cyclic_);
    return object;
  }
  template <typename T>
  static Value opaque(const Ref<T>& object) {
    return Value::from_object(Kind::opaque, object.get());
  }

  // How much of the machine's stack the render holds.
  [[nodiscard]] bool stack_is_full() const {
    const auto* here = static_cast<const char*>(__builtin_frame_address(0));
    return static_cast<size_t>(here < stack_base_ ? stack_base_ - here : here - stack_base_) > kMaxStackBytes;
  }
  [[nodiscard]] uint64_t steps() const { return steps_; }
  [[nodiscard]] const std::optional<DateTime>& now() const { return now_; }

  Memory memory;
  int line = 0;  // of the node being evaluated
  int depth = 0;
  int call_depth = 0;
  bool autoescape = false;  // inside {% autoescape true %}
  uint64_t random_state = 0x9E3779B97F4A7C15ULL;

 private:
  Result<void> check_limits();

  uint64_t steps_ = 0;
  uint64_t max_steps_;
  uint64_t next_check_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  uint32_t deadline_ms_ = 0;
  std::optional<DateTime> now_;
  Cyclic* cyclic_ = nullptr;
  const char* stack_base_;
};

// One more level of nesting while it lives: MANG_TRY(guard.enter(rt)).
class DepthGuard {
 public:
  explicit DepthGuard(Runtime& rt) : rt_(rt) { ++rt_.depth; }
  ~DepthGuard() { --rt_.depth; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  [[nodiscard]] Result<void> check() const {
    if (rt_.depth > kMaxDepth || rt_.stack_is_full()) return too_deep();
    return {};
  }

 private:
  [[nodiscard]] static Error too_deep() {
    return fail("values, expressions or calls are nested more than {} deep", kMaxDepth);
  }

  Runtime& rt_;
};

// An iterator made of a function that gives the next value.
class Generator final : public Iterator {
 public:
  using Next = std::function<Result<std::optional<Value>>(Runtime&)>;
  explicit Generator(Next next) : next_(std::move(next)) {}
  Result<std::optional<Value>> next(Runtime& rt) override { return next_(rt); }

 private:
  Next next_;
};

// Text being built, counted while it grows.
class Builder {
 public:
  explicit Builder(Runtime& rt) : rt_(rt) {}
  ~Builder() { rt_.memory.remove(bytes_.size()); }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  Result<void> append(std::string_view more) {
    if (more.size() >= 64 || rt_.memory.used > rt_.memory.limit) MANG_TRY(rt_.work(more.size()));
    bytes_.append(more);
    rt_.memory.add(more.size());
    return {};
  }
  Result<void> append(size_t n, char c);
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::string take() {
    rt_.memory.remove(bytes_.size());
    return std::exchange(bytes_, {});
  }

 private:
  Runtime& rt_;
  std::string bytes_;
};

}  // namespace mang::jinja
