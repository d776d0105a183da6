// Progress of a download on stderr: one line that is rewritten on a terminal, a few plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "hub/fetch_progress.h"

namespace mang::cli {

// What is said before the first byte.
struct FetchTitle {
  std::string title;    // what is fetched
  std::string license;  // empty: not known here
  std::string from;     // "pip", or a host
  uint64_t bytes = 0;   // 0: not known yet
};

class FetchDisplay {
 public:
  explicit FetchDisplay(FetchTitle title);
  ~FetchDisplay();
  FetchDisplay(const FetchDisplay&) = delete;
  FetchDisplay& operator=(const FetchDisplay&) = delete;

  void show(const FetchProgress& progress);

 private:
  void announce(FetchStage stage);

  [[nodiscard]] std::string speed_and_rest(const FetchProgress& progress);

  FetchTitle title_;
  bool terminal_;
  bool announced_ = false;
  bool line_open_ = false;
  FetchStage stage_ = FetchStage::waiting;
  std::chrono::steady_clock::time_point last_{};
  // Where the speed is counted from: the last few seconds.
  std::chrono::steady_clock::time_point since_{};
  uint64_t since_bytes_ = 0;
  double speed_ = 0;  // bytes a second, smoothed; 0: not known yet
};

// A line on a terminal that says what takes a while, and goes with this object.
class StatusLine {
 public:
  explicit StatusLine(const std::string& text);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

 private:
  bool terminal_;
};

}  // namespace mang::cli
