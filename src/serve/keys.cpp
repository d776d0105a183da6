#include "serve/keys.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cmath>

namespace mang::serve {

Keys::Digest Keys::digest_of(std::string_view key) {
  Digest out{};
  ::SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), out.data());
  return out;
}

void Keys::add(std::string name, std::string_view key, KeyLimits limits) {
  keys_.push_back({std::move(name), digest_of(key), limits, 0, {}, {}});
}

std::optional<size_t> Keys::find(std::string_view offered) const {
  const Digest digest = digest_of(offered);
  std::optional<size_t> found;
  for (size_t i = 0; i < keys_.size(); ++i) {  // all of them, always
    if (::CRYPTO_memcmp(digest.data(), keys_[i].digest.data(), digest.size()) == 0) found = i;
  }
  return found;
}

double Keys::seconds_until(Bucket& bucket, int64_t a_minute, double wanted) {
  const auto now = Clock::now();
  const double most = static_cast<double>(a_minute);
  const double passed = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.left = bucket.begun ? std::min(most, bucket.left + passed * most / 60) : most;
  bucket.begun = true;
  bucket.filled = now;
  if (bucket.left >= wanted) return 0;
  return (wanted - bucket.left) * 60 / std::max(most, 1.0);
}

std::optional<int> Keys::begin(size_t index) {
  const std::lock_guard lock(*mutex_);
  Key& key = keys_[index];
  if (key.limits.together && key.under_way >= *key.limits.together) return 1;
  double wait = 0;
  if (key.limits.requests_a_minute) wait = seconds_until(key.requests, *key.limits.requests_a_minute, 1);
  // Tokens are known afterwards only, so that the budget may fall below nothing, and has to be made up for.
  if (key.limits.tokens_a_minute) wait = std::max(wait, seconds_until(key.tokens, *key.limits.tokens_a_minute, 1));
  if (wait > 0) return static_cast<int>(std::ceil(wait));
  key.requests.left -= 1;
  ++key.under_way;
  return std::nullopt;
}

void Keys::end(size_t index, int64_t tokens) {
  const std::lock_guard lock(*mutex_);
  Key& key = keys_[index];
  --key.under_way;
  key.tokens.left -= static_cast<double>(tokens);
}

}  // namespace mang::serve
