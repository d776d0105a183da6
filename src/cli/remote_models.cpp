#include "cli/remote_models.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/ascii.h"
#include "base/mapped_file.h"
#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cli/stored.h"
#include "hub/digest.h"
#include "hub/folder.h"
#include "hub/http.h"
#include "hub/url_models.h"

namespace mang::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestToken = 4096;

// What to open: the GGUF file (its first part), or the folder of the config.
std::string path_to_open(const std::string& folder, const std::vector<HfFile>& files) {
  return files.front().path == "config.json" ? folder : folder + "/" + files.front().path;
}

// Every part of a split file, as its name counts them: "-00001-of-00003".
bool all_parts_here(const std::vector<HfFile>& files) {
  const std::string& first = files.front().path;
  const size_t of = first.rfind("-of-");
  if (!first.ends_with(".gguf") || of == std::string::npos || of + 9 > first.size()) return true;
  const std::string count = first.substr(of + 4, 5);
  if (!std::all_of(count.begin(), count.end(), [](unsigned char c) { return std::isdigit(c); })) return true;
  return files.size() == static_cast<size_t>(std::stoul(count));
}

// A file that came before its digest was known.
Result<void> expect_digest(const std::string& path, const std::string& sha256, const Context& context) {
  const StatusLine status(tr("Checking the file that is here …"));
  Digest digest = Digest::sha256();
  MANG_TRY(add_file(digest, path, [&](uint64_t) { return !context.interrupted.load(std::memory_order_relaxed); }));
  const std::string found = digest.hex();
  if (found == sha256) return {};
  return Error{say("{}: its SHA-256 is {}, not {}. 'mang rm' takes it away; then pull it again.", path, found, sha256)};
}

// A repository whose files are given only to those who accepted its licence on its page.
Error explain_gate(const std::string& id, const HfEndpoint& endpoint) {
  if (endpoint.token.empty()) {
    return Error{
        say("hf:{}: its licence asks for consent on the hub. Accept it at {}/{}, make a token at {}/settings/tokens, "
            "and give it in HF_TOKEN.",
            id, endpoint.url, id, endpoint.url)};
  }
  return Error{
      say("hf:{}: the account of your token has not been let in. Accept the licence at {}/{}, and check that "
          "the token may read gated models.",
          id, endpoint.url, id)};
}

}  // namespace

Result<void> remove_model_folder(const fs::path& folder, const Stored& stored) {
  const std::string& root = stored.store.root();
  const std::string above = folder.parent_path().lexically_relative(root).string();
  MANG_TRY(const Folder store, Folder::open(root));
  MANG_TRY(const Folder parent, store.open_below(above == "." ? "" : above));
  return remove_whole(parent, folder.filename().string());
}

Result<HfName> parse_hf_name(const std::string& text) {
  HfName name{.id = text.substr(text.starts_with("hf:") ? 3 : 0), .revision = "main", .what = ""};
  if (const size_t colon = name.id.find(':'); colon != std::string::npos) {
    name.what = name.id.substr(colon + 1);
    name.id.resize(colon);
  }
  if (const size_t at = name.id.find('@'); at != std::string::npos) {
    name.revision = name.id.substr(at + 1);
    name.id.resize(at);
  }
  if (!is_hf_id(name.id) || name.revision.empty()) {
    return Error{say("'{}' is not of the form hf:organisation/name[@revision][:quantization or file].", text)};
  }
  return name;
}

HfEndpoint hf_endpoint(const Context& context) {
  HfEndpoint endpoint;
  if (auto url = context.environment.get("HF_ENDPOINT")) endpoint.url = *url;
  while (endpoint.url.ends_with('/')) endpoint.url.pop_back();
  if (auto token = context.environment.get("HF_TOKEN")) {
    endpoint.token = ascii_right_trimmed(*token);
    return endpoint;
  }
  std::string file = context.environment.get("HF_TOKEN_PATH").value_or("");
  if (file.empty()) {
    const auto cache = context.environment.cache_folder();
    const auto home = context.environment.get("HF_HOME");
    file = home ? *home + "/token" : cache.ok() ? *cache + "/huggingface/token" : "";
  }
  if (const auto token = read_text_file(file, kLongestToken); token.ok()) endpoint.token = ascii_right_trimmed(*token);
  return endpoint;
}

