// Two hash tables of fixed content, filled once and then only read: open addressing, linear probing, no allocation
// per entry, at most half full.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace mang {

// Multiply and fold (as in wyhash); only spreads keys, promises nothing against an attacker but is always exact:
// every hit is verified.
inline uint64_t mix_hash(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_bytes(const char* p, size_t n) {
  constexpr uint64_t k0 = 0xA0761D6478BD642F, k1 = 0xE7037ED1A0B428DB, k2 = 0x8EBC6AF09C88C6E3;
  uint64_t h = k0 ^ (k2 * (n + 1));  // h ^ k0 multiplies: it must have bits everywhere
  while (n > 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    h = mix_hash(word ^ k1, h ^ k0);
    p += 8;
    n -= 8;
  }
  uint64_t word = 0;
  if (n >= 4) {
    uint32_t low, high;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + n - 4, 4);
    word = uint64_t{high} << 32 | low;
  } else if (n > 0) {
    word = uint64_t{static_cast<uint8_t>(p[0])} << 16 | uint64_t{static_cast<uint8_t>(p[n / 2])} << 8 |
           static_cast<uint8_t>(p[n - 1]);
  }
  return mix_hash(word ^ k1, h ^ k0);
}

// Text → id.
class StringTable {
 public:
  void reserve(size_t entries, size_t bytes) {
    slots_.assign(std::bit_ceil(entries * 2 + 2), Slot{});
    pool_.reserve(bytes);
  }
  // False: the text is already there (its first id stays). reserve() first.
  bool insert(std::string_view text, int32_t id) {
    const uint64_t hash = hash_bytes(text.data(), text.size());
    Slot& slot = slots_[locate(text, hash)];
    if (slot.id >= 0) return false;
    MANG_CHECK(++size_ * 2 <= slots_.size());
    slot = {static_cast<uint32_t>(hash >> 32), id, static_cast<uint32_t>(pool_.size()),
            static_cast<uint32_t>(text.size())};
    pool_.append(text);
    return true;
  }
  // −1: not there.
  [[nodiscard]] int32_t find(std::string_view text) const {
    if (slots_.empty()) return -1;
    return slots_[locate(text, hash_bytes(text.data(), text.size()))].id;
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    int32_t id = -1;
    uint32_t offset = 0;
    uint32_t length = 0;
  };
  [[nodiscard]] size_t locate(std::string_view text, uint64_t hash) const {
    const size_t mask = slots_.size() - 1;
    const auto tag = static_cast<uint32_t>(hash >> 32);
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
      const Slot& slot = slots_[i];
      if (slot.id < 0) return i;
      if (slot.tag == tag && slot.length == text.size() &&
          std::memcmp(pool_.data() + slot.offset, text.data(), text.size()) == 0) {
        return i;
      }
    }
  }
  std::vector<Slot> slots_;
  std::string pool_;
  size_t size_ = 0;
};

// A pair of ids → what they merge to, and how early.
struct MergeTarget {
  uint32_t rank = UINT32_MAX;  // lower goes first; UINT32_MAX: the pair does not merge
  int32_t id = -1;
};

class PairTable {
 public:
  void reserve(size_t entries) { slots_.assign(std::bit_ceil(entries * 2 + 2), Slot{}); }
  void insert_or_assign(int32_t left, int32_t right, MergeTarget target) {
    Slot& slot = slots_[locate(key_of(left, right))];
    if (slot.target.id < 0) MANG_CHECK(++size_ * 2 <= slots_.size());
    slot = {key_of(left, right), target};
  }
  [[nodiscard]] MergeTarget find(int32_t left, int32_t right) const {
    if (slots_.empty()) return {};
    return slots_[locate(key_of(left, right))].target;
  }

 private:
  struct Slot {
    uint64_t key = 0;
    MergeTarget target;
  };
  static uint64_t key_of(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  [[nodiscard]] size_t locate(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    for (size_t i = mix_hash(key ^ 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93) & mask;; i = (i + 1) & mask) {
      if (slots_[i].target.id < 0 || slots_[i].key == key) return i;
    }
  }
  std::vector<Slot> slots_;
  size_t size_ = 0;
};

}  // namespace mang
