// mang serve: models for every program that speaks HTTP.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "base/units.h"
#include "cli/api_keys.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/recommend.h"
#include "cli/served_model.h"
#include "cli/version.h"
#include "serve/server.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxKeyFile = 1 * kMiB;

struct Options {
  std::vector<std::string> models;
  std::string host = "127.0.0.1";
  uint16_t port = 8080;
  std::string key_file;
  std::vector<std::string> host_names, origins;
  std::string certificate, private_key;
  size_t queue = 256;
  double grace = 30;
  bool log = false;
  ServedModelOptions model;
};

Result<serve::Keys> keys_of(const Options& options) {
  serve::Keys keys;
  if (options.key_file.empty()) return keys;
  MANG_TRY(const std::string text, read_file_or_stdin(options.key_file, kMaxKeyFile));
  MANG_TRY(read_api_keys(text, options.key_file, keys));
  return keys;
}

using Named = std::vector<std::pair<std::string, std::string>>;  // as clients call it, as the user named it

// A file is called by its name without folders and ending.
Result<Named> names_of(const std::vector<std::string>& models, const Context& context) {
  Named out;
  for (const std::string& model : models) {
    std::string name = model;
    if (classify(model, context.catalog) == RefKind::path) {
      std::filesystem::path path = std::filesystem::absolute(model).lexically_normal();
      if (!path.has_filename()) path = path.parent_path();
      name = path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
    }
    const bool twice = std::any_of(out.begin(), out.end(), [&](const auto& each) { return each.first == name; });
    if (twice) return Error{say("two of the models would be called '{}'.", name)};
    out.emplace_back(name, model);
  }
  return out;
}

serve::ServerOptions server_options(const Options& options) {
  serve::ServerOptions out;
  out.http.address = options.host;
  out.http.port = options.port;
  out.http.certificate = options.certificate;
  out.http.key = options.private_key;
  out.gate = {options.host_names, options.origins};
  out.most_under_way = options.queue;
  out.grace_seconds = options.grace;
  out.version = kVersion;
  if (options.log) out.log = [](const std::string& line) { print_error_line(line); };
  return out;
}

void say_where(const Options& options, uint16_t port, const serve::ModelHost& host, Context& context) {
  const bool ipv6 = options.host.find(':') != std::string::npos;
  const std::string address = fmt::format("{}://{}:{}", options.certificate.empty() ? "http" : "https",
                                          ipv6 ? "[" + options.host + "]" : options.host, port);
  context.out.write(say("Serving {} at {} (OpenAI's API: {}/v1).", host.model().name, address, address) + "\n");
  const auto bytes = static_cast<uint64_t>(host.model().engine->kv_bytes());
  context.out.write(say("Conversations of up to {} tokens; the KV cache takes up to {}. Ctrl-C ends the server.",
                        host.context(), human_bytes(bytes)) +
                    "\n");
}

Result<int> serve_models(Options options, Context& context) {
  if (options.certificate.empty() != options.private_key.empty()) {
    return Error{tr("TLS needs both: --tls-certificate and --tls-key.")};
  }
  if (options.models.empty()) {
    MANG_TRY(const std::string chosen, choose_model(false, context));
    options.models.push_back(chosen);
  }
  MANG_TRY(const auto served, names_of(options.models, context));
  MANG_TRY(serve::Keys keys, keys_of(options));
  std::vector<std::string> names;
  for (const auto& [name, model] : served) names.push_back(name);
  auto shelf = std::make_unique<serve::ModelShelf>(names, [&](const std::string& name) {
    const auto at = std::find_if(served.begin(), served.end(), [&](const auto& each) { return each.first == name; });
    return open_served_model(name, at->second, options.model, context);
  });
  // The port first: that it is taken should not be known only after a minute of loading.
  std::optional<WatchInterrupts> watch;
  MANG_TRY(const auto server, serve::Server::open(server_options(options), std::move(keys), std::move(shelf)));
  {
    MANG_TRY(const std::shared_ptr<serve::ModelHost> host, server->shelf().open(names.front()));
    // Whoever has read where the server is may end it.
    watch.emplace();
    say_where(options, server->port(), *host, context);
    MANG_TRY(context.out.flush());
  }
  server->run(context.interrupted);
  return kExitOk;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "serve", tr("Serve models to every program that speaks HTTP"));
  command->add_option("MODEL", options->models, tr("The models; the first answers requests that name none"));
  const std::string network = tr("Network");
  command
      ->add_option("--host", options->host, tr("Address to listen on; beyond this machine only with keys (127.0.0.1)"))
      ->type_name("ADDRESS")
      ->group(network);
  command->add_option("--port", options->port, tr("Port to listen on; 0: any free one (8080)"))
      ->type_name("N")
      ->group(network);
  command
      ->add_option("--api-key-file", options->key_file,
                   tr("File with the keys that may ask, one a line ('-': standard input)"))
      ->type_name("FILE")
      ->group(network);
  command->add_option("--host-name", options->host_names, tr("Another name of this server; '*': any"))
      ->allow_extra_args(false)
      ->type_name("NAME")
      ->group(network);
  command
      ->add_option("--allow-origin", options->origins,
                   tr("Web pages that may ask, such as https://example.org; '*': any"))
      ->allow_extra_args(false)
      ->type_name("ORIGIN")
      ->group(network);
  command->add_option("--tls-certificate", options->certificate, tr("Certificate chain for HTTPS (PEM)"))
      ->type_name("FILE")
      ->group(network);
  command->add_option("--tls-key", options->private_key, tr("The certificate's key (PEM)"))
      ->type_name("FILE")
      ->group(network);
  const std::string load = tr("Load");
  command
      ->add_option("--queue", options->queue,
                   tr("Most requests under way and waiting; more are told to come back (256)"))
      ->check(CLI::Range(size_t{1}, size_t{1} << 20))
      ->type_name("N")
      ->group(load);
  command->add_option("--sequences", options->model.sequences, tr("Requests worked on together (32)"))
      ->check(CLI::Range(1, 256))
      ->type_name("N")
      ->group(load);
  command
      ->add_option("--kv-memory", options->model.kv_memory_gb,
                   tr("GiB for conversations in memory (a quarter of what is free)"))
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("GIB")
      ->group(load);
  command->add_option("--grace", options->grace, tr("Seconds that answers have to end when the server is stopped (30)"))
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("S")
      ->group(load);
  command->add_flag("--log", options->log, tr("A line of JSON on stderr for each request"))->group(load);
  command->add_option("-c,--context", options->model.context, tr("Longest conversation in tokens (the model's own)"))
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->type_name("N");
  add_speculation_options(*command, options->model.speculation);
  add_device_options(*command, options->model.device);
  command->callback(
      [options, &action] { action = [options](Context& context) { return serve_models(*options, context); }; });
}

}  // namespace mang::cli
