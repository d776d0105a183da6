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
# Needs root, git and mmdebstrap (or debootstrap). Packages come from this machine's own apt sources, and the new root
# gets this machine's resolver, proxies, certificates and pip settings: those belong to the network, not to the project.
set -euo pipefail

repository=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
release=bookworm
root="" keep=0 only=""
while (($#)); do
  case $1 in
    --keep) keep=1 ;;
    --root) root=$2; shift ;;
    --only) only=$2; shift ;;
    *) echo "usage: tools/fresh_root.sh [--keep] [--root FOLDER] [--only run|test|ci]" >&2; exit 2 ;;
  esac
  shift
done
if ((EUID != 0)); then echo "fresh_root: making a root needs root; run it with sudo" >&2; exit 1; fi
for tool in git unshare chroot; do
  command -v "$tool" >/dev/null || { echo "fresh_root: $tool is missing" >&2; exit 1; }
done
[[ -n $root ]] || root=$(mktemp -d "${TMPDIR:-/tmp}/mang-root-XXXXXX")
mkdir -p "$root"
chmod 755 "$root"
cleanup() {
  if ((keep)); then echo "kept: $root"; else rm -rf --one-file-system "$root"; fi
}
trap cleanup EXIT

# The apt sources of this machine that hold the release, in either of apt's two formats.
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  if [[ -s $file ]] && grep -Eq "(^Suites:|^deb ).*\\b$release(-updates|-security)?\\b" "$file"; then sources+=("$file"); fi
done
((${#sources[@]})) || { echo "fresh_root: no apt source for $release is configured here" >&2; exit 1; }

say() { printf '\n== %s\n' "$*"; }
started=$SECONDS
say "a minimal Debian ($release) in $root"
if command -v mmdebstrap >/dev/null; then
  mmdebstrap --quiet --variant=minbase --include=git,ca-certificates "$release" "$root" "${sources[@]}"
else
  mirror=$(grep -hEo '(http|https)://[^ ]+' "${sources[@]}" | grep -v security | head -n 1)
  debootstrap --variant=minbase --include=git,ca-certificates "$release" "$root" "$mirror" >/dev/null
fi
echo "root made in $((SECONDS - started)) s"

# The network's settings.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/hosts "$root/etc/hosts"
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
  env -i PATH="$PATH" chroot "$root" update-ca-certificates >/dev/null 2>&1
fi
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
  if [[ -f $file ]] && grep -qi 'proxy' "$file"; then cp "$file" "$root/etc/apt/apt.conf.d/"; fi
done
passed=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM="${TERM:-dumb}")
while IFS= read -r variable; do
  case $variable in
    http_proxy=* | https_proxy=* | no_proxy=* | HTTP_PROXY=* | HTTPS_PROXY=* | NO_PROXY=* | PIP_INDEX_URL=* | PIP_CERT=*)
      passed+=("$variable") ;;
  esac
done < <(env)

say "a fresh clone of $(git -C "$repository" rev-parse --short HEAD)"
git -c safe.directory='*' clone --quiet --no-local "$repository" "$root/root/mang"
chown -R 0:0 "$root/root/mang"

# Runs a command in the clone, inside the root, in a mount namespace that goes with it.
inside() {
  # shellcheck disable=SC2016  # the inner shell expands
  unshare --mount --pid --fork --propagation private bash -c '
    set -e
    root=$1; shift
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm" 2>/dev/null || true
    exec chroot "$root" /usr/bin/env -i "$@"
  ' inside "$root" "${passed[@]}" /bin/bash -c "cd /root/mang && time { $1; }" </dev/null
}
failures=0
step() {  # step COMMAND
  say "$1"
  local begin=$SECONDS code=0
  inside "$1" || code=$?
  echo "== exit code $code after $((SECONDS - begin)) s: $1"
  ((code == 0)) || failures=$((failures + 1))
}
if [[ -z $only || $only == run ]]; then
  step './mangw run "Why does bamboo grow so fast?"'
  step './mangw run "Why does bamboo grow so fast?"'
  step './mangw --version'
fi
if [[ -z $only || $only == test ]]; then step './mangw test'; fi
if [[ $only == ci ]]; then step 'CI=true bash .ci/run'; fi
say "$failures of the steps failed; $((SECONDS - started)) s in all"
((failures == 0))
