// Tensors that are missing, of the wrong shape or type, cut off, or no numbers: refused with the tensor's name, what
// was wanted and what was found. Tensors no one asked for: one warning.
#include <doctest/doctest.h>

#include <limits>

#include "support/golden.h"
#include "support/run_model.h"
#include "support/safetensors_writer.h"
#include "support/temp_dir.h"
#include "support/tiny_llama.h"

namespace mang::test {
namespace {

struct Outcome {
  std::string error;  // "": loaded
  std::vector<std::string> warnings;
};

Outcome load(const std::string& path) {
  Outcome out;
  Machine machine(1);
  auto files = ModelFiles::open(path);
  if (!files.ok()) return {files.error().message, {}};
  auto model =
      load_weights(*files, machine.device, [&](const Error& warning) { out.warnings.push_back(warning.message); });
  if (!model.ok()) out.error = model.error().message;
  return out;
}

Outcome load(const TinyLlama& model) {
  TempDir dir;
  model.write(dir.file("model.gguf"));
  return load(dir.file("model.gguf"));
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("each tensor that is missing is named, with the shape wanted") {
  const TinyLlama whole;
  for (const auto& [name, tensor] : whole.tensors()) {
    if (name == "output.weight") continue;  // then the embedding is the head
    CAPTURE(name);
    TinyLlama model;
    model.change[name] = left_out();
    const Outcome outcome = load(model);
    CHECK(has(outcome.error, "'" + name + "' is missing"));
    CHECK(has(outcome.error, fmt::format("[{}]", fmt::join(tensor.shape, ", "))));
  }
  TinyLlama tied;
  tied.change["output.weight"] = left_out();
  CHECK(load(tied).error == "");
}

TEST_CASE("each tensor of the wrong shape is named, with both shapes") {
  const TinyLlama whole;
  for (const auto& [name, tensor] : whole.tensors()) {
    CAPTURE(name);
    TinyLlama longer;  // one row, or one element, more
    longer.change[name] = [](TinyLlama::Stored& t) {
      const size_t row = t.bytes.size() / t.shape[0];
      t.bytes += std::string(row, '\0');
      t.shape[0] += 1;
    };
    const Outcome outcome = load(longer);
    CHECK(has(outcome.error, "'" + name + "' has shape"));
    CHECK(has(outcome.error, fmt::format("[{}] is wanted", fmt::join(tensor.shape, ", "))));
    if (tensor.shape.size() < 2 || tensor.shape[0] == tensor.shape[1]) continue;
    TinyLlama turned;
    turned.change[name] = [](TinyLlama::Stored& t) { std::swap(t.shape[0], t.shape[1]); };
    CHECK(has(load(turned).error, "'" + name + "' has shape"));
    TinyLlama deeper;
    deeper.change[name] = [](TinyLlama::Stored& t) { t.shape.insert(t.shape.begin(), 1); };
    CHECK(has(load(deeper).error, "'" + name + "' has shape [1, "));
  }
}

TEST_CASE("a vector must be of floats") {
  TinyLlama model;
  model.change["blk.1.ffn_norm.weight"] = [](TinyLlama::Stored& t) {
    std::mt19937 random(1);
    t.dtype = DType::Q8_0;
    t.bytes = random_rows(DType::Q8_0, 1, 64, 1, random);
  };
  CHECK(has(load(model).error, "'blk.1.ffn_norm.weight' is of type Q8_0; F32, F16 or BF16 is wanted"));
}

// Puts bytes over the middle of a tensor.
std::function<void(TinyLlama::Stored&)> with_bytes(size_t at, std::string bytes) {
  return [=](TinyLlama::Stored& t) { t.bytes.replace(at, bytes.size(), bytes); };
}

TEST_CASE("weights that are not finite numbers are refused: floats") {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), INFINITY, -INFINITY}) {
    std::string bytes;
    GgufWriter::put(bytes, value);
    for (const char* name :
         {"blk.0.attn_norm.weight", "blk.0.ffn_down.weight", "token_embd.weight", "blk.1.attn_k.weight"}) {
      CAPTURE(name);
      TinyLlama model;
      model.change[name] = with_bytes(4 * 17, bytes);
      CHECK(has(load(model).error, std::string("'") + name + "' holds values that are not finite"));
    }
  }
}

