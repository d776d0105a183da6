// What a client is told when its request cannot be done: a status, a sentence, and the words each API has for it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/result.h"
#include "serve/http.h"

namespace mang::serve {

struct ApiError {
  int status = 400;
  Error error;
  std::string code;                // for programs: "context_length_exceeded"; may be empty
  std::optional<int> retry_after;  // seconds
};

// An API's error object, as its clients read it.
using ErrorWords = Json (*)(const ApiError& error);
Json openai_error(const ApiError& error);     // {"error": {"message", "type", "param", "code"}}
Json anthropic_error(const ApiError& error);  // {"type": "error", "error": {"type", "message"}}
Json ollama_error(const ApiError& error);     // {"error": "…"}

// The words of the API that an address belongs to.
ErrorWords words_for(std::string_view path);

HttpResponse error_response(const ApiError& error, ErrorWords words);

// A whole answer in JSON.
HttpResponse json_response(const Json& body, int status = 200);

}  // namespace mang::serve
