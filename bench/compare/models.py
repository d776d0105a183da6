"""Names of models to files."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import fetch_models  # noqa: E402

USUAL = ("qwen2.5-coder-1.5b-q4_k_m", "qwen2.5-coder-0.5b-q4_k_m", "smollm2-135m-q4_1")


def expand(names: list[str]) -> list[pathlib.Path]:
    """Files as they are; names of tools/fetch_models.py are fetched where they are not here."""
    directory = fetch_models.default_dir()
    directory.mkdir(parents=True, exist_ok=True)
    out = []
    for name in names:
        if name in fetch_models.MODELS:
            out.append(fetch_models.fetch(name, directory))
        elif pathlib.Path(name).exists():
            out.append(pathlib.Path(name))
        else:
            sys.exit(f"compare: {name} is neither a file nor one of {', '.join(fetch_models.MODELS)}.")
    return out
