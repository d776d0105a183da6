# A minimal Debian 12 root to prove things in (this file is sourced, by scripts that set -euo pipefail).
#
#   make_root PACKAGES     makes one in $root (a new folder below TMPDIR where that is empty), with these packages more
#                          (separated by commas); removed at exit unless $keep is 1. One that is there already is used
#   in_root COMMAND        runs a shell command in it, in a mount and process namespace that goes with it
#   step COMMAND           the same, with its text and its seconds; counts those that fail in $failures
#   say TEXT
#   read_proof_arguments SUFFIX ARGUMENT…   reads --keep, --root FOLDER and a file ending in SUFFIX, which goes to $package
#
# Needs root, unshare, chroot and mmdebstrap (or debootstrap). Packages come from this machine's own apt sources, and the
# new root gets this machine's resolver, proxies, certificates and pip settings: those belong to the network, not to the
# project.
release=bookworm
root="" keep=0 failures=0 started=$SECONDS

say() { printf '\n== %s\n' "$*"; }

read_proof_arguments() {  # read_proof_arguments SUFFIX ARGUMENT…
  local suffix=$1
  shift
  package=""
  while (($#)); do
    case $1 in
      --keep) keep=1 ;;
      --root) root=$2; shift ;;
      *"$suffix") package=$1 ;;
      *) echo "usage: tools/${0##*/} [--keep] [--root FOLDER] [PACKAGE$suffix]" >&2; exit 2 ;;
    esac
    shift
  done
}

remove_root() {
  if ((keep)); then echo "kept: $root"; else rm -rf --one-file-system "$root"; fi
}

make_root() {  # make_root PACKAGES
  local me=${0##*/} tool file sources=() mirror variable begin=$SECONDS
  if ((EUID != 0)); then echo "$me: making a root needs root; run it with sudo" >&2; exit 1; fi
  for tool in unshare chroot; do
    command -v "$tool" >/dev/null || { echo "$me: $tool is missing" >&2; exit 1; }
  done
  [[ -n $root ]] || root=$(mktemp -d "${TMPDIR:-/tmp}/mang-root-XXXXXX")
  mkdir -p "$root"
  chmod 755 "$root"
  trap remove_root EXIT

  # The apt sources of this machine that hold the release, in either of apt's two formats.
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if [[ -s $file ]] && grep -Eq "(^Suites:|^deb ).*\\b$release(-updates|-security)?\\b" "$file"; then
      sources+=("$file")
    fi
  done
  ((${#sources[@]})) || { echo "$me: no apt source for $release is configured here" >&2; exit 1; }

  say "a minimal Debian ($release) in $root"
  if [[ -e $root/etc/debian_version ]]; then
    echo "it is there"
  elif command -v mmdebstrap >/dev/null; then
    mmdebstrap --quiet --variant=minbase --include="$1" "$release" "$root" "${sources[@]}"
  else
    mirror=$(grep -hEo '(http|https)://[^ ]+' "${sources[@]}" | grep -v security | head -n 1)
    debootstrap --variant=minbase --include="$1" "$release" "$root" "$mirror" >/dev/null
  fi
  echo "root made in $((SECONDS - begin)) s"

  # The network's settings.
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  cp -L /etc/hosts "$root/etc/hosts"
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null && [[ -d $root/etc/ca-certificates ]]; then
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
}

in_root() {  # in_root COMMAND
  # shellcheck disable=SC2016  # the inner shell expands
  unshare --mount --pid --fork --propagation private bash -c '
    set -e
    root=$1; shift
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm" 2>/dev/null || true
    exec chroot "$root" /usr/bin/env -i "$@"
  ' in_root "$root" "${passed[@]}" /bin/bash -c "$1" </dev/null
}

step() {  # step COMMAND
  say "$1"
  local begin=$SECONDS code=0
  in_root "cd && time { $1
}" || code=$?
  echo "== exit code $code after $((SECONDS - begin)) s: ${1%%$'\n'*}"
  ((code == 0)) || failures=$((failures + 1))
}
