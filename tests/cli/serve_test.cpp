// mang serve as a user starts and ends it, and the file with its keys.
#include "cli/api_keys.h"
#include "cli/subprocess.h"

namespace mang::test {
namespace {

TEST_CASE("the server says where it is, and ends when it is asked to") {
  const Ran ran = mang({"serve", kDirectory, "--port", "0", "--threads", "1"}, {.interrupt_after = "ends the server"});
  CAPTURE(ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.out.find("at http://127.0.0.1:") != std::string::npos);
}

TEST_CASE("what keeps a server from starting is said in a sentence") {
  const auto refusal = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"serve", kDirectory, "--port", "0"});
    const Ran ran = mang(arguments, {});
    CHECK(ran.code != 0);
    return ran.err;
  };
  CHECK(refusal({"--host", "0.0.0.0"}).find("--api-key-file") != std::string::npos);
  CHECK(refusal({"--tls-key", "key.pem"}).find("--tls-certificate") != std::string::npos);
  CHECK(refusal({"--api-key-file", "/nowhere/keys"}).find("/nowhere/keys") != std::string::npos);
  CHECK(refusal({kDirectory}).find("two of the models") != std::string::npos);
  CHECK(refusal({"--queue", "0"}).find("--queue") != std::string::npos);
  CHECK(mang({"serve", "/nowhere/model.gguf", "--port", "0"}, {}).err.find("/nowhere/model.gguf") != std::string::npos);
}

TEST_CASE("keys and what belongs to them, a line each") {
  serve::Keys keys;
  REQUIRE(cli::read_api_keys("# the office\n\nsecret-of-an name=an together=2\r\n  secret-of-binh\trequests=60  \n",
                             "keys", keys)
              .ok());
  REQUIRE(keys.find("secret-of-an").has_value());
  CHECK(keys.name(*keys.find("secret-of-an")) == "an");
  CHECK(keys.name(*keys.find("secret-of-binh")) == "key 4");
  CHECK(!keys.find("").has_value());
  CHECK(!keys.find("secret-of-an ").has_value());
  const size_t an = *keys.find("secret-of-an");
  CHECK(!keys.begin(an).has_value());
  CHECK(!keys.begin(an).has_value());
  CHECK(keys.begin(an).has_value());  // two at once
  keys.end(an, 10);
  CHECK(!keys.begin(an).has_value());
}

TEST_CASE("a file of keys with a mistake names its line, and never a key") {
  for (const char* text :
       {"", "# nothing\n", "short\n", "long-enough-1 name\n", "long-enough-1 together=0\n",
        "long-enough-1 tokens=many\n", "long-enough-1 colour=red\n", "long-enough-1 requests=-1\n"}) {
    serve::Keys keys;
    const Result<void> read = cli::read_api_keys(text, "keys", keys);
    REQUIRE(!read.ok());
    CHECK(read.error().message.starts_with("keys:"));
    CHECK(read.error().message.find("long-enough") == std::string::npos);
  }
}

}  // namespace
}  // namespace mang::test
