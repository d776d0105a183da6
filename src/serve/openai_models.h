// GET /v1/models and GET /v1/models/NAME.
#pragma once

#include "serve/router.h"
#include "serve/service.h"

namespace mang::serve {

void add_openai_models(Router& router, Service& service);

}  // namespace mang::serve
