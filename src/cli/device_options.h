// Options of every command that computes: threads, instruction set, arithmetic, type of the KV cache.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "kernels/device.h"
#include "kernels/matmul.h"

namespace mang::cli {

struct DeviceOptions {
  int threads = 0;  // 0: as many as there are cores for us
  std::string isa;  // empty: the best this machine has
  std::string kv;   // empty: f16, or f32 with exact
  bool exact = false;

  [[nodiscard]] Arithmetic arithmetic() const { return exact ? Arithmetic::exact : Arithmetic::quantized; }
  [[nodiscard]] KvType kv_type() const;
};

// threads: false for commands that take lists of them (bench).
void add_device_options(CLI::App& command, DeviceOptions& options, bool threads = true);

// A pool and the device on it; they belong together, and move without changing their addresses.
struct Machine {
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Device> device;
};
// Refuses an instruction set this machine lacks.
Result<Machine> open_machine(const DeviceOptions& options);

std::string_view kv_type_name(KvType type);

}  // namespace mang::cli
