// Files named in a message: "Summarise @report.pdf, please."
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"

namespace mang::cli {

struct Attachment {
  std::string name;  // as the user wrote it, without the @
  std::string path;
  std::string text;
  uint64_t bytes = 0;  // of the file
};

struct Attached {
  std::string message;  // the files' texts, then the message as it was written
  std::vector<Attachment> files;
  std::vector<std::string> missing;  // names that look like files, of which there is none
};

// Reads the files that words beginning with @ name: @notes.txt, @"two words.txt", @~/notes.txt. Text, HTML and PDF are
// read; a word that names no file stays as it is. An error: a file is there and cannot be read, or is no text.
Result<Attached> attach_files(const std::string& message, const Environment& environment);

class Answerer;
// Says on stderr what was read, with its size in tokens, and what was not there.
void say_attached(const Attached& attached, const Answerer& answerer);

// A message as it was written, without the texts that attach_files() put before it.
std::string_view without_files(std::string_view message);

// The text of one file. Devices, pipes and folders are refused, and what is too large.
Result<std::string> read_attachment(const std::string& path, const Environment& environment, uint64_t& bytes);

}  // namespace mang::cli
