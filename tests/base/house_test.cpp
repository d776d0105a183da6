// The house of ARCHITECTURE.md: a folder includes folders of lower levels, and the sideways edges listed here.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <utility>

namespace {

const std::map<std::string, int> kLevels = {{"base", 0},  {"tensor", 1}, {"kernels", 2}, {"format", 2},
                                            {"text", 2},  {"jinja", 2},  {"hub", 2},     {"model", 3},
                                            {"load", 3},  {"engine", 4}, {"chat", 5},    {"serve", 6},
                                            {"cli", 7}};
const std::set<std::pair<std::string, std::string>> kSideways = {{"load", "model"}};

// What is wrong with an include of `to` in a file of `from`; empty: nothing.
std::string complaint(const std::string& from, const std::string& to) {
  if (from == to) return "";
  if (!kLevels.contains(from)) return "the folder '" + from + "' has no level";
  if (!kLevels.contains(to)) return "the folder '" + to + "' has no level";
  if (kLevels.at(to) < kLevels.at(from) || kSideways.contains({from, to})) return "";
  return from + "/ (level " + std::to_string(kLevels.at(from)) + ") may not include " + to + "/";
}

TEST_CASE("folders include lower levels only") {
  const std::filesystem::path src = std::string(MANG_SOURCE_DIR) + "/src";
  const std::regex include("^\\s*#\\s*include\\s+\"([a-z_0-9]+)/([^\"]+)\"");
  int seen = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(src)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    const std::string from = std::filesystem::relative(entry.path(), src).begin()->string();
    std::ifstream file(entry.path());
    std::smatch match;
    for (std::string line; std::getline(file, line);) {
      if (!std::regex_search(line, match, include)) continue;
      if (!std::filesystem::is_directory(src / match[1].str())) continue;  // a library's own header
      ++seen;
      CHECK_MESSAGE(complaint(from, match[1]).empty(),
                    entry.path().string() << ": " << complaint(from, match[1]) << " (" << line << ")");
      // Only kernels/ itself reaches into its processors' folder.
      const bool inside = match[1] == "kernels" && match[2].str().starts_with("cpu/") && from != "kernels";
      CHECK_MESSAGE(!inside, entry.path().string() << ": includes " << match[2]);
    }
  }
  CHECK(seen > 100);
}

TEST_CASE("the house test itself sees a wrong edge") {
  CHECK(!complaint("text", "engine").empty());
  CHECK(!complaint("model", "load").empty());
  CHECK(!complaint("nowhere", "base").empty());
  CHECK(complaint("load", "model").empty());
}

TEST_CASE("only the command line reads the environment") {
  const std::filesystem::path src = std::string(MANG_SOURCE_DIR) + "/src";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(src)) {
    if (!entry.is_regular_file()) continue;
    if (std::filesystem::relative(entry.path(), src).begin()->string() == "cli") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      CHECK_MESSAGE(line.find("getenv(") == std::string::npos, entry.path().string() << ": " << line);
    }
  }
}

}  // namespace
