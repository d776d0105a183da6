#include "model/registry.h"

#include "model/arch/architectures.h"

namespace mang {
namespace {

constexpr Architecture kArchitectures[] = {
    // config.json     GGUF       in arch/
    {"llama", "llama", read_llama_config, create_llama},
    {"mistral", "", read_mistral_config, create_llama},  // converters write Mistral as GGUF "llama"
    {"qwen2", "qwen2", read_qwen2_config, create_qwen2},
    {"qwen3", "qwen3", read_qwen3_config, create_qwen3},
    {"qwen3_moe", "qwen3moe", read_qwen3_moe_config, create_qwen3_moe},
    {"gemma3_text", "gemma3", read_gemma3_config, create_gemma3},
    {"smollm3", "smollm3", read_smollm3_config, create_smollm3},
};

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

Result<const Architecture*> find_architecture(const ConfigSource& source) {
  MANG_TRY(const std::string name, source.architecture());
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    const std::string_view its = source.is_gguf() ? architecture.gguf_name : architecture.hf_name;
    if (its.empty()) continue;
    if (its == name) return &architecture;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", its);
  }
  return fail("the architecture '{}' is not known; this version runs {}.", name, known);
}

}  // namespace mang
