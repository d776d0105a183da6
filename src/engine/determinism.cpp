#include "engine/determinism.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <map>

#include "engine/covering_array.h"
#include "engine/engine.h"
#include "hub/digest.h"

namespace mang {

namespace {

constexpr int64_t kBatches[] = {1, 2, 8, 32};
constexpr int kThreads[] = {1, 2, 4, 8};
constexpr int64_t kChunks[] = {1, 16, 64, 512};
constexpr CacheUse kCaches[] = {CacheUse::miss, CacheUse::hit, CacheUse::partial};
constexpr DraftUse kDrafts[] = {DraftUse::off, DraftUse::look_up, DraftUse::model};
constexpr bool kPreemptions[] = {false, true};

// Two whole blocks and a good part of a third: one block to find where the cache has part of a prompt, and an answer
// that needs a fourth.
constexpr int64_t kWholeBlocks = 2;
constexpr int64_t kShortestRest = 40;
constexpr int64_t kRests = 21;

std::string_view kv_name(KvType type) {
  switch (type) {
    case KvType::f32:
      return "f32";
    case KvType::f16:
      return "f16";
    case KvType::q8_0:
      return "q8_0";
  }
  MANG_CHECK(false);
}

// A token drawn, and 64 bits that stand for the row of logits it was drawn from.
struct Drawn {
  int32_t id = 0;
  uint64_t logits = 0;
  bool operator==(const Drawn&) const = default;
};
using Trace = std::vector<Drawn>;

uint64_t fingerprint(std::span<const float> row) {
  Digest hash = Digest::sha256();
  hash.add(row.data(), row.size_bytes());
  const Sha256 value = hash.sha256_bytes();
  uint64_t bits = 0;
  for (size_t i = 0; i < 8; ++i) bits = bits << 8 | value[i];
  return bits;
}

// Words of four or five ids, said again and again among others.
std::vector<int32_t> synthetic_prompt(int64_t index, int64_t vocab) {
  const auto length = static_cast<size_t>(kWholeBlocks * kPagePositions + kShortestRest + index % kRests);
  uint64_t at = 0;
  const auto next = [&] { return random_bits(static_cast<uint64_t>(index), at++); };
  const auto any_id = [&] { return static_cast<int32_t>(next() % static_cast<uint64_t>(vocab)); };
  std::vector<std::vector<int32_t>> words(3);
  for (auto& word : words) {
    for (uint64_t n = 4 + next() % 2; n > 0; --n) word.push_back(any_id());
  }
  std::vector<int32_t> ids;
  while (ids.size() < length) {
    if (next() % 2 == 0) {
      ids.push_back(any_id());
      continue;
    }
    const std::vector<int32_t>& word = words[next() % words.size()];
    ids.insert(ids.end(), word.begin(), word.end());
  }
  ids.resize(length);
  return ids;
}

SamplingParams sampling_of(int64_t prompt, bool drawn, int64_t answer_tokens) {
  SamplingParams params;
  params.max_tokens = answer_tokens;
  if (!drawn) return params;
  params.temperature = 0.8f;
  params.top_k = 40;
  params.top_p = 0.95f;
  params.repetition_penalty = 1.1f;
  params.seed = static_cast<uint64_t>(prompt);
  return params;
}

int64_t longest_sequence(const DeterminismOptions& options) {
  return kWholeBlocks * kPagePositions + kShortestRest + kRests + options.answer_tokens;
}

class Check {
 public:
  Check(Model& model, const DeterminismOptions& options) : model_(model), options_(options) {
    if (options_.isas.empty()) options_.isas = available_isas();
    if (options_.kv_types.empty()) {
      for (const KvType type : {KvType::f16, KvType::q8_0, KvType::f32}) {
        if (model.kv_layout(type).ok()) options_.kv_types.push_back(type);
      }
    }
    for (int64_t i = 0; i < options.prompts; ++i) prompts_.push_back(synthetic_prompt(i, model.info().vocab));
  }

