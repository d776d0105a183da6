// Every size, offset and count at the values where arithmetic goes wrong, alone and in pairs; and every file cut short
// at every byte. The oracle is the naive reader, whose arithmetic has 128 bits: what it finds sound (a type changed to
// one of the same width, a count of an empty list) is harmless, everything else must be refused.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "format/random_files.h"
#include "format/readers.h"
#include "support/gguf_writer.h"
#include "support/safetensors_writer.h"

using namespace mang;
using namespace mang::test;

namespace {

// A file with numbers of every kind in its header.
GgufWriter rich_gguf() {
  GgufWriter w;
  w.add("general.architecture", "llama").add("general.alignment", uint32_t{32}).add("flag", true).add("ratio", 0.5F);
  w.add_strings("tokens", {"a", "bc", ""}).add_array("scores", std::vector<float>{0, 1}).add("last", int64_t{-1});
  std::string nested;
  GgufWriter::put(nested, uint32_t{9});
  GgufWriter::put(nested, uint64_t{1});
  GgufWriter::put(nested, uint32_t{0});
  GgufWriter::put(nested, uint64_t{2});
  w.add_raw("nested", 9, nested + "xy");
  w.add_f32("norm", {8}, std::vector<float>(8, 1));
  w.add_tensor("q", DType::Q4_K, {2, 256}, std::string(288, 'q'));
  w.add_tensor("h", DType::F16, {2, 2, 2, 4}, std::string(64, 'h'));
  return w;
}

// A safetensors file from its nine numbers, as text: the header's size, then shape and offsets of two tensors.
constexpr size_t kNumbers = 9;
using Numbers = std::array<std::string, kNumbers>;

std::string safetensors_from(const Numbers& n) {
  std::string header = fmt::format(R"({{"a":{{"dtype":"F32","shape":[{},{}],"data_offsets":[{},{}]}},)"
                                   R"("b":{{"dtype":"BF16","shape":[{},{}],"data_offsets":[{},{}]}}}})",
                                   n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]);
  std::string bytes = safetensors_bytes(header, std::string(24 + 16, 'w'));
  if (!n[0].empty()) {
    const uint64_t size = std::stoull(n[0]);
    std::memcpy(bytes.data(), &size, 8);
  }
  return bytes;
}
const Numbers kSound = {"", "2", "3", "0", "24", "8", "1", "24", "40"};

struct Verdict {
  uint64_t files = 0;
  uint64_t harmless = 0;  // accepted by both readers, with the same content
  uint64_t wrong = 0;
};

void judge(const ReaderUnderTest& reader, const std::string& bytes, const std::string& label, Verdict& verdict) {
  std::string error;
  const auto ours = reader.read(bytes, error);
  const auto theirs = reader.naive(bytes);
  ++verdict.files;
  verdict.harmless += ours && ours == theirs;
  if (ours == theirs || ++verdict.wrong > 10) return;
  CHECK_MESSAGE(false, label << ": here " << (ours ? "accepted" : error) << ", naive reader "
                             << (theirs ? "accepts" : "refuses"));
}

std::string with_field(std::string bytes, const GgufField& field, uint64_t value) {
  std::memcpy(bytes.data() + field.at, &value, field.width);
  return bytes;
}

}  // namespace

TEST_CASE("GGUF: extreme numbers, alone and in pairs") {
  GgufWriter w = rich_gguf();
  const std::string sound = w.bytes();
  const auto& fields = w.fields();
  const ReaderUnderTest reader = gguf_reader();
  REQUIRE(reader.naive(sound).has_value());
  Verdict verdict;
  for (size_t i = 0; i < fields.size(); ++i) {
    for (const uint64_t one : kExtremes) {
      const std::string first = with_field(sound, fields[i], one);
      judge(reader, first, fmt::format("{} = {}", fields[i].what, one), verdict);
      for (size_t j = i + 1; j < fields.size(); ++j) {
        for (const uint64_t two : kExtremes) {
          judge(reader, with_field(first, fields[j], two),
                fmt::format("{} = {}, {} = {}", fields[i].what, one, fields[j].what, two), verdict);
        }
      }
    }
  }
  fmt::print("measured: GGUF with extreme numbers in {} fields: {} files, {} refused, {} harmless, {} wrong\n",
             fields.size(), verdict.files, verdict.files - verdict.harmless - verdict.wrong, verdict.harmless,
             verdict.wrong);
  CHECK(verdict.wrong == 0);
  CHECK(verdict.harmless < verdict.files / 50);
}

TEST_CASE("safetensors: extreme numbers, alone and in pairs") {
  const ReaderUnderTest reader = safetensors_reader();
  REQUIRE(reader.naive(safetensors_from(kSound)).has_value());
  std::vector<std::string> values;
  for (const uint64_t value : kExtremes) values.push_back(fmt::format("{}", value));
  std::vector<std::string> written = values;  // in JSON a number can also be negative, too big, or no integer
  for (const char* odd : {"-1", "-9223372036854775808", "18446744073709551616", "1e3", "1.0", "00", "null", "\"1\""}) {
    written.emplace_back(odd);
  }
  Verdict verdict;
  for (size_t i = 0; i < kNumbers; ++i) {
    for (const auto& one : i == 0 ? values : written) {
      Numbers numbers = kSound;
      numbers[i] = one;
      judge(reader, safetensors_from(numbers), fmt::format("number {} = {}", i, one), verdict);
      for (size_t j = i + 1; j < kNumbers; ++j) {
        for (const auto& two : written) {
          Numbers both = numbers;
          both[j] = two;
          judge(reader, safetensors_from(both), fmt::format("number {} = {}, {} = {}", i, one, j, two), verdict);
        }
      }
    }
  }
  fmt::print("measured: safetensors with extreme numbers: {} files, {} refused, {} harmless, {} wrong\n", verdict.files,
             verdict.files - verdict.harmless - verdict.wrong, verdict.harmless, verdict.wrong);
  CHECK(verdict.wrong == 0);
  CHECK(verdict.harmless < verdict.files / 50);
}

TEST_CASE("cut short at any byte, no file is accepted") {
  const auto none = [](const ReaderUnderTest& reader, const std::string& bytes, uint64_t needed) {
    std::string error;
    REQUIRE(reader.read(bytes.substr(0, needed), error).has_value());
    uint64_t accepted = 0;
    for (uint64_t size = 0; size < needed; ++size) {
      error.clear();
      accepted += reader.read(bytes.substr(0, size), error).has_value();
      CHECK_FALSE((error.empty() && accepted == 0));
    }
    fmt::print("measured: {} cut at each of {} bytes: {} accepted\n", reader.name, needed, accepted);
    CHECK(accepted == 0);
  };
  GgufWriter w = rich_gguf();
  const std::string gguf = w.bytes();
  uint64_t end = 0;  // of the last tensor, without the padding after it
  const NaiveFile whole = naive_gguf(gguf).value();
  for (const auto& [name, tensor] : whole.tensors) end = std::max(end, tensor.end);
  none(gguf_reader(), gguf, end);
  GgufWriter vocabulary;
  vocabulary.add_strings("tokenizer.ggml.tokens", {"a", "b"});
  none(gguf_reader(), vocabulary.bytes(), vocabulary.bytes().size());
  const std::string safetensors = safetensors_from(kSound);
  none(safetensors_reader(), safetensors, safetensors.size());
}
