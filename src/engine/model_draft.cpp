#include "engine/model_draft.h"

#include <algorithm>

#include "base/check.h"

namespace mang {

Result<std::unique_ptr<ModelDraft>> ModelDraft::create(Model& model, const Device& device, int64_t vocab,
                                                       int64_t context, int64_t sequences) {
  context = std::min(context, model.info().context);
  MANG_TRY(std::vector<KvLayout> layers, model.kv_layout(KvType::f16));
  MANG_TRY(KvPool pool, KvPool::create(std::move(layers), blocks_for(context) * sequences));
  vocab = std::min(vocab, model.info().vocab);
  return std::unique_ptr<ModelDraft>(new ModelDraft(model, device, std::move(pool), vocab, context));
}

// Keeps what the sequence and the drafts before have in common, or begins anew.
void ModelDraft::go_back(State& state, std::span<const int32_t> tokens) const {
  const auto length = static_cast<int64_t>(tokens.size());
  const bool first = state.ids.empty();
  if (!first) {
    const auto since = tokens.subspan(static_cast<size_t>(state.begin));
    const auto end = std::mismatch(state.ids.begin(), state.ids.end(), since.begin(), since.end()).first;
    // The last token is always read: its logits are wanted.
    state.ids.resize(static_cast<size_t>(std::min<int64_t>(end - state.ids.begin(), length - state.begin - 1)));
    const int64_t behind = length - state.begin - static_cast<int64_t>(state.ids.size());
    if (behind <= kFarBehind && length - state.begin <= context_) return;
  }
  const int64_t window = first ? std::min(kFirstWindow, context_ / 2) : std::min(kLaterWindow, context_ / 2);
  state.ids.clear();
  state.begin = std::max<int64_t>(length - window, 0);
}

bool ModelDraft::give_blocks(State& state, int64_t positions) {
  while (static_cast<int64_t>(state.blocks.size()) < blocks_for(positions)) {
    const BlockId block = pool_.allocate();
    if (block < 0) return false;
    state.blocks.push_back(block);
  }
  return true;
}

DraftOffer ModelDraft::offer(uint64_t sequence, std::span<const int32_t> tokens, int64_t most) {
  if (most < 1 || context_ < 4) return {};
  const auto unknown = [this](int32_t id) { return id >= vocab_; };
  if (std::any_of(tokens.end() - 1, tokens.end(), unknown)) return {};
  State& state = sequences_[sequence];
  const bool first = state.ids.empty();
  if (first) go_back(state, tokens);
  const int64_t room = context_ - (static_cast<int64_t>(tokens.size()) - state.begin) + 1;
  most = std::min(most, std::max<int64_t>(room, 1));
  if (!first) return {most, 0, 0.6};

  // The prompt is read now, but for its last token.
  const auto unread = tokens.subspan(static_cast<size_t>(state.begin), tokens.size() - state.begin - 1);
  if (std::any_of(unread.begin(), unread.end(), unknown)) return {};
  if (unread.empty()) return {most, 0, 0.6};
  if (!give_blocks(state, static_cast<int64_t>(unread.size()))) return {};
  const BatchSlice slice{unread, 0, state.blocks, LogitsFor::none};
  forward({&slice, 1});
  state.ids.assign(unread.begin(), unread.end());
  return {most, 0, 0.6};
}

void ModelDraft::draft(std::span<DraftRequest> requests) {
  std::vector<DraftRequest*> open;
  for (DraftRequest& request : requests) {
    State& state = sequences_.at(request.sequence);
    go_back(state, request.tokens);
    const auto unread = request.tokens.subspan(static_cast<size_t>(state.begin) + state.ids.size());
    const auto known = [this](int32_t id) { return id < vocab_; };
    const int64_t end = static_cast<int64_t>(request.tokens.size()) - state.begin + request.count - 1;
    if (end > context_ || !std::all_of(unread.begin(), unread.end(), known) || !give_blocks(state, end)) continue;
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