TEST_CASE("weights that are not finite numbers are refused: every quantized type") {
  const std::pair<DType, std::vector<size_t>> kScales[] = {
      {DType::Q4_0, {offsetof(BlockQ4_0, d)}},
      {DType::Q4_1, {offsetof(BlockQ4_1, d), offsetof(BlockQ4_1, m)}},
      {DType::Q5_0, {offsetof(BlockQ5_0, d)}},
      {DType::Q5_1, {offsetof(BlockQ5_1, d), offsetof(BlockQ5_1, m)}},
      {DType::Q8_0, {offsetof(BlockQ8_0, d)}},
      {DType::Q2_K, {offsetof(BlockQ2_K, d), offsetof(BlockQ2_K, dmin)}},
      {DType::Q3_K, {offsetof(BlockQ3_K, d)}},
      {DType::Q4_K, {offsetof(BlockQ4_K, d), offsetof(BlockQ4_K, dmin)}},
      {DType::Q5_K, {offsetof(BlockQ5_K, d), offsetof(BlockQ5_K, dmin)}},
      {DType::Q6_K, {offsetof(BlockQ6_K, d)}},
      {DType::IQ4_NL, {offsetof(BlockIQ4_NL, d)}},
      {DType::IQ4_XS, {offsetof(BlockIQ4_XS, d)}},
      {DType::MXFP4, {offsetof(BlockMXFP4, e)}}};
  for (const auto& [dtype, offsets] : kScales) {
    for (const size_t offset : offsets) {
      CAPTURE(dtype_name(dtype));
      TinyLlama model = tiny_quantized();
      model.type = [dtype = dtype](size_t) { return dtype; };
      CHECK(load(model).error == "");
      const size_t block = dtype_info(dtype).block_bytes;
      const std::string bad = dtype == DType::MXFP4 ? std::string(1, '\xff') : std::string("\x00\x7e", 2);  // NaN
      model.change["blk.1.ffn_up.weight"] = with_bytes(3 * block + offset, bad);
      CHECK(has(load(model).error, "'blk.1.ffn_up.weight' holds values that are not finite"));
    }
  }
}

TEST_CASE("MXFP4 scales from 2^100 on are refused: instruction sets would differ in where they overflow") {
  TinyLlama model = tiny_quantized();
  model.type = [](size_t) { return DType::MXFP4; };
  const size_t at = 3 * dtype_info(DType::MXFP4).block_bytes + offsetof(BlockMXFP4, e);
  model.change["blk.1.ffn_up.weight"] = with_bytes(at, std::string(1, '\xe3'));
  CHECK(load(model).error == "");
  model.change["blk.1.ffn_up.weight"] = with_bytes(at, std::string(1, '\xe4'));
  CHECK(has(load(model).error, "'blk.1.ffn_up.weight' holds values that are not finite numbers or too large"));
}

TEST_CASE("tensors no one asked for: one warning that names them") {
  TinyLlama model;
  for (int i = 0; i < 9; ++i) model.extra["vision." + std::to_string(i)] = {DType::F32, {2}, std::string(8, '\0')};
  const Outcome outcome = load(model);
  CHECK(outcome.error == "");
  REQUIRE(outcome.warnings.size() == 1);
  CHECK(has(outcome.warnings[0], "9 tensors are not used"));
  CHECK(has(outcome.warnings[0], "vision.0, vision.1"));
  CHECK(has(outcome.warnings[0], "…"));

  TinyLlama known;  // follows from the configuration
  known.extra["blk.0.attn_rot_embd.weight"] = {DType::F32, {8}, std::string(32, '\0')};
  CHECK(load(known).warnings.empty());
}

TEST_CASE("GGUF's rope_freqs.weight is used, and checked") {
  const auto with = [](std::vector<float> divisors) {
    TinyLlama model;
    std::string bytes;
    for (const float divisor : divisors) GgufWriter::put(bytes, divisor);
    model.extra["rope_freqs.weight"] = {DType::F32, {divisors.size()}, bytes};
    return model;
  };
  CHECK(load(with(std::vector<float>(8, 2.0f))).warnings.empty());
  CHECK(has(load(with(std::vector<float>(8, 0.0f))).error, "rope_freqs.weight"));
  CHECK(has(load(with(std::vector<float>(8, -1.0f))).error, "rope_freqs.weight"));
  CHECK(has(load(with(std::vector<float>(7, 1.0f))).error, "rope_freqs.weight"));
}

