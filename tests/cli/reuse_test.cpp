// What is known from the message before, and why the rest is not: by the messages, then with a model.
#include "cli/reuse.h"

#include "cli/answer.h"
#include "cli/energy_words.h"
#include "cli/settings.h"
#include "cli/subprocess.h"

namespace mang::cli {
namespace {

using Why = Reuse::Why;

Json message(const std::string& role, const std::string& content) { return {{"role", role}, {"content", content}}; }

TEST_CASE("what became of a conversation, by its messages") {
  const Json system = message("system", "Be brief."), other = message("system", "Be long.");
  const Json a = message("user", "a"), b = message("assistant", "b"), c = message("user", "c");
  using List = std::vector<Json>;
  const auto since = [](const List& before, const List& now) { return conversation_since(Json(before), Json(now)); };
  CHECK(conversation_since(Json(), Json(List{a})) == Since::first);
  CHECK(since({a}, {a, b, c}) == Since::goes_on);
  CHECK(since({system, a}, {system, a, b, c}) == Since::goes_on);
  CHECK(since({a}, {a}) == Since::goes_on);
  CHECK(since({a, b, c}, {c}) == Since::cleared);
  CHECK(since({system, a}, {system, c}) == Since::cleared);
  CHECK(since({system, a}, {other, a, b, c}) == Since::system);
  CHECK(since({a}, {system, a}) == Since::system);
  CHECK(since({system, a}, {a}) == Since::system);
  CHECK(since({a, b, c}, {a}) == Since::back);
  CHECK(since({a, b, c}, {a, c, c}) == Since::changed);
  CHECK(since({}, {a}) == Since::goes_on);
}

class Nobody : public Answerer::Listener {
 public:
  void on_prompt(int64_t /*tokens*/) override {}
  bool on_text(const std::string& /*text*/) override { return true; }
  bool on_reasoning(const std::string& /*text*/) override { return true; }
};

// A small model that converses, with this template if it is not empty.
struct Talk {
  explicit Talk(const std::string& chat_template = "") {
    const std::string path = dir.file("model");
    std::filesystem::copy(MANG_SOURCE_DIR "/tests/golden/smollm2/tied-gqa", path);
    std::filesystem::remove(path + "/model.gguf");
    if (!chat_template.empty()) dir.write("model/chat_template.jinja", chat_template);
    AnswerOptions options;
    options.sampling.max_tokens = 6;
    options.sampling.temperature = 0;
    options.sampling.ignore_eos = true;
    Result<Answerer> opened = Answerer::open(path, options, context);
    if (!opened.ok()) FAIL(opened.error().message);
    answerer.emplace(std::move(*opened));
  }
  AnswerRecord say(const Json& system, const std::vector<Json>& messages) {
    ChatRequest request;
    if (!system.is_null()) request.messages.push_back(system);
    for (const Json& each : messages) request.messages.push_back(each);
    Nobody nobody;
    Result<AnswerRecord> record = answerer->chat(request, nobody, context);
    if (!record.ok()) FAIL(record.error().message);
    return *record;
  }

