// A request in work: its tokens, how far they are computed, its blocks, and everything that turns logits into events.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/block_store.h"
#include "engine/engine.h"
#include "engine/sampler.h"
#include "engine/stop_matcher.h"

namespace mang {

using Clock = std::chrono::steady_clock;

struct Sequence {
  Sequence(RequestId request_id, Request&& request, int64_t vocab, const Tokenizer* tokenizer);

  RequestId id;
  SessionId session;
  EventSink on_event;

  std::vector<int32_t> tokens;  // the prompt, then the answer
  int64_t computed = 0;         // K and V of tokens [0, computed) are in the blocks
  // The last token and the drafts after it while a step verifies them, otherwise empty. They count for nothing else:
  // `computed` and `tokens` know only tokens that were drawn.
  std::vector<int32_t> tried;
  std::vector<BlockId> blocks;  // cover at least `computed` positions

  bool use_cache = false;
  bool speculate = true;
  BlockKey root{};
  std::vector<BlockKey> keys;  // of whole blocks of tokens; add_keys() brings them up to date
  int64_t offered = 0;         // blocks known to the prefix cache: found there or offered to it

  // How many log probabilities are to be told of each token of the prompt; none: it is told, or nobody asked.
  std::optional<int32_t> prompt_logprobs;
  std::vector<SampledToken> prompt_report;  // of the prompt's first tokens, as far as they are known

  Sampler sampler;
  std::optional<Detokenizer> detokenizer;
  StopMatcher stops;

  bool admitted = false;  // a step has worked on it
  Clock::time_point submitted = Clock::now();
  Clock::time_point started;  // when admitted
  Clock::time_point first_token;
  RequestStats stats;

  [[nodiscard]] int64_t length() const { return static_cast<int64_t>(tokens.size()); }
  [[nodiscard]] int64_t uncomputed() const { return length() - computed; }
  [[nodiscard]] int64_t drafted() const { return tried.empty() ? 0 : static_cast<int64_t>(tried.size()) - 1; }
  [[nodiscard]] bool only_prompt() const { return sampler.params().max_tokens == 0; }
  void add_keys();
};

}  // namespace mang
