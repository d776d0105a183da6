#!/usr/bin/env python3
"""Writes the small files that fuzzing starts from and the hostile files that every build must refuse.

  make_fuzz_seeds.py     fuzz/corpus/{gguf,safetensors,config_json}/   sound files and hostile ones, as seeds
                         tests/hostile/                                hostile files, with manifest.json: for each the
                                                                       format, what is wrong, and words of the refusal

The hostile ones replay what has hurt other programs (size sums that wrap, counts that are negative or huge, extents
past the end of the file, nesting without end, …). The files are in the repository; run this again after a change.
Needs only Python's standard library.
"""
import json
import shutil
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
HOSTILE = ROOT / "tests" / "hostile"

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
PACK = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B", U64: "Q", I64: "q", F64: "d"}
MAX64 = 2**64 - 1


def text(s, length=None):
    raw = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw


def value(kind, v):
    return text(v) if kind == STRING else struct.pack("<" + PACK[kind], v)


def entry(key, kind, v):
    return text(key) + struct.pack("<I", kind) + value(kind, v)


def array(key, element, values, count=None):
    head = text(key) + struct.pack("<IIQ", ARRAY, element, len(values) if count is None else count)
    return head + b"".join(value(element, v) for v in values)


def nested(key, depth, count=1):
    return text(key) + struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, count) * depth + struct.pack("<IQ", U8, 0)


def tensor(name, dims, kind=0, offset=0, ndim=None):
    """dims innermost first, as the file has them."""
    out = text(name) + struct.pack("<I", len(dims) if ndim is None else ndim)
    return out + b"".join(struct.pack("<Q", d) for d in dims) + struct.pack("<IQ", kind, offset)


def gguf(entries=(), tensors=(), data=b"", version=3, keys=None, count=None, alignment=32):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors) if count is None else count,
                                len(entries) if keys is None else keys)
    out += b"".join(entries) + b"".join(tensors)
    if tensors:
        out += b"\0" * (-len(out) % alignment)
    return out + data


ARCH = entry("general.architecture", STRING, "llama")


def vocabulary(tokens, **more):
    """A vocabulary-only file with scores and types for `tokens`."""
    entries = [
        ARCH,
        entry("tokenizer.ggml.model", STRING, more.get("model", "llama")),
        array("tokenizer.ggml.tokens", STRING, tokens),
        array("tokenizer.ggml.scores", F32, more.get("scores", [0.0] * len(tokens))),
        array("tokenizer.ggml.token_type", I32, more.get("types", [1] * len(tokens))),
    ]
    entries += [entry("tokenizer.ggml." + k, kind, v) for k, (kind, v) in more.get("extra", {}).items()]
    if "merges" in more:
        entries.append(array("tokenizer.ggml.merges", STRING, more["merges"]))
    return gguf(entries)


def sound_gguf():
    pad = lambda raw: raw + b"\0" * (-len(raw) % 32)
    return {
        "empty": gguf(),
        "vocabulary": vocabulary(["<unk>", "<s>", "</s>", "<0x0A>", "\u2581a", "b"], types=[2, 3, 3, 6, 1, 1]),
        "every_scalar": gguf([entry(f"k{k}", k, b"x" if k == STRING else 1) for k in range(13) if k != ARRAY]),
        "arrays": gguf([array("s", STRING, ["a", ""]), array("f", F32, [0.5]), array("b", BOOL, [0, 1]), nested("n", 2)]),
        "version_2": gguf([ARCH], version=2),
        "tensors": gguf([ARCH], [tensor("a.weight", [4, 2]), tensor("q", [32, 2], 8, 32), tensor("h", [2, 1, 1, 3], 1, 128)],
                        pad(b"\1" * 32) + pad(b"\2" * 68) + pad(b"\3" * 12)),
        "alignment": gguf([entry("general.alignment", U32, 64)], [tensor("a", [4])], b"\1" * 64, alignment=64),
        "types": gguf([], [tensor(f"t{k}", [256], k, 320 * i) for i, k in enumerate(
            [2, 3, 6, 7, 10, 11, 12, 13, 14, 20, 23, 39])], b"\0" * 320 * 12),
        "split": gguf([entry("split.no", U16, 0), entry("split.count", U16, 1), entry("split.tensors.count", I32, 0)]),
    }


