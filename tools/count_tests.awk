# Reads `ctest --verbose`; prints one line for each test program, the "measured:" lines, and the output of programs
# that failed. Writes "cases_passed cases_failed cases_skipped programs_passed programs_failed" to the file `totals`.
# A program without a doctest summary counts as one case; one that died after a clean summary counts as one failed.

/^[0-9]+: / {
  id = $1; sub(/:$/, "", id)
  line = $0; sub(/^[0-9]+: ?/, "", line)
  if (lines[id]++ < 400) output[id] = output[id] line "\n"
  if (line ~ /^ *measured:/) print line
  if (line ~ /\[doctest\] test cases:/) {
    gsub(/[^0-9 ]/, " ", line)
    split(line, n, " ")
    seen[id] = 1; cases_passed[id] += n[2]; cases_failed[id] += n[3]; cases_skipped[id] += n[4]
  }
  next
}

/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
  id = $0; sub(/^[^#]*#/, "", id); sub(/:.*/, "", id)
  good = $0 ~ / Passed /
  skip = $0 ~ /\*\*\*Skipped/
  if (!seen[id]) {
    if (skip) cases_skipped[id] = 1
    else if (good) cases_passed[id] = 1
    else cases_failed[id] = 1
  } else if (!good && cases_failed[id] == 0) {
    cases_failed[id] = 1
  }
  if (good || skip) programs_passed += good
  else {
    programs_failed++
    printf "%s", output[id]
    if (lines[id] > 400) print "… (" lines[id] - 400 " more lines in test-output.log)"
  }
  line = $0; sub(/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /, "", line)
  printf "%s  (%d passed, %d failed, %d skipped)\n", line, cases_passed[id], cases_failed[id], cases_skipped[id]
  fflush()
  next
}

END {
  for (id in cases_passed) passed += cases_passed[id]
  for (id in cases_failed) failed += cases_failed[id]
  for (id in cases_skipped) skipped += cases_skipped[id]
  print passed + 0, failed + 0, skipped + 0, programs_passed + 0, programs_failed + 0 > totals
}
