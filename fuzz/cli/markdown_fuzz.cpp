// Any bytes as an answer on a terminal, in pieces of any size: what is written moves the cursor, sets colours and shows
// characters, nothing else, and does not grow beyond measure.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/markdown.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// The only control characters are ends of lines, returns, tabs (code is shown as it was written), and sequences of our
// own: ESC [ numbers letter.
void require_harmless(std::string_view shown) {
  for (size_t at = 0; at < shown.size(); ++at) {
    const auto c = static_cast<unsigned char>(shown[at]);
    if (c == 0x1B) {
      require(at + 1 < shown.size() && shown[at + 1] == '[');
      at += 2;
      while (at < shown.size() && (shown[at] == ';' || (shown[at] >= '0' && shown[at] <= '9'))) ++at;
      require(at < shown.size() && std::string_view("ACJm").find(shown[at]) != std::string_view::npos);
      continue;
    }
    require(c >= 0x20 || c == '\n' || c == '\r' || c == '\t');
    require(c != 0x7F);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t piece = 1 + data[0] % 64;
  mang::cli::MarkdownOptions options;
  options.width = 20 + data[1] % 100;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  mang::cli::MarkdownStream stream(options);
  size_t written = 0;
  for (size_t at = 0; at < text.size(); at += piece) {
    const std::string shown = stream.feed(text.substr(at, piece));
    require_harmless(shown);
    written += shown.size();
  }
  const std::string rest = stream.finish();
  require_harmless(rest);
  // At most a screen is written again for each piece.
  constexpr size_t kScreen = 1 << 16;
  require(written + rest.size() <= (text.size() / piece + 2) * kScreen);
  return 0;
}
