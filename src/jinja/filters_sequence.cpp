// Filters on sequences that keep their order: list, first, map, select, batch, …
#include <memory>

#include "jinja/attribute_path.h"
#include "jinja/bind.h"
#include "jinja/method_tables.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

using Item = std::optional<Value>;

Value generator(Runtime& rt, Generator::Next next) { return Runtime::opaque(rt.make<Generator>(std::move(next))); }

Result<Value> to_list(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("list", arguments));
  MANG_TRY(auto items, to_vector(rt, self));
  return rt.list(std::move(items));
}

Result<Value> length(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("length", arguments));
  MANG_TRY(int64_t n, length_of(rt, self));
  return Value::integer(n);
}

Result<Value> first(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("first", arguments));
  MANG_TRY(auto it, iterate(rt, self));
  MANG_TRY(auto item, it->next(rt));
  return item ? *item : rt.undefined("No first item, sequence was empty.");
}

// Values that Python's reversed() takes, back to front; nullopt: others.
Result<std::optional<std::vector<Value>>> reversed(Runtime& rt, const Value& value) {
  bool ok = value.is(Kind::string) || value.is_sequence() || value.is(Kind::dict) || value.is(Kind::undefined);
  if (value.is(Kind::opaque)) {
    ok = dynamic_cast<const Range*>(&value.opaque()) || dynamic_cast<const DictView*>(&value.opaque());
  }
  if (!ok) return std::optional<std::vector<Value>>();
  MANG_TRY(auto items, to_vector(rt, value));
  std::reverse(items.begin(), items.end());
  return std::optional<std::vector<Value>>(std::move(items));
}

Result<Value> last(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("last", arguments));
  if (self.is_sequence() && !self.items().empty()) return self.items().back();
  MANG_TRY(auto items, reversed(rt, self));
  if (!items) return fail("'{}' object is not reversible", type_name(self));
  return items->empty() ? rt.undefined("No last item, sequence was empty.") : items->front();
}

Result<Value> reverse(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("reverse", arguments));
  if (self.is(Kind::string)) {
    MANG_TRY(rt.work(self.str().size()));
    std::string out;
    for (size_t at = self.str().size(); at > 0;) {
      const size_t start = unicode::previous(self.str(), at);
      out.append(self.str().substr(start, at - start));
      at = start;
    }
    return rt.string(std::move(out), self.text().safe);
  }
  MANG_TRY(auto items, reversed(rt, self));
  if (!items) {
    if (!is_iterable(self)) return fail("argument must be iterable");
    MANG_TRY(auto all, to_vector(rt, self));
    std::reverse(all.begin(), all.end());
    return rt.list(std::move(all));
  }
  MANG_TRY(auto it, iterate(rt, rt.list(*std::move(items))));
  return Runtime::opaque(it);
}

Result<Value> random(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("random", arguments));
  MANG_TRY(int64_t n, length_of(rt, self));
  if (n == 0) return rt.undefined("No random item, sequence was empty.");
  // The same prompt twice must be the same: the sequence of choices is fixed.
  rt.random_state = rt.random_state * 6364136223846793005ULL + 1442695040888963407ULL;
  const auto index = static_cast<int64_t>((rt.random_state >> 33) % static_cast<uint64_t>(n));
  if (self.is(Kind::dict)) return fail("random wants a sequence, not dict");
  return get_item(rt, self, Value::integer(index));
}

Result<Value> items(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("items", arguments));
  if (self.is(Kind::undefined)) return generator(rt, [](Runtime&) -> Result<Item> { return Item(); });
  const Value value = self;
  Ref<Iterator> it;
  return generator(rt, [value, it](Runtime& r) mutable -> Result<Item> {
    if (!it) {
      if (!value.is(Kind::dict)) return fail("Can only get item pairs from a mapping.");
      const Ref<Dict> dict(const_cast<Dict*>(&value.dict()));
      MANG_TRY(it, iterate(r, Runtime::opaque(r.make<DictView>(dict, DictView::Part::items))));
    }
    return it->next(r);
  });
}

// What map and select do to each item, made when the first item is asked for.
struct Mapper {
  AttributePath path;
  Value fallback = Value::missing();
  const FilterEntry* builtin = nullptr;
  Arguments arguments;
  bool invert = false;
};

// One item through a filter or test with the extra arguments.
Result<Value> apply(Runtime& rt, const Mapper& mapper, const Value& item) {
  MANG_TRY(rt.step());
  Arguments arguments = mapper.arguments;
  return mapper.builtin->function(rt, item, arguments);
}

