#!/usr/bin/env python3
"""Holds the GGUF and safetensors readers against the publishers' Python packages (pip install gguf safetensors numpy).

  compare_formats.py PROBE types                 ids, names and block sizes against gguf's GGML_QUANT_SIZES
  compare_formats.py PROBE gguf FILE...          every key, type, value, tensor name, shape and byte of real files
  compare_formats.py PROBE safetensors DIR...    the same for checkpoints
  compare_formats.py PROBE random N [SEED]       N random files a format, sound and damaged: whoever accepts sees the
                                                 same, and a difference in accepting is one of the rules listed below

PROBE is the program format_probe of the test build. The last line counts the differences; the exit code is 1 if any.
"""
import hashlib
import json
import random
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import safetensors

# Rules this project adds to what the packages check, as they stand in its messages.
GGUF_STRICTER = [
    "is refused; 1 to",  # empty or long keys and names
    "is not UTF-8",
    "is given twice",
    "two tensors are named",
    "only 0 and 1 are legal",
    "a power of two from",  # alignment
    "not a multiple of the alignment",
    "overlap in the file",
    "has a dimension of size 0",
    "1 to 4 are read",  # dimensions
    "not a multiple of the",  # rows that are no whole number of blocks
    "which is not read here",  # types
    "more than 1024 parts",
    "nested more than",
    "announces",  # more keys or tensors than are ever read
    "announced at byte",  # counts that cannot fit
    "truncated",  # numpy's slices past the end come back short instead of failing
    "The file is incomplete",  # the same for tensors
    "part",  # split files
]
SAFETENSORS_STRICTER = [
    "which is not read here",
    "more than 8 dimensions",
    "is given twice",
    "two tensors are named",
    "metadata's strings are expected",  # null
]


def sha(data):
    return hashlib.sha256(data).hexdigest()


def run_probe(probe, mode, paths):
    done = subprocess.run([probe, mode], input="\n".join(map(str, paths)), capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(paths), f"{len(lines)} answers for {len(paths)} files"
    return [json.loads(line) for line in lines]


def gguf_field(field):
    """[key, type, element type, count, digest] as format_probe prints it."""
    kind = int(field.types[0])
    if kind == gguf.GGUFValueType.ARRAY:
        payload = b"".join(np.ascontiguousarray(p).tobytes() for p in field.parts[5:])
        return [field.name, kind, int(field.parts[3][0]), int(field.parts[4][0]), sha(payload)]
    return [field.name, kind, 0, 1, sha(field.parts[-1].tobytes())]


def read_gguf(path):
    reader = gguf.GGUFReader(path)
    fields = [gguf_field(f) for n, f in reader.fields.items() if not n.startswith("GGUF.")]
    tensors = []
    for t in reader.tensors:
        shape = [int(n) for n in reversed(t.shape)]
        tensors.append([t.name, t.tensor_type.name, shape, sha(np.ascontiguousarray(t.data).tobytes())])
    return {"metadata": fields, "tensors": tensors}


def read_safetensors(directory):
    index = Path(directory) / "model.safetensors.index.json"
    single = Path(directory) / "model.safetensors"
    names = ["model.safetensors"]
    if not single.exists():
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    tensors = []
    for name in names:
        for key, t in safetensors.deserialize((Path(directory) / name).read_bytes()):
            tensors.append([key, t["dtype"], list(t["shape"]), sha(bytes(t["data"]))])
    return {"tensors": tensors}


def same(ours, theirs):
    if sorted(ours["tensors"]) != sorted(theirs["tensors"]):
        return False
    return "metadata" not in theirs or ours["metadata"] == theirs["metadata"]


def compare_files(probe, mode, read, paths):
    differences = 0
    for path, ours in zip(paths, run_probe(probe, mode, paths)):
        theirs = read(path)
        good = "error" not in ours and same(ours, theirs)
        differences += not good
        print(f"{Path(path).name}: {len(theirs['tensors'])} tensors, {'equal' if good else 'DIFFERENT'}"
              f"{' ' + ours['error'] if 'error' in ours else ''}")
    return differences


def compare_types(probe):
    out = subprocess.run([probe, "types"], capture_output=True, text=True, check=True).stdout
    differences = 0
    known = {int(t): t for t in gguf.GGMLQuantizationType}
    for line in out.splitlines():
        number, name, elements, size = json.loads(line)
        if number in known and name != known[number].name:
            print(f"type {number}: {name} here, {known[number].name} there")
            differences += 1
        if elements and gguf.GGML_QUANT_SIZES[known[number]] != (elements, size):
            print(f"type {number}: {elements} elements in {size} bytes here, not there")
            differences += 1
        if number not in known and elements:
            print(f"type {number}: unknown there")
            differences += 1
    return differences


def random_gguf(rng, path):
    writer = gguf.GGUFWriter(path, "llama")
    if rng.random() < 0.3:
        writer.add_custom_alignment(rng.choice([8, 16, 32, 64, 128]))
    for i in range(rng.randrange(6)):
        key, kind = f"k{i}", rng.randrange(6)
        if kind == 0:
            writer.add_uint32(key, rng.getrandbits(32))
        elif kind == 1:
            writer.add_int64(key, -rng.getrandbits(40))
        elif kind == 2:
            writer.add_string(key, "tre già măng mọc"[: rng.randrange(16)])
        elif kind == 3:
            writer.add_bool(key, rng.random() < 0.5)
        elif kind == 4:
            writer.add_array(key, [rng.random() for _ in range(rng.randrange(1, 9))])
        else:
            writer.add_array(key, ["t" * rng.randrange(5) for _ in range(rng.randrange(1, 9))])
    quantized = [t for t, (n, _) in gguf.GGML_QUANT_SIZES.items() if n > 1]
    for i in range(rng.randrange(4)):
        if rng.random() < 0.5:
            shape = [rng.randrange(1, 5) for _ in range(rng.randrange(1, 5))]
            writer.add_tensor(f"t{i}", np.random.default_rng(i).random(shape, dtype=np.float32))
        else:
            kind = rng.choice(quantized)
            size = gguf.GGML_QUANT_SIZES[kind][1]
            data = np.frombuffer(rng.randbytes(size * 2), dtype=np.uint8).reshape(2, size)
            writer.add_tensor(f"t{i}", data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def random_safetensors(rng, path):
    sizes = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U8": 1}
    header, data = {}, b""
    if rng.random() < 0.5:
        header["__metadata__"] = {"format": "pt"}
    for i in range(rng.randrange(4)):
        dtype = rng.choice(["F32", "F32", "F16", "BF16", "BF16", rng.choice(list(sizes))])
        shape = [rng.randrange(4) for _ in range(rng.randrange(4))]
        n = sizes[dtype]
        for d in shape:
            n *= d
        header[f"t{i}"] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + n]}
        data += rng.randbytes(n)
    items = list(header.items())
    rng.shuffle(items)
    text = json.dumps(dict(items)).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def damage(rng, path):
    data = bytearray(path.read_bytes())
    kind = rng.randrange(4)
    if kind == 0:
        del data[rng.randrange(len(data)) :]
    elif kind == 1:
        data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 2:
        at = rng.randrange(len(data))
        data[at : at + 8] = struct.pack("<Q", rng.choice([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]))[: len(data) - at]
    else:
        at = rng.randrange(len(data))
        data[at:at] = rng.randbytes(rng.randrange(1, 40))
    path.write_bytes(data)


