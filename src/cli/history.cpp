#include "cli/history.h"

#include <filesystem>

#include "cli/io.h"
#include "cli/messages.h"

namespace mang::cli {
namespace {

constexpr int64_t kRecent = 20;

// XDG_DATA_HOME, or HOME/.local/share.
Result<std::string> database_path(const Environment& environment) {
  std::string folder;
  if (auto data = environment.get("XDG_DATA_HOME"); data && data->front() == '/') {
    folder = *data;
  } else if (auto home = environment.get("HOME")) {
    folder = *home + "/.local/share";
  } else {
    return Error{tr("neither HOME nor XDG_DATA_HOME is set, so there is no place to keep it. Set one of them.")};
  }
  return folder + "/mang/conversations.db";
}

// A path means the same from every folder; other names stay as they are.
std::string lasting(const std::string& model) {
  std::error_code error;
  if (!std::filesystem::exists(model, error)) return model;
  const std::filesystem::path whole = std::filesystem::absolute(model, error);
  return error ? model : whole.lexically_normal().string();
}

size_t common_prefix(const Json& a, const Json& b) {
  size_t same = 0;
  while (same < a.size() && same < b.size() && a[same] == b[same]) ++same;
  return same;
}

}  // namespace

History::History(const Environment& environment, bool keep) : path_(database_path(environment)), keep_(keep) {}

Result<ConversationStore*> History::open() {
  if (!store_) {
    MANG_TRY(const std::string path, path_);
    MANG_TRY(store_, ConversationStore::open(path));
  }
  return &*store_;
}

Result<void> History::write(const std::string& model, const Json& messages) {
  MANG_TRY(ConversationStore * store, open());
  if (id_) {
    const size_t kept = common_prefix(stored_, messages);
    MANG_TRY(id_, store->update(*id_, lasting(model), messages, kept, stored_.size()));
  } else {
    MANG_TRY(id_, store->create(lasting(model), messages));
  }
  stored_ = messages;
  return {};
}

void History::store(const std::string& model, const Json& messages) {
  if (!keep_) return;
  const Result<void> written = write(model, messages);
  if (written.ok()) {
    complained_ = false;
  } else if (!complained_) {
    complained_ = true;
    print_error_line(say("mang: the conversation goes on, but is not kept: {}", written.error()));
  }
}

void History::begin_anew() {
  id_.reset();
  stored_ = Json::array();
}

Result<void> History::name(const std::string& name, const std::string& model, const Json& messages) {
  if (name == "last" || name.find_first_not_of("0123456789") == std::string::npos) {
    return Error{say("'{}' cannot be a name: numbers and 'last' mean something already.", name)};
  }
  MANG_TRY(write(model, messages));
  MANG_TRY(ConversationStore * store, open());
  MANG_TRY(store->set_name(*id_, name));
  keep_ = true;
  return {};
}

Result<Resumed> History::resume(const std::string& name) {
  MANG_TRY(ConversationStore * store, open());
  Resumed out;
  MANG_TRY(out.about, store->find(name));
  MANG_TRY(out.messages, store->messages(out.about.id));
  id_ = out.about.id;
  stored_ = out.messages;
  return out;
}

Result<std::vector<StoredConversation>> History::recent() {
  MANG_TRY(ConversationStore * store, open());
  return store->recent(kRecent);
}

}  // namespace mang::cli
