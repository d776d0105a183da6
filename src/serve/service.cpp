#include "serve/service.h"

#include <openssl/rand.h>

#include <chrono>

#include "base/check.h"

namespace mang::serve {

int64_t unix_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string new_id(std::string_view prefix) {
  unsigned char bytes[12];
  MANG_CHECK(::RAND_bytes(bytes, sizeof(bytes)) == 1);
  std::string out(prefix);
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

uint64_t random_seed() {
  uint64_t seed = 0;
  MANG_CHECK(::RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof(seed)) == 1);
  return seed >> 11;  // 53 bits: every JSON reader gives it back exactly
}

}  // namespace mang::serve
