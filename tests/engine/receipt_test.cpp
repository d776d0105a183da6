// The form of a receipt, and what its check finds.
#include "engine/receipt.h"

#include <limits>

#include "engine/receipt_fixture.h"
#include "kernels/arithmetic_version.h"

namespace mang {
namespace {

const std::string kTiny = MANG_SOURCE_DIR "/tests/golden/qwen3/tied-head32/model.gguf";

Bench& bench() {
  static Bench tiny(kTiny, best_isa(), 2);
  return tiny;
}

Receipt answered(SamplingParams sampling, int64_t context = 512) {
  Receipt receipt = blank_receipt(context);
  receipt.prompt = {1, 40, 41, 42, 43, 44, 45};
  receipt.sampling = std::move(sampling);
  answer_into(bench(), receipt);
  return receipt;
}

SamplingParams drawn(int64_t max_tokens, uint64_t seed = 7) {
  SamplingParams params;
  params.temperature = 0.9f;
  params.top_p = 0.95f;
  params.seed = seed;
  params.max_tokens = max_tokens;
  params.ignore_eog = true;
  return params;
}

std::string refusal(const std::string& text) {
  const Result<ReceiptFile> file = read_receipt(text, "r.json");
  REQUIRE(!file.ok());
  CHECK(file.error().message.starts_with("r.json: "));
  return file.error().message;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// The receipt's JSON with one member replaced; the path's parts are names or, of a list, numbers.
std::string with(const Receipt& receipt, const std::string& pointer, const Json& value) {
  Json json = parse_json(receipt_text(receipt), "").value();
  json[Json::json_pointer(pointer)] = value;
  return dump_json(json);
}

TEST_CASE("what is written is what is read") {
  Receipt receipt = blank_receipt();
  receipt.source = {{"kind", "raw"}, {"text", "Tre già\n\"măng\" mọc\t<|im_end|>"}};
  receipt.prompt = {1, 2, 3};
  receipt.chat_template = std::string(64, 'c');
  receipt.arithmetic = Arithmetic::exact;
  receipt.kv_type = KvType::q8_0;
  receipt.sampling.temperature = 0.7f;
  receipt.sampling.top_k = 40;
  receipt.sampling.top_p = 0x1.fffffep-1f;  // the last one before 1
  receipt.sampling.min_p = 0x1p-149f;       // the smallest there is
  receipt.sampling.repetition_penalty = 1.1f;
  receipt.sampling.presence_penalty = -0.25f;
  receipt.sampling.frequency_penalty = 1e-7f;
  receipt.sampling.logit_bias = {{5, -1.5f}, {9, -std::numeric_limits<float>::infinity()}};
  receipt.sampling.seed = UINT64_MAX;
  receipt.sampling.stop = {"mọc", "\n\n"};
  receipt.sampling.stop_ids = {17};
  receipt.sampling.max_tokens = INT64_MAX;
  receipt.special = true;
  receipt.answer = {4, 5, 6};
  receipt.text = "một búp măng";
  receipt.finish_reason = FinishReason::stop_string;
  receipt.stop_token = 17;
  receipt.stop_string = "mọc";

  const Receipt again = reread(receipt);
  CHECK(receipt_text(again) == receipt_text(receipt));
  CHECK(again.sampling.temperature == receipt.sampling.temperature);
  CHECK(again.sampling.top_p == receipt.sampling.top_p);
  CHECK(again.sampling.min_p == receipt.sampling.min_p);
  CHECK(again.sampling.frequency_penalty == receipt.sampling.frequency_penalty);
  CHECK(again.sampling.logit_bias == receipt.sampling.logit_bias);
  CHECK(again.sampling.seed == UINT64_MAX);
  CHECK(again.kv_type == KvType::q8_0);
  CHECK(again.arithmetic == Arithmetic::exact);
  CHECK(again.text == receipt.text);
  CHECK(has(receipt_text(receipt), "\"temperature\":0.7,"));
  // Another layout of the same JSON is the same receipt.
  const Json json = parse_json(receipt_text(receipt), "").value();
  CHECK(read_receipt(json.dump(4), "")->digest_fits);
}

TEST_CASE("what was changed after it was written does not fit the digest") {
  const Receipt receipt = answered(drawn(8));
  CHECK(read_receipt(with(receipt, "/parameters/temperature", 0.9f), "")->digest_fits);
  for (const auto& [pointer, value] :
       std::vector<std::pair<std::string, Json>>{{"/parameters/temperature", 0.8},
                                                 {"/parameters/seed", 8},
                                                 {"/answer/ids/3", 3},
                                                 {"/answer/text", "x"},
                                                 {"/prompt/ids/0", 2},
                                                 {"/prompt/source", {{"kind", "raw"}, {"text", "y"}}},
                                                 {"/model/name", "other"},
                                                 {"/model/weights/0/bytes", 1},
                                                 {"/program", "mang 9"},
                                                 {"/arithmetic/context", 511}}) {
    CAPTURE(pointer);
    const Result<ReceiptFile> file = read_receipt(with(receipt, pointer, value), "");
    REQUIRE(file.ok());
    CHECK(!file->digest_fits);
  }
}

TEST_CASE("what is no receipt is refused with a sentence") {
  const Receipt good = answered(drawn(4));
  CHECK(has(refusal(""), "JSON"));
  CHECK(has(refusal("[]"), "no receipt"));
  CHECK(has(refusal("{}"), "no receipt"));
  CHECK(has(refusal(std::string(100, '[')), "nested"));
  CHECK(has(refusal(std::string(kReceiptMaxBytes + 1, ' ')), "at most"));
  CHECK(has(refusal(with(good, "/receipt", "other")), "no receipt"));
  CHECK(has(refusal(with(good, "/version", 2)), "version 2"));
  CHECK(has(refusal(with(good, "/version", "1")), "whole number"));
  CHECK(has(refusal(with(good, "/more", 1)), "'more' is no part"));
  CHECK(has(refusal(with(good, "/answer/more", 1)), "'answer.more' is no part"));
  CHECK(has(refusal(with(good, "/digest", "abc")), "64"));
  CHECK(has(refusal(with(good, "/model", 3)), "'model' must be an object"));
  CHECK(has(refusal(with(good, "/model/weights", Json::array())), "from 1 to"));
  CHECK(has(refusal(with(good, "/model/weights/0", 3)), "must be an object"));
  CHECK(has(refusal(with(good, "/model/weights/0/sha256", "A")), "SHA-256"));
  CHECK(has(refusal(with(good, "/model/tokenizer", Json())), "a text"));
  CHECK(has(refusal(with(good, "/arithmetic/mode", "fast")), "'default', 'exact'"));
  CHECK(has(refusal(with(good, "/arithmetic/kv", "f8")), "'q8_0'"));
  CHECK(has(refusal(with(good, "/arithmetic/context", 0)), "from 1"));
  CHECK(has(refusal(with(good, "/prompt/ids", Json::array())), "no tokens"));
  CHECK(has(refusal(with(good, "/prompt/ids/0", -1)), "-1"));
  CHECK(has(refusal(with(good, "/prompt/ids/0", 1.5)), "1.5"));
  CHECK(has(refusal(with(good, "/prompt/ids/0", uint64_t{1} << 63)), "9223372036854775808"));
  CHECK(has(refusal(with(good, "/prompt/ids/0", Json::array())), "[…]"));
  CHECK(has(refusal(with(good, "/parameters/temperature", 1e300)), "a number"));
  CHECK(has(refusal(with(good, "/parameters/temperature", 101)), "temperature is 101"));
  CHECK(has(refusal(with(good, "/parameters/temperature", "inf")), "a number"));
  CHECK(has(refusal(with(good, "/parameters/top_k", -1)), "whole number"));
  CHECK(has(refusal(with(good, "/parameters/seed", -1)), "from 0 on"));
  CHECK(has(refusal(with(good, "/parameters/stop", {""})), "empty"));
  CHECK(has(refusal(with(good, "/parameters/stop", {1})), "a text"));
  CHECK(has(refusal(with(good, "/parameters/logit_bias", {3})), "pair"));
  CHECK(has(refusal(with(good, "/parameters/logit_bias", Json::array({Json::array({3, "inf"})}))), "a number"));
  CHECK(has(refusal(with(good, "/answer/finish_reason", "error")), "'stop token'"));
  CHECK(has(refusal(with(good, "/answer/text", 1)), "a text"));
  Json less = parse_json(receipt_text(good), "").value();
  less["parameters"].erase("min_p");
  CHECK(has(refusal(dump_json(less)), "'parameters.min_p' is missing"));
  const std::string text = receipt_text(good);
  for (size_t cut = 0; cut + 3 < text.size(); cut += 7) refusal(text.substr(0, cut));
}

TEST_CASE("every way an answer ends has a receipt that holds, whatever the memory for its logits") {
  std::vector<Receipt> all;
  all.push_back(answered(drawn(40)));
  all.push_back(answered(drawn(0)));
  all.push_back(answered({.ignore_eog = true, .max_tokens = 20}));
  all.push_back(answered(drawn(200), 30));  // the context fills
  CHECK(all.back().finish_reason == FinishReason::context_full);
  SamplingParams stop = drawn(200);
  stop.stop_ids = {all[0].answer[11]};
  all.push_back(answered(stop));
  CHECK(all.back().finish_reason == FinishReason::stop_token);
  SamplingParams text = drawn(200);
  text.stop = {std::string(all[0].text).substr(5, 3)};
  text.stop.front().erase(std::min(text.stop.front().find('\xEF'), text.stop.front().size()));
  if (text.stop.front().empty()) text.stop = {"e"};
  all.push_back(answered(text));
  CHECK(all.back().finish_reason == FinishReason::stop_string);
  SamplingParams penalties = drawn(60);
  penalties.repetition_penalty = 1.3f;
  penalties.presence_penalty = 0.2f;
  penalties.frequency_penalty = 0.4f;
  penalties.logit_bias = {{50, 3.0f}, {51, -std::numeric_limits<float>::infinity()}};
  all.push_back(answered(penalties));
  for (const Receipt& each : all) {
    CAPTURE(receipt_text(each));
    const Receipt receipt = reread(each);
    for (const size_t bytes : {size_t{1}, size_t{1} << 26}) {
      const Result<ReceiptCheck> check = check_on(bench(), receipt, bytes);
      REQUIRE(check.ok());
      CHECK(check->same());
      CHECK(check->drawn_tokens == static_cast<int64_t>(receipt.answer.size()) + (receipt.stop_token ? 1 : 0));
    }
  }
  // A beginning of it, stopped by hand, is true too.
  Receipt begun = all[0];
  begun.answer.resize(10);
  begun.finish_reason = FinishReason::cancelled;
  begun.text = answer_text(begun, bench().tokenizer.get());
  CHECK(accepted(bench(), begun));
  begun.finish_reason = FinishReason::max_tokens;
  CHECK(!accepted(bench(), begun));
}

TEST_CASE("the first token that differs is named") {
  Receipt receipt = answered(drawn(40));
  const int32_t right = receipt.answer[23];
  receipt.answer[23] = (right + 1) % 320;
  receipt.text = answer_text(receipt, bench().tokenizer.get());
  for (const size_t bytes : {size_t{1}, size_t{1} << 26}) {
    const ReceiptCheck check = check_on(bench(), receipt, bytes).value();
    REQUIRE(check.token);
    CHECK(check.token->index == 23);
    CHECK(check.token->claimed == (right + 1) % 320);
    CHECK(check.token->drawn == right);
  }
}

TEST_CASE("an end that is not where the receipt says is found, whichever way it is bent") {
  SamplingParams stop = drawn(100);
  stop.stop_ids = {answered(drawn(40)).answer[11]};
  const Receipt good = answered(stop);
  REQUIRE(good.stop_token);
  CHECK(accepted(bench(), good));
  auto bent = [&](auto change) {
    Receipt receipt = good;
    change(receipt);
    receipt.text = answer_text(receipt, bench().tokenizer.get());
    return !accepted(bench(), reread(receipt));
  };
  CHECK(bent([](Receipt& r) { r.stop_token.reset(); }));
  CHECK(bent([](Receipt& r) { r.stop_token = 3; }));
  CHECK(bent([](Receipt& r) { r.answer.pop_back(); }));
  CHECK(bent([](Receipt& r) { r.answer.push_back(*r.stop_token); }));
  CHECK(bent([](Receipt& r) { r.answer.push_back(*r.stop_token), r.stop_token.reset(); }));
  CHECK(bent([](Receipt& r) { r.sampling.stop_ids.clear(); }));
  CHECK(bent([](Receipt& r) { r.sampling.max_tokens = 3; }));
  CHECK(bent([](Receipt& r) { r.sampling.max_tokens = static_cast<int64_t>(r.answer.size()); }));
  CHECK(bent([](Receipt& r) { r.finish_reason = FinishReason::max_tokens; }));
  CHECK(bent([](Receipt& r) { r.finish_reason = FinishReason::stop_string; }));
  CHECK(bent([](Receipt& r) { r.finish_reason = FinishReason::context_full; }));
  CHECK(bent([](Receipt& r) { r.finish_reason = FinishReason::cancelled; }));
  CHECK(bent([](Receipt& r) { r.context = static_cast<int64_t>(r.prompt.size() + r.answer.size()) - 1; }));
  CHECK(bent([](Receipt& r) { r.context = static_cast<int64_t>(r.prompt.size() + r.answer.size()); }));
  CHECK(bent([](Receipt& r) { r.sampling.stop = {r.text.substr(0, 1)}; }));
  CHECK(bent([](Receipt& r) { r.stop_string = "x"; }));
  Receipt text = good;
  text.text += " ";
  CHECK(!accepted(bench(), text));
}

TEST_CASE("a receipt that fits no model of this program can not be checked, and says why") {
  const Receipt good = answered(drawn(5));
  auto why = [&](auto change) {
    Receipt receipt = good;
    change(receipt);
    const Result<ReceiptCheck> check = check_on(bench(), receipt);
    REQUIRE(!check.ok());
    return check.error().message;
  };
  CHECK(has(why([](Receipt& r) { ++r.arithmetic_version; }), fmt::format("version {}", kArithmeticVersion + 1)));
  CHECK(has(why([](Receipt& r) { r.context = 513; }), "512"));
  CHECK(has(why([](Receipt& r) { r.context = 6; }), "context"));
  CHECK(has(why([](Receipt& r) { r.prompt[2] = 320; }), "320"));
  CHECK(has(why([](Receipt& r) { r.answer[2] = 1 << 30; }), "1073741824"));
  CHECK(has(why([](Receipt& r) { r.stop_token = 999; }), "999"));
  CHECK(has(why([](Receipt& r) { r.sampling.stop_ids = {999}; }), "999"));
  std::atomic<bool> cancel = true;
  CHECK(!check_receipt(*bench().model, bench().device, bench().tokenizer.get(), good, {.cancel = &cancel}).ok());
}

TEST_CASE("the page of the arithmetic has the version that receipts name") {
  const std::string page = test::read_file(MANG_SOURCE_DIR "/docs/arithmetic.md");
  CHECK(has(page, fmt::format("This is **version {}** of the arithmetic", kArithmeticVersion)));
}

}  // namespace
}  // namespace mang
