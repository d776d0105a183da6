# ./mangw package deb|wheel (this file is sourced by mangw, which gives it: root, say, die, build, the package lists).
# What was made is in build/packages/; its path is the only line on stdout.

package_deb() {
  # shellcheck disable=SC2086  # the lists are split on purpose
  need_packages .packages-deb $packages_build $packages_deb
  build release mang manuals
  local made=$root/build/packages/deb
  rm -rf "$made"
  mkdir -p "$made"
  if ! (cd "$root/build/release" && cpack -G DEB -B "$made") >"$root/build/package-deb.log" 2>&1 </dev/null; then
    tail -n 20 "$root/build/package-deb.log" >&2
    die "the package could not be made; the whole log is build/package-deb.log."
  fi
  rm -rf "$made/_CPack_Packages"
  printf '%s\n' "$made"/*.deb
}

package_wheel() {
  # shellcheck disable=SC2086
  need_packages .packages-wheel $packages_build $packages_wheel
  build release mang
  local venv=$root/build/packages/venv made=$root/build/packages/wheel
  if ! cmp -s "$root/python/build-requirements.txt" "$venv/made-from"; then
    rm -rf "$venv"
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q -r "$root/python/build-requirements.txt"; } \
      >"$root/build/package-wheel.log" 2>&1 </dev/null; then
      tail -n 20 "$root/build/package-wheel.log" >&2
      die "the tools for wheels could not be fetched; the whole log is build/package-wheel.log."
    fi
    cp "$root/python/build-requirements.txt" "$venv/made-from"
  fi
  rm -rf "$made"
  mkdir -p "$made"
  PATH="$venv/bin:$PATH" "$venv/bin/python" "$root/python/build_wheel.py" "$root/build/release/mang" "$made" \
    >"$root/build/package-wheel.log" 2>&1 </dev/null || {
    tail -n 20 "$root/build/package-wheel.log" >&2
    die "the wheel could not be made; the whole log is build/package-wheel.log."
  }
  printf '%s\n' "$made"/*.whl
}

run_package() {
  case ${1-} in
    deb) package_deb ;;
    wheel) package_wheel ;;
    *) say "Usage: ./mangw package deb|wheel"; exit 2 ;;
  esac
}
