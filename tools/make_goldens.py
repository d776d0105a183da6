#!/usr/bin/env python3
"""Make the tiny seeded checkpoints of tests/golden with the logits their publishers' code gives.

usage: make_goldens.py --llama-cpp DIR [--out DIR] [--only family[/case],…] [--check]

tests/golden/<family>/<case>/ holds a Hugging Face directory (config.json, model.safetensors, tokenizer.json, …) and
  ids.json     the prompt
  logits.npy   float32 [prompt, vocab]: Hugging Face transformers, float32, eager attention, from the files as saved
  greedy.json  the 16 ids that follow the prompt when the largest logit is taken each time
  texts.json   [{text, ids, with_special}]: what the tokenizers library makes of a few strings
  model.gguf   the same weights by llama.cpp's convert_hf_to_gguf.py (absent where GGUF cannot hold the model: case.json)
  case.json    what the case is about
The prompt is chosen so that each winner of the greedy continuation leads by more than 2 % of the logits' standard
deviation, and that it is not one word over and over.

Made with torch 2.13.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, numpy 2.4.6, safetensors 0.8.0.
DIR is vendor/llama.cpp of the source package llama-cpp-python 0.3.36:
  pip download --no-deps --no-binary=:all: --no-build-isolation llama-cpp-python==0.3.36   (needs scikit-build-core)
--check makes nothing: it computes the logits of the files that are there and compares.
"""
import argparse
import json
import pathlib
import runpy
import shutil
import sys
import tempfile

import numpy as np
import torch

import golden_tokenizers
from golden_cases import CASES, Case

SEED = 20240611
GREEDY = 16
MIN_LEAD = 0.02  # of the logits' standard deviation
MIN_DIFFERENT = 6  # ids of the continuation: one that repeats itself would tell little
ROOT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"


def write_json(path: pathlib.Path, value, indent: int | None = None) -> None:
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")


