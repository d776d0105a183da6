// A path → everything needed to run a model: its weights packed for this machine, its tokenizer, its chat templates and
// its publisher's generation defaults.
//
//   MANG_TRY(LoadedModel loaded, load_model("model.gguf", device, log));
//   MANG_TRY(Tokenizer tokenizer, Tokenizer::build(std::move(loaded.text.tokenizer)));
//   loaded.model->forward(…);
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "kernels/device.h"
#include "model/model.h"
#include "text/tokenizer_spec.h"

namespace mang {

class ModelFiles;

// What the publisher recommends; absent: the file says nothing. From generation_config.json, or from GGUF's
// general.sampling.* keys.
struct GenerationDefaults {
  std::optional<bool> sample;  // do_sample: false means greedy
  std::optional<double> temperature;
  std::optional<int64_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<int64_t> max_new_tokens;
};

struct NamedTemplate {
  std::string name;  // "default", "tool_use", …
  std::string text;  // Jinja
};

// Everything about a model's text side.
struct ModelText {
  TokenizerSpec tokenizer;
  std::vector<NamedTemplate> templates;               // "default" first; empty: the model has none
  std::map<std::string, std::string> special_tokens;  // by the names templates use: bos_token, eos_token, …
  GenerationDefaults generation;
};

// What a model's files say, for people: nothing here needs the weights to be read.
struct ModelDescription {
  std::string path;
  std::string format;             // "GGUF v3" or "Hugging Face"
  std::string architecture;       // as the files name it: "qwen2"
  std::optional<ModelInfo> info;  // shapes; absent where this program cannot run the architecture (see problem)
  std::optional<Error> problem;   // why info is absent
  uint64_t file_bytes = 0;        // of the weight files
  uint64_t tensor_count = 0;
  std::vector<std::pair<std::string, uint64_t>> types;        // "Q4_K": bytes of weights of this type, largest first
  std::vector<KvLayout> kv;                                   // of each layer, f16; empty where info is absent
  std::vector<std::pair<std::string, std::string>> metadata;  // every key with its value as text, in file order
};

struct LoadedModel {
  std::unique_ptr<Model> model;
  ModelText text;
  ModelDescription description;
};

// Loads a model. Each tensor is checked against the architecture's table and packed on its own, and its pages of the
// file are given back at once, so that memory stays close to the file's size. Errors name the tensor or key, what was
// wanted and what was found. Tensors that no one asked for: one warning.
Result<LoadedModel> load_model(const std::string& path, const Device& device, const Log& log = {});

// The weights alone: for programs that take token ids (`mang logits`), and for checkpoints without a tokenizer.
Result<std::unique_ptr<Model>> load_weights(const ModelFiles& files, const Device& device, const Log& log = {});

// The text side alone: a vocabulary-only GGUF file or a directory with only tokenizer files is enough.
Result<ModelText> load_text(const std::string& path, const Log& log = {});
Result<ModelText> load_text(const ModelFiles& files);

// What the files say, without reading weights. Also for a vocabulary alone and for unknown architectures.
Result<ModelDescription> describe_model(const std::string& path, const Log& log = {});
Result<ModelDescription> describe_model(const ModelFiles& files);

}  // namespace mang
