#include "cli/clipboard.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "cli/messages.h"
#include "hub/child_process.h"

namespace mang::cli {
namespace {

// Terminals drop longer sequences, some of them at this many bytes.
constexpr size_t kMostForTerminal = 74'000;
constexpr auto kPatience = std::chrono::seconds(5);

// The programs that could do it here, in the order in which they are tried.
std::vector<std::vector<std::string>> programs(const Environment& environment) {
  std::vector<std::vector<std::string>> out;
  if (environment.get("WAYLAND_DISPLAY")) out.push_back({"wl-copy"});
  if (environment.get("DISPLAY")) {
    out.push_back({"xclip", "-selection", "clipboard"});
    out.push_back({"xsel", "--clipboard", "--input"});
  }
  out.push_back({"pbcopy"});
  return out;
}

bool run_with_input(const std::vector<std::string>& argv, const std::string& text, const Environment& environment) {
  ChildOptions options;
  options.argv = argv;
  options.environment = environment.variables();
  options.input = text;
  const auto begin = std::chrono::steady_clock::now();
  options.keep_going = [&] { return std::chrono::steady_clock::now() - begin < kPatience; };
  const Result<ChildOutcome> outcome = run_child(options);
  return outcome.ok() && !outcome->stopped && outcome->exit_code == 0;
}

}  // namespace

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string copy_to_clipboard(const std::string& text, const Environment& environment) {
  for (const auto& argv : programs(environment)) {
    if (run_with_input(argv, text, environment)) return say("(Copied by {}.)", argv.front());
  }
  const std::string terminal = environment.get("TERM").value_or("");
  if (::isatty(STDERR_FILENO) != 1 || terminal.empty() || terminal == "dumb") {
    return tr("mang: nothing here can copy: no clipboard program was found, and this terminal has no way to ask it.");
  }
  const std::string sequence = "\x1b]52;c;" + base64(text) + "\x07";
  if (sequence.size() > kMostForTerminal) {
    return tr("mang: the answer is too long for the terminal's clipboard. Install wl-clipboard or xclip.");
  }
  std::fwrite(sequence.data(), 1, sequence.size(), stderr);
  std::fflush(stderr);
  return tr("(The terminal was asked to copy it; most do, some need it allowed in their settings.)");
}

}  // namespace mang::cli
