#include "cli/sampling_options.h"

#include <charconv>
#include <random>

#include "cli/messages.h"
#include "load/load_model.h"

namespace mang::cli {
namespace {

// The whole text as a number.
template <typename T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

Result<std::pair<int32_t, float>> parse_bias(const std::string& text) {
  const size_t equals = text.find('=');
  std::pair<int32_t, float> bias;
  if (equals == std::string::npos || !parse_number(std::string_view(text).substr(0, equals), bias.first) ||
      !parse_number(std::string_view(text).substr(equals + 1), bias.second)) {
    return Error{say("--logit-bias {}: ID=BIAS was expected, such as 42=-1.5 or 42=-inf.", text)};
  }
  return bias;
}

Result<uint64_t> parse_seed(const std::string& text) {
  if (text == "random") {
    std::random_device device;
    return uint64_t{device()} << 32 | device();
  }
  uint64_t seed = 0;
  if (!parse_number(text, seed))
    return Error{say("--seed {}: a whole number from 0 on, or 'random', was expected.", text)};
  return seed;
}

}  // namespace

void add_sampling_options(CLI::App& command, SamplingOptions& options) {
  const std::string group = tr("Sampling (defaults: the model's own)");
  auto add = [&](const char* names, auto& variable, const std::string& help, const char* type) {
    return command.add_option(names, variable, help)->type_name(type)->group(group);
  };
  add("--temperature,--temp", options.temperature, tr("0: always the likeliest token"), "T");
  add("--top-k", options.top_k, tr("Only the K likeliest tokens; 0: all"), "K");
  add("--top-p", options.top_p, tr("Only the likeliest tokens that together have probability P"), "P");
  add("--min-p", options.min_p, tr("Only tokens at least P times as likely as the likeliest"), "P");
  add("--repetition-penalty,--repeat-penalty", options.repetition_penalty, tr("Over 1: repeats become less likely"),
      "X");
  add("--presence-penalty", options.presence_penalty, tr("Taken off each token already in the answer"), "X");
  add("--frequency-penalty", options.frequency_penalty, tr("Taken off for each time it is in the answer"), "X");
  add("--logit-bias", options.logit_bias, tr("Added to a token's logit; -inf bans it"), "ID=BIAS")
      ->allow_extra_args(false);
  add("--seed", options.seed, tr("The same seed draws the same text (0); 'random' differs each time"), "N");
  add("--stop", options.stop, tr("End the answer before this text; may be given several times"), "TEXT")
      ->allow_extra_args(false);
  add("-n,--max-tokens", options.max_tokens, tr("Longest answer in tokens (until the context is full)"), "N");
  command.add_flag("--ignore-eos", options.ignore_eos, tr("Go on after the model's end of answer"))->group(group);
}

Result<SamplingParams> sampling_params(const SamplingOptions& options, const GenerationDefaults& defaults) {
  SamplingParams params = params_from(defaults);
  auto take = [](const auto& from, auto& to) {
    if (from) to = *from;
  };
  take(options.temperature, params.temperature);
  take(options.top_k, params.top_k);
  take(options.top_p, params.top_p);
  take(options.min_p, params.min_p);
  take(options.repetition_penalty, params.repetition_penalty);
  take(options.presence_penalty, params.presence_penalty);
  take(options.frequency_penalty, params.frequency_penalty);
  if (options.max_tokens) params.max_tokens = options.max_tokens;
  params.ignore_eog = options.ignore_eos;
  params.stop = options.stop;
  for (const std::string& text : options.logit_bias) {
    MANG_TRY(auto bias, parse_bias(text));
    params.logit_bias.push_back(bias);
  }
  if (!options.seed.empty()) {
    MANG_TRY(params.seed, parse_seed(options.seed));
  }
  return params;
}

}  // namespace mang::cli
