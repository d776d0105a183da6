// Byte-pair encoding of one word. Source: Sennrich et al. 2016, with Hugging Face's rules for ties (lowest rank
// first, then leftmost), unknown characters and byte fallback.
// Worst case O(n log n) for a word of n symbols; short words take a quadratic path without a queue.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/flat_table.h"
#include "text/tokenizer_spec.h"

namespace mang {

// Reusable memory of one encode() call.
struct BpeScratch {
  std::vector<int32_t> ids;
  std::vector<uint32_t> ranks;
  std::vector<int32_t> previous;
  std::vector<int32_t> next;
  std::vector<uint64_t> queue;
};

class BpeModel {
 public:
  // `bytes`: words arrive as raw bytes and a symbol is a byte; the vocabulary's stand-in characters (text/byte_level.h)
  // are turned into bytes. Else a symbol is a character.
  static Result<BpeModel> build(const TokenizerSpec& spec, bool bytes);

  void encode(std::string_view word, BpeScratch& scratch, std::vector<int32_t>& out) const;
  // The same by the definition: find the best pair, merge it, again. For tests.
  void encode_reference(std::string_view word, std::vector<int32_t>& out) const;

 private:
  void encode_known(std::string_view part, BpeScratch& scratch, std::vector<int32_t>& out) const;
  void encode_characters(std::string_view word, BpeScratch& scratch, std::vector<int32_t>& out) const;
  void merge(BpeScratch& scratch) const;
  void merge_short(BpeScratch& scratch) const;
  void merge_long(BpeScratch& scratch) const;
  [[nodiscard]] int32_t initial_id(std::string_view symbol, char32_t character) const;
  [[nodiscard]] bool may_join(char32_t left, char32_t right) const;
  Result<void> load_junctions(const TokenizerSpec& spec);
  bool append_bytes(std::string_view symbol, std::vector<int32_t>& out) const;

  bool bytes_ = false;
  bool ignore_merges_ = false;
  bool fuse_unknown_ = false;
  bool byte_fallback_ = false;
  bool all_bytes_known_ = false;
  int32_t unknown_id_ = -1;
  StringTable words_;   // a word → its token
  PairTable merges_;
  std::vector<int32_t> byte_ids_;      // bytes mode: of each byte; else of each <0xNN>; −1: none
  std::vector<int32_t> char_pages_;    // character mode: c >> 8 → page of char_ids_, −1: none
  std::vector<int32_t> char_ids_;
  // Character mode: pairs of characters that stand next to each other inside some token that merging can make. Where
  // the text has another pair, no merge crosses, and the word may be cut there: this is what makes one "word" of a
  // whole document (SentencePiece) cheap.
  PairTable junctions_;
  // For each id, whether its text encodes to the token itself: 0 not known yet, 1 yes, 2 no.
  mutable std::unique_ptr<std::atomic<uint8_t>[]> whole_;
};

}  // namespace mang
