// All logits of a sequence, chunk by chunk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "kernels/device.h"
#include "model/model.h"

namespace mang {

// rows [count, vocab] of positions first … first + count − 1. The sink may change them.
using LogitsSink = std::function<Result<void>(int64_t first, int64_t count, float* rows)>;

// Runs ids through the model, `chunk` tokens a forward (0: all at once), and hands every row of logits on, in order.
// Memory for logits: chunk · vocab floats. Errors: no ids, an id outside the vocabulary, more ids than the context
// (both numbers are said), no memory, and what the sink returns.
Result<void> collect_logits(Model& model, const Device& device, Arithmetic arithmetic, KvType kv_type,
                            std::span<const int32_t> ids, int64_t chunk, const LogitsSink& sink);

// The same for many sequences, one after another, with one KV pool and one buffer.
class LogitsCollector {
 public:
  // positions: of the longest sequence; chunk: tokens in one forward, 1 or more.
  static Result<LogitsCollector> create(Model& model, const Device& device, Arithmetic arithmetic, KvType kv_type,
                                        int64_t positions, int64_t chunk);
  // Tokens in one forward where no rows are wanted, which takes no memory for them. The chunk, unless it is said.
  void set_silent_chunk(int64_t chunk) { silent_chunk_ = chunk; }
  // Rows before `first_wanted` are not computed. ids have been checked. progress, if given, is called after each
  // forward with how many tokens were read; its error ends the work.
  using Progress = std::function<Result<void>(int64_t tokens)>;
  Result<void> run(std::span<const int32_t> ids, int64_t first_wanted, const LogitsSink& sink,
                   const Progress& progress = {});

 private:
  LogitsCollector(Model& model, const Device& device, Arithmetic arithmetic, KvPool pool, int64_t chunk,
                  std::unique_ptr<float[]> logits);
  Model* model_;
  const Device* device_;
  Arithmetic arithmetic_;
  KvPool pool_;
  std::vector<BlockId> blocks_;
  int64_t chunk_, silent_chunk_;
  std::unique_ptr<float[]> logits_;  // [chunk, vocab]
};

// Refuses ids outside [0, vocab), naming the first and where it stands.
Result<void> check_ids(std::span<const int32_t> ids, int64_t vocab);

// A pool for `positions` positions of one sequence.
Result<KvPool> create_pool(const Model& model, KvType kv_type, int64_t positions);

}  // namespace mang
