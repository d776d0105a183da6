#include "serve/openai_models.h"

#include <string>

namespace mang::serve {

namespace {

Json model_words(const std::string& name, const Service& service) {
  Json out = {{"id", name}, {"object", "model"}, {"created", service.started}, {"owned_by", "mang"}};
  const std::shared_ptr<ModelHost> host = service.shelf.open_one(name);
  out["loaded"] = host != nullptr;
  if (!host) return out;
  const ModelInfo& info = host->model().engine->model().info();
  out["created"] = host->model().created;
  out["max_model_len"] = host->context();
  out["architecture"] = info.architecture;
  out["parameters"] = info.parameters;
  return out;
}

}  // namespace

void add_openai_models(Router& router, Service& service) {
  Route list{"GET", "/v1/models"};
  list.where = Where::at_once;
  list.handle = [&service](const RequestPtr&, const std::shared_ptr<Exchange>& exchange) {
    Json models = Json::array();
    for (const std::string& name : service.shelf.names()) models.push_back(model_words(name, service));
    exchange->respond(json_response({{"object", "list"}, {"data", std::move(models)}}));
  };
  router.add(std::move(list));

  static constexpr std::string_view kFolder = "/v1/models/";
  Route one{"GET", std::string(kFolder) + "*"};
  one.where = Where::at_once;
  one.handle = [&service](const RequestPtr& request, const std::shared_ptr<Exchange>& exchange) {
    const std::string name = request->path.substr(kFolder.size());
    if (service.shelf.offers(name)) return exchange->respond(json_response(model_words(name, service)));
    const Error error = no_such_model(name, service.shelf);
    exchange->respond(error_response({404, error, "model_not_found", {}}, openai_error));
  };
  router.add(std::move(one));
}

}  // namespace mang::serve
