#include "engine/scheduler.h"

#include <algorithm>

#include "base/check.h"

namespace mang {

namespace {
constexpr int64_t kReportedTokens = 32;  // of a prompt in one step where each needs a row of logits, which takes memory
}  // namespace

Sequence::Sequence(RequestId request_id, Request&& request, int64_t vocab, const Tokenizer* tokenizer)
    : id(request_id),
      session(request.session),
      on_event(std::move(request.on_event)),
      tokens(std::move(request.prompt)),
      sampler(std::move(request.sampling), vocab),
      stops(sampler.params().stop) {
  speculate = request.speculate;
  prompt_logprobs = request.prompt_logprobs;
  sampler.accept_prompt(tokens);
  if (tokenizer != nullptr) detokenizer.emplace(*tokenizer, !request.show_special);
  stats.prompt_tokens = length();
}

void Sequence::add_keys() {
  if (!use_cache) return;
  while (static_cast<int64_t>(keys.size() + 1) * kPagePositions <= length()) {
    const std::span<const int32_t> ids(tokens.data() + keys.size() * kPagePositions, kPagePositions);
    keys.push_back(chain_key(keys.empty() ? root : keys.back(), ids));
  }
}

Scheduler::~Scheduler() {
  for (auto& sequence : running_) store_.release_all(sequence->blocks);
  for (auto& [id, held] : sessions_) store_.release_all(held.blocks);
}

void Scheduler::add(std::unique_ptr<Sequence> sequence) { waiting_.push_back(std::move(sequence)); }

std::vector<Work> Scheduler::plan(int64_t prompt_tokens) {
  std::vector<Work> work;
  prompt_tokens = std::clamp(step_tokens_ - answering(), int64_t{0}, prompt_tokens);
  // By index: preemption takes sequences off the end.
  for (size_t i = 0; i < running_.size(); ++i) add_work(*running_[i], prompt_tokens, work);
  admit(prompt_tokens, work);
  MANG_CHECK(!work.empty() || idle());
  return work;
}

void Scheduler::add_work(Sequence& sequence, int64_t& prompt_tokens, std::vector<Work>& work) {
  const bool answers = sequence.uncomputed() == 1;
  int64_t count = answers ? 1 : std::min(sequence.uncomputed(), prompt_tokens);
  if (sequence.prompt_logprobs) count = std::min(count, kReportedTokens);
  if (count == 0 || !give_blocks(sequence, sequence.computed + count)) return;
  if (!answers) prompt_tokens -= count;
  work.push_back({&sequence, count});
}

void Scheduler::admit(int64_t& prompt_tokens, std::vector<Work>& work) {
  while (!waiting_.empty() && static_cast<int64_t>(running_.size()) < max_sequences_ && prompt_tokens > 0) {
    Sequence& sequence = *waiting_.front();
    const Reuse reuse = find_reuse(sequence);
    if (!running_.empty() && !room_for(sequence, reuse)) return;
    attach(sequence, reuse);
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    const bool one = sequence.uncomputed() == 1;  // all but the last token was found
    add_work(sequence, prompt_tokens, work);
    if (one) --prompt_tokens;
  }
}

// Whether all tokens the sequence has now, and one block for its answer, fit beside what others have still to take
// for their prompts. A sequence alone always fits: submit() has made sure.
bool Scheduler::room_for(const Sequence& sequence, const Reuse& reuse) {
  int64_t wanted = blocks_for(sequence.length()) + 1 - reuse.blocks + reuse.available;
  for (const auto& other : running_) {
    wanted += std::max<int64_t>(blocks_for(other->length()) - static_cast<int64_t>(other->blocks.size()), 0);
  }
  while (store_.available() < wanted) {
    if (!drop_idle_session(sequence.session)) return false;
  }
  return true;
}

Scheduler::Reuse Scheduler::find_reuse(Sequence& sequence) const {
  const int64_t most = sequence.length() - 1;  // the last token is computed always: its logits are wanted
  Reuse reuse;
  sequence.add_keys();
  const auto whole = static_cast<size_t>(most / kPagePositions);
  if (sequence.use_cache) {
    const auto keys = std::span<const BlockKey>(sequence.keys).first(whole);
    const BlockStore::Reach reach = store_.reach(sequence.root, keys, sequence.tokens);
    reuse = {reach.blocks * kPagePositions, reach.blocks, reach.unused, false, reach.end};
  }
  if (const auto found = sessions_.find(sequence.session); found != sessions_.end()) {
    const std::vector<int32_t>& ids = found->second.ids;
    const auto end = std::mismatch(ids.begin(), ids.end(), sequence.tokens.begin(), sequence.tokens.end()).first;
    const int64_t common = std::min<int64_t>(end - ids.begin(), most);
    if (common > reuse.positions) reuse = {common, blocks_for(common), 0, true, reuse.end};
  }
  return reuse;
}

// For whoever wants to know why a prompt had to be read: what the session held, and where the prompt departs from it.
void Scheduler::compare_with_session(Sequence& sequence) const {
  const auto found = sessions_.find(sequence.session);
  if (found == sessions_.end()) return;
  const std::vector<int32_t>& ids = found->second.ids;
  const auto end = std::mismatch(ids.begin(), ids.end(), sequence.tokens.begin(), sequence.tokens.end()).first;
  sequence.stats.session_tokens = static_cast<int64_t>(ids.size());
  sequence.stats.session_common = end - ids.begin();
  sequence.stats.session_departed.assign(end, end + std::min<int64_t>(ids.end() - end, kDepartedIds));
}

void Scheduler::attach(Sequence& sequence, const Reuse& reuse) {
  MANG_CHECK(sequence.blocks.empty() && sequence.computed == 0);
  if (!sequence.admitted) compare_with_session(sequence);
  if (!reuse.from_session) {
    sequence.blocks = store_.take(sequence.keys, reuse.blocks);
    drop_session(sequence.session);
    sequence.computed = reuse.positions;
  } else {
    const auto found = sessions_.find(sequence.session);
    sequence.blocks = std::move(found->second.blocks);
    sessions_.erase(found);
    std::vector<BlockId> rest(sequence.blocks.begin() + reuse.blocks, sequence.blocks.end());
    store_.release_all(rest);
    sequence.blocks.resize(static_cast<size_t>(reuse.blocks));
    sequence.computed = reuse.positions;
    // The last block will be written to: if others hold it too, go on with a copy, or else from its beginning.
    if (reuse.positions % kPagePositions != 0 && store_.shared(sequence.blocks.back())) {
      const BlockId copy = store_.copy(sequence.blocks.back());
      store_.release(sequence.blocks.back());
      sequence.blocks.back() = copy;
      if (copy < 0) {
        sequence.blocks.pop_back();
        sequence.computed = reuse.positions / kPagePositions * kPagePositions;
      }
    }
  }
  sequence.offered = sequence.computed / kPagePositions;
  if (sequence.admitted) return;
  sequence.admitted = true;
  sequence.started = Clock::now();
  sequence.stats.cached_tokens = sequence.computed;
  sequence.stats.cache_end = reuse.end;
}

// False: the sequence has to wait, all blocks are with older ones.
bool Scheduler::give_blocks(Sequence& sequence, int64_t positions) {
  while (static_cast<int64_t>(sequence.blocks.size()) < blocks_for(positions)) {
    const BlockId block = store_.allocate();
    if (block >= 0) {
      sequence.blocks.push_back(block);
    } else if (!drop_idle_session(0)) {
      if (running_.back().get() == &sequence) {
        MANG_CHECK(running_.size() > 1);
        return false;
      }
      preempt_youngest();
    }
  }
  return true;
}

int64_t Scheduler::widen(Sequence& sequence, int64_t positions) {
  while (static_cast<int64_t>(sequence.blocks.size()) < blocks_for(positions)) {
    const BlockId block = store_.allocate();
    if (block < 0) break;
    sequence.blocks.push_back(block);
  }
  return std::min(positions, static_cast<int64_t>(sequence.blocks.size()) * kPagePositions);
}

bool Scheduler::drop_idle_session(SessionId except) {
  auto oldest = sessions_.end();
  for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
    if (it->first == except) continue;
    if (oldest == sessions_.end() || it->second.last_used < oldest->second.last_used) oldest = it;
  }
  if (oldest == sessions_.end()) return false;
  drop_session(oldest->first);
  return true;
}

