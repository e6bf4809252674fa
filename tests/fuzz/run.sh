#!/bin/sh
# One run of the fuzzer over one group of targets; `make fuzz-coverage` builds and starts it.
#
#   PYTHON=… FUZZ_TARGET=… [FUZZ_COMPARE=1] sh tests/fuzz/run.sh SECONDS [libFuzzer's options]
#
# Ends with a line of how many inputs were run, in which CPU time. The log is build/fuzz/GROUP-alone.log or
# build/fuzz/GROUP-compared.log, the corpus build/fuzz/corpus/GROUP.
set -e
seconds=$1
shift
group=$FUZZ_TARGET
mode=alone
[ "${FUZZ_COMPARE:-0}" = 0 ] || mode=compared
[ "$seconds" -gt 0 ] || exit 0

log=build/fuzz/$group-$mode.log
mkdir -p "build/fuzz/corpus/$group"
runtime=$("$PYTHON" -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so

status=0
env PYTHONPATH=build/fuzz/lib PYTHONMALLOC=malloc \
    LD_PRELOAD="$runtime" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    "$PYTHON" tests/fuzz/fuzz_bsonx.py -max_total_time="$seconds" -max_len=4096 -timeout=20 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/$group-$mode-" "$@" \
    "build/fuzz/corpus/$group" "tests/fuzz/corpus/$group" >"$log" 2>&1 || status=$?
[ $status = 0 ] || tail -n 40 "$log"
executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
times >"$log.times" # the second line is that of the processes waited for
cpu=$(sed -n '2s/ .*//p' "$log.times")
rm "$log.times"
result="${executions:-?} executions in $cpu of CPU, coverage ${coverage:-?}, exit status $status"
echo "$group ($mode): $result" | tee -a build/fuzz/summary.log
exit $status
