#include "model/kv_cache.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>

namespace mang::test {
namespace {

KvLayout layout(KvType type = KvType::f16) { return {type, 2, 32, 32}; }

uint64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  in >> total >> resident;
  return resident * 4096;
}

TEST_CASE("blocks are handed out once, counted and taken back") {
  auto pool = KvPool::create({layout(), layout()}, 4);
  REQUIRE(pool.ok());
  CHECK(pool->blocks() == 4);
  CHECK(pool->block_bytes() == 2 * layout().page_bytes());
  std::set<BlockId> taken;
  for (int i = 0; i < 4; ++i) taken.insert(pool->allocate());
  CHECK(taken == std::set<BlockId>{0, 1, 2, 3});
  CHECK(pool->allocate() == -1);
  CHECK(pool->free_blocks() == 0);
  pool->add_reference(2);
  CHECK(pool->references(2) == 2);
  pool->release(2);
  CHECK(pool->allocate() == -1);  // still shared
  pool->release(2);
  CHECK(pool->references(2) == 0);
  CHECK(pool->allocate() == 2);
}

TEST_CASE("pages do not overlap") {
  auto pool = KvPool::create({layout(KvType::f32), layout(KvType::q8_0), layout()}, 3);
  REQUIRE(pool.ok());
  for (BlockId block = 0; block < 3; ++block) {
    for (int64_t layer = 0; layer < 3; ++layer) {
      std::memset(pool->page(block, layer), block * 3 + static_cast<int>(layer) + 1,
                  static_cast<size_t>(pool->layers()[static_cast<size_t>(layer)].page_bytes()));
    }
  }
  for (BlockId block = 0; block < 3; ++block) {
    for (int64_t layer = 0; layer < 3; ++layer) {
      const std::byte* page = pool->page(block, layer);
      const int64_t bytes = pool->layers()[static_cast<size_t>(layer)].page_bytes();
      const auto expected = static_cast<std::byte>(block * 3 + layer + 1);
      CHECK(std::count(page, page + bytes, expected) == bytes);
    }
  }
}

TEST_CASE("memory becomes resident when it is written, not before") {
  const int64_t blocks = (int64_t{1} << 30) / layout().page_bytes();
  const uint64_t before = resident_bytes();
  auto pool = KvPool::create({layout()}, blocks);  // 1 GiB
  REQUIRE(pool.ok());
  CHECK(resident_bytes() < before + (uint64_t{32} << 20));
  std::memset(pool->page(blocks - 1, 0), 1, static_cast<size_t>(layout().page_bytes()));
  CHECK(resident_bytes() < before + (uint64_t{32} << 20));
}

TEST_CASE("a context of 2^31 positions that only a file claims costs nothing until it is used") {
  const uint64_t before = resident_bytes();
  auto pool = KvPool::create({{KvType::f16, 1, 2, 2}}, int64_t{1} << 25);
  REQUIRE(pool.ok());
  CHECK(pool->blocks() == int64_t{1} << 25);
  CHECK(pool->free_blocks() == int64_t{1} << 25);
  CHECK(pool->allocate() == 0);
  CHECK(pool->free_blocks() == (int64_t{1} << 25) - 1);
  CHECK(pool->references((1 << 25) - 1) == 0);
  CHECK(resident_bytes() < before + (uint64_t{8} << 20));
}

TEST_CASE("what no memory could hold is refused") {
  CHECK_FALSE(KvPool::create({layout()}, 0).ok());
  CHECK_FALSE(KvPool::create({layout()}, -1).ok());
  CHECK_FALSE(KvPool::create({layout()}, int64_t{1} << 40).ok());
  const KvLayout huge = {KvType::f32, int64_t{1} << 20, 1024, 1024};
  CHECK_FALSE(KvPool::create(std::vector<KvLayout>(1024, huge), int64_t{1} << 30).ok());
}

}  // namespace
}  // namespace mang::test