void Scheduler::preempt_youngest() {
  Sequence& sequence = *running_.back();
  store_.release_all(sequence.blocks);
  sequence.computed = 0;
  ++sequence.stats.preemptions;
  waiting_.push_front(std::move(running_.back()));
  running_.pop_back();
}

void Scheduler::advance(const Work& work) {
  Sequence& sequence = *work.sequence;
  sequence.computed += work.count;
  if (!sequence.use_cache) return;
  sequence.add_keys();
  for (; (sequence.offered + 1) * kPagePositions <= sequence.computed; ++sequence.offered) {
    const auto i = static_cast<size_t>(sequence.offered);
    const std::span<const int32_t> ids(sequence.tokens.data() + i * kPagePositions, kPagePositions);
    store_.insert(sequence.blocks[i], i == 0 ? sequence.root : sequence.keys[i - 1], sequence.keys[i], ids);
  }
}

std::unique_ptr<Sequence> Scheduler::remove(RequestId id, Keep keep) {
  std::unique_ptr<Sequence> sequence;
  const auto has_id = [id](const auto& s) { return s->id == id; };
  if (const auto at = std::find_if(running_.begin(), running_.end(), has_id); at != running_.end()) {
    sequence = std::move(*at);
    running_.erase(at);
  } else if (const auto at2 = std::find_if(waiting_.begin(), waiting_.end(), has_id); at2 != waiting_.end()) {
    sequence = std::move(*at2);
    waiting_.erase(at2);
  } else {
    return nullptr;
  }
  if (keep == Keep::sound && sequence->session != 0 && sequence->computed > 0) {
    const auto used = static_cast<size_t>(blocks_for(sequence->computed));
    std::vector<BlockId> rest(sequence->blocks.begin() + static_cast<std::ptrdiff_t>(used), sequence->blocks.end());
    store_.release_all(rest);
    sequence->blocks.resize(used);
    sequence->tokens.resize(static_cast<size_t>(sequence->computed));
    sessions_[sequence->session] = {std::move(sequence->tokens), std::move(sequence->blocks), ++uses_};
  } else {
    if (keep == Keep::nothing) {
      for (const BlockId block : sequence->blocks) store_.forget(block);
    }
    store_.release_all(sequence->blocks);
  }
  return sequence;
}

void Scheduler::drop_session(SessionId session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  store_.release_all(found->second.blocks);
  sessions_.erase(found);
}

int64_t Scheduler::answering() const {
  return std::count_if(running_.begin(), running_.end(), [](const auto& s) { return s->uncomputed() == 1; });
}

std::vector<RequestId> Scheduler::ids() const {
  std::vector<RequestId> ids;
  for (const auto& sequence : running_) ids.push_back(sequence->id);
  for (const auto& sequence : waiting_) ids.push_back(sequence->id);
  return ids;
}

}  // namespace mang
