#include "hub/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "base/check.h"

namespace mang::test {
namespace {

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 206:
      return "Partial Content";
    case 302:
      return "Found";
    case 404:
      return "Not Found";
    default:
      return "Status";
  }
}

bool has_header(const Answer& answer, const std::string& name) {
  return std::any_of(answer.headers.begin(), answer.headers.end(),
                     [&](const std::string& line) { return line.starts_with(name + ":"); });
}

ServedRequest parse(const std::string& head) {
  ServedRequest request;
  size_t at = head.find("\r\n");
  const std::string first = head.substr(0, at);
  const size_t space = first.find(' '), second = first.rfind(' ');
  request.method = first.substr(0, space);
  request.path = first.substr(space + 1, second - space - 1);
  while (at != std::string::npos && at + 2 < head.size()) {
    const size_t end = std::min(head.find("\r\n", at + 2), head.size());
    const std::string line = head.substr(at + 2, end - at - 2);
    if (const size_t colon = line.find(':'); colon != std::string::npos) {
      std::string name = line.substr(0, colon), value = line.substr(colon + 1);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      value.erase(0, value.find_first_not_of(' '));
      request.headers[name] = value;
    }
    at = end;
  }
  if (const auto it = request.headers.find("range"); it != request.headers.end() && it->second.starts_with("bytes=")) {
    const std::string range = it->second.substr(6);
    const size_t dash = range.find('-');
    const std::string last = range.substr(dash + 1);
    request.range = {std::stoull(range.substr(0, dash)), last.empty() ? UINT64_MAX : std::stoull(last)};
  }
  return request;
}

// False: the other side went away.
bool send_all(int fd, const char* data, size_t n) {
  while (n > 0) {
    const ssize_t sent = ::send(fd, data, n, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    n -= static_cast<size_t>(sent);
  }
  return true;
}

}  // namespace

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  MANG_CHECK(listener_ >= 0 && ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  MANG_CHECK(::listen(listener_, 64) == 0);
  socklen_t length = sizeof(address);
  MANG_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  stop_ = true;
  acceptor_.join();
  for (std::thread& talk : talks_) talk.join();
  ::close(listener_);
}

std::string HttpServer::url(const std::string& host) const { return "http://" + host + ":" + std::to_string(port_); }

std::vector<ServedRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  while (!stop_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) talks_.emplace_back([this, fd] { talk(fd); });
  }
}

void HttpServer::talk(int fd) {
  std::string head;
  while (!stop_ && head.find("\r\n\r\n") == std::string::npos && head.size() < 65536) {
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    char piece[4096];
    const ssize_t n = ::recv(fd, piece, sizeof(piece), 0);
    if (n <= 0) break;
    head.append(piece, static_cast<size_t>(n));
  }
  bool reset = false;
  if (head.find("\r\n\r\n") != std::string::npos) {
    const ServedRequest request = parse(head);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const Answer answer = handler_(request);
    reset = answer.reset;
    std::string out =
        "HTTP/1.1 " + std::to_string(answer.status) + " " + reason(answer.status) + "\r\nConnection: close\r\n";
    for (const std::string& line : answer.headers) out += line + "\r\n";
    if (!has_header(answer, "Content-Length")) out += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    out += "\r\n";
    bool there = send_all(fd, out.data(), out.size());
    const size_t length = request.method == "HEAD" ? 0 : std::min(answer.body.size(), answer.cut_after);
    for (size_t at = 0; there && !stop_ && at < length;) {
      const size_t piece =
          answer.bytes_per_second > 0 ? static_cast<size_t>(answer.bytes_per_second / 50 + 1) : size_t{65536};
      const size_t n = std::min(length - at, piece);
      there = send_all(fd, answer.body.data() + at, n);
      at += n;
      if (there) sent_ += n;
      if (answer.bytes_per_second > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  const linger at_once{1, 0};
  if (reset) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  if (!reset) ::shutdown(fd, SHUT_RDWR);
  ::close(fd);
}

Answer serve_content(const ServedRequest& request, const std::string& content, const std::string& etag) {
  Answer answer;
  answer.headers = {"Accept-Ranges: bytes", "ETag: " + etag};
  const auto if_range = request.headers.find("if-range");
  const bool wanted = if_range == request.headers.end() || if_range->second == etag;
  if (!request.range || !wanted) {
    answer.body = content;
    return answer;
  }
  const uint64_t first = request.range->first, last = std::min<uint64_t>(request.range->second, content.size() - 1);
  if (content.empty() || first >= content.size()) {
    answer.status = 416;
    answer.headers.push_back("Content-Range: bytes */" + std::to_string(content.size()));
    return answer;
  }
  answer.status = 206;
  answer.headers.push_back("Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
                           std::to_string(content.size()));
  answer.body = content.substr(first, last - first + 1);
  return answer;
}

}  // namespace mang::test
