#include "text/flat_table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

using namespace mang;

TEST_CASE("Short texts spread over a hash table") {
  // Words as vocabularies have them, of each length: no place of a table twice their number may hold many.
  for (size_t length = 3; length <= 16; ++length) {
    constexpr size_t kWords = 1 << 14;
    std::mt19937 random(static_cast<uint32_t>(length));
    std::vector<int> places(2 * kWords);
    for (size_t i = 0; i < kWords; ++i) {
      std::string word = fmt::format("{:x}", i);
      while (word.size() < length) word += static_cast<char>('a' + random() % 26);
      ++places[hash_bytes(word.data(), word.size()) % places.size()];
    }
    CAPTURE(length);
    CHECK(*std::max_element(places.begin(), places.end()) <= 10);
  }
}

TEST_CASE("Tables find what was put in, and only that") {
  StringTable texts;
  texts.reserve(1000, 8000);
  for (int i = 0; i < 1000; ++i) CHECK(texts.insert(fmt::format("t{}", i), i));
  CHECK(!texts.insert("t7", 5));
  for (int i = 0; i < 1000; ++i) CHECK(texts.find(fmt::format("t{}", i)) == i);
  for (const char* other : {"", "t", "t1000", "T1", "t01"}) CHECK(texts.find(other) == -1);
  CHECK(StringTable().find("a") == -1);

  PairTable pairs;
  pairs.reserve(1000);
  for (int i = 0; i < 1000; ++i) pairs.insert_or_assign(i, i / 2, {static_cast<uint32_t>(i), i + 1});
  pairs.insert_or_assign(7, 3, {1, 99});
  for (int i = 0; i < 1000; ++i) CHECK(pairs.find(i, i / 2).id == (i == 7 ? 99 : i + 1));
  CHECK(pairs.find(1, 1).id == -1);
  CHECK(PairTable().find(0, 0).id == -1);
}
