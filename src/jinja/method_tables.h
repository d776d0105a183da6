// Tables of built-in functions by name, each sorted; find_entry looks one up.
#pragma once

#include <algorithm>
#include <span>

#include "jinja/filters.h"

namespace mang::jinja {

std::span<const FilterEntry> text_method_table();
std::span<const FilterEntry> text_filter_table();      // filters_text.cpp
std::span<const FilterEntry> markup_filter_table();    // filters_markup.cpp
std::span<const FilterEntry> number_filter_table();    // filters_number.cpp
std::span<const FilterEntry> sequence_filter_table();  // filters_sequence.cpp
std::span<const FilterEntry> order_filter_table();     // filters_order.cpp

inline const FilterEntry* find_entry(std::span<const FilterEntry> table, std::string_view name) {
  const auto at = std::lower_bound(table.begin(), table.end(), name,
                                   [](const FilterEntry& entry, std::string_view n) { return entry.name < n; });
  return at != table.end() && at->name == name ? &*at : nullptr;
}

}  // namespace mang::jinja
