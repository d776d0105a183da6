// Dicts: Python's hash equality (1 == 1.0 == True) over pairs in insertion order.
#include <bit>
#include <cmath>
#include <string>

#include "jinja/operators.h"

namespace mang::jinja {
namespace {

constexpr size_t kUnindexed = 8;  // up to so many pairs a scan is quicker than an index

uint64_t mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0xD6E8FEB86659FD93ULL;
  x ^= x >> 32;
  return x;
}

uint64_t hash_text(std::string_view text) { return std::hash<std::string_view>{}(text); }

// Numbers that are equal hash alike: integral doubles as their integer.
uint64_t hash_real(double d) {
  if (d == std::floor(d) && std::fabs(d) < 9.2e18) return mix(static_cast<uint64_t>(static_cast<int64_t>(d)));
  return mix(std::bit_cast<uint64_t>(d) + 1);
}

size_t slot_count(size_t pairs) { return std::bit_ceil(pairs * 2); }

void place(std::vector<uint32_t>& index, uint64_t hash, uint32_t entry) {
  const size_t mask = index.size() - 1;
  size_t at = hash & mask;
  while (index[at] != 0) at = (at + 1) & mask;
  index[at] = entry;
}

bool is_key(const Value& key, std::string_view text) { return key.is(Kind::string) && key.str() == text; }

Result<void> rebuild_index(Runtime& rt, Dict& dict) {
  const size_t slots = slot_count(dict.pairs.size() * 2);
  const size_t before = dict.index.size();
  dict.index.assign(slots, 0);
  if (slots > before) dict.charge(rt.memory, (slots - before) * sizeof(uint32_t));
  for (size_t i = 0; i < dict.pairs.size(); ++i) {
    MANG_TRY(uint64_t hash, hash_value(rt, dict.pairs[i].first));
    place(dict.index, hash, static_cast<uint32_t>(i + 1));
  }
  return {};
}

}  // namespace

Result<uint64_t> hash_value(Runtime& rt, const Value& value) {
  MANG_TRY(rt.step());
  switch (value.kind()) {
    case Kind::string:
      return hash_text(value.str());
    case Kind::boolean:
    case Kind::integer:
      return mix(static_cast<uint64_t>(value.as_int()));
    case Kind::real:
      return hash_real(value.as_real());
    case Kind::big:
      return hash_real(value.big().approximate());
    case Kind::tuple: {
      DepthGuard depth(rt);
      MANG_TRY(depth.check());
      uint64_t hash = 0x345678;
      for (const Value& item : value.items()) {
        MANG_TRY(uint64_t one, hash_value(rt, item));
        hash = mix(hash ^ one) * 1000003;
      }
      return hash;
    }
    case Kind::list:
    case Kind::dict:
      return fail("unhashable type: '{}'", type_name(value));
    case Kind::opaque:
      return mix(reinterpret_cast<uintptr_t>(value.object()));
    default:
      return mix(static_cast<uint64_t>(value.kind()) + 77);
  }
}

const Value* Dict::find(std::string_view key) const {
  if (index.empty()) {
    for (const auto& [k, v] : pairs) {
      if (is_key(k, key)) return &v;
    }
    return nullptr;
  }
  const size_t mask = index.size() - 1;
  for (size_t at = hash_text(key) & mask; index[at] != 0; at = (at + 1) & mask) {
    const auto& [k, v] = pairs[index[at] - 1];
    if (is_key(k, key)) return &v;
  }
  return nullptr;
}

Result<const Value*> dict_find(Runtime& rt, const Dict& dict, const Value& key) {
  if (key.is(Kind::string)) return dict.find(key.str());
  MANG_TRY(uint64_t hash, hash_value(rt, key));
  if (dict.index.empty()) {
    for (const auto& [k, v] : dict.pairs) {
      MANG_TRY(bool same, equal(rt, k, key));
      if (same) return &v;
    }
    return static_cast<const Value*>(nullptr);
  }
  const size_t mask = dict.index.size() - 1;
  for (size_t at = hash & mask; dict.index[at] != 0; at = (at + 1) & mask) {
    const auto& [k, v] = dict.pairs[dict.index[at] - 1];
    MANG_TRY(bool same, equal(rt, k, key));
    if (same) return &v;
  }
  return static_cast<const Value*>(nullptr);
}

Result<void> dict_set(Runtime& rt, Dict& dict, Value key, Value value) {
  MANG_TRY(const Value* found, dict_find(rt, dict, key));
  if (found) {
    *const_cast<Value*>(found) = std::move(value);
    return {};
  }
  dict.charge(rt.memory, 2 * sizeof(Value));
  MANG_TRY(rt.step());
  if (!dict.index.empty() && dict.index.size() >= slot_count(dict.pairs.size() + 1)) {
    MANG_TRY(uint64_t hash, hash_value(rt, key));
    place(dict.index, hash, static_cast<uint32_t>(dict.pairs.size() + 1));
    dict.pairs.emplace_back(std::move(key), std::move(value));
    return {};
  }
  dict.pairs.emplace_back(std::move(key), std::move(value));
  if (dict.pairs.size() > kUnindexed) return rebuild_index(rt, dict);
  return {};
}

Result<void> dict_set(Runtime& rt, Dict& dict, std::string_view key, Value value) {
  return dict_set(rt, dict, rt.string(std::string(key)), std::move(value));
}

Value Value::dict(std::vector<std::pair<std::string, Value>> items) {
  auto* object = new Dict;
  std::vector<uint32_t> index(items.size() > kUnindexed ? slot_count(items.size() * 2) : 0, 0);
  const size_t mask = index.size() - 1;
  for (auto& [key, value] : items) {
    Value* slot = nullptr;
    size_t at = 0;
    if (index.empty()) {
      slot = const_cast<Value*>(object->find(key));
    } else {
      for (at = hash_text(key) & mask; index[at] != 0 && !slot; at = (at + 1) & mask) {
        auto& pair = object->pairs[index[at] - 1];
        if (is_key(pair.first, key)) slot = &pair.second;
      }
    }
    if (slot) {
      *slot = std::move(value);
      continue;
    }
    object->pairs.emplace_back(string(std::move(key)), std::move(value));
    if (!index.empty()) index[at] = static_cast<uint32_t>(object->pairs.size());
  }
  object->index = std::move(index);
  return from_object(Kind::dict, object);
}

}  // namespace mang::jinja
