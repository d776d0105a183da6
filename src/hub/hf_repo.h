// A model repository on Hugging Face's hub, or a mirror of it: which files it has, and which of them a user means.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace mang {

struct HfEndpoint {
  std::string url = "https://huggingface.co";  // no slash at the end
  std::string token;                           // sent to this endpoint only; empty: none
  int connect_timeout_ms = 10000;
};

struct HfFile {
  std::string path;  // within the repository, checked: relative, no "..", no control characters
  uint64_t bytes = 0;
  std::string sha256;    // of large files (LFS); empty: a small one
  std::string git_sha1;  // of small files

  // The name of the content in Hugging Face's cache: its ETag.
  [[nodiscard]] const std::string& etag() const { return sha256.empty() ? git_sha1 : sha256; }
};

struct HfRepo {
  std::string id;        // "organisation/name"
  std::string revision;  // as asked for: a branch, a tag or a commit
  std::string commit;    // 40 hexadecimal digits
  bool gated = false;    // its licence asks for consent
  std::vector<HfFile> files;
};

// "organisation/name" with the characters the hub allows.
bool is_hf_id(const std::string& id);

// Asks the endpoint. Errors say whether the repository is unknown, asks for consent, or the hub could not be reached.
Result<HfRepo> list_hf_repo(const HfEndpoint& endpoint, const std::string& id, const std::string& revision,
                            const std::function<bool()>& keep_going);

// The same from the hub's answer: a document from outside.
Result<HfRepo> parse_hf_repo(std::string_view json, const std::string& id, const std::string& revision);

// The address of a file at a commit.
std::string hf_file_url(const HfEndpoint& endpoint, const HfRepo& repo, const std::string& path);

// The files of one model. `wanted` is a file of the repository, a quantization ("Q4_K_M", letter case ignored) or
// empty: then the first of Q4_K_M, Q4_K_S, Q4_0, Q5_K_M, Q8_0, … that is there, or the safetensors files with what
// belongs to them. The first file returned is the one to open (a GGUF file or config.json).
Result<std::vector<HfFile>> select_hf_files(const HfRepo& repo, const std::string& wanted);

}  // namespace mang
