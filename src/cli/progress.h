// Progress of a download on stderr: one line that is rewritten on a terminal, a few plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "hub/catalog.h"
#include "hub/pip_source.h"

namespace mang::cli {

class FetchDisplay {
 public:
  explicit FetchDisplay(const CatalogEntry& entry);
  ~FetchDisplay();
  FetchDisplay(const FetchDisplay&) = delete;
  FetchDisplay& operator=(const FetchDisplay&) = delete;

  void show(const FetchProgress& progress);

 private:
  void announce(FetchStage stage);

  std::string title_;
  std::string license_;
  uint64_t bytes_;
  bool terminal_;
  bool announced_ = false;
  bool line_open_ = false;
  FetchStage stage_ = FetchStage::waiting;
  std::chrono::steady_clock::time_point last_{};
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
