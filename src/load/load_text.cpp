#include <algorithm>
#include <filesystem>

#include "load/end_tokens.h"
#include "load/load_model.h"
#include "load/model_files.h"
#include "load/tokenizer_from_gguf.h"
#include "load/tokenizer_from_json.h"

namespace mang {
namespace {

constexpr uint64_t kMaxTokenizerBytes = uint64_t{256} << 20;
constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;
constexpr std::string_view kTemplateKey = "tokenizer.chat_template";

// The names transformers gives a template.
constexpr std::string_view kSpecialNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                              "pad_token", "cls_token", "mask_token"};

// ---- GGUF ----

void read_special_tokens(const GgufMetadata& metadata, const std::vector<std::string_view>& tokens, ModelText& out) {
  const std::pair<std::string_view, std::string_view> keys[] = {
      {"bos_token", "bos"},     {"eos_token", "eos"}, {"unk_token", "unknown"}, {"sep_token", "seperator"},
      {"pad_token", "padding"}, {"cls_token", "cls"}, {"mask_token", "mask"}};
  for (const auto& [name, key] : keys) {
    const auto id = metadata.get_u64(fmt::format("tokenizer.ggml.{}_token_id", key));
    if (id.ok() && *id < tokens.size()) out.special_tokens[std::string(name)] = std::string(tokens[*id]);
  }
}

Result<void> read_templates(const GgufMetadata& metadata, ModelText& out) {
  for (const GgufEntry& entry : metadata.entries()) {
    const bool is_default = entry.key == kTemplateKey;
    if (!is_default && !entry.key.starts_with(std::string(kTemplateKey) + ".")) continue;
    MANG_TRY(const std::string_view text, metadata.get_string(entry.key));
    if (text.size() > kHfTemplateMaxBytes) {
      return fail("{}: '{}' has {} bytes; at most {} are read.", metadata.what(), entry.key, text.size(),
                  kHfTemplateMaxBytes);
    }
    std::string name = is_default ? "default" : std::string(entry.key.substr(kTemplateKey.size() + 1));
    out.templates.insert(is_default ? out.templates.begin() : out.templates.end(),
                         {std::move(name), std::string(text)});
  }
  return {};
}

Result<void> read_number(const GgufMetadata& metadata, std::string_view key, std::optional<double>& out) {
  if (!metadata.has(key)) return {};
  MANG_TRY(out, metadata.get_float(key));
  return {};
}

Result<GenerationDefaults> read_generation(const GgufMetadata& metadata) {
  GenerationDefaults out;
  MANG_TRY(read_number(metadata, "general.sampling.temp", out.temperature));
  MANG_TRY(read_number(metadata, "general.sampling.top_p", out.top_p));
  MANG_TRY(read_number(metadata, "general.sampling.min_p", out.min_p));
  MANG_TRY(read_number(metadata, "general.sampling.penalty_repeat", out.repetition_penalty));
  if (metadata.has("general.sampling.top_k")) {
    MANG_TRY(out.top_k, metadata.get_i64("general.sampling.top_k"));
  }
  return out;
}

// ---- Hugging Face ----

// A token of tokenizer_config.json: a string, or an object with its content.
std::optional<std::string> token_text(const HfConfig& config, std::string_view key) {
  if (config.is_string(key)) {
    auto text = config.get_string(key);
    if (text.ok()) return *text;
  }
  if (config.is_object(key)) {
    const auto object = config.get_object(key);
    const auto text = object.ok() ? object->get_string("content") : Result<std::string>(object.error());
    if (text.ok()) return *text;
  }
  return std::nullopt;
}

void read_special_tokens(const HfConfig& config, ModelText& out) {
  for (const std::string_view name : kSpecialNames) {
    if (auto text = token_text(config, name)) out.special_tokens.emplace(name, *text);
  }
  if (!config.is_object("extra_special_tokens")) return;  // more names, of the model's own
  const auto more = config.get_object("extra_special_tokens");
  if (!more.ok()) return;
  for (const std::string& name : more->keys()) {
    if (auto text = token_text(*more, name)) out.special_tokens.emplace(name, *text);
  }
}

Result<void> read_number(const HfConfig& config, std::string_view key, std::optional<double>& out) {
  if (!config.has(key)) return {};
  MANG_TRY(out, config.get_float(key));
  return {};
}

Result<void> read_integer(const HfConfig& config, std::string_view key, std::optional<int64_t>& out) {
  if (!config.has(key)) return {};
  MANG_TRY(out, config.get_i64(key));
  return {};
}

Result<GenerationDefaults> read_generation(const HfConfig& config) {
  GenerationDefaults out;
  if (config.has("do_sample")) {
    MANG_TRY(out.sample, config.get_bool("do_sample"));
  }
  MANG_TRY(read_number(config, "temperature", out.temperature));
  MANG_TRY(read_number(config, "top_p", out.top_p));
  MANG_TRY(read_number(config, "min_p", out.min_p));
  MANG_TRY(read_number(config, "repetition_penalty", out.repetition_penalty));
  MANG_TRY(read_integer(config, "top_k", out.top_k));
  MANG_TRY(read_integer(config, "max_new_tokens", out.max_new_tokens));
  return out;
}

// eos_token_id: one id or a list; each ends an answer.
Result<void> read_end_tokens(const HfConfig& config, TokenizerSpec& spec) {
  if (!config.has("eos_token_id")) return {};
  MANG_TRY(const std::vector<uint64_t> ids, config.get_u64s("eos_token_id"));
  for (const uint64_t id : ids) {
    if (id > INT32_MAX) return fail("{}: 'eos_token_id' holds {}, which is no token id.", config.what(), id);
    add_end_token(spec, static_cast<int32_t>(id));
  }
  return {};
}

Result<ModelText> text_of_directory(const std::string& directory) {
  MANG_TRY(const auto tokenizer, read_directory_file(directory, "tokenizer.json", kMaxTokenizerBytes));
  if (!tokenizer) {
    return fail(
        "{}: tokenizer.json is missing. A directory saved by transformers has it; tokenizer.model alone is not "
        "read.",
        directory);
  }
  MANG_TRY(const auto raw_config, read_directory_file(directory, "tokenizer_config.json", kMaxConfigBytes));
  ModelText out;
  MANG_TRY(out.tokenizer, tokenizer_from_json(*tokenizer, raw_config.value_or(""), directory + "/tokenizer.json"));

  MANG_TRY(const auto config, read_tokenizer_config(directory));
  if (config) read_special_tokens(*config, out);
  // Older checkpoints name them here; what tokenizer_config.json says stands.
  MANG_TRY(const auto old_map, read_directory_file(directory, "special_tokens_map.json", kMaxConfigBytes));
  if (old_map) {
    MANG_TRY(const HfConfig map, HfConfig::parse(*old_map, directory + "/special_tokens_map.json"));
    read_special_tokens(map, out);
  }
  MANG_TRY(const auto templates, read_chat_templates(directory));
  for (const HfChatTemplate& each : templates) out.templates.push_back({each.name, each.text});

  MANG_TRY(const auto generation, read_generation_config(directory));
  if (generation) {
    MANG_TRY(out.generation, read_generation(*generation));
    MANG_TRY(read_end_tokens(*generation, out.tokenizer));
  } else if (std::error_code ignored; std::filesystem::exists(directory + "/config.json", ignored)) {
    MANG_TRY(const HfConfig model, read_config(directory));
    MANG_TRY(read_end_tokens(model, out.tokenizer));
  }
  return out;
}

Result<ModelText> text_of_gguf(const GgufMetadata& metadata) {
  ModelText out;
  MANG_TRY(out.tokenizer, tokenizer_from_gguf(metadata));
  MANG_TRY(const auto tokens, metadata.get_strings("tokenizer.ggml.tokens"));
  read_special_tokens(metadata, tokens, out);
  MANG_TRY(read_templates(metadata, out));
  MANG_TRY(out.generation, read_generation(metadata));
  return out;
}

}  // namespace

Result<ModelText> load_text(const ModelFiles& files) {
  return files.gguf() != nullptr ? text_of_gguf(files.gguf()->metadata()) : text_of_directory(files.path());
}

Result<ModelText> load_text(const std::string& path, const Log& log) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return text_of_directory(path);
  MANG_TRY(const ModelFiles files, ModelFiles::open(path, log));
  return load_text(files);
}

}  // namespace mang
