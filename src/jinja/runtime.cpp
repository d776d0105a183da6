#include "jinja/runtime.h"

#include "jinja/operators.h"

namespace mang::jinja {
namespace {

constexpr uint64_t kStepsBetweenClocks = 4096;

}  // namespace

Runtime::Runtime(const RenderOptions& options)
    : max_steps_(options.max_steps),
      next_check_(options.max_steps),
      now_(options.now),
      stack_base_(static_cast<const char*>(__builtin_frame_address(0))) {
  memory.limit = options.max_bytes;
  if (options.deadline_ms) {
    deadline_ms_ = *options.deadline_ms;
    deadline_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(*options.deadline_ms);
    next_check_ = std::min(max_steps_, kStepsBetweenClocks);
  }
}

Runtime::~Runtime() {
  while (cyclic_) {
    const Ref<Cyclic> object(cyclic_);
    object->delist();
    object->clear();
  }
}

Result<void> Runtime::check_limits() {
  if (memory.used > memory.limit) {
    return fail("the template needs more than {} bytes of memory; it was stopped", memory.limit);
  }
  if (steps_ >= max_steps_) {
    steps_ = max_steps_;  // what was refused is not done
    return fail("the template takes more than {} steps; it was stopped", max_steps_);
  }
  if (deadline_ && std::chrono::steady_clock::now() > *deadline_) {
    return fail("the template takes longer than {} ms; it was stopped", deadline_ms_);
  }
  if (deadline_) next_check_ = std::min(max_steps_, steps_ + kStepsBetweenClocks);
  return {};
}

Result<void> Runtime::work(size_t bytes) {
  if (!memory.room_for(bytes)) {
    return fail("the template needs more than {} bytes of memory; it was stopped", memory.limit);
  }
  return step(bytes / kBytesPerStep);
}

Value Runtime::string(std::string bytes, bool safe) {
  const size_t heap = bytes.capacity() > 15 ? bytes.capacity() + 1 : 0;
  auto* text = new Text(std::move(bytes), safe);
  text->charge(memory, sizeof(Text) + heap + 16);
  return Value::from_object(Kind::string, text);
}

Value Runtime::sequence(Kind kind, std::vector<Value> items) {
  auto* sequence = new Sequence(std::move(items));
  sequence->charge(memory, sizeof(Sequence) + sequence->items.capacity() * sizeof(Value) + 16);
  return Value::from_object(kind, sequence);
}

Ref<Dict> Runtime::new_dict() { return make<Dict>(); }

Value Runtime::undefined(std::string message) {
  return Value::from_object(Kind::undefined, make<UndefinedInfo>(std::move(message)).get());
}

Result<void> Builder::append(size_t n, char c) {
  MANG_TRY(rt_.work(n));
  bytes_.append(n, c);
  rt_.memory.add(n);
  return {};
}

}  // namespace mang::jinja
