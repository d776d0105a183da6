#include "text/unigram.h"

#include <algorithm>
#include <limits>

#include "text/unicode.h"

namespace mang {

Result<UnigramModel> UnigramModel::build(const TokenizerSpec& spec) {
  constexpr double kUnknownPenalty = 10.0;
  UnigramModel model;
  double worst = std::numeric_limits<double>::infinity();
  std::vector<std::pair<std::string_view, int32_t>> entries;
  entries.reserve(spec.vocabulary.size());
  for (size_t i = 0; i < spec.vocabulary.size(); ++i) {
    const auto& token = spec.vocabulary[i];
    if (token.id != static_cast<int32_t>(i)) return fail("unigram token {} has the id {}.", i, token.id);
    if (token.score != token.score) return fail("unigram token {} has no number for a score.", i);
    worst = std::min(worst, token.score);
    model.scores_.push_back(token.score);
    if (!token.text.empty()) entries.emplace_back(token.text, token.id);
  }
  if (spec.unknown_id < 0 || spec.unknown_id >= static_cast<int32_t>(spec.vocabulary.size())) {
    return fail("a unigram vocabulary needs an unknown token (unk_id).");
  }
  model.trie_ = Trie(std::move(entries));
  model.unknown_score_ = worst - kUnknownPenalty;
  model.unknown_id_ = spec.unknown_id;
  model.byte_fallback_ = spec.byte_fallback;
  model.byte_ids_.resize(256);
  for (int byte = 0; byte < 256; ++byte) {
    model.byte_ids_[static_cast<size_t>(byte)] = model.trie_.find(fmt::format("<0x{:02X}>", byte));
  }
  return model;
}

void UnigramModel::append_unknown(std::string_view text, std::vector<int32_t>& out) const {
  // As in Hugging Face, the characters together may be a token after all.
  if (const int32_t id = trie_.find(text); id >= 0) {
    out.push_back(id);
    return;
  }
  const auto known = [&](char b) { return byte_ids_[static_cast<uint8_t>(b)] >= 0; };
  if (byte_fallback_ && std::all_of(text.begin(), text.end(), known)) {
    for (char b : text) out.push_back(byte_ids_[static_cast<uint8_t>(b)]);
    return;
  }
  out.push_back(unknown_id_);
}

void UnigramModel::encode(std::string_view word, UnigramScratch& scratch, std::vector<int32_t>& out) const {
  if (word.empty()) return;
  auto& best = scratch.best;
  best.assign(word.size() + 1, {});
  best[0].begin = 0;
  const char* const end = word.data() + word.size();
  const auto offer = [&](size_t from, size_t to, double score, int32_t id) {
    const double total = score + best[from].score;
    auto& target = best[to];
    if (target.begin == UINT32_MAX || total > target.score) target = {total, static_cast<uint32_t>(from), id};
  };
  for (size_t from = 0; from < word.size();) {
    const size_t length = decode_utf8(word.data() + from, end).length;
    bool has_single = false;
    uint32_t node = Trie::kRoot;
    for (size_t to = from; to < word.size();) {
      node = trie_.child(node, word[to]);
      if (node == Trie::kNowhere) break;
      ++to;
      const int32_t id = trie_.value(node);
      if (id < 0) continue;
      offer(from, to, scores_[static_cast<size_t>(id)], id);
      has_single = has_single || to - from == length;
    }
    if (!has_single) offer(from, from + length, unknown_score_, unknown_id_);
    from += length;
  }
  // Back from the end; then the tokens in order, with neighbouring unknown ones joined.
  auto& path = scratch.unknown;
  path.clear();
  for (size_t to = word.size(); to > 0; to = best[to].begin) {
    path.emplace_back(best[to].begin, static_cast<uint32_t>(to));
  }
  for (size_t i = path.size(); i > 0;) {
    auto [begin, to] = path[--i];
    if (best[to].id != unknown_id_) {
      out.push_back(best[to].id);
      continue;
    }
    while (i > 0 && best[path[i - 1].second].id == unknown_id_) to = path[--i].second;
    append_unknown(word.substr(begin, to - begin), out);
  }
}

}  // namespace mang
