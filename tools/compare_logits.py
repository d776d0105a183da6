#!/usr/bin/env python3
"""How far Măng's logits are from Hugging Face transformers in float32 on the same weights.

usage: compare_logits.py [--mang PROGRAM] [--exact] [--threads N] [--isa ISA] [MODEL …]
       compare_logits.py --logits OUT.npy MODEL           logits that are already there, of whatever engine

MODEL is a name of fetch_models.py (default: the four of them), a GGUF file, or a folder with ids.json and logits.npy as
in tests/golden (there model.gguf is compared too, where it exists); `goldens` stands for all of those. Prints a line a
model: the mean, the 99th percentile and the largest Kullback-Leibler divergence in nats, the share of positions with
the same largest logit, and the largest difference in standard deviations of the reference's logits. Exits with 1 where
a limit is broken: in the default mode what llama.cpp's integer arithmetic costs on the same file, in --exact mode (and
for float checkpoints) 1e-6 mean divergence and 1e-3 σ.
Needs numpy, and for the real files torch and transformers; their logits are kept in the cache directory.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import numpy as np

import fetch_models
import reference_logits

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXACT_KLD, EXACT_SIGMA = 1e-6, 1e-3
LIMITS = {"smollm2-135m-q4_1": (0.0044, 98.0), "qwen2.5-coder-0.5b-q4_k_m": (0.0014, 98.0)}  # mean KLD, same top %


@dataclass
class Drift:
    mean: float
    p99: float
    largest: float
    same_top: float  # percent
    sigma: float  # largest |difference| over the standard deviation of the reference

    def line(self, name: str, verdict: str) -> str:
        return (f"{name:44} {self.mean:9.2e} {self.p99:9.2e} {self.largest:9.2e} {self.same_top:7.2f}% {self.sigma:9.2e}"
                f"  {verdict}")


HEADER = f"{'model':44} {'mean KLD':>9} {'p99':>9} {'largest':>9} {'same top':>8} {'max|d|/σ':>9}"


def divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(softmax p ‖ softmax q) of each row: with d = p − q less about its mean under w = softmax p, it is
    log Σ w·e^−d + Σ w·d. Nothing large cancels, so float32 is enough, and faster than two float64 log-softmaxes."""
    weight = np.exp(p - p.max(-1, keepdims=True))
    weight /= weight.sum(-1, keepdims=True, dtype=np.float64).astype(np.float32)
    d = p - q
    d -= np.einsum("ij,ij->i", weight, d, dtype=np.float64)[:, None].astype(np.float32)
    mean = np.einsum("ij,ij->i", weight, d, dtype=np.float64)
    return np.log1p(np.einsum("ij,ij->i", weight, np.expm1(-d), dtype=np.float64)) + mean


def measure(wanted: np.ndarray, got: np.ndarray) -> Drift:
    if wanted.shape != got.shape:
        raise ValueError(f"the reference has shape {wanted.shape}, the other logits {got.shape}")
    divergences, same, largest, total, square = [], 0, 0.0, 0.0, 0.0
    for start in range(0, len(wanted), 32):
        p, q = np.asarray(wanted[start:start + 32]), np.asarray(got[start:start + 32])
        if not np.isfinite(q).all():
            raise ValueError(f"a logit near position {start} is not a finite number")
        divergences.append(divergence(p, q))
        same += int((p.argmax(-1) == q.argmax(-1)).sum())
        largest = max(largest, float(np.abs(p - q).max()))
        total += float(p.sum(dtype=np.float64))
        square += float(np.einsum("ij,ij", p, p, dtype=np.float64))
    d = np.concatenate(divergences)
    sigma = (square / wanted.size - (total / wanted.size) ** 2) ** 0.5
    return Drift(float(d.mean()), float(np.percentile(d, 99)), float(d.max()), 100.0 * same / len(wanted),
                 largest / sigma)


