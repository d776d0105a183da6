// What the server has done, for Prometheus: GET /metrics. Names and units as
// https://prometheus.io/docs/practices/naming asks for them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "engine/engine.h"

namespace mang::serve {

class Metrics {
 public:
  // `route`: the address as the router knows it, not as the client wrote it: there are only so many of those.
  void request_ended(const std::string& route, int status, double seconds);
  void request_refused(const std::string& reason);
  void answer_ended(const std::string& model, FinishReason reason, const RequestStats& stats);

  // What is now, to be told beside what was counted.
  struct Gauges {
    size_t connections = 0, under_way = 0, generating = 0;
    struct Blocks {
      int64_t used = 0, all = 0;
    };
    std::map<std::string, Blocks> kv;  // of each model in memory
  };
  [[nodiscard]] std::string text(const Gauges& now) const;

 private:
  // How many observations were at most so many seconds long.
  struct Histogram {
    static constexpr std::array<double, 14> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                       1,     2.5,  5,     10,   30,  60,   300};
    std::array<uint64_t, kBounds.size()> counts{};
    uint64_t count = 0;
    double sum = 0;
    void add(double seconds, uint64_t times = 1);
  };
  struct OfModel {
    uint64_t prompt_tokens = 0, cached_tokens = 0, generated_tokens = 0, drafted_tokens = 0, accepted_tokens = 0;
    uint64_t preemptions = 0;
    std::map<std::string, uint64_t> ends;  // by reason
    Histogram queue, first_token, token;
  };
  static void write(std::string& out, const std::string& name, const std::string& labels, const Histogram& histogram);

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;
  std::map<std::string, Histogram> seconds_;
  std::map<std::string, uint64_t> refused_;
  std::map<std::string, OfModel> models_;
};

}  // namespace mang::serve
