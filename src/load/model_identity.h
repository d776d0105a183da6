// What a model is, by content: digests of its files, of its tokenizer and of its chat template, for receipts.
//
// Weights are known by their files, whole: the digest is the one publishers name and anyone's sha256sum gives, and it
// does not depend on how a program lays the numbers out. What else such a file holds (its metadata) is part of it too,
// so that a file whose description was edited is another model here, even with the same numbers.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "load/load_model.h"
#include "load/model_files.h"

namespace mang {

// The files that hold the weights and say what they mean: a GGUF file's parts in order; of a directory config.json,
// then the safetensors files by name.
Result<std::vector<std::string>> weight_files(const ModelFiles& files);

// SHA-256 of what the tokenizer, the ids that end an answer and the special tokens of templates are read from. Strings
// and counts are preceded by their length, in 8 bytes, the lowest first.
//   GGUF:        each key that begins with "tokenizer.ggml.", in file order: the key, its type and its element type (4
//   bytes
//                each, as in the file), its count, its payload as stored
//   directory:   each of tokenizer.json, tokenizer_config.json, special_tokens_map.json and generation_config.json that
//   is
//                there: its name, its bytes
Result<std::string> tokenizer_digest(const ModelFiles& files);

// The template for a request with or without tools: with them the one named "tool_use" where the model has it; else
// "default"; else the first. nullptr: the model has none.
const NamedTemplate* choose_template(const std::vector<NamedTemplate>& templates, bool with_tools);

// SHA-256 of a template's text.
std::string template_digest(const NamedTemplate& chat_template);

}  // namespace mang
