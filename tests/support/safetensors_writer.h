// Writes safetensors files for tests. Not part of the program.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace mang::test {

// A file from a header and data as they are, right or wrong.
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  const uint64_t size = header.size();
  std::string out(reinterpret_cast<const char*>(&size), sizeof(size));
  out += header;
  out += data;
  return out;
}

class SafetensorsWriter {
 public:
  // dtype as the format names it: "F32", "F16", "BF16", …; shape outermost first.
  SafetensorsWriter& add(std::string_view name, std::string_view dtype, const Shape& shape, std::string_view bytes) {
    entry(name, dtype, shape, data_.size(), data_.size() + bytes.size());
    data_ += bytes;
    return *this;
  }
  SafetensorsWriter& add_f32(std::string_view name, const Shape& shape, const std::vector<float>& values) {
    return add(name, "F32", shape, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }
  // Only the header's line, with offsets of the caller's choice.
  SafetensorsWriter& entry(std::string_view name, std::string_view dtype, const Shape& shape, uint64_t begin,
                           uint64_t end) {
    header_ += fmt::format("{}\"{}\":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                           header_.empty() ? "" : ",", name, dtype, fmt::join(shape, ","), begin, end);
    return *this;
  }
  SafetensorsWriter& raw_entry(std::string_view json) {
    header_ += fmt::format("{}{}", header_.empty() ? "" : ",", json);
    return *this;
  }
  SafetensorsWriter& raw_data(std::string_view data) {
    data_ += data;
    return *this;
  }

  [[nodiscard]] std::string header() const {
    std::string out = "{" + header_ + "}";
    out.resize((out.size() + 7) / 8 * 8, ' ');  // as the reference pads it
    return out;
  }
  [[nodiscard]] std::string bytes() const { return safetensors_bytes(header(), data_); }
  void write(const std::string& path) const {
    const std::string all = bytes();
    std::ofstream(path, std::ios::binary).write(all.data(), static_cast<std::streamsize>(all.size()));
  }

 private:
  std::string header_;
  std::string data_;
};

}  // namespace mang::test
