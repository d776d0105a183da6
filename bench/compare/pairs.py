"""The protocol: probe, one, the other, probe; who goes first alternates; pairs on a changing machine do not count."""
import contextlib
import pathlib
from dataclasses import dataclass, field

import machine
from cases import Case
from machine import Probe
from peers import Mang, Peer, Setting
from turns import Failed, Turns

ATTEMPTS = 3  # times the pairs that are wanted
STILL_COLD = 0.02  # of a file may be in memory
Program = tuple[str, list[str], dict[str, str]]  # name, command, environment


@dataclass
class Pair:
    ours: dict  # an answer of turns.py
    theirs: dict
    before: Probe
    after: Probe
    counts: bool  # the machine was the same before and after

    @property
    def ratio(self) -> float:
        """Above 1: Măng is ahead. The work is the same, so times can be compared."""
        return self.theirs["seconds"] / self.ours["seconds"]


@dataclass
class Outcome:
    case: Case
    peer: Peer
    model: pathlib.Path
    setting: str = ""
    pairs: list[Pair] = field(default_factory=list)  # in the order they were measured
    problem: str = ""  # why there are none

    @property
    def counted(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.counts]


class Protocol:
    def __init__(self, mang: Mang, wanted: int, tolerance: float, settings: int | None):
        self._mang = mang
        self._wanted = wanted
        self._tolerance = tolerance  # by which two probes may differ
        self._settings = settings  # how many settings of a peer are tried; None: all

    def run(self, case: Case, peer: Peer, model: pathlib.Path) -> Outcome:
        outcome = Outcome(case, peer, model, problem=peer.missing)
        if peer.missing:
            return outcome
        try:
            setting = self._best_setting(case, peer, model)
            outcome.setting = setting.name
            with contextlib.ExitStack() as stack:
                self._measure(outcome, setting, stack)
        except Failed as failure:
            outcome.problem = str(failure)
        return outcome

    def _best_setting(self, case: Case, peer: Peer, model: pathlib.Path) -> Setting:
        """Every setting has one turn; one that fails is out, and only if all fail the peer has failed."""
        settings = peer.settings(case)[:self._settings]
        if len(settings) == 1:
            return settings[0]
        found, failures = [], []
        for setting in settings:
            with contextlib.ExitStack() as stack:
                try:
                    program = peer.name, peer.call(case, model, setting), peer.environment
                    found.append((self._side(program, case, stack)["seconds"], setting))
                except Failed as failure:
                    failures.append(failure)
        if not found:
            raise failures[0]
        return min(found, key=lambda pair: pair[0])[1]

    def _side(self, program: Program, case: Case, stack: contextlib.ExitStack) -> dict:
        """One turn of a program that is started for it."""
        turns = Turns(*program)
        stack.callback(turns.close)
        if case.load:
            return turns.first_token()
        turns.warm_up()
        return turns.take()

    def _measure(self, outcome: Outcome, setting: Setting, stack: contextlib.ExitStack) -> None:
        case, model = outcome.case, outcome.model
        peer = outcome.peer
        programs = ((self._mang.name, self._mang.call(case, model), {}),
                    (peer.name, peer.call(case, model, setting), peer.environment))
        busy = None
        if case.busy:
            busy = machine.BusyProcess()
            stack.callback(busy.end)
        kept = None
        if not case.load and machine.available_memory() > 4 * model.stat().st_size:
            kept = []  # both are loaded once and take turns
            for program in programs:
                turns = Turns(*program)
                stack.callback(turns.close)
                turns.warm_up()
                kept.append(turns)

        def turn(side: int) -> dict:
            if case.load == "cold":
                machine.leave_page_cache(str(model))
                if machine.share_in_memory(str(model)) > STILL_COLD:
                    raise Failed("the file stays in memory: another program uses it")
            if case.load == "warm":
                machine.enter_page_cache(str(model))
            if busy:
                busy.go_on()
            try:
                if kept:
                    return kept[side].take()
                with contextlib.ExitStack() as alone:
                    return self._side(programs[side], case, alone)
            finally:
                if busy:
                    busy.pause()

        before = machine.probe(self._mang.program, case.threads)
        for attempt in range(ATTEMPTS * self._wanted):
            if len(outcome.counted) == self._wanted:
                break
            order = (0, 1) if attempt % 2 == 0 else (1, 0)
            answers = {side: turn(side) for side in order}
            after = machine.probe(self._mang.program, case.threads)
            agree = before.agrees(after, self._tolerance)
            outcome.pairs.append(Pair(answers[0], answers[1], before, after, agree))
            before = after


