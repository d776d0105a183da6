#include "serve/body.h"

#include <utility>

namespace mang::serve {

namespace {

// "name" is what Ollama's older clients write.
std::string model_of(const Json& body) {
  for (const char* field : {"model", "name"}) {
    const auto model = body.find(field);
    if (model != body.end() && model->is_string()) return model->get<std::string>();
  }
  return "";
}

}  // namespace

Result<Json> json_body(const HttpRequest& request) {
  if (request.body.empty()) return fail("The request has no body. Send a JSON object.");
  MANG_TRY(Json body, parse_json(request.body, "the body"));
  if (!body.is_object()) return fail("The body should be a JSON object.");
  return body;
}

void with_body_and_model(Service& service, const RequestPtr& request, std::shared_ptr<Exchange> exchange,
                         ErrorWords words, BodyHandler handle) {
  Result<Json> body = json_body(*request);
  if (!body.ok()) return exchange->respond(error_response({400, body.error(), "", {}}, words));
  const std::string name = model_of(*body);
  if (!service.shelf.offers(name)) {
    const Error error = no_such_model(name, service.shelf);
    return exchange->respond(error_response({404, error, "model_not_found", {}}, words));
  }
  auto work = [body = std::move(body).value(), request, exchange, words,
               handle = std::move(handle)](const Result<std::shared_ptr<ModelHost>>& host) {
    if (!host.ok()) {
      return exchange->respond(error_response({503, host.error(), "model_not_loaded", {}}, words));
    }
    const Result<void> done = handle(body, *host, request, exchange);
    if (!done.ok()) exchange->respond(error_response({400, done.error(), "", {}}, words));
  };
  if (const std::shared_ptr<ModelHost> open = service.shelf.open_one(name)) return work(open);
  service.shelf.with_model(name, [&service, work = std::move(work)](Result<std::shared_ptr<ModelHost>> host) {
    service.desk.post([work, host = std::move(host)] { work(host); });
  });
}

}  // namespace mang::serve
