// The global functions: jinja2's, and the four transformers adds or replaces.
#include "jinja/bind.h"
#include "jinja/method_tables.h"

namespace mang::jinja {
namespace {

Result<Value> range(Runtime& rt, const Value&, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("range", arguments, {"/start", "/stop", "/step"}, 1));
  int64_t start = 0, stop = 0, step = 1;
  for (const Value& value : a) {
    if (value.is(Kind::big)) return fail("Range too big. The sandbox blocks ranges larger than {}.", kMaxRange);
  }
  MANG_TRY(stop, to_index(given(a[1]) ? a[1] : a[0], "range"));
  if (given(a[1])) {
    MANG_TRY(start, to_index(a[0], "range"));
  }
  if (given(a[2])) {
    MANG_TRY(step, to_index(a[2], "range"));
  }
  if (step == 0) return fail("range() arg 3 must not be zero");
  __int128 count = 0;
  const __int128 span = step > 0 ? static_cast<__int128>(stop) - start : static_cast<__int128>(start) - stop;
  const __int128 by = step > 0 ? static_cast<__int128>(step) : -static_cast<__int128>(step);
  if (span > 0) count = (span + by - 1) / by;
  if (count > kMaxRange) return fail("Range too big. The sandbox blocks ranges larger than {}.", kMaxRange);
  return Runtime::opaque(rt.make<Range>(start, stop, step, static_cast<int64_t>(count)));
}

// dict(mapping or pairs, **more), as a Dict.
Result<Ref<Dict>> make_dict(Runtime& rt, std::string_view function, Arguments& arguments) {
  if (arguments.positional.size() > 1)
    return fail("{} expected at most 1 argument, got {}", function, arguments.positional.size());
  auto out = rt.new_dict();
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.is(Kind::dict)) {
      for (const auto& [key, value] : source.dict().pairs) MANG_TRY(dict_set(rt, *out, key, value));
    } else if (source.is(Kind::undefined)) {
      return undefined_error(source);
    } else {
      MANG_TRY(auto it, iterate(rt, source));
      while (true) {
        MANG_TRY(auto pair, it->next(rt));
        if (!pair) break;
        MANG_TRY(auto parts, to_vector(rt, *pair));
        if (parts.size() != 2)
          return fail("dictionary update sequence element has length {}; 2 is required", parts.size());
        MANG_TRY(dict_set(rt, *out, parts[0], parts[1]));
      }
    }
  }
  for (auto& [key, value] : arguments.named) MANG_TRY(dict_set(rt, *out, key, value));
  return out;
}

Result<Value> dict(Runtime& rt, const Value&, Arguments& arguments) {
  MANG_TRY(auto out, make_dict(rt, "dict", arguments));
  return rt.dict(out);
}

Result<Value> make_namespace(Runtime& rt, const Value&, Arguments& arguments) {
  MANG_TRY(auto attributes, make_dict(rt, "namespace", arguments));
  auto space = rt.make_cyclic<Namespace>(rt.new_dict());
  for (const auto& [key, value] : attributes->pairs) {
    // Names that are not text can be stored and never be read, as in Python.
    if (key.is(Kind::string)) MANG_TRY(space->set(rt, std::string(key.str()), value));
  }
  return Runtime::opaque(space);
}

Result<Value> raise_exception(Runtime& rt, const Value&, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("raise_exception", arguments, {"message"}, 1));
  MANG_TRY(std::string message, str_of(rt, a[0]));
  return fail("the template refuses this input: {}", message);
}

Result<Value> strftime_now(Runtime& rt, const Value&, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("strftime_now", arguments, {"format"}, 1));
  if (a[0].is(Kind::undefined)) return undefined_error(a[0]);
  MANG_TRY(auto format, expect_text(a[0], "strftime_now"));
  if (!rt.now()) return fail("the template asks for the date, and no date was given");
  MANG_TRY(rt.work(format.size() * 30));
  MANG_TRY(rt.step(format.size() / 2));
  return rt.string(format_time(*rt.now(), format));
}

Result<Value> lipsum(Runtime&, const Value&, Arguments&) {
  return fail("lipsum() is refused: random text has no place in a prompt");
}

// cycler('a', 'b'): next(), current, reset().
class Cycler final : public Opaque {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Cycler"; }
  Result<std::optional<Value>> attribute(Runtime& rt, std::string_view name) override {
    const Value self = Value::from_object(Kind::opaque, this);
    if (name == "current") return std::optional<Value>(items_[at_]);
    if (name == "items") return std::optional<Value>(rt.tuple(items_));
    if (name == "pos") return std::optional<Value>(Value::integer(static_cast<int64_t>(at_)));
    if (name == "next") return std::optional<Value>(Runtime::opaque(rt.make<Bound>(self, next, "next", false)));
    if (name == "reset") return std::optional<Value>(Runtime::opaque(rt.make<Bound>(self, reset, "reset", false)));
    return std::optional<Value>();
  }

 private:
  static Result<Value> next(Runtime&, const Value& self, Arguments& arguments) {
    MANG_TRY(bind_none("next", arguments));
    auto& cycler = static_cast<Cycler&>(self.opaque());
    const Value out = cycler.items_[cycler.at_];
    cycler.at_ = (cycler.at_ + 1) % cycler.items_.size();
    return out;
  }
  static Result<Value> reset(Runtime&, const Value& self, Arguments& arguments) {
    MANG_TRY(bind_none("reset", arguments));
    static_cast<Cycler&>(self.opaque()).at_ = 0;
    return Value::none();
  }

  std::vector<Value> items_;
  size_t at_ = 0;
};

Result<Value> cycler(Runtime& rt, const Value&, Arguments& arguments) {
  if (!arguments.named.empty()) return fail("cycler() takes no keyword arguments");
  if (arguments.positional.empty()) return fail("at least one item has to be provided");
  MANG_TRY(rt.work_items(arguments.positional.size()));
  return Runtime::opaque(rt.make<Cycler>(std::move(arguments.positional)));
}

// joiner(', '): '' the first time it is called, then the separator.
class Joiner final : public Opaque {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Joiner"; }
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& rt, Arguments& arguments) override {
    MANG_TRY(bind_none("joiner", arguments));
    if (std::exchange(used_, true)) return separator_;
    return rt.string("");
  }
  Result<std::optional<Value>> attribute(Runtime&, std::string_view name) override {
    if (name == "sep") return std::optional<Value>(separator_);
    if (name == "used") return std::optional<Value>(Value::boolean(used_));
    return std::optional<Value>();
  }

 private:
  Value separator_;
  bool used_ = false;
};

Result<Value> joiner(Runtime& rt, const Value&, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("joiner", arguments, {"sep"}, 0));
  return Runtime::opaque(rt.make<Joiner>(given(a[0]) ? a[0] : rt.string(", ")));
}

constexpr FilterEntry kGlobals[] = {
    {"cycler", cycler},
    {"dict", dict},
    {"joiner", joiner},
    {"lipsum", lipsum},
    {"namespace", make_namespace},
    {"raise_exception", raise_exception},
    {"range", range},
    {"strftime_now", strftime_now},
};

}  // namespace

Value find_global(Runtime& rt, std::string_view name) {
  const FilterEntry* entry = find_entry(kGlobals, name);
  if (!entry) return Value::missing();
  return Runtime::opaque(rt.make<Bound>(Value(), entry->function, entry->name, true));
}

}  // namespace mang::jinja
