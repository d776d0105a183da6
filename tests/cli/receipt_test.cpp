// mang run --receipt, /receipt and mang replay, as people and programs use them.
#include "cli/terminal.h"
#include "support/golden.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

// Asks for an answer with a receipt; the receipt's path.
std::string receipt_of(const TempDir& dir, const std::string& name, std::vector<std::string> arguments) {
  const std::string path = dir.file(name);
  arguments.insert(arguments.begin(), "run");
  for (const char* each : {"--receipt", path.c_str()}) arguments.emplace_back(each);
  const Ran ran = mang(arguments);
  CAPTURE(ran.err);
  REQUIRE(ran.code == 0);
  return path;
}

std::vector<std::string> isas() { return json_of(mang({"doctor", "--json"}))["isas"].get<std::vector<std::string>>(); }

TEST_CASE("a receipt is the same byte for byte on every instruction set, and holds on all of them") {
  TempDir dir;
  const std::vector<std::string> ask = {
      kGguf, "-p", "Tre già măng mọc?", "-n",     "24",     "--temperature", "0.9",   "--top-p", "0.95", "--seed",
      "17",  "-s", "Be brief.",         "--stop", "never!", "--logit-bias",  "60=1.5"};
  const std::string first = receipt_of(dir, "r.json", ask);
  const std::string text = read_file(first);
  const Json receipt = parse_json(text, "").value();
  CHECK(receipt["model"]["name"] == "model.gguf");  // and not where it is
  CHECK(receipt["prompt"]["source"]["messages"][0]["content"] == "Be brief.");
  CHECK(receipt["prompt"]["source"]["messages"][1]["content"] == "Tre già măng mọc?");
  CHECK(receipt["parameters"]["seed"] == 17);
  CHECK(receipt["parameters"]["temperature"] == 0.9);
  CHECK(receipt["answer"]["ids"].size() > 0);
  for (const std::string& isa : isas()) {
    CAPTURE(isa);
    std::vector<std::string> again = ask;
    for (const char* each : {"--isa", isa.c_str(), "--threads", "3"}) again.emplace_back(each);
    CHECK(read_file(receipt_of(dir, "again.json", again)) == text);
    const Ran ran = mang({"replay", first, kGguf, "--isa", isa});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "same: the model gives exactly this answer."));
    CHECK(ran.err.empty());
  }
  const Json verdict = json_of(mang({"replay", first, "--json"}));  // found by its digest
  CHECK(verdict["verdict"] == "same");
  CHECK(verdict["first_difference"].is_null());
  CHECK(fs::equivalent(verdict["model"].get<std::string>(), kGguf));
  CHECK(mang({"replay", "-"}, {.input = text}).code == 0);
  CHECK(has(mang({"replay", first, "--lang", "vi"}).out, "giống: mô hình cho đúng câu trả lời này."));
}

TEST_CASE("raw prompts, directories, exact mode, other caches and answers of no token have receipts too") {
  TempDir dir;
  const std::vector<std::vector<std::string>> asked = {
      {kGguf, "--raw", "-p", "The shoots", "-n", "9", "--special"},
      {kDirectory, "-p", "Hello", "-n", "7"},
      {kGguf, "-p", "Hello", "-n", "7", "--exact"},
      {kGguf, "-p", "Hello", "-n", "7", "--kv", "f32", "--ignore-eos", "--repeat-penalty", "1.3"},
      {kGguf, "-p", "Hello", "-n", "0"},
      {kGguf, "-p", "Hello", "-c", "64", "--temperature", "1"},
  };
  for (const auto& each : asked) {
    const std::string path = receipt_of(dir, "r.json", each);
    CAPTURE(read_file(path));
    const Ran ran = mang({"replay", path, each.front()});
    CAPTURE(ran.err);
    CAPTURE(ran.out);
    CHECK(ran.code == 0);
  }
  // Bytes that JSON cannot hold: the ids alone are claimed.
  const std::string path = dir.file("bytes.json");
  const Ran bytes = mang({"run", "-m", kGguf, "--raw", "-n", "4", "--receipt", path}, {.input = "ab\xFF\xFE"});
  CHECK(bytes.code == 0);
  CHECK(parse_json(read_file(path), "").value()["prompt"]["source"].is_null());
  const Ran ran = mang({"replay", path, kGguf});
  CHECK(ran.code == 0);
  CHECK(has(ran.out, "not in the receipt"));
}

