#include "format/gguf.h"

#include <doctest/doctest.h>

#include <ctime>

#include "support/gguf_writer.h"
#include "support/scale.h"
#include "support/temp_dir.h"

using namespace mang;
using mang::test::GgufWriter;
using mang::test::TempDir;

namespace {

GgufFile open_ok(const std::string& path, const Log& log = {}) {
  auto file = GgufFile::open(path, log);
  REQUIRE_MESSAGE(file.ok(), (file.ok() ? "" : file.error().message));
  return std::move(*file);
}

std::string open_error(const std::string& path) {
  auto file = GgufFile::open(path);
  REQUIRE_FALSE(file.ok());
  return file.error().message;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("every scalar type comes back as it was written") {
  TempDir dir;
  GgufWriter w;
  w.add("a.u8", uint8_t{255}).add("a.i8", int8_t{-128}).add("a.u16", uint16_t{65535}).add("a.i16", int16_t{-32768});
  w.add("a.u32", uint32_t{4294967295u}).add("a.i32", int32_t{-2147483648}).add("a.u64", ~uint64_t{0});
  w.add("a.i64", std::numeric_limits<int64_t>::min()).add("a.f32", 0.5F).add("a.f64", 1e300);
  w.add("a.true", true).add("a.false", false).add("a.text", "măng").add("a.empty", "");
  w.write(dir.file("m.gguf"));
  const GgufFile file = open_ok(dir.file("m.gguf"));
  const GgufMetadata& m = file.metadata();

  CHECK(m.get_u64("a.u8").value() == 255);
  CHECK(m.get_i64("a.i8").value() == -128);
  CHECK(m.get_u64("a.u16").value() == 65535);
  CHECK(m.get_i64("a.i16").value() == -32768);
  CHECK(m.get_u64("a.u32").value() == 4294967295u);
  CHECK(m.get_i64("a.i32").value() == -2147483648LL);
  CHECK(m.get_u64("a.u64").value() == ~uint64_t{0});
  CHECK(m.get_i64("a.i64").value() == std::numeric_limits<int64_t>::min());
  CHECK(m.get_float("a.f32").value() == 0.5);
  CHECK(m.get_float("a.f64").value() == 1e300);
  CHECK(m.get_bool("a.true").value());
  CHECK_FALSE(m.get_bool("a.false").value());
  CHECK(m.get_string("a.text").value() == "măng");
  CHECK(m.get_string("a.empty").value().empty());
  CHECK(m.entries().size() == 14);
  CHECK(file.tensors().empty());
}

TEST_CASE("a lookup never converts in silence, and a missing key is an error that names it") {
  TempDir dir;
  GgufWriter w;
  w.add("n", int32_t{-1}).add("big", ~uint64_t{0}).add("f", 1.0F).add("s", "x").add_array("a", std::vector<int32_t>{1});
  w.write(dir.file("m.gguf"));
  const GgufFile file = open_ok(dir.file("m.gguf"));
  const GgufMetadata& m = file.metadata();
  CHECK(contains(m.get_u64("llama.block_count").error().message, "llama.block_count"));
  CHECK(contains(m.get_u64("n").error().message, "holds -1"));
  CHECK(contains(m.get_i64("big").error().message, "18446744073709551615"));
  CHECK_FALSE(m.get_u64("f").ok());
  CHECK_FALSE(m.get_float("n").ok());
  CHECK_FALSE(m.get_bool("n").ok());
  CHECK_FALSE(m.get_string("a").ok());
  CHECK_FALSE(m.get_u64("a").ok());
  CHECK_FALSE(m.get_strings("s").ok());
  CHECK_FALSE(m.get_strings("a").ok());
  CHECK_FALSE(m.get_floats("a").ok());
  CHECK_FALSE(m.get_bools("a").ok());
  CHECK_FALSE(m.get_integers("s").ok());
  CHECK(m.find("nothing") == nullptr);
  CHECK_FALSE(m.has("nothing"));
}

TEST_CASE("arrays") {
  TempDir dir;
  GgufWriter w;
  w.add_strings("strings", {"a", "", "măng"}).add_array("floats", std::vector<float>{1.5F, -2});
  w.add_array("ints", std::vector<int32_t>{-1, 7}).add_array("bytes", std::vector<uint8_t>{0, 255});
  w.add_array("layers", std::vector<uint32_t>{4, 8, 4}).add("one", uint32_t{4}).add_strings("none", {});
  w.add_array("huge", std::vector<uint64_t>{~uint64_t{0}});
  std::string nested;  // [[1, 2], []] of u8
  GgufWriter::put(nested, uint32_t{9});
  GgufWriter::put(nested, uint64_t{2});
  for (uint64_t n : {2, 0}) {
    GgufWriter::put(nested, uint32_t{0});
    GgufWriter::put(nested, n);
    nested.append(n, '\1');
  }
  w.add_raw("nested", 9, nested).add_raw("bools", 9, std::string("\7\0\0\0\2\0\0\0\0\0\0\0\1\0", 14));
  w.add("after", uint32_t{9});
  w.write(dir.file("m.gguf"));
  const GgufFile file = open_ok(dir.file("m.gguf"));
  const GgufMetadata& m = file.metadata();
  CHECK(m.get_strings("strings").value() == std::vector<std::string_view>{"a", "", "măng"});
  CHECK(m.get_strings("none").value().empty());
  CHECK(m.get_floats("floats").value() == std::vector<float>{1.5F, -2});
  CHECK(m.get_integers("ints").value() == std::vector<int64_t>{-1, 7});
  CHECK(m.get_integers("bytes").value() == std::vector<int64_t>{0, 255});
  CHECK_FALSE(m.get_integers("huge").ok());
  CHECK(m.get_bools("bools").value() == std::vector<bool>{true, false});
  CHECK(m.get_u64_each("layers", 3).value() == std::vector<uint64_t>{4, 8, 4});
  CHECK(m.get_u64_each("one", 3).value() == std::vector<uint64_t>{4, 4, 4});
  CHECK_FALSE(m.get_u64_each("layers", 2).ok());
  CHECK_FALSE(m.get_u64_each("ints", 2).ok());
  CHECK(m.find("nested")->count == 2);
  CHECK(m.get_u64("after").value() == 9);
  CHECK(gguf_value_text(*m.find("strings")) == "[3 × string]");
}

TEST_CASE("tensors come back with their shape outermost first and exactly their bytes") {
  TempDir dir;
  GgufWriter w;
  w.add_f32("norm", {3}, {1, 2, 3});
  w.add_f32("w", {2, 3}, {1, 2, 3, 4, 5, 6});
  w.add_tensor("q", DType::Q4_K, {2, 256}, std::string(2 * 144, 'q'));
  w.add_tensor("x", DType::BF16, {2, 1, 2, 2}, "0123456789abcdef");
  w.write(dir.file("m.gguf"));
  const GgufFile file = open_ok(dir.file("m.gguf"));
  REQUIRE(file.tensors().size() == 4);
  CHECK(file.tensors()[0].name == "norm");
  const StoredTensor* t = file.find_tensor("w");
  REQUIRE(t != nullptr);
  CHECK(t->shape == Shape{2, 3});
  CHECK(t->dtype == DType::F32);
  CHECK(t->bytes.size() == 24);
  CHECK(reinterpret_cast<uintptr_t>(t->bytes.data()) % 32 == 0);
  CHECK(text(file.find_tensor("q")->bytes) == std::string(288, 'q'));
  CHECK(file.find_tensor("x")->shape == Shape{2, 1, 2, 2});
  CHECK(text(file.find_tensor("x")->bytes) == "0123456789abcdef");
  CHECK(file.find_tensor("y") == nullptr);
  file.prefetch(*t);
  file.release(*t);
  CHECK(t->bytes[3] == std::byte{0x3F});  // 1.0F, read again from the file
}

TEST_CASE("version 2 and another alignment are read") {
  TempDir dir;
  GgufWriter w(2, 64);
  w.add("general.alignment", uint32_t{64}).add_f32("a", {1}, {1}).add_f32("b", {1}, {2});
  w.write(dir.file("m.gguf"));
  const GgufFile file = open_ok(dir.file("m.gguf"));
  CHECK(file.version() == 2);
  CHECK(file.find_tensor("b")->bytes.data() - file.find_tensor("a")->bytes.data() == 64);
}

TEST_CASE("refusals say what, where and what to do") {
  TempDir dir;
  const auto error = [&](GgufWriter& w) { return open_error((w.write(dir.file("bad.gguf")), dir.file("bad.gguf"))); };
  SUBCASE("a type not read, by name") {
    GgufWriter w;
    w.add_tensor("blk.0.ffn_up.weight", 16, {1, 256}, std::string(66, 0));
    const auto message = error(w);
    CHECK(contains(message, "IQ2_XXS"));
    CHECK(contains(message, "blk.0.ffn_up.weight"));
  }
  SUBCASE("big-endian") {
    CHECK(
        contains(open_error(dir.write("bad.gguf", std::string("GGUF\0\0\0\3", 8) + std::string(16, 0))), "big-endian"));
  }
  SUBCASE("version 1") {
    GgufWriter w(1);
    CHECK(contains(error(w), "version 1"));
  }
  SUBCASE("another format") { CHECK(contains(open_error(dir.write("bad.gguf", "PK\3\4....")), "not a GGUF file")); }
  SUBCASE("an empty file") { CHECK(contains(open_error(dir.write("bad.gguf", "")), "truncated")); }
  SUBCASE("a missing file") { CHECK(contains(open_error(dir.file("none.gguf")), "cannot be opened")); }
  SUBCASE("a directory") { CHECK(contains(open_error(dir.path()), "not a regular file")); }
  SUBCASE("a key given twice") {
    GgufWriter w;
    w.add("k", uint32_t{1}).add("k", uint32_t{2});
    CHECK(contains(error(w), "twice"));
  }
  SUBCASE("two tensors of one name") {
    GgufWriter w;
    w.add_f32("t", {1}, {1}).add_f32("t", {1}, {2});
    CHECK(contains(error(w), "two tensors are named 't'"));
  }
  SUBCASE("a row that is no whole number of blocks") {
    GgufWriter w;
    w.add_tensor("t", DType::Q4_K, {1, 255}, std::string(144, 0));
    CHECK(contains(error(w), "multiple of the 256"));
  }
  SUBCASE("a control sequence in a name is shown, not sent") {
    GgufWriter w;
    w.add_tensor("\x1b[2Jt", 16, {1, 256}, std::string(66, 0));
    const auto message = error(w);
    CHECK(contains(message, "\\x1b[2Jt"));
    CHECK_FALSE(contains(message, "\x1b"));
  }
}

TEST_CASE("bytes after the last tensor are legal, with a word") {
  TempDir dir;
  GgufWriter w;
  w.add_f32("t", {1}, {1});
  std::vector<std::string> said;
  const Log log = [&](const Error& line) { said.push_back(line.message); };
  open_ok(dir.write("m.gguf", w.bytes()), log);
  CHECK(said.empty());
  open_ok(dir.write("m.gguf", w.bytes() + std::string(64, 'x')), log);
  CHECK(said.size() == 1);
  open_ok(dir.write("m.gguf", w.bytes().substr(0, w.data_begin() + 4)), log);  // no padding after the last tensor
  CHECK(said.size() == 1);
}

TEST_CASE("a vocabulary of 260,000 tokens opens in well under 100 ms") {
  TempDir dir;
  std::vector<std::string> tokens;
  for (int i = 0; i < 260'000; ++i) tokens.push_back(fmt::format("token{}", i));
  GgufWriter w;
  w.add_strings("tokenizer.ggml.tokens", tokens);
  w.add_array("tokenizer.ggml.scores", std::vector<float>(tokens.size(), -1));
  w.write(dir.file("m.gguf"));
  const std::clock_t begin = std::clock();  // processor time: other programs on the machine do not count
  const GgufFile file = open_ok(dir.file("m.gguf"));
  const auto views = file.metadata().get_strings("tokenizer.ggml.tokens");
  const double milliseconds = 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  REQUIRE(views.ok());
  CHECK(views->size() == tokens.size());
  CHECK(views->back() == "token259999");
  fmt::print("measured: a GGUF vocabulary of 260,000 tokens opened and listed in {:.1f} ms\n", milliseconds);
  CHECK(milliseconds < test::reduced(100.0, 1000.0));
}

TEST_SUITE("split files") {
  struct Parts {
    TempDir dir;
    std::string path(int i, int n) const { return dir.file(fmt::format("m-{:05d}-of-{:05d}.gguf", i, n)); }
    void write(int i, int n, uint16_t number, uint16_t count, int32_t tensors, const std::string& tensor) const {
      GgufWriter w;
      if (i == 1) w.add("general.architecture", "llama");
      w.add("split.no", number).add("split.count", count).add("split.tensors.count", tensors);
      w.add_f32(tensor, {1}, {static_cast<float>(i)});
      w.write(path(i, n));
    }
  };

  TEST_CASE("the first part opens all") {
    Parts parts;
    for (uint16_t i = 0; i < 3; ++i) parts.write(i + 1, 3, i, 3, 3, fmt::format("t{}", i));
    const GgufFile file = open_ok(parts.path(1, 3));
    CHECK(file.files().size() == 3);
    CHECK(file.tensors().size() == 3);
    CHECK(file.metadata().get_string("general.architecture").value() == "llama");
    const float* second = reinterpret_cast<const float*>(file.find_tensor("t1")->bytes.data());
    CHECK(*second == 2.0F);
    file.release(*file.find_tensor("t1"));
    CHECK(*second == 2.0F);
    CHECK(contains(open_error(parts.path(2, 3)), "open the first part"));
  }
  TEST_CASE("a missing part is named") {
    Parts parts;
    parts.write(1, 2, 0, 2, 2, "a");
    CHECK(contains(open_error(parts.path(1, 2)), "m-00002-of-00002.gguf"));
  }
  TEST_CASE("a part of another model is refused") {
    Parts parts;
    parts.write(1, 2, 0, 2, 2, "a");
    SUBCASE("another number") { parts.write(2, 2, 0, 2, 2, "b"); }
    SUBCASE("another count") { parts.write(2, 2, 1, 3, 2, "b"); }
    SUBCASE("another number of tensors") { parts.write(2, 2, 1, 2, 7, "b"); }
    CHECK(contains(open_error(parts.path(1, 2)), "does not belong"));
  }
  TEST_CASE("tensors missing or doubled between parts are refused") {
    Parts parts;
    SUBCASE("one too few") {
      parts.write(1, 2, 0, 2, 3, "a");
      parts.write(2, 2, 1, 2, 3, "b");
      CHECK(contains(open_error(parts.path(1, 2)), "should have 3 tensors"));
    }
    SUBCASE("one name in two parts") {
      parts.write(1, 2, 0, 2, 2, "a");
      parts.write(2, 2, 1, 2, 2, "a");
      CHECK(contains(open_error(parts.path(1, 2)), "two tensors are named"));
    }
  }
  TEST_CASE("a first part under another name is refused, for the others cannot be found") {
    Parts parts;
    parts.write(1, 2, 0, 2, 2, "a");
    std::filesystem::rename(parts.path(1, 2), parts.dir.file("x.gguf"));
    CHECK(contains(open_error(parts.dir.file("x.gguf")), "-00001-of-00002.gguf"));
  }
  TEST_CASE("absurd counts are refused") {
    Parts parts;
    parts.write(1, 2, 0, 0, 1, "a");
    CHECK_FALSE(GgufFile::open(parts.path(1, 2)).ok());
    parts.write(1, 2, 0, 65535, 1, "a");
    CHECK_FALSE(GgufFile::open(parts.path(1, 2)).ok());
  }
}