def run_mang(program: str, model: pathlib.Path, ids: list[int], options: list[str]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as scratch:
        ids_file, out = pathlib.Path(scratch) / "ids.json", pathlib.Path(scratch) / "out.npy"
        ids_file.write_text(json.dumps(ids))
        subprocess.run([program, "logits", str(model), "--ids", str(ids_file), "-o", str(out), *options], check=True,
                       stdout=subprocess.DEVNULL)
        return np.load(out)


def judge(drift: Drift, limits: tuple[float, float] | None, exact: bool) -> tuple[str, bool]:
    if exact:
        good = drift.mean <= EXACT_KLD and drift.sigma <= EXACT_SIGMA
        return (f"ok: ≤ {EXACT_KLD:g} and ≤ {EXACT_SIGMA:g} σ" if good else
                f"TOO FAR: more than {EXACT_KLD:g} or {EXACT_SIGMA:g} σ"), good
    if limits is None:
        return "no limit set", True
    good = drift.mean <= limits[0] and drift.same_top >= limits[1]
    return (f"ok: ≤ {limits[0]:g} and ≥ {limits[1]:g} %" if good else
            f"TOO FAR: more than {limits[0]:g} or less than {limits[1]:g} %"), good


def greedy_continuation(program: str, model: pathlib.Path, ids: list[int], count: int, options: list[str]) -> list[int]:
    sequence = list(ids)
    for _ in range(count):
        sequence.append(int(run_mang(program, model, sequence, options)[-1].argmax()))
    return sequence[len(ids):]


def compare_golden(folder: pathlib.Path, program: str, options: list[str], greedy: bool) -> bool:
    ids = json.loads((folder / "ids.json").read_text())
    wanted = np.load(folder / "logits.npy")
    good = True
    for model in [folder, *filter(pathlib.Path.exists, [folder / "model.gguf"])]:
        name = f"{folder.parent.name}/{folder.name}{'' if model == folder else ' (gguf)'}"
        try:
            drift = measure(wanted, run_mang(program, model, ids, ["--exact", *options])[:, :wanted.shape[1]])
            verdict, fine = judge(drift, None, True)
            if greedy:
                expected = json.loads((folder / "greedy.json").read_text())
                same = greedy_continuation(program, model, ids, len(expected), ["--exact", *options]) == expected
                verdict, fine = verdict + (", same continuation" if same else ", ANOTHER CONTINUATION"), fine and same
            print(drift.line(name, verdict), flush=True)
        except (subprocess.CalledProcessError, ValueError) as error:
            print(f"{name:44} FAILED: {error}", flush=True)
            fine = False
        good = good and fine
    return good


def compare_real(model: pathlib.Path, program: str | None, logits: pathlib.Path | None, exact: bool,
                 options: list[str], threads: int) -> bool:
    ids = reference_logits.comparison_ids(model)
    wanted = reference_logits.reference_logits(model, ids, threads)
    if logits:
        got = np.load(logits, mmap_mode="r")
    else:
        got = run_mang(program, model, ids, (["--exact"] if exact else []) + options)
    try:
        drift = measure(wanted, got)
    except ValueError as error:
        print(f"{model.stem:44} FAILED: {error}")
        return False
    verdict, good = judge(drift, LIMITS.get(model.stem), exact)
    print(drift.line(f"{model.stem} ({len(ids)} tokens)", verdict), flush=True)
    return good


def built_program() -> str:
    done = subprocess.run([str(ROOT / "mangw"), "build"], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip().splitlines()[-1]


def expand(names: list[str], models_dir: pathlib.Path) -> list[pathlib.Path]:
    paths = []
    for name in names:
        if name == "goldens":
            paths += sorted(path.parent for path in (ROOT / "tests" / "golden").glob("*/*/logits.npy"))
        elif name in fetch_models.MODELS:
            paths.append(fetch_models.fetch(name, models_dir))
        else:
            paths.append(pathlib.Path(name))
    return paths


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--mang", help="the program (default: what ./mangw build makes)")
    parser.add_argument("--exact", action="store_true", help="float32 activations on the dequantized weights")
    parser.add_argument("--greedy", action="store_true", help="for goldens: also the greedy continuation")
    parser.add_argument("--logits", type=pathlib.Path, help="compare this file instead of running mang")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--isa", help="as mang logits --isa")
    parser.add_argument("--kv", help="as mang logits --kv")
    parser.add_argument("--dir", type=pathlib.Path, default=fetch_models.default_dir(), help="where the models are kept")
    args = parser.parse_args()
    if args.logits and len(args.models) != 1:
        parser.error("--logits goes with exactly one MODEL")
    program = args.mang or (None if args.logits else built_program())
    options = ["--threads", str(args.threads)]
    options += ["--isa", args.isa] if args.isa else []
    options += ["--kv", args.kv] if args.kv else []
    args.dir.mkdir(parents=True, exist_ok=True)
    print(HEADER)
    good = True
    for path in expand(args.models or list(fetch_models.MODELS), args.dir):
        if path.is_dir():
            good = compare_golden(path, program, options, args.greedy) and good
        else:
            good = compare_real(path, program, args.logits, args.exact, options, args.threads) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
