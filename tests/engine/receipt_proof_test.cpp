// The proof of receipts, on a tiny checkpoint in BF16 and on one of random weights in the types of 32 that published
// models come in (so that every integer product is in it): answers of every kind, checked on every instruction set and
// number of threads, are the same; bent ones, with a digest made anew by whoever bent them, never are. What is bent so
// that the claim stays true (a temperature that draws the same tokens) is no forgery; the engine itself says which of
// both it is. Fifty of each in every run, a thousand with MANG_TEST_FULL set.
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <random>

#include "engine/receipt_fixture.h"
#include "format/gguf.h"
#include "hub/digest.h"
#include "load/model_files.h"
#include "support/gguf_writer.h"
#include "support/scale.h"
#include "support/temp_dir.h"
#include "tensor/float16.h"

namespace mang {
namespace {

const std::string kTiny = MANG_SOURCE_DIR "/tests/golden/qwen3/tied-head32/model.gguf";
const std::string kShape = MANG_SOURCE_DIR "/tests/golden/qwen2/yarn/model.gguf";
constexpr int32_t kVocab = 320;  // of both

class Chance {
 public:
  explicit Chance(uint32_t seed) : random_(seed) {}
  uint64_t below(uint64_t n) { return random_() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  template <typename T>
  T of(std::initializer_list<T> list) {
    return list.begin()[below(list.size())];
  }
  int32_t id() { return static_cast<int32_t>(below(kVocab)); }
  uint64_t bits() { return random_(); }

 private:
  std::mt19937_64 random_;
};

// A row of random blocks of 32 weights, all within ±0.4.
std::string random_blocks(Chance& chance, DType type, uint64_t weights) {
  struct Form {
    DType type;
    float scale, minimum;  // minimum 0: the type has none
    size_t codes;          // bytes
  };
  static constexpr Form kForms[] = {{DType::Q8_0, 0.4f / 128, 0, 32},    {DType::Q4_0, 0.4f / 8, 0, 16},
                                    {DType::Q4_1, 0.8f / 15, -0.4f, 16}, {DType::Q5_0, 0.4f / 16, 0, 20},
                                    {DType::Q5_1, 0.8f / 31, -0.4f, 20}, {DType::IQ4_NL, 0.4f / 127, 0, 16}};
  const Form& form = *std::find_if(std::begin(kForms), std::end(kForms), [&](const Form& f) { return f.type == type; });
  std::string out;
  for (uint64_t i = 0; i < weights; i += 32) {
    test::GgufWriter::put(out, f16_from_f32(form.scale));
    if (form.minimum != 0) test::GgufWriter::put(out, f16_from_f32(form.minimum));
    for (size_t n = 0; n < form.codes; ++n) out += static_cast<char>(chance.below(256));
  }
  return out;
}

// kShape with random quantized matrices; its tokenizer and everything else as they are.
std::string quantized_checkpoint(const test::TempDir& dir) {
  constexpr DType kTypes[] = {DType::Q4_0, DType::Q8_0, DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::IQ4_NL};
  const GgufFile file = GgufFile::open(kShape).value();
  test::GgufWriter writer;
  for (const GgufEntry& entry : file.metadata().entries()) {
    std::string bytes;
    if (entry.type == GgufType::array) {
      test::GgufWriter::put(bytes, static_cast<uint32_t>(entry.element));
      test::GgufWriter::put(bytes, entry.count);
    } else if (entry.type == GgufType::string) {
      test::GgufWriter::put(bytes, static_cast<uint64_t>(entry.payload.size()));
    }
    bytes.append(reinterpret_cast<const char*>(entry.payload.data()), entry.payload.size());
    writer.add_raw(entry.key, static_cast<uint32_t>(entry.type), bytes);
  }
  Chance chance(5);
  size_t matrices = 0;
  for (const StoredTensor& tensor : file.tensors()) {
    const std::string_view bytes(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    if (tensor.shape.size() == 2 && tensor.shape[1] % 32 == 0) {
      const DType type = kTypes[matrices++ % std::size(kTypes)];
      writer.add_tensor(tensor.name, type, tensor.shape,
                        random_blocks(chance, type, tensor.shape[0] * tensor.shape[1]));
    } else {
      writer.add_tensor(tensor.name, tensor.dtype, tensor.shape, bytes);
    }
  }
  REQUIRE(matrices >= std::size(kTypes));
  const std::string path = dir.file("quantized.gguf");
  writer.write(path);
  return path;
}

SamplingParams any_parameters(Chance& chance) {
  SamplingParams params;
  params.temperature = chance.of({0.0f, 0.2f, 0.7f, 1.0f, 1.5f});
  if (chance.one_in(3)) params.top_k = static_cast<int32_t>(1 + chance.below(60));
  if (chance.one_in(3)) params.top_p = chance.of({0.3f, 0.8f, 0.95f});
  if (chance.one_in(4)) params.min_p = chance.of({0.05f, 0.3f});
  if (chance.one_in(3)) params.repetition_penalty = chance.of({0.9f, 1.1f, 1.5f});
  if (chance.one_in(4)) params.presence_penalty = chance.of({-0.5f, 0.3f});
  if (chance.one_in(4)) params.frequency_penalty = chance.of({-0.2f, 0.4f});
  if (chance.one_in(4)) params.logit_bias = {{chance.id(), 2.5f}};
  if (chance.one_in(8)) params.logit_bias = {{chance.id(), -std::numeric_limits<float>::infinity()}};
  params.seed = chance.one_in(4) ? chance.below(5) : chance.bits();
  if (chance.one_in(3)) params.stop = {chance.of<std::string>({"e", "an", "th", "\n", "ă"})};
  if (chance.one_in(3)) params.stop_ids = {chance.id(), chance.id()};
  params.ignore_eog = chance.one_in(3);
  if (!chance.one_in(10)) params.max_tokens = static_cast<int64_t>(chance.below(48));
  return params;
}

std::vector<int32_t> any_prompt(Chance& chance) {
  std::vector<int32_t> ids(1 + chance.below(60));
  for (int32_t& id : ids) id = chance.id();
  return ids;
}

Receipt any_receipt(Chance& chance, Bench& bench) {
  Receipt receipt = blank_receipt(chance.one_in(4) ? 96 : 160);
  receipt.prompt = any_prompt(chance);
  receipt.sampling = any_parameters(chance);
  receipt.special = chance.one_in(3);
  receipt.kv_type = chance.of({KvType::f16, KvType::f16, KvType::f32, KvType::q8_0});
  if (chance.one_in(8)) receipt.arithmetic = Arithmetic::exact, receipt.kv_type = KvType::f32;
  answer_into(bench, receipt);
  return reread(receipt);
}

bool same_answer(const Receipt& a, const Receipt& b) {
  return a.answer == b.answer && a.text == b.text && a.finish_reason == b.finish_reason &&
         a.stop_token == b.stop_token && a.stop_string == b.stop_string;
}

// One thing about the receipt is made another; false: there is nothing to bend here.
bool bend_parameters(Chance& chance, Receipt& r) {
  SamplingParams& params = r.sampling;
  switch (chance.below(11)) {
    case 0:
      params.seed ^= uint64_t{1} << chance.below(64);
      return params.temperature > 0;
    case 1:
      params.temperature = params.temperature == 0 ? 1.0f : 0.0f;
      return true;
    case 2:
      params.top_k = params.top_k == 0 ? 2 : 0;
      return true;
    case 3:
      params.top_p = params.top_p == 1 ? 0.2f : 1.0f;
      return true;
    case 4:
      params.min_p = params.min_p == 0 ? 0.6f : 0.0f;
      return true;
    case 5:
      params.repetition_penalty = params.repetition_penalty == 1 ? 1.7f : 1.0f;
      return true;
    case 6:
      params.frequency_penalty += 0.5f;
      return true;
    case 7:
      params.logit_bias.emplace_back(r.answer.empty() ? 5 : r.answer[chance.below(r.answer.size())], -20.0f);
      return params.logit_bias.size() < 2 || params.logit_bias[0].first != params.logit_bias[1].first;
    case 8:
      params.max_tokens = params.max_tokens ? *params.max_tokens + (chance.one_in(2) ? 1 : 20) : 4;
      return true;
    case 9:
      if (!r.answer.empty()) params.stop_ids.push_back(r.answer[chance.below(r.answer.size())]);
      return !r.answer.empty();
    default:
      r.kv_type = r.kv_type == KvType::q8_0 ? KvType::f32 : KvType::q8_0;
      if (chance.one_in(2))
        r.arithmetic = r.arithmetic == Arithmetic::exact ? Arithmetic::quantized : Arithmetic::exact;
      return true;
  }
}

bool bend_answer(Chance& chance, Receipt& r, const Tokenizer& tokenizer) {
  if (r.answer.empty()) return false;
  const size_t at = chance.below(r.answer.size());
  switch (chance.below(5)) {
    case 0:
      r.answer.erase(r.answer.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 1:
      r.answer.insert(r.answer.begin() + static_cast<std::ptrdiff_t>(at), chance.id());
      break;
    case 2:
      r.finish_reason = chance.of(
          {FinishReason::stop_token, FinishReason::stop_string, FinishReason::max_tokens, FinishReason::context_full});
      break;
    default:
      r.answer[at] = chance.id();
  }
  r.text = answer_text(r, &tokenizer);  // a forger takes care of it
  return true;
}

// Checkpoints with some bits of their weights turned over, as files of their own.
struct BentModels {
  BentModels(const test::TempDir& dir, const std::string& path) {
    const std::string bytes = test::read_file(path);
    Chance chance(3);
    const ModelFiles files = ModelFiles::open(path).value();
    for (int i = 0; i < 8; ++i) {
      std::string bent = bytes;
      const auto tensors = files.tensors().tensors();
      const StoredTensor& tensor = tensors[chance.below(tensors.size())];
      const auto begin = static_cast<size_t>(tensor.bytes.data() - files.tensors().files()[0].bytes().data());
      // The highest bit of some bytes: signs of numbers, and of codes. (Scales that become infinite would be refused.)
      for (int n = 0; n < 40; ++n) bent[begin + (chance.below(tensor.bytes.size()) | 1)] ^= static_cast<char>(0x80);
      models.push_back(std::make_unique<Bench>(dir.write(fmt::format("bent{}.gguf", i), bent), best_isa(), 2));
    }
  }
  std::vector<std::unique_ptr<Bench>> models;
};

// In all: half on each checkpoint.
uint64_t receipts_to_make() { return test::reduced(test::scale(50, 1000), uint64_t{10}) / 2; }

// The answers of this version of the arithmetic, by what they are: of the first receipts, the ids.
constexpr uint64_t kPinned = 20;
std::string digest_of_answers(const std::vector<Receipt>& receipts) {
  Digest digest = Digest::sha256();
  for (uint64_t i = 0; i < kPinned; ++i) {
    for (const int32_t id : receipts[i].answer) digest.add(&id, sizeof id);
  }
  return digest.hex();
}

void prove_on_all(const std::string& path, uint64_t count, const std::string& answers) {
  Chance chance(20261122);
  Bench maker(path, best_isa(), 2);
  std::vector<Receipt> receipts;
  std::map<FinishReason, int> reasons;
  int64_t tokens = 0;
  while (receipts.size() < count) {
    receipts.push_back(any_receipt(chance, maker));
    ++reasons[receipts.back().finish_reason];
    tokens += static_cast<int64_t>(receipts.back().answer.size());
  }
  if (count >= kPinned) {
    CHECK_MESSAGE(digest_of_answers(receipts) == answers,
                  "The answers are others than before (" << digest_of_answers(receipts)
                                                         << "). If that is meant, docs/arithmetic.md and "
                                                            "kernels/arithmetic_version.h need the next version, and "
                                                            "receipts of version "
                                                         << kArithmeticVersion << " can no longer be checked.");
  }
  int64_t checked = 0, wrong = 0;
  std::string isas;
  for (const Isa isa : available_isas()) {
    isas += fmt::format("{}{}", isas.empty() ? "" : ", ", isa_name(isa));
    for (const int threads : {1, 2, 4, 8}) {
      Bench bench(path, isa, threads);
      for (const Receipt& receipt : receipts) {
        const Result<ReceiptCheck> check = check_on(bench, receipt);
        REQUIRE_MESSAGE(check.ok(), check.error().message);
        wrong += check->same() ? 0 : 1;
        ++checked;
      }
    }
  }
  CHECK(wrong == 0);
  if (!test::kSanitized) {  // the receipts are of every kind
    CHECK(reasons.size() >= 3);
    CHECK(tokens > static_cast<int64_t>(count) * 8);
  }
  fmt::print("measured: {} receipts ({} tokens) checked {} times ({}; 1, 2, 4 and 8 threads): {} mismatches\n", count,
             tokens, checked, isas, wrong);
}

TEST_CASE("receipts hold on every instruction set with every number of threads") {
  const test::TempDir dir;
  SUBCASE("BF16") {
    prove_on_all(kTiny, receipts_to_make(), "51a59ef26f37f8216888c5f0ebfe3c0e1a80763ea850bfb19ded5755b5233b65");
  }
  SUBCASE("quantized") {
    prove_on_all(quantized_checkpoint(dir), receipts_to_make(),
                 "67cb05755f39649fb26f60d2772e2998a1f8cbb41e9e013e3dab8d07904eae97");
  }
}

void prove_none_taken(const test::TempDir& dir, const std::string& path, uint64_t count) {
  Chance chance(7);
  Bench maker(path, best_isa(), 2);
  const BentModels bent_models(dir, path);
  constexpr const char* kKinds[] = {"weights", "prompt", "answer", "parameters"};
  uint64_t bent[4] = {}, taken[4] = {}, true_still[4] = {}, refused_though_true = 0;
  while (bent[0] + bent[1] + bent[2] + bent[3] < count) {
    Receipt receipt = any_receipt(chance, maker);
    REQUIRE(accepted(maker, receipt));
    const size_t kind = (bent[0] + bent[1] + bent[2] + bent[3]) % 4;
    Bench* bench = &maker;
    if (kind == 0) {
      bench = bent_models.models[chance.below(bent_models.models.size())].get();
      receipt.weights[0].sha256 = std::string(64, 'c');  // the forger names the bent file's digest
    } else if (kind == 1) {
      receipt.prompt[chance.below(receipt.prompt.size())] = chance.id();
      if (chance.one_in(4)) receipt.prompt.push_back(chance.id());
    } else if (kind == 2 ? !bend_answer(chance, receipt, *maker.tokenizer) : !bend_parameters(chance, receipt)) {
      continue;
    }
    if (static_cast<int64_t>(receipt.prompt.size() + receipt.answer.size()) > receipt.context) continue;
    Receipt truth = receipt;
    answer_into(*bench, truth);
    const bool is_true = same_answer(truth, receipt);
    const bool is_accepted = accepted(*bench, reread(receipt));
    if (is_true) {
      ++true_still[kind];
      refused_though_true += is_accepted ? 0 : 1;
      continue;
    }
    ++bent[kind];
    taken[kind] += is_accepted ? 1 : 0;
  }
  for (size_t kind = 0; kind < 4; ++kind) {
    CHECK(taken[kind] == 0);
    fmt::print("measured: {} receipts bent in their {}: {} accepted ({} more stayed true)\n", bent[kind], kKinds[kind],
               taken[kind], true_still[kind]);
  }
  CHECK(refused_though_true == 0);
}

TEST_CASE("bent receipts are never accepted, though their digests fit") {
  const test::TempDir dir;
  SUBCASE("BF16") { prove_none_taken(dir, kTiny, receipts_to_make()); }
  SUBCASE("quantized") { prove_none_taken(dir, quantized_checkpoint(dir), receipts_to_make()); }
}

}  // namespace
}  // namespace mang
