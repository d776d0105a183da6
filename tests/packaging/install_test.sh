#!/usr/bin/env bash
# What ./mangw install puts and ./mangw uninstall takes away:  install_test.sh SOURCE BUILD
set -euo pipefail
root=$1 install_from=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
command=install
said=$folder/said
say() { printf '%s\n' "$*" >>"$said"; }
die() { say "$*"; exit 1; }
build() { :; }  # ctest built it
# shellcheck source=tools/install.sh
source "$root/tools/install.sh"

check() { "$@" || { echo "FAILED: $*"; cat "$said"; exit 1; }; }
told() { grep -qF -- "$1" "$said"; }
contents() { (cd "$1" && find . | sort); }

# Into a new folder: the program works, and its pages and completions are there.
prefix_new="$folder/a new one"
(run_install --prefix "$prefix_new")
check test "$("$prefix_new/bin/mang" --version)" = "$("$install_from/mang" --version)"
for file in share/man/man1/mang.1 share/man/man1/mang-run.1 share/bash-completion/completions/mang \
  share/zsh/site-functions/_mang share/fish/vendor_completions.d/mang.fish; do
  check test -s "$prefix_new/$file"
done
check test "$(stat -c %a "$prefix_new/bin/mang")" = 755
check test "$(stat -c %a "$prefix_new/share/man/man1/mang.1")" = 644
check told "is not on your PATH"
before=$(contents "$prefix_new")

# Again: the same files. One that the new version no longer has goes, what is not ours stays.
echo old >"$prefix_new/share/man/man1/mang-dance.1"
echo "file share/man/man1/mang-dance.1" >>"$prefix_new/share/mang/installed"
echo mine >"$prefix_new/bin/mine"
PATH="$prefix_new/bin:$PATH" run_install --prefix "$prefix_new"
check told "is on your PATH"
check test ! -e "$prefix_new/share/man/man1/mang-dance.1"
check test -e "$prefix_new/bin/mine"
rm "$prefix_new/bin/mine"
check test "$(contents "$prefix_new")" = "$before"

# Uninstalling leaves what was there before, and only that.
old="$folder/old"
mkdir -p "$old/share/man/man1" "$old/bin"
echo other >"$old/share/man/man1/other.1"
before=$(contents "$old")
run_install --prefix="$old/"
check test -x "$old/bin/mang"
(command=uninstall; run_uninstall --prefix "$old")
check test "$(contents "$old")" = "$before"
(command=uninstall; run_uninstall --prefix "$prefix_new")
check test ! -e "$prefix_new"

# A list that names files elsewhere takes nothing away there.
echo mine >"$folder/mine"
mkdir -p "$old/share/mang"
printf '%s\n' "file ../mine" "folder .." "file share/mang/installed" >"$old/share/mang/installed"
(command=uninstall; run_uninstall --prefix "$old") || true
check test -s "$folder/mine"

# What cannot be done is said.
if (command=uninstall; run_uninstall --prefix "$folder/nothing"); then check false; fi
check told "nothing that ./mangw installed is in"
if (run_install --perfix x); then check false; fi
check told "unknown option"
echo "installing and uninstalling: all well"
