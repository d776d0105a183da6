"""Makes the wheel: the program, the module, and the shared libraries that the program needs.

    build_wheel.py PROGRAM FOLDER

A wheel is a zip file (PEP 427). auditwheel then adds the libraries, renames them so that they meet no other package's, and
names the oldest glibc they run on. The same inputs give the same bytes before that.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TAG = "py3-none-linux_x86_64"


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def version_of(program: Path) -> str:
    version = output(str(program), "--version").split()[-1]
    module = re.search(r'"(.+)"', (HERE / "mang" / "_version.py").read_text())
    if module is None or module[1] != version:
        sys.exit(f"{program} is version {version}; python/mang/_version.py says {module and module[1]}.")
    return version


def licences_of(program: Path) -> dict[str, bytes]:
    """The copyright files of the Debian packages whose libraries the program needs, or whose headers are compiled in."""
    libraries = re.findall(r"=> (/\S+)", output("ldd", str(program)))
    packages = {"nlohmann-json3-dev", "libcli11-dev"}
    for library in libraries:
        for path in (library, os.path.realpath(library), "/usr" + library):
            found = subprocess.run(["dpkg", "--search", path], capture_output=True, text=True)
            if found.returncode == 0:
                packages.add(found.stdout.split(":")[0])
                break
        else:
            sys.exit(f"no Debian package owns {library}, so its licence is not known.")
    files = {}
    for package in sorted(packages):
        files[f"{package}.txt"] = Path("/usr/share/doc", package, "copyright").read_bytes()
    return files


def files_of(program: Path, version: str) -> dict[str, tuple[bytes, int]]:
    """Path in the wheel → bytes and mode."""
    files: dict[str, tuple[bytes, int]] = {}
    for path in sorted((HERE / "mang").iterdir()):
        if path.suffix in (".py", ".typed") or path.name == "py.typed":
            files[f"mang/{path.name}"] = (path.read_bytes(), 0o644)
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder, "mang")
        subprocess.run(["strip", "-o", str(stripped), str(program)], check=True)
        files["mang/bin/mang"] = (stripped.read_bytes(), 0o755)

    info = f"mang-{version}.dist-info"
    metadata = f"""Metadata-Version: 2.4
Name: mang
Version: {version}
Summary: Run open-weight language models on your own machine
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.9
Requires-Dist: pip
Provides-Extra: numpy
Requires-Dist: numpy; extra == "numpy"
Classifier: Operating System :: POSIX :: Linux
Classifier: Typing :: Typed
Description-Content-Type: text/markdown

"""
    files[f"{info}/METADATA"] = ((metadata + (HERE / "README.md").read_text()).encode(), 0o644)
    wheel = f"Wheel-Version: 1.0\nGenerator: build_wheel.py\nRoot-Is-Purelib: false\nTag: {TAG}\n"
    files[f"{info}/WHEEL"] = (wheel.encode(), 0o644)
    files[f"{info}/entry_points.txt"] = (b"[console_scripts]\nmang = mang._binary:main\n", 0o644)
    files[f"{info}/licenses/LICENSE"] = ((ROOT / "LICENSE").read_bytes(), 0o644)
    for name, text in licences_of(program).items():
        files[f"{info}/licenses/libraries/{name}"] = (text, 0o644)
    return files


def write_wheel(path: Path, files: dict[str, tuple[bytes, int]], record: str) -> None:
    lines = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, (data, mode) in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(data)}\n")
            add(wheel, name, data, mode)
        add(wheel, record, "".join([*lines, f"{record},,\n"]).encode(), 0o644)


def add(wheel: zipfile.ZipFile, name: str, data: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = (0o100000 | mode) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    wheel.writestr(entry, data)


def main() -> None:
    program, out = Path(sys.argv[1]), Path(sys.argv[2])
    version = version_of(program)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, f"mang-{version}-{TAG}.whl")
        write_wheel(plain, files_of(program, version), f"mang-{version}.dist-info/RECORD")
        if shutil.which("auditwheel") is None:
            sys.exit("auditwheel is missing: pip install -r python/build-requirements.txt")
        subprocess.run(["auditwheel", "repair", "--wheel-dir", str(out), str(plain)], check=True)


main()
