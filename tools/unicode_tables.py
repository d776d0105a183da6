#!/usr/bin/env python3
"""Writes src/text/unicode_data.h and .cpp: the Unicode properties that tokenizers depend on.

    pip install unicodedata2==16.0.0 tokenizers==0.23.3 fonttools regex
    python tools/unicode_tables.py src/text/unicode_data

General categories are Unicode 16 (unicodedata2), which is what the regular expressions of Hugging Face's tokenizers
(Oniguruma) use; the script checks that. The other parts of that library carry tables of other Unicode versions
(normalization, punctuation, numbers, lower case), so these are read off its behaviour, character by character:
what matters is to split a text as the model's training did.
"""
import sys

import regex
import unicodedata2 as ucd
from fontTools.unicodedata import Scripts
from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
TEXT = "".join(map(chr, CODE_POINTS))
CATEGORIES = ["Cn", "Cc", "Cf", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "No", "Pc",
              "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"]


def oniguruma(pattern):
    """The code points that a class of the regular expression engine contains."""
    drop = normalizers.Replace(Regex("[^%s]" % pattern), "")
    return {ord(c) for i in range(0, len(TEXT), 4096) for c in drop.normalize_str(TEXT[i:i + 4096])}


def splits(pre_tokenizer):
    """The code points at which a pre-tokenizer cuts 'a?a'."""
    found = set()
    for c in CODE_POINTS:
        pieces = pre_tokenizer.pre_tokenize_str("a" + chr(c) + "a")
        if len(pieces) != 1 or len(pieces[0][0]) != 3:
            found.add(c)
    return found


def ranges(members):
    out = []
    for c in sorted(members):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def array(name, type_, values, comment):
    lines, line = [], ""
    for v in values:
        item = "%d," % v
        if len(line) + len(item) > 116:
            lines.append(line)
            line = ""
        line += item
    lines.append(line)
    return "// %s\nextern const %s %s[%d] = {\n  %s\n};\n" % (comment, type_, name, len(values), "\n  ".join(lines))


def range_array(name, members, comment):
    return array(name, "uint32_t", [x for r in ranges(members) for x in r], comment + " (first, last, …)")


def categories():
    by_category = {}
    packed, previous = [], None
    for c in range(0x110000):
        category = "Cs" if 0xD800 <= c <= 0xDFFF else ucd.category(chr(c))
        by_category.setdefault(category, set()).add(c)
        if category != previous:
            packed.append(c << 5 | CATEGORIES.index(category))
            previous = category
    for category, members in by_category.items():
        if category != "Cs" and oniguruma("\\p{%s}" % category) != members:
            raise SystemExit("the regular expression engine disagrees on " + category)
    return packed, by_category


def scripts():
    names, members = [], {}
    for name in sorted(set(Scripts.NAMES.values())):
        try:
            found = oniguruma("\\p{%s}" % name)
        except Exception:
            continue  # a script younger than the engine
        if name != "Unknown" and found:
            names.append(name)
            members[name] = found
    script_of = {c: i + 1 for i, name in enumerate(names) for c in members[name]}
    packed, previous = [], 0
    for c in range(0x110000):
        script = script_of.get(c, 0)
        if script != previous:
            packed.append(c << 8 | script)
            previous = script
    return names, packed


def case_classes():
    """Sets of characters that match each other under (?i), and the strings longer than one that fold together."""
    lower = normalizers.Lowercase()
    groups = {}
    for c in CODE_POINTS:
        ch = chr(c)
        key = ch.casefold()
        if len(key) != 1:
            key = lower.normalize_str(ch)
        if len(key) == 1:
            key = lower.normalize_str(key)
            if len(key) == 1:
                groups.setdefault(key, set()).update([ch, key])
    classes = []
    for key, group in sorted(groups.items()):
        if len(group) < 2:
            continue
        text = "".join(sorted(group))
        same = {ch for ch in text if not normalizers.Replace(Regex("(?i:%s)" % key), "").normalize_str(ch)}
        if len(same) > 1:
            classes.append(sorted(map(ord, same)))
    expansions = sorted({chr(c).casefold() for c in CODE_POINTS if len(chr(c).casefold()) > 1})
    return classes, expansions


def normalization():
    nfd, nfkd, nfc = normalizers.NFD(), normalizers.NFKD(), normalizers.NFC()
    canonical, compatible, combining, compositions = [], [], [], []
    for c in CODE_POINTS:
        ch = chr(c)
        if 0xAC00 <= c <= 0xD7A3:
            continue  # Hangul is computed
        d, k = nfd.normalize_str(ch), nfkd.normalize_str(ch)
        if d != ch:
            canonical.append((c, d))
        if k != d:
            compatible.append((c, k))
        ccc = ucd.combining(ch)
        if ccc:
            known = nfd.normalize_str(ch + "\u0334") != ch + "\u0334" if ccc > 1 else (
                nfd.normalize_str("\u0301" + ch) != "\u0301" + ch)
            if known:
                combining.append((c, ccc))
        parts = ucd.decomposition(ch).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (int(p, 16) for p in parts)
            if nfc.normalize_str(chr(first) + chr(second)) == ch:
                compositions.append((first, second, c))
    return canonical, compatible, combining, sorted(compositions)


