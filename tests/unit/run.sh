#!/bin/sh
# One program of unit tests: nothing if it passes, all that it said if it fails. Usage: run.sh PROGRAM
"$1" >"$1.out" 2>&1 && exit 0
echo "FAILED: $1" >>"$1.out"
cat "$1.out"
exit 1
