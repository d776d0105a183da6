#!/bin/sh
# check_symbols.sh NM OBJECT…: the only symbols an ISA object may define for others are its tables, mang::cpu::k….
# A weak symbol, or any shared function, could be the copy the linker keeps for the whole program, and then newer
# instructions run on processors that lack them.
nm=$1
shift
failed=0
[ $# -gt 0 ] || { echo "no object files were given"; exit 1; }
for object in "$@"; do
  [ -f "$object" ] || { echo "missing: $object"; failed=1; continue; }
  symbols=$("$nm" --demangle --defined-only --extern-only "$object") || failed=1
  bad=$(printf '%s\n' "$symbols" | grep -v -E '^[0-9a-f]+ [RD] mang::cpu::k[A-Z][A-Za-z0-9]*$' | grep -v '^$')
  if [ -n "$bad" ]; then
    echo "$object defines:"
    printf '%s\n' "$bad"
    failed=1
  fi
  printf '%s\n' "$symbols" | grep -q ' mang::cpu::k' || { echo "$object defines no table"; failed=1; }
done
[ $failed -eq 0 ] && echo "$# objects: tables only"
exit $failed
