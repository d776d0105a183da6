# The tests, as ./mangw test runs them (this file is sourced by mangw, which gives it: root, say, die, build).
#
#   ./mangw test                  every test program, release build
#   ./mangw test --ci             also: the same programs under AddressSanitizer and UBSan (larger cases are smaller there),
#                                 and every fuzz target for 30 s
#   ./mangw test --only NAMES     only the test programs whose names match this regular expression
#   MANG_FUZZ_SECONDS=N           another length for each fuzz target
#
# Lines that a test prints with "measured:" in front are shown; a failing test's whole output is shown.
# The last line is "N passed, N failed, N skipped": the doctest cases of the release build, and with --ci one more for
# each program that ran under the sanitizers and for each fuzz target.

# Runs one build's test programs. Sets stage_passed, stage_failed, stage_skipped (doctest cases) and stage_programs_….
run_stage() {  # run_stage PRESET ONLY JOBS
  local dir=$root/build/$1 only=$2 jobs=$3 totals=$root/build/$1/test-totals status=0
  rm -f "$totals"
  local filter=()
  if [[ -n $only ]]; then filter=(--tests-regex "$only"); fi
  (cd "$dir" && ctest --verbose --parallel "$jobs" --timeout 900 "${filter[@]}" 2>&1 </dev/null) |
    tee "$dir/test-output.log" | awk -v totals="$totals" -f "$root/tools/count_tests.awk" || status=$?
  [[ -s $totals ]] || die "the test programs of build/$1 did not run to the end (status $status); see build/$1/test-output.log."
  read -r stage_passed stage_failed stage_skipped programs_passed programs_failed <"$totals"
}

# Runs every fuzz target that was built, as many at once as there are cores.
run_fuzzers() {  # run_fuzzers SECONDS
  local dir=$root/build/fuzz target name targets=() seconds=$1
  fuzz_passed=0 fuzz_failed=0
  mapfile -t targets < <(find "$dir" -type f -executable -name 'fuzz_*' | sort)
  mkdir -p "$dir/findings" "$dir/logs"
  rm -f "$dir"/logs/*.status
  for target in "${targets[@]}"; do
    while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n || true; done
    name=${target##*/fuzz_}
    mkdir -p "$dir/corpus/$name" "$root/fuzz/corpus/$name"
    (
      code=0
      "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 -print_final_stats=1 \
        -artifact_prefix="$dir/findings/$name-" "$dir/corpus/$name" "$root/fuzz/corpus/$name" \
        >"$dir/logs/$name.log" 2>&1 </dev/null || code=$?
      echo "$code" >"$dir/logs/$name.status"
    ) 9>&- &
  done
  wait
  for target in "${targets[@]}"; do
    name=${target##*/fuzz_}
    local code runs
    code=$(cat "$dir/logs/$name.status")
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/logs/$name.log")
    if [[ $code == 0 ]]; then
      fuzz_passed=$((fuzz_passed + 1))
      printf 'fuzz %-24s passed: %s inputs in %s s\n' "$name" "${runs:-0}" "$seconds"
    else
      fuzz_failed=$((fuzz_failed + 1))
      printf 'fuzz %-24s FAILED (exit %s); the input is in build/fuzz/findings/\n' "$name" "$code"
      tail -n 60 "$dir/logs/$name.log"
    fi
  done
}

run_tests() {
  local ci=0 only="" passed failed skipped started=$SECONDS
  while (($#)); do
    case $1 in
      --ci) ci=1 ;;
      --only) [[ $# -ge 2 ]] || { say "--only needs a regular expression"; exit 2; }; only=$2; shift ;;
      *) say "unknown option '$1'. Usage: ./mangw test [--ci] [--only NAMES]"; exit 2 ;;
    esac
    shift
  done

  build test all
  run_stage test "$only" 1  # one after the other: some tests measure time
  passed=$stage_passed failed=$stage_failed skipped=$stage_skipped
  if ((passed + failed == 0)); then say "no test matches '$only'"; failed=1; fi
  say "tests done after $((SECONDS - started)) s"

  if ((ci)); then
    export ASAN_OPTIONS=${ASAN_OPTIONS-allocator_may_return_null=1:detect_stack_use_after_return=0}
    export UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1}
    export LSAN_OPTIONS=${LSAN_OPTIONS-suppressions=$root/tools/leaks_of_libraries.txt:print_suppressions=0}
    local programs="base tensor format text jinja hub kernels load_weights model engine chat serve cli reliability"
    # shellcheck disable=SC2086  # the list is split on purpose
    build sanitize $(printf 'test_%s ' $programs)
    run_stage sanitize "${only:-^(${programs// /|})$}" "$(nproc)"
    printf 'sanitizers: %s programs passed, %s failed (%s cases)\n' "$programs_passed" "$programs_failed" \
      $((stage_passed + stage_failed))
    passed=$((passed + programs_passed)) failed=$((failed + programs_failed))
    say "sanitizers done after $((SECONDS - started)) s"

    build fuzz fuzzers
    run_fuzzers "${MANG_FUZZ_SECONDS-30}"
    passed=$((passed + fuzz_passed)) failed=$((failed + fuzz_failed))
    say "fuzzing done after $((SECONDS - started)) s"
  fi

  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  ((failed == 0))
}
