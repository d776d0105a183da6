// What is not computed again: sessions and the prefix cache.
#include <doctest/doctest.h>

#include "engine/block_store.h"
#include "engine/engine_fixture.h"

namespace mang {
namespace {

std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST_CASE("the next turn of a session computes only what is new") {
  for (const bool prefix_cache : {false, true}) {
    EngineFixture f({.context = 1024, .prefix_cache = prefix_cache});
    const SessionId session = f.engine->open_session();
    std::vector<int32_t> chat = counting(1, 100);
    int64_t computed = 0;
    for (int turn = 0; turn < 4; ++turn) {
      const Record record = f.run({.prompt = chat, .sampling = {.max_tokens = 37}, .session = session});
      CHECK(record.done->stats.cached_tokens == computed);
      CHECK(record.ids == f.expected_greedy(chat, 37));
      computed = static_cast<int64_t>(chat.size()) + 36;  // the last token was never read
      chat = joined(joined(chat, record.ids), counting(turn, 50));
    }
    f.engine->close_session(session);
    f.engine->step();
    f.check_clean();
  }
}

TEST_CASE("why the prefix cache did not have the rest of a prompt is told") {
  EngineFixture f({.context = 512, .kv_blocks = 8});
  const auto run = [&](const std::vector<int32_t>& prompt) {
    const RequestStats stats = f.run({.prompt = prompt, .sampling = {.max_tokens = 1}}).done->stats;
    return std::pair(stats.cached_tokens, stats.cache_end);
  };
  const std::vector<int32_t> base = counting(1, 150);
  CHECK(run(base) == std::pair(int64_t{0}, CacheEnd::first));
  CHECK(run(base) == std::pair(int64_t{128}, CacheEnd::whole));
  CHECK(run(joined(base, counting(3, 60))) == std::pair(int64_t{128}, CacheEnd::fresh));
  CHECK(run(joined(base, counting(4, 60))) == std::pair(int64_t{128}, CacheEnd::departed));
  CHECK(run(joined({base.begin(), base.begin() + 100}, counting(5, 60))) == std::pair(int64_t{64}, CacheEnd::departed));
  CHECK(run(counting(9, 100)) == std::pair(int64_t{0}, CacheEnd::first));
  CHECK(run(counting(10, 400)) == std::pair(int64_t{0}, CacheEnd::first));  // which needs seven of the eight blocks
  CHECK(run(base) == std::pair(int64_t{0}, CacheEnd::evicted));
  EngineFixture off({.context = 512, .prefix_cache = false});
  CHECK(off.run({.prompt = base, .sampling = {.max_tokens = 1}}).done->stats.cache_end == CacheEnd::off);
}

TEST_CASE("where a prompt departs from what its session held is told") {
  EngineFixture f({.context = 512});
  const SessionId session = f.engine->open_session();
  const auto run = [&](const std::vector<int32_t>& prompt) {
    return *f.run({.prompt = prompt, .sampling = {.max_tokens = 5}, .session = session}).done;
  };
  const std::vector<int32_t> base = counting(1, 100);
  RequestStats stats = run(base).stats;
  CHECK(stats.session_tokens == 0);
  CHECK(stats.session_departed.empty());
  // All of it and more: nothing departs.
  const std::vector<int32_t> answer = f.expected_greedy(base, 4);
  stats = run(joined(joined(base, answer), counting(9, 30))).stats;
  CHECK(stats.session_tokens == 104);
  CHECK(stats.session_common == 104);
  CHECK(stats.session_departed.empty());
  CHECK(stats.cached_tokens == 104);
  // From token 70 on it is another prompt.
  const std::vector<int32_t> held = joined(joined(base, answer), counting(9, 30));
  stats = run(joined({base.begin(), base.begin() + 70}, counting(200, 40))).stats;
  CHECK(stats.session_tokens == 138);
  CHECK(stats.session_common == 70);
  CHECK(stats.cached_tokens == 70);
  REQUIRE(stats.session_departed.size() == kDepartedIds);
  for (size_t i = 0; i < stats.session_departed.size(); ++i) CHECK(stats.session_departed[i] == held[70 + i]);
  // Less than it held: the prompt ends before anything departs.
  stats = run({base.begin(), base.begin() + 50}).stats;
  CHECK(stats.session_common == 50);
  CHECK(stats.cached_tokens == 49);
  // A session without blocks has nothing to compare with.
  EngineFixture small({.context = 640, .kv_blocks = 10, .prefix_cache = false});
  const SessionId idle = small.engine->open_session();
  small.run({.prompt = counting(0, 300), .sampling = {.max_tokens = 5}, .session = idle});
  small.run({.prompt = counting(9, 600), .sampling = {.max_tokens = 5}});
  CHECK(small.run({.prompt = counting(0, 300), .sampling = {.max_tokens = 5}, .session = idle})
            .done->stats.session_tokens == 0);
}

TEST_CASE("a session goes back to where the new prompt departs, also inside a block that others hold") {
  EngineFixture f({.context = 1024, .kv_blocks = 32});
  const std::vector<int32_t> base = counting(1, 300);
  const SessionId one = f.engine->open_session();
  const SessionId two = f.engine->open_session();
  f.run({.prompt = base, .sampling = {.max_tokens = 10}, .session = one});
  CHECK(f.run({.prompt = base, .sampling = {.max_tokens = 10}, .session = two}).done->stats.cached_tokens == 256);
  for (const int64_t common : {299, 200, 192, 130, 64, 63, 1, 0}) {
    std::vector<int32_t> prompt(base.begin(), base.begin() + common);
    prompt = joined(prompt, counting(static_cast<int32_t>(common) + 3, 60));
    const Record record = f.run({.prompt = prompt, .sampling = {.max_tokens = 10}, .session = one});
    CHECK(record.done->stats.cached_tokens >= common);
    CHECK(record.ids == f.expected_greedy(prompt, 10));
    // The other session still has what it had.
    const std::vector<int32_t> again = joined(base, {static_cast<int32_t>(common % 256)});
    const Record other = f.run({.prompt = again, .sampling = {.max_tokens = 2}, .session = two});
    CHECK(other.done->stats.cached_tokens >= 300);
    CHECK(other.ids == f.expected_greedy(again, 2));
    f.run({.prompt = base, .sampling = {.max_tokens = 1}, .session = one});
  }
  CHECK(f.model.faults() == 0);
}

TEST_CASE("the same prompt again is read from its last token on") {
  EngineFixture f({.context = 512});
  const SessionId session = f.engine->open_session();
  const std::vector<int32_t> prompt = counting(5, 128);
  const Record first = f.run({.prompt = prompt, .sampling = {.max_tokens = 20}, .session = session});
  const Record again = f.run({.prompt = prompt, .sampling = {.max_tokens = 20}, .session = session});
  CHECK(again.done->stats.cached_tokens == 127);
  CHECK(again.ids == first.ids);
}

TEST_CASE("a session serves one request at a time, and none after it is closed") {
  EngineFixture f({.context = 256});
  const SessionId session = f.engine->open_session();
  const RequestId id = f.must_submit({.prompt = {1, 2, 3}, .sampling = {.max_tokens = 30}, .session = session});
  CHECK(f.submit({.prompt = {1}, .session = session}).error().message.find("busy") != std::string::npos);
  f.engine->step();
  f.engine->close_session(session);  // the request goes on
  CHECK(!f.submit({.prompt = {1}, .session = session}).ok());
  f.engine->run_until_done();
  CHECK(f.records[id].ids.size() == 30);
  f.check_clean();
}

TEST_CASE("a cancelled turn leaves its session usable") {
  EngineFixture f({.context = 512, .step_tokens = 64, .prefix_cache = false});
  const SessionId session = f.engine->open_session();
  const RequestId id = f.must_submit({.prompt = counting(0, 200), .session = session});
  f.engine->step();
  f.engine->cancel(id);
  f.engine->run_until_done();
  const Record record = f.run({.prompt = counting(0, 200), .sampling = {.max_tokens = 5}, .session = session});
  CHECK(record.done->stats.cached_tokens == 64);
  CHECK(record.ids == f.expected_greedy(counting(0, 200), 5));
}

TEST_CASE("blocks of idle sessions are given up when others need them") {
  EngineFixture f({.context = 640, .kv_blocks = 10, .prefix_cache = false});
  const SessionId idle = f.engine->open_session();
  f.run({.prompt = counting(0, 300), .sampling = {.max_tokens = 5}, .session = idle});
  CHECK(f.engine->free_blocks() == 5);
  const Record record = f.run({.prompt = counting(9, 600), .sampling = {.max_tokens = 5}});
  CHECK(record.ids == f.expected_greedy(counting(9, 600), 5));
  const Record back = f.run({.prompt = counting(0, 300), .sampling = {.max_tokens = 5}, .session = idle});
  CHECK(back.done->stats.cached_tokens == 0);
  CHECK(back.ids == f.expected_greedy(counting(0, 300), 5));
  CHECK(f.model.faults() == 0);
}

TEST_CASE("prefixes are shared between requests in whole blocks, within a scope and not across") {
  EngineFixture f({.context = 512, .kv_blocks = 40});
  const std::vector<int32_t> prompt = counting(0, 200);
  const auto cached = [&](const std::string& scope) {
    const Record record = f.run({.prompt = prompt, .sampling = {.max_tokens = 3}, .cache_scope = scope});
    CHECK(record.ids == f.expected_greedy(prompt, 3));
    return record.done->stats.cached_tokens;
  };
  CHECK(cached("") == 0);
  CHECK(cached("") == 192);
  CHECK(cached("a") == 0);
  CHECK(cached("a") == 192);
  CHECK(cached("b") == 0);
  // Requests that run together share too, once the first has read it; a request cut at a block's end reads its last
  // block for its last token's logits.
  CHECK(f.run({.prompt = {prompt.begin(), prompt.begin() + 128}, .sampling = {.max_tokens = 1}})
            .done->stats.cached_tokens == 64);
  f.check_clean();
}

TEST_CASE("without a prefix cache nothing is found") {
  EngineFixture f({.context = 512, .prefix_cache = false});
  for (int i = 0; i < 2; ++i) {
    CHECK(f.run({.prompt = counting(0, 200), .sampling = {.max_tokens = 3}}).done->stats.cached_tokens == 0);
  }
}

TEST_CASE("the longest unused prefix is given up first, and from its end") {
  EngineFixture f({.context = 512, .kv_blocks = 8});
  const auto run = [&](int32_t from, int64_t length) {
    return f.run({.prompt = counting(from, length), .sampling = {.max_tokens = 1}}).done->stats.cached_tokens;
  };
  CHECK(run(1, 200) == 0);    // 3 whole blocks stay
  CHECK(run(2, 200) == 0);    // 3 more: 6 of 8
  CHECK(run(1, 200) == 192);  // 1 is used again, and now the younger
  CHECK(run(3, 200) == 0);    // needs 4 blocks: 2 are free, 2 come from the end of 2
  CHECK(run(1, 200) == 192);
  CHECK(run(2, 200) == 64);
  f.check_clean();
}

TEST_CASE("a key alone is not trusted: the ids are compared") {
  std::vector<KvLayout> layers(1, KvLayout{KvType::f16, 1, 32, 32});
  KvPool pool = KvPool::create(layers, 4).value();
  BlockStore store(pool);
  const std::vector<int32_t> ids = counting(0, 64);
  const std::vector<int32_t> others = counting(1, 64);
  const BlockKey root = root_key("model", 0, 1, "");
  const BlockKey key = chain_key(root, ids);
  const BlockId block = store.allocate();
  store.insert(block, root, key, ids);
  CHECK(store.reach(root, std::vector{key}, ids).blocks == 1);
  CHECK(store.reach(root, std::vector{key}, others).blocks == 0);  // as if SHA-256 had collided
  CHECK(store.reach(root_key("model", 0, 1, "x"), std::vector{key}, ids).blocks == 0);
  CHECK(root != root_key("mode", 0, 1, "l"));
  CHECK(root != root_key("model", 1, 1, ""));
  CHECK(root != root_key("model", 0, 2, ""));
  CHECK(store.available() == 3);
  store.release(block);
  CHECK(store.available() == 4);
  CHECK(store.reach(root, std::vector{key}, ids).unused == 1);
  store.forget(block);
  CHECK(store.reach(root, std::vector{key}, ids).blocks == 0);
  CHECK(store.available() == 4);
}

}  // namespace
}  // namespace mang
