"""The machine: what it is, what it can do this very minute, and a process that keeps one of its cores busy."""
import ctypes
import json
import mmap
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

BUSY = "while True: pass"


@dataclass(frozen=True)
class Probe:
    """Peaks of the moment, a second: bytes read, int8 and float32 multiply-adds."""
    read_bytes: float
    int8_macs: float
    f32_macs: float

    def agrees(self, other: "Probe", tolerance: float) -> bool:
        return all(abs(a - b) <= tolerance * max(a, b) for a, b in zip(self.values(), other.values()))

    def values(self) -> tuple[float, float, float]:
        return self.read_bytes, self.int8_macs, self.f32_macs

    def with_(self, other: "Probe") -> "Probe":
        """The mean of the two."""
        return Probe(*((a + b) / 2 for a, b in zip(self.values(), other.values())))


@dataclass(frozen=True)
class Host:
    cpu: str
    cores: int
    cpus: int
    memory: int
    isas: str  # of Măng's kernels, such as "generic avx2 avxvnni avx512"


def _doctor(program: str, threads: int) -> dict:
    done = subprocess.run([program, "doctor", "--json", "--threads", str(threads)], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=120)
    return json.loads(done.stdout)


def probe(program: str, threads: int) -> Probe:
    found = _doctor(program, threads)["probe"]
    return Probe(*(float(found[f"{name}_per_second"]) for name in ("read_bytes", "int8_macs", "f32_macs")))


def describe(program: str) -> Host:
    found = _doctor(program, 1)
    return Host(found["cpu"], found["physical_cores"], found["logical_cpus"], found["memory_bytes"],
                " ".join(found["isas"]))


def available_memory() -> int:
    with open("/proc/meminfo") as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


class BusyProcess:
    """Takes a core for itself while it is not paused. Pinned nowhere: the system decides, as it does for users."""

    def __init__(self):
        self._process = subprocess.Popen([sys.executable, "-c", BUSY])
        self.pause()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def leave_page_cache(path: str) -> None:
    """The file's pages are dropped from memory, so that the next reader waits for the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def share_in_memory(path: str) -> float:
    """Of the file's pages, those that need no disk to be read."""
    size, page = os.path.getsize(path), mmap.PAGESIZE
    states = ctypes.create_string_buffer((size + page - 1) // page)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), size, flags=mmap.MAP_PRIVATE,
                                             prot=mmap.PROT_READ | mmap.PROT_WRITE) as pages:
        held = ctypes.c_char.from_buffer(pages)
        failed = ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(ctypes.addressof(held)),
                                                           ctypes.c_size_t(size), states)
        del held
    if failed:
        raise OSError(ctypes.get_errno(), "mincore")
    return sum(state & 1 for state in states.raw) / len(states.raw)


def enter_page_cache(path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(1 << 22)
        while file.readinto(buffer):
            pass
