// A model for tests that says again what the user said last, byte by byte, and what a server needs to serve it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/thread_pool.h"
#include "engine/fake_model.h"
#include "kernels/isa.h"
#include "serve/open_model.h"
#include "support/byte_tokenizer.h"

namespace mang::test {

// "user: hello\nassistant: " → "hello"; a raw prompt "say [hello]" → "hello". The byte that follows `tokens`, or the
// end.
inline std::optional<int32_t> next_of_echo(std::span<const int32_t> tokens) {
  std::string text;
  for (const int32_t id : tokens) text += id < 256 ? static_cast<char>(id) : '?';
  static constexpr std::string_view kUser = "user: ", kTurn = "\nassistant: ";
  const size_t turn = text.rfind(kTurn);
  std::string reply;
  size_t begin = 0;
  if (turn != std::string::npos) {
    begin = turn + kTurn.size();
    const size_t user = text.rfind(kUser, turn);
    if (user != std::string::npos) reply = text.substr(user + kUser.size(), turn - user - kUser.size());
  } else if (const size_t end = text.rfind(']'); end != std::string::npos) {
    begin = end + 1;
    const size_t open = text.rfind('[', end);
    if (open != std::string::npos) reply = text.substr(open + 1, end - open - 1);
  } else {
    return std::nullopt;  // whatever the model likes
  }
  const size_t said = text.size() - begin;
  return said < reply.size() ? static_cast<uint8_t>(reply[said]) : kEnd;
}

struct EchoOptions {
  double seconds_a_token = 0;
  int64_t context = 4096;
  int64_t kv_blocks = 0;
  int64_t max_sequences = 64;
};

class EchoModel {
 public:
  using Options = EchoOptions;
  explicit EchoModel(const Options& options) : model_(fake(options)) {
    text_.templates = {{"default",
                        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
                        "{% if add_generation_prompt %}assistant: {% endif %}"}};
    EngineOptions engine;
    engine.max_sequences = options.max_sequences;
    engine.kv_blocks = options.kv_blocks > 0 ? options.kv_blocks : 4096;
    engine.context = options.context;
    engine_ = Engine::create(model_, device_, &tokenizer_, engine).value();
  }

  static serve::OpenModel open(const std::string& name, const Options& options) {
    const auto owner = std::make_shared<EchoModel>(options);
    serve::OpenModel out;
    out.name = name;
    out.engine = owner->engine_.get();
    out.tokenizer = &owner->tokenizer_;
    out.text = &owner->text_;
    out.description = &owner->description_;
    out.created = 1;
    out.owner = owner;
    return out;
  }

 private:
  static FakeModelOptions fake(const Options& options) {
    FakeModelOptions out;
    out.vocab = 260;
    out.context = options.context;
    out.script = next_of_echo;
    out.seconds_a_token = options.seconds_a_token;
    return out;
  }

  ThreadPool threads_{1};
  Device device_{threads_, best_isa()};
  FakeModel model_;
  Tokenizer tokenizer_ = byte_tokenizer();
  ModelText text_;
  ModelDescription description_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace mang::test
