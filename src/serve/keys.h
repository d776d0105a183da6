// Who may ask: API keys, each with its limits. Compared in constant time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang::serve {

struct KeyLimits {
  std::optional<int64_t> together;           // requests under way
  std::optional<int64_t> requests_a_minute;  // begun
  std::optional<int64_t> tokens_a_minute;    // read and written
};

class Keys {
 public:
  // name: for logs and limits; the key itself is not kept.
  void add(std::string name, std::string_view key, KeyLimits limits = {});
  [[nodiscard]] bool empty() const { return keys_.empty(); }

  // The key's number; nullopt: there is none like it. Takes the same time whatever is offered.
  [[nodiscard]] std::optional<size_t> find(std::string_view offered) const;
  [[nodiscard]] const std::string& name(size_t key) const { return keys_[key].name; }

  // Takes a request in, or says in how many seconds it may come again. Any thread.
  std::optional<int> begin(size_t key);
  void end(size_t key, int64_t tokens);

 private:
  using Clock = std::chrono::steady_clock;
  using Digest = std::array<unsigned char, 32>;
  // A budget that fills up again evenly: at most a minute's worth.
  struct Bucket {
    double left = 0;
    Clock::time_point filled = Clock::now();
    bool begun = false;
  };
  struct Key {
    std::string name;
    Digest digest{};
    KeyLimits limits;
    int64_t under_way = 0;
    Bucket requests, tokens;
  };
  static Digest digest_of(std::string_view key);
  static double seconds_until(Bucket& bucket, int64_t a_minute, double wanted);

  std::vector<Key> keys_;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  // so that it can be moved
};

}  // namespace mang::serve
