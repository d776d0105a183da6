// One case of the comparison, done by llama.cpp or ik_llama.cpp through their C interface, so that nothing but their
// library is timed. Built by install.py against either one (-DPEER_IK for the second), never as part of this project.
//
// usage: llama_driver --model FILE [--prompt N] [--generate N] [--depth N] [--sequences N] [--beside N] [--chunk N]
//                     [--threads N] [--flash 0|1] [--unified 0|1] [--repack 0|1] [--no-warmup]
//
// The same work as `mang bench --turns -o jsonl` does for these numbers: a repetition, and a line of JSON, for each
// line of standard input. Synthetic tokens, logits of the last token of a prompt and of each written one; nothing is
// sampled.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "llama.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "llama_driver: %s\n", why.c_str());
  std::exit(1);
}

struct Case {
  std::string model;
  int prompt = 0, generate = 0, depth = 0, sequences = 1, beside = 0, chunk = 512, threads = 1;
  bool flash = true, unified = false, repack = false, warm_up = true;
};

Case parse(int argc, char** argv) {
  Case out;
  std::map<std::string, int*> numbers = {{"--prompt", &out.prompt},  {"--generate", &out.generate},
                                         {"--depth", &out.depth},    {"--sequences", &out.sequences},
                                         {"--beside", &out.beside},  {"--chunk", &out.chunk},
                                         {"--threads", &out.threads}};
  std::map<std::string, bool*> switches = {
      {"--flash", &out.flash}, {"--unified", &out.unified}, {"--repack", &out.repack}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--no-warmup") {
      out.warm_up = false;
      continue;
    }
    if (i + 1 == argc) die(name + " wants a value");
    const char* value = argv[++i];
    if (name == "--model") {
      out.model = value;
    } else if (numbers.count(name) != 0) {
      *numbers[name] = std::atoi(value);
    } else if (switches.count(name) != 0) {
      *switches[name] = std::atoi(value) != 0;
    } else {
      die("unknown option " + name);
    }
  }
  if (out.model.empty() || out.prompt + out.generate < 1 || out.chunk <= out.beside || out.sequences < 1)
    die("nothing to measure");
  return out;
}

// VmRSS or VmHWM of this process, in bytes.
uint64_t memory(const char* what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(what, 0) == 0) return std::strtoull(line.c_str() + std::strlen(what) + 1, nullptr, 10) * 1024;
  }
  return 0;
}

// The few calls that differ between the two libraries.
#ifdef PEER_IK
int vocabulary(const llama_model* model) { return llama_n_vocab(model); }
void forget_from(llama_context* context, int sequence, int position) {
  llama_kv_cache_seq_rm(context, sequence, position, -1);
}
llama_model_params model_params(const Case& test) {
  llama_model_params params = llama_model_default_params();
  params.repack_tensors = test.repack;  // -rtr: weights interleaved for its kernels while they are loaded
  params.use_mmap = !test.repack;       // as its own tools do: repacked weights cannot stay a map of the file
  params.flash_attn = test.flash;
  return params;
}
void set_own(llama_context_params& params, const Case& test) {
  params.flash_attn = test.flash;
  params.fused_moe_up_gate = params.fused_up_gate = params.fused_mmad = true;
}
std::string version() { return "ik_llama.cpp"; }
#else
int vocabulary(const llama_model* model) { return llama_vocab_n_tokens(llama_model_get_vocab(model)); }
void forget_from(llama_context* context, int sequence, int position) {
  llama_memory_seq_rm(llama_get_memory(context), sequence, position, -1);
}
llama_model_params model_params(const Case& test) {
  llama_model_params params = llama_model_default_params();
  params.use_extra_bufts = test.repack;  // weights interleaved for its kernels, where it has some
  return params;
}
void set_own(llama_context_params& params, const Case& test) {
  params.flash_attn_type = test.flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.kv_unified = test.unified;
}
std::string version() { return std::string("llama.cpp ") + llama_version(); }
#endif

