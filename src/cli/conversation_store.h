// Conversations kept on this machine, in an SQLite database that only its user can read. An exchange is on the disk
// when append() returns. Several programs may use the database at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace mang::cli {

struct StoredConversation {
  int64_t id = 0;
  std::string name;      // given by /save; empty: none
  std::string title;     // the beginning of the first message
  std::string model;     // as the user named it, a path in full
  int64_t messages = 0;  // all of them, the system message too
  int64_t updated = 0;   // Unix time
};

class ConversationStore {
 public:
  // Opens the database, making it and its folder first where there is none. An error says what is wrong with it; a
  // conversation can go on without.
  static Result<ConversationStore> open(const std::string& path);
  ConversationStore(ConversationStore&&) noexcept;
  ConversationStore& operator=(ConversationStore&&) noexcept;
  ~ConversationStore();

  // A new conversation with these messages (chat/messages.h); its id.
  Result<int64_t> create(const std::string& model, const Json& messages);
  // Replaces what follows the first `kept` of the `stored` messages by ours. Where another program has written to the
  // conversation meanwhile, ours becomes a conversation of its own: the returned id is the one to go on with.
  Result<int64_t> update(int64_t id, const std::string& model, const Json& messages, size_t kept, size_t stored);

  // The name is unique; an error says which conversation has it.
  Result<void> set_name(int64_t id, const std::string& name);
  // By name, by number (as recent() gives ids), or the latest for "last". An error: there is none.
  Result<StoredConversation> find(const std::string& name);
  Result<std::vector<StoredConversation>> recent(int64_t limit);
  Result<Json> messages(int64_t id);

 private:
  struct State;
  explicit ConversationStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mang::cli
