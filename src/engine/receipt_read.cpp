// Receipts come from strangers: nothing in one is believed before it was looked at.
#include <cmath>
#include <limits>
#include <set>

#include "engine/receipt.h"
#include "engine/receipt_names.h"
#include "hub/digest.h"

namespace mang {

namespace {

constexpr int64_t kMostContext = int64_t{1} << 40;
constexpr size_t kShownBytes = 40;  // of a value, in a sentence

// An object whose members are taken one after another; what is left over at the end does not belong to a receipt.
class Members {
 public:
  static Result<Members> of(const Json& value, std::string_view what, std::string where) {
    if (!value.is_object()) {
      return fail("{}: '{}' must be an object.", what, where.substr(0, where.empty() ? 0 : where.size() - 1));
    }
    return Members(value, what, std::move(where));
  }

  Result<const Json*> take(const std::string& name) {
    const auto at = value_->find(name);
    if (at == value_->end()) return fail("{}: '{}' is missing.", what_, where_ + name);
    taken_.insert(name);
    return &*at;
  }
  Result<Members> object(const std::string& name) {
    MANG_TRY(const Json* value, take(name));
    return of(*value, what_, where_ + name + ".");
  }

  Result<std::string> text(const std::string& name, bool may_be_null = false) {
    MANG_TRY(const Json* value, take(name));
    if (may_be_null && value->is_null()) return std::string();
    if (!value->is_string()) return wrong(name, *value, fail("a text"));
    return value->get_ref<const std::string&>();
  }
  Result<std::string> digest(const std::string& name, bool may_be_null = false) {
    MANG_TRY(std::string value, text(name, may_be_null));
    if (!is_sha256(value) && !(may_be_null && value.empty())) {
      return wrong(name, value, fail("a SHA-256 digest: 64 lower-case hexadecimal digits"));
    }
    return value;
  }
  Result<bool> flag(const std::string& name) {
    MANG_TRY(const Json* value, take(name));
    if (!value->is_boolean()) return wrong(name, *value, fail("true or false"));
    return value->get<bool>();
  }
  Result<int64_t> whole(const std::string& name, int64_t least, int64_t most) {
    MANG_TRY(const Json* value, take(name));
    return whole_of(name, *value, least, most);
  }
  Result<std::optional<int64_t>> whole_or_null(const std::string& name, int64_t least, int64_t most) {
    MANG_TRY(const Json* value, take(name));
    if (value->is_null()) return std::optional<int64_t>();
    MANG_TRY(int64_t number, whole_of(name, *value, least, most));
    return std::optional(number);
  }
  Result<uint64_t> bits(const std::string& name) {
    MANG_TRY(const Json* value, take(name));
    if (!value->is_number_unsigned()) return wrong(name, *value, fail("a whole number from 0 on"));
    return value->get<uint64_t>();
  }
  Result<float> number(const std::string& name) {
    MANG_TRY(const Json* value, take(name));
    return number_of(name, *value);
  }
  Result<float> number_of(const std::string& name, const Json& value) const {
    if (value.is_number()) {
      const auto wide = value.get<double>();
      if (std::fabs(wide) <= std::numeric_limits<float>::max()) return static_cast<float>(wide);
    }
    return wrong(name, value, fail("a number"));
  }
  Result<const Json*> list(const std::string& name) {
    MANG_TRY(const Json* value, take(name));
    if (!value->is_array()) return wrong(name, *value, fail("a list"));
    return value;
  }
  Result<std::vector<int32_t>> ids(const std::string& name) {
    MANG_TRY(const Json* values, list(name));
    std::vector<int32_t> out;
    out.reserve(values->size());
    for (const Json& value : *values) {
      MANG_TRY(int32_t id, id_of(name, value));
      out.push_back(id);
    }
    return out;
  }
  Result<int32_t> id_of(const std::string& name, const Json& value) const {
    MANG_TRY(int64_t id, whole_of(name, value, 0, std::numeric_limits<int32_t>::max()));
    return static_cast<int32_t>(id);
  }
  // The place of a word among those it may be.
  template <typename T, size_t n>
  Result<T> choice(const std::string& name, const std::pair<std::string_view, T> (&choices)[n]) {
    MANG_TRY(const std::string word, text(name));
    std::string all;
    for (const auto& [known, meaning] : choices) {
      if (word == known) return meaning;
      all += fmt::format("{}'{}'", all.empty() ? "" : ", ", known);
    }
    return wrong(name, word, fail("one of {}", all));
  }

