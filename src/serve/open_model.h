// A model in memory, ready to answer: what the server needs of it, whoever put it there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/engine.h"
#include "load/load_model.h"
#include "text/tokenizer.h"

namespace mang::serve {

struct OpenModel {
  std::string name;  // as clients call it
  Engine* engine = nullptr;
  const Tokenizer* tokenizer = nullptr;
  const ModelText* text = nullptr;
  const ModelDescription* description = nullptr;
  SamplingParams defaults;      // the publisher's, as far as nobody asks for something else
  int64_t created = 0;          // seconds since 1970: of the file
  std::shared_ptr<void> owner;  // of all of the above
};

// Puts the model of this name into memory; takes seconds.
using ModelOpener = std::function<Result<OpenModel>(const std::string& name)>;

}  // namespace mang::serve
