// Damaged or dishonest metadata and config.json: refused with a sentence, never a crash, never a default.
#include <doctest/doctest.h>

#include <functional>

#include "load/config_sources.h"
#include "model/registry.h"
#include "support/golden.h"
#include "support/run_model.h"
#include "support/temp_dir.h"
#include "support/tiny_llama.h"

namespace mang::test {
namespace {

// The error of loading a model, or "" where it loads.
std::string error_of(const std::string& path, const Device& device) {
  auto files = ModelFiles::open(path);
  if (!files.ok()) return files.error().message;
  auto model = load_weights(*files, device);
  return model.ok() ? "" : model.error().message;
}

void check_refused(const TinyLlama& model, const std::string& word) {
  TempDir dir;
  Machine machine(1);
  model.write(dir.file("model.gguf"));
  const std::string error = error_of(dir.file("model.gguf"), machine.device);
  CAPTURE(error);
  CHECK(error.find(word) != std::string::npos);
  CHECK(error.size() > 30);
}

TEST_CASE("the undamaged model loads") {
  TempDir dir;
  Machine machine(1);
  TinyLlama().write(dir.file("model.gguf"));
  CHECK(error_of(dir.file("model.gguf"), machine.device) == "");
}

TEST_CASE("every dimension is held within bounds") {
  const int64_t extremes[] = {0, -2, int64_t{1} << 31, (int64_t{1} << 32) + 1, INT64_MAX, INT64_MIN};
  for (const char* key :
       {"llama.block_count", "llama.embedding_length", "llama.attention.head_count", "llama.attention.head_count_kv",
        "llama.attention.key_length", "llama.feed_forward_length", "llama.context_length", "llama.vocab_size"}) {
    for (const int64_t value : extremes) {
      CAPTURE(key);
      CAPTURE(value);
      TinyLlama model;
      model.integers[key] = value;
      const bool is_vocabulary = std::string(key) == "llama.vocab_size";
      check_refused(model, is_vocabulary ? "vocabulary" : std::string(key).substr(6));
    }
  }
}

TEST_CASE("a missing dimension is an error, never a default") {
  for (const char* key : {"llama.block_count", "llama.embedding_length", "llama.attention.head_count",
                          "llama.feed_forward_length", "llama.context_length"}) {
    CAPTURE(key);
    TinyLlama model;
    model.integers[key] = -1;
    check_refused(model, key);
  }
  TinyLlama large_vocabulary;
  large_vocabulary.integers["llama.vocab_size"] = (1 << 24) + 1;  // more than the sampler can weigh
  check_refused(large_vocabulary, "vocabulary has 16777217 tokens");
  TinyLlama no_vocabulary;
  no_vocabulary.integers["llama.vocab_size"] = -1;
  check_refused(no_vocabulary, "vocab_size");
}

TEST_CASE("dimensions that contradict each other or the tensors") {
  const auto with = [](std::map<std::string, int64_t> integers) {
    TinyLlama model;
    model.integers = std::move(integers);
    return model;
  };
  check_refused(with({{"llama.attention.head_count_kv", 3}}), "not a multiple");
  check_refused(with({{"llama.attention.head_count", 5}, {"llama.attention.head_count_kv", 5}}), "shape");
  check_refused(with({{"llama.attention.head_count", 5},
                      {"llama.attention.key_length", -1},
                      {"llama.attention.head_count_kv", 5}}),
                "not a multiple");
  check_refused(with({{"llama.attention.key_length", 15}}), "even number");
  check_refused(with({{"llama.rope.dimension_count", 7}}), "even number");
  check_refused(with({{"llama.rope.dimension_count", 18}}), "at most all");
  check_refused(with({{"llama.attention.value_length", 8}}), "one size for both");
  check_refused(with({{"llama.embedding_length", 128}}), "shape");
  check_refused(with({{"llama.feed_forward_length", 95}}), "shape");
  check_refused(with({{"llama.vocab_size", 41}}), "[41, 64]");
  check_refused(with({{"llama.block_count", 3}}), "blk.2.attn_norm.weight");
  check_refused(with({{"llama.attention.head_count", 1 << 24},
                      {"llama.attention.head_count_kv", 1 << 24},
                      {"llama.attention.key_length", 1024}}),
                "head_count");
  check_refused(with({{"llama.expert_count", 8}}), "mixture of experts");
  check_refused(with({{"llama.attention.sliding_window", 0}}), "sliding_window");
}

TEST_CASE("numbers that are none") {
  for (const float value : {std::nanf(""), -1.0f, INFINITY, 0.0f}) {
    CAPTURE(value);
    TinyLlama base;
    base.floats["llama.rope.freq_base"] = value;
    check_refused(base, "rope.freq_base");
    if (value == 0.0f) continue;  // an epsilon of 0 is odd, but a number
    TinyLlama epsilon;
    epsilon.floats["llama.attention.layer_norm_rms_epsilon"] = value;
    check_refused(epsilon, "epsilon");
    TinyLlama factor;
    factor.texts["llama.rope.scaling.type"] = "yarn";
    factor.floats["llama.rope.scaling.factor"] = value;
    check_refused(factor, "factor");
  }
  TinyLlama base;
  base.floats["llama.rope.freq_base"] = 1.0f;
  base.texts["llama.rope.scaling.type"] = "yarn";
  base.floats["llama.rope.scaling.factor"] = 4;
  check_refused(base, "more than 1");
}

TEST_CASE("what this program does not compute is refused by name") {
  TinyLlama longrope;
  longrope.texts["llama.rope.scaling.type"] = "longrope";
  longrope.floats["llama.rope.scaling.factor"] = 4;
  check_refused(longrope, "longrope");
  TinyLlama extrapolation;
  extrapolation.texts["llama.rope.scaling.type"] = "yarn";
  extrapolation.floats["llama.rope.scaling.factor"] = 4;
  extrapolation.floats["llama.rope.scaling.yarn_ext_factor"] = 0.5f;
  check_refused(extrapolation, "yarn_ext_factor");
  for (const char* key : {"logit_scale", "residual_scale", "attention.clamp_kqv", "attention.max_alibi_bias"}) {
    TinyLlama foreign;
    foreign.floats[std::string("llama.") + key] = 0.5f;
    check_refused(foreign, key);
  }
  TinyLlama neutral;
  neutral.floats["llama.logit_scale"] = 1;
  neutral.floats["llama.attention.clamp_kqv"] = 0;
  TempDir dir;
  Machine machine(1);
  neutral.write(dir.file("model.gguf"));
  CHECK(error_of(dir.file("model.gguf"), machine.device) == "");
  TinyLlama unknown;
  unknown.texts["general.architecture"] = "mamba";
  check_refused(unknown, "'mamba' is not known; this version runs llama, qwen2, qwen3, qwen3moe, gemma3, smollm3");
}

TEST_CASE("experts: every number is held within bounds, every tensor must fit") {
  TempDir dir;
  Machine machine(1);
  tiny_experts().write(dir.file("model.gguf"));
  CHECK(error_of(dir.file("model.gguf"), machine.device) == "");
  const auto refused = [](const char* key, int64_t value, const char* word) {
    CAPTURE(key);
    CAPTURE(value);
    TinyLlama model = tiny_experts();
    model.integers[std::string("qwen3moe.") + key] = value;
    check_refused(model, word);
  };
  for (const char* key : {"expert_count", "expert_used_count", "expert_feed_forward_length"}) {
    for (const int64_t value : {int64_t{-1}, int64_t{0}, int64_t{-2}, int64_t{1} << 31, INT64_MAX, INT64_MIN}) {
      refused(key, value, key);  // −1: left out
    }
  }
  refused("expert_used_count", 6, "there are only 5 experts");
  refused("expert_count", 6, "blk.0.ffn_gate_inp.weight");
  refused("expert_count", 4096, "[4096, 64]");
  refused("expert_feed_forward_length", 95, "[5, 95, 64]");
  refused("expert_shared_count", 1, "expert_shared_count");
  refused("expert_group_count", 2, "expert_group_count");
  refused("expert_gating_func", 2, "expert_gating_func");
  refused("leading_dense_block_count", 1, "leading_dense_block_count");
}

TEST_CASE("experts: tensors that are missing, short, turned round or no numbers") {
  const auto refused = [](const char* tensor, const std::function<void(TinyLlama::Stored&)>& damage, const char* word) {
    CAPTURE(tensor);
    TinyLlama model = tiny_experts();
    model.change[tensor] = damage;
    check_refused(model, word);
  };
  for (const char* name : {"blk.1.ffn_gate_inp.weight", "blk.1.ffn_gate_exps.weight", "blk.1.ffn_up_exps.weight",
                           "blk.1.ffn_down_exps.weight"}) {
    refused(name, left_out(), name);
    refused(name, left_out(), std::string(name).ends_with("_exps.weight") ? "a stack of matrices" : "a matrix");
  }
  refused(
      "blk.1.ffn_up_exps.weight",
      [](TinyLlama::Stored& t) {
        t.bytes.resize(t.bytes.size() / 5 * 4);
        t.shape[0] = 4;
      },
      "[5, 96, 64] is wanted");
  refused(
      "blk.1.ffn_down_exps.weight", [](TinyLlama::Stored& t) { std::swap(t.shape[1], t.shape[2]); }, "[5, 64, 96]");
  refused(
      "blk.1.ffn_gate_exps.weight",
      [](TinyLlama::Stored& t) {
        t.shape = {5 * 96, 64};
      },
      "[5, 96, 64]");
  refused(
      "blk.1.ffn_gate_inp.weight", [](TinyLlama::Stored& t) { std::swap(t.shape[0], t.shape[1]); }, "[5, 64]");
  refused(
      "blk.1.ffn_down_exps.weight",
      [](TinyLlama::Stored& t) { std::memcpy(t.bytes.data() + t.bytes.size() - 4, "\0\0\xc0\x7f", 4); }, "not finite");
}

TEST_CASE("experts: those of a layer must be of one type") {
  TempDir dir;
  Machine machine(1);
  const Golden g = golden("qwen3moe/top2-of-8");
  dir.write("config.json", read_file(g.directory + "/config.json"));
  std::string bytes = read_file(g.directory + "/model.safetensors");
  // One expert's tensor says it is F16 where the others are BF16: two letters of the header, as many bytes.
  const std::string name = "\"model.layers.1.mlp.experts.3.up_proj.weight\":{\"dtype\":\"";
  const size_t at = bytes.find(name);
  REQUIRE(at != std::string::npos);
  REQUIRE(bytes.substr(at + name.size(), 6) == "BF16\",");
  bytes.replace(at + name.size(), 6, "F16\", ");
  dir.write("model.safetensors", bytes);
  const std::string error = error_of(dir.path(), machine.device);
  CAPTURE(error);
  CHECK(error.find("experts.3.up_proj.weight' is of type F16, but") != std::string::npos);
}

// ---- config.json ----

// The golden checkpoint with values of config.json replaced; null removes nothing but says "not given".
void check_config_refused(const std::string& name, const std::string& changes, const std::string& word) {
  CAPTURE(changes);
  TempDir dir;
  Machine machine(1);
  const Golden g = golden(name);
  for (const auto& entry : std::filesystem::directory_iterator(g.directory)) {
    if (entry.path().extension() == ".safetensors") std::filesystem::copy(entry.path(), dir.path());
  }
  auto config = parse_json(read_file(g.directory + "/config.json"), "config.json");
  REQUIRE(config.ok());
  config->merge_patch(*parse_json(changes, "changes"));
  dir.write("config.json", dump_json(*config));
  const std::string error = error_of(dir.path(), machine.device);
  CAPTURE(error);
  CHECK(error.find(word) != std::string::npos);
}

TEST_CASE("config.json: what does not fit is refused") {
  const char* llama = "llama/yarn";
  check_config_refused(llama, R"({"hidden_size": null})", "hidden_size");
  check_config_refused(llama, R"({"hidden_size": "64"})", "hidden_size");
  check_config_refused(llama, R"({"hidden_size": 64.5})", "hidden_size");
  check_config_refused(llama, R"({"num_attention_heads": 0})", "num_attention_heads");
  check_config_refused(llama, R"({"num_hidden_layers": 2147483648})", "num_hidden_layers");
  check_config_refused(llama, R"({"num_key_value_heads": 3})", "not a multiple");
  check_config_refused(llama, R"({"vocab_size": 318})", "[318, 64]");
  check_config_refused(llama, R"({"rms_norm_eps": null})", "rms_norm_eps");
  check_config_refused(llama, R"({"max_position_embeddings": null})", "max_position_embeddings");
  check_config_refused(llama, R"({"model_type": "mixtral"})", "'mixtral' is not known");
  check_config_refused(llama, R"({"model_type": null})", "model_type");
  check_config_refused(llama, R"({"hidden_act": "relu"})", "relu");
  check_config_refused(llama, R"({"quantization_config": {"quant_method": "awq"}})", "quantization_config");
  check_config_refused(llama, R"({"attention_bias": true})", "self_attn.q_proj.bias");
  check_config_refused(llama, R"({"mlp_bias": true})", "mlp.gate_proj.bias");
  check_config_refused(llama, R"({"partial_rotary_factor": 0.5})", "rotates whole heads");
  check_config_refused(llama, R"({"rope_parameters": {"rope_type": "dynamic"}})", "'dynamic'");
  check_config_refused(llama, R"({"rope_parameters": {"rope_type": "longrope"}})", "'longrope'");
  check_config_refused(llama, R"({"rope_parameters": {"factor": null}})", "factor");
  check_config_refused(llama, R"({"rope_parameters": {"factor": 0}})", "factor");
  check_config_refused(llama, R"({"rope_parameters": {"rope_theta": -1}})", "rope_theta");
  check_config_refused(llama, R"({"rope_parameters": {"rope_type": "llama3"}})", "low_freq_factor");
  check_config_refused("qwen2/sliding", R"({"layer_types": ["full_attention"]})", "1 entries for 3 layers");
  check_config_refused("qwen2/sliding", R"({"layer_types": ["full_attention", "full_attention", "chunked_attention"]})",
                       "chunked_attention");
  check_config_refused("qwen2/sliding", R"({"sliding_window": 0})", "sliding_window");
  check_config_refused("qwen3/yarn-mqa", R"({"head_dim": null})", "head_dim");
  check_config_refused("gemma3/mixed-layers", R"({"sliding_window": null})", "sliding_window");
  check_config_refused("gemma3/mixed-layers", R"({"query_pre_attn_scalar": null})", "query_pre_attn_scalar");
  check_config_refused("gemma3/mixed-layers", R"({"query_pre_attn_scalar": -1})", "query_pre_attn_scalar");
  check_config_refused("gemma3/mixed-layers", R"({"use_bidirectional_attention": true})",
                       "use_bidirectional_attention");
  check_config_refused("gemma3/mixed-layers", R"({"attn_logit_softcapping": 50.0})", "attn_logit_softcapping");
  check_config_refused("gemma3/mixed-layers", R"({"hidden_activation": "gelu"})", "'gelu'");
  check_config_refused("smollm3/nope-list-untied", R"({"no_rope_layers": [1]})", "1 entries for 3 layers");
}

TEST_CASE("config.json: a mixture of experts that does not fit is refused") {
  const char* moe = "qwen3moe/top2-of-8";
  for (const char* key : {"num_experts", "num_experts_per_tok", "moe_intermediate_size", "decoder_sparse_step"}) {
    for (const char* value : {"0", "-1", "8.5", "\"8\"", "18446744073709551615", "2147483648"}) {
      check_config_refused(moe, fmt::format(R"({{"{}": {}}})", key, value), key);
    }
  }
  for (const char* key : {"num_experts", "num_experts_per_tok", "moe_intermediate_size"}) {
    check_config_refused(moe, fmt::format(R"({{"{}": null}})", key), key);
  }
  check_config_refused(moe, R"({"num_experts_per_tok": 9})", "there are only 8 experts");
  check_config_refused(moe, R"({"num_experts": 7})", "[7, 48]");
  check_config_refused("qwen3moe/mixed-dense", R"({"num_local_experts": 8})", "[8, 48]");
  check_config_refused("qwen3moe/mixed-dense", R"({"num_experts": 8})", "which of them holds is not clear");
  check_config_refused(moe, R"({"moe_intermediate_size": 40})", "mlp.experts.0.gate_proj.weight");
  check_config_refused(moe, R"({"norm_topk_prob": 1})", "norm_topk_prob");
  check_config_refused(moe, R"({"mlp_only_layers": [2]})", "names layer 2");
  check_config_refused(moe, R"({"mlp_only_layers": [-1]})", "mlp_only_layers");
  check_config_refused(moe, R"({"mlp_only_layers": [1]})", "model.layers.1.mlp.gate_proj.weight");
  check_config_refused(moe, R"({"decoder_sparse_step": 2})", "model.layers.0.mlp.gate_proj.weight");
  check_config_refused("qwen3moe/mixed-dense", R"({"decoder_sparse_step": 1})", "model.layers.0.mlp.gate.weight");
}

// What a family reads from a golden's config.json after a change.
Result<DenseConfig> config_of(const std::string& name, const std::function<void(Json&)>& change) {
  TempDir dir;
  auto config = parse_json(read_file(golden(name).directory + "/config.json"), "config.json");
  REQUIRE(config.ok());
  change(*config);
  dir.write("config.json", dump_json(*config));
  MANG_TRY(const ModelFiles files, ModelFiles::open(dir.path()));
  const auto source = config_source(files);
  MANG_TRY(const Architecture* architecture, find_architecture(*source));
  return architecture->read_config(*source);
}

TEST_CASE("config.json: a window that is null is none, one left out is transformers' default") {
  const auto window = [](const std::string& name, const std::function<void(Json&)>& change) {
    const auto config = config_of(name, change);
    REQUIRE_MESSAGE(config.ok(), (config.ok() ? "" : config.error().message));
    return config->layers.back().window;
  };
  CHECK(window("mistral/window16", [](Json&) {}) == 16);
  CHECK(window("mistral/window16", [](Json& c) { c["sliding_window"] = nullptr; }) == 0);
  CHECK(window("mistral/window16", [](Json& c) { c.erase("sliding_window"); }) == 4096);
  const auto qwen = [](Json& c) {
    c.erase("layer_types");
    c["use_sliding_window"] = true;
    c["max_window_layers"] = 1;
  };
  CHECK(window("qwen2/sliding", [&](Json& c) { qwen(c), c["sliding_window"] = 20; }) == 20);
  CHECK(window("qwen2/sliding", [&](Json& c) { qwen(c), c["sliding_window"] = nullptr; }) == 0);
  CHECK(window("qwen2/sliding", [&](Json& c) { qwen(c), c.erase("sliding_window"); }) == 4096);
  CHECK(window("qwen2/sliding", [&](Json& c) { qwen(c), c["use_sliding_window"] = false; }) == 0);
}

TEST_CASE("config.json: which layers have experts") {
  const auto sparse = [](const std::function<void(Json&)>& change) {
    const auto config = config_of("qwen3moe/mixed-dense", change);
    REQUIRE_MESSAGE(config.ok(), (config.ok() ? "" : config.error().message));
    std::string out;
    for (const LayerConfig& layer : config->layers) out += layer.sparse ? 's' : 'd';
    return out;
  };
  CHECK(sparse([](Json&) {}) == "dddsds");
  CHECK(sparse([](Json& c) { c.erase("mlp_only_layers"); }) == "dsdsds");
  CHECK(sparse([](Json& c) { c["mlp_only_layers"] = nullptr; }) == "dsdsds");
  CHECK(sparse([](Json& c) { c.erase("decoder_sparse_step"); }) == "sdssss");
  CHECK(sparse([](Json& c) { c["decoder_sparse_step"] = 7; }) == "dddddd");
  const auto renormalises = [](const std::function<void(Json&)>& change) {
    const auto config = config_of("qwen3moe/mixed-dense", change);
    REQUIRE_MESSAGE(config.ok(), (config.ok() ? "" : config.error().message));
    return config->moe.renormalise;
  };
  CHECK(renormalises([](Json&) {}));
  CHECK_FALSE(renormalises([](Json& c) { c.erase("norm_topk_prob"); }));
}

TEST_CASE("config.json: rope_scaling wins over rope_parameters where it says anything") {
  const auto rope = [](const std::string& name, const std::function<void(Json&)>& change) -> Result<RopeConfig> {
    MANG_TRY(const DenseConfig config, config_of(name, change));
    return config.rope;
  };
  using Scaling = RopeConfig::Scaling;
  const auto both = rope("llama/yarn", [](Json& c) {
    c["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 2.0}};
    c["rope_theta"] = 5000.0;
  });
  REQUIRE(both.ok());
  CHECK(both->scaling == Scaling::linear);
  CHECK(both->factor == 2);
  CHECK(both->theta == 5000);
  for (const Json& nothing : {Json(nullptr), Json::object()}) {
    const auto kept = rope("llama/yarn", [&](Json& c) { c["rope_scaling"] = nothing; });
    REQUIRE(kept.ok());
    CHECK(kept->scaling == Scaling::yarn);
  }
  const auto refusal = [&](const std::string& name, const std::function<void(Json&)>& change) {
    const auto out = rope(name, change);
    return out.ok() ? "" : out.error().message;
  };
  CHECK(refusal("llama/yarn", [](Json& c) { c["rope_scaling"] = "linear"; }).find("an object") != std::string::npos);
  CHECK(refusal("qwen3/yarn-mqa", [](Json& c) {
          c["rope_parameters"] = {{"full_attention", {{"rope_theta", 77.0}}}};
        }).find("'full_attention'") != std::string::npos);
  CHECK(refusal("gemma3/mixed-layers", [](Json& c) {
          c["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
        }).find("beside 'rope_parameters'") != std::string::npos);
}

TEST_CASE("paths that are no model say what to do") {
  TempDir dir;
  Machine machine(1);
  CHECK(error_of(dir.path(), machine.device).find("config.json") != std::string::npos);
  TinyLlama().write(dir.file("model.gguf"));
  CHECK(error_of(dir.path(), machine.device).find("a GGUF file is there") != std::string::npos);
  CHECK(error_of(dir.write("config.json", "{}"), machine.device).find("directory it is in") != std::string::npos);
  CHECK(error_of(dir.file("nothing"), machine.device) != "");
  // A configuration without weights.
  std::filesystem::copy(golden("llama/yarn").directory + "/config.json", dir.path(),
                        std::filesystem::copy_options::overwrite_existing);
  CHECK(error_of(dir.path(), machine.device).find("no weights") != std::string::npos);
}

}  // namespace
}  // namespace mang::test
