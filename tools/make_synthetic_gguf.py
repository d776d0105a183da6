#!/usr/bin/env python3
"""Write a GGUF file of a real model's shape with random weights: for measuring speed and memory where the model itself
is not at hand. What it says is noise.

usage: make_synthetic_gguf.py SHAPE OUT.gguf [--type Q4_K] [--layers N] [--seed N]
SHAPE: qwen3-4b, llama-3.1-8b, qwen3-30b-a3b; qwen2-half-billion, near Qwen2.5 0.5B with widths that every type can
hold; llama-tiny for trying things out

All matrices, the embedding and the head included, are of the one type; norms are float32 ones. Weights have the spread
1/√(inputs), so that activations stay in the range of a trained model's. The blocks come from a pool of 32 MiB of
random ones, from a random place for each stretch: no two tensors are alike, and a file is written as fast as the disk
takes it. The vocabulary has its full size: bytes, then pairs and triples of them with their merges.

The mixture of experts (qwen3-30b-a3b: 128 experts, 8 used): real routers prefer some experts, and tokens that follow
one another share many. A router of independent random rows does neither: 6 % are shared, and all are used alike. Here
half the energy of every embedding lies in one direction that all tokens share (embeddings are four times as large as
what a layer adds, so that it lasts through the layers), and each layer's router sees that direction with a weight of
its own for each expert, of the same spread as what it sees of the token itself. What that does to the first layer is
printed: the share of experts that a token has in common with the one before it (22 %), and how often the eight
favourites are used (by 35 % of the tokens).
"""
import argparse
import os
import pathlib
import struct
import sys
from dataclasses import dataclass, replace

import numpy as np

ALIGNMENT = 32
POOL_BYTES = 32 << 20
STRETCH = 1 << 20  # bytes written from one place of the pool
SHARED = 20  # how far the minima of shared directions are from the others, in steps of a Q4_K scale


# -- shapes -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Shape:
    architecture: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    context: int
    rope_base: float
    tied: bool  # the head is the embedding
    pre_tokenizer: str
    biases: bool = False  # of queries, keys and values
    qk_norms: bool = False
    experts: int = 0
    experts_used: int = 0
    expert_intermediate: int = 0


SHAPES = {
    "qwen3-4b": Shape("qwen3", 36, 2560, 9728, 32, 8, 128, 151936, 40960, 1e6, True, "qwen2", qk_norms=True),
    "llama-3.1-8b": Shape("llama", 32, 4096, 14336, 32, 8, 128, 128256, 131072, 5e5, False, "llama-bpe"),
    "qwen3-30b-a3b": Shape("qwen3moe", 48, 2048, 6144, 32, 4, 128, 151936, 40960, 1e6, False, "qwen2", qk_norms=True,
                           experts=128, experts_used=8, expert_intermediate=768),
    "qwen2-half-billion": Shape("qwen2", 24, 1024, 4864, 16, 2, 64, 151936, 32768, 1e6, True, "qwen2", biases=True),
    "llama-tiny": Shape("llama", 2, 256, 768, 4, 2, 64, 4096, 8192, 5e5, False, "llama-bpe"),
}


def tensors(shape: Shape) -> list[tuple[str, tuple[int, ...]]]:
    """Names and extents, the fastest running one first, in GGUF's order. One extent: a float32 vector."""
    q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    out = [("token_embd.weight", (shape.hidden, shape.vocab)), ("output_norm.weight", (shape.hidden,))]
    if not shape.tied:
        out.append(("output.weight", (shape.hidden, shape.vocab)))
    for layer in range(shape.layers):
        block = [("attn_norm.weight", (shape.hidden,)), ("attn_q.weight", (shape.hidden, q)),
                 ("attn_k.weight", (shape.hidden, kv)), ("attn_v.weight", (shape.hidden, kv)),
                 ("attn_output.weight", (q, shape.hidden)), ("ffn_norm.weight", (shape.hidden,))]
        if shape.biases:
            block += [("attn_q.bias", (q,)), ("attn_k.bias", (kv,)), ("attn_v.bias", (kv,))]
        if shape.qk_norms:
            block += [("attn_q_norm.weight", (shape.head_dim,)), ("attn_k_norm.weight", (shape.head_dim,))]
        if shape.experts:
            inner = shape.expert_intermediate
            block += [("ffn_gate_inp.weight", (shape.hidden, shape.experts)),
                      ("ffn_gate_exps.weight", (shape.hidden, inner, shape.experts)),
                      ("ffn_up_exps.weight", (shape.hidden, inner, shape.experts)),
                      ("ffn_down_exps.weight", (inner, shape.hidden, shape.experts))]
        else:
            block += [("ffn_gate.weight", (shape.hidden, shape.intermediate)),
                      ("ffn_up.weight", (shape.hidden, shape.intermediate)),
                      ("ffn_down.weight", (shape.intermediate, shape.hidden))]
        out += [(f"blk.{layer}.{name}", extents) for name, extents in block]
    return out


