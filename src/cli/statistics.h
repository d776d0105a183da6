// What is to be known about an answer: tokens, speed, memory, what was known before, energy and cost.
#pragma once

#include <string>

#include "cli/answer.h"
#include "cli/context.h"
#include "cli/energy_words.h"

namespace mang::cli {

// Labelled rows for `width` columns, lines ended.
std::string statistics_page(const AnswerRecord& record, const Answerer& answerer, const EnergyPrice& price,
                            const Settings& settings, size_t width);
// The answer itself and the same facts. `model`: as the user named it.
Json statistics_json(const AnswerRecord& record, const Answerer& answerer, const EnergyPrice& price,
                     const Settings& settings, const std::string& model);

}  // namespace mang::cli
