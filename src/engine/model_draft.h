// Drafts by a second, smaller model with the same vocabulary: its best tokens, one after another.
//
// It keeps K and V of its own for each sequence, and goes back to where its drafts were wrong. Of a text it reads the
// end only, as much as there is time for, and where it fell far behind (nothing was drafted for a while) it begins anew
// a few tokens back: its guesses are worse for that, and trying costs no more than was said. Source: Leviathan et al.
// 2023.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/draft_source.h"
#include "kernels/device.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace mang {

class ModelDraft : public DraftSource {
 public:
  static constexpr int64_t kMostWindow = 512;  // tokens read where it begins
  static constexpr int64_t kLeastWindow = 32;
  static constexpr int64_t kFarBehind = 64;
  static constexpr int64_t kReadAside = 8;  // fewer unread tokens are read with the draft and cost next to nothing more

  // model and device must outlive it. vocab: ids from there on are never drafted. sequences: at most so many have
  // drafts at a time. What reading takes is measured here, on a few tokens, before anyone waits. Errors: no memory for
  // its KV cache.
  static Result<std::unique_ptr<ModelDraft>> create(Model& model, const Device& device, int64_t vocab, int64_t context,
                                                    int64_t sequences);

  DraftOffer offer(uint64_t sequence, std::span<const int32_t> tokens, int64_t most, double seconds) override;
  double draft(std::span<DraftRequest> requests) override;
  void forget(uint64_t sequence) override;

 private:
  struct State {
    int64_t begin = 0;         // where it began to read: its position 0
    std::vector<int32_t> ids;  // from there on: those its K and V are of
    std::vector<BlockId> blocks;
  };
  ModelDraft(Model& model, const Device& device, KvPool pool, int64_t vocab, int64_t context)
      : model_(model), device_(device), pool_(std::move(pool)), vocab_(vocab), context_(context) {}
  void measure();
  void go_back(State& state, std::span<const int32_t> tokens) const;
  [[nodiscard]] int64_t window(int64_t length, double seconds) const;
  [[nodiscard]] double reading_seconds(int64_t tokens) const;
  double read(State& state, std::span<const int32_t> tokens);
  bool give_blocks(State& state, int64_t positions);
  void forward(std::span<const BatchSlice> slices);
  [[nodiscard]] int32_t best(int64_t row) const;

  Model& model_;
  const Device& device_;
  KvPool pool_;
  int64_t vocab_;
  int64_t context_;
  double window_seconds_ = 0;  // that reading kLeastWindow tokens takes
  std::unordered_map<uint64_t, State> sequences_;
  std::vector<float> logits_;  // [requests, rows of its head]
};

// Whether a token is the same for both, whatever its id; otherwise a sentence that names the first that is not.
Result<void> check_same_vocabulary(const Tokenizer& model, const Tokenizer& draft);

}  // namespace mang
