"""Logits of a GGUF file by Hugging Face transformers, in float32, on the weights its own reader dequantizes; cached."""
import hashlib
import json
import os
import pathlib

import numpy as np

DATA = pathlib.Path(__file__).resolve().parent / "data"


def cache_dir() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "mang" / "reference-logits"


def comparison_ids(model: pathlib.Path) -> list[int]:
    """The committed ids of the comparison text for this file; made (and kept) by transformers for a file not seen yet.
    BOS comes first where the file asks for it."""
    known = DATA / "comparison_ids" / f"{model.stem}.json"
    if not known.exists():
        import gguf
        from transformers import AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained(model.parent, gguf_file=model.name)
        text = (DATA / "comparison_text.txt").read_text(encoding="utf-8")
        ids = tokenizer(text, add_special_tokens=False).input_ids
        fields = gguf.GGUFReader(model).fields
        bos = fields.get("tokenizer.ggml.add_bos_token")
        if bos is not None and bos.contents():
            ids.insert(0, int(fields["tokenizer.ggml.bos_token_id"].contents()))
        known.write_text(json.dumps(ids) + "\n")
    return json.loads(known.read_text())


def reference_logits(model: pathlib.Path, ids: list[int], threads: int = 2) -> np.ndarray:
    """float32 [ids, vocab], memory-mapped. Eager attention; one forward over all ids."""
    import transformers
    key = hashlib.sha256(json.dumps([model.stat().st_size, model.name, ids, transformers.__version__]).encode())
    path = cache_dir() / f"{model.stem}-{key.hexdigest()[:16]}.npy"
    if not path.exists():
        import torch
        from transformers import AutoModelForCausalLM
        torch.set_num_threads(threads)
        net = AutoModelForCausalLM.from_pretrained(model.parent, gguf_file=model.name, dtype=torch.float32,
                                                   attn_implementation="eager").eval()
        with torch.no_grad():
            logits = net(torch.tensor([ids]), use_cache=False).logits[0].float().numpy()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npy")
        np.save(partial, logits)
        os.replace(partial, path)
    return np.load(path, mmap_mode="r")
