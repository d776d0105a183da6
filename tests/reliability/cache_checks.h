// What must hold of the folders models are kept in, whatever happened.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "hub/fake_hub.h"
#include "support/golden.h"

namespace mang::test {

// A file's content that nothing compresses, the same at each call.
inline std::string noise(size_t bytes) {
  std::mt19937_64 random(bytes);
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

// Contents that a pull left to be gone on with, and locks: not visible as models.
inline bool is_unfinished_name(const std::filesystem::path& path) {
  return path.extension() == ".mang-part" || path.extension() == ".mang-journal" || path.extension() == ".lock";
}

// Every content of a cache in Hugging Face's layout is what its name says, every link leads to one, every ref names a
// snapshot. Returns what is wrong; may_be_unfinished: downloads that can be gone on with are right.
inline std::vector<std::string> wrong_in_hf_cache(const std::string& root, bool may_be_unfinished) {
  namespace fs = std::filesystem;
  std::vector<std::string> wrong;
  std::error_code error;
  if (!fs::exists(root, error)) return wrong;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    const fs::path path = it->path();
    if (fs::is_directory(it->symlink_status())) continue;
    const std::string within = path.lexically_relative(root).string();
    if (within.starts_with(".locks/")) continue;
    const std::string name = path.filename().string(), folder = path.parent_path().filename().string();
    bool right = false;
    if (fs::is_symlink(it->symlink_status())) {
      right = within.find("/snapshots/") != std::string::npos && fs::is_regular_file(path, error) &&
              fs::canonical(path, error).parent_path().filename() == "blobs";
    } else if (folder == "blobs" && is_unfinished_name(path)) {
      right = may_be_unfinished;
    } else if (folder == "blobs") {
      const std::string content = read_file(path.string());
      right = name == (name.size() == 64 ? sha256_of(content) : git_sha1_of(content));
    } else if (folder == "refs") {
      right = fs::is_directory(path.parent_path().parent_path() / "snapshots" / read_file(path.string()));
    }
    if (!right) wrong.push_back(within);
  }
  return wrong;
}

// What is below a folder and neither a folder nor a lock.
inline std::vector<std::string> files_below(const std::string& root) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    const bool lock = it->path().extension() == ".lock" || it->path().filename() == "lock";
    if (!lock && !fs::is_directory(it->symlink_status())) out.push_back(it->path().lexically_relative(root).string());
  }
  return out;
}

}  // namespace mang::test
