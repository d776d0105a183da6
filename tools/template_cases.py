"""Templates for tools/compare_templates.py: hand-written ones for every corner of the language, a generator of random
ones, and hostile ones."""
import random

# (template, context)
LANGUAGE = []


def add(*templates, **context):
    LANGUAGE.extend((t, context) for t in templates)


# Whitespace control.
add("a\n{% if true %}\nb\n{% endif %}\nc\n", "a\n  {% if true %}  \n  b\n  {%- endif -%}  \n c", "{%- set x = 1 -%}\n x={{- x -}} \n!",
    "x\n   {# note #}\n y", "x {#- note -#}\n y", "  {%+ if true %} kept\n  {% endif +%}\n end", "a\n\n\n{{ 1 }}\n\n\n", "\n\n", "", "a\r\nb\rc\n",
    "{% raw %}{{ x }} {% if %}{% endraw %}!", "a  {%- raw -%}  {{ y }}  {%- endraw -%}  b", "{% raw %}\n  {% endraw %}\nx", "x\n  {% raw %}\ny{% endraw %}\n",
    "{{ 'a' }}\n{{ 'b' }}\n", "   {{ 1 }}   ", "  {% set a = 1 %}  x", "\t{% set a = 1 %}\n\t{{ a }}", "{#-#}x", "{# {{ #}y", "a{# {% #}b",
    "{%- if true -%} \n a \n {%- else -%} b {%- endif -%}\n\n c", "{% if true %}{% endif %}\n\nx", "{{ '\n' }}\n", "{{- 1 -}}  2  {{+ 3 }}", "a\n {{- 'b' }}",
    "{% for i in [1,2] %}\n  {{ i }}\n{% endfor %}", "{% for i in [1,2] -%}\n  {{ i }}\n{%- endfor %}|", "  {%- for i in [1,2] %} {{ i }} {%- endfor %}  ",
    "x\u00a0{%- set a=1 %}y", "\u2003{% set a = 1 %}y", "a\n\u3000{% set a = 1 %}b", "a {{ 1 }} \x1c\n{%- set b=1 %}c")
# Literals and numbers.
add("{{ 1_000 }} {{ 0x1F }} {{ 0o17 }} {{ 0b101 }} {{ 1.5e3 }} {{ 1e-7 }} {{ 1_0.0_1 }} {{ 12345678901234567890 }}", "{{ 'a' 'b' \"c\" }}",
    r"{{ '\n\t\\\'\"\x41\u1ec7\U0001F38B\101\a\q' }}", r"{{ 'é\é' }}", "{{ 'a\\\nb' }}", "{{ [1, 2, ] }} {{ (1,) }} {{ () }} {{ {} }} {{ {'a': 1, } }}",
    "{{ true }} {{ True }} {{ none }} {{ None }} {{ False }}", "{{ 1.0 }} {{ 1e16 }} {{ 1e15 }} {{ 123456789012345678.0 }} {{ 0.0001 }} {{ 0.00001 }} {{ -0.0 }} {{ 3.14159 }} {{ 1/3 }} {{ 2**0.5 }} {{ 1e300*1e10 }}",
    "{{ -9223372036854775808 }} {{ 9223372036854775807 }}", "{{ 1 if true }}{{ 2 if false }}|", "{{ (2 if false) is defined }}", "{{ 1, 2 }}", "{{ ('a', 1.0, none, true, [1], {'k': 'v'}) }}",
    "{{ ['it\\'s', 'say \"x\"', 'both \\' \"', 'tab\\t', 'nul\\x00', '\\x7f', 'é', '\\u200b', '\\ud7ff', '🎋', '\\u0378'] }}", "{{ 007 }}", "{{ 1__0 }}", "{{ 1.e3 }}", "{{ .5 }}",
    "{{ 'unclosed }}", "{{ 5.real }} {{ (5).real }} {{ 5.5.is_integer() }}", "{{ {1: 'a', 1.0: 'b', true: 'c'} }}", "{{ {[1]: 2} }}")
# Arithmetic.
add("{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 // -2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 7 / 2 }} {{ 6 / 2 }}",
    "{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ (-1) ** 101 }} {{ 0 ** 0 }} {{ 4 ** 0.5 }}", "{{ 1 + 2 * 3 - 4 / 2 }}", "{{ true + true }} {{ true * 3 }} {{ -true }} {{ +true }}",
    "{{ 'a' * 3 }} {{ 3 * 'ab' }} {{ 'a' * -1 }}| {{ [1] * 3 }} {{ (1, 2) * 2 }} {{ [1] + [2] }} {{ (1,) + (2,) }}", "{{ 1 / 0 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 1.0 / 0 }}", "{{ 'a' + 1 }}", "{{ 1 + 'a' }}",
    "{{ [1] + (2,) }}", "{{ none + 1 }}", "{{ {} + {} }}", "{{ 1 ~ 2 ~ 'a' ~ none ~ [1] }}", "{{ 1 + 2 ~ 3 * 2 }}", "{{ 'a' ~ 1 + 2 }}", "{{ - - 1 }} {{ -(-1) }} {{ not not 1 }} {{ not 1 == 2 }}",
    "{{ 1e308 * 10 }} {{ -1e308 * 10 }} {{ 1e308*10 - 1e308*10 }}", "{{ 5 % 2.5 }} {{ 5.5 % -2 }} {{ -0.0 // 1 }} {{ 1 // 0.1 }}", "{{ 10 ** 18 }} {{ 2 ** 62 }}", "{{ 'x' - 1 }}", "{{ -'x' }}", "{{ +none }}", "{{ 2 ** 0.5 ** 2 }}")
# Comparison and logic.
add("{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ (1,) < (1, 0) }} {{ true == 1 }} {{ none == none }} {{ 'a' == 1 }}", "{{ 1 < 'a' }}", "{{ none < 1 }}", "{{ [] < {} }}",
    "{{ 1 and 2 }} {{ 0 and 2 }} {{ 0 or 'x' }} {{ '' or none }} {{ not '' }} {{ 1 or boom.x }}", "{{ 'a' in 'cat' }} {{ 'z' not in 'cat' }} {{ 1 in [1, 2] }} {{ 'k' in {'k': 1} }} {{ 1.0 in (1, 2) }} {{ '' in '' }}",
    "{{ 1 in 'a' }}", "{{ 1 in 5 }}", "{{ x in [1] }} {{ 1 in x }}|", "{{ [1, [2]] == [1, [2]] }} {{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }} {{ (1, 2) == [1, 2] }}", "{{ 9007199254740993 == 9007199254740992.0 }} {{ 9007199254740993 > 9007199254740992.0 }}",
    "{{ x == y }} {{ x == none }} {{ x != 1 }}", "{{ x < 1 }}", "{{ 1 == 1 == 1 }} {{ 1 != 2 != 1 }} {{ 3 > 2 >= 2 > 1 }}", "{{ 1 if 0 else 2 if 0 else 3 }}", "{{ 'a' if x else 'b' }}", "{{ 'e' > 'é' }} {{ 'Z' < 'a' }} {{ '\U00010000' > '\uffff' }}",
    "{{ range(3) == range(0, 3, 1) }} {{ 2 in range(0, 10, 2) }} {{ [1,2,3][::-1] == [3,2,1] }}")
