#include "engine/sampling_fields.h"

#include <charconv>
#include <limits>

namespace mang {

namespace {

Result<void> read_stops(const Json& value, const JsonFields& fields, SamplingParams& out) {
  const Json list = value.is_array() ? value : Json::array({value});
  out.stop.clear();
  for (const Json& each : list) {
    if (!each.is_string()) return fields.wrong("stop", fail("a string or an array of strings"));
    out.stop.push_back(each.get<std::string>());
  }
  return {};
}

// JSON has no infinity, so null bans a token.
Result<void> read_biases(const Json& value, const JsonFields& fields, SamplingParams& out) {
  const Error expected = fail("an object such as {}, where null bans a token", R"({"42": -1.5})");
  if (!value.is_object()) return fields.wrong("logit_bias", expected);
  for (const auto& [name, bias] : value.items()) {
    int32_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || end != name.data() + name.size() || !(bias.is_number() || bias.is_null())) {
      return fields.wrong("logit_bias", expected);
    }
    out.logit_bias.emplace_back(
        id, bias.is_null() ? -std::numeric_limits<float>::infinity() : static_cast<float>(bias.get<double>()));
  }
  return {};
}

}  // namespace

Result<void> read_sampling(JsonFields& fields, SamplingParams& out) {
  MANG_TRY(fields.real("temperature", out.temperature));
  MANG_TRY(fields.whole("top_k", out.top_k));
  MANG_TRY(fields.real("top_p", out.top_p));
  MANG_TRY(fields.real("min_p", out.min_p));
  MANG_TRY(fields.real("repetition_penalty", out.repetition_penalty));
  MANG_TRY(fields.real("presence_penalty", out.presence_penalty));
  MANG_TRY(fields.real("frequency_penalty", out.frequency_penalty));
  MANG_TRY(fields.whole("seed", out.seed));
  MANG_TRY(fields.flag("ignore_eos", out.ignore_eog));
  if (const Json* stops = fields.find("stop")) MANG_TRY(read_stops(*stops, fields, out));
  if (const Json* biases = fields.find("logit_bias")) MANG_TRY(read_biases(*biases, fields, out));
  return {};
}

Result<std::vector<int32_t>> read_token_ids(const Json& value, const char* name, const JsonFields& fields) {
  const Error expected = fail("an array of token ids");
  if (!value.is_array()) return fields.wrong(name, expected);
  std::vector<int32_t> ids;
  ids.reserve(value.size());
  for (const Json& each : value) {
    const bool fits = each.is_number_unsigned() && each.get<uint64_t>() <= std::numeric_limits<int32_t>::max();
    if (!fits) return fields.wrong(name, expected);
    ids.push_back(each.get<int32_t>());
  }
  return ids;
}

}  // namespace mang
