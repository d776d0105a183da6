#include "hub/http.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <mutex>

#include "base/ascii.h"

namespace mang {
namespace {

constexpr int kMostRedirects = 10;
constexpr size_t kMostHeaderBytes = 256 * 1024;

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};
using Handle = std::unique_ptr<CURL, CurlFree>;
using Url = std::unique_ptr<CURLU, CurlFree>;
using Lines = std::unique_ptr<curl_slist, CurlFree>;

Url parse_url(const std::string& text) {
  Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return nullptr;
  return url;
}

std::string part(const Url& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (!url || curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return "";
  std::unique_ptr<char, CurlFree> owner(text);
  return text;
}

// What one hop of a request gathers while libcurl works.
struct Hop {
  const HttpEvents& events;
  HttpResponse& response;
  CURL* handle = nullptr;
  size_t header_bytes = 0;
  bool announced = false;      // on_headers was called
  bool body_unwanted = false;  // on_headers said no
  bool stopped = false;        // by on_body or keep_going
  std::exception_ptr thrown;   // by one of ours, for want of memory: it may not pass through libcurl
};

// What one of libcurl's questions is answered with; `failed` ends the transfer.
template <typename Answer, typename Body>
Answer guarded(Hop& hop, Answer failed, Body&& body) {
  try {
    return body();
  } catch (...) {
    hop.thrown = std::current_exception();
    return failed;
  }
}

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

size_t take_header_line(Hop& hop, const char* data, size_t bytes) {
  hop.header_bytes += bytes;
  if (hop.header_bytes > kMostHeaderBytes) return 0;
  const std::string_view line(data, bytes);
  if (line.starts_with("HTTP/")) {
    hop.response.headers.clear();  // an interim answer (100 Continue, a proxy's) came before
    return bytes;
  }
  if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    hop.response.headers[ascii_lower(line.substr(0, colon))] = ascii_trimmed(line.substr(colon + 1));
  }
  return bytes;
}

size_t take_header(char* data, size_t size, size_t count, void* user) {
  auto& hop = *static_cast<Hop*>(user);
  return guarded<size_t>(hop, 0, [&] { return take_header_line(hop, data, size * count); });
}

// Passes the headers on once; false: no body is wanted.
bool announce(Hop& hop) {
  if (hop.announced) return !hop.body_unwanted;
  hop.announced = true;
  curl_easy_getinfo(hop.handle, CURLINFO_RESPONSE_CODE, &hop.response.status);
  if (is_redirect(hop.response.status)) return true;
  hop.body_unwanted = hop.events.on_headers && !hop.events.on_headers(hop.response);
  return !hop.body_unwanted;
}

size_t take_piece(Hop& hop, std::string_view piece) {
  if (!announce(hop)) return 0;
  if (is_redirect(hop.response.status)) return piece.size();
  if (hop.events.on_body && !hop.events.on_body(piece)) {
    hop.stopped = true;
    return 0;
  }
  return piece.size();
}

size_t take_body(char* data, size_t size, size_t count, void* user) {
  auto& hop = *static_cast<Hop*>(user);
  return guarded<size_t>(hop, 0, [&] { return take_piece(hop, {data, size * count}); });
}

int report(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& hop = *static_cast<Hop*>(user);
  return guarded(hop, 1, [&] {
    if (!hop.events.keep_going || hop.events.keep_going()) return 0;
    hop.stopped = true;
    return 1;
  });
}

HttpFailure explain(CURLcode code, const std::string& url, const Error& detail, const Hop& hop) {
  using Kind = HttpFailure::Kind;
  const std::string host = host_of(url);
  if (hop.stopped) return {Kind::stopped, fail("the transfer from {} was stopped.", host)};
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Kind::unreachable, fail("{} is not known: its name could not be resolved.", host)};
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return {Kind::unreachable, fail("{} could not be reached: {}.", host, detail)};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
      return {Kind::refused, fail("no safe connection to {}: {}.", host, detail)};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {Kind::refused, fail("'{}' is not an http or https address.", url)};
    case CURLE_OPERATION_TIMEDOUT:
      return {hop.announced ? Kind::stalled : Kind::unreachable, fail("{} stopped answering.", host)};
    default:
      return {Kind::broken, fail("the transfer from {} broke off: {}.", host, detail)};
  }
}

Lines header_lines(const HttpRequest& request, bool with_token) {
  curl_slist* lines = nullptr;
  const auto add = [&](const std::string& line) { lines = curl_slist_append(lines, line.c_str()); };
  if (with_token && !request.bearer_token.empty()) add("Authorization: Bearer " + request.bearer_token);
  if (request.range && !request.if_range.empty()) add("If-Range: " + request.if_range);
  return Lines(lines);
}