def hostile_gguf():
    one = tensor("t", [8])
    data = b"\1" * 32
    big = 2**63
    return {
        # sizes that wrap: the sum or product comes out small, the reads do not
        "size_product_wraps": (gguf([], [tensor("t", [2**32, 2**32])], data), "overflows"),
        "size_product_wraps_to_small": (gguf([], [tensor("t", [2**62, 4, 1, 2])], data), "overflows"),
        "size_bytes_wrap": (gguf([], [tensor("t", [2**62 + 8])], data), "overflows"),
        "size_blocks_wrap": (gguf([], [tensor("t", [2**63, 16], 12)], data), "overflows"),
        "extent_sum_wraps": (gguf([], [tensor("t", [8], 0, MAX64 - 31)], data), "incomplete"),
        "two_sizes_wrap_together": (
            gguf([], [tensor("a", [2**61 - 8]), tensor("b", [2**61], 0, 2**63)], data), "incomplete"),
        "dimension_negative": (gguf([], [tensor("t", [MAX64])], data), "overflows"),
        # extents past the end of the file
        "extent_past_end": (gguf([], [tensor("t", [9])], data), "incomplete"),
        "extent_far_past_end": (gguf([], [tensor("t", [2**40])], data), "incomplete"),
        "offset_past_end": (gguf([], [tensor("t", [8], 0, 2**40)], data), "incomplete"),
        "no_data_at_all": (gguf([], [one]), "incomplete"),
        "data_begins_past_end": (gguf([entry("general.alignment", U32, 1 << 20)], [one], b""), "incomplete"),
        # counts
        "key_count_huge": (gguf([ARCH], keys=MAX64), "metadata keys"),
        "key_count_negative": (gguf([ARCH], keys=2**63), "metadata keys"),
        "key_count_one_too_many": (gguf([ARCH], keys=2), "truncated"),
        "tensor_count_huge": (gguf([], [one], data, count=MAX64), "tensors"),
        "tensor_count_wraps_allocation": (gguf([], [one], data, count=2**61), "tensors"),
        "tensor_count_one_too_many": (gguf([], [one], data, count=2), "truncated"),
        "vocabulary_count_huge": (gguf([array("tokenizer.ggml.tokens", STRING, ["a"], count=MAX64)]), "array elements"),
        "vocabulary_count_negative": (gguf([array("tokenizer.ggml.tokens", STRING, ["a"], count=2**63)]), "array elements"),
        "scores_count_wraps": (gguf([array("tokenizer.ggml.scores", F32, [0.0], count=2**62 + 1)]), "array elements"),
        "scores_count_past_end": (gguf([array("tokenizer.ggml.scores", F32, [0.0], count=2)]), "array elements"),
        # lengths
        "key_length_all_ones": (gguf([text("k", MAX64) + struct.pack("<I", U8) + b"\0"]), "truncated"),
        "key_length_sign_bit": (gguf([text("k", big) + struct.pack("<I", U8) + b"\0"]), "truncated"),
        "key_empty": (gguf([entry("", U32, 1)]), "is refused"),
        "string_length_all_ones": (gguf([text("k") + struct.pack("<I", STRING) + text("v", MAX64)]), "truncated"),
        "string_length_wraps_position": (gguf([text("k") + struct.pack("<I", STRING) + text("v", MAX64 - 40)]), "truncated"),
        "token_length_all_ones": (
            gguf([text("t") + struct.pack("<IIQ", ARRAY, STRING, 2) + text("a") + text("b", MAX64)]), "truncated"),
        "tensor_name_long": (gguf([], [tensor("n" * 65, [8])], data), "is refused"),
        "tensor_name_length_huge": (
            gguf([], [text("t", MAX64) + struct.pack("<IQIQ", 1, 8, 0, 0)], data), "truncated"),
        "tensor_name_empty": (gguf([], [tensor("", [8])], data), "is refused"),
        # types and dimensions
        "value_type_unknown": (gguf([text("k") + struct.pack("<I", 13) + b"\0" * 8]), "does not exist"),
        "value_type_negative": (gguf([text("k") + struct.pack("<I", 2**32 - 1) + b"\0" * 8]), "does not exist"),
        "element_type_unknown": (gguf([text("k") + struct.pack("<IIQ", ARRAY, 99, 1) + b"\0" * 8]), "does not exist"),
        "tensor_type_unknown": (gguf([], [tensor("t", [32], 1000)], data), "not read here"),
        "tensor_type_negative": (gguf([], [tensor("t", [32], 2**32 - 1)], data), "not read here"),
        "tensor_type_withdrawn": (gguf([], [tensor("t", [32], 4)], data), "Q4_2"),
        "tensor_type_iq1_s": (gguf([], [tensor("t", [256], 19)], data * 2), "IQ1_S"),
        "dimensions_255": (gguf([], [tensor("t", [1] * 255)], data), "255 dimensions"),
        "dimensions_all_ones": (gguf([], [tensor("t", [8], ndim=2**32 - 1)], data), "dimensions"),
        "dimensions_none": (gguf([], [tensor("t", [])], data), "0 dimensions"),
        "dimension_zero": (gguf([], [tensor("t", [8, 0])], data), "size 0"),
        "row_not_whole_blocks": (gguf([], [tensor("t", [33], 8)], data * 4), "multiple of"),
        "boolean_two": (gguf([text("k") + struct.pack("<IB", BOOL, 2)]), "boolean"),
        # nesting
        "nested_arrays_bomb": (gguf([nested("k", 5000)]), "nested"),
        "nested_arrays_wide": (gguf([nested("k", 3, MAX64)]), "array elements"),
        # alignment
        **{f"alignment_{name}": (gguf([entry("general.alignment", kind, v)], [one], data), "general.alignment")
           for name, kind, v in [("zero", U32, 0), ("one", U32, 1), ("three", U32, 3), ("not_power", U32, 48),
                                 ("huge", U32, 2**31), ("all_ones", U64, MAX64), ("negative", I32, -32),
                                 ("text", STRING, "32")]},
        # layout
        "offset_not_aligned": (gguf([], [tensor("t", [8], 0, 4)], data * 2), "alignment"),
        "overlap_whole": (gguf([], [tensor("a", [8]), tensor("b", [8])], data), "overlap"),
        "overlap_partly": (gguf([], [tensor("a", [16]), tensor("b", [8], 0, 32)], data * 2), "overlap"),
        "overlap_in_reverse_order": (gguf([], [tensor("b", [8], 0, 32), tensor("a", [16])], data * 2), "overlap"),
        # names
        "tensor_twice": (gguf([], [tensor("t", [8]), tensor("t", [8], 0, 32)], data * 2), "two tensors"),
        "key_twice": (gguf([ARCH, ARCH]), "twice"),
        "key_not_utf8": (gguf([entry(b"\xff\xfe", U8, 0)]), "UTF-8"),
        "key_overlong_utf8": (gguf([entry(b"a\xc0\xafb", U8, 0)]), "UTF-8"),
        "tensor_name_surrogate": (gguf([], [tensor(b"\xed\xa0\x80", [8])], data), "UTF-8"),
        # headers
        "not_gguf": (b"GGML" + gguf()[4:], "not a GGUF file"),
        "only_magic": (b"GGUF", "truncated"),
        "version_0": (gguf(version=0), "version 0"),
        "version_1": (gguf(version=1), "version 1"),
        "version_4": (gguf(version=4), "version 4"),
        "version_all_ones": (gguf(version=2**32 - 1), "version"),
        "big_endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        # parts
        "split_count_zero": (gguf([entry("split.no", U16, 0), entry("split.count", U16, 0)]), "parts"),
        "split_count_65535": (gguf([entry("split.no", U16, 0), entry("split.count", U16, 65535)]), "parts"),
        "split_number_past_count": (gguf([entry("split.no", U16, 9), entry("split.count", U16, 2)]), "parts"),
        "split_number_missing": (gguf([entry("split.count", U16, 2)]), "split.no"),
        "split_others_missing": (gguf([entry("split.no", U16, 0), entry("split.count", U16, 2)]), "name must end in"),
        "split_tensors_negative": (gguf([entry("split.no", U16, 0), entry("split.count", U16, 1),
                                         entry("split.tensors.count", I32, -1)]), "split.tensors.count"),
    }


