#include "text/bpe.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "text/byte_level.h"
#include "text/unicode.h"

namespace mang {

namespace {

constexpr size_t kShortWord = 40;  // symbols; above it the queue wins

// The only character of a text, or nothing.
std::optional<char32_t> single_character(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const Decoded d = decode_utf8(text.data(), text.data() + text.size());
  if (d.length != text.size()) return std::nullopt;
  return d.value;
}

char32_t first_character(std::string_view text) { return decode_utf8(text.data(), text.data() + text.size()).value; }

char32_t last_character(std::string_view text) {
  const char* p = text.data();
  const char* end = p + text.size();
  char32_t last = kEndOfText;
  while (p < end) {
    const Decoded d = decode_utf8(p, end);
    last = d.value;
    p += d.length;
  }
  return last;
}

}  // namespace

Result<BpeModel> BpeModel::build(const TokenizerSpec& spec, bool bytes) {
  BpeModel model;
  model.bytes_ = bytes;
  model.ignore_merges_ = spec.ignore_merges;
  model.fuse_unknown_ = spec.fuse_unknown;
  model.byte_fallback_ = spec.byte_fallback;
  model.unknown_id_ = spec.unknown_id;
  model.byte_ids_.assign(256, -1);
  model.char_pages_.assign((kInvalidByte >> 8) + 1, -1);

  int32_t rows = 0;
  size_t pool = 0;
  for (const auto& token : spec.vocabulary) {
    rows = std::max(rows, token.id + 1);
    pool += token.text.size();
  }
  model.whole_ = std::make_unique<std::atomic<uint8_t>[]>(static_cast<size_t>(rows));
  model.words_.reserve(spec.vocabulary.size(), pool);
  for (const auto& token : spec.vocabulary) {
    std::string text = token.text;
    if (bytes) {
      auto raw = stand_ins_to_bytes(token.text);
      if (!raw) continue;  // no text reaches it: its characters are not bytes
      text = std::move(*raw);
      if (text.size() == 1) model.byte_ids_[static_cast<uint8_t>(text[0])] = token.id;
    } else {
      if (const int byte = byte_of_token(text); byte >= 0 && spec.byte_fallback) {
        model.byte_ids_[static_cast<size_t>(byte)] = token.id;
      }
      if (const auto c = single_character(text)) {
        int32_t& page = model.char_pages_[*c >> 8];
        if (page < 0) {
          page = static_cast<int32_t>(model.char_ids_.size() / 256);
          model.char_ids_.resize(model.char_ids_.size() + 256, -1);
        }
        model.char_ids_[static_cast<size_t>(page) * 256 + (*c & 255)] = token.id;
      }
    }
    if (!model.words_.insert(text, token.id)) return fail("the vocabulary lists the token '{}' twice.", token.text);
  }
  model.all_bytes_known_ = std::find(model.byte_ids_.begin(), model.byte_ids_.end(), -1) == model.byte_ids_.end();

  if (!bytes) {
    MANG_TRY(model.load_junctions(spec));
  }
  model.merges_.reserve(spec.merges.size());
  for (size_t i = 0; i < spec.merges.size(); ++i) {
    const auto& merge = spec.merges[i];
    model.merges_.insert_or_assign(merge.left, merge.right, {static_cast<uint32_t>(i), merge.merged});
  }
  return model;
}

Result<void> BpeModel::load_junctions(const TokenizerSpec& spec) {
  std::vector<std::string_view> text_of;
  for (const auto& token : spec.vocabulary) {
    if (static_cast<size_t>(token.id) >= text_of.size()) text_of.resize(static_cast<size_t>(token.id) + 1);
    text_of[static_cast<size_t>(token.id)] = token.text;
  }
  std::vector<std::pair<char32_t, char32_t>> pairs;
  pairs.reserve(spec.merges.size());
  for (const auto& merge : spec.merges) {
    // A byte token or the unknown token stands for other characters than its text.
    for (int32_t id : {merge.left, merge.right}) {
      const auto text = text_of[static_cast<size_t>(id)];
      if (text.empty() || id == spec.unknown_id || (spec.byte_fallback && byte_of_token(text) >= 0)) {
        return fail("a merge of the token '{}' is not supported.", text);
      }
    }
    pairs.emplace_back(last_character(text_of[static_cast<size_t>(merge.left)]),
                       first_character(text_of[static_cast<size_t>(merge.right)]));
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  junctions_.reserve(pairs.size());
  for (const auto& [left, right] : pairs) {
    junctions_.insert_or_assign(static_cast<int32_t>(left), static_cast<int32_t>(right), {0, 0});
  }
  return {};
}

bool BpeModel::may_join(char32_t left, char32_t right) const {
  return junctions_.find(static_cast<int32_t>(left), static_cast<int32_t>(right)).id >= 0;
}

int32_t BpeModel::initial_id(std::string_view symbol, char32_t character) const {
  if (bytes_) return byte_ids_[static_cast<uint8_t>(symbol[0])];
  const int32_t page = char_pages_[character >> 8];
  return page < 0 ? -1 : char_ids_[static_cast<size_t>(page) * 256 + (character & 255)];
}

// The <0xNN> tokens of a symbol's bytes; false (and nothing appended) if one of them is missing.
bool BpeModel::append_bytes(std::string_view symbol, std::vector<int32_t>& out) const {
  for (char b : symbol) {
    if (byte_ids_[static_cast<uint8_t>(b)] < 0) return false;
  }
  for (char b : symbol) out.push_back(byte_ids_[static_cast<uint8_t>(b)]);
  return true;
}

void BpeModel::encode(std::string_view word, BpeScratch& scratch, std::vector<int32_t>& out) const {
  if (word.empty()) return;
  if (ignore_merges_) {
    if (const int32_t id = words_.find(word); id >= 0) {
      out.push_back(id);
      return;
    }
  }
  if (bytes_ && all_bytes_known_) {
    encode_known(word, scratch, out);
  } else {
    encode_characters(word, scratch, out);
  }
}

// A part whose symbols all have tokens, and which no merge leaves.
void BpeModel::encode_known(std::string_view part, BpeScratch& scratch, std::vector<int32_t>& out) const {
  const int32_t id = words_.find(part);
  if (id >= 0 && whole_[static_cast<size_t>(id)].load(std::memory_order_relaxed) == 1) {
    out.push_back(id);
    return;
  }
  auto& ids = scratch.ids;
  ids.clear();
  if (bytes_) {
    for (char b : part) ids.push_back(byte_ids_[static_cast<uint8_t>(b)]);
  } else {
    const char* end = part.data() + part.size();
    for (const char* p = part.data(); p < end;) {
      const Decoded d = decode_utf8(p, end);
      ids.push_back(initial_id({p, d.length}, d.value));
      p += d.length;
    }
  }
  merge(scratch);
  if (id >= 0) {
    const bool itself = ids.size() == 1 && ids[0] == id;
    whole_[static_cast<size_t>(id)].store(itself ? 1 : 2, std::memory_order_relaxed);
  }
  out.insert(out.end(), ids.begin(), ids.end());
}

void BpeModel::encode_characters(std::string_view word, BpeScratch& scratch, std::vector<int32_t>& out) const {
  const char* const end = word.data() + word.size();
  const char* known = word.data();  // [known, p): symbols with tokens that are not written yet
  char32_t last = kEndOfText;
  bool unknown_pending = false;
  const auto flush = [&](const char* p) {
    if (p > known) encode_known({known, static_cast<size_t>(p - known)}, scratch, out);
    known = p;
  };
  for (const char* p = word.data(); p < end;) {
    const Decoded d = bytes_ ? Decoded{static_cast<uint8_t>(*p), 1} : decode_utf8(p, end);
    const std::string_view symbol(p, d.length);
    if (initial_id(symbol, d.value) >= 0) {
      if (unknown_pending) {
        out.push_back(unknown_id_);
        unknown_pending = false;
      }
      if (p > known && !bytes_ && !may_join(last, d.value)) flush(p);
      last = d.value;
      p += d.length;
      continue;
    }
    flush(p);
    p += d.length;
    known = p;
    // As Hugging Face does, an unknown token that waits for its neighbours is written after bytes that follow it.
    if (byte_fallback_ && append_bytes(symbol, out)) continue;
    if (unknown_id_ < 0) continue;
    if (unknown_pending && !fuse_unknown_) out.push_back(unknown_id_);
    unknown_pending = true;
  }
  flush(end);
  if (unknown_pending) out.push_back(unknown_id_);
}

void BpeModel::merge(BpeScratch& scratch) const {
  if (scratch.ids.size() < 2) return;
  if (scratch.ids.size() <= kShortWord) {
    merge_short(scratch);
  } else {
    merge_long(scratch);
  }
}

// The pair with the lowest rank, leftmost first, until none is left; everything in two small arrays.
void BpeModel::merge_short(BpeScratch& scratch) const {
  auto& ids = scratch.ids;
  std::array<MergeTarget, kShortWord> pair;
  size_t n = ids.size();
  for (size_t i = 0; i + 1 < n; ++i) pair[i] = merges_.find(ids[i], ids[i + 1]);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i) {
      if (pair[i].rank < pair[best].rank) best = i;
    }
    if (pair[best].rank == UINT32_MAX) break;
    ids[best] = pair[best].id;
    for (size_t i = best + 1; i + 1 < n; ++i) {
      ids[i] = ids[i + 1];
      pair[i] = pair[i + 1];
    }
    --n;
    if (best + 1 < n) pair[best] = merges_.find(ids[best], ids[best + 1]);
    if (best > 0) pair[best - 1] = merges_.find(ids[best - 1], ids[best]);
  }
  ids.resize(n);
}

