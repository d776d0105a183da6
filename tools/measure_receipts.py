#!/usr/bin/env python3
"""What a receipt costs, and how much faster it is checked than its answer was written.

    tools/measure_receipts.py build/release/mang MODEL [--tokens 256] [--prompt-tokens 64] [--repeat 3] [-- more options of run]

Answers a prompt with a receipt, checks the receipt, and prints, of each repetition and as medians: tokens a second when
writing and when checking, their ratio, and the time the receipt took as a share of the answer's. Both run in turn, so that a
machine that is busy with other things is so for both.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nfailed with {done.returncode}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def main():
    own, more = sys.argv[1:], []
    if "--" in own:
        own, more = own[: own.index("--")], own[own.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mang")
    parser.add_argument("model")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--prompt-tokens", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(own)

    prompt = " ".join(["bamboo"] * options.prompt_tokens)
    ask = [options.mang, "run", "-m", options.model, "--raw", "-p", prompt, "--json", "--ignore-eos", "-n", str(options.tokens)]
    ratios, costs = [], []
    with tempfile.TemporaryDirectory() as folder:
        receipt = str(Path(folder) / "receipt.json")
        run(ask[:-1] + ["1", "--receipt", receipt])  # the model's digest is known from here on
        for _ in range(options.repeat):
            written = run(ask + ["--receipt", receipt] + more)
            checked = run([options.mang, "replay", receipt, options.model, "--json"])
            if checked["verdict"] != "same":
                sys.exit(f"not the same: {checked['reasons']}")
            writing = written["decode_tokens_per_second"]
            checking = checked["answer_tokens_per_second"]
            answer = written["ttft_seconds"] + written["decode_seconds"]
            costs.append(written["receipt"]["seconds"] / answer)
            ratios.append(checking / writing)
            print(f"written {writing:8.1f} tokens/s   checked {checking:8.1f} tokens/s   {ratios[-1]:5.1f} x   "
                  f"receipt {1e3 * written['receipt']['seconds']:6.1f} ms, {100 * costs[-1]:.3f} % of the answer")
        print(f"median: checked {statistics.median(ratios):.1f} x as fast as written; the receipt took "
              f"{100 * statistics.median(costs):.3f} % of the answer's time ({Path(receipt).stat().st_size} bytes)")


if __name__ == "__main__":
    main()
