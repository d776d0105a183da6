#include "engine/hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <new>

#include "base/check.h"

namespace mang {

Hash::Hash() : context_(EVP_MD_CTX_new()) {
  if (context_ != nullptr && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1) return;
  EVP_MD_CTX_free(context_);
  throw std::bad_alloc();  // nothing else makes these fail
}

Hash::~Hash() { EVP_MD_CTX_free(context_); }

void Hash::add(const void* data, size_t bytes) { MANG_CHECK(EVP_DigestUpdate(context_, data, bytes) == 1); }

void Hash::add_text(std::string_view text) {
  const uint64_t length = text.size();
  add(&length, sizeof length);
  add(text.data(), text.size());
}

Hash::Value Hash::finish() {
  Value value;
  MANG_CHECK(EVP_DigestFinal_ex(context_, value.data(), nullptr) == 1);
  return value;
}

std::string hex(const Hash::Value& value) {
  std::string out;
  for (const uint8_t byte : value) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace mang