// A linked list of symbols and a queue of (rank, position); an entry is stale when the pair at its position has
// another rank by now.
void BpeModel::merge_long(BpeScratch& scratch) const {
  auto& ids = scratch.ids;
  const auto n = static_cast<int32_t>(ids.size());
  auto& ranks = scratch.ranks;
  auto& previous = scratch.previous;
  auto& next = scratch.next;
  auto& queue = scratch.queue;
  ranks.assign(ids.size(), UINT32_MAX);
  previous.resize(ids.size());
  next.resize(ids.size());
  queue.clear();
  const auto entry = [](uint32_t rank, int32_t position) {
    return uint64_t{rank} << 32 | static_cast<uint32_t>(position);
  };
  for (int32_t i = 0; i < n; ++i) {
    previous[static_cast<size_t>(i)] = i - 1;
    next[static_cast<size_t>(i)] = i + 1;
    if (i + 1 == n) break;
    const uint32_t rank = merges_.find(ids[static_cast<size_t>(i)], ids[static_cast<size_t>(i) + 1]).rank;
    ranks[static_cast<size_t>(i)] = rank;
    if (rank != UINT32_MAX) queue.push_back(entry(rank, i));
  }
  std::make_heap(queue.begin(), queue.end(), std::greater<>());
  const auto update = [&](int32_t left) {
    const int32_t right = next[static_cast<size_t>(left)];
    const uint32_t rank =
        right < n ? merges_.find(ids[static_cast<size_t>(left)], ids[static_cast<size_t>(right)]).rank : UINT32_MAX;
    ranks[static_cast<size_t>(left)] = rank;
    if (rank == UINT32_MAX) return;
    queue.push_back(entry(rank, left));
    std::push_heap(queue.begin(), queue.end(), std::greater<>());
  };
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), std::greater<>());
    const uint64_t top = queue.back();
    queue.pop_back();
    const auto left = static_cast<int32_t>(top & 0xFFFFFFFF);
    if (ranks[static_cast<size_t>(left)] != top >> 32) continue;
    const int32_t right = next[static_cast<size_t>(left)];
    ids[static_cast<size_t>(left)] = merges_.find(ids[static_cast<size_t>(left)], ids[static_cast<size_t>(right)]).id;
    ids[static_cast<size_t>(right)] = -1;
    ranks[static_cast<size_t>(right)] = UINT32_MAX;
    next[static_cast<size_t>(left)] = next[static_cast<size_t>(right)];
    if (next[static_cast<size_t>(left)] < n) {
      previous[static_cast<size_t>(next[static_cast<size_t>(left)])] = left;
    }
    update(left);
    if (previous[static_cast<size_t>(left)] >= 0) update(previous[static_cast<size_t>(left)]);
  }
  ids.erase(std::remove(ids.begin(), ids.end(), -1), ids.end());
}

