"""Outcomes as Markdown, for people."""
import statistics

from machine import Host
from pairs import Outcome, Pair
from peers import Mang, Peer

COLUMNS = ("model", "case", "peer", "măng", "peer's", "ratio (range)", "of the limit: măng, peer", "resident MB",
           "load s", "pairs")


def heading(date: str, host: Host, mang: Mang, peers: list[Peer], tolerance: float) -> str:
    lines = [f"{date}, {host.cpu}, {host.cores} cores ({host.cpus} threads), {host.memory / 2**30:.0f} GiB; "
             f"Măng's kernels: {host.isas}.",
             f"- măng: {mang.version}",
             *(f"- {p.name}: {('NOT HERE: ' + p.missing) if p.missing else p.version}" for p in peers), "",
             "Speeds in tokens a second (load: seconds to the first token). Ratio above 1: Măng is ahead. Of the "
             "limit: of the int8 peak (prompts) or the read bandwidth (writing), probed around the pair. A pair counts "
             f"where these probes agree within {tolerance:g} %.", "",
             "| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    return "\n".join(lines)


def share(outcome: Outcome, pair: Pair, seconds: float) -> float:
    """Of what the machine could do in that minute: the multiply-adds of the model's matrices, or the bytes a step
    reads, in the files' own types and with a KV cache of half floats, whoever does the work."""
    peak = pair.before.with_(pair.after)
    if outcome.case.writes:
        return pair.ours["step_bytes"] * outcome.case.generate / seconds / peak.read_bytes
    return pair.ours["token_macs"] * pair.ours["tokens"] / seconds / peak.int8_macs


def _figures(outcome: Outcome) -> list[str]:
    pairs = outcome.counted
    if outcome.problem:
        return ["–", "–", outcome.problem.replace("|", "/"), "–", "–", "–", "0"]
    tried = f"{len(pairs)} ({len(outcome.pairs) - len(pairs)} discarded)"
    if not pairs:
        return ["–", "–", "the machine was not quiet", "–", "–", "–", tried]

    def middle(of) -> float:
        return statistics.median(of(pair) for pair in pairs)

    ratios = [pair.ratio for pair in pairs]
    resident = [f"{middle(lambda p, side=side: getattr(p, side)['resident_bytes']) / 1e6:.0f}"
                for side in ("ours", "theirs")]
    spread = f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}–{max(ratios):.2f})"
    if outcome.case.load:
        return [f"{middle(lambda p: p.ours['seconds']):.2f} s", f"{middle(lambda p: p.theirs['seconds']):.2f} s",
                spread, "–", ", ".join(resident), "–", tried]
    speeds = [middle(lambda p, side=side: p.ours["tokens"] / getattr(p, side)["seconds"])
              for side in ("ours", "theirs")]
    shares = [100 * middle(lambda p, side=side: share(outcome, p, getattr(p, side)["seconds"]))
              for side in ("ours", "theirs")]
    loads = [middle(lambda p: p.ours["load_seconds"] + p.ours["tokenizer_seconds"]),
             middle(lambda p: p.theirs["load_seconds"])]
    # The probes use the best instructions there are: for others they are no limit.
    limit = "–" if outcome.case.isa else f"{shares[0]:.0f} %, {shares[1]:.0f} %"
    return [f"{speeds[0]:.1f}", f"{speeds[1]:.1f}", spread, limit, ", ".join(resident),
            ", ".join(f"{s:.2f}" for s in loads), tried]


def row(outcome: Outcome) -> str:
    peer = outcome.peer.name + (f" ({outcome.setting})" if outcome.setting else "")
    return "| " + " | ".join([outcome.model.stem, outcome.case.name, peer, *_figures(outcome)]) + " |"


def _best_peers(outcomes: list[Outcome]) -> dict[tuple[str, str], Outcome]:
    """Of each model and case, the peer that is nearest to Măng or ahead of it."""
    best: dict[tuple[str, str], Outcome] = {}
    for outcome in (o for o in outcomes if o.counted):
        key = outcome.model.stem, outcome.case.name
        if key not in best or _ratio(outcome) < _ratio(best[key]):
            best[key] = outcome
    return best


def _ratio(outcome: Outcome) -> float:
    return statistics.median(pair.ratio for pair in outcome.counted)


def _kept_when_busy(outcomes: list[Outcome]) -> list[str]:
    """What is left of the idle speed beside a busy process, where both were measured."""
    idle = {(o.model, o.case.name, o.peer.name): o for o in outcomes if o.counted and not o.case.busy}
    lines = []
    for outcome in (o for o in outcomes if o.counted and o.case.busy):
        quiet = idle.get((outcome.model, outcome.case.name.removesuffix(" + busy"), outcome.peer.name))
        if quiet is None:
            continue
        kept = [statistics.median(getattr(p, side)["seconds"] for p in quiet.counted) /
                statistics.median(getattr(p, side)["seconds"] for p in outcome.counted) for side in ("ours", "theirs")]
        lines.append(f"- {outcome.model.stem}, {outcome.case.name}: Măng keeps {100 * kept[0]:.0f} % of its idle "
                     f"speed, {outcome.peer.name} {100 * kept[1]:.0f} %")
    return lines


def summary(outcomes: list[Outcome]) -> str:
    lines = ["", "Against the best peer of each case:"]
    lines += [f"- {model}, {case}: {_ratio(best):.2f} × {best.peer.name}"
              for (model, case), best in _best_peers(outcomes).items()]
    kept = _kept_when_busy(outcomes)
    lines += ["", "Beside one busy process:", *kept] if kept else []
    failed = {(o.peer.name, o.model.stem, o.case.name): o.problem for o in outcomes if o.problem}
    lines += ["", "Not measured:"] if failed else []
    lines += [f"- {peer}, {model}, {case}: {why}" for (peer, model, case), why in failed.items()]
    count = behind(outcomes)
    total = len({(o.model, o.case.name) for o in outcomes})
    lines += ["", f"{count} of {total} cases behind the best peer, or without a pair that counts."]
    return "\n".join(lines)


def behind(outcomes: list[Outcome]) -> int:
    best = _best_peers(outcomes)
    wanted = {(o.model.stem, o.case.name) for o in outcomes}
    return sum(key not in best or _ratio(best[key]) < 1 for key in wanted)