def read_within(seconds, read, path):
    """What the package reads; its exception, or its running without end on a damaged count, is a refusal."""
    def stop(*_):
        raise TimeoutError("no end")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return read(path)
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def compare_random(probe, mode, write, read, stricter, count, rng):
    differences, accepted, explained = 0, 0, {}
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i in range(count):
            home = Path(folder) / str(i)
            home.mkdir()
            path = home / ("m.gguf" if mode == "gguf" else "model.safetensors")
            write(rng, path)
            if rng.random() < 0.7:
                damage(rng, path)
            paths.append(path if mode == "gguf" else home)
        for path, ours in zip(paths, run_probe(probe, mode, paths)):
            theirs = read_within(2, read, path)
            if "error" not in ours:
                accepted += 1
                if "error" in theirs or not same(ours, theirs):
                    differences += 1
                    print(f"{mode} DIFFERENCE: accepted here; there: {str(theirs)[:300]}")
            elif "error" not in theirs:
                rule = next((r for r in stricter if r in ours["error"]), None)
                explained[rule] = explained.get(rule, 0) + 1
                if rule is None:
                    differences += 1
                    print(f"{mode} DIFFERENCE: refused here only: {ours['error']}")
    print(f"{mode}: {count} files, {accepted} accepted by both, refused here only by rule: {explained}")
    return differences


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    probe, mode, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    if mode == "types":
        differences = compare_types(probe)
    elif mode == "gguf":
        differences = compare_files(probe, mode, read_gguf, rest)
    elif mode == "safetensors":
        differences = compare_files(probe, mode, read_safetensors, rest)
    elif mode == "random" and rest:
        rng = random.Random(int(rest[1]) if len(rest) > 1 else 1)
        count = int(rest[0])
        differences = compare_random(probe, "gguf", random_gguf, read_gguf, GGUF_STRICTER, count, rng)
        differences += compare_random(
            probe, "safetensors", random_safetensors, read_safetensors, SAFETENSORS_STRICTER, count, rng)
    else:
        sys.exit(__doc__)
    print(f"{differences} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
