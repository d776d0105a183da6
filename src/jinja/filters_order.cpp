// Filters that compare items: sort, dictsort, groupby, min, max.
#include "jinja/attribute_path.h"
#include "jinja/bind.h"
#include "jinja/method_tables.h"

namespace mang::jinja {
namespace {

Result<Value> key_of(Runtime& rt, const AttributePath& path, const Value& item, bool case_sensitive,
                     const Value& fallback = Value::missing()) {
  MANG_TRY(Value key, path.get(rt, item, fallback));
  if (case_sensitive) return key;
  return ignore_case(rt, key);
}

// The attributes of a sort: "a,b" is two of them.
Result<std::vector<AttributePath>> sort_paths(const Value& attribute) {
  std::vector<AttributePath> paths;
  if (!attribute.is(Kind::string)) {
    MANG_TRY(auto path, AttributePath::parse(attribute));
    paths.push_back(std::move(path));
    return paths;
  }
  const auto text = attribute.str();
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    MANG_TRY(auto path, AttributePath::parse(Value::string(std::string(text.substr(start, end - start)))));
    paths.push_back(std::move(path));
    if (paths.size() > 100) return fail("a sort by more than 100 attributes is refused");
    start = end + 1;
  }
  return paths;
}

Result<Value> sort(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("sort", arguments, {"reverse", "case_sensitive", "attribute"}, 0));
  MANG_TRY(bool reverse, truth_or(rt, a[0], false));
  MANG_TRY(bool case_sensitive, truth_or(rt, a[1], false));
  MANG_TRY(auto paths, sort_paths(present(a[2]) ? a[2] : Value::none()));
  MANG_TRY(auto items, to_vector(rt, self));
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> parts;
    for (const auto& path : paths) {
      MANG_TRY(Value key, key_of(rt, path, item, case_sensitive));
      parts.push_back(std::move(key));
    }
    MANG_TRY(rt.step());
    keys.push_back(rt.list(std::move(parts)));
  }
  MANG_TRY(auto order, sorted_order(rt, keys, reverse));
  std::vector<Value> out;
  out.reserve(items.size());
  for (const size_t i : order) out.push_back(items[i]);
  return rt.list(std::move(out));
}

Result<Value> dict_sort(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("dictsort", arguments, {"case_sensitive", "by", "reverse"}, 0));
  MANG_TRY(bool case_sensitive, truth_or(rt, a[0], false));
  MANG_TRY(bool reverse, truth_or(rt, a[2], false));
  const std::string_view by = !given(a[1]) ? "key" : a[1].is(Kind::string) ? a[1].str() : "";
  if (by != "key" && by != "value") return fail("You can only sort by either \"key\" or \"value\"");
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (!self.is(Kind::dict)) return fail("'{}' object has no attribute 'items'", type_name(self));
  std::vector<Value> keys, pairs;
  for (const auto& [key, value] : self.dict().pairs) {
    MANG_TRY(rt.step());
    Value sort_key = by == "key" ? key : value;
    if (!case_sensitive) {
      MANG_TRY(sort_key, ignore_case(rt, sort_key));
    }
    keys.push_back(std::move(sort_key));
    pairs.push_back(rt.tuple({key, value}));
  }
  MANG_TRY(auto order, sorted_order(rt, keys, reverse));
  std::vector<Value> out;
  for (const size_t i : order) out.push_back(pairs[i]);
  return rt.list(std::move(out));
}

Result<Value> group_by(Runtime& rt, const Value& self, Arguments& arguments) {
  static constexpr std::string_view fields[] = {"grouper", "list"};
  MANG_TRY(auto a, bind<3>("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1));
  MANG_TRY(auto path, AttributePath::parse(a[0]));
  MANG_TRY(bool case_sensitive, truth_or(rt, a[2], false));
  MANG_TRY(auto items, to_vector(rt, self));
  std::vector<Value> keys;
  for (const Value& item : items) {
    MANG_TRY(rt.step());
    MANG_TRY(Value key, key_of(rt, path, item, case_sensitive, a[1]));
    keys.push_back(std::move(key));
  }
  MANG_TRY(auto order, sorted_order(rt, keys, false));
  std::vector<Value> groups;
  for (size_t i = 0; i < order.size();) {
    std::vector<Value> members;
    const Value& key = keys[order[i]];
    size_t end = i;
    for (; end < order.size(); ++end) {
      MANG_TRY(bool same, equal(rt, keys[order[end]], key));
      if (!same && end > i) break;
      members.push_back(items[order[end]]);
    }
    MANG_TRY(Value shown, path.get(rt, members[0], a[1]));
    Value group = rt.tuple({shown, rt.list(std::move(members))});
    static_cast<Sequence*>(group.object())->fields = fields;
    groups.push_back(std::move(group));
    i = end;
  }
  return rt.list(std::move(groups));
}

template <Order better>
Result<Value> extreme(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("min/max", arguments, {"case_sensitive", "attribute"}, 0));
  MANG_TRY(bool case_sensitive, truth_or(rt, a[0], false));
  MANG_TRY(auto path, AttributePath::parse(present(a[1]) ? a[1] : Value::none()));
  MANG_TRY(auto it, iterate(rt, self));
  MANG_TRY(auto best, it->next(rt));
  if (!best) return rt.undefined("No aggregated item, sequence was empty.");
  MANG_TRY(Value best_key, key_of(rt, path, *best, case_sensitive));
  while (true) {
    MANG_TRY(auto item, it->next(rt));
    if (!item) return *best;
    MANG_TRY(Value key, key_of(rt, path, *item, case_sensitive));
    MANG_TRY(bool wins, ordered(rt, key, best_key, better));
    if (!wins) continue;
    best = std::move(item);
    best_key = std::move(key);
  }
}

}  // namespace

std::span<const FilterEntry> order_filter_table() {
  static constexpr FilterEntry table[] = {
      {"dictsort", dict_sort},     {"groupby", group_by}, {"max", extreme<Order::gt>},
      {"min", extreme<Order::lt>}, {"sort", sort},
  };
  return table;
}

}  // namespace mang::jinja
