// load_model and describe_model on whole models: what they say beside the weights.
#include "load/load_model.h"

#include <doctest/doctest.h>

#include "support/golden.h"
#include "support/run_model.h"
#include "support/temp_dir.h"
#include "support/tiny_llama.h"
#include "text/tokenizer.h"

namespace mang::test {
namespace {

TEST_CASE("a checkpoint and its GGUF file load as the same model") {
  const Golden g = golden("llama/llama31-gqa-sharded");
  Machine machine;
  auto hf = load_model(g.directory, machine.device);
  REQUIRE_MESSAGE(hf.ok(), (hf.ok() ? "" : hf.error().message));
  auto gguf = load_model(g.gguf, machine.device);
  REQUIRE_MESSAGE(gguf.ok(), (gguf.ok() ? "" : gguf.error().message));

  for (const LoadedModel* loaded : {&*hf, &*gguf}) {
    const ModelInfo& info = loaded->model->info();
    CHECK(info.architecture == "llama");
    CHECK(info.layers == 3);
    CHECK(info.hidden == 64);
    CHECK(info.heads == 4);
    CHECK(info.kv_heads == 2);
    CHECK(info.head_dim == 16);
    CHECK(info.intermediate == 112);
    CHECK(info.vocab == 320);
    CHECK(info.context == 512);
    CHECK(info.weight_bytes > 0);
    CHECK(loaded->description.kv.size() == 3);
    CHECK(!loaded->description.problem);
    CHECK(loaded->text.special_tokens.at("bos_token") == "<s>");
    CHECK(loaded->text.special_tokens.at("eos_token") == "</s>");
    CHECK(loaded->text.special_tokens.at("pad_token") == "<pad>");
    REQUIRE(loaded->text.templates.size() == 1);
    CHECK(loaded->text.templates[0].name == "default");
    CHECK(loaded->text.templates[0].text == read_file(g.directory + "/chat_template.jinja"));
  }
  CHECK(hf->description.format == "Hugging Face");
  CHECK(gguf->description.format == "GGUF v3");
  // The rope_freqs table of the GGUF file is not a parameter of the model.
  CHECK(describe_model(g.directory)->info->parameters == describe_model(g.gguf)->info->parameters);

  const GenerationDefaults& defaults = hf->text.generation;
  CHECK(defaults.sample == true);
  CHECK(defaults.temperature == doctest::Approx(0.7));
  CHECK(defaults.top_p == doctest::Approx(0.9));
  CHECK(defaults.top_k == 20);
  CHECK_FALSE(defaults.min_p.has_value());
  // eos_token_id is a list in generation_config.json; each ends an answer.
  auto tokenizer = Tokenizer::build(hf->text.tokenizer);
  REQUIRE(tokenizer.ok());
  CHECK(tokenizer->is_eog(2));
  CHECK(tokenizer->is_eog(5));
}

TEST_CASE("describing a model needs no weights in memory, and says what the files say") {
  auto description = describe_model(golden("gemma3/window16").gguf);
  REQUIRE(description.ok());
  CHECK(description->architecture == "gemma3");
  REQUIRE(description->info.has_value());
  CHECK(description->info->layers == 7);
  CHECK(description->tensor_count == 7 * 13 + 2);
  CHECK(description->file_bytes == std::filesystem::file_size(golden("gemma3/window16").gguf));
  uint64_t bytes = 0;
  for (const auto& [type, size] : description->types) bytes += size;
  CHECK(bytes < description->file_bytes);
  CHECK(bytes > description->file_bytes / 2);
  bool found = false;
  for (const auto& [key, value] : description->metadata) found |= key == "gemma3.block_count" && value == "7";
  CHECK(found);
}

TEST_CASE("an unknown architecture and a vocabulary alone are described too") {
  TempDir dir;
  GgufWriter w;
  w.add("general.architecture", "mamba").add("mamba.block_count", uint32_t{2});
  w.write(dir.file("vocabulary.gguf"));
  auto description = describe_model(dir.file("vocabulary.gguf"));
  REQUIRE(description.ok());
  CHECK(description->architecture == "mamba");
  CHECK_FALSE(description->info.has_value());
  CHECK(description->problem->message.find("'mamba' is not known") != std::string::npos);
  CHECK(description->tensor_count == 0);
}

TEST_CASE("the text side loads alone") {
  TempDir dir;
  const Golden g = golden("qwen3/tied-head32");
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    std::filesystem::copy(g.directory + "/" + name, dir.path());
  }
  auto text = load_text(dir.path());
  REQUIRE_MESSAGE(text.ok(), (text.ok() ? "" : text.error().message));
  CHECK(text->templates.size() == 1);
  CHECK_FALSE(text->generation.temperature.has_value());
  CHECK(Tokenizer::build(text->tokenizer).ok());

  std::filesystem::remove(dir.file("tokenizer.json"));
  auto missing = load_text(dir.path());
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("tokenizer.json is missing") != std::string::npos);
}

TEST_CASE("a tokenizer that is larger than the model is refused") {
  TempDir dir;
  const Golden g = golden("llama/yarn");
  for (const auto& entry : std::filesystem::directory_iterator(g.directory))
    std::filesystem::copy(entry.path(), dir.path());
  std::filesystem::copy(golden("llama/llama32-mqa-tied").directory + "/tokenizer.json", dir.path(),
                        std::filesystem::copy_options::overwrite_existing);
  Machine machine;
  CHECK(load_model(g.directory, machine.device).ok());
  auto wrong = load_model(dir.path(), machine.device);
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message.find("do not belong together") != std::string::npos);
}

TEST_CASE("Hugging Face texts of every golden load") {
  for (const Golden& g : all_goldens()) {
    CAPTURE(g.name);
    auto text = load_text(g.directory);
    CHECK_MESSAGE(text.ok(), (text.ok() ? "" : text.error().message));
    if (g.gguf.empty()) continue;
    auto of_gguf = load_text(g.gguf);
    CHECK_MESSAGE(of_gguf.ok(), (of_gguf.ok() ? "" : of_gguf.error().message));
  }
}

}  // namespace
}  // namespace mang::test
