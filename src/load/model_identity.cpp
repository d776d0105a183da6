#include "load/model_identity.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "hub/digest.h"

namespace mang {

namespace {

constexpr uint64_t kLongestText = uint64_t{256} << 20;  // of a tokenizer.json
constexpr std::string_view kTokenizerKeys = "tokenizer.ggml.";
constexpr std::string_view kTokenizerFiles[] = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                                                "generation_config.json"};

template <typename T>
void add_number(Digest& digest, T value) {
  std::array<unsigned char, sizeof(T)> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
  digest.add(bytes.data(), bytes.size());
}

}  // namespace

Result<std::vector<std::string>> weight_files(const ModelFiles& files) {
  std::vector<std::string> out;
  for (const MappedFile& file : files.tensors().files()) out.push_back(file.path());
  if (files.gguf() == nullptr) {
    std::sort(out.begin(), out.end());
    out.insert(out.begin(), files.path() + "/config.json");
  }
  return out;
}

Result<std::string> tokenizer_digest(const ModelFiles& files) {
  Digest digest = Digest::sha256();
  if (files.gguf() != nullptr) {
    for (const GgufEntry& entry : files.gguf()->metadata().entries()) {
      if (!entry.key.starts_with(kTokenizerKeys)) continue;
      digest.add_text(entry.key);
      add_number(digest, static_cast<uint32_t>(entry.type));
      add_number(digest, static_cast<uint32_t>(entry.element));
      add_number(digest, entry.count);
      digest.add_text({reinterpret_cast<const char*>(entry.payload.data()), entry.payload.size()});
    }
    return digest.hex();
  }
  for (const std::string_view name : kTokenizerFiles) {
    MANG_TRY(const auto text, read_directory_file(files.path(), name, kLongestText));
    if (!text) continue;
    digest.add_text(name);
    digest.add_text(*text);
  }
  return digest.hex();
}

const NamedTemplate* choose_template(const std::vector<NamedTemplate>& templates, bool with_tools) {
  const NamedTemplate* chosen = nullptr;
  for (const NamedTemplate& each : templates) {
    if (each.name == "default" && !chosen) chosen = &each;
    if (each.name == "tool_use" && with_tools) chosen = &each;
  }
  return !chosen && !templates.empty() ? &templates.front() : chosen;
}

std::string template_digest(const NamedTemplate& chat_template) {
  Digest digest = Digest::sha256();
  digest.add(chat_template.text.data(), chat_template.text.size());
  return digest.hex();
}

}  // namespace mang
