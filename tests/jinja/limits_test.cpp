// Templates that try to take too long, too much memory or too deep a stack, or to reach out of the sandbox: more than
// two thousand in every run, more than a hundred thousand at the whole step limit with MANG_TEST_FULL set.
#include <ctime>

#include "render.h"
#include "support/scale.h"

namespace mang::jinja {
namespace {

std::string repeat(std::string_view text, size_t n) {
  std::string out;
  out.reserve(text.size() * n);
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

// How many templates were tried, and the worst of them.
struct Worst {
  size_t templates = 0;
  uint64_t steps = 0;
  size_t bytes = 0;
  double ms = 0;
};

constexpr double kMaxMs = 250;

// Whether an error is a sentence that says where: "t: line 3: …", or "t: …" of a template refused as a whole.
bool says_where(const std::string& message) {
  if (!message.starts_with("t: ") || message.size() < 12) return false;
  if (!message.starts_with("t: line ")) return message.find("the template") != std::string::npos;
  return message[8] >= '1' && message[8] <= '9' && message.find(": ", 8) != std::string::npos;
}

// Renders within the limits, whatever comes of it: a text or a sentence. Time is the processor's, and the best of three
// where the first is too long, so that a busy machine does not fail the test.
void check_bounded(const std::string& source, Worst& worst, const RenderOptions& options = fixed_now()) {
  INFO(source.substr(0, 300));
  RenderStats stats;
  double ms = 1e9;
  for (int attempt = 0; attempt < test::reduced(3, 1) && ms > kMaxMs; ++attempt) {
    const std::clock_t start = std::clock();
    const auto text = try_render(source, "{}", options, &stats);
    ms = std::min(ms, 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    if (!text.ok()) CHECK_MESSAGE(says_where(text.error().message), text.error().message);
  }
  CHECK(stats.steps <= options.max_steps);
  CHECK(stats.peak_bytes <= options.max_bytes + (size_t{64} << 10));  // and what one step adds
  if (!test::kSanitized) CHECK(ms <= kMaxMs);
  worst = {worst.templates + 1, std::max(worst.steps, stats.steps), std::max(worst.bytes, stats.peak_bytes),
           std::max(worst.ms, ms)};
}

void report(const Worst& worst) {
  MESSAGE(worst.templates, " templates; the worst: ", worst.steps, " steps, ", worst.bytes, " bytes, ", worst.ms,
          " ms");
}

// What a loop of a hostile template does again and again.
const std::vector<std::string> kBodies = {
    "",
    "x",
    "{{ a }}",
    "{% set x = 'y' * 1000 %}",
    "{{ 'a' * 100000 }}",
    "{% set ns.l = ns.l + ns.l %}",
    "{% set ns.s = ns.s ~ ns.s %}",
    "{{ range(99999)|list|sort|join }}",
    "{{ 'ab' * 50000 in 'a' * 100000 }}",
    "{{ (('a' * 200000) ~ 'b')|replace('aab', 'c')|length }}",
    "{{ ns.l|string|length }}",
    "{% set ns.d = {'a': ns.d, 'b': ns.d} %}{{ ns.d == ns.d }}",
    "{% set ns.d = [ns.d, ns.d] %}{{ ns.d|tojson|length }}",
    "{{ [[ns.l] * 100] * 100 }}",
    "{{ ('x ' * 100000).split()|length }}",
    "{{ '%s' % ('a' * 1000000) }}",
    "{{ '{:>1000000}'.format(1) }}",
    "{{ 'a'.center(10000000)|length }}",
    "{{ ('é' * 100000)[50000] }}",
    "{{ ('ab' * 100000).rfind('ba' * 50000) }}",
    "{{ ('ab' * 100000).strip('ab' * 50000) }}",
    "{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('a') }}",
    "{% set ns.l = ns.l + [ns.l] %}",
    "{{ ns.l|pprint|length }}",
    "{{ ('word ' * 10000)|wordwrap(7)|length }}",
    "{{ ('w' * 100000)|wordwrap(1)|length }}",
    "{{ ('-' * 100000)|wordwrap(5)|length }}",
    "{{ ('word ' * 1000)|pprint|length }}",
    "{{ ('(' * 100000)|urlize|length }}",
    "{{ ('www.a.' * 20000)|urlize|length }}",
    "{{ ('&lt;' * 50000)|striptags|length }}",
    "{{ ('<' * 100000)|striptags|length }}",
    "{{ ('A' * 100000)|title|lower|length }}",
    "{{ ('Σ' * 100000)|lower|length }}",
    "{{ range(99999)|map('string')|list|unique|list|length }}",
    "{{ range(99999)|batch(3)|list|length }}",
    "{{ range(9999)|slice(3333)|list|length }}",
    "{{ range(9999)|groupby('x')|length }}",
    "{{ {'k': 'v' * 100000}|urlencode|length }}",
    "{{ ('a\\n' * 100000)|indent(100)|length }}",
    "{{ ['x'] * 1000000 }}",
    "{{ (range(99999)|list) * 100 }}",
    "{{ ('abc' * 10000).replace('', 'x' * 1000) }}",
    "{{ ('a,' * 100000).split(',')|length }}",
    "{{ ('a' * 100000).translate({97: 'b' * 1000}) }}",
    "{{ ('a' * 1000).join(['b'] * 100000) }}",
    "{{ 7 ** 1000000 }}",
    "{{ 3.7|round(300) }}{{ '%.9999f' % 0.1 }}",
    "{{ ('%.9999f' % 0.1)|length }}",
    "{{ '{:.9999}{:.9999%}'.format(0.1, 1e300)|length }}",
    "{{ 1.5|round(2) }}{{ 0.1 + 0.2 }}{{ 1e300|int(0) }}",
    "{{ '%999999999s' % 1 }}",
    "{{ '\\t' * 1000 }}{{ ('\\t' * 1000).expandtabs(100000) }}",
    "{{ ('9' * 4000)|int }}",
    "{{ dict(ns.d or {}, **{'k' ~ b: 1}) }}",
    "{{ ns.l|tojson(indent=1000)|length }}",
    "{{ strftime_now('%c' * 100000)|length }}",
    "{{ '{0}{0}{0}{0}{0}{0}{0}{0}'.format('a' * 100000) }}",
    "{{ ('{:{}}' * 1000).format(1) }}",
};

const std::string kStart = "{% set ns = namespace(l=[1, 2], s='ab', d={}) %}";

TEST_CASE("hostile loops stay within steps, memory and time") {
  Worst worst;
  // The other ways to repeat a body get a twentieth of the steps in every run, so that the suite stays quick.
  RenderOptions fewer = fixed_now();
  fewer.max_steps = test::scale(50'000, fewer.max_steps);
  for (const auto& body : kBodies) {
    check_bounded(kStart + "{% for b in range(99999) %}" + body + "{% endfor %}", worst);
    check_bounded(kStart + repeat(body, 100), worst, fewer);
    check_bounded(kStart + "{% for a in range(99999) %}{% for b in range(99999) %}" + body + "{% endfor %}{% endfor %}",
                  worst, fewer);
    check_bounded(kStart + "{% macro m() %}" + body + "{% endmacro %}{% for b in range(99999) %}{{ m() }}{% endfor %}",
                  worst, fewer);
    check_bounded(kStart + "{% for b in range(99999) %}{% set q %}" + body + "{% endset %}{% endfor %}", worst, fewer);
    check_bounded(kStart + "{% for b in range(99999) recursive %}" + body + "{{ loop(range(9)) }}{% endfor %}", worst,
                  fewer);
    check_bounded(
        kStart + "{% filter upper %}" + body + body + "{% endfilter %}{% block z %}" + body + "{% endblock %}", worst,
        fewer);
  }
  report(worst);
}

TEST_CASE("deep nesting is refused before the stack ends") {
  Worst worst;
  std::vector<size_t> depths = {10, 100, 200, 1000, 20000};
  if (test::scale(0, 1))
    depths = {1, 2, 5, 10, 19, 50, 99, 100, 101, 150, 200, 399, 400, 401, 500, 1000, 5000, 20000, 50000};
  for (const size_t n : depths) {
    for (const auto& source : {
             "{{ " + repeat("(", n) + "1" + repeat(")", n) + " }}",
             "{{ " + repeat("[", n) + repeat("]", n) + " }}",
             "{{ " + repeat("{'a':", n) + "1" + repeat("}", n) + " }}",
             "{{ " + repeat("not ", n) + "1 }}",
             "{{ " + repeat("- ", n) + "1 }}",
             "{{ " + repeat("1 + ", n) + "1 }}",
             "{{ " + repeat("'a' ~ ", n) + "'b' }}",
             "{{ " + repeat("2 ** ", n) + "1 }}",
             "{{ 'a'" + repeat("|upper", n) + " }}",
             "{{ a" + repeat(".b", n) + " }}",
             "{{ a" + repeat("[0]", n) + " }}",
             "{{ f" + repeat("()", n) + " }}",
             "{{ x" + repeat("|default(1", n) + repeat(")", n) + " }}",
             "{{ " + repeat("1 if 1 else ", n) + "2 }}",
             "{{ " + repeat("1 if ", n) + "1 }}",
             "{{ " + repeat("1 < ", n) + "2 }}",
             "{{ " + repeat("1 and ", n) + "2 }}",
             "{{ " + repeat("1 or ", n) + "2 }}",
             repeat("{% if 1 %}", n) + repeat("{% endif %}", n),
             "{% if 0 %}" + repeat("{% elif 0 %}", n) + "{% endif %}",
             repeat("{% for x in [1] %}", n) + "x" + repeat("{% endfor %}", n),
             repeat("{% for x in [1] if x %}", n) + "{{ loop.length }}" + repeat("{% endfor %}", n),
             repeat("{% macro m() %}", n) + repeat("{% endmacro %}", n),
             repeat("{% set x %}", n) + repeat("{% endset %}", n),
             repeat("{% filter upper %}", n) + repeat("{% endfilter %}", n),
             repeat("{% with %}", n) + repeat("{% endwith %}", n),
             repeat("{{", n),
             repeat("{%", n),
             "{{ '" + repeat("\\", n),
             repeat("{% raw %}", n),
             repeat("a", n) + "{{",
             "{{ " + repeat("a,", n) + " }}",
             "{% set ns = namespace(d=[]) %}{% for i in range(" + std::to_string(n) +
                 ") %}{% set ns.d = [ns.d] %}{% endfor %}{{ ns.d }}",
             "{% set ns = namespace(d=[]) %}{% for i in range(" + std::to_string(n) +
                 ") %}{% set ns.d = {'a': ns.d} %}{% endfor %}{{ ns.d == {'a': ns.d} }}{{ ns.d|tojson }}",
             "{% set ns = namespace(d=()) %}{% for i in range(" + std::to_string(n) +
                 ") %}{% set ns.d = (ns.d,) %}{% endfor %}{{ {ns.d: 1}|pprint }}",
         }) {
      check_bounded(source, worst);
    }
  }
  report(worst);
}

TEST_CASE("recursion without end is refused") {
  Worst worst;
  for (const std::string source :
       {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(x) %}{{ g(x) }}{% endmacro %}{% macro g(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
        "{% block a %}{{ self.a() }}{% endblock %}", "{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}",
        "{% set ns = namespace() %}{% set ns.l = [ns] %}{{ ns.l == [ns] }}{{ ns.l }}",
        "{% set ns = namespace(d=[]) %}{% for i in range(60) %}{% set ns.d = [ns.d, ns.d] %}{% endfor %}{{ ns.d }}",
        "{% set ns = namespace(d=[], e=[]) %}{% for i in range(60) %}{% set ns.d = [ns.d, ns.d] %}{% set ns.e = [ns.e, "
        "ns.e] %}{% endfor %}{{ ns.d == ns.e }}"}) {
    check_bounded(source, worst);
    CHECK_FALSE(try_render(source).ok());
  }
  const std::string deep_macro = "{% macro f(n) %}{% if n %}" + repeat("{% for i in [1] %}", 20) + "{{ f(n - 1) }}" +
                                 repeat("{% endfor %}", 20) + "{% endif %}{% endmacro %}{{ f(180) }}";
  check_bounded(deep_macro, worst);
}

TEST_CASE("many names, ifs and loops: reading a template is bounded too") {
  Worst worst;
  std::string sets, ifs, blocks, macros;
  for (int i = 0; i < 12000; ++i) {
    const auto name = "v" + std::to_string(i);
    sets += "{% set " + name + " = 1 %}";
    ifs += "{% if " + name + " %}{% set " + name + " = 1 %}{% endif %}";
    blocks += "{% block " + name + " %}{% endblock %}";
    macros += "{% macro " + name + "() %}{% endmacro %}";
  }
  for (const auto& source : {sets, ifs, blocks, macros}) check_bounded(source, worst);
  check_bounded(repeat("{% for x in y %}", 99) + repeat("{{ a.b.c.d }}", 20000) + repeat("{% endfor %}", 99), worst);
  CHECK(try_render(std::string(kMaxTemplateBytes + 1, 'a')).error().message.find("more than the") != std::string::npos);
}

// clang-format off
const std::vector<std::string> kPieces = {
    "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", " ", "\n", "for", " in ", "if", "endif", "endfor", "set ", "x", "=",
    "'", "\"", "(", ")", "[", "]", "{", "}", "|", ".", ",", "1", "0x", "1e9", "~", "*", "**", "//", " is ", " not ",
    "macro ", "call", "raw", "endraw", "\\", "é", std::string(1, '\0'), "🎋", "filter ", "block ", "range(9)", "loop",
    "%", "else", "elif ", "recursive", "namespace()", "generation", "\xff", "\xed\xa0\x80", "\xc3"};
// Statements that open a block, with what closes it (empty: nothing to close).
const std::vector<std::pair<std::string, std::string>> kStatements = {
    {"{% for x in range(99) %}", "{% endfor %}"}, {"{% for x in x recursive %}", "{% endfor %}"},
    {"{% for x in x if x %}", "{% endfor %}"}, {"{% if x %}", "{% endif %}"}, {"{% if not x %}", "{% else %}x{% endif %}"},
    {"{% macro x(y=x) %}", "{% endmacro %}"}, {"{% macro m() %}", "{{ m() }}{% endmacro %}"},
    {"{% call m() %}", "{% endcall %}"}, {"{% filter upper %}", "{% endfilter %}"}, {"{% with x = x %}", "{% endwith %}"},
    {"{% set x %}", "{% endset %}"}, {"{% block z %}", "{% endblock %}"}, {"{% generation %}", "{% endgeneration %}"},
    {"{% set x = x ~ x %}", ""}, {"{% set x = [x, x] %}", ""}, {"{% set x = {'a': x} %}", ""}, {"{{ x() }}", ""},
    {"{{ m() }}", ""}, {"{{ x }}", ""}, {"{{ loop(x) }}", ""}, {"{% break %}", ""}, {"{{ x|tojson|length }}", ""},
    {"{{ caller() }}", ""}, {"{{ self.z() }}", ""}, {"text\n", ""}, {"{% set x = namespace(x=x) %}", ""},
    {"{% set x.x = x %}", ""}, {"{% set x = x|list %}", ""}, {"{{ x|sort|join }}", ""}};

// What reaches for Python's insides, for files, the environment or other programs.
const std::vector<std::string> kEscapes = {
    "''.__class__.__mro__[1].__subclasses__()", "namespace.__init__.__globals__", "range.__class__.x",
    "cycler.__init__.__globals__.os.popen('id').read()", "self.__init__.__globals__", "lipsum.__globals__['os'].x",
    "dict.__base__.x", "raise_exception.__globals__.x", "strftime_now.__globals__.x",
    "''|attr('__class__')|list|first|attr('x')", "''[('_' * 2) ~ 'class' ~ '__'].x", "x.__import__('os')",
    "open('/etc/passwd')", "import('os')", "os.environ", "[1].append(2)", "[1].sort()", "{}.update({})", "{}.pop('a')",
    "{}.setdefault('a', 1)", "(1).__add__(2)", "'{0.__class__.x}'.format(1)", "environment.x.y", "config.x.y",
    "__builtins__.open", "''.format.__self__.x", "lipsum()", "''.encode('utf-8')"};
// clang-format on

TEST_CASE("random bytes, tokens and statements") {
  Worst worst;
  uint64_t state = 42;
  const auto next = [&](size_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<size_t>(state >> 33) % n;
  };
  RenderOptions fewer = fixed_now();
  fewer.max_steps = test::scale(50'000, fewer.max_steps);
  for (uint64_t i = 0; i < test::scale(2000, 100'000); ++i) {
    const size_t valid = kPieces.size() - (i % 16 == 0 ? 0 : 3);  // the last three are not UTF-8
    std::string source;
    std::vector<std::string> open;
    for (size_t j = next(60) + 1; j > 0; --j) {
      if (i % 2 == 0) {
        source += kPieces[next(valid)];
      } else if (!open.empty() && next(3) == 0) {
        source += open.back();
        open.pop_back();
      } else {
        const auto& [opening, closing] = kStatements[next(kStatements.size())];
        source += opening;
        if (!closing.empty()) open.push_back(closing);
      }
    }
    for (; !open.empty(); open.pop_back()) source += open.back();
    check_bounded(source, worst, fewer);
  }
  report(worst);
}

TEST_CASE("the sandbox: nothing but text comes out") {
  Worst worst;
  for (const auto& expression : kEscapes) {
    const std::vector<std::string> sources = {"{{ " + expression + " }}", "{% set x = " + expression + " %}{{ x.y }}",
                                              "{% for x in " + expression + " %}{{ x.y.z }}{% endfor %}{{ x.y }}",
                                              "{% macro m(x=" + expression + ") %}{{ x.y.z }}{% endmacro %}{{ m() }}"};
    for (const auto& source : sources) {
      CHECK_FALSE_MESSAGE(try_render(source).ok(), source);
      check_bounded(source, worst);
    }
  }
  CHECK(render("{{ ''.__class__ }}|{{ [].append }}|{{ {}.__class__ }}") == "||");
  CHECK(error_of("{{ [1].append(2) }}") == "t: line 1: access to attribute 'append' of 'list' object is unsafe.");
}

TEST_CASE("limits are the caller's") {
  RenderOptions few;
  few.max_steps = 100;
  CHECK(error_of("{% for i in range(1000) %}{{ i }}{% endfor %}", "{}", few) ==
        "t: line 1: the template takes more than 100 steps; it was stopped");
  RenderOptions small;
  small.max_bytes = 10'000;
  CHECK(error_of("{{ 'a' * 100000 }}", "{}", small) ==
        "t: line 1: the template needs more than 10000 bytes of memory; it was stopped");
  RenderOptions hurried;
  hurried.max_steps = 1'000'000'000;
  hurried.deadline_ms = 20;
  CHECK(error_of("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "{}", hurried) ==
        "t: line 1: the template takes longer than 20 ms; it was stopped");
  // The context is the caller's own and is not counted.
  const std::string context = "{\"x\": \"" + std::string(1'000'000, 'a') + "\"}";
  RenderOptions tight;
  tight.max_bytes = 2'000'000;
  CHECK(try_render("{{ x|length }}", context, tight).ok());
}

TEST_CASE("memory is given back: a long loop of garbage needs little") {
  RenderStats stats;
  const auto text =
      try_render("{% for i in range(5000) %}{% set x = ('y' * 2000) ~ i %}{% set m = namespace(a=x) %}{% endfor %}ok",
                 "{}", fixed_now(), &stats);
  REQUIRE(text.ok());
  CHECK(stats.peak_bytes < 3'000'000);
}

}  // namespace
}  // namespace mang::jinja
