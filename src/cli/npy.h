// Float32 matrices as NumPy files (format version 1.0), written row by row.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace mang::cli {

class NpyWriter {
 public:
  // A file of shape [rows, cols], written beside `path` and put in its place by finish(); until then, and if that is
  // never reached, nothing at `path` changes. "/dev/stdout" and other files that are no regular files are written to
  // directly.
  static Result<NpyWriter> create(const std::string& path, int64_t rows, int64_t cols);

  NpyWriter(NpyWriter&&) noexcept;
  NpyWriter& operator=(NpyWriter&&) = delete;
  ~NpyWriter();

  // A whole number of rows.
  Result<void> write(std::span<const float> values);
  // Refuses when rows are missing.
  Result<void> finish();

 private:
  NpyWriter() = default;
  [[nodiscard]] Error write_error() const;
  Result<void> write_bytes(const void* bytes, size_t n);

  std::string path_;
  std::string pending_;  // the file being written; equal to path_ when written directly
  int fd_ = -1;
  uint64_t missing_ = 0;  // values not yet written
};

}  // namespace mang::cli