// Where the system keeps the certificates it trusts, for a libcurl that was built on another distribution than it runs
// on (a Python wheel's); "" where its own place is there, or none is.
std::string system_certificates() {
  const curl_version_info_data* built = curl_version_info(CURLVERSION_NOW);
  const auto readable = [](const char* path) { return path != nullptr && ::access(path, R_OK) == 0; };
  if (built->age >= CURLVERSION_SEVENTH && readable(built->cainfo)) return "";
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
                           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL
                           "/etc/pki/tls/certs/ca-bundle.crt",                   // older ones
                           "/etc/ssl/ca-bundle.pem",                             // openSUSE
                           "/etc/ssl/cert.pem"}) {                               // Alpine
    if (readable(path)) return path;
  }
  return "";
}

// One hop. Returns nullopt when there was a whole answer.
std::optional<HttpFailure> run_hop(const HttpRequest& request, const std::string& url, Hop& hop) {
  Handle handle(curl_easy_init());
  if (!handle) return HttpFailure{HttpFailure::Kind::broken, fail("libcurl could not be started.")};
  CURL* curl = hop.handle = handle.get();
  char detail[CURL_ERROR_SIZE] = "";
  const Lines lines = header_lines(request, same_origin(request.url, url));
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);  // http_get follows, and decides who sees the token
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "mang");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout_ms));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout_s));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines.get());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &hop);
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &hop);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, report);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &hop);
  if (const std::string file = system_certificates(); !file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, file.c_str());
  }
  if (request.head_only) curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  if (request.range) {
    const std::string range = fmt::format("{}-{}", request.range->first, request.range->last);
    curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());
  }
  const CURLcode code = curl_easy_perform(curl);
  if (hop.thrown) std::rethrow_exception(hop.thrown);
  if (code == CURLE_OK) {
    announce(hop);  // an answer without a body
    return std::nullopt;
  }
  if (hop.body_unwanted && !hop.stopped) return std::nullopt;
  long number = 0;  // of the operating system, where a connection failed
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
  if (code == CURLE_COULDNT_CONNECT && number != 0) {
    return explain(code, url, system_error(static_cast<int>(number)), hop);
  }
  return explain(code, url, Error{detail[0] ? detail : curl_easy_strerror(code)}, hop);
}

// Where a redirect leads; "" where it names nothing usable.
std::string redirect_target(const std::string& from, const std::string& location) {
  Url url = parse_url(from);
  if (!url || location.empty() || curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) return "";
  return part(url, CURLUPART_URL);
}

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  const auto it = headers.find(name);
  return it == headers.end() ? "" : it->second;
}

std::string HttpResponse::first_header(const std::string& name) const {
  const auto it = first_headers.find(name);
  return it == first_headers.end() ? "" : it->second;
}

std::string host_of(const std::string& url) {
  const std::string host = part(parse_url(url), CURLUPART_HOST);
  return host.empty() ? url : host;
}

bool same_origin(const std::string& a, const std::string& b) {
  const Url one = parse_url(a), two = parse_url(b);
  if (!one || !two) return false;
  const auto same = [&](CURLUPart which) {
    return ascii_lower(part(one, which, CURLU_DEFAULT_PORT)) == ascii_lower(part(two, which, CURLU_DEFAULT_PORT));
  };
  return same(CURLUPART_SCHEME) && same(CURLUPART_HOST) && same(CURLUPART_PORT);
}

HttpOutcome http_get(const HttpRequest& request, const HttpEvents& events) {
  start_curl();
  HttpOutcome outcome;
  std::string url = request.url;
  for (int hops = 0;; ++hops) {
    outcome.response.headers.clear();
    Hop hop{.events = events, .response = outcome.response};
    outcome.response.url = url;
    outcome.failure = run_hop(request, url, hop);
    if (hops == 0) outcome.response.first_headers = outcome.response.headers;
    if (outcome.failure || !is_redirect(outcome.response.status)) return outcome;

    const std::string target = redirect_target(url, outcome.response.header("location"));
    const auto refuse = [&](const Error& why) {
      outcome.failure = HttpFailure{HttpFailure::Kind::refused, why};
      return outcome;
    };
    if (target.empty()) return refuse(fail("{} redirects to nowhere.", host_of(url)));
    if (url.starts_with("https:") && !target.starts_with("https:")) {
      return refuse(fail("{} redirects to an address that is not https, which is not followed.", host_of(url)));
    }
    if (hops == kMostRedirects) return refuse(fail("{} redirects without end.", host_of(request.url)));
    url = target;
  }
}

HttpOutcome http_get_text(const HttpRequest& request, size_t limit, std::string& body,
                          const std::function<bool()>& keep_going) {
  body.clear();
  bool too_long = false;
  HttpEvents events;
  events.keep_going = keep_going;
  events.on_body = [&](std::string_view data) {
    too_long = body.size() + data.size() > limit;
    if (!too_long) body += data;
    return !too_long;
  };
  HttpOutcome outcome = http_get(request, events);
  if (too_long) {
    outcome.failure = HttpFailure{HttpFailure::Kind::broken,
                                  fail("{} answered with more than {} bytes.", host_of(request.url), limit)};
  }
  return outcome;
}

}  // namespace mang
