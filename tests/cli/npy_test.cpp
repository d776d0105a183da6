#include "cli/npy.h"

#include <doctest/doctest.h>

#include "support/golden.h"
#include "support/temp_dir.h"

namespace mang::cli {
namespace {

TEST_CASE("a NumPy file has an aligned header and the rows in order, and appears only when complete") {
  test::TempDir dir;
  const std::string path = dir.file("out.npy");
  {
    NpyWriter writer = NpyWriter::create(path, 3, 2).value();
    const float rows[] = {1, 2, 3, 4, 5, -6.5F};
    REQUIRE(writer.write({rows, 2}).ok());
    CHECK(!std::filesystem::exists(path));
    REQUIRE(writer.write({rows + 2, 4}).ok());
    REQUIRE(writer.finish().ok());
  }
  int64_t columns = 0;
  CHECK(test::read_npy(path, columns) == std::vector<float>{1, 2, 3, 4, 5, -6.5F});
  CHECK(columns == 2);
  const std::string bytes = test::read_file(path);
  CHECK((bytes.size() - 6 * sizeof(float)) % 64 == 0);
  CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  CHECK(bytes.find("'shape': (3, 2)") != std::string::npos);
}

TEST_CASE("an abandoned NumPy file leaves what was there before") {
  test::TempDir dir;
  const std::string path = dir.write("out.npy", "old");
  {
    NpyWriter writer = NpyWriter::create(path, 2, 1).value();
    const float one = 1;
    REQUIRE(writer.write({&one, 1}).ok());
  }
  CHECK(test::read_file(path) == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
  CHECK(!NpyWriter::create(dir.file("no/such/folder.npy"), 1, 1).ok());
}

}  // namespace
}  // namespace mang::cli
