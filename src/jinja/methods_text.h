// The methods of str; split over methods_text.cpp (case, tests, padding), methods_split.cpp (search, split, replace).
#pragma once

#include "jinja/bind.h"

namespace mang::jinja::text_methods {

Result<Value> count(Runtime&, const Value&, Arguments&);
Result<Value> ends_with(Runtime&, const Value&, Arguments&);
Result<Value> find(Runtime&, const Value&, Arguments&);
Result<Value> index(Runtime&, const Value&, Arguments&);
Result<Value> join(Runtime&, const Value&, Arguments&);
Result<Value> partition(Runtime&, const Value&, Arguments&);
Result<Value> replace(Runtime&, const Value&, Arguments&);
Result<Value> rfind(Runtime&, const Value&, Arguments&);
Result<Value> rindex(Runtime&, const Value&, Arguments&);
Result<Value> rpartition(Runtime&, const Value&, Arguments&);
Result<Value> rsplit(Runtime&, const Value&, Arguments&);
Result<Value> split(Runtime&, const Value&, Arguments&);
Result<Value> split_lines(Runtime&, const Value&, Arguments&);
Result<Value> starts_with(Runtime&, const Value&, Arguments&);

Result<Value> strip(Runtime&, const Value&, Arguments&);
Result<Value> lstrip(Runtime&, const Value&, Arguments&);
Result<Value> rstrip(Runtime&, const Value&, Arguments&);

// Text with `old` replaced, at most `limit` times (negative: all).
Result<std::string> replace_text(Runtime& rt, std::string_view text, std::string_view old, std::string_view by,
                                 int64_t limit);
// str.strip(chars) on one or both sides; nullopt: whitespace.
std::string_view strip_text(std::string_view text, std::optional<std::string_view> chars, bool left, bool right);
// str.splitlines().
std::vector<std::string_view> lines_of(std::string_view text, bool keep_ends);
// str.split() on whitespace.
std::vector<std::string_view> words_of(std::string_view text);
// str.center.
Result<Value> centered(Runtime& rt, const Value& text, int64_t width, std::string_view fill);

}  // namespace mang::jinja::text_methods
