// What is no chat: /health, /ready, /tokenize, /detokenize, /apply-template, as llama.cpp's server has them.
#pragma once

#include "serve/router.h"
#include "serve/service.h"

namespace mang::serve {

void add_extras(Router& router, Service& service);

}  // namespace mang::serve
