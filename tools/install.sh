# ./mangw install and ./mangw uninstall (this file is sourced by mangw, which gives it: root, say, die, build).
#
#   ./mangw install [--prefix FOLDER]     the program, its man pages and completions; again: the newer ones
#   ./mangw uninstall [--prefix FOLDER]   takes away exactly what that put there
#
# FOLDER is /usr/local for root and ~/.local for everybody else. The list of what was put is FOLDER/share/mang/installed.

# A file, or nothing, in its place at once: a running mang keeps the old one.
put_file() {  # put_file FROM TO
  local mode=644 made
  if [[ -x $1 ]]; then mode=755; fi
  made=$(mktemp "$2.XXXXXX") || return 1
  if cp -- "$1" "$made" && chmod "$mode" "$made" && mv -f -- "$made" "$2"; then return 0; fi
  rm -f -- "$made"
  return 1
}

# Makes a folder and those above it that are missing, and adds each that it made to the array `made_folders`.
make_folder() {
  [[ -d $1 ]] && return 0
  make_folder "$(dirname -- "$1")" || return 1
  mkdir -m 755 -- "$1" || return 1
  made_folders+=("$1")
}

# Takes away what the list names below the prefix: files first, then folders that are empty, the deepest first.
take_away() {  # take_away PREFIX LINE …
  local prefix=$1 line path
  shift
  for line in "$@"; do
    path=$prefix/${line#* }
    case $line in
      *..*) ;;
      "file "*) rm -f -- "$path" ;;
    esac
  done
  for line in "$@"; do
    path=$prefix/${line#* }
    if [[ $line == "folder "* && $line != *..* ]]; then printf '%s\n' "${path%/.}"; fi
  done | sort -r | while IFS= read -r path; do rmdir -- "$path" 2>/dev/null || true; done
}

parse_prefix() {  # sets prefix
  prefix=""
  while (($#)); do
    case $1 in
      --prefix) [[ $# -ge 2 && -n $2 ]] || { say "--prefix needs a folder"; exit 2; }; prefix=$2; shift ;;
      --prefix=?*) prefix=${1#--prefix=} ;;
      *) say "unknown option '$1'. Usage: ./mangw $command [--prefix FOLDER]"; exit 2 ;;
    esac
    shift
  done
  if [[ -z $prefix ]]; then
    if ((EUID == 0)); then prefix=/usr/local
    else prefix=${HOME:?"HOME is not set; name a folder with --prefix"}/.local; fi
  fi
  [[ $prefix == /* ]] || prefix=$PWD/$prefix
  while [[ $prefix == */ && $prefix != / ]]; do prefix=${prefix%/}; done
  list=$prefix/share/mang/installed
}

run_install() {
  local prefix list from=${install_from-$root/build/release} stage=${TMPDIR:-/tmp}/mang-stage.$$ file line before=() now=() made_folders=() kept
  parse_prefix "$@"
  build release mang manuals
  if ((EUID == 0)) && [[ -n ${SUDO_UID-} && $(stat -c %u "$root") == "$SUDO_UID" ]]; then
    chown -R -h "$SUDO_UID:${SUDO_GID-}" "$root/build"  # sudo ./mangw install: the build stays the user's
  fi
  rm -rf "$stage"
  if ! cmake --install "$from" --prefix "$stage" --strip >"$stage.log" 2>&1 </dev/null; then
    tail -n 20 "$stage.log" >&2
    die "the files could not be gathered; the whole log is $stage.log."
  fi
  if [[ -f $list ]]; then mapfile -t before <"$list"; fi
  while IFS= read -r file; do
    make_folder "$prefix/$(dirname -- "$file")" && put_file "$stage/$file" "$prefix/$file" ||
      die "$prefix/$file could not be written. Give a folder of yours with --prefix, or use sudo."
    now+=("file $file")
  done < <(cd "$stage" && find . -type f -printf '%P\n' | sort)
  make_folder "$prefix/share/mang" || die "$prefix/share/mang could not be made."
  now+=("file share/mang/installed")
  for line in "${before[@]}"; do  # folders that an earlier install made, files that it put and this did not
    case $line in
      "folder "*) now+=("$line") ;;
      "file "*) kept=0
        for file in "${now[@]}"; do if [[ $file == "$line" ]]; then kept=1; break; fi; done
        ((kept)) || take_away "$prefix" "$line" ;;
    esac
  done
  for file in "${made_folders[@]}"; do
    if [[ $file == "$prefix"/* ]]; then now+=("folder ${file#"$prefix"/}"); fi
    if [[ $file == "$prefix" ]]; then now+=("folder ."); fi
  done
  printf '%s\n' "${now[@]}" >"$stage.list"
  put_file "$stage.list" "$list" || die "$list could not be written."
  rm -rf "$stage" "$stage.list" "$stage.log"

  say "installed $("$prefix/bin/mang" --version) in $prefix:"
  say "  bin/mang, $(grep -c '^file share/man/' "$list") man pages (man mang), completions for bash, zsh and fish"
  say "  ./mangw install again updates it, ./mangw uninstall${1+ --prefix \"$prefix\"} removes it"
  if [[ ":${PATH-}:" != *":$prefix/bin:"* ]]; then
    say "$prefix/bin is not on your PATH. For now: export PATH=\"$prefix/bin:\$PATH\"; for always, put that line into ~/.profile"
  elif [[ $(command -v mang) != "$prefix/bin/mang" ]]; then
    say "another mang comes first on your PATH: $(command -v mang)"
  else
    say "$prefix/bin is on your PATH: mang run \"Hello\""
  fi
}

run_uninstall() {
  local prefix list lines=() line
  parse_prefix "$@"
  [[ -f $list ]] || die "nothing that ./mangw installed is in $prefix ($list is not there)."
  mapfile -t lines <"$list"
  take_away "$prefix" "${lines[@]}"
  for line in "${lines[@]}"; do
    if [[ $line == "file "* && -e $prefix/${line#file } ]]; then
      die "$prefix/${line#file } could not be removed. Use sudo if it is not yours."
    fi
  done
  say "removed $(printf '%s\n' "${lines[@]}" | grep -c '^file ') files from $prefix. Models and conversations stay in your home."
}