def mapping(name, pairs, comment):
    """code point << 5 | length, then the code points it becomes."""
    values = [x for c, s in pairs for x in [c << 5 | len(s)] + list(map(ord, s))]
    return array(name, "uint32_t", values, comment)


def lower_case():
    lower = normalizers.Lowercase()
    return [(c, lower.normalize_str(chr(c))) for c in CODE_POINTS if lower.normalize_str(chr(c)) != chr(c)]


def grapheme_breaks():
    names = ["Control", "Extend", "Prepend", "SpacingMark", "L", "V", "T", "LV", "LVT", "Regional_Indicator", "ZWJ"]
    kind = {}
    for i, name in enumerate(names):
        for m in regex.finditer(r"\p{Grapheme_Cluster_Break=%s}" % name, TEXT):
            kind[ord(m.group())] = i + 1
    for m in regex.finditer(r"\p{Extended_Pictographic}", TEXT):
        kind[ord(m.group())] = 12
    packed, previous = [], 0
    for c in range(0x110000):
        k = kind.get(c, 0)
        if c in (0x0D, 0x0A):
            k = 1
        if k != previous:
            packed.append(c << 5 | k)
            previous = k
    conjunct = {}
    for i, name in enumerate(["Linker", "Consonant", "Extend"]):
        for m in regex.finditer(r"\p{Indic_Conjunct_Break=%s}" % name, TEXT):
            conjunct[ord(m.group())] = i + 1
    conjuncts, previous = [], 0
    for c in range(0x110000):
        k = conjunct.get(c, 0)
        if k != previous:
            conjuncts.append(c << 2 | k)
            previous = k
    return packed, conjuncts


def main(path):
    category_table, by_category = categories()
    word = oniguruma("\\w")
    letters = set().union(*(m for k, m in by_category.items() if k[0] in "LM" or k in ("Nd", "Pc")))
    if not letters <= word:
        raise SystemExit("\\w does not contain L, M, Nd and Pc")
    script_names, script_table = scripts()
    classes, expansions = case_classes()
    canonical, compatible, combining, compositions = normalization()
    strip_accents = normalizers.StripAccents()
    marks = {c for c in CODE_POINTS if strip_accents.normalize_str("a" + chr(c)) == "a"}
    breaks, conjuncts = grapheme_breaks()
    parts = [
        "// Generated by tools/unicode_tables.py; do not edit. Sources and Unicode versions are explained there.\n"
        "#include \"text/unicode_data.h\"\n\nnamespace mang::unicode_data {\n",
        array("kCategories", "uint32_t", category_table, "first code point << 5 | general category"),
        array("kScripts", "uint32_t", script_table, "first code point << 8 | script, 0: none"),
        "// Script names, from 1.\nextern const char* const kScriptNames[%d] = {\n%s\n};\n" % (
            len(script_names), ",\n".join('  "%s"' % n for n in script_names)),
        range_array("kOtherWord", word - letters, "\\w besides letters, marks, Nd and Pc"),
        range_array("kNumeric", splits(pre_tokenizers.Digits(True)), "numbers, for Digits"),
        range_array("kPunctuation", splits(pre_tokenizers.Punctuation()), "for Punctuation"),
        range_array("kCombiningMarks", marks, "for StripAccents"),
        mapping("kLowerCase", lower_case(), "lower case: code point << 5 | length, then what it becomes"),
        array("kCaseClasses", "uint32_t", [x for c in classes for x in [len(c)] + c],
              "characters equal under (?i): count, members"),
        mapping("kCaseExpansions", [(0, e) for e in expansions], "strings that one character folds to: length, characters"),
        mapping("kCanonical", canonical, "full canonical decompositions: code point << 5 | length, characters"),
        mapping("kCompatible", compatible, "full compatibility decompositions where they differ, the same way"),
        array("kCombiningClasses", "uint32_t", [c << 8 | k for c, k in combining], "code point << 8 | combining class"),
        array("kCompositions", "uint32_t", [x for t in compositions for x in t], "first, second, composed; sorted"),
        array("kGraphemeBreaks", "uint32_t", breaks, "first code point << 5 | grapheme cluster break"),
        range_array("kWide", {c for c in CODE_POINTS if ucd.east_asian_width(chr(c)) in "WF"}, "two columns wide"),
        array("kConjuncts", "uint32_t", conjuncts, "first code point << 2 | Indic conjunct break"),
        "}  // namespace mang::unicode_data\n",
    ]
    with open(path + ".cpp", "w", encoding="utf-8") as out:
        out.write("\n".join(parts))
    header = [
        "// Generated by tools/unicode_tables.py; do not edit. Contents are described in unicode_data.cpp.",
        "#pragma once", "", "#include <cstdint>", "", "namespace mang::unicode_data {", ""
    ]
    for part in parts:
        for line in part.splitlines():
            if line.startswith("extern const"):
                header.append(line.split(" = ")[0] + ";")
    header += ["", "}  // namespace mang::unicode_data", ""]
    with open(path + ".h", "w", encoding="utf-8") as out:
        out.write("\n".join(header))


if __name__ == "__main__":
    main(sys.argv[1])
