#!/bin/sh
# price.sh PROGRAM BUDGET: counts, with callgrind, what tasks and jobs cost in instructions, and compares it with
# the budget.  Status 1: something costs more than that.
set -u
export LC_ALL=C
command -v valgrind >/dev/null || { echo "price: valgrind is needed; on Debian: apt-get install valgrind" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# valgrind reads symbols only: not every compiler's debugging information is to its taste.
strip --strip-debug -o "$work/price" "$1" || exit 1

valgrind --quiet --tool=callgrind --callgrind-out-file="$work/out" --toggle-collect=price_counted \
	--dump-before=price_mark "$work/price" >"$work/runs" || exit 1
number=0
while read -r run; do
	number=$((number + 1))
	echo "$run $(sed -n 's/^totals: //p' "$work/out.$number")"
done <"$work/runs" >"$work/counts"

# Both have lines of table, row, and then: column, how many, instructions; or a limit for each column of the table.
awk -v machine="$(uname -m)" '
BEGIN {
	columns["tasks"] = split("chunk-1 chunk-4096 accounting", tasks); title["tasks"] = "a task that does nothing"
	columns["jobs"] = split("submit work end in-all", jobs); title["jobs"] = "a job: to submit it, to work at it, to get its result and free it"
}
function column(table, k) { return table == "tasks" ? tasks[k] : jobs[k] }
FNR == NR {
	if ($0 ~ /^#/ || NF == 0) next
	for (k = 1; k <= columns[$1]; k++) limit[$1, $2, column($1, k)] = $(k + 2)
	next
}
!($1 SUBSEP $2 in seen) { seen[$1, $2]; row[$1, ++rows[$1]] = $2 }
($1 SUBSEP $2 SUBSEP $3) in count { cost[$1, $2, $3] = ($5 - count[$1, $2, $3]) / ($4 - number[$1, $2, $3]); next }
{ count[$1, $2, $3] = $5; number[$1, $2, $3] = $4 }
# Accounting is the same on any machine, nearly.
function against(budget, value, everywhere) {
	if (budget == "" || budget == "-" || (machine != "x86_64" && !everywhere)) return ""
	if (value > budget + 0.005) { above++; return sprintf(" > %g!", budget) }
	return sprintf(" <= %g", budget)
}
function show(table,    i, k, name, value) {
	if (rows[table] == 0) { print "nothing was counted of the " table; above++ }
	printf "Instructions, %s, %s\n%-12s", machine, title[table], ""
	for (k = 1; k <= columns[table]; k++) printf "%12s%8s", column(table, k), ""
	for (i = 1; i <= rows[table]; i++) {
		name = row[table, i]
		cost["tasks", name, "accounting"] = cost["tasks", name, "chunk-1"] - cost["tasks", name, "chunk-4096"]
		cost["jobs", name, "in-all"] = cost["jobs", name, "submit"] + cost["jobs", name, "work"] + cost["jobs", name, "end"]
		printf "\n%-12s", name
		for (k = 1; k <= columns[table]; k++) {
			value = cost[table, name, column(table, k)]
			printf "%10.2f%-10s", value, against(limit[table, name, column(table, k)], value, column(table, k) == "accounting")
		}
	}
	print ""
}
END {
	show("tasks")
	show("jobs")
	if (above > 0) { printf "%d above the budget\n", above; exit 1 }
}' "$2" "$work/counts"