Result<Mapper> prepare_map(Arguments& arguments) {
  Mapper mapper;
  if (arguments.positional.empty() && arguments.find("attribute")) {
    for (auto& [name, value] : arguments.named) {
      if (name == "attribute") {
        MANG_TRY(mapper.path, AttributePath::parse(value));
      } else if (name == "default") {
        mapper.fallback = value;
      } else {
        return fail("Unexpected keyword argument '{}'", name);
      }
    }
    return mapper;
  }
  if (arguments.positional.empty()) return fail("map requires a filter argument");
  const Value name = arguments.positional[0];
  if (name.is(Kind::string)) mapper.builtin = find_filter(name.str());
  if (!mapper.builtin) {
    return fail("No filter named '{}'.", name.is(Kind::string) ? name.str() : type_name(name));
  }
  mapper.arguments = std::move(arguments);
  mapper.arguments.positional.erase(mapper.arguments.positional.begin());
  return mapper;
}

Result<Value> map(Runtime& rt, const Value& self, Arguments& arguments) {
  const Value value = self;
  auto state = std::make_shared<Mapper>();
  Arguments given = std::move(arguments);
  Ref<Iterator> it;
  bool started = false;
  return generator(rt, [value, state, given, it, started](Runtime& r) mutable -> Result<Item> {
    if (!started) {
      started = true;
      MANG_TRY(bool any, truth(r, value));
      if (!any) return Item();
      MANG_TRY(*state, prepare_map(given));
      MANG_TRY(it, iterate(r, value));
    }
    if (!it) return Item();
    MANG_TRY(auto item, it->next(r));
    if (!item) return item;
    MANG_TRY(Value out, state->builtin ? apply(r, *state, *item) : state->path.get(r, *item, state->fallback));
    return Item(std::move(out));
  });
}

Result<Mapper> prepare_select(Arguments& arguments, bool by_attribute, bool invert) {
  Mapper mapper;
  mapper.invert = invert;
  size_t at = 0;
  if (by_attribute) {
    if (arguments.positional.empty()) return fail("Missing parameter for attribute name");
    MANG_TRY(mapper.path, AttributePath::parse(arguments.positional[at++]));
  }
  if (at >= arguments.positional.size()) return mapper;  // bool(item)
  const Value& name = arguments.positional[at++];
  if (name.is(Kind::string)) mapper.builtin = find_test(name.str());
  if (!mapper.builtin) return fail("No test named '{}'.", name.is(Kind::string) ? name.str() : type_name(name));
  mapper.arguments.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(at),
                                     arguments.positional.end());
  mapper.arguments.named = std::move(arguments.named);
  return mapper;
}

Result<bool> selects(Runtime& rt, const Mapper& mapper, const Value& item) {
  MANG_TRY(Value value, mapper.path.get(rt, item));
  if (mapper.builtin) {
    MANG_TRY(value, apply(rt, mapper, value));
  }
  MANG_TRY(bool yes, truth(rt, value));
  return yes != mapper.invert;
}

template <bool by_attribute, bool invert>
Result<Value> select(Runtime& rt, const Value& self, Arguments& arguments) {
  const Value value = self;
  auto state = std::make_shared<Mapper>();
  Arguments given = std::move(arguments);
  Ref<Iterator> it;
  bool started = false;
  return generator(rt, [value, state, given, it, started](Runtime& r) mutable -> Result<Item> {
    if (!started) {
      started = true;
      MANG_TRY(bool any, truth(r, value));
      if (!any) return Item();
      MANG_TRY(*state, prepare_select(given, by_attribute, invert));
      MANG_TRY(it, iterate(r, value));
    }
    if (!it) return Item();
    while (true) {
      MANG_TRY(auto item, it->next(r));
      if (!item) return item;
      MANG_TRY(r.step());
      MANG_TRY(bool kept, selects(r, *state, *item));
      if (kept) return item;
    }
  });
}

