#include "serve/gate.h"

#include <algorithm>

#include "base/ascii.h"

namespace mang::serve {

std::string host_name(std::string_view host) {
  if (host.starts_with("[")) {
    const size_t end = host.find(']');
    return std::string(host.substr(1, end == std::string_view::npos ? end : end - 1));
  }
  return ascii_lower(host.substr(0, host.find(':')));
}

bool is_loopback_name(std::string_view name) {
  if (name == "localhost" || name == "::1" || name.ends_with(".localhost")) return true;
  return name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool Gate::own_host(std::string_view host) const {
  const std::string name = host_name(host);
  if (is_loopback_name(name)) return true;
  return std::any_of(options_.hosts.begin(), options_.hosts.end(),
                     [&](const std::string& each) { return each == "*" || ascii_lower(each) == name; });
}

bool Gate::allowed_origin(const HttpRequest& head, std::string_view origin) const {
  const size_t scheme = origin.find("://");
  if (scheme != std::string_view::npos && origin.substr(scheme + 3) == head.header("host")) return true;
  return std::any_of(options_.origins.begin(), options_.origins.end(),
                     [&](const std::string& each) { return each == "*" || each == origin; });
}

std::optional<ApiError> Gate::check_source(const HttpRequest& head) const {
  const std::string_view host = head.header("host");
  if (!own_host(host)) {
    return ApiError{403,
                    fail("This server does not answer to the name '{}'. Start it with --host-name {} if it should.",
                         host_name(host), host_name(host)),
                    "foreign_host",
                    {}};
  }
  const std::string_view origin = head.header("origin");
  if (!origin.empty() && !allowed_origin(head, origin)) {
    return ApiError{
        403,
        fail("Pages of {} may not ask this server. Start it with --allow-origin {} if they should.", origin, origin),
        "foreign_origin",
        {}};
  }
  return std::nullopt;
}

std::optional<ApiError> Gate::check_key(const HttpRequest& head, std::optional<size_t>& key) const {
  if (keys_.empty()) return std::nullopt;
  std::string_view offered = head.header("authorization");
  if (offered.size() > 7 && ascii_lower(offered.substr(0, 7)) == "bearer ") {
    offered = ascii_trimmed(offered.substr(7));
  } else {
    offered = head.header("x-api-key");
    if (offered.empty()) offered = head.header("api-key");
  }
  key = keys_.find(offered);
  if (key) return std::nullopt;
  if (offered.empty()) {
    return ApiError{401, fail("This server asks for a key. Send it as 'Authorization: Bearer KEY'."), "no_api_key", {}};
  }
  return ApiError{401, fail("The key is not one of this server's."), "invalid_api_key", {}};
}

Headers Gate::cors(const HttpRequest& head) const {
  const std::string_view origin = head.header("origin");
  if (origin.empty() || !allowed_origin(head, origin)) return {};
  return {{"access-control-allow-origin", std::string(origin)},
          {"vary", "origin"},
          {"access-control-expose-headers", "x-request-id, retry-after"}};
}

}  // namespace mang::serve
