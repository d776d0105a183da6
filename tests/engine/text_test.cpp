// Text of an answer: pieces, stop strings, control tokens.
#include <doctest/doctest.h>

#include "engine/engine_fixture.h"
#include "support/byte_tokenizer.h"

namespace mang {
namespace {

// A model that answers any prompt of one token with this, then ends.
FakeModelOptions says(std::vector<int32_t> ids) {
  FakeModelOptions options;
  options.vocab = 260;
  options.script = [ids = std::move(ids)](std::span<const int32_t> tokens) -> std::optional<int32_t> {
    return tokens.size() <= ids.size() ? ids[tokens.size() - 1] : kEnd;
  };
  return options;
}
std::vector<int32_t> bytes(std::string_view text) {
  std::vector<int32_t> ids;
  for (const char c : text) ids.push_back(static_cast<uint8_t>(c));
  return ids;
}

struct TextFixture {
  explicit TextFixture(std::vector<int32_t> answer) : f({.context = 256}, says(std::move(answer)), &tokenizer) {}
  Record run(SamplingParams sampling, bool show_special = false) {
    return f.run({.prompt = {1}, .sampling = std::move(sampling), .show_special = show_special});
  }
  Tokenizer tokenizer = byte_tokenizer();
  EngineFixture f;
};

TEST_CASE("text arrives in whole characters and ends at the end-of-generation token") {
  TextFixture t(bytes("Tre già măng mọc 🎋"));
  const Record record = t.run({});
  CHECK(record.text == "Tre già măng mọc 🎋");
  CHECK(record.done->reason == FinishReason::stop_token);
  CHECK(record.done->stop_token == kEnd);
  CHECK(record.ids == bytes("Tre già măng mọc 🎋"));  // without the stop token
  CHECK(record.done->stats.generated_tokens == static_cast<int64_t>(record.ids.size()) + 1);
  for (const std::string& piece : record.pieces) {
    CHECK((piece.empty() || (static_cast<uint8_t>(piece[0]) & 0xC0) != 0x80));
  }
}

TEST_CASE("an answer cut inside a character says so with U+FFFD, as decoding its tokens does") {
  TextFixture t(bytes("aă"));
  const Record record = t.run({.max_tokens = 2});
  CHECK(record.done->reason == FinishReason::max_tokens);
  CHECK(record.text == t.tokenizer.decode(record.ids, true));
  CHECK(record.text == "a\xEF\xBF\xBD");
}

TEST_CASE("a stop string ends the answer and is not part of it") {
  TextFixture t(bytes("one, two, three"));
  const Record record = t.run({.stop = {"three", ", two"}});
  CHECK(record.text == "one");
  CHECK(record.done->reason == FinishReason::stop_string);
  CHECK(record.done->stop_string == ", two");
  CHECK(record.ids == bytes("one, two"));
}

TEST_CASE("what was held back for a stop string comes out at the end") {
  TextFixture t(bytes("one, tw"));
  const Record record = t.run({.stop = {", two"}});
  CHECK(record.text == "one, tw");
  CHECK(record.done->text == ", tw");
  CHECK(record.done->reason == FinishReason::stop_token);
  const Record cut = t.run({.stop = {"one, two"}, .max_tokens = 4});
  CHECK(cut.text == "one,");
  CHECK(cut.done->reason == FinishReason::max_tokens);
}

TEST_CASE("control tokens are left out of the text unless they are asked for") {
  std::vector<int32_t> answer = bytes("a");
  answer.push_back(kThink);
  answer.push_back('b');
  TextFixture t(answer);
  CHECK(t.run({}).text == "ab");
  CHECK(t.run({}, true).text == "a<think>b");
}

TEST_CASE("stop_ids, ignore_eog") {
  TextFixture t(bytes("abcdef"));
  const Record stopped = t.run({.stop_ids = {'d'}});
  CHECK(stopped.text == "abc");
  CHECK(stopped.done->stop_token == 'd');
  const Record ignoring = t.run({.ignore_eog = true, .max_tokens = 9});
  CHECK(ignoring.ids.size() == 9);
  CHECK(ignoring.ids[6] == kEnd);
  CHECK(ignoring.done->reason == FinishReason::max_tokens);
}

TEST_CASE("log probabilities come with each token") {
  TextFixture t(bytes("ab"));
  std::vector<TokenEvent> events;
  Request request{.prompt = {1}, .sampling = {.logprobs = 2}};
  request.on_event = [&](RequestId, const Event& event) {
    if (const auto* token = std::get_if<TokenEvent>(&event)) events.push_back(*token);
  };
  REQUIRE(complete(*t.f.engine, std::move(request)).ok());
  REQUIRE(events.size() == 2);
  for (const TokenEvent& event : events) {
    REQUIRE(event.logprob.has_value());
    CHECK(*event.logprob <= 0);
    REQUIRE(event.top.size() == 2);
    CHECK(event.top[0].id == event.id);
    CHECK(event.top[0].logprob == *event.logprob);
    CHECK(event.top[1].logprob <= event.top[0].logprob);
  }
}

}  // namespace
}  // namespace mang
