// The KV cache: a pool of fixed-size blocks shared by all sequences. A block holds kPagePositions positions of every
// layer; a sequence is a table of blocks. Blocks are counted, so that a prefix can be shared between sequences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "kernels/attention.h"

namespace mang {

using BlockId = int32_t;

inline int64_t blocks_for(int64_t positions) { return (positions + kPagePositions - 1) / kPagePositions; }

class KvPool {
 public:
  // Memory for `blocks` blocks of `layers` layers is reserved now and becomes resident as it is written.
  static Result<KvPool> create(std::vector<KvLayout> layers, int64_t blocks);

  KvPool(KvPool&&) noexcept;
  KvPool& operator=(KvPool&&) noexcept;
  ~KvPool();

  [[nodiscard]] int64_t blocks() const;
  [[nodiscard]] int64_t free_blocks() const;
  [[nodiscard]] int64_t block_bytes() const;  // all layers together
  [[nodiscard]] const std::vector<KvLayout>& layers() const;

  // Takes a block with one reference; −1 when none is free.
  BlockId allocate();
  void add_reference(BlockId block);
  void release(BlockId block);  // gives the block back when the last reference goes
  [[nodiscard]] int references(BlockId block) const;

  // The page of a layer inside a block (layout: kernels/attention.h).
  [[nodiscard]] std::byte* page(BlockId block, int64_t layer) const;

 private:
  KvPool();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mang
