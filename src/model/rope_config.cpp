#include "model/rope_config.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/math.h"

namespace mang {
namespace {

constexpr double kPi = 3.14159265358979323846;

Result<double> positive(const ConfigSource& source, const ConfigKey& key) {
  MANG_TRY(const double value, source.number(key));
  if (!(value > 0) || !(value <= 1e30)) {
    return fail("{} is {}; a positive number is wanted. The file is damaged or not what it says.", source.describe(key),
                value);
  }
  return value;
}

Result<void> read_positive(const ConfigSource& source, const ConfigKey& key, double& value) {
  if (!source.has(key)) return {};
  MANG_TRY(value, positive(source, key));
  return {};
}

// 0.1 · mscale · ln(factor) + 1: YaRN's temperature.
double yarn_scale(double factor, double mscale) { return factor <= 1 ? 1.0 : 0.1 * mscale * log_f64(factor) + 1.0; }

Result<void> check(const ConfigSource& source, const RopeConfig& config) {
  const std::string what = source.is_gguf() ? "rope.*" : "rope parameters";
  if (config.theta <= 1) return fail("{}: the rotary base is {}; more than 1 is wanted.", what, config.theta);
  if (config.scaling == RopeConfig::Scaling::llama3 && config.low_frequency_factor == config.high_frequency_factor) {
    return fail("{}: low_freq_factor and high_freq_factor are both {}; they must differ.", what,
                config.low_frequency_factor);
  }
  return {};
}

// The dimension that turns `rotations` times within the original context (YaRN, equation 20).
double yarn_dimension(const RopeConfig& config, double rotations, int64_t rotary_dim) {
  return static_cast<double>(rotary_dim) * log_f64(config.original_context / (rotations * 2 * kPi)) /
         (2 * log_f64(config.theta));
}

void scale_yarn(const RopeConfig& config, int64_t rotary_dim, const std::vector<float>& base_power,
                std::vector<float>& frequency) {
  double low = yarn_dimension(config, config.beta_fast, rotary_dim);
  double high = yarn_dimension(config, config.beta_slow, rotary_dim);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rotary_dim - 1));
  if (low == high) high += 0.001;
  const auto factor = static_cast<float>(config.factor);
  for (size_t i = 0; i < frequency.size(); ++i) {
    const float ramp =
        std::clamp((static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0f, 1.0f);
    const float keep = 1.0f - ramp;  // share of the unscaled frequency
    const float interpolated = 1.0f / (factor * base_power[i]);
    frequency[i] = interpolated * (1.0f - keep) + (1.0f / base_power[i]) * keep;
  }
}

void scale_llama3(const RopeConfig& config, std::vector<float>& frequency) {
  const auto factor = static_cast<float>(config.factor);
  const auto low = static_cast<float>(config.low_frequency_factor);
  const auto range = static_cast<float>(config.high_frequency_factor - config.low_frequency_factor);
  const auto context = static_cast<float>(config.original_context);
  const auto longest = static_cast<float>(config.original_context / config.low_frequency_factor);
  const auto shortest = static_cast<float>(config.original_context / config.high_frequency_factor);
  for (float& f : frequency) {
    const float wavelength = static_cast<float>(2 * kPi) / f;
    if (wavelength < shortest) continue;
    if (wavelength > longest) {
      f = f / factor;
    } else {
      const float smooth = (context / wavelength - low) / range;
      f = (1.0f - smooth) * f / factor + smooth * f;
    }
  }
}

}  // namespace

Result<RopeConfig> read_rope_hf(const ConfigSource& source, const std::string& object, const std::string& theta,
                                double default_theta, int64_t context) {
  const auto key = [&](const char* name) { return ConfigKey{object + "." + name, ""}; };
  RopeConfig out;
  out.theta = default_theta;
  MANG_TRY(read_positive(source, {theta, ""}, out.theta));
  MANG_TRY(read_positive(source, key("rope_theta"), out.theta));

  std::string type = "default";
  if (source.has(key("type"))) {
    MANG_TRY(type, source.text(key("type")));
  }
  if (source.has(key("rope_type"))) {
    MANG_TRY(type, source.text(key("rope_type")));
  }
  if (source.has(key("partial_rotary_factor"))) {
    MANG_TRY(const double part, source.number(key("partial_rotary_factor")));
    if (part != 1)
      return fail("{} is {}; this architecture rotates whole heads.", source.describe(key("partial_rotary_factor")),
                  part);
  }

  if (type == "default") return out;
  // transformers sets the original context to max_position_embeddings where it is not given.
  out.original_context = static_cast<double>(context);
  if (type == "linear") {
    out.scaling = RopeConfig::Scaling::linear;
  } else if (type == "llama3") {
    out.scaling = RopeConfig::Scaling::llama3;
    MANG_TRY(out.low_frequency_factor, positive(source, key("low_freq_factor")));
    MANG_TRY(out.high_frequency_factor, positive(source, key("high_freq_factor")));
  } else if (type == "yarn") {
    out.scaling = RopeConfig::Scaling::yarn;
    MANG_TRY(read_positive(source, key("beta_fast"), out.beta_fast));  // transformers' defaults: 32 and 1
    MANG_TRY(read_positive(source, key("beta_slow"), out.beta_slow));
    if (source.has(key("truncate"))) {
      MANG_TRY(out.truncate, source.boolean(key("truncate")));
    }
  } else {
    return fail("{} is '{}'; this program computes default, linear, llama3 and yarn.",
                source.describe(key("rope_type")), type);
  }
  MANG_TRY(out.factor, positive(source, key("factor")));
  MANG_TRY(read_positive(source, key("original_max_position_embeddings"), out.original_context));
  if (out.scaling == RopeConfig::Scaling::yarn) {
    double mscale = 0;
    double mscale_all = 0;
    MANG_TRY(read_positive(source, key("mscale"), mscale));
    MANG_TRY(read_positive(source, key("mscale_all_dim"), mscale_all));
    out.attention_factor = mscale > 0 && mscale_all > 0
                               ? yarn_scale(out.factor, mscale) / yarn_scale(out.factor, mscale_all)
                               : yarn_scale(out.factor, 1);
    MANG_TRY(read_positive(source, key("attention_factor"), out.attention_factor));
  }
  MANG_TRY(check(source, out));
  return out;
}

