"""A `mang worker` process: requests and events as lines of JSON over pipes (docs/python.md describes them)."""

from __future__ import annotations

import atexit
import json
import queue
import signal
import subprocess
import threading
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Tuple

from ._binary import binary_path, environment

Event = Dict[str, Any]

PROTOCOL = 1


class MangError(RuntimeError):
    """What the program refused or failed at; the message is its sentence."""


class WorkerDied(MangError):
    """The process behind a model ended while something was asked of it. `returncode` is as subprocess tells it."""

    def __init__(self, message: str, returncode: Optional[int]) -> None:
        super().__init__(message)
        self.returncode = returncode


class Cancelled(MangError):
    """The request was given up before it was done."""


class _Ended:
    """Put into every queue when the process has ended."""


def _line_of(request: Event) -> bytes:
    """A line of JSON. Errors: what JSON cannot hold (NaN), and text that is not Unicode (a lone surrogate)."""
    return json.dumps(request, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"


class Worker:
    """Starts the program with a model and hands out what it says, to each request its own. Threads may share it."""

    def __init__(self, arguments: List[str]) -> None:
        self._lock = threading.Lock()  # of the queues
        # Apart from the other: a write may wait until the process reads, and it may wait until its output is read.
        self._write_lock = threading.Lock()
        self._queues: Dict[int, "queue.SimpleQueue[Event | _Ended]"] = {}
        self._lines = 0  # sent; a request's id is its line, by which the process names what it cannot read
        self._closed = False
        self._broken: Optional[str] = None
        # A session of its own: Ctrl-C in a terminal interrupts Python, which then decides.
        self._process = subprocess.Popen(
            [binary_path(), "worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self._output: BinaryIO = self._process.stdout  # type: ignore[assignment]
        try:
            self.ready = self._greeting()
        except BaseException:
            self.close()
            raise
        self._reader = threading.Thread(target=self._read, name="mang worker", daemon=True)
        self._reader.start()
        # Before Python winds up: later the reading thread cannot be waited for any more.
        atexit.register(self.close)

    def _greeting(self) -> Event:
        line = self._output.readline()
        event: Event = json.loads(line) if line else {}
        if event.get("event") == "error":
            raise MangError(event["error"])
        if event.get("event") != "ready":
            raise self._death()
        if event.get("protocol") != PROTOCOL:
            raise MangError(
                f"{binary_path()} speaks protocol {event.get('protocol')} and this package {PROTOCOL}. "
                "Install the same version of both."
            )
        return event

    def _death(self) -> WorkerDied:
        if self._broken is not None:
            return WorkerDied(self._broken, self._process.poll())
        try:
            code: Optional[int] = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            code = None
        if code is None:
            how = "closed its output"
        elif code < 0:
            name = signal.Signals(-code).name
            hint = " Is there enough memory for this model?" if name == "SIGKILL" else ""
            return WorkerDied(f"the mang worker was ended by {name}.{hint}", code)
        else:
            how = f"ended with exit code {code}; its last words are on standard error"
        return WorkerDied(f"the mang worker {how}.", code)

    def _read(self) -> None:
        try:
            while True:
                line = self._output.readline()
                if not line:
                    break
                event: Event = json.loads(line)
                if event.get("event") == "rows":
                    data = self._output.read(event["bytes"])
                    if len(data) != event["bytes"]:
                        break
                    event["data"] = data
                number = event["line"] if event["id"] is None else event["id"]
                with self._lock:
                    waiting = self._queues.get(number)
                if waiting is not None:
                    waiting.put(event)
        except (OSError, ValueError, KeyError) as error:
            if not self._closed:
                self._broken = f"the mang worker wrote what cannot be read: {error}."
        finally:
            with self._lock:
                self._closed = True
                queues = list(self._queues.values())
            for each in queues:
                each.put(_Ended())

    def ask(self, request: Event) -> "Events":
        """Sends a request; its events, the last one "done"."""
        return Events(self, *self._begin(request))

    def _begin(self, request: Event) -> "Tuple[int, queue.SimpleQueue[Event | _Ended]]":
        events: "queue.SimpleQueue[Event | _Ended]" = queue.SimpleQueue()
        with self._write_lock:
            number = self._lines + 1
            line = _line_of({"id": number, **request})
            with self._lock:
                if self._closed and not self._input.closed:
                    raise self._death()
                self._queues[number] = events
            try:
                self._write(line)
            except BaseException:
                self._forget(number)
                raise
        return number, events

    def _forget(self, number: int) -> None:
        with self._lock:
            self._queues.pop(number, None)

    def _why_ended(self) -> MangError:
        if self._input.closed:
            return Cancelled("the model was closed before the answer was complete.")
        return self._death()

    def cancel(self, number: int) -> None:
        try:
            with self._write_lock:
                self._write(_line_of({"id": number, "do": "cancel"}))
        except MangError:
            pass  # it ended, and with it the request

    def _write(self, line: bytes) -> None:
        self._lines += 1
        try:
            self._input.write(line)
            self._input.flush()
        except ValueError:
            raise MangError("the model is closed.") from None
        except OSError:
            raise self._death() from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """Ends the process: what is under way is given up. May be called again."""
        if self._input.closed:
            return
        atexit.unregister(self.close)
        if self._process.poll() is None:
            self._process.terminate()  # a write that waits then fails and gives its lock back
        with self._write_lock:
            try:
                self._input.close()
            except OSError:
                pass
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        reader = getattr(self, "_reader", None)
        if reader is not None and reader is not threading.current_thread():
            reader.join(timeout=10)
        self._output.close()


class Events(Iterator[Event]):
    """What a request is answered with. Given up before the end, the request is cancelled."""

    def __init__(self, worker: Worker, number: int, events: "queue.SimpleQueue[Event | _Ended]") -> None:
        self._worker = worker
        self._number = number
        self._events = events
        self._over = False

    def __next__(self) -> Event:
        if self._over:
            raise StopIteration
        event = self._events.get()
        if isinstance(event, _Ended):
            self._finish()
            raise self._worker._why_ended()
        if event["event"] in ("done", "error"):
            self._finish()
        if event["event"] == "error":
            raise MangError(event["error"])
        return event

    def _finish(self) -> None:
        self._over = True
        self._worker._forget(self._number)

    def close(self) -> None:
        if not self._over:
            self._finish()
            self._worker.cancel(self._number)

    def __del__(self) -> None:
        self.close()
