#include "engine/speed_estimate.h"

#include <algorithm>

namespace mang {
namespace {

constexpr double kWeightShare = 0.85;  // of the bandwidth of reading in steps
constexpr double kKvShare = 0.5;
// Prefill, of the peaks: the int8 peak where products are its own instructions, and of the float32 peak where tiles are
// so fast that unpacking the weights is what takes the time.
constexpr double kInt8Share = 0.35;
constexpr double kFloatMultiple = 1.4;
// Norms, activations, softmax and quantizing of one token in one layer, counted as float32 multiply-adds.
constexpr double kLayerMacs = 3.5e6;
constexpr double kDecodeSpread = 1.25;
constexpr double kPrefillSpread = 1.35;

SpeedRange around(double seconds, double spread) {
  if (seconds <= 0) return {};
  return {1 / seconds, 1 / (seconds * spread), spread / seconds};
}

}  // namespace

SpeedEstimate estimate_speed(const TokenWork& work, const ProbeResult& machine, int64_t depth) {
  SpeedEstimate out;
  const double bandwidth = machine.read_in_steps_bytes_per_second;
  if (bandwidth > 0) {
    const double kv = work.kv_bytes_per_position * static_cast<double>(depth);
    out.decode = around(work.weight_bytes / (kWeightShare * bandwidth) + kv / (kKvShare * bandwidth), kDecodeSpread);
  }
  const double products =
      std::min(kInt8Share * machine.int8_macs_per_second, kFloatMultiple * machine.f32_macs_per_second);
  if (products > 0) {
    const double beside = kLayerMacs * static_cast<double>(work.layers) / machine.f32_macs_per_second;
    out.prefill = around(work.prompt_macs / products + beside, kPrefillSpread);
  }
  return out;
}

TokenWork token_work(const ModelInfo& info, double weight_bytes, double kv_bytes_per_position) {
  const auto d = [](int64_t n) { return static_cast<double>(n); };
  const double attention = d(info.hidden) * d(info.head_dim) * (2 * d(info.heads) + 2 * d(info.kv_heads));
  const double dense = 3 * d(info.hidden) * d(info.intermediate);
  const double sparse = d(info.hidden) * (d(info.experts) + 3 * d(info.experts_used) * d(info.expert_intermediate));
  const double layers =
      d(info.layers) * attention + d(info.layers - info.sparse_layers) * dense + d(info.sparse_layers) * sparse;
  const double head = d(info.hidden) * d(info.vocab);
  const auto parameters = static_cast<double>(info.parameters);
  const double multiplied = parameters > 0 ? std::min(1.0, (layers + head) / parameters) : 1.0;
  return {.weight_bytes = multiplied * weight_bytes,
          .kv_bytes_per_position = kv_bytes_per_position,
          .prompt_macs = layers,
          .layers = info.layers};
}

}  // namespace mang
