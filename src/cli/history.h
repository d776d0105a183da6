// How a conversation is kept as it goes on. Whatever is wrong with the database or the disk, the conversation goes on:
// it is said once, and tried again after the next answer.
#pragma once

#include <optional>
#include <string>

#include "cli/conversation_store.h"
#include "cli/environment.h"

namespace mang::cli {

struct Resumed {
  StoredConversation about;
  Json messages = Json::array();
};

class History {
 public:
  // keep: false only keeps what is given a name.
  History(const Environment& environment, bool keep);

  // After an exchange. `model` as the user named it.
  void store(const std::string& model, const Json& messages);
  // The next exchange begins another conversation.
  void begin_anew();
  // Gives the conversation a name; one that nothing was kept of so far is kept from now on.
  Result<void> name(const std::string& name, const std::string& model, const Json& messages);
  // Goes on with a conversation that is kept: by name, by number, or "last".
  Result<Resumed> resume(const std::string& name);
  Result<std::vector<StoredConversation>> recent();

 private:
  Result<ConversationStore*> open();
  Result<void> write(const std::string& model, const Json& messages);

  Result<std::string> path_;
  bool keep_;
  bool complained_ = false;
  std::optional<ConversationStore> store_;
  std::optional<int64_t> id_;    // none: not kept yet
  Json stored_ = Json::array();  // what was written last
};

}  // namespace mang::cli
