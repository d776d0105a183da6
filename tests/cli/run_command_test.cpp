// run, logits, show, bench, perplexity and doctor on the tiny checkpoints.
#include "cli/subprocess.h"
#include "support/golden.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

// logits of ids as `mang logits` writes them.
std::vector<float> logits(const TempDir& dir, const std::string& model, const std::vector<int32_t>& ids, int64_t& vocab,
                          std::vector<std::string> options = {}) {
  const std::string out = dir.file("out.npy");
  std::vector<std::string> arguments{"logits", model, "--ids", dir.write("ids.json", dump_json(Json(ids))), "-o", out};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const Ran ran = mang(arguments);
  CAPTURE(ran.err);
  REQUIRE(ran.code == 0);
  return read_npy(out, vocab);
}

TEST_CASE("mang logits --exact gives transformers' logits") {
  TempDir dir;
  const Golden tiny = read_golden(kDirectory);
  int64_t vocab = 0;
  const std::vector<float> ours = logits(dir, kDirectory, tiny.ids, vocab, {"--exact"});
  CHECK(vocab == tiny.vocab);
  const Distance d = distance(tiny.logits, ours, vocab);
  CHECK(d.mean_kld <= 1e-6);
  CHECK(d.max_delta <= 1e-3 * d.deviation);
}

TEST_CASE("mang logits gives the same bits for every thread count, chunk and instruction set") {
  TempDir dir;
  const Golden tiny = read_golden(kDirectory);
  int64_t vocab = 0;
  const std::vector<float> first = logits(dir, kGguf, tiny.ids, vocab);
  for (const char* threads : {"1", "2", "3"})
    CHECK(logits(dir, kGguf, tiny.ids, vocab, {"--threads", threads}) == first);
  for (const char* chunk : {"0", "1", "7", "64"})
    CHECK(logits(dir, kGguf, tiny.ids, vocab, {"--chunk", chunk}) == first);
  const Json doctor = json_of(mang({"doctor", "--json"}));
  for (const char* isa : {"generic", "avx2", "avxvnni", "avx512", "amx"}) {
    CAPTURE(isa);
    if (std::find(doctor["isas"].begin(), doctor["isas"].end(), isa) != doctor["isas"].end()) {
      CHECK(logits(dir, kGguf, tiny.ids, vocab, {"--isa", isa}) == first);
    } else {
      check_refused(mang({"logits", kGguf, "--ids", dir.file("ids.json"), "-o", dir.file("x.npy"), "--isa", isa}), 1,
                    "cannot run");
    }
  }
  check_refused(mang({"logits", kGguf, "--ids", dir.file("ids.json"), "-o", dir.file("x.npy"), "--kv", "q8_0"}), 1,
                "32");
  const Golden wide = golden("qwen3/tied-head32");  // heads that a Q8_0 cache can hold
  const std::vector<float> f16 = logits(dir, wide.gguf, wide.ids, vocab);
  const std::vector<float> f32 = logits(dir, wide.gguf, wide.ids, vocab, {"--kv", "f32"});
  const std::vector<float> q8_0 = logits(dir, wide.gguf, wide.ids, vocab, {"--kv", "q8_0"});
  CHECK(f32 != f16);
  CHECK(q8_0 != f16);
  CHECK(distance(f32, q8_0, vocab).mean_kld < 0.01);
}

TEST_CASE("mang logits refuses ids it cannot use before it writes") {
  TempDir dir;
  const std::string out = dir.file("out.npy");
  auto refused = [&](const std::string& ids, const std::string& part) {
    check_refused(mang({"logits", kGguf, "--ids", "-", "-o", out}, {.input = ids}), 1, part);
    CHECK(!fs::exists(out));
  };
  const Ran piped = mang({"logits", kGguf, "--ids", "-", "-o", "-"}, {.input = "[1, 2]"});
  CHECK(piped.code == 0);
  CHECK(piped.out.starts_with("\x93NUMPY"));
  refused("[]", "ids");
  refused("[5, 1000000]", "1000000");
  refused("[-1]", "whole numbers");
  refused("{\"a\": 1}", "array");
  Json many = Json::array();
  for (int i = 0; i < 600; ++i) many.push_back(5);
  refused(dump_json(many), "512");
}