bool hub_answers(const Context& context) {
  if (context.environment.get("HF_HUB_OFFLINE").value_or("0") != "0") return false;
  constexpr int kMilliseconds = 3000;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kMilliseconds);
  HttpRequest request;
  request.url = hf_endpoint(context).url;
  request.head_only = true;
  request.connect_timeout_ms = kMilliseconds;
  const WatchInterrupts watch;
  HttpEvents events;
  events.on_headers = [](const HttpResponse&) { return false; };  // any answer will do
  events.keep_going = [&] {
    return !context.interrupted.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < until;
  };
  const HttpOutcome outcome = http_get(request, events);
  return outcome.answered() || outcome.response.status > 0;
}

std::optional<LocalModel> find_hf(const HfName& name, const HfCache& cache) {
  const auto commit = cache.find_commit(name.id, name.revision);
  if (!commit) return std::nullopt;
  const auto files = select_hf_files(cache.local_repo(name.id, name.revision, *commit), name.what);
  if (!files.ok() || !all_parts_here(*files)) return std::nullopt;
  LocalModel model{
      .commit = *commit, .path = path_to_open(cache.snapshot_folder(name.id, *commit), *files), .files = {}};
  for (const HfFile& file : *files) model.files.push_back(file.path);
  return model;
}

Result<std::string> obtain_hf(const HfName& name, bool refresh, const Context& context, const FetchLabel& label) {
  MANG_TRY(const Stored stored, Stored::of(context));
  const HfCache& cache = stored.cache;
  const auto here = find_hf(name, cache);
  if (here && !refresh) return here->path;
  if (context.environment.get("HF_HUB_OFFLINE").value_or("0") != "0") {
    if (here) return here->path;
    return Error{say("'hf:{}' is not in {}, and HF_HUB_OFFLINE forbids to fetch it.", name.id, cache.root())};
  }
  const HfEndpoint endpoint = hf_endpoint(context);
  const WatchInterrupts watch;
  const auto keep_going = [&] { return !context.interrupted.load(std::memory_order_relaxed); };
  MANG_TRY(const HfRepo repo, list_hf_repo(endpoint, name.id, name.revision, keep_going));
  MANG_TRY(const std::vector<HfFile> files, select_hf_files(repo, name.what));
  if (repo.gated && endpoint.token.empty()) return explain_gate(name.id, endpoint);
  uint64_t bytes = 0;
  for (const HfFile& file : files) bytes += file.bytes;
  const std::string plain = files.size() == 1 ? fmt::format("hf:{} {}", name.id, files.front().path)
                                              : say("hf:{} ({} files)", name.id, files.size());
  const std::string title = label.title.empty() ? plain : say("{} ({})", label.title, plain);
  FetchDisplay display({.title = title, .license = label.license, .from = host_of(endpoint.url), .bytes = bytes});
  const Result<std::string> folder = cache.fetch(endpoint, repo, files, [&](const FetchProgress& progress) {
    display.show(progress);
    return keep_going();
  });
  // The list is public where the files are not: only now is it known that the token does not open them.
  if (!folder.ok() && repo.gated && folder.error().message.find("does not let you have") != std::string::npos)
    return explain_gate(name.id, endpoint);
  if (!folder.ok()) return folder.error();
  return path_to_open(*folder, files);
}

Result<std::string> obtain_url(const std::string& url, const std::string& sha256, const Context& context) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return Error{say("'{}' is not an http or https address. Download the file yourself, then give its path.", url)};
  }
  MANG_TRY(file_name_of(url));
  MANG_TRY(const Stored stored, Stored::of(context));
  const UrlModels models(stored.by_address, stored.digests);
  if (!sha256.empty()) {
    MANG_TRY(const auto parts, addresses_of_parts(url));
    if (parts.size() > 1)
      return Error{say("'{}' is a file in {} parts: one digest cannot check them.", url, parts.size())};
  }
  if (const auto path = models.find(url)) {
    if (!sha256.empty()) MANG_TRY(expect_digest(*path, sha256, context));
    return *path;
  }
  const WatchInterrupts watch;
  FetchDisplay display({.title = url, .license = "", .from = host_of(url), .bytes = 0});
  return models.fetch(url, sha256, [&](const FetchProgress& progress) {
    display.show(progress);
    return !context.interrupted.load(std::memory_order_relaxed);
  });
}

}  // namespace mang::cli
