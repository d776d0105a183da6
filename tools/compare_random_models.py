#!/usr/bin/env python3
"""Models nobody chose: random shapes and settings of each family, exact mode against transformers.

usage: compare_random_models.py [--mang PROGRAM] [--llama-cpp DIR] [--family NAME,…] [--seed N] [--count N] [--keep DIR]

Each case draws a configuration (widths, heads, rope scaling, windows, biases, tying, types, spelling of the keys), fills
it with random weights, and compares `mang logits --exact` with transformers in float32: from the Hugging Face folder and,
with --llama-cpp (as in make_goldens.py), from the GGUF its converter writes. Chunks and threads are drawn too. What mang
refuses with a sentence is counted as refused and printed; a wrong logit is a failure. Exits with 1 on any failure.
"""
import argparse
import collections
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

import compare_logits
import make_goldens
from golden_cases import Case, old_rope, rope, shape

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "gemma3", "smollm3", "qwen3moe")
TOKENIZERS = {"qwen2": "qwen2", "qwen3": "qwen2", "qwen3moe": "qwen2", "gemma3": "spm-gemma"}


def draw_rope(rng: np.random.Generator) -> tuple[dict, dict | None]:
    """rope_parameters, and the older spelling of the same or None."""
    theta = float(rng.choice([1000.0, 10000.0, 500000.0, 1000000.0]))
    original = int(rng.choice([16, 32, 48]))
    kind = str(rng.choice(["default", "linear", "llama3", "yarn"]))
    if kind == "default":
        return rope(theta), old_rope(theta) if rng.random() < 0.5 else None
    more = {"factor": float(rng.choice([1.5, 2.0, 4.0, 8.0]))}
    if kind == "llama3":
        more |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": original}
    if kind == "yarn":
        more |= {"original_max_position_embeddings": original}
        if rng.random() < 0.4:
            more |= {"beta_fast": float(rng.choice([32.0, 16.0])), "beta_slow": float(rng.choice([1.0, 2.0]))}
        if rng.random() < 0.3:
            more |= {"attention_factor": 1.25}
    name = "type" if rng.random() < 0.3 and kind == "linear" else "rope_type"
    return rope(theta, kind, **more), old_rope(theta, **{name: kind}, **more) if rng.random() < 0.5 else None


def draw_windows(family: str, layers: int, rng: np.random.Generator) -> dict:
    window = int(rng.choice([8, 16, 24, 64, 65, 200]))
    kinds = [str(k) for k in rng.choice(["sliding_attention", "full_attention"], layers)]
    if family == "mistral":
        return {"sliding_window": window if rng.random() < 0.7 else None}
    if family == "qwen2" and rng.random() < 0.4:
        return {"use_sliding_window": True, "sliding_window": window, "max_window_layers": int(rng.integers(0, layers + 1))}
    if family == "qwen3" and rng.random() < 0.3:
        return {"use_sliding_window": True, "sliding_window": window, "max_window_layers": int(rng.integers(0, layers + 1))}
    if family == "gemma3":
        return {"sliding_window": window, **({"layer_types": kinds} if rng.random() < 0.6 else {})}
    return {}


def draw(family: str, index: int, rng: np.random.Generator) -> Case:
    kv_heads = int(rng.choice([1, 2, 3, 4]))
    heads = kv_heads * int(rng.choice([1, 2, 3, 5, 7]))
    head_dim = int(rng.choice([8, 16, 20, 24, 32, 40, 64, 80, 96, 128]))
    layers = int(rng.integers(1, 5)) if family != "gemma3" else int(rng.integers(1, 8))
    hidden = int(rng.choice([heads * 8, 30, 42, 64, 100, 128, 160, 250, 256, 272]))
    hidden += -hidden % heads if family in ("llama", "gemma3") else 0  # transformers insists
    config = shape(hidden, int(rng.integers(8, 300)), layers, heads, kv_heads, int(rng.integers(350, 460)),
                   head_dim=head_dim, tie_word_embeddings=bool(rng.random() < 0.5),
                   rms_norm_eps=float(rng.choice([1e-5, 1e-6, 1e-3])), max_position_embeddings=int(rng.choice([256, 4096])))
    parameters, legacy = draw_rope(rng)
    if family in ("llama", "smollm3", "qwen3", "qwen3moe") and rng.random() < 0.3:
        config["attention_bias"] = True
    if family in ("llama", "smollm3") and rng.random() < 0.3:
        config["mlp_bias"] = True
    if family == "smollm3":
        config |= {"no_rope_layers": [int(b) for b in rng.integers(0, 2, layers)]}
    if family == "qwen3moe":
        experts = int(rng.choice([1, 3, 4, 8, 13, 32]))
        config |= {"num_experts": experts, "num_experts_per_tok": int(rng.integers(1, min(experts, 8) + 1)),
                   "moe_intermediate_size": int(rng.integers(8, 150)), "norm_topk_prob": bool(rng.random() < 0.6)}
        if rng.random() < 0.3:
            config |= {"decoder_sparse_step": int(rng.integers(1, 4)),
                       "mlp_only_layers": [int(i) for i in range(layers) if rng.random() < 0.3]}
    config |= draw_windows(family, layers, rng)
    if family == "gemma3":
        config["tie_word_embeddings"] = bool(rng.random() < 0.9)
        config["query_pre_attn_scalar"] = int(rng.choice([16, head_dim, 100]))
        if rng.random() < 0.2:
            config["final_logit_softcapping"] = 30.0
        local = rope(float(rng.choice([10000.0, 5000.0])))
        parameters, legacy = {"full_attention": parameters, "sliding_attention": local}, None
    config["rope_parameters"] = parameters
    model_type = {"gemma3": "gemma3_text", "qwen3moe": "qwen3_moe"}.get(family, family)
    return Case(family, f"random-{index}", model_type, "random", config, tokens=int(rng.integers(2, 230)),
                dtype=str(rng.choice(["bfloat16", "float16", "float32"])), tokenizer=TOKENIZERS.get(family, "llama-bpe"),
                legacy=legacy)


