#!/usr/bin/env python3
"""Writes the golden files of this folder: small tokenizers and what Hugging Face's library makes of texts with them.

    pip install tokenizers==0.23.3 sentencepiece
    python tests/golden/tokenizers/make.py

NAME.json         a tokenizer (tools/synthetic_tokenizers.py)
NAME.cases.jsonl  a text a line: {"text", "plain": ids with control tokens as text, "special": … as tokens,
                  "added": … and with BOS and the like, "decoded": of "added", "skipped": … without control tokens}
regex.jsonl       a pattern a line with texts and their pieces under Split(pattern, isolated)
normalize.jsonl   texts in the four normalization forms
unicode.json      checksums (FNV-1a, 64 bits) over all characters of each property
"""
import json
import os
import random
import sys

os.environ["TOKENIZERS_PARALLELISM"] = "false"
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "tools"))

from tokenizers import Regex, normalizers, pre_tokenizers  # noqa: E402

import synthetic_tokenizers  # noqa: E402
from tokenizer_corpus import Generator  # noqa: E402

CASES = 90

# Beyond the published patterns: one of each feature of the syntax.
PATTERNS = list(synthetic_tokenizers.PATTERNS.values()) + synthetic_tokenizers.DEEPSEEK + [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"\d{1,3}(?=(?:\d{3})*\b)", r"(?=(\d{3})+(?!\d))", r"a+b|a", r"(?:a|aa)+b", r"a*?b", r"a+?", r"a??b", r".{2,3}?",
    r"(a|ab)(c|bcd)", r"(?>a+)b", r"a++b|a", r"a*+a|b", r"\w+\b", r"\b", r"\B.", r"^\w+", r"\w+$", r"(?m:^.)|\s$".replace("(?m:^.)", "^."),
    r"\A.", r".\z", r".\Z", r"[[:space:]]+|[[:digit:]]", r"[^[:space:]]+", r"\p{^L}+", r"\P{L}", r"\p{Han}|\p{Latin}+|\p{Arabic}+",
    r"[\p{L}&&[^a-z]]+", r"[a-c[x-z]]+", r"[^a-c[x-z]]+", r"(?<=a)b", r"(?<!a)b", r"(?=a).", r"(?!a).", r"(?=ab|b).{1,2}",
    r"(?i:abc)+|(?i)x|Y", r"(?i:[a-f]+)", r"\h+", r"\H+", r"\S+\s?", r"\x41|\x{1F600}|\u00e9", r"[\x41-\x43]", r"\n|\r\n?|\t",
    r"x{2}|y{2,}|z{,2}|w{1,2}+", r"(?:ab){2,3}", r"(?:ab)*c", r"(?:a?b)+", r"[\]\-\\^]+", r"[a\-z]+", r"[-a]+", r"[a-]+",
    r"\.\?\*\+\(\)\[\]\{\}\|\/", r"é+|ế+|[à-ỹ]+", r"(?:[^\s]+\s)*?\d", r"\p{Ll}(?=\p{Lu})|\p{Lu}+", r"\p{Sc}\p{Nd}+(?:\.\p{Nd}{2})?",
    r"[\p{Lu}\p{Lt}]?[\p{Ll}]+|\p{M}+", r"\s*?\S", r"(\s|x)+?y", r"\w+(?='\w)|'\w+", r"[ -~]+", r"(?:\p{L}\p{M}*)+",
]


def fnv(chunks):
    value = 0xCBF29CE484222325
    for chunk in chunks:
        for byte in chunk:
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return "%016x" % value


def write_lines(name, rows):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n")


def tokenizer_cases(tokenizer, seed):
    vocab = tokenizer.get_vocab()
    pieces = [p for p in (tokenizer.decode([i], skip_special_tokens=False) for i in sorted(vocab.values())) if p]
    generator = Generator(seed, pieces, [t.content for t in tokenizer.get_added_tokens_decoder().values()])
    for i in range(CASES):
        text = generator.text()[:300] if i else ""
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        added = tokenizer.encode(text, add_special_tokens=True).ids
        if i % 3 == 0:
            added = added + [generator.random.choice(list(vocab.values())) for _ in range(6)]
        yield {"text": text, "plain": plain, "special": tokenizer.encode(text, add_special_tokens=False).ids,
               "added": tokenizer.encode(text, add_special_tokens=True).ids, "ids": added,
               "decoded": tokenizer.decode(added, skip_special_tokens=False),
               "skipped": tokenizer.decode(added, skip_special_tokens=True)}


def regex_cases():
    generator = Generator(7)
    alphabet = list("aabbccxyzwABCD  \n'1234567890.,-é") + ["ế", "中", "\r\n", "\u0301", "😀", "Ω", "٣", "'s", "ab", "abcd", "$1.50"]
    for pattern in PATTERNS:
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        cases = []
        for i in range(24):
            r = generator.random
            text = generator.text()[:120] if i % 2 else "".join(r.choice(alphabet) for _ in range(r.randint(1, 24)))
            cases.append([text, [piece for piece, _ in split.pre_tokenize_str(text)]])
        yield {"pattern": pattern, "cases": cases}


def forms():
    return {"NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD()}


def normalize_cases():
    generator = Generator(11)
    r = random.Random(5)
    marks = ["\u0301", "\u0323", "\u0307", "\u0344", "\u0345", "\u0334", "\u093c", "\u05b0", "\u1161", "\u11a8", "\u3099"]
    for i in range(250):
        text = generator.text()[:80]
        if i % 2:
            text = "".join(c + "".join(r.choice(marks) for _ in range(r.randint(0, 3))) for c in text[:20])
        yield {"text": text, **{name: n.normalize_str(text) for name, n in forms().items()}}


def unicode_sums():
    points = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

    def flags(predicate):
        return fnv([bytes(1 if predicate(chr(c)) else 0 for c in points)])

    def members(pattern):
        drop = normalizers.Replace(Regex("[^%s]" % pattern), "")
        text = "".join(map(chr, points))
        found = {c for i in range(0, len(text), 4096) for c in drop.normalize_str(text[i:i + 4096])}
        return flags(lambda c: c in found)

    def cuts(pre_tokenizer):
        return flags(lambda c: [p for p, _ in pre_tokenizer.pre_tokenize_str("a" + c + "a")] != ["a" + c + "a"])

    accents, lower = normalizers.StripAccents(), normalizers.Lowercase()
    sums = {name: fnv(n.normalize_str(chr(c)).encode() for c in points) for name, n in forms().items()}
    sums.update({
        "space": members(r"\s"), "word": members(r"\w"), "letter": members(r"\p{L}"), "mark": members(r"\p{M}"),
        "number": members(r"\p{N}"), "han": members(r"\p{Han}"), "digits": cuts(pre_tokenizers.Digits(True)),
        "punctuation": cuts(pre_tokenizers.Punctuation()), "white": cuts(pre_tokenizers.WhitespaceSplit()),
        "accent": flags(lambda c: accents.normalize_str("a" + c) == "a"),
        "lower": fnv(lower.normalize_str(chr(c)).encode() for c in points),
    })
    return sums


def main():
    for seed, (name, tokenizer) in enumerate(synthetic_tokenizers.build_all(size=700).items()):
        tokenizer.save(os.path.join(HERE, name + ".json"), pretty=False)
        write_lines(name + ".cases.jsonl", tokenizer_cases(tokenizer, seed))
    write_lines("regex.jsonl", regex_cases())
    write_lines("normalize.jsonl", normalize_cases())
    with open(os.path.join(HERE, "unicode.json"), "w", encoding="utf-8") as out:
        json.dump(unicode_sums(), out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
