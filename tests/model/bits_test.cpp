// The same answer, always: the bits of a token's logits do not depend on the chunks its prompt was read in, on the
// threads, on the instruction set, or on what else is in the batch.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "support/golden.h"
#include "support/run_model.h"
#include "support/scale.h"
#include "support/temp_dir.h"
#include "support/tiny_llama.h"

namespace mang::test {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Subject {
  std::string name;
  std::string path;
  std::vector<int32_t> ids;
};

std::vector<int32_t> some_ids(size_t count, int32_t vocab) {
  std::vector<int32_t> ids(count);
  for (size_t i = 0; i < count; ++i)
    ids[i] = static_cast<int32_t>((i * 37 + i / 5 * 11 + 3) % static_cast<size_t>(vocab));
  return ids;
}

// Past a page of the cache in either case.
constexpr size_t kPrompt = reduced(84, 66);

// Bits are the release build's matter: under the sanitizers a few combinations look for what the others would not show.
std::vector<int> thread_counts() { return kSanitized ? std::vector{3} : std::vector{1, 2, 3}; }
std::vector<int64_t> chunks() { return kSanitized ? std::vector<int64_t>{7, 0} : std::vector<int64_t>{1, 7, 64, 0}; }

// Every combination against one thread, all tokens at once, the plainest instruction set.
void check_all(const Subject& subject, Arithmetic arithmetic, KvType kv) {
  CAPTURE(subject.name);
  CAPTURE(static_cast<int>(arithmetic));
  CAPTURE(static_cast<int>(kv));
  Machine plain(1, Isa::generic);
  const auto model = load_for_test(subject.path, plain.device);
  const std::vector<float> expected = logits_of(*model, plain.device, subject.ids, {arithmetic, kv, 0});
  for (const float logit : expected) REQUIRE(std::isfinite(logit));
  for (const Isa isa : available_isas()) {
    for (const int threads : thread_counts()) {
      Machine machine(threads, isa);
      for (const int64_t chunk : chunks()) {
        CAPTURE(isa_name(isa));
        CAPTURE(threads);
        CAPTURE(chunk);
        CHECK(same_bits(logits_of(*model, machine.device, subject.ids, {arithmetic, kv, chunk}), expected));
      }
    }
  }
}

TEST_CASE("same bits for any chunk, threads and instruction set: quantized weights of all types") {
  TempDir dir;
  const Subject subject = {"tiny quantized", dir.file("model.gguf"), some_ids(kPrompt, 72)};
  tiny_quantized().write(subject.path);
  check_all(subject, Arithmetic::quantized, KvType::f16);
  check_all(subject, Arithmetic::quantized, KvType::q8_0);
  check_all(subject, Arithmetic::exact, KvType::f32);
}

TEST_CASE("same bits for any chunk, threads and instruction set: a mixture of experts in all types") {
  TempDir dir;
  TinyLlama model = tiny_quantized();
  model.architecture = "qwen3moe";
  model.experts = 6;
  model.experts_used = 3;
  const Subject subject = {"tiny experts", dir.file("model.gguf"), some_ids(kPrompt, 72)};
  model.write(subject.path);
  check_all(subject, Arithmetic::quantized, KvType::f16);
  check_all(subject, Arithmetic::exact, KvType::f32);
}

TEST_CASE("same bits for any chunk, threads and instruction set: float weights") {
  for (const char* name : {"llama/llama2-mha-f16", "gemma3/window16", "qwen3/untied-mha-f32", "qwen3moe/top2-of-8",
                           "qwen3moe/top3-of-5-plain", "qwen3moe/mixed-dense", "qwen3moe/all-of-6-f32"}) {
    Golden g = golden(name);
    g.ids.resize(std::min(g.ids.size(), reduced(g.ids.size(), kPrompt)));
    check_all({g.name, g.directory, g.ids}, Arithmetic::quantized, KvType::f16);
    check_all({g.name, g.directory, g.ids}, Arithmetic::exact, KvType::f32);
  }
}

void check_batches(const TinyLlama& tiny) {
  TempDir dir;
  const std::string path = dir.file("model.gguf");
  tiny.write(path);
  Machine machine;
  const auto model = load_for_test(path, machine.device);
  const RunOptions options = {Arithmetic::quantized, KvType::f16, 0};
  const auto vocab = static_cast<size_t>(model->info().vocab);

  const std::vector<int32_t> tokens[3] = {some_ids(70, 72), some_ids(5, 71), some_ids(130, 67)};
  std::vector<float> alone[3];
  for (size_t i = 0; i < 3; ++i) alone[i] = logits_of(*model, machine.device, tokens[i], options);

  // The first 3 tokens of each, one forward; the rest of all, another: all logits of the first, none of the second,
  // the last of the third.
  auto pool = KvPool::create(*model->kv_layout(options.kv), 6);
  REQUIRE(pool.ok());
  std::vector<BlockId> blocks[3];
  const size_t needed[3] = {2, 1, 3};
  for (size_t round = 0; round < 3; ++round) {  // interleaved, so that no sequence's blocks are neighbours
    for (size_t i = 0; i < 3; ++i) {
      if (round < needed[i]) blocks[i].push_back(pool->allocate());
    }
  }
  std::vector<BatchSlice> first;
  std::vector<BatchSlice> rest;
  const LogitsFor wanted[3] = {LogitsFor::all, LogitsFor::none, LogitsFor::last};
  for (size_t i = 0; i < 3; ++i) {
    first.push_back({std::span(tokens[i]).first(3), 0, blocks[i], LogitsFor::last});
    rest.push_back({std::span(tokens[i]).subspan(3), 3, blocks[i], wanted[i]});
  }
  const Batch batches[2] = {{first}, {rest}};
  REQUIRE(batches[0].logits_count() == 3);
  REQUIRE(batches[1].logits_count() == 67 + 1);
  std::vector<float> got(3 * vocab);
  model->forward(machine.device, options.arithmetic, batches[0], *pool, got.data());
  for (size_t i = 0; i < 3; ++i) {
    CHECK(std::memcmp(got.data() + i * vocab, alone[i].data() + 2 * vocab, vocab * sizeof(float)) == 0);
  }
  got.assign(68 * vocab, 0.0f);
  model->forward(machine.device, options.arithmetic, batches[1], *pool, got.data());
  CHECK(std::memcmp(got.data(), alone[0].data() + 3 * vocab, 67 * vocab * sizeof(float)) == 0);
  CHECK(std::memcmp(got.data() + 67 * vocab, alone[2].data() + 129 * vocab, vocab * sizeof(float)) == 0);
}

TEST_CASE("same bits alone and beside other sequences, with every choice of logits") {
  check_batches(tiny_quantized());
  TinyLlama experts = tiny_quantized();
  experts.architecture = "qwen3moe";
  experts.experts = 6;
  experts.experts_used = 2;
  check_batches(experts);
}

// The mutant: the same model with the feed-forward's inner dimension turned around in whole blocks, so that every
// product is the same and only the order of one sum differs. The comparison of bits must see it.
TinyLlama mutant_of(TinyLlama model) {
  const auto reverse = [](std::string& bytes, size_t item) {
    for (size_t a = 0, b = bytes.size() - item; a < b; a += item, b -= item) {
      std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(a),
                       bytes.begin() + static_cast<std::ptrdiff_t>(a + item),
                       bytes.begin() + static_cast<std::ptrdiff_t>(b));
    }
  };
  for (int64_t i = 0; i < model.layers; ++i) {
    const std::string at = "blk." + std::to_string(i) + ".";
    for (const char* name : {"ffn_gate.weight", "ffn_up.weight"}) {  // rows, 32 together
      model.change[at + name] = [=](TinyLlama::Stored& t) { reverse(t.bytes, t.bytes.size() / t.shape[0] * 32); };
    }
    model.change[at + "ffn_down.weight"] = [=](TinyLlama::Stored& t) {  // in each row, 32 elements together
      const size_t row = t.bytes.size() / t.shape[0];
      const size_t item = row / (t.shape[1] / 32);
      for (size_t r = 0; r < t.shape[0]; ++r) {
        std::string one = t.bytes.substr(r * row, row);
        reverse(one, item);
        t.bytes.replace(r * row, row, one);
      }
    };
  }
  return model;
}

