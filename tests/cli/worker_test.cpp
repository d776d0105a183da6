// mang worker: its protocol, also for those who break it.
#include <cstring>
#include <map>

#include "cli/subprocess.h"

namespace mang::test {
namespace {

// Feeds lines until the end of input; the events, with the rows of logits put under "data".
std::vector<Json> work(const std::string& lines, const std::string& model = kDirectory) {
  const Ran ran = mang({"worker", model, "--threads", "2"}, {.input = lines});
  CAPTURE(ran.err);
  CHECK(ran.code == 0);
  std::vector<Json> out;
  for (size_t at = 0; at < ran.out.size();) {
    const size_t end = ran.out.find('\n', at);
    REQUIRE(end != std::string::npos);
    Result<Json> event = parse_json(std::string_view(ran.out).substr(at, end - at), "event");
    REQUIRE(event.ok());
    at = end + 1;
    if (event->at("event") == "rows") at += event->at("bytes").get<size_t>();
    REQUIRE(at <= ran.out.size());
    out.push_back(*event);
  }
  return out;
}

// The only error among the events.
std::string refusal(const std::string& line) {
  std::string out;
  for (const Json& event : work(line + "\n")) {
    if (event["event"] == "error") out += event["error"].get<std::string>();
  }
  return out;
}

TEST_CASE("a worker greets, answers what it is asked, and ends with its input") {
  const std::vector<Json> events = work(
      R"({"id": 7, "do": "generate", "messages": [{"role": "user", "content": "hi"}], "sampling": {"max_tokens": 5, "ignore_eos": true}})"
      "\n"
      R"({"id": 8, "do": "tokenize", "text": "a b"})"
      "\n"
      R"({"id": 9, "do": "detokenize", "ids": [70, 71]})");  // the last line may lack its newline
  REQUIRE(!events.empty());
  CHECK(events.front()["event"] == "ready");
  CHECK(events.front()["protocol"] == 1);
  CHECK(events.front()["vocabulary"] == 320);
  std::map<int, int> tokens, ends;
  for (const Json& event : events) {
    if (event["event"] == "token") ++tokens[event["id"].get<int>()];
    if (event["event"] == "done") ++ends[event["id"].get<int>()];
    if (event["event"] == "done" && event["id"] == 7) {
      CHECK(event["finish_reason"] == "max tokens");
      CHECK(event["usage"]["generated_tokens"] == 5);
    }
  }
  CHECK(tokens == std::map<int, int>{{7, 5}});
  CHECK(ends == std::map<int, int>{{7, 1}, {8, 1}, {9, 1}});
}

TEST_CASE("logits come in frames that hold whole rows") {
  const std::vector<Json> events = work(R"({"id": 1, "do": "logits", "ids": [5, 6, 7]})"
                                        "\n");
  REQUIRE(events.size() == 4);
  CHECK(events[1]["event"] == "shape");
  CHECK(events[1]["rows"] == 3);
  CHECK(events[2]["bytes"] == 3 * 320 * 4);
  CHECK(events[3]["event"] == "done");
}

TEST_CASE("nonsense is refused by sentences, and the worker goes on") {
  CHECK(has(refusal("dance"), "request"));
  CHECK(has(refusal("[1]"), "a JSON object on one line"));
  CHECK(has(refusal(R"({"do": "tokenize", "text": "x"})"), "'id'"));
  CHECK(has(refusal(R"({"id": -1, "do": "tokenize", "text": "x"})"), "'id'"));
  CHECK(has(refusal(R"({"id": 1, "do": "dance"})"), "one of generate"));
  CHECK(has(refusal(R"({"id": 1})"), "one of generate"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate"})"), "give one of"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "text": "a", "ids": [1]})"), "give one of"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "text": "a", "txt": 1})"), "'txt' is not known"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "text": "a", "sampling": {"temprature": 1}})"), "temprature"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "text": "a", "sampling": {"temperature": "x"}})"), "a number"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "text": "a", "sampling": {"top_k": 99999999999}})"), "in range"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "text": "a", "sampling": {"seed": -1}})"), "in range"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "text": "a", "sampling": {"top_p": 3}})"), "top_p"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "messages": [{}]})"), "role"));
  CHECK(has(refusal(R"({"id": 1, "do": "logits", "ids": [320]})"), "320"));
  CHECK(has(refusal(R"({"id": 1, "do": "detokenize", "ids": [1, -2]})"), "token ids"));
  CHECK(has(refusal(R"({"id": 1, "do": "generate", "ids": []})"), "empty"));
  CHECK(refusal(R"({"id": 1, "do": "cancel"})").empty());  // of what is not under way
  const std::vector<Json> events = work(
      "x\n"
      R"({"id": 1, "do": "tokenize", "text": "x"})"
      "\n");
  CHECK(events.back()["event"] == "done");
}

TEST_CASE("a line longer than the limit is dropped, and the next one is read") {
  const std::string line(size_t{65} << 20, 'x');
  const std::vector<Json> events = work(line +
                                        "\n"
                                        R"({"id": 1, "do": "tokenize", "text": "x"})"
                                        "\n");
  REQUIRE(events.size() == 3);
  CHECK(has(events[1]["error"].get<std::string>(), "at most"));
  CHECK(events[2]["event"] == "done");
}

TEST_CASE("a cancelled answer ends soon, and says so") {
  TempDir dir;
  const std::vector<Json> events =
      work(R"({"id": 1, "do": "generate", "text": "a", "sampling": {"max_tokens": 150000, "ignore_eos": true}})"
           "\n"
           R"({"id": 2, "do": "generate", "text": "a", "sampling": {"max_tokens": 3, "ignore_eos": true}})"
           "\n"
           R"({"id": 1, "do": "cancel"})"
           "\n",
           patient_model(dir));
  int seen = 0;
  for (const Json& event : events) {
    if (event["event"] != "done") continue;
    ++seen;
    CHECK(event["finish_reason"] == (event["id"] == 1 ? "cancelled" : "max tokens"));
  }
  CHECK(seen == 2);
}

TEST_CASE("a model that cannot be opened is told as an event") {
  const Ran ran = mang({"worker", "./nothing.gguf"});
  CHECK(ran.code == 1);
  CHECK(has(ran.out, R"("event":"error")"));
  CHECK(has(ran.out, "no such file"));
  CHECK(ran.out.ends_with("\n"));
  CHECK(ran.err.empty());
}

}  // namespace
}  // namespace mang::test
