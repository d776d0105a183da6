#!/usr/bin/env python3
"""Măng against llama.cpp, in pairs, on this machine, now.

usage: compare_peers.py --llama-bench PROGRAM [--mang PROGRAM] [--isa NAME] [--pairs N] [--threads N] [--csv FILE]
                        [MODEL …]

Each case (prefill of 512 tokens, decode at depth 0 and at depth 512) runs in pairs: probe, one engine, the other, probe;
who goes first alternates. A probe is `mang doctor --json`: integer peak, float32 peak and read bandwidth. Shared machines
change state within minutes, so a pair whose two probes differ by more than 10 % in any of these is thrown away and run
again, up to twice as often as pairs were asked for. Printed: the medians, the median of the pairwise ratios with its
range, and for decode the share of the bandwidth that was probed around the pair. Several peers: give --llama-bench more
than once, as NAME=PROGRAM; each is paired with Măng on its own and the best of them counts.
MODEL is a GGUF file or a name of tools/fetch_models.py; default the 1.5B, the 0.5B and the 135M.
"""
import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import compare_logits  # noqa: E402
import fetch_models  # noqa: E402

MODELS = ("qwen2.5-coder-1.5b-q4_k_m", "qwen2.5-coder-0.5b-q4_k_m", "smollm2-135m-q4_1")
CASES = {"prefill 512": (512, 0, 0), "decode at 0": (0, 64, 0), "decode at 512": (0, 64, 512)}  # prompt, answer, depth
TOLERANCE = 0.10
PEAKS = ("read_bytes_per_second", "int8_macs_per_second", "f32_macs_per_second")


@dataclass
class Pair:
    mang: float  # tokens a second
    peer: float
    bandwidth: float  # bytes read a second, mean of the two probes

    @property
    def ratio(self) -> float:
        return self.mang / self.peer


@dataclass
class Outcome:
    pairs: list[Pair] = field(default_factory=list)
    discarded: int = 0


def run_json(command: list[str]):
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          timeout=900)
    return json.loads(done.stdout)


def probe(program: str, threads: int) -> dict[str, float]:
    """The peaks of the moment, per second: bytes read, int8 and float32 multiply-adds."""
    probed = run_json([program, "doctor", "--json", "--threads", str(threads)])["probe"]
    return {name: float(probed[name]) for name in PEAKS}


def agree(before: dict[str, float], after: dict[str, float]) -> bool:
    return all(abs(before[k] - after[k]) <= TOLERANCE * max(before[k], after[k]) for k in before)


def mang_speed(command: list[str], model: str, threads: int, case: tuple[int, int, int]) -> float:
    program, *options = command
    prompt, answer, depth = case
    (row,) = run_json([program, "bench", model, "-p", str(prompt), "-n", str(answer), "-d", str(depth), "-t",
                       str(threads), "-r", "1", "-o", "json", "--no-probe", *options])
    return float(row["tokens_per_second"])


def peer_speed(program: str, model: str, threads: int, case: tuple[int, int, int]) -> float:
    prompt, answer, depth = case
    rows = run_json([program, "-m", model, "-p", str(prompt), "-n", str(answer), "-d", str(depth), "-t", str(threads),
                     "-r", "1", "-o", "json"])
    (row,) = rows
    return float(row["avg_ts"])


def run_case(mang: list[str], peer: str, model: str, threads: int, case: tuple[int, int, int], wanted: int) -> Outcome:
    outcome = Outcome()
    for attempt in range(2 * wanted):
        if len(outcome.pairs) == wanted:
            break
        before = probe(mang[0], threads)
        if attempt % 2 == 0:
            ours, theirs = mang_speed(mang, model, threads, case), peer_speed(peer, model, threads, case)
        else:
            theirs, ours = peer_speed(peer, model, threads, case), mang_speed(mang, model, threads, case)
        after = probe(mang[0], threads)
        if agree(before, after):
            outcome.pairs.append(Pair(ours, theirs, (before[PEAKS[0]] + after[PEAKS[0]]) / 2))
        else:
            outcome.discarded += 1
    return outcome


def report(model: pathlib.Path, case: str, peer: str, outcome: Outcome) -> str:
    head = f"| {model.stem} | {case} | {peer} |"
    if not outcome.pairs:
        return f"{head} – | – | – | – | 0 ({outcome.discarded} discarded: the machine was not quiet) |"
    ratios = sorted(pair.ratio for pair in outcome.pairs)
    ours = statistics.median(pair.mang for pair in outcome.pairs)
    theirs = statistics.median(pair.peer for pair in outcome.pairs)
    share = "–"
    if case.startswith("decode"):
        bandwidth = statistics.median(pair.bandwidth for pair in outcome.pairs)
        share = f"{100 * ours * model.stat().st_size / bandwidth:.0f} %"
    return (f"{head} {ours:.1f} | {theirs:.1f} | {statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) | "
            f"{share} | {len(outcome.pairs)} ({outcome.discarded} discarded) |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--llama-bench", action="append", required=True, help="PROGRAM or NAME=PROGRAM; may be repeated")
    parser.add_argument("--mang", help="the program (default: what ./mangw build makes)")
    parser.add_argument("--isa", help="the instruction set Măng is held to (default: the best of the machine)")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cases", default=",".join(CASES), help="comma separated, of: " + ", ".join(CASES))
    parser.add_argument("--csv", type=pathlib.Path, help="every pair that counted")
    parser.add_argument("--dir", type=pathlib.Path, default=fetch_models.default_dir())
    args = parser.parse_args()
    peers = dict(peer.split("=", 1) if "=" in peer else ("llama.cpp", peer) for peer in args.llama_bench)
    mang = [args.mang or compare_logits.built_program(), *(["--isa", args.isa] if args.isa else [])]
    args.dir.mkdir(parents=True, exist_ok=True)
    rows = []
    print("| model | case | peer | măng tok/s | peer tok/s | ratio (range) | of bandwidth | pairs |")
    print("|---|---|---|---|---|---|---|---|")
    behind = 0
    for model in compare_logits.expand(args.models or list(MODELS), args.dir):
        for case in args.cases.split(","):
            medians = []
            for name, program in peers.items():
                outcome = run_case(mang, program, str(model), args.threads, CASES[case], args.pairs)
                print(report(model, case, name, outcome), flush=True)
                medians += [statistics.median(pair.ratio for pair in outcome.pairs)] if outcome.pairs else []
                rows += [[model.stem, case, name, p.mang, p.peer, p.bandwidth] for p in outcome.pairs]
            behind += len(medians) < len(peers) or min(medians) < 1.0
    if args.csv:
        with args.csv.open("w", newline="") as f:
            csv.writer(f).writerows([["model", "case", "peer", "mang_ts", "peer_ts", "read_bytes_per_second"], *rows])
    print(f"{behind} cases behind the best peer or without a pair that counts")
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main())
