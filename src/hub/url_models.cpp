#include "hub/url_models.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "hub/digest.h"
#include "hub/download.h"
#include "hub/durable.h"
#include "hub/folder.h"

namespace mang {
namespace {

namespace fs = std::filesystem;

constexpr int kMostParts = 1000;

// The address without query and fragment.
std::string_view path_of(std::string_view url) { return url.substr(0, url.find_first_of("?#")); }

std::string folder_name(const std::string& url) {
  Digest digest = Digest::sha256();
  digest.add(url.data(), url.size());
  return digest.hex().substr(0, 32);
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<std::string> file_name_of(const std::string& url) {
  const std::string_view path = path_of(url);
  const std::string name(path.substr(path.rfind('/') + 1));
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '+';
  });
  if (!plain || name.size() > 200 || name.size() < 6 || name.front() == '.' || !name.ends_with(".gguf")) {
    return fail("'{}' is not the address of a GGUF file. A model in several files is named hf:organisation/name.", url);
  }
  return name;
}

Result<std::vector<std::string>> addresses_of_parts(const std::string& url) {
  const std::string_view path = path_of(url);
  constexpr size_t kTail = 20;  // "-00001-of-00003.gguf"
  if (path.size() < kTail || !path.ends_with(".gguf")) return std::vector<std::string>{url};
  const std::string_view tail = path.substr(path.size() - kTail);
  const auto part = number(tail.substr(1, 5)), parts = number(tail.substr(10, 5));
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-" || !part || !parts) return std::vector<std::string>{url};
  if (*parts < 1 || *parts > kMostParts || *part < 1 || *part > *parts) {
    return fail("'{}' names part {} of {}, which cannot be.", url, *part, *parts);
  }
  std::vector<std::string> out;
  for (int i = 1; i <= *parts; ++i) {
    out.push_back(fmt::format("{}-{:05d}-of-{:05d}.gguf{}", path.substr(0, path.size() - kTail), i, *parts,
                              url.substr(path.size())));
  }
  return out;
}

std::optional<std::string> UrlModels::find(const std::string& url) const {
  const auto parts = addresses_of_parts(url);
  if (!parts.ok()) return std::nullopt;
  std::string first;
  for (const std::string& part : *parts) {
    const auto name = file_name_of(part);
    if (!name.ok()) return std::nullopt;
    const std::string path = fmt::format("{}/{}/{}", root_, folder_name(parts->front()), *name);
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(path, error))) return std::nullopt;
    if (first.empty()) first = path;
  }
  return first;
}

Result<std::string> UrlModels::fetch(const std::string& url, const std::string& sha256,
                                     const FetchWatcher& progress) const {
  if (auto path = find(url)) return *path;
  MANG_TRY(const std::vector<std::string> parts, addresses_of_parts(url));
  const fs::path own(root_);
  MANG_TRY(const Folder above, Folder::make(own.parent_path().string()));
  MANG_TRY(const Folder folder, above.make_below((own.filename() / folder_name(parts.front())).string()));
  MANG_TRY(folder.write_atomically("address", parts.front() + "\n", folder));

  const FileLock lock(folder, "lock");
  MANG_TRY(lock.wait([&] { return !progress || progress({FetchStage::waiting, 0, 0}); }));
  for (const std::string& part : parts) {
    MANG_TRY(const std::string name, file_name_of(part));
    DownloadRequest request;
    request.url = part;
    request.folder = &folder;
    request.name = name;
    request.digests = &digests_;
    if (parts.size() == 1) request.sha256 = sha256;
    if (folder.has_file(name)) continue;
    DownloadOptions options;
    options.progress = progress;
    MANG_TRY(download_file(request, options));
  }
  if (auto path = find(url)) return *path;
  return fail("{}: a part went missing while it was fetched. Try again.", folder.path());
}

}  // namespace mang
