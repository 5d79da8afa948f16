#!/bin/sh
# price.sh PROGRAM BUDGET: counts, with callgrind, what a task costs in instructions, and compares it with
# the budget.  Status 1: something costs more than that.
set -u
export LC_ALL=C
command -v valgrind >/dev/null || { echo "price: valgrind is needed; on Debian: apt-get install valgrind" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# valgrind reads symbols only: not every compiler's debugging information is to its taste.
strip --strip-debug -o "$work/price" "$1" || exit 1

# Of each two dumps the second is of what lies between two marks.
valgrind --quiet --tool=callgrind --callgrind-out-file="$work/out" --toggle-collect=worker_find_work \
	--dump-before=price_mark "$work/price" >"$work/runs" || exit 1
number=0
while read -r kind chunk tasks; do
	number=$((number + 2))
	echo "$kind $chunk $tasks $(sed -n 's/^totals: //p' "$work/out.$number")"
done <"$work/runs" >"$work/counts"

awk -v machine="$(uname -m)" '
FNR == NR {
	if ($0 !~ /^#/ && NF == 4) { price[$1] = $4; if (machine == "x86_64") { first[$1] = $2; many[$1] = $3 } }
	next
}
!($1 in row) { row[$1] = ++rows; name[rows] = $1 }
($1 SUBSEP $2) in count { cost[$1, $2] = ($4 - count[$1, $2]) / ($3 - tasks[$1, $2]); next }
{ count[$1, $2] = $4; tasks[$1, $2] = $3 }
function against(budget, value) {
	if (budget == "" || budget == "-") return ""
	if (value > budget + 0.005) { above++; return sprintf(" > %g!", budget) }
	return sprintf(" <= %g", budget)
}
END {
	printf "Instructions a task that does nothing, %s\n", machine
	printf "%-12s %18s %18s %22s\n", "", "chunk 1", "chunk 4096", "price of accounting"
	for (i = 1; i <= rows; i++) {
		kind = name[i]; a = cost[kind, 1]; b = cost[kind, 4096]
		printf "%-12s %8.2f%-10s %8.2f%-10s %12.2f%-10s\n", kind, a, against(first[kind], a),
			b, against(many[kind], b), a - b, against(price[kind], a - b)
	}
	if (rows == 0) { print "nothing was counted"; exit 1 }
	if (above > 0) { printf "%d above the budget\n", above; exit 1 }
}' "$2" "$work/counts"