Result<Value> batch(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("batch", arguments, {"linecount", "fill_with"}, 1));
  const Value value = self, fill = given(a[1]) ? a[1] : Value::none();
  Value line_count = a[0];
  Ref<Iterator> it;
  std::optional<Value> ahead;
  bool started = false;
  return generator(rt, [value, line_count, fill, it, ahead, started](Runtime& r) mutable -> Result<Item> {
    if (!started) {
      started = true;
      MANG_TRY(it, iterate(r, value));
      MANG_TRY(ahead, it->next(r));
    }
    if (!ahead) return Item();
    std::vector<Value> line;
    while (ahead) {
      const auto size = Value::integer(static_cast<int64_t>(line.size()));
      MANG_TRY(bool full, equal(r, size, line_count));
      if (full && !line.empty()) return Item(r.list(std::move(line)));
      if (full) {  // a line count of 0: an empty line before the first item, as jinja2 gives
        line_count = Value::integer(-1);
        return Item(r.list({}));
      }
      MANG_TRY(r.work_items(1));
      line.push_back(*std::move(ahead));
      MANG_TRY(ahead, it->next(r));
    }
    if (!fill.is(Kind::none)) {
      MANG_TRY(int64_t wanted, to_index(line_count, "linecount"));
      if (wanted > kMaxPadding) return fail("a batch of more than {} items is refused", kMaxPadding);
      if (wanted > 0) MANG_TRY(r.work_items(static_cast<size_t>(wanted)));
      while (static_cast<int64_t>(line.size()) < wanted) line.push_back(fill);
    }
    return Item(r.list(std::move(line)));
  });
}

Result<Value> slices(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("slice", arguments, {"slices", "fill_with"}, 1));
  const Value value = self, count_value = a[0], fill = given(a[1]) ? a[1] : Value::none();
  auto all = std::make_shared<std::vector<Value>>();
  int64_t number = -1, count = 0, offset = 0;
  return generator(rt, [=](Runtime& r) mutable -> Result<Item> {
    if (number < 0) {
      number = 0;
      MANG_TRY(*all, to_vector(r, value));
      MANG_TRY(count, to_index(count_value, "slices"));
      if (count == 0) return fail("integer division or modulo by zero");
    }
    if (number >= count) return Item();
    const auto size = static_cast<int64_t>(all->size());
    const int64_t each = size / count, extra = size % count;
    const int64_t start = offset + number * each;
    if (number < extra) ++offset;
    const int64_t end = offset + (number + 1) * each;
    std::vector<Value> part(all->begin() + start, all->begin() + end);
    if (!fill.is(Kind::none) && number >= extra) part.push_back(fill);
    ++number;
    return Item(r.list(std::move(part)));
  });
}

Result<Value> unique(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("unique", arguments, {"case_sensitive", "attribute"}, 0));
  MANG_TRY(bool case_sensitive, truth_or(rt, a[0], false));
  MANG_TRY(auto path, AttributePath::parse(present(a[1]) ? a[1] : Value::none()));
  const Value value = self;
  Ref<Iterator> it;
  const Ref<Dict> seen = rt.new_dict();
  return generator(rt, [value, case_sensitive, path, it, seen](Runtime& r) mutable -> Result<Item> {
    if (!it) {
      MANG_TRY(it, iterate(r, value));
    }
    while (true) {
      MANG_TRY(auto item, it->next(r));
      if (!item) return item;
      MANG_TRY(r.step());
      MANG_TRY(Value key, path.get(r, *item));
      if (!case_sensitive) {
        MANG_TRY(key, ignore_case(r, key));
      }
      MANG_TRY(const Value* found, dict_find(r, *seen, key));
      if (found) continue;
      MANG_TRY(dict_set(r, *seen, key, Value::none()));
      return item;
    }
  });
}

Result<Value> sum(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("sum", arguments, {"attribute", "start"}, 0));
  MANG_TRY(auto path, AttributePath::parse(present(a[0]) ? a[0] : Value::none()));
  Value total = given(a[1]) ? a[1] : Value::integer(0);
  if (total.is(Kind::string)) return fail("sum() can't sum strings [use ''.join(seq) instead]");
  MANG_TRY(auto it, iterate(rt, self));
  while (true) {
    MANG_TRY(auto item, it->next(rt));
    if (!item) return total;
    MANG_TRY(rt.step());
    MANG_TRY(Value value, path.get(rt, *item));
    MANG_TRY(total, arithmetic(rt, Arithmetic::add, total, value));
  }
}

}  // namespace

std::span<const FilterEntry> sequence_filter_table() {
  static constexpr FilterEntry table[] = {
      {"batch", batch},
      {"count", length},
      {"first", first},
      {"items", items},
      {"last", last},
      {"length", length},
      {"list", to_list},
      {"map", map},
      {"random", random},
      {"reject", select<false, true>},
      {"rejectattr", select<true, true>},
      {"reverse", reverse},
      {"select", select<false, false>},
      {"selectattr", select<true, false>},
      {"slice", slices},
      {"sum", sum},
      {"unique", unique},
  };
  return table;
}

}  // namespace mang::jinja
