// tokenize, detokenize and template on real files: directories with only tokenizer files, and GGUF files.
#include "cli/subprocess.h"
#include "support/golden.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

const std::string kGolden = MANG_SOURCE_DIR "/tests/golden/";

// A directory with only the tokenizer's files of a golden.
std::string tokenizer_only(const TempDir& dir, const std::string& name) {
  fs::create_directory(dir.file("tok"));
  for (const char* file : {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}) {
    fs::copy_file(kGolden + name + "/" + file, dir.file("tok") + "/" + file);
  }
  return dir.file("tok");
}

std::string line_of(const Json& json) { return dump_json(json) + "\n"; }

TEST_CASE("text becomes the ids Hugging Face gives, one by one and line by line, and text again") {
  TempDir dir;
  const std::string name = "smollm2/tied-gqa";
  const Json texts = parse_json(read_file(kGolden + name + "/texts.json"), "texts.json").value();
  REQUIRE(texts.size() >= 5);
  for (const std::string& model : {tokenizer_only(dir, name), kGolden + name + "/model.gguf"}) {
    CAPTURE(model);
    std::string lines, expected_ids;
    for (const Json& each : texts) {
      lines += line_of(each["text"]);
      expected_ids += line_of(each["ids"]);
    }
    // Hugging Face's encode reads control tokens in the text.
    const Ran all = mang({"tokenize", model, "--special", "--jsonl"}, {.input = lines});
    CHECK(all.code == 0);
    std::string normalized;  // spaces after commas are a matter of taste
    for (char c : all.out) {
      if (c != ' ') normalized += c;
    }
    CHECK(normalized == expected_ids);
    CHECK(mang({"detokenize", model, "--jsonl"}, {.input = all.out}).out == lines);

    const std::string text = texts[2]["text"];
    const Ran one = mang({"tokenize", model, "--json"}, {.input = text});
    CHECK(parse_json(one.out, "out").value() == texts[2]["ids"]);
    CHECK(mang({"detokenize", model, "--json"}, {.input = one.out}).out == text);
  }
}

TEST_CASE("control tokens in text stay text unless asked for; --add-special adds BOS") {
  const std::string model = kGolden + "llama/llama31-gqa-sharded";
  auto ids = [&](const std::vector<std::string>& options, const std::string& text) {
    std::vector<std::string> arguments{"tokenize", model, "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return parse_json(mang(arguments, {.input = text}).out, "out").value().get<std::vector<int32_t>>();
  };
  const auto plain = ids({}, "<s>a");
  const auto special = ids({"--special"}, "<s>a");
  CHECK(plain.size() > special.size());
  CHECK(special.front() == 1);
  CHECK(std::find(plain.begin(), plain.end(), 1) == plain.end());
  CHECK(ids({"--add-special"}, "a").front() == 1);
  CHECK(ids({"--add-special"}, "a").size() == ids({}, "a").size() + 1);
}

TEST_CASE("a program that waits for each answer gets it") {
  const How how{.input = ""};
  Running running({"tokenize", kGolden + "qwen2/tied-gqa", "--jsonl"}, how);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(::write(running.input(), "\"hello\"\n", 8) == 8);
    std::string answer;
    for (int wait = 0; wait < 500 && !has(answer, "\n"); ++wait) {
      char buffer[256];
      const ssize_t n = ::read(running.output(), buffer, sizeof buffer);
      if (n > 0)
        answer.append(buffer, static_cast<size_t>(n));
      else
        ::usleep(10000);
    }
    CHECK(answer.starts_with("["));
  }
  CHECK(running.finish(how).code == 0);
}

TEST_CASE("a bad line is named, after the answers to the lines before it") {
  const std::string model = kGolden + "qwen2/tied-gqa";
  for (const char* bad : {"no json", "[1]", "\"half", "\"\\ud800\"", ""}) {
    CAPTURE(bad);
    const Ran ran = mang({"tokenize", model, "--jsonl"}, {.input = std::string("\"a\"\n") + bad + "\n\"b\"\n"});
    CHECK(ran.code == 1);
    CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 1);
    CHECK(has(ran.err, "line 2"));
  }
  for (const char* bad : {"{}", "[1.5]", "[-1]", "[999999]", "[1"}) {
    CAPTURE(bad);
    const Ran ran = mang({"detokenize", model, "--jsonl"}, {.input = std::string("[4]\n") + bad + "\n"});
    CHECK(ran.code == 1);
    CHECK(has(ran.err, "line 2"));
  }
  CHECK(mang({"tokenize", model, "--jsonl"}, {.input = ""}).code == 0);
  CHECK(mang({"tokenize", model, "--json"}, {.input = ""}).out == "[]\n");
  CHECK(mang({"tokenize", model, "--jsonl"}, {.input = "\"no newline at the end\""}).code == 0);
}

TEST_CASE("without --json a person sees each token") {
  const Ran ran = mang({"tokenize", kGolden + "qwen2/tied-gqa"}, {.input = "ab\n"});
  CHECK(ran.code == 0);
  CHECK(has(ran.out, "\t\""));
  CHECK(has(ran.out, "\"\\n\""));
}

TEST_CASE("a template's prompt is written exactly, nothing added") {
  TempDir dir;
  const std::string model = tokenizer_only(dir, "smollm2/tied-gqa");
  const std::string messages = dir.write("m.json", R"([{"role":"user","content":"Tre già\n"}])");
  const std::string turn = "<|im_start|>user\nTre già\n<|im_end|>\n";
  CHECK(mang({"template", model, "--messages", messages}).out == turn + "<|im_start|>assistant\n");
  CHECK(mang({"template", model, "--messages", messages, "--no-generation-prompt"}).out == turn);
  CHECK(mang({"template", model, "--messages", "-"}, {.input = R"([{"role":"a","content":"b"}])"}).out ==
        "<|im_start|>a\nb<|im_end|>\n<|im_start|>assistant\n");
  CHECK(mang({"template", kGolden + "smollm2/tied-gqa/model.gguf", "--messages", messages}).out ==
        turn + "<|im_start|>assistant\n");

  dir.write("tok/chat_template.jinja", "{{ n + 1 }} {{ flag }} {{ strftime_now('%Y-%m-%d') }} {{ tools | length }}");
  const std::string tools = dir.write("t.json", R"([{"type":"function","function":{"name":"f"}}])");
  const Ran ran = mang({"template", model, "--messages", messages, "--tools", tools, "--set", "n=41", "--set",
                        "flag=false", "--now", "2026-07-29T08:30:15"});
  CHECK(ran.out == "42 False 2026-07-29 1");
  CHECK(ran.code == 0);

  dir.write("tok/chat_template.jinja", "\n{{ raise_exception('no such role') }}");
  check_refused(mang({"template", model, "--messages", messages}), 1, "no such role");
  check_refused(mang({"template", model, "--messages", dir.write("bad.json", "{}")}), 1, "bad.json");
  check_refused(mang({"template", model, "--messages", dir.file("none.json")}), 1, "none.json");
  fs::remove(dir.file("tok/chat_template.jinja"));
  check_refused(mang({"template", model, "--messages", messages}), 1, "template");
}

}  // namespace
}  // namespace mang::test
