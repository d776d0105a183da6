"""Small tokenizers trained with Hugging Face's trainers, one for each pipeline that published models use and several
that they could. They stand in for vocabularies that cannot be installed as packages.

    build_all() → {name: tokenizers.Tokenizer}
"""
import base64
import io
import json

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_corpus import CODE, EMOJI, SENTENCES

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
TAIL = r"\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
LOWER = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
LEAD = r"[^\r\n\p{L}\p{N}]?"
PATTERNS = {
    "llama3": CONTRACTIONS + "|" + LEAD + r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL,
    "qwen2": CONTRACTIONS + "|" + LEAD + r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL,
    "o200k": f"{LEAD}[{UPPER}]*[{LOWER}]+{CONTRACTIONS}?|{LEAD}[{UPPER}]+[{LOWER}]*{CONTRACTIONS}?"
             r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + TAIL,
    "tekken": f"{LEAD}[{UPPER}]*[{LOWER}]+|{LEAD}[{UPPER}]+[{LOWER}]*"
              r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + TAIL,
    "kimi": r"[\p{Han}]+|" + f"{LEAD}[{UPPER}&&[^\\p{{Han}}]]*[{LOWER}&&[^\\p{{Han}}]]+{CONTRACTIONS}?"
            f"|{LEAD}[{UPPER}&&[^\\p{{Han}}]]+[{LOWER}&&[^\\p{{Han}}]]*{CONTRACTIONS}?"
            r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL,
    "qwen35": CONTRACTIONS + "|" + LEAD + r"[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + TAIL,
    "bailing": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    "exaone": r"(?:'[sS]|'[tT])|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+",
}
DEEPSEEK = [
    r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*"
    "|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
]
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def corpus():
    return [s for group in SENTENCES.values() for s in group] * 2 + CODE + EMOJI


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_level(splits, size, ignore_merges=False, normalizer=None, use_regex=False, prefix_space=False, bos=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    steps = list(splits) + [pre_tokenizers.ByteLevel(add_prefix_space=prefix_space, use_regex=use_regex)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_special_tokens(CONTROL)
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False, special=False)])
    if bos:
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="<|im_start|> $A <|im_end|>", special_tokens=[
                (t, tokenizer.token_to_id(t)) for t in ("<|im_start|>", "<|im_end|>")])])
    return tokenizer


def sentencepiece_bpe(size, legacy, fuse=True):
    """As Llama 2 and Gemma: characters, spaces as U+2581, bytes for what is unknown."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse, byte_fallback=True))
    steps = [normalizers.Replace(" ", "▁")]
    tokenizer.normalizer = normalizers.Sequence(([normalizers.Prepend("▁")] if legacy else []) + steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, special_tokens=["<unk>", "<s>", "</s>"] + [
        "<0x%02X>" % b for b in range(256)], limit_alphabet=500)
    tokenizer.train_from_iterator(corpus(), trainer)
    data = json.loads(tokenizer.to_str())
    data["pre_tokenizer"] = None
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(data))
    chain = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(chain + ([decoders.Strip(" ", 1, 0)] if legacy else []))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[
        ("<s>", tokenizer.token_to_id("<s>"))])
    return tokenizer


def charsmap(rule):
    """The precompiled character map of a SentencePiece model trained with this normalization rule."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, vocab_size=1200, hard_vocab_limit=False,
        normalization_rule_name=rule, minloglevel=2, character_coverage=0.98)
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def unigram(size, normalizer, pre_tokenizer, bytes_=False, decoder=None):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    special = ["<unk>", "<s>", "</s>"] + (["<0x%02X>" % b for b in range(256)] if bytes_ else [])
    trainer = trainers.UnigramTrainer(vocab_size=size, show_progress=False, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(corpus(), trainer)
    data = json.loads(tokenizer.to_str())
    data["model"]["byte_fallback"] = bytes_
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.decoder = decoder or decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[
        ("</s>", tokenizer.token_to_id("</s>"))])
    return tokenizer


def precompiled(rule):
    data = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap(rule)).decode()}
    shell = json.loads(Tokenizer(models.BPE()).to_str())
    shell["normalizer"] = data
    return Tokenizer.from_str(json.dumps(shell)).normalizer


