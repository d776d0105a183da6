// A driver for tools/compare_tokenizers.py: a vocabulary, and lines of JSON on stdin, answered line by line.
//   tokenize_lines FILE [--special] [--add-special]   each line a string → an array of ids
//   tokenize_lines FILE --decode [--skip-special]     each line an array of ids → a string
//   tokenize_lines FILE --stream                      the same through the streaming detokenizer
//   tokenize_lines FILE --time N                      all lines encoded N times; processor seconds and tokens of each round
// FILE is tokenizer.json or a GGUF file.
#include <fmt/format.h>

#include <ctime>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/mapped_file.h"
#include "format/gguf.h"
#include "load/tokenizer_from_gguf.h"
#include "load/tokenizer_from_json.h"
#include "text/tokenizer.h"

namespace mang {
namespace {

Result<Tokenizer> open_tokenizer(const std::string& path) {
  if (path.size() > 5 && path.substr(path.size() - 5) == ".json") {
    MANG_TRY(std::string json, read_text_file(path, size_t{1} << 30));
    MANG_TRY(TokenizerSpec spec, tokenizer_from_json(json, "", path));
    return Tokenizer::build(std::move(spec));
  }
  MANG_TRY(GgufFile file, GgufFile::open(path));
  MANG_TRY(TokenizerSpec spec, tokenizer_from_gguf(file.metadata()));
  return Tokenizer::build(std::move(spec));
}

std::string stream_all(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, bool skip_special) {
  Detokenizer stream(tokenizer, skip_special);
  std::string out;
  for (int32_t id : ids) out += stream.feed(id);
  return out + stream.finish();
}

// Processor time of this thread: what other programs on the machine disturb least.
double seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void time_rounds(const Tokenizer& tokenizer, const std::vector<std::string>& texts, int rounds, EncodeOptions options) {
  for (int round = 0; round < rounds; ++round) {
    const double begin = seconds();
    size_t tokens = 0;
    for (const auto& text : texts) tokens += tokenizer.encode(text, options).size();
    fmt::print("[{:.6f}, {}]\n", seconds() - begin, tokens);
  }
}

int run(const std::vector<std::string>& arguments) {
  std::set<std::string> flags(arguments.begin() + 1, arguments.end());
  const double begin = seconds();
  auto tokenizer = open_tokenizer(arguments[0]);
  if (!tokenizer) {
    fmt::print(stderr, "{}\n", tokenizer.error().message);
    return 1;
  }
  if (flags.count("--load-time") != 0) fmt::print("{:.6f}\n", seconds() - begin);
  const EncodeOptions options{flags.count("--special") != 0, flags.count("--add-special") != 0};
  const bool skip_special = flags.count("--skip-special") != 0;
  std::vector<std::string> texts;
  std::string line;
  while (std::getline(std::cin, line)) {
    auto json = parse_json(line, "stdin");
    if (!json) {
      fmt::print(stderr, "{}\n", json.error().message);
      return 1;
    }
    if (flags.count("--time") != 0) {
      texts.push_back(json->get<std::string>());
    } else if (flags.count("--decode") != 0) {
      fmt::print("{}\n", dump_json(tokenizer->decode(json->get<std::vector<int32_t>>(), skip_special)));
    } else if (flags.count("--stream") != 0) {
      fmt::print("{}\n", dump_json(stream_all(*tokenizer, json->get<std::vector<int32_t>>(), skip_special)));
    } else {
      fmt::print("[{}]\n", fmt::join(tokenizer->encode(json->get<std::string>(), options), ","));
    }
  }
  if (flags.count("--time") != 0) time_rounds(*tokenizer, texts, std::stoi(arguments.back()), options);
  return 0;
}

}  // namespace
}  // namespace mang

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: tokenize_lines FILE [--special] [--add-special] [--decode] [--stream] [--time N]\n");
    return 2;
  }
  return mang::run(std::vector<std::string>(argv + 1, argv + argc));
}
