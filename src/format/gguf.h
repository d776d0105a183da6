// GGUF files: bytes → metadata and named tensors, nothing interpreted.
// Source: the GGUF specification (ggml-org/ggml, docs/gguf.md), versions 2 and 3, little-endian; split files as
// llama.cpp's gguf-split writes them (NAME-00001-of-0000N.gguf with split.no, split.count, split.tensors.count).
//
// Everything handed out is a view into the mapped file(s) and lives as long as the GgufFile; moving it is fine.
// What is refused, always with a sentence: other versions, big-endian files, tensor types this program does not read
// (by name), sizes that wrap or reach past the end, misaligned or overlapping tensors, duplicate keys or names,
// names that are not UTF-8, missing parts. A file with metadata only (a vocabulary) is legal.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "format/tensor_files.h"

namespace mang {

inline constexpr uint64_t kGgufMaxKeys = uint64_t{1} << 16;
inline constexpr uint64_t kGgufMaxTensors = uint64_t{1} << 17;
inline constexpr uint64_t kGgufMaxKeyBytes = 65535;  // the specification's limit
inline constexpr uint64_t kGgufMaxNameBytes = 64;    // the specification's limit for tensor names
inline constexpr int kGgufMaxArrayDepth = 4;         // arrays inside arrays
inline constexpr uint64_t kGgufMaxParts = 1024;      // of a split file

enum class GgufType : uint32_t {  // the values are the file's
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

std::string_view gguf_value_type_name(GgufType type);  // "u32", "string", …

// One key with its value, still as bytes.
struct GgufEntry {
  std::string_view key;
  GgufType type = GgufType::u8;
  GgufType element = GgufType::u8;     // of an array
  uint64_t count = 1;                  // of an array: its elements
  std::span<const std::byte> payload;  // a scalar's bytes, a string's text, an array's elements as stored
};

// The metadata of a file, with typed lookups. A missing key or a value of another type is an error that names the
// file and the key: a missing dimension is never a default. Where a key is optional, ask has() first.
class GgufMetadata {
 public:
  // Refuses two entries of one key. `what` names the file in messages.
  static Result<GgufMetadata> create(std::string what, std::vector<GgufEntry> entries);

  [[nodiscard]] std::span<const GgufEntry> entries() const { return entries_; }  // in file order
  [[nodiscard]] const GgufEntry* find(std::string_view key) const;               // nullptr: not there
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  [[nodiscard]] const std::string& what() const { return what_; }  // the file, for messages

  // Scalars. The integer getters take every integer type whose value fits; get_float takes f32 and f64.
  [[nodiscard]] Result<uint64_t> get_u64(std::string_view key) const;
  [[nodiscard]] Result<int64_t> get_i64(std::string_view key) const;
  [[nodiscard]] Result<double> get_float(std::string_view key) const;
  [[nodiscard]] Result<bool> get_bool(std::string_view key) const;
  [[nodiscard]] Result<std::string_view> get_string(std::string_view key) const;  // any bytes, not checked for UTF-8

  // Arrays; strings are views into the file (no copies: a vocabulary of 260,000 takes a few milliseconds).
  [[nodiscard]] Result<std::vector<std::string_view>> get_strings(std::string_view key) const;
  [[nodiscard]] Result<std::vector<float>> get_floats(std::string_view key) const;      // f32
  [[nodiscard]] Result<std::vector<int64_t>> get_integers(std::string_view key) const;  // every integer type
  [[nodiscard]] Result<std::vector<bool>> get_bools(std::string_view key) const;
  // A value that may be given once for all layers or once a layer: always `count` values.
  [[nodiscard]] Result<std::vector<uint64_t>> get_u64_each(std::string_view key, uint64_t count) const;

 private:
  [[nodiscard]] Result<const GgufEntry*> need(std::string_view key) const;
  [[nodiscard]] Result<const GgufEntry*> need_array(std::string_view key) const;

  std::string what_;
  std::vector<GgufEntry> entries_;
  std::vector<uint32_t> by_key_;  // entries_, sorted by key
};

// A value as one line of text for people: "32", "0.5", "'qwen2'", "[151936 × string]". At most max_bytes of a string.
std::string gguf_value_text(const GgufEntry& entry, size_t max_bytes = 80);

class GgufFile : public TensorFiles {
 public:
  // Opens a file, or all parts of a split one when given its first. Parts are looked for beside the first.
  static Result<GgufFile> open(const std::string& path, const Log& log = {});

  [[nodiscard]] uint32_t version() const { return version_; }
  [[nodiscard]] const GgufMetadata& metadata() const { return metadata_; }  // of the first part

 private:
  uint32_t version_ = 0;
  GgufMetadata metadata_;
};

}  // namespace mang
