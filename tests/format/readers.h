// The readers of src/format/ behind one face, for tests that put every format through the same.
#pragma once

#include <optional>
#include <string>

#include "format/naive_readers.h"

namespace mang::test {

struct ReaderUnderTest {
  const char* name;
  // What the reader sees in the bytes, in the naive readers' terms; nullopt with `error` where it refuses.
  std::optional<NaiveFile> (*read)(const std::string& bytes, std::string& error);
  std::optional<NaiveFile> (*naive)(const std::string& bytes);
};

ReaderUnderTest gguf_reader();
ReaderUnderTest safetensors_reader();

}  // namespace mang::test
