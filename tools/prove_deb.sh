#!/usr/bin/env bash
# Proves the Debian package: builds it, installs it with apt in a fresh minimal Debian 12, gets an answer from the default
# model, and removes it again, after which nothing of it may be left.
#
#   tools/prove_deb.sh [--keep] [--root FOLDER] [PACKAGE.deb]     as root; needs what tools/minimal_root.sh needs
set -euo pipefail

repository=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/minimal_root.sh
source "$repository/tools/minimal_root.sh"
read_proof_arguments .deb "$@"
[[ -n $package ]] || package=$("$repository/mangw" package deb)
say "$package, $(stat -c %s "$package") bytes"
dpkg-deb --info "$package"

make_root ca-certificates
cp "$package" "$root/root/mang.deb"
chmod 644 "$root/root/mang.deb"

# Every path outside the users' homes and what apt and the system themselves keep.
listing() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./root -o -path ./tmp -o -path ./run \
    -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./var/lib/dpkg \) -prune -o -print | sort)
}
in_root 'apt-get -q update >/dev/null'
# What it needs first, so that afterwards the difference is the package alone.
step 'export DEBIAN_FRONTEND=noninteractive; cp mang.deb /tmp; apt-get install --yes -q /tmp/mang.deb >install.log 2>&1 ||
  { tail -n 20 install.log; false; }'
step 'mang --version'
step 'mang run "Why does bamboo grow so fast?" -n 60'
step 'mang run "Why does bamboo grow so fast?" -n 60'
step 'test -s /usr/share/bash-completion/completions/mang && test -s /usr/share/man/man1/mang-run.1.gz ||
  grep -rq "path-exclude=/usr/share/man" /etc/dpkg/dpkg.cfg.d'
in_root 'dpkg --listfiles mang' | sort >"$root/root/files"
step 'apt-get purge --yes -q mang >purge.log 2>&1 || { tail -n 20 purge.log; false; }'
say "what is left of it"
left=0
while IFS= read -r path; do
  if [[ -f $root$path || -L $root$path ]]; then echo "left: $path"; left=1; fi
done <"$root/root/files"
if listing | grep -i 'mang' | grep -v -e mangle -e "python3" -e perl -e '/doc/' ; then left=1; fi
((left == 0)) && echo nothing || failures=$((failures + 1))
step 'apt-get install --yes -q --reinstall /tmp/mang.deb >>install.log 2>&1 && mang --version'
say "$failures of the steps failed; $((SECONDS - started)) s in all"
((failures == 0))