// A head beside the embedding it is tied to.
TEST_CASE("a checkpoint that is tied and yet has a head") {
  const Golden g = golden("smollm2/tied-gqa");
  auto files = ModelFiles::open(g.directory);
  REQUIRE(files.ok());
  const StoredTensor* embedding = files->tensors().find_tensor("model.embed_tokens.weight");
  REQUIRE(embedding != nullptr);
  std::string bytes(reinterpret_cast<const char*>(embedding->bytes.data()), embedding->bytes.size());
  Machine machine;
  const std::vector<float> tied = logits_of(*load_for_test(g.directory, machine.device), machine.device, g.ids, {});

  for (const bool same : {true, false}) {
    CAPTURE(same);
    TempDir dir;
    std::filesystem::copy(g.directory + "/config.json", dir.path());
    if (!same) std::swap(bytes[0], bytes[2]);
    SafetensorsWriter writer;
    for (const StoredTensor& t : files->tensors().tensors()) {
      writer.add(t.name, dtype_name(t.dtype), t.shape, {reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()});
    }
    writer.add("lm_head.weight", dtype_name(embedding->dtype), embedding->shape, bytes);
    writer.write(dir.file("model.safetensors"));
    std::vector<std::string> warnings;
    const auto model =
        load_for_test(dir.path(), machine.device, [&](const Error& m) { warnings.push_back(m.message); });
    CHECK(warnings.empty());
    CHECK((logits_of(*model, machine.device, g.ids, {}) == tied) == same);  // other bytes are another head
  }
}

TEST_CASE("cut off anywhere in its tensors, a file is refused") {
  TempDir dir;
  GgufWriter writer = TinyLlama().writer();
  const std::string bytes = writer.bytes();
  for (size_t at = writer.data_begin(); at + 64 < bytes.size(); at += (bytes.size() - writer.data_begin()) / 40) {
    CHECK(load(dir.write("cut.gguf", bytes.substr(0, at))).error != "");
  }
  const Golden g = golden("qwen2/yarn");
  std::filesystem::copy(g.directory + "/config.json", dir.path());
  const std::string weights = read_file(g.directory + "/model.safetensors");
  for (size_t at = weights.size() / 50; at < weights.size(); at += weights.size() / 50) {
    dir.write("model.safetensors", weights.substr(0, at));
    CHECK(load(dir.path()).error != "");
  }
}

// Bytes of the header turned over at random: the file is refused, or it is still a model and answers.
TEST_CASE("1,000 damaged headers: a sentence or a model that runs") {
  TempDir dir;
  GgufWriter writer = TinyLlama().writer();
  const std::string whole = writer.bytes();
  std::mt19937 random(7);
  Machine machine(1);
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    CAPTURE(i);
    std::string bytes = whole;
    const GgufField& field = writer.fields()[random() % writer.fields().size()];
    switch (random() % 3) {
      case 0:
        bytes[random() % writer.data_begin()] ^= static_cast<char>(1u << random() % 8);
        break;
      case 1:
        bytes[field.at + random() % field.width] = static_cast<char>(random());
        break;
      default:  // a value in the metadata
        bytes[32 + random() % (writer.header_bytes() / 3)] = static_cast<char>(random());
    }
    auto files = ModelFiles::open(dir.write("model.gguf", bytes));
    auto model = files.ok() ? load_weights(*files, machine.device) : Result<std::unique_ptr<Model>>(files.error());
    if (!model.ok()) {
      ++refused;
      CHECK(model.error().message.size() > 20);
      continue;
    }
    const std::vector<float> logits = logits_of(**model, machine.device, {1, 2, 3}, {});
    CHECK(static_cast<int64_t>(logits.size()) == 3 * (*model)->info().vocab);
  }
  CHECK(refused > 300);
  CHECK(refused < 1000);
}

}  // namespace
}  // namespace mang::test
