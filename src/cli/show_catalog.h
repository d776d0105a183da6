// The page about a catalog model that is not on this machine, and how a predicted speed is said.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cli/page.h"
#include "engine/speed_estimate.h"
#include "hub/catalog.h"

namespace mang::cli {

struct Context;

// "writes about 19 tokens a second (15–24), 15 words; reads about 210 (160–290)".
std::string describe_speed(const SpeedEstimate& speed, const std::string& language);
Json speed_json(const SpeedEstimate& speed, const std::string& language);

// Facts and predictions from the catalog alone: nothing is fetched.
Result<void> show_catalog_model(const CatalogName& name, Page& page, const Context& context);
Result<Json> catalog_model_json(const CatalogName& name, const Context& context);

}  // namespace mang::cli
