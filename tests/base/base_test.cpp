#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "base/byte_cursor.h"
#include "base/json.h"
#include "base/result.h"
#include "base/units.h"

namespace mang {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail("{} is odd", n);
  return n / 2;
}

Result<int> quarter(int n) {
  MANG_TRY(int h, half(n));
  MANG_TRY(half(h));
  return half(h);
}

TEST_CASE("MANG_TRY binds a value or passes the error on") {
  CHECK(quarter(12).value() == 3);
  CHECK(quarter(6).error().message == "3 is odd");
  CHECK(quarter(6).error().in("here").message == "here: 3 is odd");
}

TEST_CASE("the byte cursor never reads past the end") {
  std::vector<std::byte> bytes(6, std::byte{1});
  ByteCursor cursor(bytes, "six bytes");
  CHECK(cursor.read<uint32_t>().value() == 0x01010101u);
  CHECK(!cursor.read<uint32_t>().ok());
  CHECK(cursor.position() == 4);
  CHECK(!cursor.take(UINT64_MAX).ok());
  CHECK(!cursor.expect_room(UINT64_MAX, 8, Error{"things"}).ok());
  CHECK(!cursor.seek(7).ok());
  CHECK(cursor.seek(6).ok());
}

TEST_CASE("JSON from outside is bounded in depth and never throws") {
  CHECK(parse_json(R"({"b": 1, "a": [2]})", "x").value().dump() == R"({"b":1,"a":[2]})");
  CHECK(!parse_json(std::string(100000, '['), "x").ok());
  CHECK(!parse_json("{", "x").ok());
  CHECK(!parse_json(std::string_view("{}\0x", 4), "x").ok());  // no end of text before the end
  CHECK(!parse_json("\"\xff\"", "x").ok());
  CHECK(parse_json(R"(["[[[[[", "\"[["])", "x", 1).ok());
}

TEST_CASE("sizes as people read them") {
  CHECK(human_bytes(512) == "512 B");
  CHECK(human_bytes(1117320576) == "1.12 GB");
  CHECK(human_bytes(103669920) == "104 MB");
  CHECK(human_count(134515008) == "135 M");
}

}  // namespace
}  // namespace mang
