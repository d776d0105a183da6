// The promise, put to the test: what a model answers depends on its weights, the prompt and the parameters alone. The
// same requests are worked on under a pairwise covering array of everything that must not matter (batch, threads,
// chunks, prefix cache, drafts, preemption, instruction set), and every token and every bit of the logits it was drawn
// from is compared with those of the plainest way: alone, one thread, plain loops, nothing reused.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/speculation.h"
#include "kernels/device.h"
#include "model/model.h"

namespace mang {

enum class CacheUse { miss, hit, partial };
enum class DraftUse { off, look_up, model };

// One way to work on the requests.
struct WorkingWay {
  int64_t batch = 1;
  int threads = 1;
  int64_t chunk = 512;  // most tokens of prompts in a step
  CacheUse cache = CacheUse::miss;
  DraftUse drafts = DraftUse::off;
  bool preemption = false;
  KvType kv = KvType::f16;  // decides what is computed: ways are compared with those of the same type
  Isa isa = Isa::generic;

  [[nodiscard]] std::string name() const;  // "batch=8 threads=4 chunk=16 cache=hit …"
};

struct DeterminismOptions {
  int64_t prompts = 20;  // each is answered by the best tokens and by drawn ones
  int64_t answer_tokens = 32;
  std::vector<Isa> isas;         // empty: all of this machine
  std::vector<KvType> kv_types;  // empty: all that the model can use
  Arithmetic arithmetic = Arithmetic::quantized;
  Model* draft_model = nullptr;  // with the same vocabulary; null: the model drafts for itself, and is mostly right
  const std::atomic<bool>* cancel = nullptr;
  // Told after each request: how many are done, of how many.
  std::function<void(int64_t done, int64_t total)> on_progress;
  // Makes the devices; empty: those of the instruction sets. (Tests put wrong kernels in.)
  std::function<std::unique_ptr<Device>(ThreadPool&, Isa)> make_device;
};

// The first request, in the order of the ways, that came out otherwise.
struct Difference {
  WorkingWay way;
  int64_t prompt = 0;
  bool drawn = false;    // else the best tokens
  int64_t token = 0;     // of the answer, from 0
  int32_t expected = 0;  // id
  int32_t got = 0;       // the same id: only bits of its logits differ
};

struct DeterminismReport {
  std::vector<WorkingWay> ways;  // the plain ones first, one for each KV type, then the rows of the covering array
  int64_t plain_ways = 0;
  int64_t prompts = 0;
  int64_t answers = 0;    // compared
  int64_t tokens = 0;     // of these
  int64_t different = 0;  // answers that were not the same
  std::optional<Difference> first;
  std::string sha256;  // of all tokens and logits of the plain ways
  // That the ways did what they are meant to do.
  int64_t cached_tokens = 0;
  int64_t accepted_drafts = 0;
  int64_t rejected_drafts = 0;
  int64_t preemptions = 0;
  double seconds = 0;
};

// The covering array, without the plain ways. isas, kv_types: as in the options, not empty.
std::vector<WorkingWay> covering_ways(const std::vector<Isa>& isas, const std::vector<KvType>& kv_types);

// Prompts are synthetic: ids that repeat themselves here and there, so that drafts are found. Errors: a context that is
// too short for them, a KV type the model cannot use, no memory, cancelled.
Result<DeterminismReport> check_determinism(Model& model, const DeterminismOptions& options);

}  // namespace mang