TEST_CASE("the greedy answer is the best token of each row of logits") {
  TempDir dir;
  const Json answer = json_of(mang(
      {"run", kGguf, "--raw", "--json", "--temperature", "0", "-n", "12", "--ignore-eos", "-p", "The shoots come up"}));
  const auto answered = answer["ids"].get<std::vector<int32_t>>();
  REQUIRE(answered.size() == 12);
  CHECK(answer["finish_reason"] == "max tokens");
  const Ran tokens = mang({"tokenize", kGguf, "--json", "--add-special"}, {.input = "The shoots come up"});
  auto ids = parse_json(tokens.out, "ids").value().get<std::vector<int32_t>>();
  const size_t prompt = ids.size();
  CHECK(answer["prompt_tokens"] == prompt);
  ids.insert(ids.end(), answered.begin(), answered.end());
  int64_t vocab = 0;
  const std::vector<float> rows = logits(dir, kGguf, ids, vocab);
  for (size_t i = 0; i < answered.size(); ++i) {
    const auto row = rows.begin() + static_cast<std::ptrdiff_t>((prompt + i - 1) * static_cast<size_t>(vocab));
    CHECK(std::max_element(row, row + vocab) - row == answered[i]);
  }
}

TEST_CASE("run streams only the answer on stdout, ends its line, and says the rest on stderr") {
  const Ran plain = mang({"run", kGguf, "A question?", "-n", "8", "--temperature", "0"});
  CHECK(plain.code == 0);
  CHECK(plain.err.empty());
  CHECK(plain.out.ends_with("\n"));
  const Ran verbose = mang({"run", "-v", kGguf, "A question?", "-n", "8", "--temperature", "0"});
  CHECK(verbose.out == plain.out);
  for (const char* label : {"prompt", "answer", "first token", "memory", "tokens/s"}) CHECK(has(verbose.err, label));
  const Json json = json_of(mang({"run", "--json", kGguf, "A question?", "-n", "8", "--temperature", "0"}));
  for (const char* key : {"seed", "threads", "isa", "context", "kv", "resident_bytes", "finish_reason"})
    CHECK(json.contains(key));
  std::string text = json["text"];
  if (!text.ends_with("\n")) text += "\n";
  CHECK(text == plain.out);
  const Ran raw = mang({"run", "--raw", kGguf, "A question?", "-n", "8", "--temperature", "0"});
  const Json raw_json =
      json_of(mang({"run", "--raw", "--json", kGguf, "A question?", "-n", "8", "--temperature", "0"}));
  CHECK(raw.out == raw_json["text"].get<std::string>());
}

TEST_CASE("the prompt comes from a positional, -p, standard input, or both") {
  const std::vector<std::string> tail = {"--json", "--temperature", "0", "-n", "4"};
  auto ask = [&](std::vector<std::string> arguments, const How& how = {}) {
    arguments.insert(arguments.begin(), "run");
    arguments.insert(arguments.end(), tail.begin(), tail.end());
    Json json = json_of(mang(arguments, how));
    return std::pair<int, std::string>(json["prompt_tokens"], json["text"]);
  };
  const auto expected = ask({kGguf, "one two"});
  CHECK(ask({"-m", kGguf, "one two"}) == expected);
  CHECK(ask({"-m", kGguf, "-p", "one two"}) == expected);
  CHECK(ask({kGguf, "-p", "one two"}) == expected);
  CHECK(ask({kGguf}, {.input = "one two\n"}) == expected);
  CHECK(ask({kGguf, "two"}, {.input = "one\n"}) == ask({kGguf, "one\n\ntwo"}));
  CHECK(ask({kGguf, "two", "--raw"}, {.input = "one "}) == ask({kGguf, "one two", "--raw"}));
  CHECK(ask({kGguf, "-p", "-5 + 3 = [x, y]?"}).first > 0);
  CHECK(ask({kDirectory, "one two"}).first == expected.first);
}

