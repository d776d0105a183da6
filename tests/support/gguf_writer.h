// Writes GGUF files for tests, and remembers where each size, count, offset, type and string length was written, so
// that hostile tests can damage exactly one of them. Not part of the program.
//
//   GgufWriter w;
//   w.add("general.architecture", "llama").add("llama.block_count", uint32_t{2});
//   w.add_strings("tokenizer.ggml.tokens", {"a", "b"});
//   w.add_f32("output.weight", {4, 8}, values);        // shape outermost first
//   w.write(path);                                      // or w.bytes()
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tensor/tensor.h"

namespace mang::test {

struct GgufField {  // a number in the header that governs how the rest is read
  uint64_t at = 0;
  uint64_t width = 0;  // bytes
  std::string what;    // "tensor 2 offset"
};

class GgufWriter {
 public:
  explicit GgufWriter(uint32_t version = 3, uint64_t alignment = 32) : version_(version), alignment_(alignment) {}

  template <typename T>
    requires std::is_arithmetic_v<T>
  GgufWriter& add(std::string_view key, T value) {
    begin_entry(key, type_id<T>());
    put(metadata_, value);
    return *this;
  }
  GgufWriter& add(std::string_view key, std::string_view text) {
    begin_entry(key, 8);
    put_string(metadata_, metadata_fields_, text, "string length");
    return *this;
  }
  GgufWriter& add(std::string_view key, const char* text) { return add(key, std::string_view(text)); }

  template <typename T>
    requires std::is_arithmetic_v<T>
  GgufWriter& add_array(std::string_view key, const std::vector<T>& values) {
    begin_array(key, type_id<T>(), values.size());
    for (const T value : values) put(metadata_, value);
    return *this;
  }
  GgufWriter& add_strings(std::string_view key, const std::vector<std::string>& values) {
    begin_array(key, 8, values.size());
    for (const auto& value : values) put_string(metadata_, metadata_fields_, value, "element length");
    return *this;
  }
  // A value given as bytes, for what the other functions cannot say (nested arrays, types that do not exist).
  GgufWriter& add_raw(std::string_view key, uint32_t type, std::string_view bytes) {
    begin_entry(key, type);
    metadata_ += bytes;
    return *this;
  }

  // `type` is GGUF's id, so that types not read can be written too; shape outermost first.
  GgufWriter& add_tensor(std::string_view name, uint32_t type, const Shape& shape, std::string_view bytes) {
    tensors_.push_back({std::string(name), type, shape, std::string(bytes)});
    return *this;
  }
  GgufWriter& add_tensor(std::string_view name, DType type, const Shape& shape, std::string_view bytes) {
    return add_tensor(name, static_cast<uint32_t>(type), shape, bytes);
  }
  GgufWriter& add_f32(std::string_view name, const Shape& shape, const std::vector<float>& values) {
    return add_tensor(name, DType::F32, shape,
                      {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }

  // The whole file. Fills header_bytes() and fields().
  std::string bytes() {
    std::string out = "GGUF";
    fields_.clear();
    put_field(out, fields_, version_, "version");
    put_field(out, fields_, static_cast<uint64_t>(tensors_.size()), "tensor count");
    put_field(out, fields_, entries_, "key count");
    for (GgufField field : metadata_fields_) {
      field.at += out.size();
      fields_.push_back(std::move(field));
    }
    out += metadata_;
    uint64_t offset = 0;
    for (const auto& tensor : tensors_) {
      put_info(out, tensor, offset);
      offset = align(offset + tensor.bytes.size());
    }
    header_bytes_ = out.size();
    if (!tensors_.empty()) out.resize(align(out.size()));
    data_begin_ = out.size();
    for (const auto& tensor : tensors_) {
      out += tensor.bytes;
      out.resize(data_begin_ + align(out.size() - data_begin_));
    }
    return out;
  }

  void write(const std::string& path) {
    const std::string all = bytes();
    std::ofstream(path, std::ios::binary).write(all.data(), static_cast<std::streamsize>(all.size()));
  }

  // Of the last bytes(): where the header ends, where the tensors' data begins, and the numbers in the header.
  [[nodiscard]] uint64_t header_bytes() const { return header_bytes_; }
  [[nodiscard]] uint64_t data_begin() const { return data_begin_; }
  [[nodiscard]] const std::vector<GgufField>& fields() const { return fields_; }

  // How a number or a string looks in the file.
  template <typename T>
  static void put(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  static void put_text(std::string& out, std::string_view text) {
    put(out, static_cast<uint64_t>(text.size()));
    out += text;
  }

 private:
  struct Tensor {
    std::string name;
    uint32_t type;
    Shape shape;
    std::string bytes;
  };

  template <typename T>
  static constexpr uint32_t type_id() {
    if constexpr (std::is_same_v<T, bool>) return 7;
    if constexpr (std::is_same_v<T, float>) return 6;
    if constexpr (std::is_same_v<T, double>) return 12;
    constexpr bool s = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return s ? 1 : 0;
    if constexpr (sizeof(T) == 2) return s ? 3 : 2;
    if constexpr (sizeof(T) == 4) return s ? 5 : 4;
    return s ? 11 : 10;
  }

  [[nodiscard]] uint64_t align(uint64_t at) const { return (at + alignment_ - 1) / alignment_ * alignment_; }

  template <typename T>
  static void put_field(std::string& out, std::vector<GgufField>& fields, T value, std::string what) {
    fields.push_back({out.size(), sizeof(T), std::move(what)});
    put(out, value);
  }
  static void put_string(std::string& out, std::vector<GgufField>& fields, std::string_view text, std::string what) {
    put_field(out, fields, static_cast<uint64_t>(text.size()), std::move(what));
    out += text;
  }
  void begin_entry(std::string_view key, uint32_t type) {
    ++entries_;
    put_string(metadata_, metadata_fields_, key, "key length");
    put_field(metadata_, metadata_fields_, type, "value type");
  }
  void begin_array(std::string_view key, uint32_t type, uint64_t count) {
    begin_entry(key, 9);
    put_field(metadata_, metadata_fields_, type, "element type");
    put_field(metadata_, metadata_fields_, count, "array count");
  }
  void put_info(std::string& out, const Tensor& tensor, uint64_t offset) {
    put_string(out, fields_, tensor.name, "tensor name length");
    put_field(out, fields_, static_cast<uint32_t>(tensor.shape.size()), "tensor dimensions");
    for (size_t d = tensor.shape.size(); d-- > 0;) put_field(out, fields_, tensor.shape[d], "tensor dimension");
    put_field(out, fields_, tensor.type, "tensor type");
    put_field(out, fields_, offset, "tensor offset");
  }

  uint32_t version_;
  uint64_t alignment_;  // used for the layout; add("general.alignment", uint32_t{…}) to say it
  uint64_t entries_ = 0;
  std::string metadata_;
  std::vector<GgufField> metadata_fields_;
  std::vector<Tensor> tensors_;
  uint64_t header_bytes_ = 0;
  uint64_t data_begin_ = 0;
  std::vector<GgufField> fields_;
};

}  // namespace mang::test
