// What the server's parts know of HTTP: a request that has been read whole, and the exchange it is answered on. Nothing
// here knows sockets, so that an API can be tested without any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mang::serve {

struct Account;  // serve/account.h

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // "POST"
  std::string path;    // with percent signs resolved: "/v1/models/a b"; always begins with a slash
  std::string query;   // after the question mark, as it came
  Headers headers;     // names in lower case; each name as often as it came
  std::string body;
  std::string peer;                  // the client's address
  std::shared_ptr<Account> account;  // null until it is let in
  std::shared_ptr<void> room;        // for the body, among all bodies that are in memory; given back with the request

  // The header's value; empty: there is none. `name` in lower case.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

using RequestPtr = std::shared_ptr<const HttpRequest>;

struct HttpResponse {
  int status = 200;
  Headers headers;  // without content-length
  std::string body;
};

// The answering side of one request. Either respond(), or begin(), write() … and end(). Any thread, one at a time; what
// comes after the end or after the client has gone is dropped. An exchange that is let go of before its end ends with
// an error.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual void respond(HttpResponse response) = 0;
  virtual void begin(int status, Headers headers) = 0;
  virtual void write(std::string_view bytes) = 0;
  virtual void end() = 0;
  // What is sent between two writes that lie far apart, so that nobody between client and server takes the silence for
  // death. After begin().
  virtual void set_idle_text(std::string text) = 0;
  // Called once, on some thread, when the client has gone before the end; at once where it has gone already.
  virtual void on_gone(std::function<void()> call) = 0;
};

// "a%20b+c" → "a b+c"; nullopt: a percent sign without two hexadecimal digits, or a NUL.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace mang::serve
