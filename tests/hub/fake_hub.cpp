#include "hub/fake_hub.h"

#include <algorithm>

#include "base/json.h"
#include "hub/digest.h"

namespace mang::test {

std::string sha256_of(const std::string& content) {
  Digest digest = Digest::sha256();
  digest.add(content.data(), content.size());
  return digest.hex();
}

std::string git_sha1_of(const std::string& content) {
  Digest digest = Digest::git_blob(content.size());
  digest.add(content.data(), content.size());
  return digest.hex();
}

namespace {

std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    out += escape ? static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)) : text[i];
    i += escape ? 2 : 0;
  }
  return out;
}

}  // namespace

FakeHub::FakeHub(std::map<std::string, std::string> files, std::vector<std::string> large)
    : files_(std::move(files)),
      large_(std::move(large)),
      store_([this](const ServedRequest& request) {
        const auto file = files_.find(request.path.substr(1, request.path.find('?') - 1));
        if (file == files_.end()) return Answer{.status = 404, .headers = {}, .body = ""};
        Answer answer = serve_content(request, file->second);
        if (corrupt && !answer.body.empty()) answer.body[answer.body.size() / 2] ^= 1;
        answer.bytes_per_second = bytes_per_second;
        return answer;
      }),
      hub_([this](const ServedRequest& request) { return answer(request); }) {}

std::string FakeHub::list() const {
  Json siblings = Json::array();
  for (const auto& [path, content] : files_) {
    Json file = {{"rfilename", path}, {"size", content.size()}, {"blobId", git_sha1_of(content)}};
    if (std::find(large_.begin(), large_.end(), path) != large_.end()) {
      file["lfs"] = {{"sha256", sha256_of(content)}, {"size", content.size()}, {"pointerSize", 134}};
    }
    siblings.push_back(file);
  }
  std::string text = Json({{"sha", commit()}, {"gated", gated}, {"siblings", siblings}}).dump();
  if (!extra_files.empty()) text.insert(text.find('[') + 1, extra_files + ",");
  return text;
}

Answer FakeHub::answer(const ServedRequest& request) {
  if (request.path.starts_with("/api/models/org/model/revision/main?")) {
    return {.status = list_status, .headers = {}, .body = list_status == 200 ? list() : "{\"error\":\"no\"}"};
  }
  const std::string resolve = "/org/model/resolve/" + commit() + "/";
  if (!request.path.starts_with(resolve)) return {.status = 404, .headers = {}, .body = ""};
  const std::string path = unescaped(request.path.substr(resolve.size()));
  const auto file = files_.find(path);
  if (file == files_.end()) return {.status = 404, .headers = {}, .body = ""};
  const bool is_large = std::find(large_.begin(), large_.end(), path) != large_.end();
  if (!is_large) return serve_content(request, file->second, '"' + git_sha1_of(file->second) + '"');
  return {.status = 302,
          .headers = {"Location: " + store_.url("localhost") + "/" + path,
                      "X-Linked-Etag: \"" + sha256_of(file->second) + '"',
                      "X-Linked-Size: " + std::to_string(file->second.size()), "X-Repo-Commit: " + commit()},
          .body = "moved"};
}

}  // namespace mang::test