TEST_CASE("the same seed draws the same text, another seed another") {
  auto draw = [&](const std::string& seed, const std::string& threads) {
    const Json json = json_of(mang({"run", kGguf, "Hello there", "--json", "-n", "40", "--ignore-eos", "--temperature",
                                    "1.5", "--top-k", "0", "--top-p", "1", "--seed", seed, "--threads", threads}));
    return json["ids"];
  };
  const Json first = draw("7", "1");
  CHECK(draw("7", "3") == first);
  CHECK(draw("8", "1") != first);
}

TEST_CASE("stop texts, bans and a full context end an answer as they should") {
  const Json free =
      json_of(mang({"run", kGguf, "--raw", "--json", "one two", "--temperature", "0", "-n", "30", "--ignore-eos"}));
  const std::string text = free["text"];
  size_t middle = text.size() / 2;  // a whole character or more, from the middle
  while ((static_cast<unsigned char>(text[middle]) & 0xC0) == 0x80) --middle;
  size_t end = middle + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  const std::string stop = text.substr(middle, end - middle);
  const Json stopped = json_of(mang({"run", kGguf, "--raw", "--json", "one two", "--temperature", "0", "-n", "30",
                                     "--ignore-eos", "--stop", "[never]", "--stop", stop}));
  CHECK(stopped["text"] == text.substr(0, text.find(stop)));
  const int32_t first = free["ids"][0];
  const Json banned = json_of(mang({"run", kGguf, "--raw", "--json", "one two", "--temperature", "0", "-n", "30",
                                    "--ignore-eos", "--logit-bias", std::to_string(first) + "=-inf"}));
  for (const Json& id : banned["ids"]) CHECK(id != first);

  const Ran cut = mang({"run", kGguf, "--raw", "one two", "--temperature", "0", "--ignore-eos", "-c", "32"});
  CHECK(cut.code == 0);
  CHECK(has(cut.err, "32"));
  std::string words;
  for (int i = 0; i < 400; ++i) words += "bamboo ";
  const Ran too_long = mang({"run", kGguf, "-c", "64", "-p", words});
  check_refused(too_long, 1, "64");
  check_refused(mang({"run", kGguf, "-c", "1000000", "-p", "x"}), 1, "512");
}

TEST_CASE("Ctrl-C stops an answer cleanly: what was written stays, the exit code is 130") {
  TempDir dir;
  const std::string model = patient_model(dir);
  const How how{.interrupt_after = " "};
  const Ran ran =
      mang({"run", "-v", model, "-p", "Hello there", "--ignore-eos", "--temperature", "1", "--isa", "generic"}, how);
  CHECK(ran.code == 130);
  CHECK(ran.out.ends_with("\n"));
  CHECK(has(ran.err, "cancelled"));
}

TEST_CASE("an answer that nobody reads any more is not written to its end") {
  TempDir dir;
  const std::string model = patient_model(dir);
  const std::string run = std::string("timeout 60 '") + MANG_BINARY + "' run -m '" + model +
                          "' -p 'Hello there' --ignore-eos --isa generic 2> '" + dir.file("err") + "'";
  CHECK(WEXITSTATUS(std::system((run + " > /dev/full").c_str())) == 1);
  CHECK(has(read_file(dir.file("err")), "No space left"));
  CHECK(std::system((run + " | head -c 10 > '" + dir.file("out") + "'").c_str()) == 0);
  CHECK(read_file(dir.file("out")).size() == 10);
}

