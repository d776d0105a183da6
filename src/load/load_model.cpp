#include "load/load_model.h"

#include <fmt/format.h>

#include <string>
#include <unordered_set>

#include "load/model_files.h"

namespace mang {
namespace {

// A token the embedding has no row for can be read but never looked up. Published models have control tokens like that
// (Gemma 3's image token in its text models): a warning. Ordinary tokens mean the wrong tokenizer.
Result<void> check_vocabulary(const std::string& path, const TokenizerSpec& spec, int64_t rows, const Log& log) {
  std::unordered_set<int32_t> added;
  std::string beyond;
  for (const AddedToken& token : spec.added_tokens) {
    added.insert(token.id);
    if (token.id >= rows) beyond += fmt::format("{}'{}'", beyond.empty() ? "" : ", ", token.content);
  }
  for (const TokenizerSpec::Token& token : spec.vocabulary) {
    if (token.id >= rows && !added.contains(token.id)) {
      return fail("{}: the tokenizer has a token {}, but the embedding has {} rows. They do not belong together.", path,
                  token.id, rows);
    }
  }
  if (!beyond.empty()) {
    log_warning(log, fail("{}: the model has no embedding for {}; text with it is refused.", path, beyond));
  }
  return {};
}

}  // namespace

Result<LoadedModel> load_model(const std::string& path, const Device& device, const Log& log) {
  MANG_TRY(const ModelFiles files, ModelFiles::open(path, log));
  LoadedModel out;
  MANG_TRY(out.description, describe_model(files));
  if (out.description.info) {  // the small part first: a bad tokenizer is known before gigabytes are read
    MANG_TRY(out.text, load_text(files));
    MANG_TRY(check_vocabulary(path, out.text.tokenizer, out.description.info->vocab, log));
  }
  MANG_TRY(out.model, load_weights(files, device, log));
  out.description.info = out.model->info();
  return out;
}

}  // namespace mang