# -- random blocks ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class BlockType:
    """A block is random bytes but for its float16 scales. `spread`: standard deviation of a weight where d is 1."""
    number: int  # in the file
    elements: int
    size: int
    d: int  # where the scale stands; -1: plain numbers without one
    spread: float
    minimum: int = -1  # where the second scale stands
    minimum_factor: float = 0.0  # that scale over d, so that the mean is 0


TYPES = {
    "F16": BlockType(1, 1, 2, -1, 1), "BF16": BlockType(30, 1, 2, -1, 1),
    "Q4_0": BlockType(2, 32, 18, 0, 4.61), "Q4_1": BlockType(3, 32, 20, 0, 4.61, 2, -7.5),
    "Q5_0": BlockType(6, 32, 22, 0, 9.23), "Q5_1": BlockType(7, 32, 24, 0, 9.23, 2, -15.5),
    "Q8_0": BlockType(8, 32, 34, 0, 73.9),
    "Q2_K": BlockType(10, 256, 84, 80, 9.8, 82, 1.5), "Q3_K": BlockType(11, 256, 110, 108, 42.4),
    "Q4_K": BlockType(12, 256, 144, 0, 148, 2, 7.5), "Q5_K": BlockType(13, 256, 176, 0, 296, 2, 15.5),
    "Q6_K": BlockType(14, 256, 210, 208, 1366), "IQ4_NL": BlockType(20, 32, 18, 0, 66),
    "IQ4_XS": BlockType(23, 256, 136, 0, 1220),
}


def k_scales(random: np.random.Generator, count: int, shared: np.ndarray | None) -> np.ndarray:
    """[count, 12]: eight 6-bit scales and minima a block. Equal ones centre the weights on 0; `shared` [count, 8], of
    −1 and 1, moves whole groups of 32 off it."""
    scale = random.integers(20, 44, (count, 8), dtype=np.uint8)
    least = scale if shared is None else (scale + SHARED * shared).astype(np.uint8)
    out = np.empty((count, 12), np.uint8)
    out[:, 0:4] = scale[:, :4] | (scale[:, 4:] >> 4) << 6
    out[:, 4:8] = least[:, :4] | (least[:, 4:] >> 4) << 6
    out[:, 8:12] = (scale[:, 4:] & 15) | (least[:, 4:] & 15) << 4
    return out


def blocks(random: np.random.Generator, name: str, spread: float, shared: np.ndarray | None = None) -> np.ndarray:
    """[count, bytes of a block] for weights of that standard deviation."""
    kind = TYPES[name]
    count = POOL_BYTES // kind.size if shared is None else len(shared)
    if kind.d < 0:
        numbers = random.normal(0, spread, count).astype(np.float32)
        halves = numbers.astype(np.float16).view(np.uint16) if name == "F16" else numbers.view(np.uint32) >> 16
        return halves.astype(np.uint16).view(np.uint8).reshape(count, kind.size)
    out = np.frombuffer(random.bytes(count * kind.size), np.uint8).reshape(count, kind.size).copy()
    if name in ("Q4_K", "Q5_K"):
        out[:, 4:16] = k_scales(random, count, shared)
    if name == "Q2_K":
        nibbles = out[:, :16] & 15
        out[:, :16] = nibbles | nibbles << 4
    # A tenth up and down, so that blocks differ in their scales too.
    d = (spread / kind.spread * random.uniform(0.9, 1.1, count)).astype(np.float16)
    out[:, kind.d:kind.d + 2] = d.view(np.uint8).reshape(count, 2)
    if kind.minimum >= 0:
        least = (d.astype(np.float32) * kind.minimum_factor).astype(np.float16)
        out[:, kind.minimum:kind.minimum + 2] = least.view(np.uint8).reshape(count, 2)
    return out


