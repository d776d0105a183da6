#include "hub/hf_repo.h"

#include <algorithm>

#include "base/json.h"
#include "base/units.h"
#include "hub/http.h"

namespace mang {
namespace {

constexpr size_t kLongestAnswer = 64 * kMiB;
constexpr size_t kMostFiles = 100'000;
constexpr size_t kLongestPath = 1024;

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

std::string string_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

uint64_t count_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number_unsigned() ? it->get<uint64_t>() : 0;
}

// A path that stays below the folder it is put in, and that every file system can hold.
bool is_safe_path(const std::string& path) {
  if (path.empty() || path.size() > kLongestPath || path.front() == '/') return false;
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name(path.data() + begin, end - begin);
    const bool plain =
        std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F || c == '\\'; });
    if (name.empty() || name.size() > 255 || name == "." || name == ".." || !plain) return false;
    begin = end + 1;
  }
  return true;
}

std::string escaped_path(const std::string& path) {
  std::string out;
  for (const unsigned char c : path) {
    const bool plain = std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~' || c == '/';
    out += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return out;
}

}  // namespace

bool is_hf_id(const std::string& id) {
  const size_t slash = id.find('/');
  const bool plain = std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/';
  });
  return plain && id.size() <= 200 && slash != std::string::npos && slash != 0 && slash + 1 != id.size() &&
         id.find('/', slash + 1) == std::string::npos && id.find("..") == std::string::npos &&
         id.find("--") == std::string::npos && id.front() != '.' && id[slash + 1] != '.';
}

std::string hf_file_url(const HfEndpoint& endpoint, const HfRepo& repo, const std::string& path) {
  return fmt::format("{}/{}/resolve/{}/{}", endpoint.url, repo.id, repo.commit, escaped_path(path));
}

Result<HfRepo> parse_hf_repo(std::string_view json, const std::string& id, const std::string& revision) {
  const Error what = fail("the hub's answer about {}", id);
  MANG_TRY(const Json answer, parse_json(json, what.message));
  HfRepo repo{.id = id, .revision = revision, .commit = "", .gated = false, .files = {}};
  if (!answer.is_object()) return fail("{} is not an object. Check HF_ENDPOINT.", what);
  repo.commit = string_of(answer, "sha");
  if (!is_hex(repo.commit, 40)) return fail("{} names no commit. Check HF_ENDPOINT.", what);
  if (const auto gated = answer.find("gated"); gated != answer.end()) repo.gated = gated->is_string() || *gated == true;
  const auto siblings = answer.find("siblings");
  if (siblings == answer.end() || !siblings->is_array()) return fail("{} lists no files. Check HF_ENDPOINT.", what);
  if (siblings->size() > kMostFiles) return fail("{} lists {} files, more than a model has.", what, siblings->size());
  for (const Json& sibling : *siblings) {
    if (!sibling.is_object()) return fail("{} lists something that is not a file.", what);
    HfFile file{
        .path = string_of(sibling, "rfilename"), .bytes = count_of(sibling, "size"), .sha256 = "", .git_sha1 = ""};
    if (!is_safe_path(file.path)) return fail("{} lists a file with an unsafe name; nothing was fetched.", what);
    file.git_sha1 = string_of(sibling, "blobId");
    if (const auto lfs = sibling.find("lfs"); lfs != sibling.end() && lfs->is_object()) {
      file.sha256 = string_of(*lfs, "sha256");
      if (const uint64_t bytes = count_of(*lfs, "size")) file.bytes = bytes;
    }
    if (!file.sha256.empty() && !is_hex(file.sha256, 64))
      return fail("{} gives '{}' a digest that is none.", what, file.path);
    if (!file.git_sha1.empty() && !is_hex(file.git_sha1, 40))
      return fail("{} gives '{}' a digest that is none.", what, file.path);
    repo.files.push_back(std::move(file));
  }
  return repo;
}

Result<HfRepo> list_hf_repo(const HfEndpoint& endpoint, const std::string& id, const std::string& revision,
                            const std::function<bool()>& keep_going) {
  HttpRequest request;
  request.url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", endpoint.url, id, escaped_path(revision));
  request.bearer_token = endpoint.token;
  request.connect_timeout_ms = endpoint.connect_timeout_ms;
  std::string body;
  const HttpOutcome outcome = http_get_text(request, kLongestAnswer, body, keep_going);
  if (!outcome.answered()) return fail("hf:{}: {}", id, outcome.failure->why);
  const std::string host = host_of(endpoint.url);
  switch (outcome.response.status) {
    case 200:
      return parse_hf_repo(body, id, revision);
    case 401:
    case 404:
      return revision == "main" ? fail(
                                      "hf:{}: {} has no such model, or it is private. Check the name; for a private "
                                      "model give your token in HF_TOKEN.",
                                      id, host)
                                : fail(
                                      "hf:{}: {} has no such model or no revision '{}' of it, or it is private. Check "
                                      "the name; for a private model give your token in HF_TOKEN.",
                                      id, host, revision);
    case 403:
      return fail("hf:{}: its licence asks for consent. Accept it at {}/{}, then give your token in HF_TOKEN.", id,
                  endpoint.url, id);
    case 429:
      return fail(
          "hf:{}: {} says that there were too many requests (HTTP 429). Try again later, or with a token in "
          "HF_TOKEN.",
          id, host);
    default:
      return fail("hf:{}: {} answered with HTTP {}. Try again later.", id, host, outcome.response.status);
  }
}

}  // namespace mang
