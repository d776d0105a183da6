"""Măng against its peers, in pairs, on this machine, now. bench/README.md says how; --help says what can be chosen."""
import argparse
import contextlib
import datetime
import fnmatch
import os
import pathlib
import sys

import cases as case_list
import machine
import models
import pairs
import peers as peer_list
import records
import report

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def built_program() -> str:
    for folder in ("release", "test"):
        program = ROOT / "build" / folder / "mang"
        if program.exists():
            return str(program)
    sys.exit("compare: there is no build/release/mang; run ./mangw build, or name the program with --mang.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="compare", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL",
                        help="a GGUF file; a name of tools/fetch_models.py; synthetic:SHAPE[:TYPE] of "
                             "tools/make_synthetic_gguf.py; types: one of each (default: the 1.5B, 0.5B, 135M)")
    parser.add_argument("--mang", help="the program (default: what ./mangw build makes)")
    parser.add_argument("--peers", default="*", metavar="PATTERN,…", help="which peers, such as 'llama*,ik*' (all)")
    parser.add_argument("--cases", default=None, metavar="PATTERN,…",
                        help="which cases, such as 'prefill*,decode at 0' (all; --list names them)")
    parser.add_argument("--list", action="store_true", help="name cases and peers, and end")
    parser.add_argument("--quick", action="store_true", help="few cases, one pair each, first settings only")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="pairs that count, per case and peer (5)")
    parser.add_argument("--tolerance", type=float, default=10, metavar="PERCENT",
                        help="probes around a pair may differ by so much (10); more only to try the program out")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, metavar="N", help="all threads (all cores)")
    parser.add_argument("--install", type=pathlib.Path, default=peer_list.default_folder(), metavar="DIR",
                        help="where bench/peers/install.py put the peers")
    parser.add_argument("--csv", type=pathlib.Path, metavar="FILE", help="every pair, counted or discarded; appended")
    return parser.parse_args()


def chosen_by(patterns: str, name: str) -> bool:
    return any(fnmatch.fnmatch(name, pattern.strip()) for pattern in patterns.split(","))


def main() -> int:
    args = arguments()
    peers = [p for p in peer_list.installed(args.install) if chosen_by(args.peers, p.name)]
    patterns = args.cases or (case_list.QUICK if args.quick else "*")
    cases = [c for c in case_list.all_cases(args.threads) if chosen_by(patterns, c.name)]
    if args.list:
        print("cases:", *(f"  {c.name}" for c in cases), sep="\n")
        print("peers:", *(f"  {p.name}: {p.missing or p.version}" for p in peers), sep="\n")
        return 0
    if not cases or not peers:
        sys.exit("compare: no case or no peer matches; --list names them, bench/peers/install.py installs peers.")
    mang = peer_list.Mang(args.mang or built_program())
    host = machine.describe(mang.program)
    wanted = args.pairs or (1 if args.quick else 5)
    protocol = pairs.Protocol(mang, wanted, args.tolerance / 100, settings=1 if args.quick else None)
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    print(report.heading(date, host, mang, peers, args.tolerance), flush=True)
    outcomes = []
    with contextlib.ExitStack() as stack:
        sheet = stack.enter_context(records.Sheet(args.csv, date, host)) if args.csv else None
        for model in models.expand(args.models or list(models.USUAL), args.install):
            for case in cases:
                for peer in (p for p in peers if p.can_isa(case.isa)):
                    outcome = protocol.run(case, peer, model)
                    outcomes.append(outcome)
                    print(report.row(outcome), flush=True)
                    if sheet:
                        sheet.add(outcome)
    print(report.summary(outcomes))
    return 1 if report.behind(outcomes) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