TEST_CASE("Ctrl-C ends at once what has nothing to wind up") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"run", kGguf}, {"tokenize", kGguf}, {"detokenize", kGguf, "--jsonl"}}) {
    const How how{.input = ""};
    Running running(arguments, how);
    ::usleep(200'000);  // it waits for its input, which stays open
    running.interrupt();
    CHECK(running.wait() == 130);
  }
}

TEST_CASE("show of a directory with only tokenizer files shows the tokenizer") {
  TempDir dir;
  for (const char* file : {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"})
    fs::copy_file(kDirectory + "/" + file, dir.file(file));
  const Ran page = mang({"show", dir.path()});
  CHECK(page.code == 0);
  CHECK(has(page.out, "BPE"));
  CHECK(has(page.out, "chat template"));
  const Json json = json_of(mang({"show", dir.path(), "--json"}));
  CHECK(json["tokenizer"]["size"].get<int>() > 256);
  CHECK(json["tensors"] == 0);
}

TEST_CASE("show says what the files say") {
  for (const std::string& model : {kDirectory, kGguf}) {
    const Json json = json_of(mang({"show", model, "--json", "-c", "128"}));
    CHECK(json["layers"].get<int>() > 0);
    CHECK(json["vocab"] == 320);
    CHECK(json["memory"]["context"] == 128);
    CHECK(json["memory"]["total"].get<uint64_t>() > json["memory"]["weights"].get<uint64_t>());
    CHECK(json["tokenizer"]["size"].get<int>() > 256);
    CHECK(json["templates"]["default"].get<std::string>() == read_file(kDirectory + "/chat_template.jinja"));
    const Ran page = mang({"show", model});
    CHECK(page.code == 0);
    for (const char* label : {"architecture", "parameters", "tokenizer", "chat template", "memory"})
      CHECK(has(page.out, label));
    CHECK(mang({"show", model, "--template"}).out == read_file(kDirectory + "/chat_template.jinja"));
  }
  CHECK(has(mang({"show", kGguf, "--metadata"}).out, "general.architecture"));
}

TEST_CASE("bench --ops holds each operation against the machine's limit") {
  const std::vector<std::string> common = {"bench", "-m", kGguf, "-p", "16", "-n", "0", "--ops", "-t", "1"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), common.begin(), common.end());
    return mang(more);
  };
  const Ran table = with({});
  CHECK(table.code == 0);
  for (const char* text : {"pp16", "attention", "between the operations", "of limit"}) {
    CHECK(table.out.find(text) != std::string::npos);
  }
  const Ran json = with({"--json"});
  CHECK(json.code == 0);
  const Json parsed = parse_json(json.out, "stdout").value();
  double operations = 0;
  for (const Json& op : parsed["operations"]) {
    CHECK(op["calls"] > 0);
    operations += op["seconds"].get<double>();
  }
  CHECK(operations > 0);
  CHECK(operations <= parsed["seconds"].get<double>());
  check_refused(with({"-o", "csv"}), 2, "CSV");
}

TEST_CASE("bench measures what it was asked, in each form") {
  const std::vector<std::string> common = {"bench", "-m",   kGguf, "-p", "16", "-n", "4",
                                           "-d",    "0,32", "-r",  "2",  "-t", "1,2"};
  auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = common;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return mang(arguments);
  };
  const Json json = json_of(with({"-o", "json", "--no-probe"}));
  REQUIRE(json.size() == 8);
  std::vector<std::string> names;
  for (const Json& row : json) {
    CHECK(row["tokens_per_second"].get<double>() > 0);
    CHECK(row["seconds"].size() == 2);
    names.push_back(row["test"]);
  }
  CHECK(names[0] == "pp16");
  CHECK(names[1] == "tg4");
  CHECK(names[2] == "pp16 @ d32");
  CHECK(json[0]["threads"] == 1);
  CHECK(json[7]["threads"] == 2);
  const Ran csv = with({"-o", "csv", "--no-probe"});
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 9);
  const Ran markdown = mang({"bench", kGguf, "-p", "16", "-n", "0", "-r", "1"});
  CHECK(has(markdown.out, "pp16"));
  CHECK(has(markdown.out, "GB/s"));
  check_refused(mang({"bench", kGguf, "-p", "100000", "-n", "0", "--no-probe"}), 1, "512");
  const Ran batches = mang({"bench", kGguf, "-p", "16", "-n", "0", "-r", "1", "-b", "4,8", "--no-probe"});
  CHECK(has(batches.out, "batch"));
  CHECK(std::count(batches.out.begin(), batches.out.end(), '\n') == 4);
  // What was measured before an error is kept, and the JSON is whole.
  const Ran partly = mang({"bench", kGguf, "-p", "16,100000", "-n", "0", "-r", "1", "--no-probe", "-o", "json"});
  CHECK(partly.code == 1);
  CHECK(parse_json(partly.out, "stdout").value().size() == 1);
}