# Attributes, items, slices.
add("{{ d.a }} {{ d['a'] }} {{ d.missing }}| {{ d['missing'] is defined }} {{ l[0] }} {{ l[-1] }} {{ l[9] }}| {{ l.0 }} {{ 'abc'[1] }} {{ 'abc'[-1] }} {{ 'abc'[5] }}|", "{{ d.items() | list }} {{ d.keys() }} {{ d.values() }} {{ d.items() }}",
    "{{ 1 if d.items is callable }}", "{{ d.missing.more }}", "{{ none.x }}|", "{{ none[0] }}|", "{{ none.x.y }}", "{{ l.append(1) }}", "{{ d.update({}) }}", "{{ l.append }}|{{ d.pop is defined }}", "{{ d.__class__ }}|{{ ''.__class__ }}|",
    "{{ ''.__class__.__mro__ }}", "{{ d['__class__'] }}|", "{{ l[1:] }} {{ l[:-1] }} {{ l[::2] }} {{ l[::-1] }} {{ l[5:] }} {{ l[-2:] }} {{ l[2:1] }} {{ l[None:2] }}", "{{ 'héllo wörld'[1:8:2] }} {{ 'héllo'[::-1] }} {{ 'héllo'[-3:-1] }}", "{{ (1,2,3)[1:] }} {{ range(10)[2:5] }} {{ range(10)[::-2]|list }}",
    "{{ l[1:2, 0] }}", "{{ l['a'] }}|", "{{ l[1.0] }}|", "{{ l[true] }}", "{{ l[::0] }}", "{{ l['1':] }}", "{{ x[1:] }}", "{{ d[1:] }}", "{{ d[[1]] }}|", "{{ d.get('a') }} {{ d.get('z') }} {{ d.get('z', 5) }}", "{{ d['items'] is callable }}|{{ e.items is callable }}|{{ e['items'] }}",
    "{{ e.get }}" + "{{ 1 }}" if False else "{{ e['get'] }}", "{{ d.a.b }}|", "{{ 5.5.x }}|", "{{ loop }}|", "{{ self }}"[:0] + "{{ self is defined }}", "{{ d|attr('items') is callable }} {{ d|attr('a') }}| {{ 'x'|attr('upper')() }}", "{{ l[1000000000000] }}|{{ l[-1000000000000:] }}",
    d={"a": 1, "b": [1, 2]}, l=[1, 2, 3, 4], e={"items": 7, "get": 8})
# Undefined.
add("{{ x }}|{{ x|default('d') }}|{{ x is defined }}|{{ x is undefined }}|{{ x|length }}|{{ x|list }}|{{ x|join }}|{{ x|string }}|{{ x|upper }}|{{ x|trim }}", "{{ x.y }}", "{{ x['y'] }}", "{{ x() }}", "{{ x + 1 }}", "{{ x|int }}", "{{ x|float }}", "{{ x|tojson }}", "{{ -x }}",
    "{% for i in x %}{{ i }}{% else %}none{% endfor %}", "{{ x|first }}|{{ x|sort }}|{{ x|map('upper')|list }}|{{ x|items|list }}", "{{ x|last }}", "{{ x|abs }}", "{{ x|round }}", "{{ x ~ 'a' }}", "{{ [x] }} {{ {'a': x} }}", "{{ x|default }}|{{ none|default('d') }}|{{ none|default('d', true) }}|{{ ''|default('e', boolean=true) }}",
    "{{ x is callable }} {{ x is sequence }} {{ x is iterable }} {{ x is mapping }} {{ x is string }} {{ x is none }}", "{% if x %}a{% else %}b{% endif %}", "{{ x|replace('a', 'b') }}|{{ x|e }}|{{ x|wordcount }}", "{{ x|indent }}", "{{ x|dictsort }}", "{{ x|reverse|list }}", "{{ (x or y) is undefined }}", "{{ x|sum }} {{ x|unique|list }} {{ x|batch(2)|list }}")
# Tests.
add("{{ 1 is odd }} {{ 2 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(4) }} {{ 1 is number }} {{ 1.5 is float }} {{ 1 is integer }} {{ true is integer }} {{ true is boolean }} {{ true is true }} {{ false is false }} {{ 1 is true }} {{ none is none }}",
    "{{ 'a' is string }} {{ [] is sequence }} {{ {} is mapping }} {{ {} is sequence }} {{ 'a' is iterable }} {{ 5 is iterable }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ '1' is lower }} {{ 'a' is in 'abc' }} {{ 1 is in [1] }} {{ 1 is not in [2] }}",
    "{{ 1 is eq 1 }} {{ 1 is equalto(2) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is lessthan 2 }} {{ 1 is le 1 }} {{ 2 is gt 1 }} {{ 2 is greaterthan 1 }} {{ 2 is ge 2 }}", "{{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ 'x' is escaped }} {{ ('x'|e) is escaped }}",
    "{{ range is callable }} {{ 'a'.upper is callable }} {{ 1 is callable }} {{ 1 is sameas 1 }} {{ none is sameas none }} {{ true is sameas true }} {{ [] is sameas [] }}", "{{ 1 is not odd }} {{ not 1 is odd }}", "{{ 1 is nope }}", "{% if false %}{{ 1 is nope }}{% endif %}ok", "{% if true %}{{ 1 is nope }}{% endif %}",
    "{{ 1 is odd is odd }}", "{{ 3 is odd and 2 is even or false }}", "{{ 'a' is odd }}", "{{ 1 is divisibleby 0 }}", "{{ 5 is in 5 }}", "{{ 'x' is string and 'y' is string }}", "{{ 1 is not none }} {{ none is not none }} {{ [1]|select('odd')|list is sequence }}", "{{ range(3) is sequence }} {{ {}.items() is sequence }} {{ {}.items() is iterable }}", "{{ 'a' is in x }}", "{{ [1] is in [[1]] }}", "{{ 3.5 is odd }} {{ -3 is odd }} {{ 2.0 is even }}")
# Filters on text.
add("{{ 'hello world'|title }} {{ \"it's o'neil-smith (a) {b} [c] <d>\"|title }} {{ 'hELLO'|capitalize }} {{ 'ß'|upper }} {{ 'İ'|lower|length }} {{ 'ΑΣ ΑΣ'|lower }} {{ 'ǆ'|title }}", "{{ '  a b '|trim }}| {{ 'xxaxx'|trim('x') }}| {{ 'a.b.c'|replace('.', '-', 1) }} {{ 'aaa'|replace('', '-') }} {{ 123|replace(2, 'x') }}",
    "{{ 'a'|center(5) }}| {{ 'ab'|center(5) }}| {{ 5|center(4) }}| {{ 'abc'|center(2) }}", "{{ 'a\nb\n\nc'|indent }}| {{ 'a\nb'|indent(2, true) }}| {{ 'a\n\nb'|indent(2, blank=true) }}| {{ 'a\nb'|indent('> ') }}| {{ 'a\n'|indent(1) }}|{{ ''|indent(3, true) }}|",
    "{{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9, True) }} {{ 'foo bar baz qux'|truncate(11) }} {{ 'foo bar baz qux'|truncate(11, False, '...', 0) }} {{ 'abc'|truncate(2, end='') }}|", "{{ 'abc'|truncate(1) }}", "{{ 'one two  three_four-five é'|wordcount }}", "{{ 'The quick brown-fox jumps over the lazy dog'|wordwrap(12) }}|{{ 'averyveryverylongword and more'|wordwrap(8) }}|{{ 'averylongword x'|wordwrap(5, false) }}|{{ 'a b\n\nc d'|wordwrap(2, wrapstring='/') }}|{{ 'well-known state-of-the-art em--dash'|wordwrap(10) }}|{{ 'well-known'|wordwrap(6, break_on_hyphens=false) }}",
    "{{ '<a href=\"x\">&</a>'|e }} {{ '<b>'|escape|e }} {{ ('<b>'|e)|forceescape }} {{ '<b>x</b> <!-- c -->  &amp; &eacute; &#233; &#x1F38B; &nope; &amp y &copy2'|striptags }} {{ '<i>'|safe }}", "{{ ('<a>'|e) + '<b>' }} {{ '<b>' + ('<a>'|e) }} {{ ('%s'|safe) % '<' }} {{ ('<a>'|safe) ~ '<' }} {{ ('a'|safe).join(['<', 'b']) }} {{ ['<', '>'|safe]|join(',') }} {{ ('x<'|safe)|replace('x', '<') }} {{ ('ab'|safe)[0] }} {{ ['a'|safe] }}",
    "{{ 'http://a.b/c?d=é&e=f g'|urlencode }} {{ {'a b': 1, 'c/d': 'é'}|urlencode }} {{ [('x', 1)]|urlencode }} {{ 5|urlencode }}", "{{ 'see http://example.com/a(b)?x=1, (www.foo.org) mail me@x.org or mailto:a@b.co. <https://1.2.3.4:80/p> example.com foo.bar'|urlize }}", "{{ 'http://example.com/long/path'|urlize(10, true, '_blank', 'me x') }} {{ 'tel:123 x'|urlize(extra_schemes=['tel:']) }}",
    "{{ {'class': 'a\"b', 'id': none, 'n': 1}|xmlattr }} {{ {'a': 1}|xmlattr(false) }} {{ {}|xmlattr }}|", "{{ {'a b': 1}|xmlattr }}", "{{ '%s-%05.2f-%x' | format('a', 3.14159, 255) }} {{ '%(a)s'|format(a=1) }} {{ 'x'|format }}", "{{ '%d'|format('a') }}", "{{ '%s %s'|format(1) }}", "{{ '%s'|format(1, 2) }}", "{{ 'abc'|list }} {{ 'abc'|reverse }} {{ 'abc'|first }} {{ 'abc'|last }} {{ ''|first }}| {{ 'abc'|length }} {{ 'ệ🎋'|length }} {{ 'abc'|count }}",
    "{{ 42|string }} {{ [1, 'a']|string|length }} {{ none|string }} {{ 'A'|lower }} {{ 5|upper }}", "{{ 'a'|nofilter }}", "{% if false %}{{ 'a'|nofilter }}{% endif %}fine", "{{ 1 if true else ('a'|nofilter) }}", "{% for x in [] %}{{ 'a'|nofilter }}{% endfor %}", "{{ 'a'|upper|lower|title }}", "{{ 'Ǆ ŉ ﬁ'|title }} {{ 'ŉ'|upper }} {{ 'ᾳ'|capitalize }}")
