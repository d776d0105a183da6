// What nearly every handler begins with: the body is JSON, it names a model, and that model is to be had.
#pragma once

#include <functional>
#include <memory>

#include "base/json.h"
#include "serve/api_error.h"
#include "serve/service.h"

namespace mang::serve {

// The body as a JSON object.
Result<Json> json_body(const HttpRequest& request);

using BodyHandler = std::function<Result<void>(const Json& body, const std::shared_ptr<ModelHost>& host,
                                               const RequestPtr& request, const std::shared_ptr<Exchange>& exchange)>;

// Reads the body and calls `handle` with the model it names, on the desk, now or when the model is open. An error that
// `handle` returns is answered as a 400.
void with_body_and_model(Service& service, const RequestPtr& request, std::shared_ptr<Exchange> exchange,
                         ErrorWords words, BodyHandler handle);

}  // namespace mang::serve
