#include "engine/receipt.h"

#include <charconv>
#include <cmath>

#include "engine/receipt_names.h"
#include "hub/digest.h"

namespace mang {

namespace {

// The shortest decimal that is this float: 0.7, not 0.699999988079071.
Json number(float value) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";  // a ban; JSON has no number for it
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  double shortest = 0;
  std::from_chars(digits, end.ptr, shortest);
  return static_cast<float>(shortest) == value ? shortest : static_cast<double>(value);
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}
Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json model_json(const Receipt& receipt) {
  Json weights = Json::array();
  for (const Receipt::File& file : receipt.weights) {
    weights.push_back({{"file", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return {{"name", receipt.model},
          {"architecture", receipt.architecture},
          {"weights", std::move(weights)},
          {"tokenizer", receipt.tokenizer},
          {"chat_template", or_null(receipt.chat_template)}};
}

Json parameters_json(const Receipt& receipt) {
  const SamplingParams& params = receipt.sampling;
  Json biases = Json::array();
  for (const auto& [id, bias] : params.logit_bias) biases.push_back(Json::array({id, number(bias)}));
  return {{"temperature", number(params.temperature)},
          {"top_k", params.top_k},
          {"top_p", number(params.top_p)},
          {"min_p", number(params.min_p)},
          {"repetition_penalty", number(params.repetition_penalty)},
          {"presence_penalty", number(params.presence_penalty)},
          {"frequency_penalty", number(params.frequency_penalty)},
          {"logit_bias", std::move(biases)},
          {"seed", params.seed},
          {"stop", params.stop},
          {"stop_ids", params.stop_ids},
          {"ignore_eos", params.ignore_eog},
          {"max_tokens", or_null(params.max_tokens)},
          {"special", receipt.special}};
}

// All members but the digest, in their order.
Json content(const Receipt& receipt) {
  return {{"receipt", std::string(kReceiptMark)},
          {"version", kReceiptVersion},
          {"program", receipt.program},
          {"model", model_json(receipt)},
          {"arithmetic",
           {{"version", receipt.arithmetic_version},
            {"mode", std::string(arithmetic_mode_name(receipt.arithmetic))},
            {"kv", std::string(kv_name(receipt.kv_type))},
            {"context", receipt.context}}},
          {"prompt", {{"source", receipt.source}, {"ids", receipt.prompt}}},
          {"parameters", parameters_json(receipt)},
          {"answer",
           {{"ids", receipt.answer},
            {"text", receipt.text},
            {"finish_reason", std::string(finish_reason_name(receipt.finish_reason))},
            {"stop_token", or_null(receipt.stop_token)},
            {"stop_string", or_null(receipt.stop_string)}}}};
}

std::string digest_of(const Json& members) {
  const std::string line = dump_json(members);
  Digest digest = Digest::sha256();
  digest.add(line.data(), line.size());
  return digest.hex();
}

}  // namespace

std::string receipt_digest(const Receipt& receipt) { return digest_of(content(receipt)); }

std::string receipt_text(const Receipt& receipt) {
  Json members = content(receipt);
  members["digest"] = digest_of(members);
  // A member a line: people read it, and tools that compare lines say what differs.
  std::string out = "{\n";
  for (const auto& [name, value] : members.items()) {
    out += fmt::format("{} {}: {}", out.size() > 2 ? ",\n" : "", dump_json(name), dump_json(value));
  }
  return out + "\n}\n";
}

std::string_view arithmetic_mode_name(Arithmetic mode) { return mode == Arithmetic::exact ? "exact" : "default"; }

std::string_view kv_name(KvType type) { return type == KvType::f32 ? "f32" : type == KvType::q8_0 ? "q8_0" : "f16"; }

}  // namespace mang