# Filters on numbers.
add("{{ 42.55|round }} {{ 42.55|round(1) }} {{ 42.55|round(1, 'floor') }} {{ 42.54|round(1, 'ceil') }} {{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 1234|round(-2) }} {{ 1250|round(-2) }} {{ 1350|round(-2) }} {{ 5|round }} {{ 5.0|round|int }} {{ -2.5|round }} {{ 1e20|round(-3) }}", "{{ 5|round(method='ceil') }} {{ 5.1|round(0, 'ceil') }} {{ 5|round(1, 'x') }}",
    "{{ '42'|int }} {{ '42.9'|int }} {{ 'x'|int }} {{ 'x'|int(-1) }} {{ '0x1f'|int(base=16) }} {{ '101'|int(0, 2) }} {{ none|int }} {{ [1]|int }} {{ 3.99|int }} {{ -3.99|int }} {{ true|int }} {{ ' 7 '|int }} {{ '1_000'|int }} {{ '٣'|int }} {{ 'inf'|int }} {{ '1e3'|int }}", "{{ '4.5'|float }} {{ 'x'|float }} {{ 'x'|float(1.5) }} {{ 3|float }} {{ 'inf'|float }} {{ 'nan'|float }} {{ ' 1e5 '|float }} {{ none|float }} {{ '1_0.5'|float }} {{ '0x10'|float }}",
    "{{ -5|abs }} {{ (-5)|abs }} {{ -5.5|abs }} {{ true|abs }}", "{{ 'a'|abs }}", "{{ 0|filesizeformat }} {{ 1|filesizeformat }} {{ 1000|filesizeformat }} {{ 1024|filesizeformat(true) }} {{ 123456789|filesizeformat }} {{ 1e30|filesizeformat }} {{ '5000'|filesizeformat }} {{ 999.9|filesizeformat }} {{ -5|filesizeformat }}", "{{ 'x'|filesizeformat }}", "{{ [1, 2, 3]|sum }} {{ [1.5, 2]|sum }} {{ [[1], [2]]|sum(start=[]) }} {{ []|sum }} {{ [{'a': 1}, {'a': 2}]|sum('a') }} {{ [{'a': 1}]|sum(attribute='a', start=10) }}", "{{ ['a']|sum }}")
# Filters on sequences.
add("{{ [3, 1, 2]|sort }} {{ [3, 1, 2]|sort(true) }} {{ ['b', 'A', 'c']|sort }} {{ ['b', 'A', 'c']|sort(case_sensitive=true) }} {{ 'hello'|sort }} {{ {'b': 1, 'a': 2}|sort }}", "{{ [1, 'a']|sort }}", "{{ u|sort(attribute='n')|map(attribute='n')|join(',') }} {{ u|sort(attribute='a.b,n')|map(attribute='n')|list }} {{ u|sort(reverse=true, attribute='n')|map(attribute='n')|list }}",
    "{{ {'b': 1, 'A': 3, 'c': 2}|dictsort }} {{ {'b': 1, 'A': 3}|dictsort(true) }} {{ {'b': 1, 'A': 3}|dictsort(by='value', reverse=true) }}", "{{ {'b': 1}|dictsort(by='x') }}", "{% for k, g in u|groupby('n') %}{{ k }}={{ g|length }};{% endfor %}{{ (u|groupby('n'))[0].grouper }} {{ (u|groupby('n'))|first }}", "{{ u|groupby('zz', default='d')|map('first')|list }} {{ ['a', 'B', 'A']|groupby('x') }}"[:52] + "",
    "{{ ['a', 'B', 'A', 'b', 1, 1.0]|unique|list }} {{ ['a', 'A']|unique(true)|list }} {{ u|unique(attribute='n')|map(attribute='n')|list }}", "{{ [[1]]|unique|list }}", "{{ [1, 5, 3]|max }} {{ [1, 5, 3]|min }} {{ ['a', 'B']|max }} {{ []|max }}| {{ u|max(attribute='n') }}", "{{ [1, 2, 3, 4, 5]|batch(2)|list }} {{ [1, 2, 3]|batch(2, 'x')|list }} {{ []|batch(2)|list }} {{ [1, 2]|batch(0)|list }}", "{{ [1, 2, 3, 4, 5]|slice(2)|list }} {{ [1, 2, 3]|slice(2, 'x')|list }} {{ [1]|slice(3)|list }}", "{{ [1]|slice(0)|list }}",
    "{{ ['a', 'b']|map('upper')|list }} {{ [1, 2]|map('string')|join('-') }} {{ u|map(attribute='q', default='-')|list }} {{ u|map(attribute='a.b')|list }} {{ [[1, 2], [3]]|map('first')|list }} {{ ['a']|map('replace', 'a', 'b')|list }} {{ [[3, 1]]|map('sort', reverse=true)|list }}", "{{ [1]|map|list }}", "{{ [1]|map('nope')|list }}", "{{ [1]|map(attribute='a', x=1)|list }}", "{% set m = [1]|map('nope') %}lazy",
    "{{ [0, 1, 2, 3]|select|list }} {{ [1, 2, 3]|select('odd')|list }} {{ [1, 2, 3]|reject('odd')|list }} {{ [1, 2, 3]|select('gt', 1)|list }} {{ u|selectattr('n')|list|length }} {{ u|selectattr('n', 'equalto', 2)|list|length }} {{ u|rejectattr('n', 'in', [1, 2])|list }} {{ [1]|select('==', 1)|list }}", "{{ u|selectattr|list }}", "{{ [1]|select('nope')|list }}", "{{ [1, 2]|join(', ') }} {{ [1, [2], none]|join }} {{ u|join('|', attribute='n') }} {{ 'abc'|join('-') }} {{ {'a': 1, 'b': 2}|join(',') }} {{ [1,2]|join(3) }}", "{{ 5|join }}",
    "{{ [1, 2]|first }} {{ [1, 2]|last }} {{ []|first }}| {{ {'a': 1}|first }} {{ (1, 2)|last }} {{ range(5)|last }} {{ {'a': 1, 'b': 2}|last }} {{ [1, 2]|map('string')|first }}", "{{ [1]|map('string')|last }}", "{{ [1, 2, 3]|reverse|list }} {{ (1, 2)|reverse|list }} {{ [1,2]|map('string')|reverse }} {{ {'a': 1, 'b': 2}|reverse|list }}", "{{ 5|reverse }}", "{{ {'a': 1}|list }} {{ {'a': 1}|items|list }} {{ range(3)|list }} {{ 5|list }}", "{{ [1]|items|list }}", "{{ [1, 2]|length }} {{ {'a': 1}|length }} {{ range(4)|length }}", "{{ 5|length }}", "{{ [1]|map('string')|length }}",
    "{{ [3,1,2]|sort|first }} {{ [1,2,3]|random in [1,2,3] }} {{ []|random }}|", "{{ [1,2,3]|pprint }} {{ {'b': 1, 'a': [1, 2]}|pprint }} {{ 'x'|pprint }}", "{{ (range(60)|list)|pprint }}", "{{ {'key': 'v' * 50, 'other': ['w' * 40, 'z' * 40, {'deep': (1,)}]}|pprint }}", "{{ ('word ' * 40)|pprint }}", u=[{"n": 2, "a": {"b": 1}}, {"n": 1, "a": {"b": 2}}, {"n": 2, "a": {"b": 0}}])
