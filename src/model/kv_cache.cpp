#include "model/kv_cache.h"

#include <sys/mman.h>

#include "base/check.h"
#include "base/units.h"

namespace mang {

struct KvPool::State {
  std::vector<KvLayout> layers;
  std::vector<int64_t> page_offset;  // of each layer inside a block
  int64_t block_bytes = 0;
  int64_t blocks = 0;
  // Both grow as blocks are first taken: a context that only a file claims costs nothing.
  std::vector<int32_t> references;  // of each block that was ever taken; those are the first ones
  std::vector<BlockId> free;        // of them: taken from the back
  std::byte* memory = nullptr;
  size_t memory_bytes = 0;

  ~State() {
    if (memory != nullptr) ::munmap(memory, memory_bytes);
  }
};

Result<KvPool> KvPool::create(std::vector<KvLayout> layers, int64_t blocks) {
  if (blocks < 1 || blocks > (int64_t{1} << 30)) return fail("a KV cache of {} blocks is not possible.", blocks);
  MANG_CHECK(!layers.empty());
  KvPool pool;
  State& state = *pool.state_;
  for (const KvLayout& layout : layers) {
    state.page_offset.push_back(state.block_bytes);
    state.block_bytes += layout.page_bytes();
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(state.block_bytes, blocks, &bytes)) {
    return fail("a KV cache of {} blocks of {} does not fit any memory. Ask for a shorter context.", blocks,
                human_bytes(static_cast<uint64_t>(state.block_bytes)));
  }
  // Reserved, not taken: a page of memory becomes resident when it is first written.
  void* memory = ::mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return fail("no room for a KV cache of {} ({} positions). Ask for a shorter context or a smaller KV type.",
                human_bytes(static_cast<uint64_t>(bytes)), blocks * kPagePositions);
  }
  // Large pages where the system gives them: attention at depth reads all of the cache for every token, and looking up
  // small pages takes it longer than the reading. What becomes resident grows in steps of 2 MiB.
  ::madvise(memory, static_cast<size_t>(bytes), MADV_HUGEPAGE);
  state.memory = static_cast<std::byte*>(memory);
  state.memory_bytes = static_cast<size_t>(bytes);
  state.layers = std::move(layers);
  state.blocks = blocks;
  return pool;
}

KvPool::KvPool() : state_(std::make_unique<State>()) {}
KvPool::KvPool(KvPool&&) noexcept = default;
KvPool& KvPool::operator=(KvPool&&) noexcept = default;
KvPool::~KvPool() = default;

int64_t KvPool::blocks() const { return state_->blocks; }
int64_t KvPool::free_blocks() const {
  return static_cast<int64_t>(state_->free.size()) + state_->blocks - static_cast<int64_t>(state_->references.size());
}
int64_t KvPool::block_bytes() const { return state_->block_bytes; }
const std::vector<KvLayout>& KvPool::layers() const { return state_->layers; }

BlockId KvPool::allocate() {
  if (state_->free.empty()) {
    if (static_cast<int64_t>(state_->references.size()) == state_->blocks) return -1;
    state_->references.push_back(1);
    return static_cast<BlockId>(state_->references.size() - 1);
  }
  const BlockId block = state_->free.back();
  state_->free.pop_back();
  state_->references[static_cast<size_t>(block)] = 1;
  return block;
}

void KvPool::add_reference(BlockId block) {
  MANG_CHECK(references(block) > 0);
  ++state_->references[static_cast<size_t>(block)];
}

void KvPool::release(BlockId block) {
  MANG_CHECK(references(block) > 0);
  if (--state_->references[static_cast<size_t>(block)] == 0) state_->free.push_back(block);
}

int KvPool::references(BlockId block) const {
  MANG_CHECK(block >= 0 && block < blocks());
  const auto at = static_cast<size_t>(block);
  return at < state_->references.size() ? state_->references[at] : 0;
}

std::byte* KvPool::page(BlockId block, int64_t layer) const {
  MANG_CHECK(block >= 0 && block < blocks() && layer >= 0 && layer < static_cast<int64_t>(state_->layers.size()));
  return state_->memory + block * state_->block_bytes + state_->page_offset[static_cast<size_t>(layer)];
}

}  // namespace mang
