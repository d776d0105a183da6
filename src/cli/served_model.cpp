#include "cli/served_model.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/units.h"
#include "cli/memory_use.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/sampling_options.h"

namespace mang::cli {

namespace {

constexpr double kShareForKv = 0.25;                        // of the memory that is free once the weights are there
constexpr int64_t kUnknownMemoryTokens = int64_t{1} << 16;  // where the system does not say how much there is

// In this order: what is below refers to what is above.
struct Owner {
  Machine machine;
  LoadedModel loaded;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Engine> engine;
};

// Blocks of the KV cache: as many as the memory for it holds, but one whole conversation at least, and no more than all
// that are worked on together could fill. What is not used takes no memory.
Result<int64_t> kv_blocks(const Model& model, const ServedModelOptions& options) {
  MANG_TRY(const std::vector<KvLayout> layers, model.kv_layout(options.device.kv_type()));
  int64_t block_bytes = 0;
  for (const KvLayout& layer : layers) block_bytes += layer.page_bytes();
  const int64_t context = options.context > 0 ? options.context : model.info().context;
  const int64_t one = blocks_for(context);
  double bytes = options.kv_memory_gb * static_cast<double>(kGiB);
  if (bytes == 0) bytes = static_cast<double>(available_memory()) * kShareForKv;
  int64_t most = static_cast<int64_t>(bytes / static_cast<double>(std::max<int64_t>(block_bytes, 1)));
  if (bytes == 0) most = blocks_for(kUnknownMemoryTokens);
  if (options.kv_memory_gb > 0 && most < 1) return Error{tr("--kv-memory: not even one block fits in it.")};
  if (options.kv_memory_gb > 0) return std::min(most, one * options.sequences);
  return std::clamp(most, one, one * options.sequences);
}

int64_t file_time(const std::string& path) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(path, error);
  if (error) return 0;
  const auto system = std::chrono::file_clock::to_sys(time);
  return std::chrono::duration_cast<std::chrono::seconds>(system.time_since_epoch()).count();
}

}  // namespace

Result<serve::OpenModel> open_served_model(const std::string& name, const std::string& model,
                                           const ServedModelOptions& options, const Context& context) {
  auto owner = std::make_shared<Owner>();
  MANG_TRY(const ModelRef ref, resolve_model(model, context));
  MANG_TRY(owner->machine, open_machine(options.device));
  MANG_TRY(owner->loaded, load_model(ref.path, *owner->machine.device, context.log));
  MANG_TRY(Tokenizer tokenizer, Tokenizer::build(std::move(owner->loaded.text.tokenizer)));
  owner->tokenizer = std::make_unique<Tokenizer>(std::move(tokenizer));

  EngineOptions engine;
  engine.context = options.context;
  engine.kv_type = options.device.kv_type();
  engine.arithmetic = options.device.arithmetic();
  engine.max_sequences = options.sequences;
  engine.speculate = options.speculation.when();
  MANG_TRY(engine.kv_blocks, kv_blocks(*owner->loaded.model, options));
  MANG_TRY(owner->engine,
           Engine::create(*owner->loaded.model, *owner->machine.device, owner->tokenizer.get(), std::move(engine)));

  serve::OpenModel out;
  out.name = name;
  out.engine = owner->engine.get();
  out.tokenizer = owner->tokenizer.get();
  out.text = &owner->loaded.text;
  out.description = &owner->loaded.description;
  MANG_TRY(out.defaults, sampling_params(SamplingOptions{}, owner->loaded.text.generation));
  out.created = file_time(ref.path);
  out.owner = owner;
  return out;
}

}  // namespace mang::cli