# -- the file ---------------------------------------------------------------------------------------------------------
def text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def entry(key: str, value) -> bytes:
    """A key with its value: a string, an integer (uint32), a float (float32), a list of strings or of int32."""
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    if isinstance(value[0], str):
        return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(text(each) for each in value)
    return text(key) + struct.pack("<IIQ", 9, 5, len(value)) + np.array(value, np.int32).tobytes()


def byte_letters() -> list[str]:
    """How byte-level vocabularies write the 256 bytes: printable ones as themselves, the others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def vocabulary(size: int) -> tuple[list[str], list[str], int]:
    """Tokens, merges, and the id of the token that ends a text."""
    letters = byte_letters()
    tokens, merges = list(letters), []
    parents = letters
    while len(tokens) < size - 1:
        made = []
        for left in parents:
            for right in letters[:size - 1 - len(tokens)]:
                merges.append(f"{left} {right}")
                made.append(left + right)
                tokens.append(left + right)
            if len(tokens) == size - 1:
                break
        parents = made
    return [*tokens, "<|endoftext|>"], merges, size - 1


def metadata(name: str, shape: Shape) -> list[bytes]:
    tokens, merges, end = vocabulary(shape.vocab)
    a = shape.architecture
    out = [entry("general.architecture", a), entry("general.name", f"{name} with random weights"),
           entry(f"{a}.block_count", shape.layers), entry(f"{a}.context_length", shape.context),
           entry(f"{a}.embedding_length", shape.hidden), entry(f"{a}.feed_forward_length", shape.intermediate),
           entry(f"{a}.attention.head_count", shape.heads), entry(f"{a}.attention.head_count_kv", shape.kv_heads),
           entry(f"{a}.attention.key_length", shape.head_dim), entry(f"{a}.attention.value_length", shape.head_dim),
           entry(f"{a}.attention.layer_norm_rms_epsilon", 1e-6), entry(f"{a}.rope.freq_base", shape.rope_base),
           entry(f"{a}.rope.dimension_count", shape.head_dim), entry(f"{a}.vocab_size", shape.vocab)]
    if shape.experts:
        out += [entry(f"{a}.expert_count", shape.experts), entry(f"{a}.expert_used_count", shape.experts_used),
                entry(f"{a}.expert_feed_forward_length", shape.expert_intermediate)]
    return [*out, entry("tokenizer.ggml.model", "gpt2"), entry("tokenizer.ggml.pre", shape.pre_tokenizer),
            entry("tokenizer.ggml.tokens", tokens),
            entry("tokenizer.ggml.token_type", [1] * (len(tokens) - 1) + [3]),
            entry("tokenizer.ggml.merges", merges), entry("tokenizer.ggml.bos_token_id", end),
            entry("tokenizer.ggml.eos_token_id", end)]


class Writer:
    def __init__(self, shape: Shape, kind: str, seed: int):
        self.shape, self.kind = shape, kind
        self.random = np.random.default_rng(seed)
        self.pools: dict[int, np.ndarray] = {}  # by inputs
        # Of each group of 32 columns, which way the shared direction points.
        self.direction = self.random.choice(np.array([-1, 1], np.int8), shape.hidden // 32)
        self.first_router: np.ndarray | None = None

    def type_of(self, name: str, extents: tuple[int, ...]) -> tuple[int, int]:
        """The type's number, and the tensor's bytes."""
        count = int(np.prod(extents))
        if len(extents) == 1 or "ffn_gate_inp" in name:
            return 0, 4 * count
        kind = TYPES[self.kind]
        if extents[0] % kind.elements:
            sys.exit(f"{name} has {extents[0]} columns: {self.kind} holds {kind.elements} in a block.")
        return kind.number, count // kind.elements * kind.size

    def write(self, out, name: str, extents: tuple[int, ...]) -> None:
        number, size = self.type_of(name, extents)
        if "ffn_gate_inp" in name:
            out.write(self.router(extents).tobytes())
        elif number == 0 and len(extents) == 1:
            out.write((np.zeros if name.endswith(".bias") else np.ones)(extents[0], np.float32).tobytes())
        elif self.shape.experts and name == "token_embd.weight":
            self.embedding(out, size)
        else:
            self.stretches(out, self.pool(extents[0]), size)

    def pool(self, inputs: int) -> np.ndarray:
        if inputs not in self.pools:
            self.pools[inputs] = blocks(self.random, self.kind, inputs ** -0.5)
        return self.pools[inputs]

    def stretches(self, out, pool: np.ndarray, size: int) -> None:
        width = pool.shape[1]
        most = STRETCH // width
        left = size // width
        while left:
            start = int(self.random.integers(0, len(pool) - most))
            n = min(left, most)
            out.write(pool[start:start + n].tobytes())
            left -= n

    def embedding(self, out, size: int) -> None:
        """Rows with the shared direction: whole rows from a pool of them."""
        if self.kind != "Q4_K":
            sys.exit("The mixture of experts is written as Q4_K.")
        a_row = self.shape.hidden // 256
        signs = np.tile(self.direction.reshape(a_row, 8), (POOL_BYTES // 144 // a_row, 1))
        rows = blocks(self.random, self.kind, 4.0, signs).reshape(-1, a_row * 144)
        for begin in range(0, self.shape.vocab, 1024):
            n = min(1024, self.shape.vocab - begin)
            out.write(rows[self.random.integers(0, len(rows), n)].tobytes())

    def router(self, extents: tuple[int, ...]) -> np.ndarray:
        """[experts, hidden]: what it sees of a token itself, and of the direction that tokens share."""
        hidden, experts = extents
        own = self.random.normal(0, hidden ** -0.5, (experts, hidden))
        favour = self.random.normal(0, 1, (experts, 1)) / hidden  # summed over all columns: as wide as `own`
        # A raised minimum lowers the weights of its group.
        rows = (own - favour * np.repeat(self.direction, 32)[None, :]).astype(np.float32)
        if self.first_router is None:
            self.first_router = rows
        return rows

    def routing(self) -> str:
        """What the first router does with tokens drawn at random, in words."""
        token = self.random.normal(0, 1, (4000, self.shape.hidden))
        x = (token - np.repeat(self.direction, 32)) / 2 ** 0.5
        count = self.shape.experts_used
        chosen = np.argpartition(-(x @ self.first_router.T), count, axis=1)[:, :count]
        used = np.zeros((len(x), self.shape.experts), bool)
        np.put_along_axis(used, chosen, True, axis=1)
        common = (used[1:] & used[:-1]).sum(1).mean() / count
        favourites = np.sort(used.mean(0))[-count:].mean()
        return (f"router of the first layer: a token shares {100 * common:.0f} % of its experts with the one before; "
                f"the {count} favourites are used by {100 * favourites:.0f} % of the tokens")


def write_file(path: pathlib.Path, name: str, shape: Shape, kind: str, seed: int) -> str:
    writer = Writer(shape, kind, seed)
    head, infos, offset = metadata(name, shape), [], 0
    listed = tensors(shape)
    for tensor, extents in listed:
        number, size = writer.type_of(tensor, extents)
        infos.append(text(tensor) + struct.pack(f"<I{len(extents)}QIQ", len(extents), *extents, number, offset))
        offset += (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
    half = path.with_name(path.name + ".partial")
    with half.open("wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(head)) + b"".join(head) + b"".join(infos))
        for tensor, extents in listed:
            out.write(b"\0" * (-out.tell() % ALIGNMENT))
            writer.write(out, tensor, extents)
        out.write(b"\0" * (-out.tell() % ALIGNMENT))
    os.replace(half, path)
    return writer.routing() if shape.experts else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("shape", choices=SHAPES, metavar="SHAPE", help=", ".join(SHAPES))
    parser.add_argument("out", type=pathlib.Path, metavar="OUT.gguf")
    parser.add_argument("--type", default="Q4_K", choices=TYPES, help=f"of all matrices (Q4_K): {', '.join(TYPES)}")
    parser.add_argument("--layers", type=int, default=0, metavar="N", help="fewer layers than the model has")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same numbers give the same file (1)")
    args = parser.parse_args()
    shape = SHAPES[args.shape]
    if args.layers:
        shape = replace(shape, layers=args.layers)
    said = write_file(args.out, args.shape, shape, args.type, args.seed)
    print(f"{args.out}: {args.out.stat().st_size / 1e9:.2f} GB" + (f"\n{said}" if said else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