void BpeModel::encode_reference(std::string_view word, std::vector<int32_t>& out) const {
  if (ignore_merges_) {
    if (const int32_t id = words_.find(word); id >= 0) {
      out.push_back(id);
      return;
    }
  }
  std::vector<int32_t> ids;
  bool unknown_pending = false;
  const char* const end = word.data() + word.size();
  for (const char* p = word.data(); p < end;) {
    const Decoded d = bytes_ ? Decoded{static_cast<uint8_t>(*p), 1} : decode_utf8(p, end);
    const std::string_view symbol(p, d.length);
    p += d.length;
    if (const int32_t id = initial_id(symbol, d.value); id >= 0) {
      if (unknown_pending) ids.push_back(unknown_id_);
      unknown_pending = false;
      ids.push_back(id);
    } else if (!(byte_fallback_ && append_bytes(symbol, ids)) && unknown_id_ >= 0) {
      if (unknown_pending && !fuse_unknown_) ids.push_back(unknown_id_);
      unknown_pending = true;
    }
  }
  if (unknown_pending) ids.push_back(unknown_id_);
  while (true) {
    MergeTarget best;
    size_t at = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const MergeTarget target = merges_.find(ids[i], ids[i + 1]);
      if (target.rank < best.rank) {
        best = target;
        at = i;
      }
    }
    if (best.id < 0) break;
    ids[at] = best.id;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
  out.insert(out.end(), ids.begin(), ids.end());
}

}  // namespace mang
