#include "format/safetensors.h"

#include <doctest/doctest.h>

#include "support/safetensors_writer.h"
#include "support/temp_dir.h"

using namespace mang;
using mang::test::safetensors_bytes;
using mang::test::SafetensorsWriter;
using mang::test::TempDir;

namespace {

std::string parse_error(const std::string& bytes) {
  auto content = parse_safetensors(std::as_bytes(std::span(bytes)), "m.safetensors");
  REQUIRE_FALSE(content.ok());
  return content.error().message;
}

std::string directory_error(const TempDir& dir) {
  auto files = SafetensorsDirectory::open(dir.path());
  REQUIRE_FALSE(files.ok());
  return files.error().message;
}

SafetensorsDirectory open_ok(const TempDir& dir, const Log& log = {}) {
  auto files = SafetensorsDirectory::open(dir.path(), log);
  REQUIRE_MESSAGE(files.ok(), (files.ok() ? "" : files.error().message));
  return std::move(*files);
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("one file: names, types, shapes and exactly the bytes") {
  TempDir dir;
  SafetensorsWriter w;
  w.raw_entry(R"("__metadata__":{"format":"pt"})");
  w.add_f32("a", {2, 3}, {1, 2, 3, 4, 5, 6}).add("b", "BF16", {2}, "wxyz").add("c", "F16", {}, "hh");
  w.add("empty", "F32", {0, 4}, "");
  w.write(dir.file("model.safetensors"));
  const SafetensorsDirectory files = open_ok(dir);
  REQUIRE(files.tensors().size() == 4);
  CHECK(files.find_tensor("a")->shape == Shape{2, 3});
  CHECK(files.find_tensor("a")->dtype == DType::F32);
  CHECK(files.find_tensor("a")->bytes.size() == 24);
  CHECK(files.find_tensor("b")->dtype == DType::BF16);
  CHECK(static_cast<char>(files.find_tensor("b")->bytes[3]) == 'z');
  CHECK(files.find_tensor("c")->shape.empty());
  CHECK(files.find_tensor("empty")->bytes.empty());
  CHECK(files.find_tensor("d") == nullptr);
  REQUIRE(files.metadata().size() == 1);
  CHECK(files.metadata()[0] == std::pair<std::string, std::string>("format", "pt"));
}

TEST_CASE("headers that are read though unusual") {
  const auto reads = [](const std::string& bytes) {
    return parse_safetensors(std::as_bytes(std::span(bytes)), "m").ok();
  };
  CHECK(reads(safetensors_bytes("{}", "")));
  CHECK(reads(safetensors_bytes("{\"__metadata__\":{}}   ", "")));
  CHECK(reads(safetensors_bytes(R"({"a":{"new":[{"x":[1]}],"shape":[1],"data_offsets":[0,2],"dtype":"F16"}})", "ab")));
  CHECK(reads(safetensors_bytes(R"({"b":{"dtype":"F16","shape":[1],"data_offsets":[2,4]},)"
                                R"("a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})",
                                "abcd")));
}

TEST_CASE("refusals") {
  const auto one = [](std::string_view fields, std::string_view data = "abcd") {
    return parse_error(safetensors_bytes(fmt::format("{{\"t\":{{{}}}}}", fields), data));
  };
  CHECK(contains(one(R"("dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4])"), "F8_E4M3"));
  CHECK(contains(one(R"("dtype":"I64","shape":[4],"data_offsets":[0,4])"), "'t' is stored as I64"));
  CHECK(contains(one(R"("dtype":"Q4_K","shape":[256],"data_offsets":[0,144])"), "Q4_K"));
  CHECK(contains(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), "needs 8 bytes"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), "data_offsets are 4 and 0"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1],"data_offsets":[1,5])"), "where 0 is expected"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])", "abcdefgh"), "8 bytes of data"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])", "ab"), "incomplete"));
  CHECK(contains(one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4])"), "overflows"));
  CHECK(contains(one(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), "negative"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])"), "fraction"));
  CHECK(contains(one(R"("dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4])"), "fraction"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4])"), "more than 8 dimensions"));
  CHECK(contains(one(R"("dtype":"F32","shape":1,"data_offsets":[0,4])"), "shape"));
  CHECK(contains(one(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])"), "a list stands"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1],"data_offsets":[0])"), "data_offsets"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,4])"), "third"));
  CHECK(contains(one(R"("dtype":7,"shape":[1],"data_offsets":[0,4])"), "dtype"));
  CHECK(contains(one(R"("dtype":"F32","shape":[1])"), "lacks"));
  CHECK(contains(one(R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])"), "gives dtype twice"));
  CHECK(contains(parse_error(safetensors_bytes(R"({"t":1})", "")), "object of tensor 't'"));
  CHECK(contains(parse_error(safetensors_bytes(R"({"__metadata__":{"a":1}})", "")), "metadata's strings"));
  CHECK(contains(parse_error(safetensors_bytes(R"({"__metadata__":{"a":"1","a":"2"}})", "")), "given twice"));
  CHECK(contains(parse_error(safetensors_bytes("[]", "")), "not a safetensors file"));
  CHECK(contains(parse_error(safetensors_bytes("{} x", "")), "not valid JSON"));
  CHECK(contains(parse_error(safetensors_bytes(std::string_view("{}\0 x", 5), "")), "zero byte at 2"));
  CHECK(contains(parse_error(safetensors_bytes("{\"\xff\":{}}", "")), "not valid JSON"));
  CHECK(contains(parse_error("abc"), "truncated"));
  CHECK(contains(parse_error(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8)), "announces a header"));
  CHECK(contains(parse_error(safetensors_bytes("{\"a\":{\"x\":" + std::string(100, '['), "")), "levels deep"));
}

