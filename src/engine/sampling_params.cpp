#include "engine/sampling_params.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "load/load_model.h"
#include "text/unicode.h"

namespace mang {

namespace {

constexpr float kMaxTemperature = 100;
constexpr float kMaxPenalty = 100;
constexpr float kMaxBias = 10'000;
constexpr size_t kMaxBiases = 65'536;
constexpr size_t kMaxStopStrings = 64;
constexpr size_t kMaxStopBytes = 4'096;
constexpr size_t kMaxStopIds = 1'024;

// NaN is outside every range.
Result<void> check_range(std::string_view name, float value, float least, float most) {
  if (value >= least && value <= most) return {};
  return fail("{} is {}; it must be from {} to {}.", name, value, least, most);
}

Result<void> check_id(std::string_view name, int32_t id, int64_t vocab) {
  if (id >= 0 && id < vocab) return {};
  return fail("{} names token {}, but this model's tokens are 0 to {}.", name, id, vocab - 1);
}

Result<void> check_biases(const SamplingParams& params, int64_t vocab) {
  if (params.logit_bias.size() > kMaxBiases) {
    return fail("logit_bias has {} entries; at most {} are allowed.", params.logit_bias.size(), kMaxBiases);
  }
  std::vector<int32_t> ids;
  ids.reserve(params.logit_bias.size());
  for (const auto& [id, bias] : params.logit_bias) {
    MANG_TRY(check_id("logit_bias", id, vocab));
    const bool ban = std::isinf(bias) && bias < 0;
    if (!ban) MANG_TRY(check_range("logit_bias", bias, -kMaxBias, kMaxBias));
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  if (const auto twice = std::adjacent_find(ids.begin(), ids.end()); twice != ids.end()) {
    return fail("logit_bias names token {} twice.", *twice);
  }
  return {};
}

bool is_utf8(std::string_view text) {
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const Decoded c = decode_utf8(p, end);
    if (c.value >= kInvalidByte) return false;
    p += c.length;
  }
  return true;
}

Result<void> check_stops(const SamplingParams& params, int64_t vocab) {
  if (params.stop.size() > kMaxStopStrings) {
    return fail("{} stop strings were given; at most {} are allowed.", params.stop.size(), kMaxStopStrings);
  }
  for (const std::string& stop : params.stop) {
    if (stop.empty()) return fail("A stop string is empty; it would end every answer at once.");
    if (stop.size() > kMaxStopBytes) {
      return fail("A stop string has {} bytes; at most {} are allowed.", stop.size(), kMaxStopBytes);
    }
    if (!is_utf8(stop)) return fail("A stop string is not UTF-8 text.");
  }
  if (params.stop_ids.size() > kMaxStopIds) {
    return fail("{} stop ids were given; at most {} are allowed.", params.stop_ids.size(), kMaxStopIds);
  }
  for (const int32_t id : params.stop_ids) MANG_TRY(check_id("stop_ids", id, vocab));
  return {};
}

}  // namespace

SamplingParams params_from(const GenerationDefaults& defaults) {
  SamplingParams params;
  const bool sample = defaults.sample.value_or(defaults.temperature.has_value());
  if (sample) params.temperature = static_cast<float>(defaults.temperature.value_or(1.0));
  params.top_k = static_cast<int32_t>(std::clamp<int64_t>(defaults.top_k.value_or(0), INT32_MIN, INT32_MAX));
  params.top_p = static_cast<float>(defaults.top_p.value_or(1.0));
  params.min_p = static_cast<float>(defaults.min_p.value_or(0.0));
  params.repetition_penalty = static_cast<float>(defaults.repetition_penalty.value_or(1.0));
  params.max_tokens = defaults.max_new_tokens;
  return params;
}

Result<void> validate(const SamplingParams& params, int64_t vocab) {
  MANG_TRY(check_range("temperature", params.temperature, 0, kMaxTemperature));
  if (params.top_k < 0) return fail("top_k is {}; it must be 0 (off) or more.", params.top_k);
  MANG_TRY(check_range("top_p", params.top_p, 0, 1));
  MANG_TRY(check_range("min_p", params.min_p, 0, 1));
  MANG_TRY(check_range("repetition_penalty", params.repetition_penalty, 0.01f, kMaxPenalty));
  MANG_TRY(check_range("presence_penalty", params.presence_penalty, -kMaxPenalty, kMaxPenalty));
  MANG_TRY(check_range("frequency_penalty", params.frequency_penalty, -kMaxPenalty, kMaxPenalty));
  MANG_TRY(check_biases(params, vocab));
  MANG_TRY(check_stops(params, vocab));
  if (params.max_tokens && *params.max_tokens < 0) {
    return fail("max_tokens is {}; it must be 0 or more.", *params.max_tokens);
  }
  if (params.logprobs && (*params.logprobs < 0 || *params.logprobs > kMostLogprobs)) {
    return fail("logprobs is {}; it must be from 0 to {}.", *params.logprobs, kMostLogprobs);
  }
  return {};
}

}  // namespace mang
