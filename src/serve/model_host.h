// A model that answers: its engine steps on a thread of its own while there is work, and sleeps while there is none.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "chat/template.h"
#include "serve/open_model.h"

namespace mang::serve {

class ModelHost {
 public:
  explicit ModelHost(OpenModel model);
  // Cancels what is under way; its requests are told so before this returns.
  ~ModelHost();

  // As Engine's, from any thread; events come on the host's thread.
  Result<RequestId> submit(Request request);
  void cancel(RequestId id);

  // The template for requests with or without tools; an error where the model has none. Any thread.
  Result<const ChatTemplate*> chat_template(bool with_tools);

  [[nodiscard]] const OpenModel& model() const { return model_; }
  [[nodiscard]] const Tokenizer& tokenizer() const { return *model_.tokenizer; }
  [[nodiscard]] int64_t context() const { return model_.engine->context(); }

 private:
  void work();
  void wake();

  OpenModel model_;
  std::mutex template_mutex_;
  std::map<bool, ChatTemplate> templates_;

  std::mutex mutex_;
  std::condition_variable awake_;
  bool called_ = false;  // there may be something to do
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace mang::serve