Result<RopeConfig> read_rope_gguf(const ConfigSource& source, int64_t context) {
  RopeConfig out;
  MANG_TRY(read_positive(source, {"", "rope.freq_base"}, out.theta));  // the specification's default: 10000
  std::string type = "linear";  // so read by llama.cpp where a factor stands alone
  if (source.has({"", "rope.scaling.type"})) {
    MANG_TRY(type, source.text({"", "rope.scaling.type"}));
  }
  // 0 means none; scale_linear is the key's older name.
  double factor = 0;
  if (source.has({"", "rope.scale_linear"})) {
    MANG_TRY(factor, source.number({"", "rope.scale_linear"}));
  }
  if (source.has({"", "rope.scaling.factor"})) {
    MANG_TRY(factor, source.number({"", "rope.scaling.factor"}));
  }
  if (!(factor >= 0) || !(factor <= 1e30))
    return fail("{} is {}; a positive number is wanted.", source.describe({"", "rope.scaling.factor"}), factor);
  if (type == "none" || factor == 0 || (type == "linear" && factor == 1)) {
    if (type != "none" && type != "linear") {
      return fail("{} is '{}' but no factor is given.", source.describe({"", "rope.scaling.type"}), type);
    }
    return out;
  }
  out.factor = factor;
  if (type == "linear") {
    out.scaling = RopeConfig::Scaling::linear;
  } else if (type == "yarn") {
    out.scaling = RopeConfig::Scaling::yarn;
    out.original_context = static_cast<double>(context);
    MANG_TRY(read_positive(source, {"", "rope.scaling.original_context_length"}, out.original_context));
    MANG_TRY(read_positive(source, {"", "rope.scaling.yarn_beta_fast"}, out.beta_fast));
    MANG_TRY(read_positive(source, {"", "rope.scaling.yarn_beta_slow"}, out.beta_slow));
    out.attention_factor = yarn_scale(out.factor, 1);
    // What the converter wrote for config.json's attention_factor, which stands instead of the computed one.
    MANG_TRY(read_positive(source, {"", "rope.scaling.yarn_attn_factor"}, out.attention_factor));
    double more = 1;
    MANG_TRY(read_positive(source, {"", "rope.scaling.attn_factor"}, more));
    out.attention_factor *= more;
    double extrapolation = 1;
    if (source.has({"", "rope.scaling.yarn_ext_factor"})) {
      MANG_TRY(extrapolation, source.number({"", "rope.scaling.yarn_ext_factor"}));
    }
    if (extrapolation != 1) {
      return fail("{} is {}; this program computes YaRN with 1.", source.describe({"", "rope.scaling.yarn_ext_factor"}),
                  extrapolation);
    }
  } else {
    return fail("{} is '{}'; this program computes none, linear and yarn.", source.describe({"", "rope.scaling.type"}),
                type);
  }
  MANG_TRY(check(source, out));
  return out;
}

std::vector<float> inverse_frequencies(const RopeConfig& config, int64_t rotary_dim,
                                       const std::vector<float>& divisors) {
  MANG_CHECK(rotary_dim > 0 && rotary_dim % 2 == 0);
  const auto half = static_cast<size_t>(rotary_dim / 2);
  MANG_CHECK(divisors.empty() || divisors.size() == half);
  std::vector<float> base_power(half);  // theta^(2i / rotary_dim)
  std::vector<float> frequency(half);
  for (size_t i = 0; i < half; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(rotary_dim);
    base_power[i] = static_cast<float>(pow_f64(config.theta, exponent));
    frequency[i] = 1.0f / base_power[i];
  }
  switch (config.scaling) {
    case RopeConfig::Scaling::none:
      break;
    case RopeConfig::Scaling::linear:
      for (float& f : frequency) f /= static_cast<float>(config.factor);
      break;
    case RopeConfig::Scaling::llama3:
      scale_llama3(config, frequency);
      break;
    case RopeConfig::Scaling::yarn:
      scale_yarn(config, rotary_dim, base_power, frequency);
      break;
  }
  for (size_t i = 0; i < divisors.size(); ++i) frequency[i] /= divisors[i];
  return frequency;
}

}  // namespace mang
