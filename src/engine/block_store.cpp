#include "engine/block_store.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "hub/digest.h"

namespace mang {

BlockKey root_key(std::string_view model_key, int arithmetic, int kv_type, std::string_view scope) {
  Digest hash = Digest::sha256();
  hash.add_text(model_key);
  hash.add_text(scope);
  const int32_t modes[] = {arithmetic, kv_type};
  hash.add(modes, sizeof modes);
  return hash.sha256_bytes();
}

BlockKey chain_key(const BlockKey& before, std::span<const int32_t> ids) {
  Digest hash = Digest::sha256();
  hash.add(before.data(), before.size());
  hash.add(ids.data(), ids.size_bytes());
  return hash.sha256_bytes();
}

size_t BlockStore::KeyHash::operator()(const BlockKey& key) const {
  size_t hash;
  std::memcpy(&hash, key.data(), sizeof hash);
  return hash;
}

BlockId BlockStore::allocate() {
  BlockId block = pool_->allocate();
  if (block >= 0 || unused_.empty()) return block;
  evict(BlockKey(unused_.front()));
  block = pool_->allocate();
  MANG_CHECK(block >= 0);
  return block;
}

void BlockStore::release(BlockId block) {
  pool_->release(block);
  const auto key = key_of_.find(block);
  if (key == key_of_.end() || pool_->references(block) > 1) return;
  Entry& entry = entries_.at(key->second);
  MANG_CHECK(!entry.unused);
  entry.at = unused_.insert(unused_.end(), key->second);
  entry.unused = true;
}

void BlockStore::release_all(std::vector<BlockId>& blocks) {
  // The last first: a chain is given up from its end, for without its beginning the rest cannot be found.
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) release(*block);
  blocks.clear();
}

int64_t BlockStore::available() const { return pool_->free_blocks() + static_cast<int64_t>(unused_.size()); }

BlockStore::Reach BlockStore::reach(const BlockKey& root, std::span<const BlockKey> keys,
                                    std::span<const int32_t> ids) const {
  Reach reach;
  const BlockKey* before = &root;
  for (const BlockKey& key : keys) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) {
      reach.end = why_missing(key, *before, reach.blocks == 0);
      break;
    }
    const Entry& entry = found->second;
    const auto block_ids = ids.subspan(static_cast<size_t>(reach.blocks * kPagePositions), kPagePositions);
    if (entry.before != *before || !std::equal(block_ids.begin(), block_ids.end(), entry.ids.begin())) {
      reach.end = CacheEnd::departed;
      break;
    }
    ++reach.blocks;
    if (entry.unused) ++reach.unused;
    before = &key;
  }
  return reach;
}

CacheEnd BlockStore::why_missing(const BlockKey& key, const BlockKey& before, bool beginning) const {
  if (evicted_.contains(key)) return CacheEnd::evicted;
  if (followers_.contains(before)) return beginning ? CacheEnd::first : CacheEnd::departed;
  return beginning ? CacheEnd::first : CacheEnd::fresh;
}

void BlockStore::remember_evicted(const BlockKey& key) {
  constexpr size_t kRemembered = 16'384;
  if (!evicted_.insert(key).second) return;
  evicted_order_.push_back(key);
  if (evicted_order_.size() <= kRemembered) return;
  evicted_.erase(evicted_order_.front());
  evicted_order_.pop_front();
}

std::vector<BlockId> BlockStore::take(std::span<const BlockKey> keys, int64_t count) {
  std::vector<BlockId> blocks;
  for (const BlockKey& key : keys.first(static_cast<size_t>(count))) {
    Entry& entry = entries_.at(key);
    pool_->add_reference(entry.block);
    if (entry.unused) unused_.erase(entry.at);
    entry.unused = false;
    blocks.push_back(entry.block);
  }
  return blocks;
}

void BlockStore::insert(BlockId block, const BlockKey& before, const BlockKey& key, std::span<const int32_t> ids) {
  MANG_CHECK(ids.size() == static_cast<size_t>(kPagePositions));
  if (key_of_.contains(block)) return;
  const auto [entry, is_new] = entries_.try_emplace(key);
  if (!is_new) return;
  entry->second = {block, before, {ids.begin(), ids.end()}, false, {}};
  key_of_.emplace(block, key);
  ++followers_[before];
  pool_->add_reference(block);
}

void BlockStore::forget(BlockId block) {
  if (const auto key = key_of_.find(block); key != key_of_.end()) evict(BlockKey(key->second));
}

void BlockStore::evict(const BlockKey& key) {
  const auto found = entries_.find(key);
  MANG_CHECK(found != entries_.end());
  if (found->second.unused) unused_.erase(found->second.at);
  const auto followers = followers_.find(found->second.before);
  if (--followers->second == 0) followers_.erase(followers);
  remember_evicted(key);
  const BlockId block = found->second.block;
  key_of_.erase(block);
  entries_.erase(found);
  pool_->release(block);
}

BlockId BlockStore::copy(BlockId block) {
  const BlockId to = allocate();
  if (to < 0) return to;
  const auto& layers = pool_->layers();
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    const auto at = static_cast<int64_t>(layer);
    std::memcpy(pool_->page(to, at), pool_->page(block, at), static_cast<size_t>(layers[layer].page_bytes()));
  }
  return to;
}

}  // namespace mang
