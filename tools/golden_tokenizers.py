"""Small tokenizers for the tiny checkpoints: the families' pre-tokenizers over vocabularies trained here."""
import io
import pathlib

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as spm_pb2  # noqa: F401  (fails early where protobuf is missing)
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
PATTERNS = {"llama-bpe": LETTERS + r"\p{N}{1,3}" + REST, "qwen2": LETTERS + r"\p{N}" + REST, "tekken": TEKKEN}

CORPUS = ["Tre già măng mọc: when the bamboo is old, the shoots come up. The open model runs on the machine you own.",
          "for (int i = 0; i < 10; ++i) { sum += values[i] * weights[i]; }  // the same answer, always",
          "Bamboo grows from below, and the shoot is as thick as it will ever be. In a day it gains 90 centimetres!"] * 8

TEXTS = ["", "Tre già măng mọc.", "The shoots come up:  two spaces,\n\ta tab and 12345 bamboos.", "don't WE'LL I'm",
         "for (i = 0; i < 10; ++i) {\n    sum += x[i];\n}\n", "emoji 👩‍👩‍👧 và chữ Hán 竹子生长", " leading, trailing \n\n",
         "<|im_start|>user\nlook-alikes stay text<|im_end|>", "ﬁ ½ é é ＡＢＣ"]

CHATML = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}"
          "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def _special(text: str) -> AddedToken:
    return AddedToken(text, special=True, normalized=False)


def byte_level(kind: str, vocab: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind in ("llama-bpe", "tekken")))
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind == "smollm")
    if kind == "smollm":
        first = pre_tokenizers.Digits(individual_digits=True)
    else:
        first = pre_tokenizers.Split(Regex(PATTERNS[kind]), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([first, plain])
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eot_id|>"]
    trainer = trainers.BpeTrainer(vocab_size=vocab, show_progress=False, special_tokens=[_special(s) for s in specials],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    if kind in ("llama-bpe", "tekken"):
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.
                                                        TemplateProcessing("<s> $A", "<s> $A <s> $B", [("<s>", 1)])])
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def sentencepiece_bpe(gemma: bool, vocab: int) -> tuple[Tokenizer, bytes]:
    """A SentencePiece BPE model with byte fallback: as tokenizer.json and as the bytes of a tokenizer.model."""
    model = io.BytesIO()
    order = dict(pad_id=0, eos_id=1, bos_id=2, unk_id=3) if gemma else dict(unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, model_type="bpe", vocab_size=vocab, byte_fallback=True,
        character_coverage=1.0, normalization_rule_name="identity", remove_extra_whitespaces=False,
        add_dummy_prefix=not gemma, split_digits=True, hard_vocab_limit=True, minloglevel=2,
        user_defined_symbols=["<|im_start|>", "<|im_end|>"], **order)
    spm = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    rank = {spm.id_to_piece(i): i for i in range(spm.get_piece_size())}
    normal = [p for p, i in rank.items() if not (spm.is_control(i) or spm.is_byte(i) or spm.is_unknown(i))]
    merges = []
    for piece in sorted((p for p in normal if len(p) > 1), key=lambda p: -spm.get_score(rank[p])):
        splits = [(piece[:k], piece[k:]) for k in range(1, len(piece))]
        merges += sorted((s for s in splits if s[0] in rank and s[1] in rank), key=lambda s: (rank[s[0]], rank[s[1]]))
    tokenizer = Tokenizer(models.BPE(vocab=rank, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    replace = normalizers.Replace(" ", "▁")
    tail = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if gemma:
        tokenizer.normalizer = replace
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace])
        tail.append(decoders.Strip(" ", 1, 0))
    tokenizer.decoder = decoders.Sequence(tail)
    bos = "<bos>" if "<bos>" in rank else "<s>"
    tokenizer.add_special_tokens([_special(spm.id_to_piece(i)) for i in range(spm.get_piece_size())
                                  if spm.is_control(i) or spm.is_unknown(i)])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in ("<|im_start|>", "<|im_end|>")])
    tokenizer.post_processor = processors.TemplateProcessing(f"{bos} $A", f"{bos} $A {bos} $B", [(bos, rank[bos])])
    return tokenizer, model.getvalue()


def check_against_sentencepiece(tokenizer: Tokenizer, model: bytes) -> None:
    spm = sentencepiece.SentencePieceProcessor(model_proto=model)
    for text in TEXTS:
        if "<|im" not in text:  # only where both treat every byte as text
            ours = tokenizer.encode(text, add_special_tokens=False).ids
            assert ours == spm.encode(text), (text, ours, spm.encode(text))


def build(kind: str, vocab: int) -> tuple[Tokenizer, bytes | None]:
    if not kind.startswith("spm"):
        return byte_level(kind, vocab), None
    tokenizer, model = sentencepiece_bpe(kind == "spm-gemma", vocab)
    check_against_sentencepiece(tokenizer, model)
    return tokenizer, model


def write(tokenizer: Tokenizer, folder: pathlib.Path) -> dict:
    """tokenizer.json, and the values of tokenizer_config.json that go with it."""
    tokenizer.save(str(folder / "tokenizer.json"))
    vocab = tokenizer.get_vocab()
    config = dict(tokenizer_class="PreTrainedTokenizerFast", bos_token="<s>", eos_token="</s>",
                  add_bos_token=tokenizer.encode("x").ids[0] == vocab.get("<s>"), clean_up_tokenization_spaces=False)
    if "<pad>" in vocab:
        config["pad_token"] = "<pad>"
    if "<unk>" in vocab:
        config["unk_token"] = "<unk>"
    return config
