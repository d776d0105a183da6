#include "engine/model_draft.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace mang {

Result<std::unique_ptr<ModelDraft>> ModelDraft::create(Model& model, const Device& device, int64_t vocab,
                                                       int64_t context, int64_t sequences) {
  context = std::min(context, model.info().context);
  MANG_TRY(std::vector<KvLayout> layers, model.kv_layout(KvType::f16));
  MANG_TRY(KvPool pool, KvPool::create(std::move(layers), blocks_for(context) * sequences));
  vocab = std::min(vocab, model.info().vocab);
  std::unique_ptr<ModelDraft> draft(new ModelDraft(model, device, std::move(pool), vocab, context));
  draft->measure();
  return draft;
}

void ModelDraft::measure() {
  State state;
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < std::min(kLeastWindow, context_); ++i) ids.push_back(static_cast<int32_t>(i % vocab_));
  if (give_blocks(state, static_cast<int64_t>(ids.size()))) read(state, ids);
  for (const BlockId block : state.blocks) pool_.release(block);
}

// Of more than the least window: long ones take less time a token, shorter ones about as long as it.
double ModelDraft::reading_seconds(int64_t tokens) const {
  return window_seconds_ * std::max(1.0, static_cast<double>(tokens) / kLeastWindow);
}

double ModelDraft::read(State& state, std::span<const int32_t> tokens) {
  const auto before = std::chrono::steady_clock::now();
  const BatchSlice slice{tokens, static_cast<int64_t>(state.ids.size()), state.blocks, LogitsFor::none};
  forward({&slice, 1});
  state.ids.insert(state.ids.end(), tokens.begin(), tokens.end());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  window_seconds_ = seconds / std::max(1.0, static_cast<double>(tokens.size()) / kLeastWindow);
  return seconds;
}

// Where it begins in a text of that length: how many tokens before its end. Half of the time is for the drafts.
int64_t ModelDraft::window(int64_t length, double seconds) const {
  const double affordable = seconds / 2 / std::max(window_seconds_, 1e-9) * kLeastWindow;
  const int64_t most = std::min({kMostWindow, context_ / 2, length});
  const int64_t least = std::min(kLeastWindow, most);
  return affordable >= static_cast<double>(most) ? most : std::max(least, static_cast<int64_t>(affordable));
}

// Keeps what the sequence and the drafts before have in common, or nothing.
void ModelDraft::go_back(State& state, std::span<const int32_t> tokens) const {
  if (state.ids.empty()) return;
  const auto length = static_cast<int64_t>(tokens.size());
  const auto since = tokens.subspan(static_cast<size_t>(state.begin));
  const auto end = std::mismatch(state.ids.begin(), state.ids.end(), since.begin(), since.end()).first;
  // The last token is always read: its logits are wanted.
  state.ids.resize(static_cast<size_t>(std::min<int64_t>(end - state.ids.begin(), length - state.begin - 1)));
  const int64_t behind = length - state.begin - static_cast<int64_t>(state.ids.size());
  if (behind > kFarBehind || length - state.begin > context_) state.ids.clear();
}

bool ModelDraft::give_blocks(State& state, int64_t positions) {
  while (static_cast<int64_t>(state.blocks.size()) < blocks_for(positions)) {
    const BlockId block = pool_.allocate();
    if (block < 0) return false;
    state.blocks.push_back(block);
  }
  return true;
}

DraftOffer ModelDraft::offer(uint64_t sequence, std::span<const int32_t> tokens, int64_t most, double seconds) {
  if (most < 1 || context_ < 4) return {};
  const auto length = static_cast<int64_t>(tokens.size());
  State& state = sequences_[sequence];
  go_back(state, tokens);
  if (state.ids.empty()) state.begin = length - window(length, seconds);
  const auto unread = tokens.subspan(static_cast<size_t>(state.begin) + state.ids.size());
  if (std::any_of(unread.begin(), unread.end(), [this](int32_t id) { return id >= vocab_; })) return {};
  if (!give_blocks(state, length - state.begin)) return {};
  const int64_t room = context_ - (length - state.begin) + 1;
  const auto before_last = static_cast<int64_t>(unread.size()) - 1;
  return {std::min(most, std::max<int64_t>(room, 1)), 0, 0.6,
          before_last > kReadAside ? reading_seconds(before_last) : 0};
}

double ModelDraft::draft(std::span<DraftRequest> requests) {
  double reading = 0;
  std::vector<DraftRequest*> open;
  for (DraftRequest& request : requests) {
    State& state = sequences_.at(request.sequence);  // as offer() left it
    const int64_t end = static_cast<int64_t>(request.tokens.size()) - state.begin + request.count - 1;
    if (end > context_ || !give_blocks(state, end)) continue;
    const auto unread = request.tokens.subspan(static_cast<size_t>(state.begin) + state.ids.size());
    if (static_cast<int64_t>(unread.size()) - 1 > kReadAside) reading += read(state, unread.first(unread.size() - 1));
    open.push_back(&request);
  }
  for (bool first = true; !open.empty(); first = false) {
    std::vector<BatchSlice> slices;
    for (const DraftRequest* request : open) {
      const State& state = sequences_.at(request->sequence);
      const std::span<const int32_t> drafted(request->ids);
      const auto unread = request->tokens.subspan(
          std::min(static_cast<size_t>(state.begin) + state.ids.size(), request->tokens.size()));
      slices.push_back(
          {first ? unread : drafted.last(1), static_cast<int64_t>(state.ids.size()), state.blocks, LogitsFor::last});
    }
    forward(slices);
    for (size_t i = 0; i < open.size(); ++i) {
      State& state = sequences_.at(open[i]->sequence);
      state.ids.insert(state.ids.end(), slices[i].tokens.begin(), slices[i].tokens.end());
    }
    for (size_t i = 0; i < open.size(); ++i) open[i]->ids.push_back(best(static_cast<int64_t>(i)));
    std::erase_if(open, [](const DraftRequest* r) { return static_cast<int64_t>(r->ids.size()) >= r->count; });
  }
  return reading;
}

void ModelDraft::forward(std::span<const BatchSlice> slices) {
  const Batch batch{slices};
  const auto wanted = static_cast<size_t>(std::max<int64_t>(batch.logits_count(), 1) * model_.info().vocab);
  if (logits_.size() < wanted) logits_.resize(wanted);
  model_.forward(device_, Arithmetic::quantized, batch, pool_, logits_.data());
}

int32_t ModelDraft::best(int64_t row) const {
  const float* logits = logits_.data() + row * model_.info().vocab;
  return static_cast<int32_t>(std::max_element(logits, logits + vocab_) - logits);
}

void ModelDraft::forget(uint64_t sequence) {
  const auto found = sequences_.find(sequence);
  if (found == sequences_.end()) return;
  for (const BlockId block : found->second.blocks) pool_.release(block);
  sequences_.erase(found);
}

Result<void> check_same_vocabulary(const Tokenizer& model, const Tokenizer& draft) {
  if (model.vocab_size() != draft.vocab_size()) {
    return fail("The draft model has another vocabulary: {} tokens instead of {}.", draft.vocab_size(),
                model.vocab_size());
  }
  for (int32_t id = 0; id < static_cast<int32_t>(model.vocab_size()); ++id) {
    if (model.token_text(id) == draft.token_text(id)) continue;
    return fail("The draft model has another vocabulary: token {} is '{}' instead of '{}'.", id, draft.token_text(id),
                model.token_text(id));
  }
  return {};
}

}  // namespace mang