class Driver {
 public:
  explicit Driver(const Case& test) : test_(test) {
    const Clock::time_point start = Clock::now();
    llama_backend_init();
    model_ = llama_model_load_from_file(test.model.c_str(), model_params(test));
    if (model_ == nullptr) die("the model could not be loaded");
    const int sequences = test.sequences + test.beside;
    // Where each sequence has its own part of the cache, all parts are as large as the largest.
    const int own = test.depth + test.prompt + test.generate, beside = test.depth + prompt_steps();
    const int positions = test.unified ? test.sequences * own + test.beside * beside
                                       : sequences * std::max(own, test.beside > 0 ? beside : 0);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<uint32_t>(positions);
    params.n_batch = params.n_ubatch = static_cast<uint32_t>(std::max(test.chunk, sequences));
    params.n_seq_max = static_cast<uint32_t>(sequences);
    params.n_threads = params.n_threads_batch = test.threads;
    params.type_k = params.type_v = GGML_TYPE_F16;
    set_own(params, test);
    context_ = llama_init_from_model(model_, params);
    if (context_ == nullptr) die("no context could be made for " + std::to_string(positions) + " positions");
    batch_ = llama_batch_init(static_cast<int32_t>(params.n_batch), 0, 1);
    vocabulary_ = vocabulary(model_);
    load_seconds_ = seconds_since(start);
  }

  // One sequence after another: ik_llama.cpp's flash attention gives up on a prompt of several.
  void fill_depth() {
    for (int s = 0; s < test_.sequences + test_.beside; ++s) read(0, test_.depth, s, s + 1, 0);
  }

  double repeat() {
    for (int s = 0; s < test_.sequences + test_.beside; ++s) forget_from(context_, s, test_.depth);
    const Clock::time_point start = Clock::now();
    read(test_.depth, test_.depth + test_.prompt, 0, test_.sequences, test_.beside);
    for (int i = 0; i < test_.generate; ++i) {
      for (int s = 0; s < test_.sequences; ++s) add(s, test_.depth + test_.prompt + i, true);
      forward();
    }
    return seconds_since(start);
  }

  int tokens() const { return test_.sequences * (test_.prompt + test_.generate) + test_.beside * prompt_steps(); }
  double load_seconds() const { return load_seconds_; }

 private:
  int prompt_steps() const {
    const int room = test_.chunk - test_.beside;
    return test_.beside == 0 ? 0 : (test_.sequences * test_.prompt + room - 1) / room;
  }

  // Prompts: `chunk` tokens a forward, filled from one sequence after another, behind the tokens written beside them.
  void read(int begin, int end, int first, int last, int beside) {
    if (begin == end) return;
    int step = 0;
    int room = start_step(beside, step);
    for (int s = first; s < last; ++s) {
      for (int at = begin; at < end; ++at, --room) {
        if (room == 0) {
          forward();
          room = start_step(beside, ++step);
        }
        add(s, at, at + 1 == end);
      }
    }
    forward();
  }

  int start_step(int beside, int step) {
    for (int s = 0; s < beside; ++s) add(test_.sequences + s, test_.depth + step, true);
    return test_.chunk - beside;
  }

  void add(int sequence, int position, bool logits) {
    const int i = batch_.n_tokens++;
    const uint64_t place = static_cast<uint64_t>(sequence) << 32 | static_cast<uint64_t>(position);
    const uint64_t mixed = place * 0x9E3779B97F4A7C15u;
    batch_.token[i] = static_cast<llama_token>((mixed >> 33) % static_cast<uint64_t>(vocabulary_));
    batch_.pos[i] = position;
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = logits ? 1 : 0;
    if (logits) last_logits_ = i;
  }

  void forward() {
    if (const int failed = llama_decode(context_, batch_); failed != 0)
      die("llama_decode says " + std::to_string(failed));
    llama_synchronize(context_);
    if (last_logits_ >= 0 && llama_get_logits_ith(context_, last_logits_) == nullptr) die("no logits came");
    last_logits_ = -1;
    batch_.n_tokens = 0;
  }

  const Case test_;
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  llama_batch batch_{};
  int last_logits_ = -1;  // of the batch that is being put together; -1: it wants none
  int vocabulary_ = 1;
  double load_seconds_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const Case test = parse(argc, argv);
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  Driver driver(test);
  driver.fill_depth();
  if (test.warm_up) driver.repeat();
  for (std::string line; std::getline(std::cin, line);) {
    const double seconds = driver.repeat();
    std::printf(
        "{\"seconds\":[%.9f],\"tokens\":%d,\"load_seconds\":%.6f,\"resident_bytes\":%llu,"
        "\"peak_resident_bytes\":%llu,\"version\":\"%s\"}\n",
        seconds, driver.tokens(), driver.load_seconds(), static_cast<unsigned long long>(memory("VmRSS:")),
        static_cast<unsigned long long>(memory("VmHWM:")), version().c_str());
    std::fflush(stdout);
  }
  std::fflush(stdout);
  _exit(0);  // the libraries' own tear-down proves nothing here
}
