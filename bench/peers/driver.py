"""What the drivers of the peers with a Python interface share: the numbers of a case, and the turns.

The peer does the work of one repetition for each line of standard input and says how long it took by its own clock: no
Python loop is timed. The answers are those of `mang bench --turns -o jsonl`, as far as turns.py reads them.
"""
import argparse
import json
import os
import sys
import time
from collections.abc import Callable

STARTED = time.monotonic()
_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the libraries print is no answer


def case() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    for name in ("prompt", "generate", "depth", "beside"):
        parser.add_argument(f"--{name}", type=int, default=0)
    for name in ("sequences", "threads", "chunk"):
        parser.add_argument(f"--{name}", type=int, default=1)
    parser.add_argument("--no-warmup", action="store_true")
    return parser.parse_args()


def cannot(why: str) -> None:
    sys.exit(f"cannot: {why}")


def _memory(what: str) -> int:
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def serve(test: argparse.Namespace, load: Callable[[], Callable[[], float]], version: str) -> None:
    """`load` makes the repetition: a function that does the case once and returns its seconds."""
    start = time.monotonic()
    repeat = load()
    loaded = time.monotonic() - start
    if not test.no_warmup:
        repeat()
    for _ in sys.stdin:
        print(json.dumps({"seconds": [repeat()], "tokens": test.sequences * (test.prompt + test.generate),
                          "load_seconds": loaded, "startup_seconds": start - STARTED,
                          "resident_bytes": _memory("VmRSS:"), "peak_resident_bytes": _memory("VmHWM:"),
                          "version": version}), file=_answers, flush=True)