def safetensors(header, data=b"", size=None):
    raw = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(raw) if size is None else size) + raw + data


def st_entry(dtype="F32", shape="[1]", offsets="[0,4]"):
    return '{"dtype":"%s","shape":%s,"data_offsets":%s}' % (dtype, shape, offsets)


def sound_safetensors():
    return {
        "empty": safetensors("{}"),
        "metadata": safetensors('{"__metadata__":{"format":"pt"}}   '),
        "tensors": safetensors('{"a":%s,"b":%s,"c":%s}' % (
            st_entry(), st_entry("BF16", "[2,3]", "[4,16]"), st_entry("F16", "[]", "[16,18]")), b"\1" * 18),
        "empty_tensor": safetensors('{"a":%s}' % st_entry("F32", "[0,7]", "[0,0]")),
        "unknown_field": safetensors('{"a":{"x":[{"y":null}],"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"abcd"),
        "escaped_name": safetensors('{"\\u006d\\u0103ng":%s}' % st_entry(), b"abcd"),
    }


def hostile_safetensors():
    t = lambda e, data=b"abcd": safetensors('{"t":%s}' % e, data)
    return {
        "header_size_sign_bit": (safetensors("{}", size=2**63), "header"),
        "header_size_all_ones": (safetensors("{}", size=MAX64), "header"),
        "header_size_wraps": (safetensors("{}", size=MAX64 - 7), "header"),
        "header_size_over_limit": (safetensors("{}", size=100_000_001), "header"),
        "header_size_past_end": (safetensors("{}", size=3), "truncated"),
        "header_size_zero": (safetensors(""), "not a safetensors file"),
        "header_cut": (safetensors('{"t":{"dtype"'), "not valid JSON"),
        "seven_bytes": (b"\0" * 7, "truncated"),
        "header_list": (safetensors("[]"), "not a safetensors file"),
        "header_leading_blank": (safetensors(" {}"), "not a safetensors file"),
        "header_two_values": (safetensors("{}{}"), "not valid JSON"),
        "header_zero_byte": (safetensors(b"{}\0{"), "zero byte"),
        "header_not_utf8": (safetensors(b'{"\xff":{}}'), "not valid JSON"),
        "nesting_bomb": (safetensors('{"t":{"x":' + "[" * 5000), "levels deep"),
        "nesting_bomb_objects": (safetensors('{"t":{"x":' + '{"x":' * 5000), "levels deep"),
        "offsets_reversed": (t(st_entry(offsets="[4,0]")), "data_offsets"),
        "offsets_past_end": (t(st_entry("F32", "[2]", "[0,8]")), "incomplete"),
        "offsets_huge": (t(st_entry(offsets="[18446744073709551612,18446744073709551615]")), "data_offsets"),
        "offsets_wrap": (t(st_entry(offsets="[18446744073709551614,2]")), "data_offsets"),
        "offsets_negative": (t(st_entry(offsets="[-4,0]")), "negative"),
        "offsets_too_big_for_64_bits": (t(st_entry(offsets="[0,18446744073709551616]")), "fraction"),
        "offsets_one": (t(st_entry(offsets="[0]")), "data_offsets"),
        "offsets_three": (t(st_entry(offsets="[0,4,8]")), "third"),
        "offsets_fraction": (t(st_entry(offsets="[0,4.0]")), "fraction"),
        "offsets_text": (t(st_entry(offsets='["0","4"]')), "string"),
        "offsets_missing": (t('{"dtype":"F32","shape":[1]}'), "lacks"),
        "size_not_shape": (t(st_entry("F32", "[2]", "[0,4]")), "needs 8 bytes"),
        "shape_product_wraps": (t(st_entry("F32", "[4294967296,4294967296]", "[0,0]")), "overflows"),
        "shape_product_wraps_to_four": (t(st_entry("F32", "[4611686018427387905]", "[0,4]")), "overflows"),
        "shape_negative": (t(st_entry("F32", "[-1]", "[0,4]")), "negative"),
        "shape_nested": (t(st_entry("F32", "[[1]]", "[0,4]")), "list"),
        "shape_object": (t(st_entry("F32", "{}", "[0,4]")), "object"),
        "shape_255_dimensions": (t(st_entry("F32", str([1] * 255), "[0,4]")), "dimensions"),
        "overlap": (safetensors('{"a":%s,"b":%s}' % (st_entry(), st_entry()), b"abcd"), "overlap"),
        "overlap_partly": (safetensors('{"a":%s,"b":%s}' % (
            st_entry("F32", "[2]", "[0,8]"), st_entry("F32", "[1]", "[4,8]")), b"abcdabcd"), "overlap"),
        "hole": (safetensors('{"a":%s,"b":%s}' % (st_entry(), st_entry("F32", "[1]", "[8,12]")), b"abcd" * 3), "hole"),
        "hole_at_start": (t(st_entry(offsets="[4,8]"), b"abcdabcd"), "hole"),
        "data_left_over": (t(st_entry(), b"abcdefgh"), "damaged"),
        "name_twice": (safetensors('{"t":%s,"t":%s}' % (st_entry(), st_entry("F32", "[1]", "[4,8]")), b"abcdabcd"),
                       "two tensors"),
        "name_twice_by_escape": (safetensors('{"t":%s,"\\u0074":%s}' % (
            st_entry(), st_entry("F32", "[1]", "[4,8]")), b"abcdabcd"), "two tensors"),
        "field_twice": (t('{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[9]}'), "twice"),
        "metadata_twice": (safetensors('{"__metadata__":{},"__metadata__":{}}'), "twice"),
        "metadata_number": (safetensors('{"__metadata__":{"a":1}}'), "metadata"),
        "dtype_unknown": (t(st_entry("F128")), "F128"),
        "dtype_f8": (t(st_entry("F8_E4M3", "[4]")), "F8_E4M3"),
        "dtype_gguf_only": (t(st_entry("Q8_0", "[32]", "[0,34]"), b"\0" * 34), "Q8_0"),
        "dtype_control_sequence": (t(st_entry("\\u001b[2J")), "x1b"),
        "tensor_number": (safetensors('{"t":7}'), "object"),
    }


def sound_config():
    return {
        "llama": json.dumps({
            "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_attention_heads": 4, "rms_norm_eps": 1e-5,
            "rope_scaling": {"factor": 8.0, "rope_type": "llama3"}, "eos_token_id": [1, 2], "bos_token_id": None,
            "tie_word_embeddings": True, "torch_dtype": "bfloat16"}, indent=1).encode(),
        "experts": json.dumps({
            "model_type": "qwen3_moe", "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 48,
            "norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": [0, 3]}, indent=1).encode(),
        "generation": b'{"temperature":0.7,"top_p":0.9,"eos_token_id":[151645,151643],"do_sample":true}',
        "tokenizer": b'{"chat_template":[{"name":"default","template":"{{ x }}"}],"added_tokens_decoder":{"0":{"content":"<s>"}}}',
        "empty": b"{}",
        "unicode": '{"măng":"\\ud83c\\udf8b","n":-0.0e+10,"big":18446744073709551615}'.encode(),
    }


def hostile_config():
    return {
        "not_json": (b"hidden_size: 64", "not valid JSON"),
        "empty_file": (b"", "not valid JSON"),
        "list": (b"[]", "instead of a JSON object"),
        "cut": (b'{"hidden_size": 6', "not valid JSON"),
        "nesting_bomb": (b'{"a":' * 5000, "levels deep"),
        "zero_byte": (b'{"hidden_size": 64}\0', "zero byte"),
        "not_utf8": (b'{"a":"\xc0\xaf"}', "not valid JSON"),
        "nan": (b'{"rope_theta": NaN}', "not valid JSON"),
        "lone_surrogate": (b'{"a":"\\ud800"}', "not valid JSON"),
        "number_overflow": (b'{"a":1e999999}', "not valid JSON"),
    }


# Sound as files; what their vocabularies say must be refused, or be harmless, where a tokenizer is built from them.
def hostile_vocabularies():
    return {
        "byte_token_negative": vocabulary(["<unk>", "<0x-1>"], types=[2, 6]),
        "byte_token_too_big": vocabulary(["<unk>", "<0x100>"], types=[2, 6]),
        "byte_token_not_hex": vocabulary(["<unk>", "<0xZZ>"], types=[2, 6]),
        "byte_token_twice": vocabulary(["<unk>", "<0x41>", "<0x41>"], types=[2, 6, 6]),
        "no_tokens": vocabulary([]),
        "scores_fewer_than_tokens": vocabulary(["<unk>", "a", "b"], scores=[0.0]),
        "types_fewer_than_tokens": vocabulary(["<unk>", "a", "b"], types=[2]),
        "type_negative": vocabulary(["<unk>", "a"], types=[2, -1]),
        "type_huge": vocabulary(["<unk>", "a"], types=[2, 2**31 - 1]),
        "score_not_a_number": vocabulary(["<unk>", "a"], scores=[0.0, float("nan")]),
        "bos_past_end": vocabulary(["<unk>", "a"], extra={"bos_token_id": (U32, 2)}),
        "bos_negative": vocabulary(["<unk>", "a"], extra={"bos_token_id": (I32, -1)}),
        "eos_all_ones": vocabulary(["<unk>", "a"], extra={"eos_token_id": (U32, 2**32 - 1)}),
        "unknown_past_end": vocabulary(["a"], types=[1], extra={"unknown_token_id": (U32, 7)}),
        "token_twice": vocabulary(["<unk>", "a", "a"]),
        "token_empty": vocabulary(["<unk>", ""]),
        "token_not_utf8": vocabulary(["<unk>", b"\xff\xfe"]),
        "merge_without_space": vocabulary(["a", "b", "ab"], model="gpt2", merges=["ab"]),
        "merge_of_unknown_tokens": vocabulary(["a", "b"], model="gpt2", merges=["x y"]),
        "merge_result_unknown": vocabulary(["a", "b"], model="gpt2", merges=["a b"]),
        "merges_missing": vocabulary(["a", "b"], model="gpt2"),
        "model_unknown": vocabulary(["a"], model="no-such-tokenizer"),
        "pre_tokenizer_unknown": vocabulary(["a"], model="gpt2", merges=[], extra={"pre": (STRING, "no-such-pre")}),
    }


def write(folder, files, suffix):
    folder.mkdir(parents=True, exist_ok=True)
    for name, raw in files.items():
        (folder / f"{name}{suffix}").write_bytes(raw)


def main():
    groups = [
        ("gguf", ".gguf", sound_gguf(), hostile_gguf()),
        ("safetensors", ".safetensors", sound_safetensors(), hostile_safetensors()),
        ("config_json", ".json", sound_config(), hostile_config()),
    ]
    manifest = []
    for kind, suffix, sound, hostile in groups:
        for folder in (CORPUS / kind, HOSTILE / kind):
            shutil.rmtree(folder, ignore_errors=True)
        raw = {name: data for name, (data, _) in hostile.items()}
        write(CORPUS / kind, sound, "")
        write(CORPUS / kind, {"hostile_" + name: data for name, data in raw.items() if len(data) < 4096}, "")
        write(HOSTILE / kind, raw, suffix)
        manifest += [{"file": f"{kind}/{n}{suffix}", "format": kind, "says": says} for n, (_, says) in hostile.items()]
    shutil.rmtree(HOSTILE / "vocabulary", ignore_errors=True)
    write(HOSTILE / "vocabulary", hostile_vocabularies(), ".gguf")
    manifest += [{"file": f"vocabulary/{n}.gguf", "format": "vocabulary"} for n in hostile_vocabularies()]
    (HOSTILE / "manifest.json").write_text(
        "[\n" + ",\n".join(" " + json.dumps(line) for line in manifest) + "\n]\n")
    print(f"{len(manifest)} hostile files, {sum(len(g[2]) for g in groups)} sound seeds")


if __name__ == "__main__":
    main()
