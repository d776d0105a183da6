#!/usr/bin/env python3
"""Do Hugging Face's own tools and mang find each other's downloads?

usage: check_hf_cache.py --mang PROGRAM

Serves a small repository as the hub does (a list, files, redirects for large ones), pulls it with `mang pull` and looks for
it with the huggingface-hub package; then the other way round. Prints a line a check; exits with 1 if one fails.
Needs huggingface-hub (tools/requirements.txt).
"""
import argparse
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "smollm2" / "tied-gqa"
LARGE = ("model.safetensors",)


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    files = {name: (GOLDEN / name).read_bytes()
             for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")}

    def log_message(self, *_):
        pass

    def etag(self, name: str) -> str:
        content = self.files[name]
        return hashlib.sha256(content).hexdigest() if name in LARGE else git_sha1(content)

    def answer(self, status: int, body: bytes, headers: dict[str, str], send_body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if send_body:
            self.wfile.write(body)

    def handle_request(self, send_body: bool) -> None:
        path = self.path.split("?")[0]
        if "/tree/" in path:
            tree = [dict(type="file", path=name, size=len(content), oid=git_sha1(content),
                         **({"lfs": dict(oid=self.etag(name), size=len(content), pointerSize=134)} if name in LARGE else {}))
                    for name, content in self.files.items()]
            return self.answer(200, json.dumps(tree).encode(), {"Content-Type": "application/json"}, send_body)
        if path.startswith("/api/models/org/model"):
            siblings = [dict(rfilename=name, size=len(content), blobId=git_sha1(content),
                             **({"lfs": dict(sha256=self.etag(name), size=len(content), pointerSize=134)} if name in LARGE else {}))
                        for name, content in self.files.items()]
            body = json.dumps(dict(id="org/model", modelId="org/model", sha=COMMIT, gated=False, private=False, tags=[],
                                   siblings=siblings)).encode()
            return self.answer(200, body, {"Content-Type": "application/json"}, send_body)
        name = path.rsplit("/", 1)[-1]
        if name not in self.files:
            return self.answer(404, b"", {"X-Error-Code": "EntryNotFound"}, send_body)
        content, headers = self.files[name], {"Accept-Ranges": "bytes"}
        if path.startswith("/org/model/resolve/"):
            headers |= {"X-Repo-Commit": COMMIT, "ETag": f'"{self.etag(name)}"'}
            if name in LARGE:
                headers |= {"X-Linked-Etag": f'"{self.etag(name)}"', "X-Linked-Size": str(len(content)),
                            "Location": f"http://localhost:{self.server.server_address[1]}/store/{name}"}
                return self.answer(302, b"", headers, send_body)
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            first, _, last = wanted[6:].partition("-")
            begin, end = int(first), min(int(last or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {begin}-{end}/{len(content)}"
            return self.answer(206, content[begin:end + 1], headers, send_body)
        return self.answer(200, content, headers, send_body)

    def do_GET(self):
        self.handle_request(True)

    def do_HEAD(self):
        self.handle_request(False)


def run(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


SCAN = """
import json, huggingface_hub as h
info = h.scan_cache_dir()
print(json.dumps(dict(repos=[(r.repo_id, [v.commit_hash for v in r.revisions], sorted(f.file_name for v in r.revisions for f in v.files))
                             for r in info.repos], warnings=[str(w) for w in info.warnings],
                      loaded=h.try_to_load_from_cache("org/model", "config.json"))))
"""
FETCH = "import huggingface_hub as h; print(h.snapshot_download('org/model'))"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mang", required=True)
    mang = parser.parse_args().mang
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bad = 0

    def check(what: str, good: bool, detail: object = "") -> None:
        nonlocal bad
        bad += not good
        print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else f': {detail}'}")

    with tempfile.TemporaryDirectory() as scratch:
        def env(cache: str, **more: str) -> dict[str, str]:
            return dict(os.environ, HF_ENDPOINT=f"http://127.0.0.1:{server.server_address[1]}", HF_HUB_CACHE=f"{scratch}/{cache}",
                        XDG_CACHE_HOME=f"{scratch}/xdg", no_proxy="127.0.0.1,localhost", NO_PROXY="127.0.0.1,localhost", HF_HUB_DISABLE_XET="1", **more)

        ours = run([mang, "pull", "-q", "hf:org/model"], env("ours")).strip()
        seen = json.loads(run([sys.executable, "-c", SCAN], env("ours", HF_HUB_OFFLINE="1")))
        check("huggingface-hub sees the repository mang pulled", seen["repos"] == [["org/model", [COMMIT], sorted(Hub.files)]], seen)
        check("without a warning", not seen["warnings"], seen["warnings"])
        check("and finds its files", seen["loaded"] == f"{ours}/config.json", seen["loaded"])
        before = {p: p.lstat().st_mtime_ns for p in pathlib.Path(f"{scratch}/ours").rglob("*") if p.is_file()}
        again = run([sys.executable, "-c", FETCH], env("ours")).strip()
        after = {p: p.lstat().st_mtime_ns for p in before}
        check("and downloads nothing again", again == ours and before == after, again)

        theirs = run([sys.executable, "-c", FETCH], env("theirs")).strip()
        listed = run([mang, "list"], env("theirs", HF_HUB_OFFLINE="1"))
        check("mang lists what huggingface-hub fetched", "hf:org/model" in listed, listed)
        path = run([mang, "pull", "-q", "hf:org/model"], env("theirs", HF_HUB_OFFLINE="1")).strip()
        check("and opens it without the network", path == theirs, path)
        answer = run([mang, "run", "hf:org/model", "hello", "-n", "2", "--raw"], env("theirs", HF_HUB_OFFLINE="1"))
        check("and runs it", bool(answer), answer)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
