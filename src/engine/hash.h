// SHA-256 of what comes piece by piece.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace mang {

class Hash {
 public:
  using Value = std::array<uint8_t, 32>;

  Hash();
  ~Hash();
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  void add(const void* data, size_t bytes);
  // Text with its length before it, so that neighbours cannot run into each other.
  void add_text(std::string_view text);
  Value finish();  // once

 private:
  evp_md_ctx_st* context_;
};

std::string hex(const Hash::Value& value);

}  // namespace mang
