#!/usr/bin/env bash
# Proves the Python wheel: builds it, installs it into a clean venv in a fresh minimal Debian 12 that has python3-venv and
# none of the libraries, and there loads the default model, answers, streams, tokenizes and compares logits with
# `mang logits` bit for bit: with the best instruction set, with --isa avx2, and on an emulated processor that has AVX2 and
# nothing newer (a tiny model there: emulation is slow). Also one-shot use through uvx, and mypy --strict over the module.
#
#   tools/prove_wheel.sh [--keep] [--root FOLDER] [WHEEL.whl]     as root; needs what tools/minimal_root.sh needs
set -euo pipefail

repository=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/minimal_root.sh
source "$repository/tools/minimal_root.sh"
read_proof_arguments .whl "$@"
wheel=$package
[[ -n $wheel ]] || wheel=$("$repository/mangw" package wheel)
say "$wheel, $(stat -c %s "$wheel") bytes"

make_root ca-certificates,python3-venv
cp "$wheel" "$root/root/"
cp "$repository/tools/prove_wheel.py" "$root/root/"
cp -r "$repository/tests/golden/smollm2/tied-gqa" "$root/root/tiny"
wheel=${wheel##*/}

step 'ls /usr/lib/x86_64-linux-gnu | grep -E "libcurl|libhwloc|libfmt|libzip|libedit|libmd4c|libgumbo|libgomp" && exit 1
  echo "none of the libraries is here"'
step "python3 -m venv venv && venv/bin/pip install -q './${wheel}[numpy]'"
step 'venv/bin/mang --version && venv/bin/mang doctor'
step 'venv/bin/python prove_wheel.py best smollm2:135m'
step 'venv/bin/python prove_wheel.py avx2 smollm2:135m && venv/bin/python prove_wheel.py best tiny'
step "venv/bin/pip install -q mypy typing_extensions && venv/bin/mypy --strict prove_wheel.py &&
  venv/bin/mypy --strict -p mang"
# uv has settings of its own: what it needs comes by pip's, which belong to the network.
step "venv/bin/pip install -q uv && venv/bin/pip download -q --no-deps -d wheels pip &&
  venv/bin/uvx --no-index --find-links wheels --from './$wheel' mang run 'Why does bamboo grow so fast?' -n 40"

# The emulator runs a program of its own architecture on a processor that it describes; it knows nothing beyond AVX2.
in_root 'apt-get -q update >/dev/null && apt-get install --yes -q --no-install-recommends qemu-user >qemu.log 2>&1'
step 'real=$(venv/bin/python -c "import mang; print(mang.binary_path())")
  printf "#!/bin/sh\nexec qemu-x86_64 -cpu Haswell,-pcid,-x2apic,-tsc-deadline,-hle,-rtm,-invpcid \"%s\" \"\$@\"\n" "$real" >haswell && chmod +x haswell
  ./haswell doctor | head -n 12 && MANG_BINARY=$PWD/haswell venv/bin/python prove_wheel.py emulated tiny'
say "$failures of the steps failed; $((SECONDS - started)) s in all"
((failures == 0))
