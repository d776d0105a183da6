"""A program that measures one repetition for each line it is sent, and answers with a line of JSON.

Both sides of a pair are loaded and warm, and wait: so they alternate repetition by repetition, within the same minute,
however long the loading took.
"""
import json
import os
import selectors
import statistics
import subprocess
import tempfile
import time

LONGEST = 1800  # seconds for one answer, the loading included
SHORTEST = 0.4  # seconds that a turn takes at least: shorter repetitions are repeated and their median counts
MOST = 20


class Failed(Exception):
    """Which program, and what it said last, in one line."""


class Turns:
    def __init__(self, name: str, command: list[str], environment: dict[str, str]):
        self._name = name
        self.started = time.monotonic()
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                                         env={**os.environ, **environment})
        self._answers = b""
        self._repeats = 1

    def warm_up(self) -> None:
        """Waits until it is loaded, and finds how many repetitions make a turn."""
        first = self._ask()["seconds"][0]
        self._repeats = max(1, min(MOST, round(SHORTEST / max(first, 1e-6))))

    def take(self) -> dict:
        """One turn: the answer, its "seconds" the median of the repetitions."""
        answers = [self._ask() for _ in range(self._repeats)]
        return {**answers[-1], "seconds": statistics.median(a["seconds"][0] for a in answers)}

    def first_token(self) -> dict:
        """The first answer; "seconds" from the start of the program, less what it says of its own start-up."""
        answer = self._ask()
        return {**answer, "seconds": time.monotonic() - self.started - answer.get("startup_seconds", 0.0)}

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            stream.close()

    def _ask(self) -> dict:
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._failure() from None
        while not (line := self._line()).startswith(b"{"):
            pass  # what a library or its debugger prints is no answer
        return json.loads(line)

    def _line(self) -> bytes:
        end = time.monotonic() + LONGEST
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._answers:
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise Failed(f"{self._name}: no answer within {LONGEST} seconds")
                piece = os.read(self._process.stdout.fileno(), 1 << 16)
                if not piece:
                    raise self._failure()
                self._answers += piece
        line, self._answers = self._answers.split(b"\n", 1)
        return line

    def _failure(self) -> Failed:
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        how = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
        reasons = [line for line in said if "assert" in line.lower() or "error" in line.lower()]
        why = (reasons or said or ["it said nothing"])[-1].strip()[:200]  # a debugger's words may follow the reason
        return Failed(f"{self._name}: {why} ({how})")
