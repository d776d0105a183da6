// Who works in the next step, and who owns which block.
//
// Sequences are served by age. Those that write an answer get their one token each; the rest of the step goes to
// prompts, the oldest first. When no block is left, blocks come from the prefix cache, then from idle sessions, then
// from the youngest sequence in work: it goes back to the queue and is computed again later, with the same result. The
// oldest can always go on, so the whole always does.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/block_store.h"
#include "engine/sequence.h"

namespace mang {

// `count` tokens of a sequence, from `computed` on, in the next step.
struct Work {
  Sequence* sequence = nullptr;
  int64_t count = 0;
};

class Scheduler {
 public:
  Scheduler(KvPool& pool, int64_t max_sequences, int64_t step_tokens)
      : store_(pool), max_sequences_(max_sequences), step_tokens_(step_tokens) {}
  ~Scheduler();

  void add(std::unique_ptr<Sequence> sequence);
  // The next step, empty only if there is no sequence. prompt_tokens: most tokens of prompts in it, at least 1. Blocks
  // for the work are in place and no one else's.
  std::vector<Work> plan(int64_t prompt_tokens);
  // Blocks for [0, positions) of a sequence in work, as far as there are any that no one else wants: how many positions
  // they cover, at most so many.
  int64_t widen(Sequence& sequence, int64_t positions);
  // The step was computed: full blocks go to the prefix cache.
  void advance(const Work& work);

  // sound: the blocks stay with the sequence's session, if it has one, and in the prefix cache; nothing: they are
  // released and taken out of the prefix cache.
  enum class Keep { sound, nothing };
  // Takes a sequence out, wherever it is; nullptr: there is none with this id.
  std::unique_ptr<Sequence> remove(RequestId id, Keep keep);
  void drop_session(SessionId session);

  [[nodiscard]] int64_t answering() const;  // sequences that need one token a step
  [[nodiscard]] bool idle() const { return waiting_.empty() && running_.empty(); }
  [[nodiscard]] std::vector<RequestId> ids() const;
  [[nodiscard]] int64_t available_blocks() const { return store_.available(); }

 private:
  // What a session holds between two requests.
  struct Held {
    std::vector<int32_t> ids;
    std::vector<BlockId> blocks;
    uint64_t last_used = 0;
  };
  // Blocks that a sequence may take over instead of computing them.
  struct Reuse {
    int64_t positions = 0;
    int64_t blocks = 0;     // of these positions
    int64_t available = 0;  // of those blocks, how many count as available now
    bool from_session = false;
    CacheEnd end = CacheEnd::off;  // of what the prefix cache knew
  };

  void admit(int64_t& prompt_tokens, std::vector<Work>& work);
  bool room_for(const Sequence& sequence, const Reuse& reuse);
  Reuse find_reuse(Sequence& sequence) const;
  void attach(Sequence& sequence, const Reuse& reuse);
  void compare_with_session(Sequence& sequence) const;
  bool give_blocks(Sequence& sequence, int64_t positions);
  bool drop_idle_session(SessionId except);
  void preempt_youngest();
  void add_work(Sequence& sequence, int64_t& prompt_tokens, std::vector<Work>& work);

  BlockStore store_;
  int64_t max_sequences_;
  int64_t step_tokens_;
  std::deque<std::unique_ptr<Sequence>> waiting_;   // the oldest first
  std::vector<std::unique_ptr<Sequence>> running_;  // the oldest first; all older than those waiting
  std::unordered_map<SessionId, Held> sessions_;
  uint64_t uses_ = 0;
};

}  // namespace mang
