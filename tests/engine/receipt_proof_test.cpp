// The proof of receipts: answers of every kind, checked on every instruction set and number of threads, are the same;
// bent ones, with a digest made anew by whoever bent them, never are. What is bent so that the claim stays true (a
// temperature that draws the same tokens) is no forgery; the engine itself says which of both it is. Fifty of each in
// every run, a thousand with MANG_TEST_FULL set.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "engine/receipt_fixture.h"
#include "load/model_files.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mang {
namespace {

const std::string kTiny = MANG_SOURCE_DIR "/tests/golden/qwen3/tied-head32/model.gguf";
constexpr int32_t kVocab = 320;

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
  explicit BentModels(const test::TempDir& dir) {
    const std::string bytes = test::read_file(kTiny);
    Chance chance(3);
    const ModelFiles files = ModelFiles::open(kTiny).value();
    for (int i = 0; i < 8; ++i) {
      std::string bent = bytes;
      const auto tensors = files.tensors().tensors();
      const StoredTensor& tensor = tensors[chance.below(tensors.size())];
      const auto begin = static_cast<size_t>(tensor.bytes.data() - files.tensors().files()[0].bytes().data());
      // The higher half of some BF16 or F32 numbers: signs and exponents' low bits.
      for (int n = 0; n < 40; ++n) bent[begin + (chance.below(tensor.bytes.size()) | 1)] ^= static_cast<char>(0x80);
      models.push_back(std::make_unique<Bench>(dir.write(fmt::format("bent{}.gguf", i), bent), best_isa(), 2));
    }
  }
  std::vector<std::unique_ptr<Bench>> models;
};

TEST_CASE("receipts hold on every instruction set with every number of threads") {
  const auto count = test::reduced(test::scale(50, 1000), uint64_t{10});
  Chance chance(20261122);
  Bench maker(kTiny, best_isa(), 2);
  std::vector<Receipt> receipts;
  std::map<FinishReason, int> reasons;
  int64_t tokens = 0;
  while (receipts.size() < count) {
    receipts.push_back(any_receipt(chance, maker));
    ++reasons[receipts.back().finish_reason];
    tokens += static_cast<int64_t>(receipts.back().answer.size());
  }
  int64_t checked = 0, wrong = 0;
  std::string isas;
  for (const Isa isa : available_isas()) {
    isas += fmt::format("{}{}", isas.empty() ? "" : ", ", isa_name(isa));
    for (const int threads : {1, 2, 4, 8}) {
      Bench bench(kTiny, isa, threads);
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
    CHECK(reasons.size() == 4);
    CHECK(tokens > static_cast<int64_t>(count) * 8);
  }
  fmt::print("measured: {} receipts ({} tokens) checked {} times ({}; 1, 2, 4 and 8 threads): {} mismatches\n", count,
             tokens, checked, isas, wrong);
}

TEST_CASE("bent receipts are never accepted, though their digests fit") {
  const auto count = test::reduced(test::scale(50, 1000), uint64_t{10});
  const test::TempDir dir;
  Chance chance(7);
  Bench maker(kTiny, best_isa(), 2);
  const BentModels bent_models(dir);
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

}  // namespace
}  // namespace mang