def save(case: Case, folder: pathlib.Path, llama_cpp: pathlib.Path | None) -> tuple[list[int], np.ndarray, str]:
    """The prompt, its logits, and why there is no GGUF ("" where there is)."""
    folder.mkdir(parents=True)
    make_goldens.save_checkpoint(case, folder)
    spm = make_goldens.save_tokenizer(case, folder)
    ids = np.random.default_rng(make_goldens.SEED).integers(3, case.config["vocab_size"], case.tokens).tolist()
    logits = make_goldens.logits_of(make_goldens.reference(folder), ids).numpy()
    if not llama_cpp:
        return ids, logits, "no converter"
    try:
        make_goldens.convert(case, folder, llama_cpp, spm)
    except (Exception, SystemExit) as error:  # whatever the converter says to a model it does not know
        return ids, logits, f"the converter: {type(error).__name__}: {error}"
    return ids, logits, ""


# What GGUF cannot say: the converter drops these, so its file means another model.
def lost_in_gguf(case: Case) -> str:
    config = case.config
    scaling = config["rope_parameters"].get("full_attention", config["rope_parameters"])
    if scaling["rope_type"] == "llama3" and case.family not in ("llama", "mistral", "smollm3"):
        return "llama3 scaling in another family"
    if config.get("attention_bias") and case.family == "qwen3":
        return "biases of Qwen3"
    if case.family == "qwen3moe" and not config["norm_topk_prob"]:
        return "weights that are not renormalised"
    if config.get("attention_bias") and case.family == "qwen3moe":
        return "biases of Qwen3-MoE"
    if config.get("mlp_bias") and case.family == "smollm3":
        return "biases of the feed-forward"
    if "beta_fast" in scaling or "attention_factor" in scaling:
        return "YaRN's finer settings"
    if config.get("use_sliding_window") or "layer_types" in config:
        return "windows of some layers"
    if case.family == "smollm3":
        return "layers without rotary"
    if case.family == "mistral" and config.get("sliding_window"):
        return "the window"
    if config.get("final_logit_softcapping"):
        return "the cap of the logits"
    if case.family == "gemma3":
        return "the query scale"
    return ""


def run(program: str, model: pathlib.Path, ids: list[int], wanted: np.ndarray, options: list[str]) -> str:
    """"" for equal, "refused: …" or what is wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        ids_file, out = pathlib.Path(scratch) / "ids.json", pathlib.Path(scratch) / "out.npy"
        ids_file.write_text(json.dumps(ids))
        done = subprocess.run([program, "logits", str(model), "--ids", str(ids_file), "-o", str(out), "--exact", *options],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode == 1 and done.stderr.startswith("mang: "):
            return f"refused: {done.stderr.strip()}"
        if done.returncode != 0:
            return f"exit code {done.returncode}: {done.stderr.strip()}"
        drift = compare_logits.measure(wanted, np.load(out)[:, :wanted.shape[1]])
    verdict, good = compare_logits.judge(drift, None, True)
    return "" if good else f"mean KLD {drift.mean:.2e}, {drift.sigma:.2e} σ"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mang", help="the program (default: what ./mangw build makes)")
    parser.add_argument("--llama-cpp", type=pathlib.Path, help="vendor/llama.cpp of the source package")
    parser.add_argument("--family", default=",".join(FAMILIES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20, help="cases a family")
    parser.add_argument("--keep", type=pathlib.Path, help="keep the models that failed here")
    args = parser.parse_args()
    program = args.mang or compare_logits.built_program()
    torch.set_num_threads(1)
    if args.llama_cpp:
        sys.path[:0] = [str(args.llama_cpp), str(args.llama_cpp / "gguf-py")]
    failures = 0
    for family in args.family.split(","):
        counts = collections.Counter()
        for index in range(args.count):
            rng = np.random.default_rng([args.seed, FAMILIES.index(family), index])
            case = draw(family, index, rng)
            options = ["--threads", str(rng.integers(1, 4)), "--chunk", str(rng.choice([1, 7, 64, 512]))]
            with tempfile.TemporaryDirectory() as scratch:
                folder = pathlib.Path(scratch) / case.name
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    ids, wanted, no_gguf = save(case, folder, args.llama_cpp)
                models = {"folder": folder}
                if not no_gguf and not lost_in_gguf(case):
                    models["gguf"] = folder / "model.gguf"
                for kind, model in models.items():
                    verdict = run(program, model, ids, wanted, options)
                    word = verdict.split(":")[0] if verdict.startswith("refused") else "wrong" if verdict else "equal"
                    counts[f"{kind} {word}"] += 1
                    if verdict:
                        print(f"{family} {index} ({kind}): {verdict}\n    {case.config} {case.legacy} {case.dtype} {options}",
                              flush=True)
                    if word == "wrong":
                        failures += 1
                        if args.keep:
                            subprocess.run(["cp", "-r", str(folder), str(args.keep / f"{family}-{index}")], check=True)
        print(f"{family:10} " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
