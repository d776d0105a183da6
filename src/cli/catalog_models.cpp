#include "cli/catalog_models.h"

#include <algorithm>
#include <filesystem>

#include "cli/consent.h"
#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cli/remote_models.h"
#include "hub/http.h"
#include "hub/url_models.h"
#include "model/registry.h"

namespace mang::cli {
namespace {

namespace fs = std::filesystem;

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

bool offers(const CatalogSource& source, const std::string& quantization) {
  return quantization.empty() || std::find(source.quantizations.begin(), source.quantizations.end(), quantization) !=
                                     source.quantizations.end();
}

HfName hf_name(const HfSource& source, const std::string& quantization) {
  return {.id = source.repo, .revision = source.revision, .what = source.folder ? "" : quantization};
}

// Of one source, with this quantization.
std::optional<std::string> find_in(const CatalogSource& source, const std::string& quantization, const Stored& stored) {
  return std::visit(Overloaded{[&](const PackagedFile& file) { return stored.store.find(file); },
                               [&](const HfSource& hf) -> std::optional<std::string> {
                                 const auto here = find_hf(hf_name(hf, quantization), stored.cache);
                                 if (!here || (hf.folder && here->path.ends_with(".gguf"))) return std::nullopt;
                                 return here->path;
                               },
                               [&](const UrlSource& url) { return UrlModels(stored.by_address).find(url.url); },
                               [&](const FileSource& file) -> std::optional<std::string> {
                                 std::error_code error;
                                 if (!fs::exists(file.path, error)) return std::nullopt;
                                 return file.path;
                               }},
                    source.from);
}

Result<std::string> fetch_package(const PackagedFile& file, const FetchLabel& label, const Context& context) {
  MANG_TRY(const Stored stored, Stored::of(context));
  FetchOptions options;
  if (auto python = context.environment.get("MANG_PYTHON")) options.python = *python;
  options.environment = context.environment.variables();
  const WatchInterrupts watch;  // an unfinished download is taken away
  FetchDisplay display(
      {.title = label.title, .license = label.license, .from = "pip", .bytes = file.download_bytes()});
  options.progress = [&](const FetchProgress& progress) {
    display.show(progress);
    return !context.interrupted.load(std::memory_order_relaxed);
  };
  return stored.store.fetch(file, options);
}

Result<std::string> fetch_from(const CatalogSource& source, const std::string& quantization, bool refresh,
                               const FetchLabel& label, const Context& context) {
  return std::visit(
      Overloaded{[&](const PackagedFile& file) { return fetch_package(file, label, context); },
                 [&](const HfSource& hf) { return obtain_hf(hf_name(hf, quantization), refresh, context, label); },
                 [&](const UrlSource& url) { return obtain_url(url.url, url.sha256, context); },
                 [&](const FileSource& file) -> Result<std::string> {
                   std::error_code error;
                   if (fs::exists(file.path, error)) return file.path;
                   return Error{say("'{}' is not there.", file.path)};
                 }},
      source.from);
}

// What is told of an architecture that is not known here, before gigabytes are fetched for nothing.
Error cannot_run(const CatalogEntry& entry) {
  const std::string elsewhere = [&] {
    for (const CatalogSource& source : entry.sources) {
      if (const auto* hf = std::get_if<HfSource>(&source.from)) return "hf:" + hf->repo;
    }
    return std::string();
  }();
  const Error first =
      fail("{} has the architecture '{}', which this version of mang does not run yet; nothing was fetched.",
           entry.name, entry.architecture);
  if (elsewhere.empty()) return first;
  return fail("{} 'mang pull {}' fetches it all the same, for other programs.", first, elsewhere);
}

}  // namespace

bool runs_here(const CatalogEntry& entry) {
  const auto known = architectures();
  return std::any_of(known.begin(), known.end(),
                     [&](const Architecture& each) { return each.gguf_name == entry.architecture; });
}

std::string describe_source(const CatalogSource& source, const Context& context) {
  return std::visit(
      Overloaded{[&](const PackagedFile& file) { return say("the Python package {}", file.parts.front().package); },
                 [&](const HfSource& hf) { return say("{} on {}", hf.repo, host_of(hf_endpoint(context).url)); },
                 [&](const UrlSource& url) { return url.url; }, [&](const FileSource& file) { return file.path; }},
      source.from);
}

std::optional<CatalogModelHere> find_catalog_model(const CatalogName& name, const Stored& stored) {
  for (const CatalogSource& source : name.entry->sources) {
    for (const std::string& quantization : source.quantizations) {
      if (!name.quantization.empty() && quantization != name.quantization) continue;
      if (auto path = find_in(source, quantization, stored)) return CatalogModelHere{*path, &source};
    }
  }
  return std::nullopt;
}

Result<std::string> obtain_catalog_model(const CatalogName& name, const ObtainCatalogModel& how,
                                         const Context& context) {
  const CatalogEntry& entry = *name.entry;
  MANG_TRY(const Stored stored, Stored::of(context));
  const auto here = find_catalog_model(name, stored);
  const bool may_be_newer = how.refresh && here && std::holds_alternative<HfSource>(here->source->from);
  if (here && !may_be_newer) return here->path;
  if (!runs_here(entry)) return cannot_run(entry);
  MANG_TRY(ask_consent(entry, how.accept_license, context));

  const FetchLabel label{entry.title, entry.license.id};
  std::optional<Error> last;
  bool hub_fails = false;
  for (const CatalogSource& source : entry.sources) {
    if (!offers(source, name.quantization) || (here && here->source != &source)) continue;
    const bool from_hub = std::holds_alternative<HfSource>(source.from);
    if (from_hub && hub_fails) continue;
    if (last) print_error_line(say("{} Trying {} instead.", *last, describe_source(source, context)));
    const std::string quantization = name.quantization.empty() ? source.quantizations.front() : name.quantization;
    Result<std::string> path = fetch_from(source, quantization, how.refresh, label, context);
    if (path.ok() || context.interrupted.load()) return path;
    last = path.error();
    hub_fails = hub_fails || (from_hub && !hub_answers(context));  // then another repository of it fails too
  }
  MANG_CHECK(last.has_value());  // some source offers what the name asks for
  if (!here) return *last;
  print_error_line(say("{} What is here stays.", *last));
  return here->path;
}

Result<bool> remove_catalog_model(const CatalogName& name, const Stored& stored) {
  bool removed = false;
  for (const CatalogSource& source : name.entry->sources) {
    for (const std::string& quantization : source.quantizations) {
      if (!name.quantization.empty() && quantization != name.quantization) continue;
      const auto path = find_in(source, quantization, stored);
      if (!path) continue;
      if (const auto* hf = std::get_if<HfSource>(&source.from)) {
        const auto model = find_hf(hf_name(*hf, quantization), stored.cache);
        MANG_TRY(const bool gone, stored.cache.remove_files(hf->repo, model->commit, model->files));
        removed = removed || gone;
      } else if (!std::holds_alternative<FileSource>(source.from)) {  // a file of the user's own stays
        MANG_TRY(remove_model_folder(fs::path(*path).parent_path(), stored));
        removed = true;
      }
    }
  }
  return removed;
}

}  // namespace mang::cli