# tojson.
add("{{ d|tojson }}", "{{ d|tojson(indent=2) }}", "{{ d|tojson(indent=0) }}", "{{ d|tojson(ensure_ascii=true) }}", "{{ d|tojson(separators=(',', ':')) }}", "{{ d|tojson(sort_keys=true) }}", "{{ d|tojson(indent='\t') }}", "{{ [1.0, 1e100, 1e-7, none, true, 'a\"\\\\/\\b\\f\\n\\r\\t\\x01\\x7f<>&\\''] | tojson }}", "{{ (1, (2,))|tojson }} {{ {1: 2, none: 3, true: 4, 1.5: 5}|tojson }} {{ []|tojson(indent=2) }} {{ {}|tojson(indent=2) }} {{ [[], {}]|tojson(indent=1) }}",
    "{{ range(3)|tojson }}", "{{ {(1, 2): 3}|tojson }}", "{{ x|tojson }}", "{{ ('a'|safe)|tojson }} {{ ('nan'|float)|tojson }} {{ ('-inf'|float)|tojson }} {{ 'é🎋\u2028'|tojson }} {{ 'é🎋'|tojson(ensure_ascii=true) }}", "{{ d|tojson(true, 1) }}", "{{ d.items()|tojson }}", d={"b": "é <x>", "a": [1, 2.5, None, True, {"k": "v"}], "big": 18446744073709551615, "e": [], "o": {}})
# Methods of str.
add("{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.rsplit(' ', 1) }} {{ 'a  b c '.rsplit(none, 1) }} {{ 'abc'.split('x') }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a b c'.split(maxsplit=1) }} {{ 'aXbXc'.rsplit('X', maxsplit=1) }}", "{{ 'a'.split('') }}", "{{ ' x '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xya'.lstrip('yx') }}|{{ 'a\n\n'.rstrip('\n') }}|{{ ' a'.lstrip() }}|{{ 'éaé'.strip('é') }}",
    "{{ 'abc'.startswith('a') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith('b', 1) }} {{ 'abc'.endswith('b', 0, 2) }} {{ 'abc'.startswith('') }} {{ 'abc'.startswith('', 4) }}", "{{ 'abc'.startswith(1) }}", "{{ 'abcabc'.find('c') }} {{ 'abc'.find('z') }} {{ 'abcabc'.rfind('c') }} {{ 'abcabc'.index('b', 2) }} {{ 'éàé'.find('é', 1) }} {{ 'aaa'.count('a') }} {{ 'aaaa'.count('aa') }} {{ 'abc'.count('') }} {{ 'abcabc'.rindex('a') }} {{ 'abc'.find('') }} {{ 'abc'.rfind('') }}", "{{ 'abc'.index('z') }}",
    "{{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('-') }} {{ 'abc'.rpartition('-') }} {{ 'a\nb\r\nc\x0bd\u2028e'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }} {{ 'ab'.ljust(4, '.') }} {{ 'ab'.rjust(4) }} {{ 'ab'.center(5, '*') }} {{ '42'.zfill(5) }} {{ '-42'.zfill(5) }} {{ 'a\tb'.expandtabs(4) }} {{ 'a\tb'.expandtabs() }}",
    "{{ 'Hello'.swapcase() }} {{ 'hello wORLD'.title() }} {{ \"they're\".title() }} {{ 'hELLO'.capitalize() }} {{ 'ß'.casefold() }} {{ 'ΣΑΣ'.lower() }} {{ 'ﬀ'.upper() }} {{ 'abc'.upper().lower() }}", "{{ 'abc'.isalpha() }} {{ '12'.isdigit() }} {{ '²'.isdigit() }} {{ '²'.isdecimal() }} {{ '½'.isnumeric() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'Ab Cd'.istitle() }} {{ 'ab'.islower() }} {{ 'AB1'.isupper() }} {{ 'a b'.isidentifier() }} {{ 'x1'.isidentifier() }} {{ 'a\n'.isprintable() }} {{ ''.isalpha() }} {{ ''.isprintable() }} {{ 'é'.isascii() }}",
    "{{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.txt'.removesuffix('.txt') }} {{ 'abc'.replace('b', 'X') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.replace('', '-') }} {{ 'abc'.translate({97: 'X', 98: none}) }} {{ 'abc'.translate('a'.maketrans('ab', 'xy')) }} {{ ','.join(['a', 'b']) }} {{ ''.join([]) }}", "{{ ','.join([1]) }}", "{{ 'abc'.replace('a') }}", "{{ 'a'.nope() }}", "{{ 'a'.upper(1) }}", "{{ 'ab'.center(5, 'xy') }}", "{{ 'é'.encode() is defined }}"[:0] + "{{ 'abc'.find('b', -2) }} {{ 'abc'.count('b', 0, 1) }}")
# Formatting.
add("{{ '{} {}'.format(1, 'a') }} {{ '{1} {0}'.format(1, 2) }} {{ '{a}'.format(a=1) }} {{ '{0[1]} {a.b}'.format([1, 2], a={'b': 3}) }} {{ '{!r} {!s}'.format('a', 'b') }} {{ '{{}}'.format() }} {{ '{:>5}|{:<5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd') }} {{ '{:05d} {:+d} {: d} {:,} {:_}'.format(42, 42, 42, 1234567, 1234567) }}",
    "{{ '{:.2f} {:8.3f} {:e} {:g} {:%} {:.1%}'.format(3.14159, 2.5, 12345.678, 0.00001, 0.5, 0.123) }} {{ '{:x} {:#x} {:b} {:o} {:X} {:c} {:#b}'.format(255, 255, 5, 8, 255, 65, 5) }} {{ '{:10.3}|{:.2}'.format('abcdef', 'xyz') }} {{ '{:{w}.{p}f}'.format(3.14159, w=8, p=2) }} {{ '{:,.2f}'.format(1234567.891) }} {{ '{:010,}'.format(1234) }} {{ '{:=+6}'.format(5) }} {{ '{:.3}'.format(1234.5) }} {{ '{:g}'.format(1e20) }} {{ '{:.0f}'.format(0.5) }} {{ '{:n}'.format(5) }} {{ '{:}'.format(1.0) }} {{ '{:5}'.format(1.5) }} {{ '{:<5}|'.format(true) }}",
    "{{ '{} {0}'.format(1) }}", "{{ '{'.format() }}", "{{ '}'.format() }}", "{{ '{}'.format() }}", "{{ '{a}'.format() }}", "{{ '{:d}'.format('a') }}", "{{ '{:s}'.format(1) }}", "{{ '{:.2d}'.format(1) }}", "{{ '{:>5}'.format(none) }}", "{{ '{0.__class__}|'.format('x') }}", "{{ '{:q}'.format(1) }}", "{{ '{a[b][0]}'.format_map({'a': {'b': [7]}}) }}",
    "{{ '%s %r %d %i %5d|%-5d|%05d|%+d' % ('a', 'b', 1, 2, 3, 4, 5, 6) }} {{ '%.2f %e %g %G %x %X %o %#x %c %c %%' % (1.5, 12345.6, 0.0001, 1e10, 255, 255, 8, 255, 'a', 66) }} {{ '%5.1f|%-8s|%.2s' % (3.14159, 'ab', 'abcdef') }} {{ '%*d' % (5, 42) }} {{ '%(a)s %(b)05d' % {'a': 1, 'b': 2} }} {{ '%s' % [1, 2] }} {{ '%s' % none }} {{ '%d' % 3.9 }} {{ '%s' % ((1, 2),) }} {{ '%x' % -255 }} {{ '%.3d' % 5 }} {{ '% d' % 5 }}", "{{ '%d' % 'a' }}", "{{ '%s %s' % 'a' }}", "{{ '%s' % (1, 2) }}", "{{ '%q' % 1 }}", "{{ '%' % 1 }}", "{{ 'a' % 1 }}", "{{ 'a' % {} }} {{ 'a' % [] }} {{ 'a' % () }}", "{{ '%x' % 1.5 }}", "{{ '%(a)s' % 1 }}", "{{ '%s%%' % 50 }} {{ '100%%' % () }}", "{{ '%s' % x }}|", "{{ '%c' % 'ab' }}", "{{ '%s and %s' % ('<a>'|e, '<b>') }}")
