// Hugging Face's hub, as far as models are fetched from it: the list of a repository, its files, redirects to a store.
#pragma once

#include <map>
#include <string>

#include "hub/http_server.h"

namespace mang::test {

class FakeHub {
 public:
  // Files of the one repository "org/model" at one commit; those in `large` are LFS files (known by SHA-256).
  FakeHub(std::map<std::string, std::string> files, std::vector<std::string> large);

  [[nodiscard]] std::string url() const { return hub_.url(); }
  [[nodiscard]] const HttpServer& hub() const { return hub_; }
  [[nodiscard]] const HttpServer& store() const { return store_; }
  [[nodiscard]] static std::string commit() { return "0123456789abcdef0123456789abcdef01234567"; }

  int list_status = 200;                 // what the list is answered with
  bool gated = false;                    // what the list says; the files are given all the same
  std::atomic<int> bytes_per_second{0};  // of the store's answers; 0: as fast as it goes
  std::atomic<bool> corrupt{false};      // the store sends as many bytes, one of them wrong
  std::string extra_files;               // JSON objects put before the honest ones in the list

 private:
  Answer answer(const ServedRequest& request);
  [[nodiscard]] std::string list() const;

  std::map<std::string, std::string> files_;
  std::vector<std::string> large_;
  HttpServer store_;
  HttpServer hub_;
};

std::string sha256_of(const std::string& content);
std::string git_sha1_of(const std::string& content);

}  // namespace mang::test
