#!/usr/bin/env python3
"""Are the logits the same bits for every number of threads, every chunking of the prompt and every instruction set?

usage: compare_determinism.py [--mang PROGRAM] [--exact] [--tokens N] [--quick] MODEL …

Runs `mang logits` over the whole grid of threads {1,2,3} × chunk {1,7,64,all} × the instruction sets of this machine and
compares the SHA-256 of the files. MODEL is as in compare_logits.py (`goldens` included; their GGUF files are run too).
Prints a line a model: how many runs, how many different files. Exits with 1 if any model has more than one.
A machine without some instruction set says so: a set that is not there is listed, never counted as run.
"""
import argparse
import hashlib
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import compare_logits
import fetch_models
import reference_logits

ISAS = ("generic", "avx2", "avxvnni", "avx512", "amx")
THREADS = (1, 2, 3)
CHUNKS = (1, 7, 64, 0)  # 0: all at once


def logits_hash(program: str, model: pathlib.Path, ids_file: pathlib.Path, out: pathlib.Path, options: list[str]) -> str:
    out.unlink(missing_ok=True)
    subprocess.run([program, "logits", str(model), "--ids", str(ids_file), "-o", str(out), *options], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with out.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def available_isas(program: str, scratch: pathlib.Path) -> list[str]:
    """The sets this machine runs. Asked for one it lacks, mang exits with 1; anything else is a failure of this check."""
    model = next((compare_logits.ROOT / "tests" / "golden").glob("llama/*/ids.json")).parent
    ids, out = scratch / "probe.json", scratch / "probe.npy"
    ids.write_text("[5]")
    found = []
    for isa in ISAS:
        try:
            logits_hash(program, model, ids, out, ["--isa", isa])
            found.append(isa)
        except subprocess.CalledProcessError as error:
            if error.returncode != 1 or isa == "generic":
                raise
    return found


def inputs(names: list[str], models_dir: pathlib.Path, tokens: int) -> list[tuple[pathlib.Path, list[int]]]:
    pairs = []
    for path in compare_logits.expand(names, models_dir):
        if path.is_dir():
            ids = json.loads((path / "ids.json").read_text())
            pairs += [(p, ids) for p in (path, path / "model.gguf") if p.exists()]
        else:
            pairs.append((path, reference_logits.comparison_ids(path)[:tokens]))
    return pairs


def grid(isas: list[str], quick: bool) -> list[tuple[str, int, int]]:
    """Everything, or with --quick each value at least once against every instruction set."""
    if not quick:
        return list(itertools.product(isas, THREADS, CHUNKS))
    cells = zip(itertools.cycle(THREADS), CHUNKS)
    return [(isa, threads, chunk) for threads, chunk in cells for isa in isas]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--mang", help="the program (default: what ./mangw build makes)")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--kv", help="as mang logits --kv")
    parser.add_argument("--tokens", type=int, default=160, help="of the comparison text, for real files (160)")
    parser.add_argument("--quick", action="store_true", help="four thread/chunk pairs instead of twelve")
    parser.add_argument("--dir", type=pathlib.Path, default=fetch_models.default_dir())
    args = parser.parse_args()
    program = args.mang or compare_logits.built_program()
    common = (["--exact"] if args.exact else []) + (["--kv", args.kv] if args.kv else [])
    args.dir.mkdir(parents=True, exist_ok=True)
    good = True
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = pathlib.Path(scratch_name)
        isas = available_isas(program, scratch)
        missing = [isa for isa in ISAS if isa not in isas]
        print(f"instruction sets: {', '.join(isas)}" + (f" (not on this machine: {', '.join(missing)})" if missing else ""))
        for model, ids in inputs(args.models, args.dir, args.tokens):
            ids_file = scratch / "ids.json"
            ids_file.write_text(json.dumps(ids))
            seen: dict[str, tuple[str, int, int]] = {}
            runs = 0
            for isa, threads, chunk in grid(isas, args.quick):
                options = ["--isa", isa, "--threads", str(threads), "--chunk", str(chunk), *common]
                try:
                    seen.setdefault(logits_hash(program, model, ids_file, scratch / "out.npy", options),
                                    (isa, threads, chunk))
                except subprocess.CalledProcessError as error:
                    seen.setdefault(f"failed with {error.returncode}: {error.stderr.strip()[-200:]}", (isa, threads, chunk))
                runs += 1
            same = len(seen) == 1 and not next(iter(seen)).startswith("failed")
            name = f"{model.parent.name}/{model.name}"
            print(f"{name:48} {len(ids)} tokens, {runs} runs, {len(seen)} different: "
                  f"{'ok, sha256 ' + next(iter(seen))[:16] if same else 'NOT THE SAME'}", flush=True)
            if not same:
                for digest, (isa, threads, chunk) in seen.items():
                    print(f"    {digest[:64]} first at --isa {isa} --threads {threads} --chunk {chunk}")
            good = good and same
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
