"""Every pair as a line of CSV, with the machine, the versions and the date."""
import csv
import pathlib

from machine import Host
from pairs import Outcome

COLUMNS = ("date", "cpu", "cores", "threads_of_machine", "memory_bytes", "kernels", "peer", "peer_version", "setting",
           "model", "case", "threads", "isa", "counts", "ratio", "tokens", "mang_seconds", "peer_seconds",
           "mang_load_seconds", "peer_load_seconds", "mang_resident_bytes", "peer_resident_bytes",
           "read_before", "read_after", "int8_before", "int8_after", "f32_before", "f32_after", "problem")


class Sheet:
    """Appended to, so that runs of several days or machines can stand in one file."""

    def __init__(self, path: pathlib.Path, date: str, host: Host):
        self._common = (date, host.cpu, host.cores, host.cpus, host.memory, host.isas)
        fresh = not path.exists() or path.stat().st_size == 0
        self._file = path.open("a", newline="")
        self._writer = csv.writer(self._file)
        if fresh:
            self._writer.writerow(COLUMNS)

    def __enter__(self) -> "Sheet":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def add(self, outcome: Outcome) -> None:
        case, peer = outcome.case, outcome.peer
        about = (*self._common, peer.name, peer.version, outcome.setting, outcome.model.stem, case.name, case.threads,
                 case.isa or "best")
        for pair in outcome.pairs:
            probes = [value for both in zip(pair.before.values(), pair.after.values()) for value in both]
            self._writer.writerow([*about, int(pair.counts), pair.ratio, pair.ours["tokens"], pair.ours["seconds"],
                                   pair.theirs["seconds"], pair.ours["load_seconds"] + pair.ours["tokenizer_seconds"],
                                   pair.theirs["load_seconds"], pair.ours["resident_bytes"],
                                   pair.theirs["resident_bytes"], *probes, ""])
        if outcome.problem:
            self._writer.writerow([*about, 0, *[""] * (len(COLUMNS) - len(about) - 2), outcome.problem])
        self._file.flush()
