// A directory for one test, removed with everything in it afterwards.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace mang::test {

class TempDir {
 public:
  enum class On { disk, memory };

  // memory: for thousands of small files, whose rewriting would wait for a busy disk. (Where there is no /dev/shm,
  // the disk will do.)
  explicit TempDir(On on = On::disk) {
    std::string in_memory = "/dev/shm/mang-test-XXXXXX";
    if (on == On::memory && ::mkdtemp(in_memory.data()) != nullptr) {
      path_ = in_memory;
      return;
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "mang-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view bytes) const {
    std::string at = file(name);
    std::ofstream out(at, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
    REQUIRE(out.good());
    return at;
  }

 private:
  std::string path_;
};

}  // namespace mang::test
