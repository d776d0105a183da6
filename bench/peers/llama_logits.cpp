// Logits of llama.cpp for given token ids, as a NumPy file: what tools/compare_logits.py --logits compares.
// Built against an installed or built llama.cpp, never as part of this project:
//   g++ -O2 -std=c++17 -I LLAMA/include -I LLAMA/ggml/include llama_logits.cpp -L BUILD/bin -lllama -lggml -lggml-base
// usage: llama_logits MODEL.gguf IDS.json OUT.npy [THREADS] [f16|f32 KV] [BATCH]
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "llama.h"

namespace {

// A flat JSON array of non-negative integers.
std::vector<llama_token> read_ids(const char* path) {
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<llama_token> ids;
  for (size_t i = 0; i < text.size();) {
    if (!std::isdigit(static_cast<unsigned char>(text[i]))) {
      ++i;
      continue;
    }
    char* end = nullptr;
    ids.push_back(static_cast<llama_token>(std::strtol(text.c_str() + i, &end, 10)));
    i = static_cast<size_t>(end - text.c_str());
  }
  return ids;
}

// NumPy format 1.0: magic, version, header length, header padded to 64 bytes.
void write_header(std::FILE* out, size_t rows, size_t columns) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(columns) + "), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  const unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<unsigned char>(header.size() & 255),
                                   static_cast<unsigned char>(header.size() >> 8)};
  std::fwrite(start, 1, sizeof start, out);
  std::fwrite(header.data(), 1, header.size(), out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s MODEL.gguf IDS.json OUT.npy [THREADS] [f16|f32] [BATCH]\n", argv[0]);
    return 2;
  }
  const int threads = argc > 4 ? std::atoi(argv[4]) : 2;
  const bool f32 = argc > 5 && std::strcmp(argv[5], "f32") == 0;
  const int batch_size = argc > 6 ? std::atoi(argv[6]) : 512;
  std::vector<llama_token> ids = read_ids(argv[2]);
  llama_log_set([](ggml_log_level level, const char* text, void*) {
    if (level >= GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
  }, nullptr);
  llama_backend_init();
  llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (model == nullptr || ids.empty()) return 1;
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<uint32_t>(ids.size());
  params.n_batch = params.n_ubatch = static_cast<uint32_t>(batch_size);
  params.n_threads = params.n_threads_batch = threads;
  params.type_k = params.type_v = f32 ? GGML_TYPE_F32 : GGML_TYPE_F16;
  llama_context* context = llama_init_from_model(model, params);
  std::FILE* out = std::fopen(argv[3], "wb");
  if (context == nullptr || out == nullptr) return 1;
  const size_t vocab = static_cast<size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model)));
  write_header(out, ids.size(), vocab);
  for (size_t first = 0; first < ids.size(); first += static_cast<size_t>(batch_size)) {
    const size_t count = std::min(static_cast<size_t>(batch_size), ids.size() - first);
    llama_batch batch = llama_batch_init(static_cast<int32_t>(count), 0, 1);
    batch.n_tokens = static_cast<int32_t>(count);
    for (size_t i = 0; i < count; ++i) {
      batch.token[i] = ids[first + i];
      batch.pos[i] = static_cast<llama_pos>(first + i);
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = 0;
      batch.logits[i] = 1;
    }
    if (llama_decode(context, batch) != 0) return 1;
    for (size_t i = 0; i < count; ++i)
      std::fwrite(llama_get_logits_ith(context, static_cast<int32_t>(i)), sizeof(float), vocab, out);
    llama_batch_free(batch);
  }
  const bool written = std::fclose(out) == 0;
  llama_free(context);
  llama_model_free(model);
  return written ? 0 : 1;
}
