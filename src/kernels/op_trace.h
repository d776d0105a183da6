// Where the time of a forward goes: the operations, the work in them, their time. Filled while a device has a trace
// (`mang bench --ops`); without one an operation pays one comparison.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/device.h"

namespace mang {

// What an operation cannot do without.
struct OpWork {
  double int8_macs = 0;  // multiply-adds of int8 dot products
  double f32_macs = 0;   // float32 multiply-adds of products and attention
  double bytes = 0;      // weights and KV cache, read once
};

class OpTrace {
 public:
  struct Op {
    std::string name;  // "Q4_K 1536 → 8960 + 8960"; what is done alike has one name
    int64_t calls = 0;
    double seconds = 0;
    OpWork work;  // of all calls
  };

  void add(std::string name, const OpWork& work, double seconds);
  [[nodiscard]] const std::vector<Op>& ops() const { return ops_; }  // in the order they first came
  [[nodiscard]] double seconds() const;

 private:
  std::vector<Op> ops_;
};

// One operation, from here to the end of the scope. describe(name, work) is called only where someone listens.
class OpScope {
 public:
  template <typename Describe>
  OpScope(const Device& device, Describe&& describe) : trace_(device.trace()) {
    if (trace_ == nullptr) return;
    describe(name_, work_);
    start_ = std::chrono::steady_clock::now();
  }
  OpScope(const Device& device, const char* name) : OpScope(device, [&](std::string& to, OpWork&) { to = name; }) {}
  ~OpScope() {
    if (trace_ == nullptr) return;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
    trace_->add(std::move(name_), work_, seconds.count());
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  OpTrace* trace_;
  std::string name_;
  OpWork work_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace mang