  [[nodiscard]] Result<void> nothing_else() const {
    for (const auto& [name, value] : value_->items()) {
      if (!taken_.contains(name)) {
        return fail("{}: '{}' is no part of a receipt of version {}.", what_, (where_ + name).substr(0, 80),
                    kReceiptVersion);
      }
    }
    return {};
  }

  [[nodiscard]] Error wrong(const std::string& name, const Json& value, const Error& wanted) const {
    std::string shown = value.is_structured() ? (value.is_array() ? "[…]" : "{…}")
                                              : value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (shown.size() > kShownBytes) shown = shown.substr(0, kShownBytes) + "…";
    return fail("{}: '{}' is {}; it must be {}.", what_, where_ + name, shown, wanted);
  }

 private:
  Members(const Json& value, std::string_view what, std::string where)
      : value_(&value), what_(what), where_(std::move(where)) {}

  Result<int64_t> whole_of(const std::string& name, const Json& value, int64_t least, int64_t most) const {
    const bool fits = value.is_number_unsigned()
                          ? value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
                          : value.is_number_integer();
    if (fits) {
      const auto number = value.get<int64_t>();
      if (number >= least && number <= most) return number;
    }
    return wrong(name, value, fail("a whole number from {} to {}", least, most));
  }

  const Json* value_;
  std::string_view what_;
  std::string where_;  // "" or "answer."
  std::set<std::string> taken_;
};

Result<void> read_model(Members model, std::string_view what, Receipt& out) {
  MANG_TRY(out.model, model.text("name"));
  MANG_TRY(out.architecture, model.text("architecture"));
  MANG_TRY(const Json* files, model.list("weights"));
  if (files->empty() || files->size() > kReceiptMaxFiles) {
    return fail("{}: the model has {} files; it must have from 1 to {}.", what, files->size(), kReceiptMaxFiles);
  }
  for (const Json& each : *files) {
    MANG_TRY(Members file, Members::of(each, what, "model.weights."));
    Receipt::File& read = out.weights.emplace_back();
    MANG_TRY(read.name, file.text("file"));
    MANG_TRY(read.bytes, file.bits("bytes"));
    MANG_TRY(read.sha256, file.digest("sha256"));
    MANG_TRY(file.nothing_else());
  }
  MANG_TRY(out.tokenizer, model.digest("tokenizer"));
  MANG_TRY(out.chat_template, model.digest("chat_template", true));
  return model.nothing_else();
}

Result<void> read_arithmetic(Members arithmetic, Receipt& out) {
  constexpr std::pair<std::string_view, Arithmetic> kModes[] = {{"default", Arithmetic::quantized},
                                                                {"exact", Arithmetic::exact}};
  constexpr std::pair<std::string_view, KvType> kKvTypes[] = {
      {"f16", KvType::f16}, {"f32", KvType::f32}, {"q8_0", KvType::q8_0}};
  MANG_TRY(const int64_t version, arithmetic.whole("version", 1, std::numeric_limits<int>::max()));
  out.arithmetic_version = static_cast<int>(version);
  MANG_TRY(out.arithmetic, arithmetic.choice("mode", kModes));
  MANG_TRY(out.kv_type, arithmetic.choice("kv", kKvTypes));
  MANG_TRY(out.context, arithmetic.whole("context", 1, kMostContext));
  return arithmetic.nothing_else();
}

Result<void> read_biases(Members& parameters, SamplingParams& out) {
  MANG_TRY(const Json* biases, parameters.list("logit_bias"));
  for (const Json& each : *biases) {
    if (!each.is_array() || each.size() != 2) {
      return parameters.wrong("logit_bias", each, fail("a pair of a token and what is added to its logit"));
    }
    std::pair<int32_t, float> bias;
    MANG_TRY(bias.first, parameters.id_of("logit_bias", each[0]));
    if (each[1] == "-inf") {
      bias.second = -std::numeric_limits<float>::infinity();
    } else {
      MANG_TRY(bias.second, parameters.number_of("logit_bias", each[1]));
    }
    out.logit_bias.push_back(bias);
  }
  return {};
}

Result<void> read_parameters(Members parameters, std::string_view what, Receipt& out) {
  SamplingParams& params = out.sampling;
  MANG_TRY(params.temperature, parameters.number("temperature"));
  MANG_TRY(const int64_t top_k, parameters.whole("top_k", 0, std::numeric_limits<int32_t>::max()));
  params.top_k = static_cast<int32_t>(top_k);
  MANG_TRY(params.top_p, parameters.number("top_p"));
  MANG_TRY(params.min_p, parameters.number("min_p"));
  MANG_TRY(params.repetition_penalty, parameters.number("repetition_penalty"));
  MANG_TRY(params.presence_penalty, parameters.number("presence_penalty"));
  MANG_TRY(params.frequency_penalty, parameters.number("frequency_penalty"));
  MANG_TRY(read_biases(parameters, params));
  MANG_TRY(params.seed, parameters.bits("seed"));
  MANG_TRY(const Json* stops, parameters.list("stop"));
  for (const Json& stop : *stops) {
    if (!stop.is_string()) return parameters.wrong("stop", stop, fail("a text"));
    params.stop.push_back(stop.get<std::string>());
  }
  MANG_TRY(params.stop_ids, parameters.ids("stop_ids"));
  MANG_TRY(params.ignore_eog, parameters.flag("ignore_eos"));
  MANG_TRY(params.max_tokens, parameters.whole_or_null("max_tokens", 0, std::numeric_limits<int64_t>::max()));
  MANG_TRY(out.special, parameters.flag("special"));
  MANG_TRY(parameters.nothing_else());
  // The model may have fewer tokens.
  const Result<void> valid = validate(params, int64_t{std::numeric_limits<int32_t>::max()} + 1);
  if (!valid.ok()) return valid.error().in(what);
  return {};
}

Result<void> read_answer(Members answer, Receipt& out) {
  std::pair<std::string_view, FinishReason> reasons[] = {
      {"", FinishReason::stop_token},   {"", FinishReason::stop_string}, {"", FinishReason::max_tokens},
      {"", FinishReason::context_full}, {"", FinishReason::cancelled},
  };
  for (auto& [name, reason] : reasons) name = finish_reason_name(reason);
  MANG_TRY(out.answer, answer.ids("ids"));
  MANG_TRY(out.text, answer.text("text"));
  MANG_TRY(out.finish_reason, answer.choice("finish_reason", reasons));
  MANG_TRY(const std::optional<int64_t> stop,
           answer.whole_or_null("stop_token", 0, std::numeric_limits<int32_t>::max()));
  if (stop) out.stop_token = static_cast<int32_t>(*stop);
  MANG_TRY(out.stop_string, answer.text("stop_string", true));
  return answer.nothing_else();
}

}  // namespace

Result<ReceiptFile> read_receipt(std::string_view text, std::string_view what) {
  if (text.size() > kReceiptMaxBytes) {
    return fail("{}: a receipt has at most {} bytes; this file has {}.", what, kReceiptMaxBytes, text.size());
  }
  MANG_TRY(const Json json, parse_json(text, what));
  if (!json.is_object() || json.value("receipt", Json()) != Json(std::string(kReceiptMark))) {
    return fail("{}: this is no receipt of an answer. 'mang run --receipt FILE' writes one.", what);
  }
  ReceiptFile out;
  Receipt& receipt = out.receipt;
  MANG_TRY(Members members, Members::of(json, what, ""));
  MANG_TRY(members.take("receipt"));
  MANG_TRY(const int64_t version, members.whole("version", 1, std::numeric_limits<int>::max()));
  if (version != kReceiptVersion) {
    return fail("{}: this receipt is of version {}; this program reads version {}.", what, version, kReceiptVersion);
  }
  MANG_TRY(receipt.program, members.text("program"));
  MANG_TRY(Members model, members.object("model"));
  MANG_TRY(read_model(std::move(model), what, receipt));
  MANG_TRY(Members arithmetic, members.object("arithmetic"));
  MANG_TRY(read_arithmetic(std::move(arithmetic), receipt));
  MANG_TRY(Members prompt, members.object("prompt"));
  MANG_TRY(const Json* source, prompt.take("source"));
  receipt.source = *source;
  MANG_TRY(receipt.prompt, prompt.ids("ids"));
  MANG_TRY(prompt.nothing_else());
  if (receipt.prompt.empty()) return fail("{}: the prompt has no tokens.", what);
  MANG_TRY(Members parameters, members.object("parameters"));
  MANG_TRY(read_parameters(std::move(parameters), what, receipt));
  MANG_TRY(Members answer, members.object("answer"));
  MANG_TRY(read_answer(std::move(answer), receipt));
  MANG_TRY(const std::string digest, members.digest("digest"));
  MANG_TRY(members.nothing_else());
  out.digest_fits = digest == receipt_digest(receipt);
  return out;
}

}  // namespace mang
