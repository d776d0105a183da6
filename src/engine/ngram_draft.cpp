#include "engine/ngram_draft.h"

#include <algorithm>

#include "base/check.h"

namespace mang {

namespace {

uint64_t pair_at(std::span<const int32_t> tokens, size_t second) {
  return uint64_t{static_cast<uint32_t>(tokens[second - 1])} << 32 | static_cast<uint32_t>(tokens[second]);
}

// How many tokens up to and with `a` are the same as those up to and with `b`; a < b.
int64_t common_before(std::span<const int32_t> tokens, size_t a, size_t b) {
  const auto most = std::min(static_cast<int64_t>(a) + 1, NgramIndex::kLongest);
  int64_t n = 0;
  while (n < most && tokens[a - static_cast<size_t>(n)] == tokens[b - static_cast<size_t>(n)]) ++n;
  return n;
}

}  // namespace

// The last pair is not added: it would only find itself.
void NgramIndex::add(std::span<const int32_t> tokens) {
  const size_t end = std::min(tokens.size() - 1, before_.size() + static_cast<size_t>(kIndexedAtOnce));
  for (size_t at = before_.size(); at < end; ++at) {
    if (at == 0) {
      before_.push_back(-1);
      continue;
    }
    const auto [latest, is_new] = latest_.try_emplace(pair_at(tokens, at), static_cast<int32_t>(at));
    before_.push_back(is_new ? -1 : latest->second);
    latest->second = static_cast<int32_t>(at);
  }
}

NgramIndex::Match NgramIndex::find(std::span<const int32_t> tokens) {
  MANG_CHECK(tokens.size() >= before_.size());
  Match best;
  if (tokens.size() < 3) return best;
  add(tokens);
  const size_t last = tokens.size() - 1;
  const auto found = latest_.find(pair_at(tokens, last));
  int32_t place = found == latest_.end() ? -1 : found->second;
  for (int64_t looked = 0; place >= 0 && looked < kMostPlaces && best.length < kLongest; ++looked) {
    const int64_t length = common_before(tokens, static_cast<size_t>(place), last);
    if (length > best.length) best = {int64_t{place} + 1, length};
    place = before_[static_cast<size_t>(place)];
  }
  return best;
}

DraftOffer NgramDraft::offer(uint64_t sequence, std::span<const int32_t> tokens, int64_t most, double /*seconds*/) {
  State& state = sequences_[sequence];
  state.match = state.index.find(tokens);
  const int64_t length = state.match.length;
  if (length < NgramIndex::kShortest) return {};
  if (length == 2) return {most, 0, 0.35};
  if (length == 3) return {most, 1, 0.5};
  if (length <= 5) return {most, 2, 0.65};
  return {most, 3, 0.8};
}

double NgramDraft::draft(std::span<DraftRequest> requests) {
  for (DraftRequest& request : requests) {
    const auto next = static_cast<size_t>(sequences_.at(request.sequence).match.next);
    const size_t length = request.tokens.size();
    for (size_t i = 0; i < static_cast<size_t>(request.count); ++i) {
      const size_t at = next + i;  // past the end: what was just drafted
      request.ids.push_back(at < length ? request.tokens[at] : request.ids[at - length]);
    }
  }
  return 0;
}

void NgramDraft::forget(uint64_t sequence) { sequences_.erase(sequence); }

}  // namespace mang
