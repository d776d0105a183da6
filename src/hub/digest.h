// Digests of what comes piece by piece: SHA-256, and the SHA-1 that git gives a blob (how a hub names small files).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_md_ctx_st;

namespace mang {

// What a SHA-256 looks like: 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);

using Sha256 = std::array<uint8_t, 32>;

class Digest {
 public:
  static Digest sha256();
  static Digest git_blob(uint64_t bytes);  // git hashes the length first

  void add(const void* bytes, size_t n);
  // Text with its length before it (8 bytes, the lowest first), so that neighbours cannot run into each other.
  void add_text(std::string_view text);
  // One of them once, at the end.
  std::string hex();      // lower case
  Sha256 sha256_bytes();  // of a SHA-256

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  Digest() = default;
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Adds a whole file that is open; `what` names it in errors. progress(bytes read) is called every few MB; false stops
// with an error.
Result<void> add_file(Digest& digest, int fd, const std::string& what,
                      const std::function<bool(uint64_t)>& progress = {});
Result<void> add_file(Digest& digest, const std::string& path, const std::function<bool(uint64_t)>& progress = {});

}  // namespace mang
