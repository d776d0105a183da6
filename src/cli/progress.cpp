#include "cli/progress.h"

#include <unistd.h>

#include "base/units.h"
#include "cli/io.h"
#include "cli/messages.h"

namespace mang::cli {

FetchDisplay::FetchDisplay(FetchTitle title) : title_(std::move(title)), terminal_(::isatty(STDERR_FILENO) == 1) {}

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
  since_ = {};
  speed_ = 0;
  if (stage == FetchStage::waiting) print_error_line(tr("Waiting for another mang that fetches the same model."));
  if (stage == FetchStage::downloading) {
    const std::string size = title_.bytes > 0 ? ", " + human_bytes(title_.bytes) : "";
    const std::string license = title_.license.empty() ? "" : say(", licence {}", title_.license);
    print_error_line(say("Fetching {}{}{}, from {}.", title_.title, size, license, title_.from));
  }
  if (stage == FetchStage::verifying && !terminal_) print_error_line(tr("Checking what came."));
}

// "  12.3 MB/s  0:42 left"; empty until there is something to say.
std::string FetchDisplay::speed_and_rest(const FetchProgress& progress) {
  constexpr double kWindow = 2;  // seconds between measurements
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - since_).count();
  if (since_ == std::chrono::steady_clock::time_point{}) {
    since_ = now;
    since_bytes_ = progress.done;
  } else if (seconds >= kWindow) {
    const double latest = static_cast<double>(progress.done - since_bytes_) / seconds;
    speed_ = speed_ == 0 ? latest : 0.7 * speed_ + 0.3 * latest;
    since_ = now;
    since_bytes_ = progress.done;
  }
  if (speed_ < 1) return "";
  const auto left = static_cast<uint64_t>(static_cast<double>(progress.total - progress.done) / speed_);
  const std::string time = left >= 3600 ? fmt::format("{}:{:02}:{:02}", left / 3600, left / 60 % 60, left % 60)
                                        : fmt::format("{}:{:02}", left / 60, left % 60);
  return "  " + say("{}/s, {} left", human_bytes(static_cast<uint64_t>(speed_)), time);
}

void FetchDisplay::show(const FetchProgress& progress) {
  announce(progress.stage);
  const auto now = std::chrono::steady_clock::now();
  const bool complete = progress.done == progress.total;
  if (!terminal_ || progress.total == 0) return;
  if (!complete && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const std::string verb = progress.stage == FetchStage::verifying ? tr("checking") : tr("downloading");
  const std::string rest = complete ? "" : speed_and_rest(progress);
  fmt::print(stderr, "\r\033[K  {:<12} {:>9} / {}  {:3.0f} %{}", verb, human_bytes(progress.done),
             human_bytes(progress.total),
             100.0 * static_cast<double>(progress.done) / static_cast<double>(progress.total), rest);
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