TEST_CASE("bench in turns: a row for each line, with what it cost to load") {
  const std::vector<std::string> base = {"bench", kGguf, "-n", "0", "--no-probe", "-o", "jsonl"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return more;
  };
  const Ran ran = mang(with({"-p", "16", "-b", "8", "--beside", "3", "--turns"}), {.input = "go\ngo\n\n"});
  CHECK(ran.code == 0);
  REQUIRE(std::count(ran.out.begin(), ran.out.end(), '\n') == 3);
  const Json row = parse_json(ran.out.substr(0, ran.out.find('\n')), "row").value();
  CHECK(row["test"] == "pp16 beside tg x3");
  CHECK(row["beside"] == 3);
  CHECK(row["tokens"] == 16 + 3 * 4);  // five of the prompt a forward
  CHECK(row["seconds"].size() == 1);
  CHECK(row["load_seconds"].get<double>() > 0);
  CHECK(row["tokenizer_seconds"].get<double>() > 0);
  CHECK(row["resident_bytes"].get<double>() > 0);
  CHECK(row["peak_resident_bytes"].get<double>() >= row["resident_bytes"].get<double>());
  CHECK(mang(with({"-p", "16", "--turns"}), {.input = ""}).out.empty());
  check_refused(mang(with({"-p", "16,32", "--turns"})), 2, "--turns");
  check_refused(mang(with({"-p", "16", "--beside", "512"})), 1, "larger chunk");
}

TEST_CASE("perplexity of a text, as JSON and as a sentence") {
  TempDir dir;
  std::string text;
  for (int i = 0; i < 300; ++i) text += "When the bamboo is old, the shoots come up. ";
  const std::string file = dir.write("text.txt", text);
  const Json json = json_of(mang({"perplexity", kGguf, "-f", file, "-c", "128", "--json"}));
  CHECK(json["windows"].get<int>() > 5);
  CHECK(json["perplexity"].get<double>() > 1);
  const Json again = json_of(
      mang({"perplexity", kGguf, "-f", "-", "-c", "128", "--json", "--chunk", "7", "-t", "2"}, {.input = text}));
  CHECK(again["mean_nll"] == json["mean_nll"]);
  CHECK(has(mang({"perplexity", kGguf, "-f", file, "-c", "128"}).out, "perplexity "));
  check_refused(mang({"perplexity", kGguf, "-f", "-", "-c", "128"}, {.input = "short"}), 1, "tokens");
}

TEST_CASE("doctor measures the machine") {
  const Json json = json_of(mang({"doctor", "--json", "--threads", "1"}));
  CHECK(json["physical_cores"].get<int>() >= 1);
  CHECK(json["probe"]["threads"] == 1);
  CHECK(json["probe"]["int8_macs_per_second"].get<double>() > 0);
  CHECK(json["probe"]["f32_macs_per_second"].get<double>() > 0);
  CHECK(json["features"].contains("avx2"));
  CHECK(!json["isas"].empty());
  CHECK(has(mang({"doctor", "--threads", "1"}).out, "GMAC/s"));
}

}  // namespace
}  // namespace mang::test