  Result<DeterminismReport> run() {
    const auto before = std::chrono::steady_clock::now();
    report_.prompts = options_.prompts;
    for (const KvType kv : options_.kv_types) report_.ways.push_back({.kv = kv, .isa = options_.isas.front()});
    report_.plain_ways = static_cast<int64_t>(report_.ways.size());
    for (const WorkingWay& way : covering_ways(options_.isas, options_.kv_types)) report_.ways.push_back(way);
    total_ = static_cast<int64_t>(report_.ways.size()) * requests();

    Digest all = Digest::sha256();
    for (size_t w = 0; w < report_.ways.size(); ++w) {
      const WorkingWay& way = report_.ways[w];
      MANG_TRY(std::vector<Trace> traces, work(way));
      if (w < static_cast<size_t>(report_.plain_ways)) {
        for (const Trace& trace : traces) add(all, trace);
        plain_[way.kv] = std::move(traces);
      } else {
        compare(way, traces);
      }
    }
    report_.sha256 = all.hex();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
    return std::move(report_);
  }

 private:
  // First all prompts with the best tokens, then all with drawn ones.
  [[nodiscard]] int64_t requests() const { return options_.prompts * 2; }

  static void add(Digest& hash, const Trace& trace) {
    for (const Drawn& drawn : trace) {
      hash.add(&drawn.id, sizeof drawn.id);
      hash.add(&drawn.logits, sizeof drawn.logits);
    }
  }

  // What each request was answered, worked on in this way.
  Result<std::vector<Trace>> work(const WorkingWay& way) {
    ThreadPool pool(way.threads);
    const std::unique_ptr<Device> device =
        options_.make_device ? options_.make_device(pool, way.isa) : std::make_unique<Device>(pool, way.isa);
    std::vector<Trace> traces(static_cast<size_t>(requests()));
    std::map<RequestId, size_t> index_of;
    EngineOptions options = engine_options(way);
    options.on_logits = [&](RequestId id, int64_t, std::span<const float> row) {
      traces[index_of.at(id)].push_back({-1, fingerprint(row)});
    };
    MANG_TRY(auto engine, Engine::create(model_, *device, nullptr, options));

    // As many at a time as the cache has room for.
    const int64_t group = way.cache == CacheUse::miss ? way.batch * 2 : way.batch;
    for (int64_t first = 0; first < requests(); first += group) {
      const int64_t end = std::min(first + group, requests());
      MANG_TRY(fill_cache(*engine, way, first, end));
      for (int64_t r = first; r < end; ++r) {
        Request request = request_for(r);
        request.on_event = [&, r](RequestId, const Event& event) { take(event, traces[static_cast<size_t>(r)]); };
        MANG_TRY(const RequestId id, engine->submit(std::move(request)));
        index_of[id] = static_cast<size_t>(r);
      }
      engine->run_until_done(options_.cancel);
      if (options_.cancel != nullptr && options_.cancel->load()) return fail("Cancelled.");
      if (failed_) return *failed_;
    }
    return traces;
  }

  [[nodiscard]] EngineOptions engine_options(const WorkingWay& way) const {
    EngineOptions options;
    options.context = longest_sequence(options_);
    options.kv_type = way.kv;
    options.arithmetic = options_.arithmetic;
    options.max_sequences = way.batch;
    options.step_tokens = 512 + way.batch;
    options.prompt_tokens = way.chunk;
    options.step_seconds = 0;
    options.prefix_cache = way.cache != CacheUse::miss;
    options.speculate = way.drafts == DraftUse::off ? Speculate::off : Speculate::always;
    if (way.drafts == DraftUse::model) {
      options.draft_model = options_.draft_model != nullptr ? options_.draft_model : &model_;
    }
    // Room for everything, and for as many prompts in the cache; or for the prompts and one block, while every answer
    // needs one.
    const int64_t each = blocks_for(options.context) + 1;
    options.kv_blocks = way.preemption ? std::max(each, way.batch * (kWholeBlocks + 1) + 1) : 2 * way.batch * each;
    return options;
  }

  [[nodiscard]] Request request_for(int64_t r) const {
    const int64_t prompt = r % options_.prompts;
    const bool drawn = r >= options_.prompts;
    Request request;
    request.prompt = prompts_[static_cast<size_t>(prompt)];
    request.sampling = sampling_of(prompt, drawn, options_.answer_tokens);
    request.cache_scope = drawn ? "drawn" : "best";  // so that neither finds what the other computed
    return request;
  }

  // The prompts of these requests, or their first block and then something else.
  Result<void> fill_cache(Engine& engine, const WorkingWay& way, int64_t first, int64_t end) {
    if (way.cache == CacheUse::miss) return {};
    for (int64_t r = first; r < end; ++r) {
      Request request = request_for(r);
      request.sampling = {.max_tokens = 0};
      if (way.cache == CacheUse::partial) {
        const auto vocab = static_cast<int32_t>(model_.info().vocab);
        int32_t& other = request.prompt[static_cast<size_t>(kPagePositions)];
        other = (other + 1) % vocab;
      }
      MANG_TRY(engine.submit(std::move(request)));
    }
    engine.run_until_done(options_.cancel);
    return {};
  }

