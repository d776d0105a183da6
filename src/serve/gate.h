// Who is let in, decided by a request's head alone: its key, the host it names, the page it comes from.
//
// A page in a browser can send requests to this machine. Two things keep it out: the host a request names must be this
// one (a name that was made to point here, "DNS rebinding", is another), and the page it comes from (Origin) must be
// the server's own or one that was allowed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "serve/api_error.h"
#include "serve/http.h"
#include "serve/keys.h"

namespace mang::serve {

struct GateOptions {
  std::vector<std::string> hosts;    // names of this server beside loopback's; "*": any
  std::vector<std::string> origins;  // pages of others that may ask: "https://example.org"; "*": any
};

class Gate {
 public:
  // keys must outlive this; without any, everybody who reaches the server may ask.
  Gate(GateOptions options, const Keys& keys) : options_(std::move(options)), keys_(keys) {}

  // nullopt: the host and the page are fine.
  [[nodiscard]] std::optional<ApiError> check_source(const HttpRequest& head) const;
  // The key of the request, where there are keys. Authorization: Bearer, x-api-key or api-key.
  [[nodiscard]] std::optional<ApiError> check_key(const HttpRequest& head, std::optional<size_t>& key) const;
  // What a browser needs to hand the answer to a page of an allowed origin; empty: nothing.
  [[nodiscard]] Headers cors(const HttpRequest& head) const;

 private:
  [[nodiscard]] bool own_host(std::string_view host) const;
  [[nodiscard]] bool allowed_origin(const HttpRequest& head, std::string_view origin) const;

  GateOptions options_;
  const Keys& keys_;
};

// "localhost:8080" → "localhost", "[::1]:80" → "::1".
std::string host_name(std::string_view host);
bool is_loopback_name(std::string_view name);

}  // namespace mang::serve
