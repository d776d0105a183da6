"""Uses every part of the wheel's module on a model; part of tools/prove_wheel.sh.

prove_wheel.py best|avx2|emulated MODEL: the best instruction set, AVX2, or whatever an emulated (slow) processor has.
Runs on the same model must all give the same bits.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy

import mang

QUESTION = "Why does bamboo grow so fast?"


def main() -> None:
    how, name = sys.argv[1:]
    tokens = 4 if how == "emulated" else 40
    begin = time.monotonic()
    isa = "avx2" if how == "avx2" else None
    with mang.load(name, isa=isa, context=512) as model:
        print(f"loaded after {time.monotonic() - begin:.1f} s: {model.architecture}, {model.isa}, {model.threads} threads")
        if how != "best":
            assert model.isa == "avx2", model.isa
        begin = time.monotonic()
        answer = model.generate(QUESTION, max_tokens=tokens)
        print(f"{len(answer.ids)} tokens after {time.monotonic() - begin:.1f} s: {answer.text!r}")
        # The same bits as every other instruction set and every other run gave.
        known = Path(f"answer-{Path(name).name}.json")
        if known.exists():
            assert answer.ids == json.loads(known.read_text())[: len(answer.ids)]
        else:
            known.write_text(json.dumps(answer.ids))
        assert "".join(model.stream(QUESTION, max_tokens=tokens)) == answer.text
        text = "Tre già măng mọc: when the bamboo is old, the shoots come up."
        ids = model.tokenize(text)
        assert model.detokenize(ids) == text
        logits = model.logits(ids)
        assert logits.shape == (len(ids), model.vocabulary) and logits.dtype == numpy.float32
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "ids.json").write_text(json.dumps(ids))
            subprocess.run(
                [mang.binary_path(), "logits", name, "--ids", f"{folder}/ids.json", "-o", f"{folder}/out.npy"]
                + ([] if isa is None else ["--isa", isa]),
                check=True,
            )
            same = numpy.load(f"{folder}/out.npy").tobytes() == logits.tobytes()
        print(f"logits {logits.shape}: {'the same bits' if same else 'DIFFERENT'} as mang logits")
        assert same
        kept = Path(f"logits-{Path(name).name}.bin")
        if kept.exists():
            assert kept.read_bytes() == logits.tobytes(), "other bits than the first instruction set"
        else:
            kept.write_bytes(logits.tobytes())
        try:
            model.generate("x", temperature=-1)
        except mang.MangError as error:
            print(f"refused: {error}")
        else:
            raise AssertionError("a temperature of -1 was taken")


main()
