// A small HTTP/1.1 server for tests: each answer is what the test says, including what no honest server would do.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace mang::test {

struct ServedRequest {
  std::string method;
  std::string path;                                    // with the query
  std::map<std::string, std::string> headers;          // names in lower case
  std::optional<std::pair<uint64_t, uint64_t>> range;  // first, last (UINT64_MAX: open)
};

struct Answer {
  int status = 200;
  std::vector<std::string> headers;  // "Name: value"; Content-Length is added unless it is given here
  std::string body;
  size_t cut_after = SIZE_MAX;  // bytes of the body sent before the connection is closed
  int bytes_per_second = 0;     // 0: as fast as it goes
  bool reset = false;           // the connection does not end, it breaks (RST)
};

class HttpServer {
 public:
  using Handler = std::function<Answer(const ServedRequest&)>;

  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // "http://127.0.0.1:PORT"; with another name of this machine it is another host to a client.
  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const;
  [[nodiscard]] std::vector<ServedRequest> requests() const;
  [[nodiscard]] uint64_t body_bytes_sent() const { return sent_; }

 private:
  void serve();
  void talk(int fd);

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> sent_{0};
  mutable std::mutex mutex_;
  std::vector<ServedRequest> requests_;
  std::vector<std::thread> talks_;
  std::thread acceptor_;
};

// The answer of an honest file server: ranges, an ETag, If-Range.
Answer serve_content(const ServedRequest& request, const std::string& content, const std::string& etag = "\"v1\"");

}  // namespace mang::test
