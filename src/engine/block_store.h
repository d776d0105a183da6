// The blocks of the KV pool as the engine uses them, with the prefix cache: a full block stays in the cache after its
// sequence ends, and any later sequence with the same tokens before it uses it again. Blocks that nobody but the cache
// holds are given up, the longest unused first, when a block is wanted and none is free.
//
// A block's key is SHA-256(key of the block before it, its token ids); the first key is that of the model, arithmetic,
// KV type and scope. Equal keys are not taken on trust: the ids are compared too.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/cache_end.h"
#include "hub/digest.h"
#include "model/kv_cache.h"

namespace mang {

using BlockKey = Sha256;

// The key before a sequence's first block.
BlockKey root_key(std::string_view model_key, int arithmetic, int kv_type, std::string_view scope);
BlockKey chain_key(const BlockKey& before, std::span<const int32_t> ids);

class BlockStore {
 public:
  explicit BlockStore(KvPool& pool) : pool_(&pool) {}

  // A block with one reference, from the pool or from the cache's unused ones; −1: every block is in use.
  BlockId allocate();
  void release(BlockId block);  // one reference less; a cached block stays in the cache
  void release_all(std::vector<BlockId>& blocks);
  [[nodiscard]] bool shared(BlockId block) const { return pool_->references(block) > 1; }
  [[nodiscard]] int64_t available() const;  // how often allocate() would succeed now

  // How far the cache reaches into a sequence: the number of leading blocks it has, and how many of those are among the
  // available ones. keys: of the sequence's whole blocks, chained from root; ids: its tokens.
  struct Reach {
    int64_t blocks = 0;
    int64_t unused = 0;
    CacheEnd end = CacheEnd::whole;
  };
  [[nodiscard]] Reach reach(const BlockKey& root, std::span<const BlockKey> keys, std::span<const int32_t> ids) const;
  // The first `count` of them, a reference added to each; count is at most reach().blocks.
  std::vector<BlockId> take(std::span<const BlockKey> keys, int64_t count);
  // Offers a block, full and computed, to the cache. Nothing happens if the same tokens are cached already.
  void insert(BlockId block, const BlockKey& before, const BlockKey& key, std::span<const int32_t> ids);
  // Takes a block out of the cache: what it holds must not be found again.
  void forget(BlockId block);

  // A copy for one sequence to write to; −1: no block was available.
  BlockId copy(BlockId block);

 private:
  struct KeyHash {
    size_t operator()(const BlockKey& key) const;
  };
  struct Entry {
    BlockId block = -1;
    BlockKey before;
    std::vector<int32_t> ids;
    bool unused = false;               // only the cache holds it: it stands in unused_
    std::list<BlockKey>::iterator at;  // if unused
  };
  void evict(const BlockKey& key);
  [[nodiscard]] CacheEnd why_missing(const BlockKey& key, const BlockKey& before, bool beginning) const;
  void remember_evicted(const BlockKey& key);

  KvPool* pool_;
  std::unordered_map<BlockKey, Entry, KeyHash> entries_;
  std::unordered_map<BlockId, BlockKey> key_of_;              // of cached blocks
  std::list<BlockKey> unused_;                                // the longest unused first
  std::unordered_map<BlockKey, int64_t, KeyHash> followers_;  // cached blocks that come after a key
  std::unordered_set<BlockKey, KeyHash> evicted_;             // the latest, to say why something is missing
  std::deque<BlockKey> evicted_order_;
};

}  // namespace mang
