"""The module against the built program and a tiny model. Run by ctest, which sets MANG_BINARY and MANG_SOURCE_DIR."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import numpy

import mang

BINARY = os.environ["MANG_BINARY"]
TINY = Path(os.environ["MANG_SOURCE_DIR"], "tests/golden/smollm2/tied-gqa")


def run(*arguments: str, **options: object) -> str:
    return subprocess.run([BINARY, *arguments], check=True, capture_output=True, text=True, **options).stdout


class WithModel(unittest.TestCase):
    """A model with room for an answer that takes a while, loaded once."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = Path(cls.folder.name, "patient")
        shutil.copytree(TINY, cls.path)
        config = json.loads((cls.path / "config.json").read_text())
        config["max_position_embeddings"] = 200000
        (cls.path / "config.json").write_text(json.dumps(config))
        cls.model = mang.load(cls.path, threads=2)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.model.close()
        cls.folder.cleanup()


class Answers(WithModel):
    def test_an_answer_is_that_of_the_command_line(self) -> None:
        told = json.loads(run("run", str(self.path), "Hello there", "-n", "12", "--json", "--seed", "3", "--temp", "0.9"))
        answer = self.model.generate("Hello there", max_tokens=12, seed=3, temperature=0.9)
        self.assertEqual((answer.text, answer.ids), (told["text"], told["ids"]))
        self.assertEqual(answer.finish_reason, told["finish_reason"])
        self.assertEqual(answer.usage.prompt_tokens, told["prompt_tokens"])
        self.assertEqual(answer.usage.generated_tokens, 12)
        messages = [{"role": "user", "content": "Hello there"}]
        self.assertEqual(self.model.generate(messages, max_tokens=12, seed=3, temperature=0.9).ids, answer.ids)

    def test_raw_text_is_continued(self) -> None:
        told = json.loads(run("run", str(self.path), "--raw", "-p", "Hello", "-n", "9", "--json"))
        self.assertEqual(self.model.generate("Hello", raw=True, max_tokens=9).ids, told["ids"])
        with self.assertRaises(ValueError):
            self.model.generate("Hello", raw=True, system="x")

    def test_pieces_of_a_stream_are_the_answer(self) -> None:
        whole = self.model.generate("Hello", max_tokens=20, ignore_eos=True)
        self.assertEqual("".join(self.model.stream("Hello", max_tokens=20, ignore_eos=True)), whole.text)
        stopped = self.model.generate("Hello", max_tokens=20, ignore_eos=True, stop=whole.text[3:5])
        self.assertEqual(stopped.finish_reason, "stop string")
        self.assertTrue(whole.text.startswith(stopped.text))

    def test_an_option_reaches_the_sampler(self) -> None:
        first = self.model.generate("Hello", max_tokens=1).ids[0]
        self.assertNotEqual(self.model.generate("Hello", max_tokens=1, logit_bias={first: float("-inf")}).ids[0], first)

    def test_answers_asked_together_are_those_asked_alone(self) -> None:
        prompts = [f"Question {i}?" for i in range(6)]
        alone = [self.model.generate(each, max_tokens=16, ignore_eos=True).ids for each in prompts]
        together: dict = {}
        threads = [
            threading.Thread(
                target=lambda each=each: together.update(
                    {each: self.model.generate(each, max_tokens=16, ignore_eos=True).ids}
                )
            )
            for each in prompts
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual([together[each] for each in prompts], alone)

    def test_leaving_a_stream_stops_the_answer(self) -> None:
        for _ in self.model.stream("Hello", max_tokens=150000, ignore_eos=True):
            break
        gc.collect()
        begin = time.monotonic()
        self.model.generate("Hello", max_tokens=1)
        self.assertLess(time.monotonic() - begin, 20)
        # Nothing is worked on: the process sleeps.
        time.sleep(0.3)
        before = cpu_seconds(self.model._worker.pid)
        time.sleep(0.5)
        self.assertLess(cpu_seconds(self.model._worker.pid) - before, 0.25)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class TextAndLogits(WithModel):
    def test_text_to_ids_and_back(self) -> None:
        text = "Tre già măng mọc.\n"
        ids = self.model.tokenize(text)
        self.assertEqual(ids, json.loads(run("tokenize", str(self.path), "--json", input=text)))
        self.assertEqual(self.model.detokenize(ids), text)
        with self.assertRaisesRegex(mang.MangError, "outside the vocabulary"):
            self.model.detokenize([10**6])

    def test_logits_are_those_of_the_command_line_bit_for_bit(self) -> None:
        ids = (self.model.tokenize("The same bits, always. ") * 80)[:700]
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "ids.json").write_text(json.dumps(ids))
            run("logits", str(self.path), "--ids", f"{folder}/ids.json", "-o", f"{folder}/out.npy")
            expected = numpy.load(f"{folder}/out.npy")
        logits = self.model.logits(ids)
        self.assertEqual(logits.dtype, numpy.float32)
        self.assertEqual(logits.shape, (700, self.model.vocabulary))
        self.assertEqual(logits.tobytes(), expected.tobytes())
        self.assertEqual(self.model.logits("The same").tobytes(), logits[: len(self.model.tokenize("The same"))].tobytes())


