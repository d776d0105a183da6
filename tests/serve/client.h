// A client that sends exactly the bytes a test wants, and reads what comes back.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "base/json.h"

namespace mang::test {

struct Reply {
  int status = 0;  // 0: the connection ended before an answer
  std::map<std::string, std::string> headers;
  std::string body;
  bool whole = false;  // its end was seen
  [[nodiscard]] Json json() const {
    Result<Json> parsed = parse_json(body, "the answer");
    REQUIRE_MESSAGE(parsed.ok(), body);
    return *parsed;
  }
};

class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  // What has come, waiting for more until `enough` says so, the end, or the time is up.
  template <typename Enough>
  const std::string& receive(Enough enough, double seconds = 10) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!enough(received_) && !ended_) {
      const double left = std::chrono::duration<double>(until - std::chrono::steady_clock::now()).count();
      pollfd wait = {socket_, POLLIN, 0};
      if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left * 1000) + 1) <= 0) break;
      char piece[65536];
      const ssize_t n = ::recv(socket_, piece, sizeof(piece), 0);
      if (n <= 0) {
        ended_ = true;
      } else {
        received_.append(piece, static_cast<size_t>(n));
      }
    }
    return received_;
  }
  const std::string& receive_text(const std::string& text, double seconds = 10) {
    return receive([&](const std::string& all) { return all.find(text) != std::string::npos; }, seconds);
  }
  // One whole answer, taken off what has come.
  Reply reply(double seconds = 10, bool head_only = false) {
    std::optional<Reply> out;
    receive(
        [&](const std::string& all) {
          out = parse(all, head_only);
          return out.has_value();
        },
        seconds);
    if (out) return *out;
    Reply part;
    const size_t end = received_.find("\r\n\r\n");
    if (end != std::string::npos) {
      read_head(received_.substr(0, end + 2), part);
      part.body = received_.substr(end + 4);
    }
    received_.clear();
    return part;
  }
  // Whether the other side closes the connection in time.
  bool closed_within(double seconds) {
    receive([](const std::string&) { return false; }, seconds);
    return ended_;
  }

 private:
  static void read_head(const std::string& head, Reply& out) {
    out.status = std::atoi(head.substr(9, 3).c_str());
    for (size_t at = head.find("\r\n") + 2; at < head.size();) {
      const size_t end = head.find("\r\n", at);
      const std::string line = head.substr(at, end - at);
      const size_t colon = line.find(": ");
      if (colon != std::string::npos) out.headers[ascii_lower(line.substr(0, colon))] = line.substr(colon + 2);
      at = end + 2;
    }
  }

  std::optional<Reply> parse(const std::string& all, bool head_only) {
    const size_t end = all.find("\r\n\r\n");
    if (end == std::string::npos) return std::nullopt;
    Reply out;
    read_head(all.substr(0, end + 2), out);
    size_t at = end + 4;
    if (out.status == 100) {  // go on
      received_.erase(0, at);
      return parse(received_, head_only);
    }
    if (head_only || out.status == 204) {
      out.whole = true;
    } else if (out.headers.contains("content-length")) {
      const size_t length = std::stoul(out.headers["content-length"]);
      if (all.size() < at + length) return std::nullopt;
      out.body = all.substr(at, length);
      at += length;
      out.whole = true;
    } else {
      for (;;) {
        const size_t line = all.find("\r\n", at);
        if (line == std::string::npos) return std::nullopt;
        const size_t length = std::stoul(all.substr(at, line - at), nullptr, 16);
        if (all.size() < line + 2 + length + 2) return std::nullopt;
        out.body += all.substr(line + 2, length);
        at = line + 2 + length + 2;
        if (length == 0) break;
      }
      out.whole = true;
    }
    received_.erase(0, at);
    return out;
  }

  int socket_;
  std::string received_;
  bool ended_ = false;
};

inline std::string http_request(const std::string& method, const std::string& path, const std::string& body = "",
                                const std::string& more_headers = "") {
  std::string out = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more_headers;
  if (!body.empty() || method == "POST") out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return out + "\r\n" + body;
}

}  // namespace mang::test