  void take(const Event& event, Trace& trace) {
    if (const auto* token = std::get_if<TokenEvent>(&event)) {
      trace.back().id = token->id;
      return;
    }
    const auto& done = std::get<DoneEvent>(event);
    if (done.error && !failed_) failed_ = done.error;
    report_.cached_tokens += done.stats.cached_tokens;
    report_.preemptions += done.stats.preemptions;
    report_.accepted_drafts += done.stats.accepted_tokens;
    report_.rejected_drafts += done.stats.drafted_tokens - done.stats.accepted_tokens;
    if (options_.on_progress) options_.on_progress(++done_, total_);
  }

  void compare(const WorkingWay& way, const std::vector<Trace>& traces) {
    const std::vector<Trace>& plain = plain_.at(way.kv);
    for (int64_t r = 0; r < requests(); ++r) {
      const Trace& want = plain[static_cast<size_t>(r)];
      const Trace& got = traces[static_cast<size_t>(r)];
      ++report_.answers;
      report_.tokens += static_cast<int64_t>(got.size());
      if (got == want) continue;
      ++report_.different;
      if (report_.first) continue;
      const auto at = std::mismatch(want.begin(), want.end(), got.begin(), got.end());
      Difference difference{way, r % options_.prompts, r >= options_.prompts, at.first - want.begin(), -1, -1};
      if (at.first != want.end()) difference.expected = at.first->id;
      if (at.second != got.end()) difference.got = at.second->id;
      report_.first = difference;
    }
  }

  Model& model_;
  DeterminismOptions options_;
  std::vector<std::vector<int32_t>> prompts_;
  std::map<KvType, std::vector<Trace>> plain_;
  DeterminismReport report_;
  std::optional<Error> failed_;
  int64_t done_ = 0;
  int64_t total_ = 0;
};

}  // namespace

std::string WorkingWay::name() const {
  const std::string_view caches[] = {"miss", "hit", "partial"};
  const std::string_view draft_names[] = {"off", "look-up", "model"};
  return fmt::format("batch={} threads={} chunk={} cache={} drafts={} preemption={} kv={} isa={}", batch, threads,
                     chunk, caches[static_cast<size_t>(cache)], draft_names[static_cast<size_t>(drafts)],
                     preemption ? "yes" : "no", kv_name(kv), isa_name(isa));
}

std::vector<WorkingWay> covering_ways(const std::vector<Isa>& isas, const std::vector<KvType>& kv_types) {
  enum Factor : size_t { kIsa, kBatch, kThread, kChunk, kCache, kDraft, kKv, kPreemption };
  const int levels[] = {static_cast<int>(isas.size()),         static_cast<int>(std::size(kBatches)),
                        static_cast<int>(std::size(kThreads)), static_cast<int>(std::size(kChunks)),
                        static_cast<int>(std::size(kCaches)),  static_cast<int>(std::size(kDrafts)),
                        static_cast<int>(kv_types.size()),     static_cast<int>(std::size(kPreemptions))};
  // A sequence alone is never preempted: nobody needs its blocks.
  const auto may_meet = [](size_t f, int a, size_t g, int b) {
    return !(f == kBatch && g == kPreemption && kBatches[a] == 1 && kPreemptions[b]);
  };
  std::vector<WorkingWay> ways;
  for (const std::vector<int>& row : pairwise_rows(levels, may_meet)) {
    ways.push_back({kBatches[row[kBatch]], kThreads[row[kThread]], kChunks[row[kChunk]], kCaches[row[kCache]],
                    kDrafts[row[kDraft]], kPreemptions[row[kPreemption]], kv_types[static_cast<size_t>(row[kKv])],
                    isas[static_cast<size_t>(row[kIsa])]});
  }
  return ways;
}

Result<DeterminismReport> check_determinism(Model& model, const DeterminismOptions& options) {
  if (options.prompts < 1 || options.answer_tokens < 1) {
    return fail("Nothing to compare: a prompt and a token of its answer are the least.");
  }
  const int64_t needed = longest_sequence(options);
  if (needed > model.info().context) {
    return fail("Sequences of {} tokens are compared, but the model's context holds {}.", needed, model.info().context);
  }
  return Check(model, options).run();
}

}  // namespace mang
