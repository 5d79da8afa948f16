#!/bin/sh
# Tasks that crash or fail: all other results are there, and the exit status counts.
. "${srcdir:=.}/tests/cli/common.sh"

# numbers FIRST LAST NEGATIVE...: a line each, those listed with a minus sign.
numbers() {
	awk -v from="$1" -v to="$2" -v list="$3" 'BEGIN {
		n = split(list, part, " ")
		for (i = 1; i <= n; i++) bad[part[i]] = 1
		for (i = from; i <= to; i++) print (i in bad ? -i : i)
	}'
}

# expected: what fragile and picky make of the file `in`.
expected() {
	awk '{ print ($1 < 0 ? "-" : 2 * $1) }' in
}

check "three crashes: status 3, all other lines right"
numbers 1 1000 '17 500 999' >in
run -j 2 "$plugin:fragile"
expected | gives 3
says "forkpool map: standard input:17: task crashed (signal 6: Aborted)"
says "forkpool map: standard input:500: task crashed"
says "forkpool map: standard input:999: task crashed"
[ "$(wc -l <err)" = 3 ] || fail "three lines of messages are enough"

check "the same in a file: complete, and nothing beside it"
run -j 2 -o result "$plugin:fragile"
gives 3 </dev/null
expected | cmp - result || fail "result is wrong"
[ "$(ls result*)" = result ] || fail "left beside: $(ls result*)"

check "lines are counted in each file"
printf '1\n2\n' >one
printf '3\n-4\n' >two
: >in
run "$plugin:fragile" one two
says "forkpool map: two:2: task crashed"

check "a vector without result"
printf '1 2\n-3 4\n' >in
run "$plugin:fragile_pair"
gives 1 <<EOF
3 -1
nan nan
EOF

check "tasks that fail, on every backend"
numbers 1 300 '7 8' >in
for backend in processes threads serial; do
	run --backend $backend "$plugin:picky"
	expected | gives 2
	says "forkpool map: standard input:7: task failed with 3: -7 is below zero"
	says "forkpool map: standard input:8: task failed with 3"
done

check "100 failures: status 100, ten of them told one by one"
numbers 1 400 "$(seq -s ' ' 101 200)" >in
run "$plugin:picky"
expected | gives 100
[ "$(grep -c 'standard input:' err)" = 10 ] || fail "ten should be told"
says "and 90 more tasks failed, crashed or timed out"

check "more than 100: status 101"
numbers 1 400 "$(seq -s ' ' 100 200)" >in
run "$plugin:picky"
expected | gives 101
run "$plugin:fragile"
expected | gives 101

check "the first failure ends it: what was not run has no result"
numbers 1 200 "1" >in
run --backend serial --stop-on-failure --chunk 1 "$plugin:picky"
awk '{ print "-" }' in | gives 101
says "forkpool map: standard input:1: task failed with 3: -1 is below zero"
says "forkpool map: 199 tasks were not run"

check "binary: the bytes of a result that is missing are zero"
printf '\001\000\000\000\377\377\377\377\002\000\000\000' >in
printf '\002\000\000\000\000\000\000\000\004\000\000\000' >zeroed
run --binary "$plugin:picky"
gives 1 <zeroed
says "forkpool map: standard input: item 1 (at byte 4): task failed with 3: -1 is below zero"

check "the report"
numbers 1 10 4 >in
run --report "$plugin:fragile"
says "10 tasks: 9 succeeded, 1 crashed"
says "index 3"
