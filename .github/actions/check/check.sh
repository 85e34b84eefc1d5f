#!/usr/bin/env bash
# Run the experiment and check it against the baseline; what is said goes into the folder ragtune-check and the job's summary.
# The exit code is an output, so that the comment can be written before the job fails.
set -uo pipefail
rm -rf ragtune-check
mkdir ragtune-check
out=ragtune-check/summary.md

# options are words, to be split
# shellcheck disable=SC2086
ragtune run "$EXPERIMENT" --out ragtune-check/run --report ragtune-check/report.html ${RUN_OPTIONS:-} 2>&1 |
  tee ragtune-check/said.txt
code=${PIPESTATUS[0]}
if [ "$code" -eq 0 ] || [ "$code" -eq 3 ]; then
  # shellcheck disable=SC2086
  ragtune check ragtune-check/run --baseline "$BASELINE" --markdown "$out" --junit ragtune-check/check.xml \
    --json ragtune-check/check.json ${CHECK_OPTIONS:-} 2>&1 | tee ragtune-check/said.txt
  code=${PIPESTATUS[0]}
fi
if [ ! -f "$out" ]; then # nothing could be compared: the last line says why
  printf '## ragtune check: nothing to compare\n\n```\n%s\n```\n' "$(tail -n 1 ragtune-check/said.txt)" > "$out"
fi
cat "$out" >> "$GITHUB_STEP_SUMMARY"
echo "code=$code" >> "$GITHUB_OUTPUT"
