#include "cli/conversation_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>

#include "cli/attachments.h"
#include "cli/messages.h"
#include "text/unicode.h"

namespace mang::cli {
namespace {

constexpr int kSchema = 1;         // of the database, in its user_version
constexpr int kPatienceMs = 3000;  // for another program that is writing
constexpr size_t kTitleBytes = 120;

constexpr const char* kTables = R"(
CREATE TABLE conversation(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  title TEXT NOT NULL,
  model TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL);
CREATE TABLE message(
  conversation INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  role TEXT NOT NULL,
  content TEXT NOT NULL,
  reasoning TEXT,
  PRIMARY KEY(conversation, position)) WITHOUT ROWID;
CREATE INDEX conversation_updated ON conversation(updated);
PRAGMA user_version = 1;
)";

std::string text_of(const Json& message, const char* key) {
  const auto at = message.find(key);
  return at != message.end() && at->is_string() ? at->get<std::string>() : "";
}

// The beginning of what the user wrote first, on one line.
std::string title_of(const Json& messages) {
  for (const Json& message : messages) {
    if (message["role"] != "user") continue;
    std::string text(without_files(message["content"].get_ref<const std::string&>()));
    if (text.size() > kTitleBytes) {
      text.resize(kTitleBytes);
      text.resize(text.size() - incomplete_suffix(text));
    }
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return text;
  }
  return "";
}

// A prepared statement: bind, step, read.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) { ok_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) == SQLITE_OK; }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int64_t value) {
    ok_ = ok_ && sqlite3_bind_int64(statement_, ++bound_, value) == SQLITE_OK;
    return *this;
  }
  Statement& bind(const std::string& value) {
    ok_ = ok_ && sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) ==
                     SQLITE_OK;
    return *this;
  }
  Statement& bind_or_null(const std::string& value) {
    if (!value.empty()) return bind(value);
    ok_ = ok_ && sqlite3_bind_null(statement_, ++bound_) == SQLITE_OK;
    return *this;
  }
  // A row is there.
  bool row() { return ok_ && (last_ = sqlite3_step(statement_)) == SQLITE_ROW; }
  // It ran to its end.
  bool done() { return !row() && ok_ && last_ == SQLITE_DONE; }
  [[nodiscard]] bool ended_well() const { return ok_ && last_ == SQLITE_DONE; }
  [[nodiscard]] int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes ? std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))) : "";
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int last_ = SQLITE_OK;
  bool ok_ = false;
};

bool execute(sqlite3* db, const char* sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

// SQLite makes files that others may read; this one is there before.
Result<void> make_file(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  if (!error && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) error.assign(errno, std::generic_category());
  if (error) return Error{say("{}: the folder could not be made: {}.", folder.string(), system_error(error))};
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
  if (fd < 0) return Error{say("{} could not be opened: {}.", path, system_error(errno))};
  ::close(fd);
  return {};
}

}  // namespace

struct ConversationStore::State {
  sqlite3* db = nullptr;
  std::string path;

  ~State() { sqlite3_close(db); }

  [[nodiscard]] Error error() const { return Error{say("{}: {}.", path, sqlite3_errmsg(db))}; }

  // All of `work` or nothing of it; the write lock is taken first, so that what is read stays true.
  template <typename Work>
  Result<int64_t> in_transaction(const Work& work) {
    if (!execute(db, "BEGIN IMMEDIATE")) return error();
    Result<int64_t> outcome = work();
    if (outcome.ok() && execute(db, "COMMIT")) return outcome;
    const Error why = outcome.ok() ? error() : outcome.error();
    execute(db, "ROLLBACK");
    return why;
  }

