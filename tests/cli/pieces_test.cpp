#include <doctest/doctest.h>

#include "cli/environment.h"
#include "cli/io.h"
#include "cli/json_ids.h"
#include "cli/model_ref.h"
#include "cli/page.h"
#include "cli/run_input.h"
#include "cli/sampling_options.h"
#include "load/load_model.h"
#include "support/temp_dir.h"

namespace mang::cli {
namespace {

TEST_CASE("what looks like a model, and what is a prompt") {
  const Catalog& catalog = Catalog::built_in();
  test::TempDir dir;
  const std::string spaced = dir.write("my model.gguf", "x");
  auto kind = [&](const std::string& text) { return classify(text, catalog); };
  CHECK(kind(spaced) == RefKind::path);
  CHECK(kind(dir.path()) == RefKind::path);
  CHECK(kind("smollm2:135m") == RefKind::name);
  CHECK(kind("SmolLM2") == RefKind::name);
  CHECK(kind("qwen3:8b-q8_0") == RefKind::name);
  CHECK(kind("hf:org/name") == RefKind::hf);
  CHECK(kind("https://host/x.gguf") == RefKind::url);
  CHECK(kind("falcon:8b") == RefKind::tagged);
  CHECK(kind("org/name:q4_k_m") == RefKind::tagged);
  CHECK(kind("./missing") == RefKind::file);
  CHECK(kind("missing.gguf") == RefKind::file);
  for (const char* prompt :
       {"", "Hello", "Why does bamboo grow so fast?", "Note: explain this", "hf: what is it?", "see https://host/x",
        "what is 3:4 ?", ":", "a:", ":b", "a:b?", "é:b", "list files in ./x"}) {
    CAPTURE(prompt);
    CHECK(kind(prompt) == RefKind::none);
  }
}

TEST_CASE("positionals of run") {
  const Catalog& catalog = Catalog::built_in();
  using Texts = std::vector<std::string>;
  auto ask = [&](const Texts& positionals, std::optional<std::string> model = {},
                 std::optional<std::string> prompt = {}) { return interpret_run(positionals, model, prompt, catalog); };
  CHECK(!ask({})->model);
  CHECK(!ask({})->prompt);
  CHECK(ask({"Why is that so?"})->prompt == "Why is that so?");
  CHECK(!ask({"Why is that so?"})->model);
  CHECK(ask({"smollm2"})->model == "smollm2");
  CHECK(!ask({"smollm2"})->prompt);
  CHECK(ask({"qwen3:8b"})->model == "qwen3:8b");
  CHECK(ask({"anything", "smollm2"})->model == "anything");
  CHECK(ask({"anything", "smollm2"})->prompt == "smollm2");
  CHECK(ask({"smollm2"}, "other")->prompt == "smollm2");  // -m takes the model's place
  CHECK(ask({"smollm2"}, "other")->model == "other");
  CHECK(ask({"plain words"}, {}, "prompt")->model == "plain words");  // -p takes the prompt's place
  CHECK(ask({}, {}, "qwen3:8b")->prompt == "qwen3:8b");
  CHECK(!ask({"a", "b"}, "m").ok());
  CHECK(!ask({"a", "b"}, {}, "p").ok());
  CHECK(!ask({"a"}, "m", "p").ok());
  CHECK(!ask({"a", "b", "c"}).ok());
  CHECK(!ask({}, "", "p").ok());
}

TEST_CASE("rows are broken at spaces for a terminal, and only there") {
  Page pipe(2, 4, 0), terminal(2, 4, 20);
  pipe.row("a", "one two three four five");
  CHECK(pipe.text() == "  a    one two three four five\n");
  terminal.row("a", "one two three four five");
  terminal.row("b", "averyveryverylongword x");
  terminal.row("c", "è\x1b[1m");
  CHECK(terminal.text() ==
        "  a    one two three\n       four five\n  b    averyveryverylongword\n       x\n  c    è\u241b[1m\n");
}

TEST_CASE("piped text joins the prompt") {
  CHECK(join_prompt("review this", "diff\n", false) == "diff\n\nreview this");
  CHECK(join_prompt(std::nullopt, "only\n\n", false) == "only");
  CHECK(join_prompt("only", "", false) == "only");
  CHECK(join_prompt("only", "\n", false) == "only");
  CHECK(join_prompt("b\n", "a\n", true) == "a\nb\n");
  CHECK(join_prompt(std::nullopt, "a \n\n", true) == "a \n\n");
}

TEST_CASE("folders come from the environment in the usual order") {
  auto hub = [](std::vector<std::string> variables) {
    return Environment(std::move(variables)).hf_hub_cache().value();
  };
  CHECK(hub({"HOME=/h"}) == "/h/.cache/huggingface/hub");
  CHECK(hub({"HOME=/h", "XDG_CACHE_HOME=/x"}) == "/x/huggingface/hub");
  CHECK(hub({"HOME=/h", "XDG_CACHE_HOME=/x", "HF_HOME=/f"}) == "/f/hub");
  CHECK(hub({"HOME=/h", "HF_HOME=/f", "HF_HUB_CACHE=/c"}) == "/c");
  CHECK(Environment({"HOME=/h", "XDG_CACHE_HOME=relative"}).cache_folder().value() == "/h/.cache");
  CHECK(!Environment({"HOMER=/h"}).cache_folder().ok());
}

TEST_CASE("token ids are whole numbers from 0 on, and nothing else") {
  CHECK(parse_ids("[1, 2, 2147483647]", "x").value() == std::vector<int32_t>{1, 2, 2147483647});
  CHECK(parse_ids("[]", "x").value().empty());
  for (const char* bad : {"", "1", "{}", "[-1]", "[1.5]", "[\"1\"]", "[2147483648]", "[18446744073709551616]", "[[1]]",
                          "[1", "[null]", "[true]", "[1,]"}) {
    CAPTURE(bad);
    CHECK(!parse_ids(bad, "x").ok());
  }
}

TEST_CASE("options of sampling lie on top of the publisher's defaults") {
  GenerationDefaults defaults;
  defaults.temperature = 0.6;
  defaults.top_k = 20;
  SamplingOptions options;
  options.top_k = 5;
  options.logit_bias = {"7=-inf", "9=1.5"};
  options.stop = {"[END]"};
  options.seed = "18446744073709551615";
  const SamplingParams params = sampling_params(options, defaults).value();
  CHECK(params.temperature == doctest::Approx(0.6));
  CHECK(params.top_k == 5);
  CHECK(params.logit_bias.size() == 2);
  CHECK(params.logit_bias[0].second == -std::numeric_limits<float>::infinity());
  CHECK(params.logit_bias[1] == std::pair<int32_t, float>(9, 1.5F));
  CHECK(params.seed == ~uint64_t{0});
  for (const char* bad : {"", "=", "1=", "=1", "a=1", "1=b", "1=1x", "99999999999=1"}) {
    SamplingOptions wrong;
    wrong.logit_bias = {bad};
    CHECK(!sampling_params(wrong, {}).ok());
  }
  for (const char* bad : {"-1", "1.5", "x", "18446744073709551616", "1 "}) {
    SamplingOptions wrong;
    wrong.seed = bad;
    CHECK(!sampling_params(wrong, {}).ok());
  }
}

TEST_CASE("control characters never reach a terminal") {
  CHECK(without_terminal_controls("a\tb\n\xE1\xBA\xBF") == "a\tb\n\xE1\xBA\xBF");
  CHECK(without_terminal_controls("\x1B[2J") == "\xE2\x90\x9B[2J");
  CHECK(without_terminal_controls(std::string("\0\x7F\r", 3)) == "\xE2\x90\x80\xE2\x90\xA1\xE2\x90\x8D");
  CHECK(without_terminal_controls("\xC2\x9B"
                                  "31m \xC2\xA0") ==
        "\xEF\xBF\xBD"
        "31m \xC2\xA0");
}

}  // namespace
}  // namespace mang::cli