TEST_CASE("two tensors of one name are refused, as the format demands") {
  SafetensorsWriter w;
  w.add_f32("t", {1}, {1}).add_f32("t", {1}, {2});
  CHECK(contains(parse_error(w.bytes()), "two tensors are named 't'"));
}

TEST_CASE("overlaps are refused") {
  SafetensorsWriter w;
  w.entry("a", "F32", {1}, 0, 4).entry("b", "F32", {1}, 0, 4).raw_data("abcd");
  CHECK(contains(parse_error(w.bytes()), "overlap"));
}

TEST_SUITE("sharded") {
  constexpr const char* kIndex = "model.safetensors.index.json";

  void write_shards(const TempDir& dir) {
    SafetensorsWriter one;
    one.add_f32("a", {1}, {1}).write(dir.file("model-00001-of-00002.safetensors"));
    SafetensorsWriter two;
    two.add_f32("b", {1}, {2}).write(dir.file("model-00002-of-00002.safetensors"));
  }

  TEST_CASE("the index opens all shards") {
    TempDir dir;
    write_shards(dir);
    dir.write(kIndex, R"({"metadata":{"total_size":8,"x":[null,{"y":-1.5}]},"weight_map":{
        "b":"model-00002-of-00002.safetensors","a":"model-00001-of-00002.safetensors"}})");
    std::vector<std::string> said;
    const SafetensorsDirectory files = open_ok(dir, [&](const Error& s) { said.push_back(s.message); });
    CHECK(files.tensors().size() == 2);
    CHECK(files.files().size() == 2);
    CHECK(*reinterpret_cast<const float*>(files.find_tensor("b")->bytes.data()) == 2.0F);
    CHECK(said.empty());
  }
  TEST_CASE("a tensor the index does not list is kept, with a word") {
    TempDir dir;
    write_shards(dir);
    SafetensorsWriter two;
    two.add_f32("b", {1}, {2}).add_f32("c", {1}, {3}).write(dir.file("model-00002-of-00002.safetensors"));
    dir.write(kIndex,
              R"({"weight_map":{"b":"model-00002-of-00002.safetensors","a":"model-00001-of-00002.safetensors"}})");
    std::vector<std::string> said;
    CHECK(open_ok(dir, [&](const Error& s) { said.push_back(s.message); }).tensors().size() == 3);
    CHECK(said.size() == 1);
  }
  TEST_CASE("the index and the shards must agree") {
    TempDir dir;
    write_shards(dir);
    const auto error = [&](std::string_view index) { return (dir.write(kIndex, index), directory_error(dir)); };
    CHECK(contains(error(R"({"weight_map":{"a":"model-00002-of-00002.safetensors"}})"), "not there"));
    CHECK(contains(error(R"({"weight_map":{"z":"model-00001-of-00002.safetensors"}})"), "'z'"));
    CHECK(contains(error(R"({"weight_map":{"a":"model-00003-of-00002.safetensors"}})"), "model-00003-of-00002"));
    CHECK(contains(error(R"({"weight_map":{"a":"model-00001-of-00002.safetensors",
                                           "a":"model-00001-of-00002.safetensors"}})"),
                   "listed twice"));
    CHECK(contains(error(R"({"weight_map":{}})"), "weight_map"));
    CHECK(contains(error(R"({})"), "weight_map"));
    CHECK(contains(error(R"([])"), "a list stands"));
    CHECK(contains(error(R"({"weight_map":{"a":7}})"), "a number stands"));
  }
  TEST_CASE("no shard name leads out of the directory") {
    TempDir dir;
    write_shards(dir);
    for (const char* name : {"../model-00001-of-00002.safetensors", "/etc/x.safetensors", "sub/x.safetensors",
                             "..\\\\x.safetensors", "x\\u0000.safetensors", "..safetensors", "", "x.bin"}) {
      CAPTURE(name);
      dir.write(kIndex, fmt::format("{{\"weight_map\":{{\"a\":\"{}\"}}}}", name));
      CHECK(contains(directory_error(dir), "shard name"));
    }
  }
  TEST_CASE("one name in two shards is refused") {
    TempDir dir;
    write_shards(dir);
    SafetensorsWriter two;
    two.add_f32("a", {1}, {2}).write(dir.file("model-00002-of-00002.safetensors"));
    dir.write(kIndex,
              R"({"weight_map":{"a":"model-00002-of-00002.safetensors","b":"model-00001-of-00002.safetensors"}})");
    CHECK(contains(directory_error(dir), "two tensors are named"));
  }
  TEST_CASE("a directory without weights says what is wanted") {
    TempDir dir;
    CHECK(contains(directory_error(dir), "model.safetensors"));
  }
}
