#include "serve/api_error.h"

namespace mang::serve {

namespace {

std::string openai_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}

std::string anthropic_type(int status) {
  switch (status) {
    case 413:
      return "request_too_large";
    case 503:
    case 529:
      return "overloaded_error";
    default:
      return status < 500 ? openai_type(status) : "api_error";
  }
}

}  // namespace

Json openai_error(const ApiError& error) {
  return {{"error",
           {{"message", error.error.message},
            {"type", openai_type(error.status)},
            {"param", nullptr},
            {"code", error.code.empty() ? Json() : Json(error.code)}}}};
}

Json anthropic_error(const ApiError& error) {
  return {{"type", "error"}, {"error", {{"type", anthropic_type(error.status)}, {"message", error.error.message}}}};
}

Json ollama_error(const ApiError& error) { return {{"error", error.error.message}}; }

ErrorWords words_for(std::string_view path) {
  if (path.starts_with("/v1/messages")) return anthropic_error;
  return path.starts_with("/api/") ? ollama_error : openai_error;
}

HttpResponse json_response(const Json& body, int status) {
  return {status, {{"content-type", "application/json"}}, dump_json(body)};
}

HttpResponse error_response(const ApiError& error, ErrorWords words) {
  HttpResponse response = json_response(words(error), error.status);
  if (error.retry_after) response.headers.emplace_back("retry-after", std::to_string(*error.retry_after));
  if (error.status == 401) response.headers.emplace_back("www-authenticate", "Bearer");
  return response;
}

}  // namespace mang::serve
