#!/usr/bin/env bash
# Proves that a fresh clone works on a fresh machine: makes a minimal Debian 12 root, clones this checkout into it, runs
# the README's two commands there and reports how long each took.
#
#   tools/fresh_root.sh [--keep] [--root FOLDER] [--only run|test|ci]
#
#   --keep          leave the root for looking around (it is removed otherwise)
#   --root FOLDER   where to make it (a new folder below TMPDIR)
#   --only WHAT     only `./mangw run …`, only `./mangw test`, or only .ci/run
#
# Needs root, git and what tools/minimal_root.sh needs.
set -euo pipefail

repository=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/minimal_root.sh
source "$repository/tools/minimal_root.sh"
only=""
while (($#)); do
  case $1 in
    --keep) keep=1 ;;
    --root) root=$2; shift ;;
    --only) only=$2; shift ;;
    *) echo "usage: tools/fresh_root.sh [--keep] [--root FOLDER] [--only run|test|ci]" >&2; exit 2 ;;
  esac
  shift
done
command -v git >/dev/null || { echo "fresh_root: git is missing" >&2; exit 1; }
make_root git,ca-certificates

say "a fresh clone of $(git -C "$repository" rev-parse --short HEAD)"
git -c safe.directory='*' clone --quiet --no-local "$repository" "$root/root/mang"
chown -R 0:0 "$root/root/mang"

in_clone() { step "cd mang && $1"; }
if [[ -z $only || $only == run ]]; then
  in_clone './mangw run "Why does bamboo grow so fast?"'
  in_clone './mangw run "Why does bamboo grow so fast?"'
  in_clone './mangw --version'
fi
if [[ -z $only || $only == test ]]; then in_clone './mangw test'; fi
if [[ $only == ci ]]; then in_clone 'CI=true bash .ci/run'; fi
say "$failures of the steps failed; $((SECONDS - started)) s in all"
((failures == 0))