  test::TempDir dir;
  std::atomic<bool> interrupted{false};
  Settings settings;
  Context context{Environment({}), settings, Catalog::built_in(), interrupted, Output(), {}};
  std::optional<Answerer> answerer;
};

TEST_CASE("each message says how much of it was known and why the rest was not") {
  Talk talk;
  const Json system = message("system", "Be brief."), other = message("system", "Be as long as you like.");
  const Json first = message("user", "one two three");
  AnswerRecord record = talk.say(system, {first});
  CHECK(record.reuse.why == Why::first);
  CHECK(record.reuse.reused == 0);
  CHECK(reuse_sentence(record.reuse).find("the first message") != std::string::npos);

  const Json answer = message("assistant", record.text), second = message("user", "four");
  record = talk.say(system, {first});
  CHECK(record.reuse.why == Why::repeated);
  CHECK(record.reuse.reused == record.reuse.prompt - 1);

  record = talk.say(other, {first, answer, second});
  CHECK(record.reuse.why == Why::system);
  CHECK(record.reuse.position > 0);
  CHECK(record.reuse.now.find("as long") != std::string::npos);
  CHECK(record.reuse.before.find("brief") != std::string::npos);

  record = talk.say(other, {message("user", "five")});
  CHECK(record.reuse.why == Why::cleared);
  CHECK(record.reuse.reused > 0);  // the system message is the same
  record = talk.say(other, {first, answer, second});
  record = talk.say(other, {first, message("assistant", "another answer"), second});
  CHECK(record.reuse.why == Why::changed);
  CHECK(record.reuse.now.find("another") != std::string::npos);
  const Json json = reuse_json(record.reuse);
  CHECK(json["reason"] == "a message changed");
  CHECK(json["tokens"] == record.done.stats.cached_tokens);
  CHECK(json["position"] == record.done.stats.session_common);
}

TEST_CASE("what stays as it was is all known; what a template writes differently is shown") {
  // The answer is written back byte by byte as it was drawn, so that all of it is known.
  const std::string plain =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: "
      "{% endif %}";
  Talk same(plain);
  const Json first = message("user", "one two three"), second = message("user", "four");
  same.say(Json(), {first});
  const Json words = message("assistant", "five six seven eight nine ten eleven twelve");
  AnswerRecord record = same.say(Json(), {first, words, second});
  // The answer said is another than the one drawn: from there on it is told apart.
  CHECK(record.reuse.why == Why::rendered);
  record = same.say(Json(), {first, words, second, words, second});
  CHECK(record.reuse.reused > record.reuse.prompt / 3);

  // Earlier turns lose a word, as those lose their reasoning that templates write without it.
  Talk other(
      "{% for m in messages %}{{ m.role }}: {% if loop.last %}thinking hard {% endif %}{{ m.content }}\n{% endfor %}");
  other.say(Json(), {first});
  record = other.say(Json(), {first, words, second});
  CHECK(record.reuse.why == Why::rendered);
  CHECK(record.reuse.before.find("thinking") != std::string::npos);
  CHECK(record.reuse.now.find("one two") != std::string::npos);
  CHECK(reuse_sentence(record.reuse).find("the template writes earlier turns differently") != std::string::npos);
}

TEST_CASE("energy in words: measured, estimated with its error, or not known") {
  EnergyUse use;
  use.source = EnergyUse::Source::counters;
  use.joules = 52.1;
  const EnergyPrice price{0.30, "EUR"};
  CHECK(energy_sentence(use) == "52.1 J (0.0145 Wh), by the processor's counters: all that ran on it");
  CHECK(*cost_sentence(use, price) == "0.0000043 EUR at 0.3 EUR a kWh");
  CHECK(!cost_sentence(use, {}));
  CHECK(cost_json(use, price)["amount"].get<double>() == doctest::Approx(52.1 / 3.6e6 * 0.3));
  CHECK(cost_json(use, {}).is_null());
  use.source = EnergyUse::Source::estimate;
  use.error = 0.5;
  use.time = {2, 6.5};
  use.counters = EnergyUse::Missing::unreadable;
  use.battery = EnergyUse::Missing::absent;
  CHECK(energy_sentence(use) ==
        "about 52.1 J (0.0145 Wh), estimate, ±50 %: 6.50 s of CPU time at 4 to 12 W a core; this program alone. Not "
        "measured: the processor's energy counters may not be read by this user, and there is no battery.");
  CHECK(cost_sentence(use, price)->find("±50 %") != std::string::npos);
  CHECK(energy_json(use)["relative_error"] == 0.5);
  use.source = EnergyUse::Source::none;
  CHECK(energy_sentence(use).starts_with("not known: "));
  CHECK(energy_json(use)["joules"].is_null());
  CHECK(!cost_sentence(use, price));
  CHECK(cost_json(use, price).is_null());
}

}  // namespace
}  // namespace mang::cli

namespace mang::test {
namespace {

TEST_CASE("run tells what was known, the energy and its cost") {
  const Ran ran = mang({"run", kGguf, "hello", "-n", "3", "--json", "--price-per-kwh", "0.25", "--currency", "EUR"},
                       {.environment = {"MANG_SEED=3"}});
  REQUIRE(ran.code == 0);
  const Json json = parse_json(ran.out, "stdout").value();
  CHECK(json["reuse"]["reason"] == "first message");
  REQUIRE(json["energy"]["joules"].is_number());
  CHECK(json["energy"]["joules"].get<double>() > 0);
  CHECK(json["cost"]["amount"].get<double>() == doctest::Approx(json["energy"]["joules"].get<double>() / 3.6e6 * 0.25));
  CHECK(json["settings"]["seed"]["from"] == "MANG_SEED");
  CHECK(json["settings"]["max-tokens"]["from"] == "--max-tokens");
  const Ran verbose = mang({"run", "-v", kGguf, "hello", "-n", "3"}, {.environment = {"MANG_PRICE_PER_KWH=0.3"}});
  for (const char* part :
       {"known before", "this is the first message", "energy", " J (", "cost", "settings", "MANG_PRICE_PER_KWH"})
    CHECK(has(verbose.err, part));
  check_refused(mang({"run", kGguf, "hello", "--price-per-kwh", "-1"}), 2, "--price-per-kwh must be a number from 0");
}

}  // namespace
}  // namespace mang::test
