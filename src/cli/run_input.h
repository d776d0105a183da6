// What `mang run` was asked: which model, and which prompt, from positionals, options and standard input.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/catalog.h"

namespace mang::cli {

struct RunInput {
  std::optional<std::string> model;   // nullopt: the default
  std::optional<std::string> prompt;  // nullopt: none was given
};

// The rules: -m and -p are what they say. Of positionals, two are the model and the prompt; one is the model if it is
// an existing path, a known name, or looks like one (model_ref.h), else the prompt. Errors are mistakes in usage.
Result<RunInput> interpret_run(const std::vector<std::string>& positionals, const std::optional<std::string>& model,
                               const std::optional<std::string>& prompt, const Catalog& catalog);

// Piped text and a prompt become one: the piped text first, then the question about it. raw: their bytes, nothing
// between them and nothing taken off.
std::string join_prompt(const std::optional<std::string>& prompt, const std::string& piped, bool raw);

}  // namespace mang::cli