# Statements.
add("{% for x in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(x // 2) }};{% endfor %}", "{% for x in [] %}a{% else %}empty{% endfor %}", "{% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }}{% endfor %}", "{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}", "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% for a, b in [(1,)] %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}",
    "{% for x in [1, 2, 3, 4] if x is even %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% endfor %}", "{% for x in [1, 2, 3] %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% else %}e{% endfor %}", "{% for x in [1] %}{% break %}{% else %}else after break{% endfor %}", "{% for x in [1] %}{% continue %}{% else %}else after continue{% endfor %}", "{% break %}", "{% for x in 5 %}{% endfor %}",
    "{% for n in t recursive %}{{ n.v }}{% if n.c %}({{ loop(n.c) }}){% endif %}{{ loop.depth }}{{ ',' if not loop.last }}{% endfor %}", "{% for n in t recursive %}{{ n.v }}{{ loop(n.c) if n.c }}{% else %}-{% endfor %}", "{% for x in [1] %}{{ loop([2]) }}{% endfor %}", "{% for x in [1,2] %}{% for y in [3,4] %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}", "{% for x in [1,2] %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ loop.index }}{{ y }} {% endfor %}{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "{% if false %}{% set y = 2 %}{% endif %}{{ y }}|", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}", "{% set a, b = [1] %}", "{% set ns = namespace(a=1, b=[]) %}{% set ns.a = ns.a + 1 %}{{ ns.a }}{{ ns }}{{ ns.missing }}|{{ ns['a'] }}", "{% set ns = namespace({'x': 1}, y=2) %}{{ ns.x }}{{ ns.y }}", "{% set ns = namespace() %}{% set ns._x = 1 %}", "{% set d = {} %}{% set d.x = 1 %}", "{% set q.x = 1 %}", "{% set ns = namespace(a=0,b=0) %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}", "{% set x %}a{{ 1 }}b{% endset %}{{ x }}{{ x|length }}", "{% set x | upper | replace('A', 'z') %}abc{% endset %}{{ x }}", "{% set x %}{% for i in [1,2] %}{% set z = i %}{{ z }}{% endfor %}{% endset %}{{ x }}{{ z }}|", "{% set 1 = 2 %}", "{% set none = 2 %}", "{% set loop = 1 %}{{ loop }}", "{% for x in [1] %}{% set loop = 2 %}{% endfor %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}|", "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}|", "{% filter upper %}a{{ 'b' }}{% endfilter %}", "{% filter replace('a', 'b')|upper %}aaa{% endfilter %}", "{% for x in [1,2,3] %}{% filter upper %}a{% if x == 2 %}{% break %}{% endif %}{% endfilter %}{{ x }}{% endfor %}", "{% print 1, 2, 'a' %}", "{% if 1 %}a{% elif 2 %}b{% else %}c{% endif %}", "{% if 0 %}a{% elif 2 %}b{% elif 3 %}d{% else %}c{% endif %}", "{% if 0: %}a{% else %}c{% endif %}", "{% if 1, %}t{% endif %}", "{% generation %}abc{{ 1 }}{% endgeneration %}!", "{% for x in [1,2] %}{% generation %}{{ x }}{{ loop.index }}{% endgeneration %}{% endfor %}", "{% for x in [1] %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
    "{% autoescape true %}{{ '<a>' }}{{ '<b>'|safe }}{% endautoescape %}{{ '<c>' }}", "{% autoescape false %}{{ '<a>' }}{% endautoescape %}", "{% block a %}x{{ 1 }}{% endblock %}", "{% block a %}x{% endblock a %}{{ self.a() }}", "{% set v = 1 %}{% block a %}{{ v }}{% endblock %}", "{% for i in [1,2] %}{% block a %}{{ i }}{% endblock %}{% endfor %}|", "{% for i in [1,2] %}{% block b scoped %}{{ i }}{{ loop.index }}{% endblock %}{% endfor %}", "{% block a %}{% endblock %}{% block a %}{% endblock %}", "{% block a required %}{% endblock %}", "{{ super() }}", "{% block a %}{{ super() }}{% endblock %}", "{% include 'x' %}", "{% if false %}{% include 'x' %}{% endif %}ok", "{% import 'x' as y %}", "{% extends 'x' %}", "{% from 'x' import y %}", "{% if false %}{% from 'x' import y as z, w with context %}{% endif %}ok", "{% do 1 %}", "{% nope %}", "{% endif %}", "{% if 1 %}", "{% for x in y", "{{ 1", "{{ }}", "{% %}", "{{ 1 2 }}", "{{ ) }}", "{{ (1 }}", "{{ [1) }}", "{{ a b }}", "{{ 1 + }}", "{{ | x }}", "{% for in x %}{% endfor %}", "{% for x y %}{% endfor %}", "{# unclosed", "{% raw %} unclosed", "{{ 'a' ! }}", "{{ a..b }}", "{{ 1 = 2 }}", "{{ a[ }}", "{{ {1} }}", "{{ {1: } }}", "{% set x %}{% endfor %}", "{% macro %}{% endmacro %}", "{{ $ }}", "{{ a? }}", "{{ f(a=1, 2) }}", "{{ f(*a, 1) }}", "{{ f(a=1, a=2) }}", "{{ x is }}", "{% if %}{% endif %}",
    t=[{"v": 1, "c": [{"v": 2, "c": [{"v": 3}]}, {"v": 4}]}, {"v": 5}])