class Mistakes(WithModel):
    def test_the_programs_sentences_are_the_exceptions(self) -> None:
        with self.assertRaisesRegex(mang.MangError, "temperature"):
            self.model.generate("x", temperature=-1)
        with self.assertRaisesRegex(mang.MangError, "'role'|role"):
            self.model.generate([{"content": "x"}])
        deep: list = []
        for _ in range(100):
            deep = [deep]
        with self.assertRaisesRegex(mang.MangError, "deep|nest"):  # a line that the worker cannot read has no id
            self.model.generate([{"role": "user", "content": deep}])
        with self.assertRaises(UnicodeEncodeError):
            self.model.tokenize("half a pair: \ud800")
        with self.assertRaisesRegex(TypeError, "temprature"):
            self.model.generate("x", temprature=1)  # type: ignore[call-arg]
        self.assertEqual(len(self.model.generate("x", max_tokens=1, ignore_eos=True).ids), 1)  # it goes on

    def test_a_model_that_is_none_is_told_by_load(self) -> None:
        with self.assertRaisesRegex(mang.MangError, "no such file"):
            mang.load("./nothing.gguf")
        with self.assertRaisesRegex(mang.WorkerDied, "exit code 2"):
            mang.load(self.path, isa="sse9")

    def test_a_killed_worker_is_an_exception_that_says_so(self) -> None:
        with mang.load(self.path) as model:
            pieces = model.stream("Hello", max_tokens=150000, ignore_eos=True)
            next(pieces)
            os.kill(model._worker.pid, signal.SIGKILL)
            with self.assertRaisesRegex(mang.WorkerDied, "SIGKILL") as caught:
                for _ in pieces:
                    pass
            self.assertEqual(caught.exception.returncode, -signal.SIGKILL)
            with self.assertRaises(mang.WorkerDied):
                model.generate("Hello")

    def test_a_closed_model_is_told(self) -> None:
        model = mang.load(self.path)
        model.close()
        model.close()
        with self.assertRaisesRegex(mang.MangError, "closed"):
            model.generate("Hello")

    def test_a_program_may_end_without_closing_its_model(self) -> None:
        script = (
            "import mang\n"
            f"model = mang.load({str(self.path)!r})\n"
            "pieces = model.stream('Hello', max_tokens=150000, ignore_eos=True)\n"
            "print(len(next(pieces)) > 0)\n"
        )
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (0, "True\n", ""))

    def test_the_worker_ends_with_the_program_that_started_it(self) -> None:
        script = (
            "import mang, os, sys\n"
            f"model = mang.load({str(self.path)!r})\n"
            "print(model._worker.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
        )
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        stat = Path("/proc", ran.stdout.strip(), "stat")
        for _ in range(100):
            if not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
            time.sleep(0.1)
        self.fail("it goes on")


class ConsoleScript(unittest.TestCase):
    def script(self) -> list:
        return [sys.executable, "-c", "from mang._binary import main; main()"]

    def test_it_becomes_the_program(self) -> None:
        ran = subprocess.run([*self.script(), "--version"], capture_output=True, text=True)
        self.assertEqual(ran.stdout, run("--version"))
        self.assertEqual(subprocess.run([*self.script(), "dance"], capture_output=True).returncode, 2)

    def test_signals_reach_it(self) -> None:
        process = subprocess.Popen(
            [*self.script(), "tokenize", str(TINY), "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        process.stdin.write(b'"x"\n')
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 130)
        process.stdin.close()
        process.stdout.close()


if __name__ == "__main__":
    unittest.main()
