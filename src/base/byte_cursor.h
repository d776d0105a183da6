// ByteCursor: the one way bytes from outside are read. Every read is checked against the end; integers are
// little-endian; nothing is allocated before the bytes that would fill it are known to be there.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/result.h"

namespace mang {

static_assert(std::endian::native == std::endian::little, "file formats here are little-endian");

class ByteCursor {
 public:
  // `what` names the source in error messages ("model.gguf"); it must outlive the cursor, as must the bytes.
  ByteCursor(std::span<const std::byte> bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  [[nodiscard]] uint64_t position() const { return position_; }
  [[nodiscard]] uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] uint64_t remaining() const { return bytes_.size() - position_; }
  [[nodiscard]] std::string_view what() const { return what_; }

  // An unsigned or signed integer, float or double.
  template <typename T>
    requires std::is_arithmetic_v<T>
  Result<T> read() {
    MANG_TRY(std::span<const std::byte> raw, take(sizeof(T)));
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  // The next n bytes, as a view into the source.
  Result<std::span<const std::byte>> take(uint64_t n) {
    if (n > remaining()) {
      return fail("{}: truncated: {} bytes wanted at byte {}, {} left of {}. The download may be incomplete.", what_, n,
                  position_, remaining(), bytes_.size());
    }
    auto out = bytes_.subspan(position_, n);
    position_ += n;
    return out;
  }

  // The next n bytes as text (no encoding is checked).
  Result<std::string_view> take_text(uint64_t n) {
    MANG_TRY(std::span<const std::byte> raw, take(n));
    return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
  }

  // Refuses a count of items that could not fit in what is left, before anything is allocated for them. `items`: what
  // they are called, "tensors".
  Result<void> expect_room(uint64_t count, uint64_t bytes_each, const Error& items) const {
    if (bytes_each != 0 && count > remaining() / bytes_each) {
      return fail("{}: {} {} announced at byte {}, but only {} bytes are left. The file is damaged.", what_, count, items,
                  position_, remaining());
    }
    return {};
  }

  Result<void> seek(uint64_t position) {
    if (position > bytes_.size()) return fail("{}: offset {} lies past the end ({} bytes).", what_, position, bytes_.size());
    position_ = position;
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
  uint64_t position_ = 0;
};

// a * b and a + b for sizes from outside: nullopt-free, false when they would wrap.
[[nodiscard]] inline bool checked_mul(uint64_t a, uint64_t b, uint64_t& out) { return !__builtin_mul_overflow(a, b, &out); }
[[nodiscard]] inline bool checked_add(uint64_t a, uint64_t b, uint64_t& out) { return !__builtin_add_overflow(a, b, &out); }

}  // namespace mang
