#!/usr/bin/env python3
"""Make tests/golden/dequantize: random blocks of every GGUF tensor type with their float32 values.

usage: make_dequantize_goldens.py [--out DIR]          (numpy 2.4.6, gguf 0.19.0)

<TYPE>.bin holds ROWS × COLUMNS elements as a GGUF file stores them, <TYPE>.npy the same as float32 by the Python `gguf`
package. Every code of a block is random, so each bit pattern of quants, sub-scales and minimums occurs; the float16
scales are drawn from a sane range and then, in the first blocks, from the edges: ±0, subnormals, the smallest and the
largest normal. The products are exact in float32 and at most one addition rounds, so a reader must agree bit for bit.
Non-finite scales and MXFP4's exponent 255 (NaN in OCP MX) are left out: what they mean is the loader's
decision, not the format's.
"""
import argparse
import pathlib

import gguf
import numpy as np

ROWS, COLUMNS, SEED = 8, 512, 20240607

# For each type the byte offsets, inside a block, of its float16 scales.
F16_FIELDS = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,),
    "Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
    "IQ4_NL": (0,), "IQ4_XS": (0,), "MXFP4": (),
}
EDGE_F16 = (0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF)
EDGE_E8M0 = (0, 1, 2, 127, 252)  # 252: the largest whose products are finite


def quantized_bytes(name: str, rng: np.random.Generator) -> np.ndarray:
    """ROWS × (bytes of a row), uint8."""
    block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    count = ROWS * COLUMNS // block
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for field, offset in enumerate(F16_FIELDS[name]):
        scales = (rng.uniform(0.001, 0.1, count) * rng.choice([-1, 1], count)).astype(np.float16)
        edges = np.array(EDGE_F16, dtype=np.uint16)[: count // 2]
        scales[: len(edges)] = np.roll(edges, field).view(np.float16)
        blocks[:, offset:offset + 2] = scales.view(np.uint8).reshape(count, 2)
    if name == "MXFP4":
        blocks[:, 0] = rng.integers(100, 140, count)
        blocks[: len(EDGE_E8M0), 0] = EDGE_E8M0
    return blocks.reshape(ROWS, -1)


def float_bytes(name: str, rng: np.random.Generator) -> np.ndarray:
    """Random finite bit patterns of F32, F16 or BF16: exponents of every size, subnormals, both zeros."""
    dtype, exponent = {"F32": (np.uint32, 0x7F800000), "F16": (np.uint16, 0x7C00), "BF16": (np.uint16, 0x7F80)}[name]
    bits = rng.integers(0, np.iinfo(dtype).max, (ROWS, COLUMNS), dtype=dtype, endpoint=True)
    bits[(bits & exponent) == exponent] &= dtype(~exponent & np.iinfo(dtype).max)  # no Inf, no NaN: make it subnormal
    bits[0, 0], bits[0, 1] = 0, dtype(1) << dtype(np.iinfo(dtype).bits - 1)
    return bits.view(np.uint8)


def main() -> None:
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests" / "golden" / "dequantize")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(["F32", "F16", "BF16", *F16_FIELDS]):
        rng = np.random.default_rng([SEED, index])
        data = float_bytes(name, rng) if name in ("F32", "F16", "BF16") else quantized_bytes(name, rng)
        values = np.ascontiguousarray(gguf.dequantize(data, gguf.GGMLQuantizationType[name]), dtype=np.float32)
        assert values.shape == (ROWS, COLUMNS) and np.isfinite(values).all(), name
        (out / f"{name}.bin").write_bytes(data.tobytes())
        np.save(out / f"{name}.npy", values)
        print(f"{name:7} {data.nbytes:6} bytes, |w| up to {np.abs(values).max():.3g}")


if __name__ == "__main__":
    main()
