#!/usr/bin/env python3
"""How much rounding the inputs of linear layers to int8 costs, by block size: why docs/arithmetic.md takes 16 and 32.

usage: compare_input_blocks.py MODEL.gguf [--tokens N]

Everything runs in float32 in transformers, on the weights its own GGUF reader gives; only the input of each linear layer
is rounded: absmax/127 scales for blocks of the size named. Printed: KL divergence to the unrounded model over the
comparison text, and how often the most likely token stays the same.
"""
import argparse
import pathlib

import torch
from gguf import GGUFReader
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXT = pathlib.Path(__file__).parent / "data" / "comparison_text.txt"
GGUF_PARTS = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
              "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
              "mlp.down_proj": "ffn_down"}
SUPER_BLOCK_TYPES = {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"}


def rounded(x, block):
    blocks = x.reshape(-1, block)
    scale = blocks.abs().amax(-1, keepdim=True) / 127
    inverse = torch.where(scale > 0, 1 / scale, torch.zeros_like(scale))
    return (torch.round(blocks * inverse) * scale).reshape(x.shape)


def gguf_name(module, types):
    if module == "lm_head":
        return "output.weight" if "output.weight" in types else "token_embd.weight"
    parts = module.split(".")
    return f"blk.{parts[2]}.{GGUF_PARTS['.'.join(parts[3:])]}.weight"


def divergence(wanted, got):
    a, b = (torch.log_softmax(x.double(), -1) for x in (wanted, got))
    kld = (a.exp() * (a - b)).sum(-1)
    same = (wanted.argmax(-1) == got.argmax(-1)).double().mean()
    return f"{kld.mean():10.2e} {kld.median():10.2e} {kld.max():10.2e} {100 * same:9.2f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--tokens", type=int, default=1024)
    args = parser.parse_args()
    folder, file = args.model.parent, args.model.name
    ids = AutoTokenizer.from_pretrained(folder, gguf_file=file)(TEXT.read_text(), add_special_tokens=False).input_ids
    ids = torch.tensor(ids[: args.tokens])[None]
    types = {t.name: t.tensor_type.name for t in GGUFReader(str(args.model)).tensors}
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()

    block_of = None  # module name → block size, or None to leave its input alone
    linears = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}

    def round_input(name):
        def hook(_, inputs):
            block = block_of(name) if block_of else None
            return (rounded(inputs[0], block),) if block else None
        return hook

    for name, module in linears.items():
        module.register_forward_pre_hook(round_input(name))
    is_super = {name: types[gguf_name(name, types)] in SUPER_BLOCK_TYPES for name in linears}
    variants = {
        "16 everywhere": lambda name: 16,
        "32 everywhere": lambda name: 32,
        "256 for K-quants, 32 else": lambda name: 256 if is_super[name] else 32,
        "32, head untouched": lambda name: None if name == "lm_head" else 32,
        "32, only queries, keys, values": lambda name: 32 if name[-6:] in ("q_proj", "k_proj", "v_proj") else None,
    }
    with torch.no_grad():
        wanted = model(ids, use_cache=False).logits[0]
        print(f"{file}: {ids.shape[1]} tokens, {sum(is_super.values())} of {len(linears)} linear layers are K-quants")
        print(f"{'input blocks':32} {'mean KLD':>10} {'median':>10} {'largest':>10} {'same top':>11}")
        for label, block_of in variants.items():
            print(f"{label:32} {divergence(wanted, model(ids, use_cache=False).logits[0])}", flush=True)


if __name__ == "__main__":
    main()
