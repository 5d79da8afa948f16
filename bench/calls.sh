#!/bin/sh
# calls.sh PROGRAM BUDGET: counts, with strace, the system calls a map by its caller and by the workers, and compares them
# with the budget.  Status 1: some are made more often than that.
set -u
export LC_ALL=C
command -v strace >/dev/null || { echo "calls: strace is needed; on Debian: apt-get install strace" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

strace -f -qq -o "$work/try" true 2>"$work/why" || {
	echo "calls: strace may not trace: $(head -n 1 "$work/why")" >&2
	echo "calls: a container needs the capability SYS_PTRACE, other systems kernel.yama.ptrace_scope at most 1" >&2
	exit 1
}

compare() { # compare BUDGET TRACE
	awk '
	FNR == NR {
		if ($0 ~ /^#/ || NF == 0) next
		line[++lines] = $1 " " $2; named[lines] = NF / 2 - 1
		for (k = 1; k <= named[lines]; k++) { name[lines, k] = $(2 * k + 1); limit[$1, $2, name[lines, k]] = $(2 * k + 2) }
		next
	}
	/write\(-1, "calls of / { split($0, text, "\""); split(text[2], word, " "); row = word[3]; maps[row] = word[4]; caller = $1; next }
	/write\(-1, "calls end"/ { row = ""; next }
	row != "" && $2 ~ /^[a-z_0-9]+\(/ {
		call = substr($2, 1, index($2, "(") - 1); sub(/^epoll_pwait.*/, "epoll_wait", call)
		who = $1 == caller ? "caller" : "workers"
		if (!((row, who, call) in limit)) { if (!index(others[row, who], " " call)) others[row, who] = others[row, who] " " call; call = "others" }
		count[row, who, call]++
	}
	function show(call, limit,    value) {
		value = count[row, who, call] / maps[row]
		if (value > limit) above++
		printf("  %s %.2f %s", call, value, value > limit ? "> " limit "!" : "<= " limit)
	}
	END {
		print "System calls a map that does not spin"
		for (i = 1; i <= lines; i++) {
			split(line[i], word, " "); row = word[1]; who = word[2]; seen[row]
			printf "%-14s %-8s", row, who
			if (maps[row] == 0) { print "  not traced"; above++; continue }
			for (k = 1; k <= named[i]; k++) show(name[i, k], limit[row, who, name[i, k]])
			show("others", 0.05)
			if (count[row, who, "others"] / maps[row] > 0.05) printf ":%s", others[row, who]
			print ""
		}
		for (row in maps) if (!(row in seen)) { print row ": has no budget"; above++ }
		if (lines == 0) { print "there is no budget"; exit 1 }
		if (above > 0) { printf "%d above the budget\n", above; exit 1 }
	}' "$1" "$2"
}

# What a standstill of the machine costs is not there the next time; what the code costs is.
for _ in 1 2 3; do
	strace -f -qq -e signal=none -o "$work/trace" "$1" || exit 1
	compare "$2" "$work/trace" >"$work/table" && break
done
status=$?
cat "$work/table"
exit $status
