// The replay corpus (tests/hostile/, written by tools/make_fuzz_seeds.py): what has hurt other programs, refused by
// every build with the words the manifest gives.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "format/gguf.h"
#include "format/hf_config.h"
#include "format/safetensors.h"
#include "support/temp_dir.h"

using namespace mang;
using namespace mang::test;

namespace {

const std::string kFolder = std::string(MANG_SOURCE_DIR) + "/tests/hostile";

std::string read_all(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// Opens a file as its format is opened by the program; "" where it is accepted.
std::string refusal(const std::string& format, const std::string& path) {
  if (format == "gguf" || format == "vocabulary") {
    auto file = GgufFile::open(path);
    return file.ok() ? "" : file.error().message;
  }
  TempDir dir(TempDir::On::memory);
  const bool config = format == "config_json";
  std::filesystem::copy_file(path, dir.file(config ? "config.json" : "model.safetensors"));
  if (config) {
    auto read = read_config(dir.path());
    return read.ok() ? "" : read.error().message;
  }
  auto files = SafetensorsDirectory::open(dir.path());
  return files.ok() ? "" : files.error().message;
}

}  // namespace

TEST_CASE("every hostile file is refused, in the words that fit its fault") {
  auto manifest = parse_json(read_all(kFolder + "/manifest.json"), "manifest.json");
  REQUIRE(manifest.ok());
  uint64_t refused = 0, left_to_tokenizers = 0;
  for (const auto& line : *manifest) {
    const auto file = line.at("file").get<std::string>();
    const auto format = line.at("format").get<std::string>();
    CAPTURE(file);
    REQUIRE(std::filesystem::exists(kFolder + "/" + file));
    const std::string error = refusal(format, kFolder + "/" + file);
    if (format == "vocabulary") {  // a sound file: what it says is for tokenizers to refuse
      CHECK(error.empty());
      ++left_to_tokenizers;
      continue;
    }
    CHECK_FALSE(error.empty());
    CHECK_MESSAGE(error.find(line.at("says").get<std::string>()) != std::string::npos, error);
    refused += !error.empty();
  }
  fmt::print("measured: {} hostile files refused, {} more are left to the tokenizers\n", refused, left_to_tokenizers);
  CHECK(refused >= 40);
  CHECK(refused + left_to_tokenizers == manifest->size());
}

TEST_CASE("the sound seeds are accepted") {
  uint64_t seeds = 0;
  for (const std::string format : {"gguf", "safetensors", "config_json"}) {
    for (const auto& at :
         std::filesystem::directory_iterator(std::string(MANG_SOURCE_DIR) + "/fuzz/corpus/" + format)) {
      if (at.path().filename().string().starts_with("hostile_")) continue;
      CAPTURE(at.path().string());
      CHECK(refusal(format, at.path().string()) == "");
      ++seeds;
    }
  }
  CHECK(seeds >= 20);
}
