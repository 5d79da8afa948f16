#!/bin/sh
# The comparison's driver, end to end, on two short sections: what it leaves can be read again and says the same; what
# cannot be started is named with its package; bad input is refused before anything is measured; nobody is left.
set -eu

compare=bench/compare
[ -x $compare ] || { echo "the comparison is not built: no libjansson"; exit 77; }
if grep -q '^FORKPOOL_SANITIZE = .*thread' Makefile; then echo "ThreadSanitizer does not know processes"; exit 77; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

expect() { # expect FILE TEXT: TEXT stands in FILE
	grep -qF -e "$2" "$1" || { fail "'$2' is not in $(basename "$1"):"; head -n 60 "$1"; }
}

# Two peers of one section, three rounds; everybody else is said not to be asked.
$compare --quick --sections bg --peers 'processes,serial,textbook threads' --json "$work/a.json" --csv "$work/a.csv" \
	--document "$work/a.md" >"$work/a.txt" 2>"$work/errors" || { fail "status $?"; cat "$work/errors"; }
expect "$work/a.txt" 'a map of 2 empty tasks, back to back'
expect "$work/a.txt" 'not asked for'
expect "$work/a.txt" 'at most 100'
expect "$work/a.csv" 'pair.busy.spinning,b,'
expect "$work/a.csv" ',textbook threads,'
expect "$work/a.md" '# '
[ "$(grep -c '^memory.private.idle,g,.*,processes,' "$work/a.csv")" -ge 3 ] || fail "fewer than three rounds in the CSV"
awk -F, 'NR > 1 && !($NF > 0) { bad++; print } END { exit bad > 0 }' "$work/a.csv" || fail "values that are not above 0"

# Whatever the environment says, processes are processes, and as many as asked for; and without serial there are no speed-ups.
FORKPOOL_BACKEND=serial FORKPOOL_WORKERS=5 $compare --quick --sections g --peers processes --csv "$work/c.csv" >"$work/c.txt"
[ "$(grep -c '^memory.private.idle,g,.*,processes,' "$work/c.csv")" -ge 3 ] || fail "the environment changes what is measured"
$compare --quick --sections h --peers processes --csv "$work/d.csv" >"$work/d.txt"
expect "$work/d.txt" 'no serial to be compared with'

# Read again: the same figures, the same document.
$compare --read "$work/a.json" --json "$work/b.json" --csv "$work/b.csv" --document "$work/b.md" >"$work/b.txt" || fail "--read: $?"
for kind in json csv md; do
	cmp -s "$work/a.$kind" "$work/b.$kind" || fail "what is read and written again differs: .$kind"
done

# Refused, with the value and what is allowed, before anything is measured.
refused() { # refused TEXT ARGUMENT...
	text=$1
	shift
	status=0
	timeout 20 $compare "$@" >"$work/out" 2>"$work/errors" || status=$?
	[ $status = 2 ] || fail "$*: status $status"
	expect "$work/errors" "$text"
}
refused "--sections 'xyz'" --sections xyz
refused "--workers '0': a number from 1" --workers 0
refused "--peers 'nobody'" --peers processes,nobody
refused "--json '$work/none/x': No such file" --json "$work/none/x"
refused "argument 'more'" more
printf '{"rows": 5}' >"$work/bad.json"
refused bad.json --read "$work/bad.json"

# Interrupted: it ends soon, says what it has, and nobody is left; all its peers are in the group of their own parent.
$compare --sections e --peers processes,threads,serial >"$work/out" 2>&1 &
driver=$!
sleep 1
children=$(cat /proc/$driver/task/*/children 2>/dev/null || true)
kill -TERM $driver
status=0
wait $driver || status=$?
[ $status = 130 ] || fail "interrupted: status $status"
for child in $children; do
	[ ! -d "/proc/$child" ] || fail "process $child is left"
done
expect "$work/out" Targets

exit $failed
