// How far a fetch has come, for whoever watches.
#pragma once

#include <cstdint>
#include <functional>

namespace mang {

enum class FetchStage { waiting, downloading, verifying };  // waiting: another process fetches the same file

struct FetchProgress {
  FetchStage stage = FetchStage::waiting;
  uint64_t done = 0;   // bytes; never less than before within a stage
  uint64_t total = 0;  // bytes; 0: not known
};

// Called several times a second; false stops. Empty: nobody listens.
using FetchWatcher = std::function<bool(const FetchProgress&)>;

}  // namespace mang
