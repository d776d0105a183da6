"""Măng runs open-weight language models on your own machine.

    import mang

    with mang.load("smollm2:135m") as model:
        print(model.generate("Why does bamboo grow so fast?", max_tokens=60).text)
        for piece in model.stream("Tell a story.", temperature=0.8, seed=7):
            print(piece, end="", flush=True)

The same model, prompt and seed give the same text, bit for bit. docs/python.md tells everything.
"""

from __future__ import annotations

from ._binary import binary_path
from ._model import Answer, Message, Model, Options, Usage, load
from ._worker import Cancelled, MangError, WorkerDied
from ._version import __version__

__all__ = [
    "Answer",
    "Cancelled",
    "MangError",
    "Message",
    "Model",
    "Options",
    "Usage",
    "WorkerDied",
    "__version__",
    "binary_path",
    "load",
]
