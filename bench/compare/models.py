"""Names of models to files."""
import importlib.util
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import fetch_models  # noqa: E402

USUAL = ("qwen2.5-coder-1.5b-q4_k_m", "qwen2.5-coder-0.5b-q4_k_m", "smollm2-135m-q4_1")
TYPES = ("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
         "IQ4_XS")
TYPES_SHAPE = "qwen2-half-billion"


def expand(names: list[str], folder: pathlib.Path) -> list[pathlib.Path]:
    """Files as they are; names of tools/fetch_models.py are fetched where they are not here; `synthetic:SHAPE` or
    `synthetic:SHAPE:TYPE` is written into the folder, `types` is one of each type."""
    directory = fetch_models.default_dir()
    out = []
    for name in names:
        if name == "types":
            out += [_synthetic(folder, TYPES_SHAPE, kind) for kind in TYPES]
        elif name.startswith("synthetic:"):
            shape, _, kind = name.removeprefix("synthetic:").partition(":")
            out.append(_synthetic(folder, shape, kind or "Q4_K"))
        elif name in fetch_models.MODELS:
            directory.mkdir(parents=True, exist_ok=True)
            out.append(fetch_models.fetch(name, directory))
        elif pathlib.Path(name).exists():
            out.append(pathlib.Path(name))
        else:
            sys.exit(f"compare: {name} is neither a file nor one of {', '.join(fetch_models.MODELS)}, types, "
                     "synthetic:SHAPE[:TYPE].")
    return out


def _synthetic(folder: pathlib.Path, shape: str, kind: str) -> pathlib.Path:
    out = folder / "models" / f"{shape}-{kind.lower()}.gguf"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        # It needs NumPy: this Python's, or that of the peers' environment.
        python = sys.executable if importlib.util.find_spec("numpy") else folder / "venv" / "bin" / "python"
        if subprocess.run([python, ROOT / "tools" / "make_synthetic_gguf.py", shape, out, "--type", kind],
                          stdout=sys.stderr, check=False).returncode != 0:
            sys.exit(f"compare: {out} could not be written; NumPy is needed, which bench/peers/install.py brings.")
    return out
