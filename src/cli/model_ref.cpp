#include "cli/model_ref.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "cli/catalog_models.h"
#include "cli/context.h"
#include "cli/messages.h"
#include "cli/remote_models.h"

namespace mang::cli {
namespace {

bool has_space(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c); });
}

bool exists(const std::string& path) {
  std::error_code error;
  return !path.empty() && path.find('\0') == std::string::npos && std::filesystem::exists(path, error);
}

// "https://…": letters, digits, '+', '-', '.' before "://".
bool looks_like_url(std::string_view text) {
  const size_t colon = text.find("://");
  return colon != std::string_view::npos && colon > 0 &&
         std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '-' || c == '.'; });
}

// "name:tag", "organisation/name:tag": both parts begin with a letter or digit.
bool looks_tagged(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  auto good = [](std::string_view part, std::string_view more) {
    return std::isalnum(static_cast<unsigned char>(part.front())) &&
           std::all_of(part.begin(), part.end(), [&](unsigned char c) {
             return std::isalnum(c) || more.find(static_cast<char>(c)) != std::string_view::npos;
           });
  };
  return good(text.substr(0, colon), "._-/") && good(text.substr(colon + 1), "._-");
}

bool looks_like_file(std::string_view text) {
  return text.starts_with("./") || text.starts_with("../") || text.starts_with("/") || text.starts_with("~/") ||
         text.ends_with(".gguf") || text.ends_with(".safetensors");
}

Error unknown_name(const std::string& text, const Catalog& catalog) {
  std::string close;
  for (const std::string& name : catalog.suggestions(text)) close += (close.empty() ? "'" : ", '") + name + "'";
  if (!close.empty()) {
    return Error{say("no model is called '{}'. Did you mean {}?", text, close)};
  }
  return Error{
      say("no model is called '{}'. 'mang list --available' shows the known ones; a GGUF file, a model directory and "
          "hf:organisation/name can be named too.",
          text)};
}

}  // namespace

RefKind classify(const std::string& text, const Catalog& catalog) {
  if (exists(text)) return RefKind::path;
  if (text.empty() || has_space(text)) return RefKind::none;
  if (catalog.find(text)) return RefKind::name;
  if (text.starts_with("hf:")) return RefKind::hf;
  if (looks_like_url(text)) return RefKind::url;
  if (looks_like_file(text)) return RefKind::file;
  if (looks_tagged(text)) return RefKind::tagged;
  return RefKind::none;
}

Result<ModelRef> resolve_model(const std::string& text, const Context& context, bool accept_license) {
  switch (classify(text, context.catalog)) {
    case RefKind::path:
      return ModelRef{text, nullptr};
    case RefKind::name: {
      const CatalogName name = context.catalog.resolve(text);
      MANG_TRY(std::string path, obtain_catalog_model(name, {.accept_license = accept_license}, context));
      return ModelRef{path, name.entry};
    }
    case RefKind::hf: {
      MANG_TRY(const HfName name, parse_hf_name(text));
      MANG_TRY(std::string path, obtain_hf(name, false, context));
      return ModelRef{path, nullptr};
    }
    case RefKind::url: {
      MANG_TRY(std::string path, obtain_url(text, "", context));
      return ModelRef{path, nullptr};
    }
    case RefKind::file:
      return Error{
          say("'{}': there is no such file or directory. Give the path of a GGUF file or a model directory.", text)};
    case RefKind::tagged:
    case RefKind::none:
      break;
  }
  return unknown_name(text, context.catalog);
}

}  // namespace mang::cli