def randomize(model: torch.nn.Module, gemma: bool, tied: bool, generator: torch.Generator) -> None:
    """Weights large enough that every branch shows in the logits: biases, norms, rotary at every distance. A tied
    embedding is kept small: it is what the last hidden state is compared with, and would make the model an echo."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "embed_tokens" in name and tied:
                parameter.copy_(noise * (1.0 / parameter.shape[-1] if gemma else 0.5 / parameter.shape[-1] ** 0.5))
            elif parameter.dim() >= 2:
                parameter.copy_(noise * (1.6 / parameter.shape[-1] ** 0.5))
            elif "norm" in name:
                parameter.copy_((0.0 if gemma else 1.0) + 0.2 * noise)
            else:
                parameter.copy_(0.5 * noise)


def rewrite_config(path: pathlib.Path, changes: dict) -> None:
    config = json.loads(path.read_text())
    for key, value in changes.items():
        config.pop(key, None)
        if value is not None or key in ("rope_scaling", "sliding_window"):
            config[key] = value
    config.pop("transformers_version", None)
    write_json(path, config, indent=2)


def save_checkpoint(case: Case, folder: pathlib.Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM
    config = AutoConfig.for_model(case.model_type, **case.config)
    model = AutoModelForCausalLM.from_config(config).float()
    generator = torch.Generator().manual_seed(SEED)
    randomize(model, case.family == "gemma3", config.tie_word_embeddings, generator)
    more = {"max_shard_size": case.shard_size} if case.shard_size else {}
    model.to(getattr(torch, case.dtype)).save_pretrained(folder, **more)
    rewrite_config(folder / "config.json", case.legacy or {})
    eos = json.loads((folder / "config.json").read_text())["eos_token_id"]
    write_json(folder / "generation_config.json",
               dict(case.generation, bos_token_id=case.config["bos_token_id"], eos_token_id=eos), indent=2)


def save_tokenizer(case: Case, folder: pathlib.Path) -> bytes | None:
    """Returns the SentencePiece model, where there is one: only the converter needs it."""
    spare = 0 if case.tokenizer.startswith("spm") else 3  # rows of the head that no token has
    tokenizer, spm = golden_tokenizers.build(case.tokenizer, case.config["vocab_size"] - spare)
    config = golden_tokenizers.write(tokenizer, folder)
    if case.family in ("qwen2", "qwen3", "qwen3moe"):
        config["chat_template"] = golden_tokenizers.CHATML
    else:
        (folder / "chat_template.jinja").write_text(golden_tokenizers.CHATML)
    write_json(folder / "tokenizer_config.json", config, indent=2)
    texts = [dict(text=t, ids=tokenizer.encode(t, add_special_tokens=False).ids, with_special=tokenizer.encode(t).ids)
             for t in golden_tokenizers.TEXTS]
    write_json(folder / "texts.json", texts)
    return spm


def reference(folder: pathlib.Path):
    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    if getattr(model.config, "num_experts", 0):
        model.set_experts_implementation("eager")  # the grouped product takes only widths of a multiple of 4
    return model


@torch.no_grad()
def logits_of(model, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids]), use_cache=False).logits[0].float()


def continue_greedily(model, ids: list[int]) -> tuple[list[int], float]:
    """The next GREEDY ids, each from a whole forward without a cache, and the smallest lead of a winner in σ."""
    sequence, lead = list(ids), float("inf")
    for _ in range(GREEDY):
        last = logits_of(model, sequence)
        top = last[-1].topk(2).values
        lead = min(lead, float((top[0] - top[1]) / last.std()))
        sequence.append(int(last[-1].argmax()))
    return sequence[len(ids):], lead


def save_reference(case: Case, folder: pathlib.Path) -> None:
    model = reference(folder)
    for attempt in range(50):
        rng = np.random.default_rng([SEED, attempt])
        ids = rng.integers(3, case.config["vocab_size"], case.tokens).tolist()
        greedy, lead = continue_greedily(model, ids)
        if lead > MIN_LEAD and len(set(greedy)) >= MIN_DIFFERENT:
            break
    else:
        raise RuntimeError(f"{case.family}/{case.name}: no prompt with a continuation that is clear and varied")
    logits = logits_of(model, ids)
    assert torch.isfinite(logits).all() and logits.shape == (case.tokens, case.config["vocab_size"])
    write_json(folder / "ids.json", ids)
    write_json(folder / "greedy.json", greedy)
    np.save(folder / "logits.npy", logits.numpy())
    print(f"  std {logits.std():.3f}, lead {lead:.3f} σ, {len(set(greedy))} different ids of {GREEDY}")


def convert(case: Case, folder: pathlib.Path, llama_cpp: pathlib.Path, spm: bytes | None) -> None:
    """Runs convert_hf_to_gguf.py here. It names a pre-tokenizer by the hash of what a known vocabulary makes of a test
    string; ours are too small to be known, so that one method answers with the name of the case instead."""
    import conversion.base
    conversion.base.TextModel.get_vocab_base_pre = lambda self, tokenizer: case.tokenizer
    outtype = {"bfloat16": "bf16", "float16": "f16", "float32": "f32"}[case.dtype]
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / f"{case.family}-{case.name}"
        shutil.copytree(folder, source)
        if spm:
            (source / "tokenizer.model").write_bytes(spm)
        argv, sys.argv = sys.argv, ["convert_hf_to_gguf.py", str(source), "--outtype", outtype, "--outfile",
                                    str(folder / "model.gguf")]
        try:
            runpy.run_path(str(llama_cpp / "convert_hf_to_gguf.py"), run_name="__main__")
        finally:
            sys.argv = argv


def make(case: Case, out: pathlib.Path, llama_cpp: pathlib.Path) -> None:
    folder = out / case.family / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_checkpoint(case, folder)
    spm = save_tokenizer(case, folder)
    save_reference(case, folder)
    if not case.no_gguf:
        convert(case, folder, llama_cpp, spm)
    write_json(folder / "case.json", dict(family=case.family, note=case.note, dtype=case.dtype, seed=SEED,
                                          pre_tokenizer=case.tokenizer, gguf=not case.no_gguf,
                                          **({"no_gguf": case.no_gguf} if case.no_gguf else {})), indent=2)


def check(folder: pathlib.Path) -> float:
    """Largest difference, in σ, between the logits on disk and those computed now."""
    wanted = torch.from_numpy(np.load(folder / "logits.npy"))
    now = logits_of(reference(folder), json.loads((folder / "ids.json").read_text()))
    return float((now - wanted).abs().max() / wanted.std())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--llama-cpp", type=pathlib.Path, help="vendor/llama.cpp of the source package")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT)
    parser.add_argument("--only", default="", help="families or family/case, comma separated")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)  # the same sums on every machine with the same instruction set
    if not args.check:
        if not args.llama_cpp:
            parser.error("--llama-cpp is needed to write the GGUF files")
        sys.path[:0] = [str(args.llama_cpp), str(args.llama_cpp / "gguf-py")]
    wanted = set(filter(None, args.only.split(",")))
    worst = 0.0
    for case in CASES:
        if wanted and not wanted & {case.family, f"{case.family}/{case.name}"}:
            continue
        print(f"{case.family}/{case.name}", flush=True)
        if args.check:
            worst = max(worst, difference := check(args.out / case.family / case.name))
            print(f"  differs by {difference:.2e} σ")
        else:
            make(case, args.out, args.llama_cpp)
    return 1 if worst > 1e-4 else 0


if __name__ == "__main__":
    sys.exit(main())
