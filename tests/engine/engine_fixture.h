// An engine over the fake model, with everything a test wants to know about its requests.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "engine/engine.h"
#include "engine/fake_model.h"
#include "kernels/isa.h"

namespace mang {

// What a request reported, checked for order: tokens first, exactly one end, nothing after it.
struct Record {
  std::vector<int32_t> ids;
  std::string text;
  std::vector<std::string> pieces;
  std::optional<DoneEvent> done;
};

struct EngineFixture {
  explicit EngineFixture(EngineOptions options = {}, FakeModelOptions model_options = {},
                         const Tokenizer* tokenizer = nullptr)
      : model(std::move(model_options)), engine(Engine::create(model, device, tokenizer, options).value()) {}

  // A request whose events go to records[its id].
  Result<RequestId> submit(Request request) {
    request.on_event = [this](RequestId id, const Event& event) {
      Record& record = records[id];
      REQUIRE(!record.done.has_value());
      if (const auto* token = std::get_if<TokenEvent>(&event)) {
        record.ids.push_back(token->id);
        record.text += token->text;
        record.pieces.push_back(token->text);
      } else {
        record.done = std::get<DoneEvent>(event);
        record.text += record.done->text;
      }
      if (after_event) after_event(id);
    };
    return engine->submit(std::move(request));
  }
  RequestId must_submit(Request request) { return submit(std::move(request)).value(); }

  // Submits one request and runs it to its end.
  Record run(Request request) {
    const RequestId id = must_submit(std::move(request));
    engine->run_until_done();
    REQUIRE(records[id].done.has_value());
    return records[id];
  }

  // What the model must answer to a greedy request of `count` tokens.
  std::vector<int32_t> expected_greedy(std::vector<int32_t> tokens, int64_t count) const {
    std::vector<int32_t> answer;
    for (int64_t i = 0; i < count; ++i) {
      answer.push_back(model.expected_best(tokens));
      tokens.push_back(answer.back());
    }
    return answer;
  }

  // Nothing wrong was seen in the pages, and every block is back (or only in the cache).
  void check_clean() const {
    CHECK(model.faults() == 0);
    CHECK(engine->free_blocks() == engine->blocks());
  }

  ThreadPool threads{2};
  Device device{threads, best_isa()};
  FakeModel model;
  std::unique_ptr<Engine> engine;
  std::map<RequestId, Record> records;
  std::function<void(RequestId)> after_event;
};

inline std::vector<int32_t> counting(int32_t from, int64_t count, int32_t vocab = 256) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>((from + i * 7) % vocab));
  return ids;
}

}  // namespace mang