TEST_CASE("a reordered reduction is caught") {
  TempDir dir;
  for (const DType dtype : {DType::F32, DType::BF16, DType::Q8_0, DType::Q4_0}) {
    for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::quantized}) {
      CAPTURE(dtype_name(dtype));
      CAPTURE(static_cast<int>(arithmetic));
      TinyLlama model;
      model.intermediate = 512;
      model.type = [=](size_t) { return dtype; };
      model.write(dir.file("a.gguf"));
      mutant_of(model).write(dir.file("b.gguf"));
      Machine machine;
      const RunOptions options = {arithmetic, KvType::f32, 0};
      const auto run = [&](const char* file) {
        const auto loaded = load_for_test(dir.file(file), machine.device);
        return logits_of(*loaded, machine.device, some_ids(40, 40), options);
      };
      const std::vector<float> ours = run("a.gguf");
      const std::vector<float> mutated = run("b.gguf");
      CHECK_FALSE(same_bits(ours, mutated));  // seen in the bits …
      // … and nowhere else; but where inputs are rounded to int8, a last bit may tip a whole step of 1/127.
      const bool rounds_inputs = arithmetic == Arithmetic::quantized && !is_float(dtype);
      CHECK(distance(ours, mutated, 40).mean_kld < (rounds_inputs ? 1e-5 : 1e-9));
    }
  }
}

}  // namespace
}  // namespace mang::test
