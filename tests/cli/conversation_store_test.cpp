// Conversations on the disk: kept, found again, shared, broken.
#include "cli/conversation_store.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/mapped_file.h"
#include "cli/history.h"
#include "cli/terminal.h"
#include "support/temp_dir.h"

namespace mang::cli {
namespace {

using test::has;
using test::TempDir;
namespace fs = std::filesystem;

Json exchange(const std::string& question, const std::string& reply) {
  return Json::array({{{"role", "user"}, {"content", question}}, {{"role", "assistant"}, {"content", reply}}});
}

Json extended(Json messages, const Json& more) {
  for (const Json& message : more) messages.push_back(message);
  return messages;
}

TEST_CASE("what is kept comes back as it was, and only its user can read it") {
  TempDir dir;
  const std::string path = dir.file("deep/er/conversations.db");
  std::string odd("tre\0già \xF0\x9F\x8E\x8B", 14);
  Json messages = exchange("Why does \"bamboo\" grow?\nReally?", odd);
  messages[1]["reasoning_content"] = "hm'; DROP TABLE message; --";
  int64_t id = 0;
  {
    ConversationStore store = ConversationStore::open(path).value();
    CHECK(!store.find("last").ok());
    id = store.create("smollm2:135m", messages).value();
  }
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  ConversationStore store = ConversationStore::open(path).value();
  CHECK(store.messages(id).value() == messages);
  const StoredConversation last = store.find("last").value();
  CHECK(last.id == id);
  CHECK(last.model == "smollm2:135m");
  CHECK(last.title == "Why does \"bamboo\" grow? Really?");
  CHECK(last.messages == 2);
  CHECK(store.find(std::to_string(id)).value().id == id);

  REQUIRE(store.set_name(id, "măng").ok());
  CHECK(store.find("măng").value().id == id);
  const int64_t other = store.create("m", exchange("a", "b")).value();
  CHECK(has(store.set_name(other, "măng").error().message, "bamboo"));
  CHECK(!store.find("no such").ok());
  CHECK(store.recent(10).value().size() == 2);
}

TEST_CASE("an exchange more, another try, another system message") {
  TempDir dir;
  ConversationStore store = ConversationStore::open(dir.file("c/c.db")).value();
  const Json one = exchange("1", "one");
  const int64_t id = store.create("m", one).value();
  const Json two = extended(one, exchange("2", "two"));
  CHECK(store.update(id, "m", two, 2, 2).value() == id);
  CHECK(store.messages(id).value() == two);
  const Json again = extended(one, exchange("2", "another two"));
  CHECK(store.update(id, "n", again, 3, 4).value() == id);
  CHECK(store.messages(id).value() == again);
  CHECK(store.find("last").value().model == "n");
}

TEST_CASE("two programs in one conversation lose nothing of either") {
  TempDir dir;
  ConversationStore a = ConversationStore::open(dir.file("c/c.db")).value();
  ConversationStore b = ConversationStore::open(dir.file("c/c.db")).value();
  const Json one = exchange("1", "one");
  const int64_t id = a.create("m", one).value();
  const Json from_a = extended(one, exchange("a?", "a!"));
  const Json from_b = extended(one, exchange("b?", "b!"));
  CHECK(a.update(id, "m", from_a, 2, 2).value() == id);
  const int64_t own = b.update(id, "m", from_b, 2, 2).value();
  CHECK(own != id);
  CHECK(b.messages(id).value() == from_a);
  CHECK(a.messages(own).value() == from_b);
}

TEST_CASE("a database that cannot be used is an error with its path, and it is left as it is") {
  TempDir dir;
  auto problem = [](const std::string& path) {
    const Result<ConversationStore> store = ConversationStore::open(path);
    REQUIRE(!store.ok());
    CHECK(has(store.error().message, path));
    return store.error().message;
  };
  const std::string noise(5000, 'x');
  dir.write("noise.db", noise);
  CHECK(has(problem(dir.file("noise.db")), "not a database"));
  CHECK(read_text_file(dir.file("noise.db"), 1 << 20).value() == noise);
  fs::create_directory(dir.file("folder.db"));
  problem(dir.file("folder.db"));
  dir.write("file", "x");
  problem(dir.file("file/c.db"));

  const std::string path = dir.file("c/c.db");
  (void)ConversationStore::open(path).value().create("m", exchange("a", "b")).value();
  std::string bytes = read_text_file(path, 1 << 20).value();
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);  // all pages but the first
  dir.write("c/c.db", bytes);
  Result<ConversationStore> store = ConversationStore::open(path);
  if (store.ok()) CHECK(!store->recent(10).ok());
}

TEST_CASE("the history goes on without a database, and catches up when it can") {
  TempDir dir;
  const std::string data = dir.file("data");
  dir.write("data", "a file where a folder should be");
  History history(Environment({"XDG_DATA_HOME=" + data}), true);
  const Json one = exchange("1", "one");
  history.store("m", one);  // says so, and that is all
  fs::remove(data);
  const Json two = extended(one, exchange("2", "two"));
  history.store("m", two);
  History later(Environment({"XDG_DATA_HOME=" + data}), true);
  CHECK(later.resume("last").value().messages == two);

  History off(Environment({"XDG_DATA_HOME=" + dir.file("off")}), false);
  off.store("m", one);
  CHECK(!fs::exists(dir.file("off")));
  CHECK(!off.name("last", "m", one).ok());
  CHECK(!off.name("12", "m", one).ok());
  CHECK(off.name("kept", "m", one).ok());
  off.store("m", two);
  CHECK(off.resume("kept").value().messages == two);
}

}  // namespace
}  // namespace mang::cli