TEST_CASE("what is not so is said, with exit code 1") {
  TempDir dir;
  const std::string path = receipt_of(dir, "r.json", {kGguf, "-p", "Hello", "-n", "12", "--temperature", "0"});
  const Json good = parse_json(read_file(path), "").value();
  auto bent = [&](const std::string& pointer, const Json& value) {
    Json json = good;
    json[Json::json_pointer(pointer)] = value;
    return mang({"replay", dir.write("bent.json", dump_json(json)), kGguf, "--json"});
  };
  const int32_t fifth = good["answer"]["ids"][4];
  const Ran token = bent("/answer/ids/4", (fifth + 1) % 300);
  CHECK(token.code == 1);
  const Json verdict = json_of(token, 1);
  CHECK(verdict["verdict"] == "different");
  CHECK(verdict["first_difference"]["index"] == 4);
  CHECK(verdict["first_difference"]["claimed"]["id"] == (fifth + 1) % 300);
  CHECK(verdict["first_difference"]["drawn"]["id"] == fifth);
  CHECK(has(token.out, "digest does not fit"));
  CHECK(has(token.out, "token 5 of the answer"));

  const Ran prompt = bent("/prompt/source/messages/0/content", "Hallo");
  CHECK(prompt.code == 1);
  CHECK(has(prompt.out, "the prompt's text gives other tokens"));
  const Ran page = bent("/model/chat_template", std::string(64, '0'));
  CHECK(page.code == 1);
  CHECK(has(page.out, "another chat template"));
  const Ran text = bent("/answer/text", "Yes.");
  CHECK(text.code == 1);
  CHECK(has(text.out, "text of the answer"));
  CHECK(bent("/parameters/max_tokens", 11).code == 1);
  CHECK(bent("/program", "another").code == 1);  // only the digest tells
}

TEST_CASE("what cannot be checked is said, with exit code 2") {
  TempDir dir;
  const std::string path = receipt_of(dir, "r.json", {kGguf, "-p", "Hello", "-n", "5"});
  auto cannot = [&](const std::vector<std::string>& arguments, const std::string& part) {
    check_refused(mang(arguments), 2, part);
  };
  cannot({"replay", path, MANG_SOURCE_DIR "/tests/golden/smollm2/untied-mqa/model.gguf"}, "another model");
  cannot({"replay", path, kDirectory}, "another model");
  cannot({"replay", path, "no-such-model.gguf"}, "no such file");
  cannot({"replay", dir.file("missing.json")}, "missing.json");
  cannot({"replay", dir.write("junk.json", "[1, 2")}, "JSON");
  cannot({"replay", dir.write("other.json", "{\"a\": 1}")}, "no receipt");
  Json json = parse_json(read_file(path), "").value();
  const Json version = json["arithmetic"]["version"];
  json["arithmetic"]["version"] = 999;
  cannot({"replay", dir.write("later.json", dump_json(json)), kGguf}, "999");
  json["arithmetic"]["version"] = version;
  json["answer"]["ids"][0] = 100000;
  cannot({"replay", dir.write("wide.json", dump_json(json)), kGguf}, "100000");
  const Json verdict = json_of(mang({"replay", dir.file("wide.json"), kGguf, "--json"}), 2);
  CHECK(verdict["verdict"] == "cannot check");

  // A file with the same name and size, and one bit another: its digest is not taken from memory.
  const std::string copy = dir.write("model.gguf", read_file(kGguf));
  CHECK(mang({"replay", path, copy}).code == 0);
  std::string bytes = read_file(kGguf);
  bytes[bytes.size() - 100] ^= 1;
  dir.write("model.gguf", bytes);
  cannot({"replay", path, copy}, "another model");
}

TEST_CASE("a receipt that cannot be written is told before the model is asked") {
  TempDir dir;
  check_refused(mang({"run", kGguf, "-p", "Hi", "--receipt", dir.path()}), 1, "the name of a file");
  check_refused(mang({"run", kGguf, "-p", "Hi", "--receipt", dir.file("a/b.json")}), 1, "there is no folder");
}

TEST_CASE("/receipt writes the last answer's, with all that was said before") {
  TempDir dir;
  const std::string path = dir.file("talk.json");
  Terminal terminal({"run", kGguf, "--plain", "-n", "6", "--temperature", "1"});
  terminal.until("> ");
  terminal.type("/receipt " + path + "\r");
  terminal.until("no answer");
  terminal.until("> ");
  terminal.type("One\r");
  terminal.until("512 tokens");
  terminal.until("> ");
  terminal.type("Two\r");
  terminal.until("512 tokens");
  terminal.until("> ");
  terminal.type("/receipt\r");
  terminal.until("which file");
  terminal.until("> ");
  terminal.type("/receipt " + path + "\r");
  terminal.until("mang replay");
  terminal.until("> ");
  terminal.type("/bye\r");
  CHECK(terminal.finish() == 0);
  const Json receipt = parse_json(read_file(path), "").value();
  CHECK(receipt["prompt"]["source"]["messages"].size() == 3);
  CHECK(receipt["prompt"]["source"]["messages"][2]["content"] == "Two");
  CHECK(mang({"replay", path, kGguf}).code == 0);
}

}  // namespace
}  // namespace mang::test
