// Which files of a repository make one model (select_hf_files of hf_repo.h).
#include <algorithm>
#include <array>
#include <map>

#include "hub/hf_repo.h"

namespace mang {
namespace {

// What most people want first: four bits with the best quality, then neighbours.
constexpr std::array kPreferred = {"Q4_K_M", "Q4_K_S", "Q4_0", "IQ4_XS", "IQ4_NL", "Q4_1", "MXFP4",
                                   "Q5_K_M", "Q5_K_S", "Q6_K", "Q8_0",   "Q3_K_M", "Q5_0", "Q5_1",
                                   "Q3_K_L", "Q3_K_S", "Q2_K", "BF16",   "F16",    "F32"};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool ends_with(const std::string& text, std::string_view end) { return upper(text).ends_with(end); }

// "model-00002-of-00003.gguf" → "model.gguf": the parts of one model share it.
std::string without_part(const std::string& path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string::npos || dot < 15) return path;
  const std::string part = path.substr(dot - 15, 15);  // "-00002-of-00003"
  const auto digits = [&](size_t from) {
    return std::all_of(part.begin() + static_cast<long>(from), part.begin() + static_cast<long>(from) + 5,
                       [](unsigned char c) { return std::isdigit(c); });
  };
  const bool is_part = part[0] == '-' && digits(1) && part.compare(6, 4, "-of-") == 0 && digits(10);
  return is_part ? path.substr(0, dot - 15) + path.substr(dot) : path;
}

// Projectors of images and sound, importance matrices, drafts: GGUF files that are not the model.
bool is_side_file(const std::string& path) {
  const std::string name = upper(file_name(path));
  return name.find("MMPROJ") != std::string::npos || name.find("IMATRIX") != std::string::npos ||
         name.starts_with("MTP-");
}

// Whether a name holds the quantization as a word of its own: "model-Q4_K_M.gguf", not "Q4_K_M" in "Q4_K_MX".
bool names_quantization(const std::string& path, const std::string& quantization) {
  const std::string text = upper(path), word = upper(quantization);
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto joined = [&](size_t i) {
      return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
    };
    const bool left = at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1]));
    if (!left && !joined(at + word.size())) return true;
  }
  return false;
}

using Models = std::map<std::string, std::vector<HfFile>>;  // by the name without the part, parts in order

Models gguf_models(const HfRepo& repo) {
  Models models;
  for (const HfFile& file : repo.files) {
    if (ends_with(file.path, ".GGUF") && !is_side_file(file.path)) models[without_part(file.path)].push_back(file);
  }
  for (auto& [name, parts] : models) {
    std::sort(parts.begin(), parts.end(), [](const HfFile& a, const HfFile& b) { return a.path < b.path; });
  }
  return models;
}

// The shortest name first: "model-Q4_K_M.gguf" before "model-draft-Q4_K_M.gguf".
const std::vector<HfFile>* find_quantization(const Models& models, const std::string& quantization) {
  const Models::value_type* best = nullptr;
  for (const auto& model : models) {
    if (!names_quantization(model.first, quantization)) continue;
    if (!best || model.first.size() < best->first.size()) best = &model;
  }
  return best ? &best->second : nullptr;
}

Error list_names(const Models& models) {
  std::string out;
  size_t n = 0;
  for (const auto& [name, parts] : models) {
    if (n++ == 12) return fail("{}, and {} more", out, models.size() - 12);
    out += (out.empty() ? "" : ", ") + name;
  }
  return fail("{}", out);
}

// The folder as its publisher saved it: weights beside config and tokenizer, nothing of other formats.
std::vector<HfFile> safetensors_model(const HfRepo& repo) {
  std::vector<HfFile> files;
  bool weights = false;
  for (const HfFile& file : repo.files) {
    if (file.path.find('/') != std::string::npos) continue;  // original/, onnx/, …
    const std::string& name = file.path;
    const bool tensor = name.ends_with(".safetensors") && !name.starts_with("consolidated");
    const bool text = name.ends_with(".json") && !name.starts_with("consolidated") && name != "params.json";
    if (!tensor && !text && name != "chat_template.jinja" && name != "tokenizer.model") continue;
    weights = weights || tensor;
    if (name == "config.json") {
      files.insert(files.begin(), file);
    } else {
      files.push_back(file);
    }
  }
  if (!weights || files.front().path != "config.json") files.clear();
  return files;
}

}  // namespace

Result<std::vector<HfFile>> select_hf_files(const HfRepo& repo, const std::string& wanted) {
  const Models models = gguf_models(repo);
  if (!wanted.empty()) {
    for (const HfFile& file : repo.files) {
      if (file.path != wanted && file_name(file.path) != wanted) continue;
      const auto parts = models.find(without_part(file.path));
      return parts != models.end() ? parts->second : std::vector<HfFile>{file};
    }
    if (const auto* files = find_quantization(models, wanted)) return *files;
    if (models.empty())
      return fail("hf:{} has no GGUF files, so '{}' means nothing there. Leave it out.", repo.id, wanted);
    return fail("hf:{} has no '{}'. It has {}.", repo.id, wanted, list_names(models));
  }
  for (const char* quantization : kPreferred) {
    if (const auto* files = find_quantization(models, quantization)) return *files;
  }
  if (!models.empty()) return models.begin()->second;
  std::vector<HfFile> files = safetensors_model(repo);
  if (files.empty())
    return fail("hf:{} has neither GGUF files nor safetensors with a config.json: not a model that is read here.",
                repo.id);
  return files;
}

}  // namespace mang
