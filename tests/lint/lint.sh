#!/bin/sh
# The house's rules, checked. Prints FILE:LINE: rule for each thing wrong and fails; one line when all is well.
#
#   lint.sh          everything
#   lint.sh quick    without cppcheck and clang-tidy
set -u
cd "$(dirname "$0")/../.." || exit 1
LC_ALL=C
export LC_ALL
jobs=4

out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
trap 'exit 1' INT TERM
wrong=$out/wrong
: >"$wrong"

# Tracked and new files alike; without git (an unpacked archive) whatever is there.
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	git ls-files --cached --others --exclude-standard
else
	find . -type f -not -path './build/*' -not -name '*.pyc' | sed 's|^\./||'
fi | sort -u | while read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done >"$out/all"

grep -E '\.(c|h|cc|def)$' "$out/all" >"$out/sources"
grep -E '\.(c|h|cc)$' "$out/all" >"$out/formatted"
grep -E '\.(c|h|cc|def|py|js|css|html|sh|awk)$' "$out/all" >"$out/sized"
grep -E '\.h$' "$out/all" >"$out/headers"
grep -E '^(daemon|tools)/.*\.c$' "$out/all" >"$out/analysed"

xargs awk -f tests/lint/includes.awk <"$out/sources" >>"$wrong"
xargs awk -f tests/lint/sizes.awk <"$out/sized" >"$out/sizes"
grep -v '^#' "$out/sizes" >>"$wrong"

# Words of a workshop have no business in what leaves it. Bracketed, so that this file does not match itself.
words='/wo[r]k/|fa[r]m-|sub[a]gent'
loose='TOD[O]|FIXM[E]|XX[X]:'
xargs grep -InE "$words" <"$out/all" 2>/dev/null | sed 's/^\([^:]*:[0-9]*\):.*/\1: names the place where it was made/' >>"$wrong"
xargs grep -InE "$loose" <"$out/sized" 2>/dev/null | sed 's/^\([^:]*:[0-9]*\):.*/\1: a loose end: do it, or say in words what is missing/' >>"$wrong"

# Each header compiles alone.
xargs -P "$jobs" -I{} sh -c '
	gcc -fsyntax-only -std=c11 -D_GNU_SOURCE -Iinclude -Idaemon -Itools -Wall -Wextra -x c "$1" 2>&1 |
	sed -n "s|^\([^ :]*:[0-9]*\):[0-9]*: \(fatal \)*error: \(.*\)|\1: $1 does not compile alone: \3|p"
' sh {} <"$out/headers" >>"$wrong"

# One file of output per process: lines of several into one pipe would cut each other up.
mkdir "$out/format" "$out/tidy"
xargs -P "$jobs" -n 12 sh -c 'clang-format --dry-run -Werror "$@" >"$0/$$" 2>&1' "$out/format" <"$out/formatted"
cat "$out"/format/* |
	sed -n 's/^\([^ :]*:[0-9]*\):[0-9]*: error: .*/\1: not as clang-format writes it (clang-format -i)/p' |
	sort -u >>"$wrong"

analyse() {
	cppcheck -q -j"$jobs" --std=c11 --enable=warning,performance,portability --inline-suppr \
		--library=tests/lint/cppcheck.cfg --suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 --template='{file}:{line}: {id}: {message}' \
		-D_GNU_SOURCE -DLANEWAY_VERSION='"0"' -DLANEWAY_BUILT_S=0 -Iinclude -Idaemon -Itools --file-list="$out/analysed" \
		>"$out/cppcheck" 2>&1 || cat "$out/cppcheck" >>"$wrong"
	xargs -P "$jobs" -n 4 sh -c '
		clang-tidy --quiet "$@" -- -std=c11 -D_GNU_SOURCE -DLANEWAY_VERSION=\"0\" -DLANEWAY_BUILT_S=0 -Iinclude -Idaemon -Itools -Ibuild \
			>"$0/$$" 2>/dev/null' "$out/tidy" <"$out/analysed"
	cat "$out"/tidy/* | sed -n "s|^$PWD/||; s/^\([^ :]*:[0-9]*\):[0-9]*: \(warning\|error\): /\1: /p" | sort -u >>"$wrong"
}
[ "${1:-}" = quick ] || analyse

if [ -s "$wrong" ]; then
	sort -u -t: -k1,1 -k2,2n -k3 "$wrong"
	echo "lint: $(sort -u "$wrong" | wc -l) things are wrong" >&2
	exit 1
fi
echo "lint: ok ($(wc -l <"$out/all") files, $(sed -n 's/^# //p' "$out/sizes"))"
