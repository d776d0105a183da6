// HTTP GET over libcurl: redirects, ranges, and a token that never leaves the host it was meant for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mang {

struct HttpRange {
  uint64_t first = 0;
  uint64_t last = 0;  // inclusive
};

struct HttpRequest {
  std::string url;
  std::string bearer_token;  // sent to the url's own scheme, host and port only; empty: none
  std::optional<HttpRange> range;
  std::string if_range;  // an ETag: the range is only wanted of this very version; empty: of whatever is there
  bool head_only = false;
  int connect_timeout_ms = 10000;
  int stall_timeout_s = 30;  // fewer than 1,000 bytes a second for this long ends the transfer
};

struct HttpResponse {
  long status = 0;
  std::string url;                             // of the last hop
  std::map<std::string, std::string> headers;  // of the last hop, names in lower case
  // Headers of the first hop: Hugging Face's hub tells size, commit and digest there, before it redirects.
  std::map<std::string, std::string> first_headers;

  [[nodiscard]] std::string header(const std::string& name) const;        // "" where absent
  [[nodiscard]] std::string first_header(const std::string& name) const;  // "" where absent
};

// Why there was no response at all, or not a whole one.
struct HttpFailure {
  enum class Kind { stopped, unreachable, stalled, broken, refused } kind = Kind::broken;
  Error why;  // with the host
};

struct HttpOutcome {
  std::optional<HttpFailure> failure;
  HttpResponse response;  // what is known of it

  [[nodiscard]] bool answered() const { return !failure.has_value(); }
};

struct HttpEvents {
  // Once the final headers are known and before any body; false: the body is not wanted (the outcome then has no
  // failure).
  std::function<bool(const HttpResponse&)> on_headers;
  std::function<bool(std::string_view)> on_body;  // false stops
  std::function<bool()> keep_going;               // asked about once a second, and more often while bytes come
};

// One request, redirects followed (10 at most; never from https to http). Bodies of redirects are not passed on.
HttpOutcome http_get(const HttpRequest& request, const HttpEvents& events);

// The body as text, of at most `limit` bytes; more is a failure of kind `broken`.
HttpOutcome http_get_text(const HttpRequest& request, size_t limit, std::string& body,
                          const std::function<bool()>& keep_going = {});

// Whether a token meant for `a` may be sent to `b`: same scheme, host and port.
bool same_origin(const std::string& a, const std::string& b);

// "huggingface.co" of "https://huggingface.co/x": what a user calls it. The url itself where it has none.
std::string host_of(const std::string& url);

}  // namespace mang
