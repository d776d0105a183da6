#include "cli/statistics.h"

#include "base/units.h"
#include "cli/memory_use.h"
#include "cli/messages.h"
#include "cli/page.h"
#include "cli/settings.h"
#include "cli/speculation_options.h"
#include "kernels/isa.h"

namespace mang::cli {
namespace {

std::string why_it_ended(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop_token:
      return tr("stop token");
    case FinishReason::stop_string:
      return tr("stop string");
    case FinishReason::max_tokens:
      return tr("max tokens");
    case FinishReason::context_full:
      return tr("context full");
    case FinishReason::cancelled:
      return tr("cancelled");
    case FinishReason::error:
      break;
  }
  return tr("error");
}

// "temperature 0.7 (~/.config/mang/config.toml, line 3)", …; what was typed is not said again.
std::string settings_sentence(const Settings& settings) {
  std::string out;
  for (const Setting& each : settings.used()) {
    if (each.from == Setting::From::flag) continue;
    out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", each.key, settings.place(each));
  }
  return out;
}

Json settings_json(const Settings& settings) {
  Json out = Json::object();
  for (const Setting& each : settings.used()) {
    Json value = each.value.texts;
    if (each.value.kind != SettingsValue::Kind::list) value = each.value.texts.back();
    out[each.key] = {{"value", value}, {"from", settings.place(each)}};
  }
  return out;
}

Json receipt_json(const std::optional<ReceiptNote>& receipt) {
  if (!receipt) return Json();
  return {{"path", receipt->path}, {"seconds", receipt->seconds}, {"digest_seconds", receipt->digest_seconds}};
}

}  // namespace

std::string statistics_page(const AnswerRecord& record, const Answerer& answerer, const EnergyPrice& price,
                            const Settings& settings, size_t width) {
  const RequestStats& stats = record.done.stats;
  const MemoryUse memory = memory_use();
  const ModelInfo& info = answerer.loaded().model->info();
  Page page(2, 12, width);
  auto row = [&](const std::string& label, const std::string& value) { page.row(label, value); };
  row(tr("model"), say("{}, {} parameters", info.architecture, human_count(info.parameters)));
  row(tr("file"), answerer.loaded().description.path);
  row(tr("machine"),
      say("{} threads, {}", answerer.machine().device->threads(), isa_name(answerer.machine().device->isa())));
  row(tr("prompt"), say("{} tokens in {:.3f} s, {:.1f} tokens/s", stats.prompt_tokens - stats.cached_tokens,
                        stats.prefill_seconds, stats.prefill_speed()));
  row(tr("known before"), reuse_sentence(record.reuse));
  row(tr("answer"), say("{} tokens in {:.3f} s, {:.1f} tokens/s", stats.generated_tokens, stats.decode_seconds,
                        stats.decode_speed()));
  row(tr("drafts"), speculation_sentence(stats, answerer.engine().options().speculate));
  row(tr("first token"), say("after {:.3f} s", stats.ttft_seconds));
  row(tr("memory"), say("{} resident, {} at most", human_bytes(memory.resident), human_bytes(memory.peak)));
  row(tr("KV cache"),
      say("{}, {} when all {} tokens of the context are used", kv_type_name(answerer.kv_type()),
          human_bytes(static_cast<uint64_t>(answerer.engine().kv_bytes())), answerer.engine().context()));
  row(tr("energy"), energy_sentence(record.energy));
  if (const auto cost = cost_sentence(record.energy, price)) row(tr("cost"), *cost);
  row(tr("ended by"), why_it_ended(record.done.reason));
  row(tr("seed"), fmt::format("{}", answerer.sampling().seed));
  if (record.receipt) {
    const double run = stats.ttft_seconds + stats.decode_seconds;
    row(tr("receipt"), say("{}, written in {:.1f} ms ({:.2f} % of the answer's time)", record.receipt->path,
                           record.receipt->seconds * 1e3, run > 0 ? 100 * record.receipt->seconds / run : 0));
  }
  if (const std::string set = settings_sentence(settings); !set.empty()) row(tr("settings"), set);
  return page.text();
}

Json statistics_json(const AnswerRecord& record, const Answerer& answerer, const EnergyPrice& price,
                     const Settings& settings, const std::string& model) {
  const MemoryUse memory = memory_use();
  const RequestStats& stats = record.done.stats;
  return {{"model", model},
          {"reasoning", record.reasoning},
          {"text", record.text},
          {"ids", record.ids},
          {"finish_reason", std::string(finish_reason_name(record.done.reason))},
          {"prompt_tokens", stats.prompt_tokens},
          {"cached_tokens", stats.cached_tokens},
          {"reuse", reuse_json(record.reuse)},
          {"generated_tokens", stats.generated_tokens},
          {"prefill_seconds", stats.prefill_seconds},
          {"decode_seconds", stats.decode_seconds},
          {"ttft_seconds", stats.ttft_seconds},
          {"prefill_tokens_per_second", stats.prefill_speed()},
          {"decode_tokens_per_second", stats.decode_speed()},
          {"drafted_tokens", stats.drafted_tokens},
          {"accepted_tokens", stats.accepted_tokens},
          {"drafted_steps", stats.drafted_steps},
          {"declined_steps", stats.declined_steps},
          {"energy", energy_json(record.energy)},
          {"cost", cost_json(record.energy, price)},
          {"seed", answerer.sampling().seed},
          {"context", answerer.engine().context()},
          {"threads", answerer.machine().device->threads()},
          {"isa", std::string(isa_name(answerer.machine().device->isa()))},
          {"kv", std::string(kv_type_name(answerer.kv_type()))},
          {"kv_bytes", answerer.engine().kv_bytes()},
          {"resident_bytes", memory.resident},
          {"peak_resident_bytes", memory.peak},
          {"receipt", receipt_json(record.receipt)},
          {"settings", settings_json(settings)}};
}

}  // namespace mang::cli
