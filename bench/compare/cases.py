"""What is measured: the numbers of a case, and the list of cases."""
from dataclasses import dataclass

QUICK = "prefill 512,decode at 0,batch 8,load warm"


@dataclass(frozen=True)
class Case:
    name: str
    prompt: int = 0  # tokens read
    generate: int = 0  # tokens written, by each sequence
    depth: int = 0  # tokens already there
    sequences: int = 1
    beside: int = 0  # sequences that write a token in each forward in which the prompt is read
    threads: int = 1
    isa: str = ""  # instruction set that both are held to; "": the best of each
    busy: bool = False  # beside one process that takes a core for itself
    load: str = ""  # "warm", "cold": from starting the program to the first token; the file in memory or not

    @property
    def chunk(self) -> int:
        return 512

    @property
    def writes(self) -> bool:
        return self.prompt == 0


def _shapes() -> list[dict]:
    out = [{"name": f"prefill {n}", "prompt": n} for n in (128, 512, 2048, 8192)]
    out += [{"name": f"decode at {n}", "generate": 32, "depth": n} for n in (0, 512, 4096, 16384)]
    out += [{"name": f"batch {n}", "generate": 16, "depth": 128, "sequences": n} for n in (1, 2, 4, 8, 16, 32)]
    out += [{"name": f"prompt 2048 beside {n}", "prompt": 2048, "depth": 128, "beside": n} for n in (1, 8)]
    out += [{"name": f"load {state}", "prompt": 16, "load": state} for state in ("warm", "cold")]
    return out


def all_cases(threads: int) -> list[Case]:
    """`threads`: what "all threads" means here."""
    cases = [Case(**shape, threads=threads) for shape in _shapes()]
    usual = [c for c in cases if c.name in ("prefill 512", "decode at 0", "batch 8")]
    out = list(cases)
    out += [Case(**{**vars(c), "name": f"{c.name} + busy", "busy": True}) for c in usual]
    for count in sorted({1, 2} - {threads}):
        if count < threads:
            words = "1 thread" if count == 1 else f"{count} threads"
            out += [Case(**{**vars(c), "name": f"{c.name} + {words}", "threads": count}) for c in usual]
    for isa in ("avx512", "avxvnni", "avx2"):
        out += [Case(**{**vars(c), "name": f"{c.name} + {isa}", "isa": isa}) for c in usual]
    return out
