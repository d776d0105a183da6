#include "serve/model_host.h"

#include <utility>

#include "load/model_identity.h"

namespace mang::serve {

ModelHost::ModelHost(OpenModel model) : model_(std::move(model)), thread_([this] { work(); }) {}

ModelHost::~ModelHost() {
  ending_.store(true);
  wake();
  thread_.join();
}

void ModelHost::wake() {
  {
    const std::lock_guard lock(mutex_);
    called_ = true;
  }
  awake_.notify_one();
}

Result<RequestId> ModelHost::submit(Request request) {
  MANG_TRY(const RequestId id, model_.engine->submit(std::move(request)));
  wake();
  return id;
}

void ModelHost::cancel(RequestId id) {
  model_.engine->cancel(id);
  wake();
}

void ModelHost::work() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      awake_.wait(lock, [this] { return called_; });
      called_ = false;
    }
    while (!ending_.load() && model_.engine->step()) {
    }
    if (!ending_.load()) continue;
    model_.engine->run_until_done(&ending_);
    return;
  }
}

Result<const ChatTemplate*> ModelHost::chat_template(bool with_tools) {
  const std::lock_guard lock(template_mutex_);
  if (const auto found = templates_.find(with_tools); found != templates_.end()) return &found->second;
  const NamedTemplate* chosen = choose_template(model_.text->templates, with_tools);
  MANG_TRY(ChatTemplate made, ChatTemplate::create(chosen ? chosen->text : "", model_.name + ": chat template",
                                                   model_.text->special_tokens));
  return &templates_.emplace(with_tools, std::move(made)).first->second;
}

}  // namespace mang::serve