  Result<void> prepare() {
    if (!execute(db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;")) {
      return error();
    }
    const Result<int64_t> made = in_transaction([&]() -> Result<int64_t> {
      Statement version(db, "PRAGMA user_version");
      if (!version.row()) return error();
      const int64_t found = version.number(0);
      if (found > kSchema) {
        return Error{
            say("{} was written by a newer mang (version {} of its tables; this one knows {}). Use that one, "
                "or move the file away.",
                path, found, kSchema)};
      }
      if (found == 0 && !execute(db, kTables)) return error();
      return found;
    });
    if (!made.ok()) return made.error();
    return {};
  }

  Result<void> insert(int64_t id, const Json& messages, size_t from) {
    for (size_t i = from; i < messages.size(); ++i) {
      Statement add(db, "INSERT INTO message(conversation, position, role, content, reasoning) VALUES(?, ?, ?, ?, ?)");
      add.bind(id).bind(static_cast<int64_t>(i)).bind(text_of(messages[i], "role"));
      add.bind(text_of(messages[i], "content")).bind_or_null(text_of(messages[i], "reasoning_content"));
      if (!add.done()) return error();
    }
    return {};
  }

  Result<int64_t> insert_conversation(const std::string& model, const Json& messages) {
    const auto now = static_cast<int64_t>(std::time(nullptr));
    Statement add(db, "INSERT INTO conversation(title, model, created, updated) VALUES(?, ?, ?, ?)");
    if (!add.bind(title_of(messages)).bind(model).bind(now).bind(now).done()) return error();
    const int64_t id = sqlite3_last_insert_rowid(db);
    MANG_TRY(insert(id, messages, 0));
    return id;
  }

  // Whether what is stored is what we left: the first `kept` messages, and nothing after them but what we replace.
  Result<bool> as_we_left(int64_t id, const Json& messages, size_t kept, size_t stored) {
    Statement read(db, "SELECT role, content FROM message WHERE conversation = ? ORDER BY position");
    read.bind(id);
    size_t count = 0;
    bool same = true;
    while (read.row()) {
      if (count < kept) {
        same = same && count < messages.size() && read.text(0) == text_of(messages[count], "role") &&
               read.text(1) == text_of(messages[count], "content");
      }
      ++count;
    }
    if (!read.ended_well()) return error();
    return same && count == stored;
  }

  static StoredConversation conversation(const Statement& row) {
    return {row.number(0), row.text(1), row.text(2), row.text(3), row.number(4), row.number(5)};
  }
};

ConversationStore::ConversationStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConversationStore::ConversationStore(ConversationStore&&) noexcept = default;
ConversationStore& ConversationStore::operator=(ConversationStore&&) noexcept = default;
ConversationStore::~ConversationStore() = default;

Result<ConversationStore> ConversationStore::open(const std::string& path) {
  MANG_TRY(make_file(path));
  auto state = std::make_unique<State>();
  state->path = path;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX;
  if (sqlite3_open_v2(path.c_str(), &state->db, kFlags, nullptr) != SQLITE_OK) return state->error();
  sqlite3_busy_timeout(state->db, kPatienceMs);
  MANG_TRY(state->prepare());
  return ConversationStore(std::move(state));
}

Result<int64_t> ConversationStore::create(const std::string& model, const Json& messages) {
  return state_->in_transaction([&] { return state_->insert_conversation(model, messages); });
}

Result<int64_t> ConversationStore::update(int64_t id, const std::string& model, const Json& messages, size_t kept,
                                          size_t stored) {
  return state_->in_transaction([&]() -> Result<int64_t> {
    MANG_TRY(const bool ours, state_->as_we_left(id, messages, kept, stored));
    if (!ours) return state_->insert_conversation(model, messages);
    Statement drop(state_->db, "DELETE FROM message WHERE conversation = ? AND position >= ?");
    if (!drop.bind(id).bind(static_cast<int64_t>(kept)).done()) return state_->error();
    MANG_TRY(state_->insert(id, messages, kept));
    Statement touch(state_->db, "UPDATE conversation SET updated = ?, model = ? WHERE id = ?");
    if (!touch.bind(static_cast<int64_t>(std::time(nullptr))).bind(model).bind(id).done()) return state_->error();
    return id;
  });
}

Result<void> ConversationStore::set_name(int64_t id, const std::string& name) {
  const Result<int64_t> named = state_->in_transaction([&]() -> Result<int64_t> {
    Statement taken(state_->db, "SELECT title FROM conversation WHERE name = ? AND id != ?");
    if (taken.bind(name).bind(id).row()) {
      return Error{
          say("'{}' is the name of another conversation already (\"{}\"). Choose another.", name, taken.text(0))};
    }
    Statement set(state_->db, "UPDATE conversation SET name = ? WHERE id = ?");
    if (!set.bind(name).bind(id).done()) return state_->error();
    return id;
  });
  if (!named.ok()) return named.error();
  return {};
}

Result<StoredConversation> ConversationStore::find(const std::string& name) {
  constexpr const char* kColumns =
      "SELECT c.id, ifnull(c.name, ''), c.title, c.model, "
      "(SELECT count(*) FROM message WHERE conversation = c.id), c.updated FROM conversation c ";
  if (name != "last") {
    Statement by_name(state_->db, (std::string(kColumns) + "WHERE c.name = ?").c_str());
    if (by_name.bind(name).row()) return State::conversation(by_name);
    if (!by_name.ended_well()) return state_->error();
    int64_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || end != name.data() + name.size()) id = -1;
    Statement by_id(state_->db, (std::string(kColumns) + "WHERE c.id = ?").c_str());
    if (by_id.bind(id).row()) return State::conversation(by_id);
    if (!by_id.ended_well()) return state_->error();
    return Error{say("no conversation is called '{}'.", name)};
  }
  MANG_TRY(const std::vector<StoredConversation> latest, recent(1));
  if (latest.empty()) return Error{tr("no conversation is kept yet.")};
  return latest.front();
}

Result<std::vector<StoredConversation>> ConversationStore::recent(int64_t limit) {
  Statement read(state_->db,
                 "SELECT c.id, ifnull(c.name, ''), c.title, c.model, "
                 "(SELECT count(*) FROM message WHERE conversation = c.id), c.updated FROM conversation c "
                 "ORDER BY c.updated DESC, c.id DESC LIMIT ?");
  read.bind(limit);
  std::vector<StoredConversation> out;
  while (read.row()) out.push_back(State::conversation(read));
  if (!read.ended_well()) return state_->error();
  return out;
}

Result<Json> ConversationStore::messages(int64_t id) {
  Statement read(state_->db, "SELECT role, content, reasoning FROM message WHERE conversation = ? ORDER BY position");
  read.bind(id);
  Json out = Json::array();
  while (read.row()) {
    Json message{{"role", read.text(0)}, {"content", read.text(1)}};
    if (std::string reasoning = read.text(2); !reasoning.empty()) message["reasoning_content"] = std::move(reasoning);
    out.push_back(std::move(message));
  }
  if (!read.ended_well()) return state_->error();
  return out;
}

}  // namespace mang::cli
