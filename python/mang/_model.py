"""A model that answers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Type, TypedDict, Union

from ._worker import MangError, Worker

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    from typing_extensions import Unpack

Message = Mapping[str, Any]
Prompt = Union[str, Sequence[Message]]


class Options(TypedDict, total=False):
    """How to answer: as `mang run` has them. What is left out, or None, is the publisher's default."""

    temperature: Optional[float]
    top_k: Optional[int]
    top_p: Optional[float]
    min_p: Optional[float]
    repetition_penalty: Optional[float]
    presence_penalty: Optional[float]
    frequency_penalty: Optional[float]
    logit_bias: Optional[Mapping[int, float]]  # -inf bans a token
    seed: Optional[int]
    stop: Union[str, Sequence[str], None]
    max_tokens: Optional[int]
    ignore_eos: Optional[bool]
    system: Optional[str]  # the system message, before the prompt
    raw: Optional[bool]  # go on with the prompt's text, without a chat template
    special: Optional[bool]  # control tokens written in a raw prompt are read as such, and shown in the answer
    tools: Optional[Sequence[Mapping[str, Any]]]  # for the chat template
    variables: Optional[Mapping[str, Any]]  # for the chat template, such as {"enable_thinking": False}


@dataclass(frozen=True)
class Usage:
    """What an answer took."""

    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    prefill_seconds: float
    decode_seconds: float
    ttft_seconds: float


@dataclass(frozen=True)
class Answer:
    """An answer as a whole. finish_reason: "stop token", "stop string", "max tokens", "context full"."""

    text: str
    ids: List[int]
    finish_reason: str
    usage: Usage

    def __str__(self) -> str:
        return self.text


def load(
    model: Union[str, "os.PathLike[str]"],
    *,
    threads: Optional[int] = None,
    context: Optional[int] = None,
    isa: Optional[str] = None,
    kv: Optional[str] = None,
    exact: bool = False,
    sequences: Optional[int] = None,
) -> "Model":
    """Loads a model, fetching it first where it is not on this machine.

    model: whatever `mang run` takes: a path, a catalog name, hf:organisation/name, an address.
    threads, context, isa, kv, exact: as the options of `mang run`. sequences: answers worked on together.
    """
    name = os.fspath(model)
    arguments: List[str] = []
    values: Dict[str, Union[int, str, None]] = {
        "--threads": threads,
        "--context": context,
        "--isa": isa,
        "--kv": kv,
        "--sequences": sequences,
    }
    for option, value in values.items():
        if value is not None:
            arguments.append(f"{option}={value}")
    if exact:
        arguments.append("--exact")
    # A name that begins with a dash would be an option.
    return Model(Worker([*arguments, "--", name]))