def with_added(tokenizer):
    """Added tokens with every flag."""
    for content, flags in [("[L]", {"lstrip": True}), ("[R]", {"rstrip": True}), ("[LR]", {"lstrip": True, "rstrip": True}),
                           ("word", {"single_word": True}), ("Größe", {"normalized": True}), ("ABC", {"normalized": True}),
                           ("é́", {"normalized": True, "single_word": True}), (" x ", {}), ("[L][R]", {"rstrip": True})]:
        tokenizer.add_tokens([AddedToken(content, special=False, **{"normalized": False, **flags})])
    tokenizer.add_special_tokens([AddedToken("[S]", lstrip=True, rstrip=True, special=True, normalized=False),
                                  AddedToken("<sPeCial>", special=True, normalized=True)])
    return tokenizer


def build_all(size=1500):
    meta = pre_tokenizers.Metaspace
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    n = normalizers
    p = pre_tokenizers
    out = {
        "gpt2": byte_level([], size, use_regex=True),
        "gpt2_prefix": byte_level([], size, use_regex=True, prefix_space=True),
        "smollm": byte_level([p.Digits(True)], size, use_regex=True),
        "deepseek3": byte_level([split(x) for x in DEEPSEEK], size),
        "llama3": byte_level([split(PATTERNS["llama3"])], size, ignore_merges=True, bos=True),
        "qwen2": byte_level([split(PATTERNS["qwen2"])], size, normalizer=n.NFC()),
        "o200k": byte_level([split(PATTERNS["o200k"])], size, ignore_merges=True),
        "tekken": byte_level([split(PATTERNS["tekken"])], size, ignore_merges=True),
        "glm4": byte_level([split(PATTERNS["llama3"])], size),
        "kimi": byte_level([split(PATTERNS["kimi"])], size, ignore_merges=True),
        "hunyuan": byte_level([split(PATTERNS["qwen2"])], size, ignore_merges=True, normalizer=n.NFC()),
        "qwen35": byte_level([split(PATTERNS["qwen35"])], size, normalizer=n.NFC()),
        "bailing": byte_level([split(PATTERNS["bailing"])], size),
        "cl100k": byte_level([split(PATTERNS["cl100k"])], size),
        "exaone": byte_level([split(PATTERNS["exaone"])], size),
        "spm_llama": sentencepiece_bpe(size, legacy=True),
        "spm_gemma": sentencepiece_bpe(size, legacy=False),
        "spm_unfused": sentencepiece_bpe(size, legacy=False, fuse=False),
        "unigram_xlmr": unigram(size, precompiled("nmt_nfkc"), p.Sequence([p.WhitespaceSplit(), meta()])),
        "unigram_t5": unigram(size, n.Sequence([precompiled("nmt_nfkc_cf"), n.Strip(False, True), n.Replace(Regex(" {2,}"), "▁")]),
                              meta(prepend_scheme="always")),
        "unigram_bytes": unigram(size, n.Sequence([n.Nmt(), n.NFKC(), spaces]), meta(prepend_scheme="first"), bytes_=True,
                                 decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(),
                                                            decoders.Fuse(), decoders.Strip(" ", 1, 0)])),
        "unigram_whole": unigram(size, n.Sequence([n.NFD(), n.StripAccents(), n.Lowercase()]), meta(split=False)),
        "added": with_added(byte_level([], size, use_regex=True, normalizer=n.Sequence([n.NFKD(), n.Lowercase()]))),
        "added_spm": with_added(sentencepiece_bpe(size, legacy=True)),
        "punctuation": unigram(size, n.NFKC(), p.Sequence([p.Whitespace(), p.Punctuation("merged_with_previous"), meta(prepend_scheme="first")])),
        "digits": unigram(size, n.Strip(), p.Sequence([p.Digits(False), p.Split(" ", "merged_with_next"), meta(prepend_scheme="never")])),
        "contiguous": unigram(size, n.Lowercase(), p.Sequence([split(r"\p{P}|\s", "contiguous"), split(r"[aeiou]+", "removed"),
                                                               split(r"\d+", "merged_with_next", True)])),
    }
    return out


if __name__ == "__main__":
    import sys
    for name, tokenizer in build_all().items():
        tokenizer.save("%s/%s.json" % (sys.argv[1], name))
