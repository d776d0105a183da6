// What goes wrong is said with its line and its cause; and the parts of the language that Python cannot judge.
#include "render.h"

namespace mang::jinja {
namespace {

TEST_CASE("errors name the template, the line and the cause") {
  CHECK(error_of("a\n{{ x.y }}") == "t: line 2: 'x' is undefined");
  CHECK(error_of("{{ {'a': 1}.b.c }}") == "t: line 1: 'dict object' has no attribute 'b'");
  CHECK(error_of("{{ none.x.y }}") == "t: line 1: 'None' has no attribute 'x'");
  CHECK(error_of("\n\n{{ [1][5].x }}") == "t: line 3: list object has no element 5");
  CHECK(error_of("{% if x %}\n{% endfor %}") ==
        "t: line 2: Encountered unknown tag 'endfor'. Jinja was looking for the following tags: 'elif' or 'else' or "
        "'endif'. The innermost block that needs to be closed is 'if', opened in line 1.");
  CHECK(error_of("{% for x in y %}") ==
        "t: line 1: Unexpected end of template. Jinja was looking for the following tags: 'endfor' or 'else'. The "
        "innermost block that needs to be closed is 'for', opened in line 1.");
  CHECK(error_of("\n{{ 'open }}") == "t: line 2: the text that starts here with ' is not closed");
  CHECK(error_of("{{ a }\n{% if b %}{% endif %}") ==
        "t: line 1: unexpected '}'; an output ends with '}}', a statement with '%}'");
  CHECK(error_of("{{ 'a' + 1 }}") == "t: line 1: can only concatenate str (not \"int\") to str");
  CHECK(error_of("{{ 1 < 'a' }}") == "t: line 1: '<' not supported between instances of 'int' and 'str'");
  CHECK(error_of("\n{{ 'a'|nope }}") == "t: line 2: No filter named 'nope'.");
  CHECK(error_of("{{ raise_exception('no tools here') }}") ==
        "t: line 1: the template refuses this input: no tools here");
  CHECK(error_of("{% include 'other' %}").find("stands alone") != std::string::npos);
  CHECK(error_of("{{ 9223372036854775807 + 1 }}") == "t: line 1: an integer result does not fit 64 bits");
  CHECK(error_of("{% macro m(a) %}\n{{ a.b.c }}{% endmacro %}\n\n{{ m(1) }}") ==
        "t: line 2: 'int object' has no attribute 'b'");
  CHECK(error_of("{{ '\\ud83d' }}").find("half a character") != std::string::npos);
}

TEST_CASE("a template that asks for the date needs one") {
  CHECK(error_of("{{ strftime_now('%Y') }}", "{}", {}) ==
        "t: line 1: the template asks for the date, and no date was given");
  CHECK(render("{{ strftime_now('%d %b %Y') }}") == "29 Jul 2026");
}

TEST_CASE("bytes that are not UTF-8 are no template") {
  CHECK_FALSE(Template::parse("a\xff", "t").ok());
  CHECK_FALSE(Template::parse("\xed\xa0\x80", "t").ok());
  CHECK(Template::parse("é🎋", "t").ok());
}

TEST_CASE("a template may be rendered many times") {
  auto page = Template::parse(
      "{% set ns = namespace(n=x) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{% macro m() %}{{ ns.n }}{% endmacro %}{{ m() "
      "}}",
      "t");
  REQUIRE(page.ok());
  for (int i = 0; i < 3; ++i) {
    const auto text = page->render(Value::dict({{"x", Value::integer(i)}}), {});
    REQUIRE(text.ok());
    CHECK(*text == std::to_string(i + 1) + std::to_string(i + 1));
  }
}

TEST_CASE("integers beyond 64 bits are carried, compared and printed") {
  const std::string context = R"({"big": 18446744073709551615})";
  CHECK(render("{{ big }} {{ big|tojson }} {{ [big] }} {{ big > 1 }} {{ big == big }} {{ big is integer }} {{ "
               "big|string|length }}",
               context) == "18446744073709551615 18446744073709551615 [18446744073709551615] True True True 20");
  CHECK(error_of("{{ big + 1 }}", context) == "t: line 1: an integer result does not fit 64 bits");
  CHECK(render("{{ 9223372036854775808 }} {{ -9223372036854775808 }}") == "9223372036854775808 -9223372036854775808");
}

TEST_CASE("random picks the same every time") {
  const std::string source = "{% for i in range(5) %}{{ [1, 2, 3, 4]|random }}{% endfor %}";
  CHECK(render(source) == render(source));
}

TEST_CASE("dicts of many keys keep their order and find their keys") {
  std::string context = "{\"d\": {", expected;
  for (int i = 0; i < 500; ++i) {
    context += (i ? "," : "") + std::string("\"k") + std::to_string(i * 7 % 500) + "\":" + std::to_string(i);
    expected += "k" + std::to_string(i * 7 % 500) + "=" + std::to_string(i) + ";";
  }
  context += ",\"k0\": \"again\"}}";
  expected.replace(0, 5, "k0=again;");
  CHECK(render("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", context) == expected);
  CHECK(render("{{ d.k7 }} {{ d['k499'] }} {{ 'k3' in d }} {{ 'x' in d }}", context) == "1 357 True False");
  CHECK(render("{% set ns = namespace(d={}) %}{% for i in range(100) %}{% set ns.d = dict(ns.d, **{'k' ~ i: i}) %}{% "
               "endfor %}{{ ns.d.k50 }}{{ ns.d|length }}") == "50100");
  CHECK(render("{% set d = dict([(1, 'a'), (2.0, 'b'), (true, 'c')]) %}{{ d }}{{ d[1.0] }}{{ d[2] }}") ==
        "{1: 'c', 2.0: 'b'}cb");
}

}  // namespace
}  // namespace mang::jinja