class Model:
    """A loaded model; made by load(). Threads may share it: their answers are worked on together."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    # What the program told of the model.
    @property
    def path(self) -> str:
        return str(self._worker.ready["path"])

    @property
    def architecture(self) -> str:
        return str(self._worker.ready["architecture"])

    @property
    def parameters(self) -> int:
        return int(self._worker.ready["parameters"])

    @property
    def vocabulary(self) -> int:
        """Rows of logits()."""
        return int(self._worker.ready["vocabulary"])

    @property
    def context(self) -> int:
        """The longest conversation, in tokens."""
        return int(self._worker.ready["context"])

    @property
    def isa(self) -> str:
        return str(self._worker.ready["isa"])

    @property
    def threads(self) -> int:
        return int(self._worker.ready["threads"])

    def generate(self, prompt: Prompt, **options: Unpack[Options]) -> Answer:
        """The whole answer to a prompt or to messages ({"role": …, "content": …})."""
        text: List[str] = []
        ids: List[int] = []
        for event in self._worker.ask(_generate(prompt, options)):
            text.append(event.get("text", ""))
            if event["event"] == "token":
                ids.append(event["token"])
            elif event["event"] == "done":
                return Answer("".join(text), ids, event["finish_reason"], Usage(**event["usage"]))
        raise MangError("the answer had no end.")  # the worker always sends one

    def stream(self, prompt: Prompt, **options: Unpack[Options]) -> Iterator[str]:
        """The answer's text as it comes; leaving the loop stops the answer."""
        events = self._worker.ask(_generate(prompt, options))
        return (event["text"] for event in events if event.get("text"))

    def tokenize(self, text: str, *, special: bool = False, add_special: bool = False) -> List[int]:
        """The ids of a text. special: control tokens written in it are read as such; add_special: with BOS and so on."""
        ids: List[int] = self._one({"do": "tokenize", "text": text, "special": special, "add_special": add_special})["ids"]
        return ids

    def detokenize(self, ids: Iterable[int]) -> str:
        """The text of ids; bytes that are not UTF-8 become U+FFFD."""
        return str(self._one({"do": "detokenize", "ids": [int(id) for id in ids]})["text"])

    def logits(
        self, ids_or_text: Union[str, Iterable[int]], *, special: bool = False, add_special: bool = False
    ) -> "numpy.typing.NDArray[numpy.float32]":
        """The logits of every position, [tokens, vocabulary]: bit for bit what `mang logits` writes. Needs NumPy."""
        try:
            import numpy
        except ImportError:
            raise ImportError("logits() needs NumPy: pip install numpy") from None
        request: Dict[str, Any] = {"do": "logits"}
        if isinstance(ids_or_text, str):
            request.update(text=ids_or_text, special=special, add_special=add_special)
        else:
            request["ids"] = [int(id) for id in ids_or_text]
        out: Optional["numpy.typing.NDArray[numpy.float32]"] = None
        at = 0
        for event in self._worker.ask(request):
            if event["event"] == "shape":
                out = numpy.empty((event["rows"], event["columns"]), dtype=numpy.float32)
            elif event["event"] == "rows" and out is not None:
                rows = numpy.frombuffer(event["data"], dtype="<f4").reshape(event["rows"], event["columns"])
                out[at : at + event["rows"]] = rows
                at += event["rows"]
        if out is None or at != len(out):
            raise MangError("rows of logits are missing.")
        return out

    def close(self) -> None:
        """Ends the process that holds the model. May be called again."""
        self._worker.close()

    def __enter__(self) -> "Model":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        worker = getattr(self, "_worker", None)
        if worker is not None:
            worker.close()

    def __repr__(self) -> str:
        return f"<mang.Model {self.path}>"

    def _one(self, request: Dict[str, Any]) -> Dict[str, Any]:
        done: Dict[str, Any] = {}
        for event in self._worker.ask(request):
            done = event
        return done


_SAMPLING = (
    "temperature top_k top_p min_p repetition_penalty presence_penalty frequency_penalty seed max_tokens ignore_eos"
).split()


def _generate(prompt: Prompt, options: Options) -> Dict[str, Any]:
    """The request. Ranges are the program's to check, and its sentences say them."""
    unknown = sorted(set(options) - set(Options.__annotations__))
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}; there are: {', '.join(sorted(Options.__annotations__))}")
    request: Dict[str, Any] = {"do": "generate"}
    sampling: Dict[str, Any] = {name: value for name, value in options.items() if name in _SAMPLING}
    stop, bias, system = options.get("stop"), options.get("logit_bias"), options.get("system")
    if stop is not None:
        sampling["stop"] = stop if isinstance(stop, str) else list(stop)
    if bias is not None:  # JSON has no infinity
        sampling["logit_bias"] = {str(id): None if value == float("-inf") else value for id, value in bias.items()}
    request["sampling"] = sampling
    request["special"] = bool(options.get("special"))
    if options.get("raw"):
        if not isinstance(prompt, str) or system is not None:
            raise ValueError("raw=True goes on with a text: give a string, and no system message.")
        return {**request, "text": prompt}
    messages: List[Message] = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    request["messages"] = messages if system is None else [{"role": "system", "content": system}, *messages]
    tools, variables = options.get("tools"), options.get("variables")
    if tools is not None:
        request["tools"] = list(tools)
    if variables is not None:
        request["variables"] = dict(variables)
    return request