# Macros and calls.
add("{% macro m(a, b='B', c) %}{% endmacro %}", "{% macro m(a, b='B') %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=1, a=2) }}{{ m() }}|{{ m(*[7, 8]) }}{{ m(**{'a': 9}) }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(z=2) }}", "{% macro m(a) %}{{ varargs }}{{ kwargs }}{{ a }}{% endmacro %}{{ m(1, 2, 3, k=4) }}", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}x{% endcall %}", "{% macro m() %}{{ caller(1, b=2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}{{ b }}{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}", "{% macro m(caller=none) %}{{ caller() if caller else 'no' }}{% endmacro %}{{ m() }}{% call m() %}y{% endcall %}", "{% macro m(caller) %}{{ caller }}{% endmacro %}", "{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}", "{% macro m() %}x{% endmacro %}{{ m }} {{ m.name }} {{ m.arguments }} {{ m.catch_kwargs }} {{ m.catch_varargs }} {{ m.caller }}", "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}", "{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}|", "{% for i in [1,2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{{ m() }}{% macro m() %}{% endmacro %}", "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(3) }}", "{% macro m(a=b, b=1) %}{{ a }}|{{ b }}{% endmacro %}{{ m() }}", "{% macro m(x) %}{% for i in x %}{{ loop.index }}{{ i }}{% endfor %}{% endmacro %}{% for q in [1] %}{{ m([1, 2]) }}{{ loop.index }}{% endfor %}", "{% macro m() %}{{ q }}{% endmacro %}{% set q = 3 %}{{ m() }}", "{% macro m() %}{{ z }}{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ a|upper }}{% endmacro %}{{ ['a','b']|map('upper')|list }}{{ m('x')|length }}", "{% macro outer() %}{% macro inner() %}i{% endmacro %}{{ inner() }}o{% endmacro %}{{ outer() }}", "{% if true %}{% macro m() %}in if{% endmacro %}{% endif %}{{ m() }}", "{% call range(3) %}{% endcall %}", "{% call 1 %}{% endcall %}", "{% macro m(kwargs) %}{{ kwargs }}{% endmacro %}{{ m(1) }}", "{% macro m() %}{% set caller = 1 %}{{ caller }}{% endmacro %}{{ m() }}", "{% macro l(xs) %}{% for x in xs %}{% if x is iterable and x is not string %}[{{ l(x) }}]{% else %}{{ x }}{% endif %}{% endfor %}{% endmacro %}{{ l([1, [2, [3]], 'ab']) }}", z="ctx")
# Globals.
add("{{ range(5)|list }} {{ range(1, 6, 2)|list }} {{ range(5, 0, -2)|list }} {{ range(3) }} {{ range(1,3) }} {{ range(0,9,3) }} {{ range(3)[1] }} {{ range(3).start }} {{ range(0)|list }}", "{{ range(100001) }}", "{{ range(1.5) }}", "{{ range('a') }}", "{{ range(1, 2, 0) }}", "{{ dict(a=1, b=2) }} {{ dict([('x', 1)]) }} {{ dict({'a': 1}, b=2) }} {{ dict.fromkeys(['a'], 1) }} {{ dict() }}", "{{ dict([1]) }}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}", "{{ cycler() }}", "{% set j = joiner(', ') %}{{ j() }}a{{ j() }}b{{ j() }}{{ joiner()() }}|", "{{ raise_exception('stop') }}", "{{ strftime_now('%Y-%m-%d %H:%M:%S %a %A %b %B %d %j %p %y %I %w %U %W %V %G %u %e %D %F %T %R %C %h %n%t%%') }}", "{{ strftime_now('%-d %-m %f %c %x %X %s'[:14]) }}", "{{ namespace }}"[:0] + "{{ range is defined }} {{ lipsum is defined }} {{ nope is defined }}", "{{ strftime_now(1) }}", "{{ range() }}", "{{ (range(3)|list) + [range(2)] }}", "{{ dict(a=1).a }} {{ dict(a=1)['a'] }}")
# Scoping.
add("{% set x = 0 %}{% for i in [1] %}{{ x }}{% set x = 5 %}{{ x }}{% for j in [1] %}{{ x }}{% set x = 6 %}{{ x }}{% endfor %}{{ x }}{% endfor %}{{ x }}", "{% for i in [1,2,3] %}{% if i == 2 %}{% set f = i %}{% endif %}{{ f }},{% endfor %}", "{% if a %}{% set b = 1 %}{% else %}{% set b = 2 %}{% endif %}{{ b }}", "{% if a %}{% set c = 1 %}{% endif %}{{ c }}", "{{ c }}{% set c = 9 %}{{ c }}", "{% set c = c ~ 'x' %}{{ c }}", "{% for c in [1] %}{{ c }}{% endfor %}{{ c }}", "{% for i in c %}{{ i }}{% set c = 'new' %}{{ c }}{% endfor %}{{ c }}", "{% with c = c ~ '!' %}{{ c }}{% endwith %}", "{% set m = 1 %}{% macro m() %}x{% endmacro %}{{ m() }}", "{% for x in [1,2] if x > y %}{{ x }}{% endfor %}", "{% for x in [3] if loop is defined %}{{ x }}{% endfor %}", "{% for i in [1] %}{% for i in [2] %}{{ i }}{% endfor %}{{ i }}{% endfor %}", "{% set ns = namespace(f=none) %}{% macro g() %}g{{ y }}{% endmacro %}{% set ns.f = g %}{{ ns.f() }}", "{% for x in [0, 1, 2] if x %}{{ loop.previtem }}{{ x }}{{ loop.nextitem }};{% endfor %}", "{% for k, v in [['a', 1], ['b', 2]] if v > 1 %}{{ k }}{{ loop.first }}{% endfor %}", "{% set ns = namespace(n=0) %}{% for x in [1,2,3,4] if x > ns.n %}{% set ns.n = x + 1 %}{{ x }}{% endfor %}", "{% set ns = namespace(x=1) %}{% for i in [1] %}{% set ns = namespace(x=2) %}{% set ns.x = 3 %}{% endfor %}{{ ns.x }}", y=1, c="ctx", a=False)

