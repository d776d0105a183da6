#include "serve/ollama_models.h"

#include <openssl/sha.h>

#include <string>
#include <utility>

#include "base/json_fields.h"
#include "serve/body.h"
#include "serve/ollama_words.h"

namespace mang::serve {

namespace {

constexpr const char* kNever = "2300-01-01T00:00:00Z";  // models stay in memory until the server ends

// Clients show its first digits. Of the name: gigabytes are not read to list what there is.
std::string digest_of(const std::string& name) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(name.data()), name.size(), digest);
  std::string out;
  for (const unsigned char byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

std::string time_of(int64_t seconds) {
  return rfc3339(std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
}

Json offered_words(const std::string& name, const Service& service) {
  const std::shared_ptr<ModelHost> host = service.shelf.open_one(name);
  return {{"name", name},
          {"model", name},
          {"modified_at", time_of(host ? host->model().created : service.started)},
          {"size", host ? host->model().description->file_bytes : 0},
          {"digest", digest_of(name)},
          {"details", ollama_details(host.get())}};
}

Json loaded_words(const ModelHost& host) {
  const std::string& name = host.model().name;
  return {{"name", name},
          {"model", name},
          {"size", host.model().engine->model().info().weight_bytes},
          {"digest", digest_of(name)},
          {"details", ollama_details(&host)},
          {"expires_at", kNever},
          {"size_vram", 0},
          {"context_length", host.context()}};
}

Json model_info(const ModelInfo& info) {
  const std::string& family = info.architecture;
  Json out = {{"general.architecture", family}, {"general.parameter_count", info.parameters}};
  if (!info.name.empty()) out["general.basename"] = info.name;
  out[family + ".context_length"] = info.context;
  out[family + ".block_count"] = info.layers;
  out[family + ".embedding_length"] = info.hidden;
  out[family + ".feed_forward_length"] = info.intermediate;
  out[family + ".attention.head_count"] = info.heads;
  out[family + ".attention.head_count_kv"] = info.kv_heads;
  out[family + ".vocab_size"] = info.vocab;
  if (info.experts > 0) {
    out[family + ".expert_count"] = info.experts;
    out[family + ".expert_used_count"] = info.experts_used;
  }
  return out;
}

std::string default_options(const SamplingParams& defaults) {
  std::string out;
  const auto add = [&out](const char* name, const auto& value) { out += fmt::format("{:<30} {}\n", name, value); };
  add("temperature", defaults.temperature);
  if (defaults.top_k > 0) add("top_k", defaults.top_k);
  if (defaults.top_p < 1) add("top_p", defaults.top_p);
  if (defaults.min_p > 0) add("min_p", defaults.min_p);
  if (defaults.repetition_penalty != 1) add("repeat_penalty", defaults.repetition_penalty);
  return out;
}

Result<void> show(const Json&, const std::shared_ptr<ModelHost>& host, const RequestPtr&,
                  const std::shared_ptr<Exchange>& exchange) {
  const OpenModel& model = host->model();
  Json capabilities = Json::array({"completion"});
  std::string page;
  if (!model.text->templates.empty()) page = model.text->templates.front().text;
  if (page.find("think>") != std::string::npos || page.find("enable_thinking") != std::string::npos) {
    capabilities.push_back("thinking");
  }
  exchange->respond(json_response({{"modelfile", "FROM " + model.name + "\n"},
                                   {"parameters", default_options(model.defaults)},
                                   {"template", page},
                                   {"details", ollama_details(host.get())},
                                   {"model_info", model_info(model.engine->model().info())},
                                   {"capabilities", std::move(capabilities)},
                                   {"modified_at", time_of(model.created)}}));
  return {};
}

Result<void> pull(const Json& body, Service& service, Exchange& exchange) {
  JsonFields fields(body, "");
  std::string name, older;
  bool stream = true;
  MANG_TRY(fields.text("model", name));
  MANG_TRY(fields.text("name", older));
  MANG_TRY(fields.flag("stream", stream));
  if (name.empty()) name = older;
  if (name.empty()) return fields.wrong("model", fail("a string"));
  if (!service.shelf.offers(name)) {
    const Error error =
        fail("there is no model '{}' here, and this server fetches none. Fetch it with: mang pull {}", name, name);
    exchange.respond(error_response({404, error, "", {}}, ollama_error));
    return {};
  }
  HttpResponse done = json_response({{"status", "success"}});
  if (stream) done = {200, {{"content-type", "application/x-ndjson"}}, done.body + "\n"};
  exchange.respond(std::move(done));
  return {};
}

void add_get(Router& router, const char* path, std::function<Json()> words) {
  Route route{"GET", path, ollama_error};
  route.where = Where::at_once;
  route.handle = [words = std::move(words)](const RequestPtr&, const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(json_response(words()));
  };
  router.add(std::move(route));
}

void add_refusal(Router& router, const char* method, const char* path) {
  Route route{method, path, ollama_error};
  route.where = Where::at_once;
  route.handle = [path](const RequestPtr&, const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(error_response({400, fail("'{}' is not served here.", path), "", {}}, ollama_error));
  };
  router.add(std::move(route));
}

void add_greeting(Router& router) {
  Route route{"GET", "/", ollama_error};
  route.open = true;
  route.where = Where::at_once;
  route.handle = [](const RequestPtr&, const std::shared_ptr<Exchange>& exchange) {
    exchange->respond({200, {{"content-type", "text/plain; charset=utf-8"}}, "Ollama is running"});
  };
  router.add(std::move(route));
}

}  // namespace

void add_ollama_models(Router& router, Service& service) {
  add_greeting(router);
  add_get(router, "/api/version", [&service] { return Json{{"version", service.version}}; });
  add_get(router, "/api/tags", [&service] {
    Json models = Json::array();
    for (const std::string& name : service.shelf.names()) models.push_back(offered_words(name, service));
    return Json{{"models", std::move(models)}};
  });
  add_get(router, "/api/ps", [&service] {
    Json models = Json::array();
    for (const std::shared_ptr<ModelHost>& host : service.shelf.open_ones()) models.push_back(loaded_words(*host));
    return Json{{"models", std::move(models)}};
  });
  Route details{"POST", "/api/show", ollama_error};
  details.handle = [&service](const RequestPtr& request, std::shared_ptr<Exchange> exchange) {
    with_body_and_model(service, request, std::move(exchange), ollama_error, show);
  };
  router.add(std::move(details));
  Route fetch{"POST", "/api/pull", ollama_error};
  fetch.handle = [&service](const RequestPtr& request, const std::shared_ptr<Exchange>& exchange) {
    Result<Json> body = json_body(*request);
    const Result<void> done = body.ok() ? pull(*body, service, *exchange) : Result<void>(body.error());
    if (!done.ok()) exchange->respond(error_response({400, done.error(), "", {}}, ollama_error));
  };
  router.add(std::move(fetch));
  for (const char* path : {"/api/create", "/api/copy", "/api/push"}) add_refusal(router, "POST", path);
  add_refusal(router, "DELETE", "/api/delete");
}

}  // namespace mang::serve
