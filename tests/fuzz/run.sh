#!/bin/sh
# One fuzz harness: its committed corpus, then SECONDS of new inputs. Usage: run.sh PROGRAM SECONDS
set -u
program=$1 seconds=$2
name=$(basename "$program")
seeds=tests/fuzz/corpus/$name found=$(dirname "$program")/corpus/$name log=$program.log
mkdir -p "$seeds" "$found"
if "$program" -runs=0 "$seeds" >"$log" 2>&1 &&
   "$program" -max_total_time="$seconds" -max_len=65536 -timeout=10 -artifact_prefix="$(dirname "$program")/" \
     "$found" "$seeds" >>"$log" 2>&1; then
	echo "$name: $(find "$seeds" -type f | wc -l) seeds, $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log" | tail -n 1) runs"
else
	tail -n 40 "$log"
	echo "FAILED: $name (the input is beside $program)"
	exit 1
fi