NAMES = ["a", "b", "s", "t", "n", "f", "l", "d", "m", "u", "nope", "z", "e"]
CONTEXT = {"a": 3, "b": -2, "s": "Hello World", "t": " tre já măng 🎋 ", "n": None, "f": 2.5, "l": [3, 1, 2], "d": {"x": 1, "y": "two", "k": [1]},
           "m": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo", "n": 2}], "u": [["a", 1], ["b", 2]], "z": 0, "e": ""}
TEXT_FILTERS = ["upper", "lower", "title", "capitalize", "trim", "length", "list", "first", "last", "reverse", "string", "e", "striptags", "urlencode", "wordcount", "int", "float",
                "center(9)", "replace('l', 'L')", "replace('o', '')", "truncate(7)", "truncate(6, true, '..', 0)", "indent(2)", "indent(1, true)", "default('D')", "default('D', true)", "tojson", "pprint", "sort|join", "unique|join",
                "batch(3)|list", "slice(2)|list", "wordwrap(4)", "join('-')", "map('upper')|join", "select|list", "format(1)", "count", "safe", "forceescape", "abs", "round", "max", "min", "sum"]
LIST_FILTERS = ["length", "first", "last", "sort", "sort(reverse=true)", "reverse|list", "join(',')", "list", "unique|list", "max", "min", "sum", "tojson", "tojson(indent=1)", "map('string')|list", "map('int')|join", "select('odd')|list", "reject('odd')|list", "select('number')|list",
                "batch(2)|list", "batch(2, 0)|list", "slice(2, none)|list", "string", "default([])", "pprint", "items|list", "dictsort", "groupby(0)", "map(attribute='role')|list", "selectattr('n', 'defined')|list", "map(attribute='n', default=0)|sum", "rejectattr('n')|list", "random is defined", "count", "e", "sort(attribute='0')"]
NUMBER_FILTERS = ["abs", "round", "round(1)", "round(1, 'floor')", "round(-1)", "int", "float", "string", "tojson", "default(1)", "filesizeformat", "length", "e", "upper", "list"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable", "odd", "even", "true", "false", "lower", "upper", "callable", "in [1, 2, 3]", "in s", "in d", "eq 1", "gt 1", "lt 'a'", "divisibleby 2", "sameas none", "ne none", "escaped"]
STR_METHODS = ["upper()", "lower()", "strip()", "split()", "split('o')", "split(' ', 1)", "rsplit(' ', 1)", "startswith('H')", "endswith('d ')", "find('l')", "replace('l', 'r')", "title()", "count('l')", "lstrip('H ')", "rstrip()", "partition(' ')", "rpartition('o')", "splitlines()", "zfill(14)", "center(17, '*')", "isalpha()", "join(['1', '2'])", "format(1)", "index('z')", "capitalize()", "swapcase()", "isupper()", "casefold()", "removeprefix('He')", "encode"]
DICT_METHODS = ["items()|list", "keys()|list", "values()|list", "get('x')", "get('q', 5)", "copy()", "update({})", "items", "x", "y", "q", "k[0]", "x.y"]


class Maker:
    """Random expressions and statements; kinds are only a lean, so that many expressions work and some do not."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.vars = []

    def pick(self, options):
        return self.r.choice(options)

    def literal(self):
        return self.pick(["0", "1", "2", "-1", "7", "10", "2.5", "0.1", "-3.0", "1e3", "true", "false", "none", "''", "'a'", "'abc'", "'Xin chào'", "'x y  z'", "\"it's\"", "[]", "[1, 2, 3]", "['b', 'a']", "[1, 'a', none]", "(1, 2)", "()", "{}", "{'x': 1}", "{'b': 2, 'a': [1]}", "range(4)", "'%s'", "'{}'", "'<b>'", "[[1, 2], [3, 4]]", "1000000", "'1.5'", "'42'", "[0.5, 1]"])

    def text(self, depth):
        if depth <= 0:
            return self.pick(["s", "t", "'abc'", "'A-b c'", "e", "'é'"])
        k = self.r.randrange(6)
        if k == 0:
            return f"{self.text(depth - 1)}|{self.pick(TEXT_FILTERS)}"
        if k == 1:
            return f"{self.text(depth - 1)}.{self.pick(STR_METHODS)}" if self.r.random() < 0.5 else f"({self.text(depth - 1)}).{self.pick(STR_METHODS)}"
        if k == 2:
            return f"({self.text(depth - 1)} ~ {self.expr(depth - 1)})"
        if k == 3:
            return f"{self.atom('text')}[{self.slice_()}]"
        if k == 4:
            return f"('{self.pick(['%s', '%r', '%5s|', '%-4s|', '%d', '%05.1f', '%x', '%s-%s'])}' % {self.expr(depth - 1)})"
        return f"'{self.pick(['{}', '{:>6}', '{:.2f}', '{!r}', '{0}', '{:,}', '{:05}', '{:^7}'])}'.format({self.expr(depth - 1)})"

    def atom(self, kind):
        return {"text": lambda: self.pick(["s", "t", "'abcdef'"]), "list": lambda: self.pick(["l", "m", "u", "[5, 6, 7]"])}[kind]()

    def slice_(self):
        part = lambda: self.pick(["", "", "1", "2", "-1", "-2", "0", "5", "none"])
        return f"{part()}:{part()}" + (f":{self.pick(['1', '2', '-1', '-2', ''])}" if self.r.random() < 0.4 else "")

    def number(self, depth):
        if depth <= 0:
            return self.pick(["a", "b", "f", "z", "1", "2", "0.5", "10"])
        k = self.r.randrange(4)
        if k == 0:
            return f"({self.number(depth - 1)}|{self.pick(NUMBER_FILTERS)})"
        if k == 1:
            return f"(-{self.number(depth - 1)})"
        if k == 2:  # small exponents: Python would compute a power of a million digits
            return f"({self.number(depth - 1)} ** {self.pick(['2', '3', '0', '-1', '0.5', 'b', 'a'])})"
        return f"({self.number(depth - 1)} {self.pick(['+', '-', '*', '/', '//', '%'])} {self.number(depth - 1)})"

    def sequence(self, depth):
        if depth <= 0:
            return self.pick(["l", "m", "u", "d", "[1, 2, 3]", "range(3)", "(4, 5)"])
        k = self.r.randrange(5)
        if k == 0:
            return f"{self.sequence(depth - 1)}|{self.pick(LIST_FILTERS)}"
        if k == 1:
            return f"{self.atom('list')}[{self.slice_()}]"
        if k == 2:
            return f"[{', '.join(self.expr(depth - 1) for _ in range(self.r.randrange(4)))}]"
        if k == 3:
            return f"({self.sequence(depth - 1)} + {self.sequence(depth - 1)})"
        return "{" + ", ".join(f"'{self.pick('xyzk')}': {self.expr(depth - 1)}" for _ in range(self.r.randrange(3))) + "}"

    def expr(self, depth=3):
        k = self.r.randrange(16)
        if depth <= 0 or k == 0:
            return self.pick([self.literal(), self.pick(NAMES), self.pick(self.vars) if self.vars else self.literal()])
        if k <= 2:
            return self.text(depth)
        if k <= 4:
            return self.number(depth)
        if k <= 6:
            return self.sequence(depth)
        if k == 7:
            return f"({self.expr(depth - 1)} {self.pick(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'and', 'or'])} {self.expr(depth - 1)})"
        if k == 8:
            return f"({self.expr(depth - 1)} is {self.pick(['', '', 'not '])}{self.pick(TESTS)})"
        if k == 9:
            return f"({self.expr(depth - 1)} if {self.expr(depth - 1)}" + (f" else {self.expr(depth - 1)})" if self.r.random() < 0.8 else ")")
        if k == 10:
            return f"(not {self.expr(depth - 1)})"
        if k == 11:
            return f"d.{self.pick(DICT_METHODS)}"
        if k == 12:
            return f"{self.pick(['l', 'm', 'u', 's', 'd', 'n'])}[{self.pick(['0', '-1', '1', '5', repr('x'), repr('role'), self.expr(0)])}]"
        if k == 13:
            return f"m[{self.pick('01')}].{self.pick(['role', 'content', 'n', 'missing', 'content|upper'])}"
        if k == 14:
            return f"({self.expr(depth - 1)}|{self.pick(TEXT_FILTERS + LIST_FILTERS + NUMBER_FILTERS)})"
        return f"({self.expr(depth - 1)} {self.pick(['+', '-', '*', '~', '/', '//', '%'])} {self.expr(depth - 1)})"

    def space(self):
        return self.pick(["", "", "", " ", "\n", "\n  ", "  ", "x", "\n\n"])

    def tag(self, body):
        return "{%" + self.pick(["", "", "-", "-", "+"]) + f" {body} " + self.pick(["", "", "-", "-", "+"]) + "%}"

    def out(self, depth=2):
        return "{{" + self.pick(["", "", "-"]) + f" {self.expr(depth)} " + self.pick(["", "", "-"]) + "}}"

    def body(self, depth, in_loop=False):
        return self.space() + self.space().join(self.statement(depth, in_loop) for _ in range(self.r.randrange(1, 4))) + self.space()

    def statement(self, depth, in_loop=False):
        k = self.r.randrange(15)
        if depth <= 0 or k < 5:
            return self.out()
        if k == 5:
            name = self.pick(["v", "w", "a", "s"])
            self.vars.append(name)
            return self.tag(f"set {name} = {self.expr(2)}")
        if k == 6:
            return self.tag(f"if {self.expr(2)}") + self.body(depth - 1, in_loop) + (self.tag(f"elif {self.expr(1)}") + self.body(depth - 1, in_loop) if self.r.random() < 0.3 else "") + (self.tag("else") + self.body(depth - 1, in_loop) if self.r.random() < 0.5 else "") + self.tag("endif")
        if k in (7, 8):
            target = self.pick(["i", "i", "i", "k, v", "a"])
            iterable = {"k, v": "d.items()"}.get(target) or self.sequence(1)
            condition = f" if {self.expr(1)}" if self.r.random() < 0.25 else ""
            self.vars.append("i")
            inner = self.body(depth - 1, True)
            if self.r.random() < 0.6:
                inner += "{{ loop." + self.pick(["index", "index0", "first", "last", "length", "revindex", "previtem", "nextitem", "cycle('p', 'q')", "changed(i)", "depth"]) + " }}"
            otherwise = self.tag("else") + self.body(depth - 1) if self.r.random() < 0.3 else ""
            return self.tag(f"for {target} in {iterable}{condition}") + inner + otherwise + self.tag("endfor")
        if k == 9 and in_loop:
            return self.tag(f"if {self.expr(1)}") + self.tag(self.pick(["break", "continue"])) + self.tag("endif")
        if k == 10:
            name = self.pick(["mac", "mac2"])
            text = self.tag(f"macro {name}({self.pick(['', 'p', 'p, q=1', 'p=none, q=p'])})") + self.body(depth - 1) + self.pick(["", "{{ p }}", "{{ caller() if caller }}", "{{ varargs }}{{ kwargs }}"]) + self.tag("endmacro")
            return text + "{{ " + f"{name}({self.pick(['', '1', 's, 2', 'q=5', 'p=l'])})" + " }}"
        if k == 11:
            return self.tag(f"filter {self.pick(['upper', 'trim', 'length', 'indent(2)', 'title'])}") + self.body(depth - 1, in_loop) + self.tag("endfilter")
        if k == 12:
            self.vars.append("blk")
            return self.tag("set blk" + self.pick(["", " | upper", " | trim"])) + self.body(depth - 1, in_loop) + self.tag("endset")
        if k == 13:
            return self.tag(f"with w = {self.expr(1)}, q = {self.expr(1)}") + self.body(depth - 1, in_loop) + "{{ w }}{{ q }}" + self.tag("endwith")
        return self.tag(f"set ns = namespace(c={self.expr(1)})") + self.tag(f"for i in {self.sequence(0)}") + self.tag(f"set ns.c = {self.pick(['ns.c ~ i', 'i', 'loop.index', 'ns.c + 1'])}") + self.tag("endfor") + "{{ ns.c }}"


def random_template(seed):
    maker = Maker(seed)
    template = maker.body(3) if seed % 3 else maker.out(3)
    used = {name: CONTEXT[name] for name in CONTEXT if name in template}
    return template, used


def hostile_templates():
    """A thousand templates that try to take too long, too much memory, too deep a stack, or more than text."""
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}%s{% endfor %}{% endfor %}"
    bodies = ["", "x", "{{ a }}", "{% set x = 'y' * 1000 %}", "{{ 'a' * 100000 }}", "{% set ns.l = ns.l + ns.l %}", "{{ ns.s|length }}{% set ns.s = ns.s ~ ns.s %}",
              "{{ range(99999)|list|sort|join }}", "{{ 'ab' * 50000 in 'a' * 100000 }}", "{{ (('a' * 200000) ~ 'b')|replace('aab', 'c')|length }}", "{{ ns.l|string|length }}",
              "{% set ns.d = {'a': ns.d, 'b': ns.d} %}{{ ns.d == ns.d }}", "{% set ns.d = [ns.d, ns.d] %}", "{{ ns.d|tojson|length }}", "{{ [[ns.l] * 100] * 100 }}", "{{ ('x ' * 100000).split()|length }}",
              "{{ '%s' % ('a' * 1000000) }}", "{{ '{:>1000000}'.format(1) }}", "{{ 'a'.center(10000000)|length }}", "{{ ('é' * 100000)[50000] }}", "{{ ('ab' * 100000).rfind('ba' * 50000) }}",
              "{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('a') }}", "{% set ns.l = ns.l + [ns.l] %}", "{{ ns.l|pprint|length }}", "{{ ('word ' * 10000)|wordwrap(7)|length }}", "{{ ('(' * 100000)|urlize|length }}",
              "{{ ('&lt;' * 50000)|striptags|length }}", "{{ ('A' * 100000)|title|lower|length }}", "{{ range(99999)|map('string')|list|unique|list|length }}", "{{ range(99999)|batch(3)|list|length }}", "{{ range(99999)|groupby(0) }}",
              "{{ ('a' * 100000)|list|length }}", "{{ {'k': 'v' * 100000}|urlencode|length }}", "{{ ('a\\n' * 100000)|indent(100)|length }}", "{{ ['x'] * 1000000 }}", "{{ (range(99999)|list) * 100 }}", "{{ ('abc' * 10000).replace('', 'x' * 1000) }}",
              "{{ ('a,' * 100000).split(',')|length }}", "{{ ('a' * 100000).translate({97: 'b' * 1000}) }}", "{{ ('a' * 1000).join(['b'] * 100000) }}", "{{ 7 ** 1000000 }}", "{{ 3.7|round(300) }}{{ '%.9999f' % 0.1 }}", "{{ dict(ns.d or {}, **{'k' ~ b: 1}) }}"]
    out = []
    for i, body in enumerate(bodies):
        start = "{% set ns = namespace(l=[1, 2], s='ab', d={}) %}"
        out += [start + loops.replace("%s", body), start + "{% for b in range(99999) %}" + body + "{% endfor %}", start + body * 200]
    for depth in (10, 100, 200, 1000, 10000, 50000):
        out += ["{{ " + "(" * depth + "1" + ")" * depth + " }}", "{{ " + "[" * depth + "]" * depth + " }}", "{{ " + "{'a':" * depth + "1" + "}" * depth + " }}", "{{ " + "not " * depth + "1 }}", "{{ " + "-" * depth + "1 }}",
                "{{ " + "1 + " * depth + "1 }}", "{{ " + "'a' ~ " * depth + "'b' }}", "{{ 'a'" + "|upper" * depth + " }}", "{{ a" + ".b" * depth + " }}", "{{ a" + "[0]" * depth + " }}", "{{ f" + "()" * depth + " }}", "{{ " + "1 if 1 else " * depth + "2 }}",
                "{% if 1 %}" * depth + "{% endif %}" * depth, "{% for x in [1] %}" * depth + "x" + "{% endfor %}" * depth, "{% macro m() %}" * depth + "{% endmacro %}" * depth, "{% set x %}" * depth + "{% endset %}" * depth, "{% filter upper %}" * depth + "{% endfilter %}" * depth,
                "{% with %}" * depth + "{% endwith %}" * depth, "{% if 0 %}" + "{% elif 0 %}" * depth + "{% endif %}", "{{ " + "1 < " * depth + "2 }}", "{{ " + "1 and " * depth + "2 }}", "{{ " + "x is defined is " * depth + "y }}", "{{" * depth, "{%" * depth, "{#" * depth, "{{ '" + "\\" * depth, "{% raw %}" * depth, "a" * depth + "{{", "{{ " + "a," * depth + " }}", "{{ f(" + "a=1," * depth + ") }}",
                "".join(f"{{% set v{i} = {i} %}}" for i in range(min(depth, 20000))), "".join(f"{{% if v{i} %}}{{% set v{i} = 1 %}}{{% endif %}}" for i in range(min(depth, 20000))), "{{ " + "{**" * depth, "{{ x" + "|default(" * depth + "1" + ")" * depth + " }}"]
    recursion = ["{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% macro f(x) %}{{ g(x) }}{% endmacro %}{% macro g(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
                 "{% block a %}{{ self.a() }}{% endblock %}", "{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}", "{% set ns = namespace() %}{% set ns.l = [ns] %}{{ ns.l }}", "{% set ns = namespace(d=[]) %}{% for i in range(99999) %}{% set ns.d = [ns.d] %}{% endfor %}{{ ns.d }}", "{% set ns = namespace(d=[]) %}{% for i in range(99999) %}{% set ns.d = [ns.d] %}{% endfor %}{{ ns.d == ns.d }}{{ ns.d == [ns.d] }}",
                 "{% set ns = namespace(d=()) %}{% for i in range(99999) %}{% set ns.d = (ns.d,) %}{% endfor %}{{ {ns.d: 1} }}", "{% set ns = namespace(d={}) %}{% for i in range(50000) %}{% set ns.d = {'a': ns.d} %}{% endfor %}{{ ns.d|tojson }}", "{% set ns = namespace(d=[]) %}{% for i in range(60) %}{% set ns.d = [ns.d, ns.d] %}{% endfor %}{{ ns.d|tojson }}", "{% set ns = namespace(d=[]) %}{% for i in range(60) %}{% set ns.d = [ns.d, ns.d] %}{% endfor %}{% set ns.e = [] %}{% for i in range(60) %}{% set ns.e = [ns.e, ns.e] %}{% endfor %}{{ ns.d == ns.e }}{{ ns.d < ns.e }}",
                 "{% macro f(n) %}{% if n %}" + "{% for i in [1] %}" * 20 + "{{ f(n - 1) }}" + "{% endfor %}" * 20 + "{% endif %}{% endmacro %}{{ f(180) }}", "{% macro f(x) %}" + "{{ (" * 1 + "[" * 60 + "f(x)" + "]" * 60 + ")" + " }}{% endmacro %}{{ f(1) }}"]
    out += recursion * 3
    escapes = ["''.__class__.__mro__[1].__subclasses__()", "namespace.__init__.__globals__", "range.__class__", "cycler.__init__.__globals__.os.popen('id').read()", "self.__init__.__globals__", "lipsum.__globals__['os']", "dict.__base__", "raise_exception.__globals__", "strftime_now.__globals__", "joiner.__init__", "''|attr('__class__')",
               "('%c' % 95) ~ '_class__'", "''[('_' * 2) ~ 'class' ~ '__']", "[]|map(attribute='__class__')|list", "'{0.__class__}'.format(1)", "'{0[__class__]}'.format({})", "x.__import__('os')", "config", "request", "open('/etc/passwd')", "import('os')", "get_flashed_messages", "url_for", "loop.__class__", "caller.__globals__", "(1).__add__", "''.format_map({})", "[1].sort()", "{}.pop('a')", "[].append(1)"]
    for e in escapes:
        out += ["{{ " + e + " }}", "{% set x = " + e + " %}{{ x }}", "{% for x in " + e + " %}{{ x }}{% endfor %}", "{% if " + e + " %}{{ 1 }}{% endif %}", "{% macro m(x=" + e + ") %}{{ x }}{% endmacro %}{{ m() }}"]
    r = random.Random(7)
    alphabet = ["{{", "}}", "{%", "%}", "{#", "#}", "-", "+", " ", "\n", "for", "in", "if", "endif", "endfor", "set", "x", "=", "'", '"', "(", ")", "[", "]", "{", "}", "|", ".", ",", "1", "0x", "1e9", "~", "*", "**", "//", "is", "not", "macro", "call", "raw", "endraw", "\\", "é", "\x00", "🎋", "filter", "block", "range(9)", "loop", "%"]
    while len(out) < 1000:
        out.append("".join(r.choice(alphabet) + r.choice(["", " "]) for _ in range(r.randrange(1, 200))))
    return out[:1000]
