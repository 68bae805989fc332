#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target for a while, each from its kept corpus. usage: run.sh DIR_OF_TARGETS SECONDS
# Last line `N passed, N failed`; exit 1 when a target failed. New inputs stay in the build folder.
set -u
targets=$1 seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0
for target in "$targets"/*_fuzz; do
    name=$(basename "$target" _fuzz)
    work="$targets/corpus/$name"
    mkdir -p "$work"
    seeds=$here/corpus/$name
    [ -d "$seeds" ] || seeds=
    if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="$targets/$name-" "$work" $seeds >"$targets/$name.log" 2>&1; then
        passed=$((passed + 1))
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$targets/$name.log")
        echo "fuzz $name: ${runs:-0} runs in $seconds s"
    else
        failed=$((failed + 1))
        echo "fuzz $name: FAILED"
        tail -40 "$targets/$name.log"
    fi
done
[ "$passed" -gt 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
