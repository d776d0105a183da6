"""The programs that are measured: how each is called for a case, and which settings of it are tried."""
import itertools
import json
import pathlib
import subprocess
from dataclasses import dataclass, field

from cases import Case

BENCH = pathlib.Path(__file__).resolve().parent.parent
ISAS = ("", "avx512", "avxvnni", "avx2")


def default_folder() -> pathlib.Path:
    return BENCH.parent / "build" / "peers"


@dataclass(frozen=True)
class Setting:
    """A way to call a peer: a name for the report, and what it adds to the command."""
    name: str = ""
    options: tuple[str, ...] = ()


@dataclass
class Peer:
    name: str
    kind: str = ""  # "llama", "ik", "python"
    version: str = ""
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    isas: list[str] = field(default_factory=lambda: [""])
    missing: str = ""  # why it is not here

    def can_isa(self, isa: str) -> bool:
        return isa in self.isas

    def call(self, case: Case, model: pathlib.Path, setting: Setting) -> list[str]:
        numbers = {"model": model, "prompt": case.prompt, "generate": case.generate, "depth": case.depth,
                   "sequences": case.sequences, "beside": case.beside, "chunk": case.chunk, "threads": case.threads}
        options = [text for name, value in numbers.items() for text in (f"--{name}", str(value))]
        return [*self.command, *options, *setting.options, *(["--no-warmup"] if case.load else [])]

    def settings(self, case: Case) -> list[Setting]:
        """The likely best first. All are tried once where a case is measured in earnest, and the fastest is paired."""
        if self.kind == "python":
            return [Setting()]
        several = case.sequences + case.beside > 1 and self.kind == "llama"
        unified = ([("1", "one cache"), ("0", "a cache each")] if case.beside else
                   [("0", "a cache each"), ("1", "one cache")]) if several else [("0", "")]
        out = []
        for (flash, how), (one, cache), (repack, packed) in itertools.product(
                (("1", "flash"), ("0", "no flash")), unified, (("1", "repacked"), ("0", "as in the file"))):
            out.append(Setting(", ".join(word for word in (how, cache, packed) if word),
                               ("--flash", flash, "--unified", one, "--repack", repack)))
        return out


def installed(folder: pathlib.Path) -> list[Peer]:
    """What install.py wrote down: also the peers that could not be had, with the reason."""
    manifest = folder / "peers.json"
    if not manifest.exists():
        return []
    return [Peer(**entry) for entry in json.loads(manifest.read_text())]


class Mang:
    name = "măng"

    def __init__(self, program: str):
        self.program = program
        done = subprocess.run([program, "--version"], check=True, text=True, stdout=subprocess.PIPE, timeout=60)
        self.version = done.stdout.strip().splitlines()[0]

    def call(self, case: Case, model: pathlib.Path) -> list[str]:
        command = [self.program, "bench", str(model), "-p", str(case.prompt), "-n", str(case.generate), "-d",
                   str(case.depth), "--sequences", str(case.sequences), "--beside", str(case.beside), "-b",
                   str(case.chunk), "-t", str(case.threads), "--turns", "-o", "jsonl", "--no-probe"]
        command += ["--isa", case.isa] if case.isa else []
        return command + (["--no-warmup"] if case.load else [])
