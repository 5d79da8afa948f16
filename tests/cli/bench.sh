#!/bin/sh
# `forkpool bench`: who takes part, what is said of it, and what is written.
. "${srcdir:=.}/tests/cli/common.sh"

# bench ARGUMENT...: `forkpool bench ARGUMENT...` on the file `in`; that the machine is busy is left out of err.
bench() {
	status=0
	forkpool bench "$@" <in >out 2>said || status=$?
	grep -v '^forkpool bench: note: the machine is' said >err
	[ -z "$(ls -A "$TMPDIR")" ] || fail "something is left in TMPDIR: $(ls "$TMPDIR")"
}

short='--repetitions=3 --workers=2'
quick() {
	# shellcheck disable=SC2086 # a list of words
	bench $short "$@"
}

# ends STATUS: of the last run.
ends() {
	[ "$status" = "$1" ] || fail "status $status, should be $1"
}

# prints TEXT: that the last run printed a line with this text.
prints() {
	grep -qF -e "$1" out || fail "it should print: $1"
}

# refused MESSAGE ARGUMENT...
refused() {
	message=$1
	shift
	bench "$@"
	refuses "forkpool bench: $message"
	[ "$(wc -l <err)" = 1 ] || fail "one line of message is enough"
}

# without A B: no line of the file A has the text B.
without() {
	! grep -qF -e "$2" "$1" || fail "$1 should not say: $2"
}

check "generated items, all contenders, all figures"
quick --generate=3000 --json a.json --csv a.csv "$plugin:int64"
ends 0
quiet
prints ':int64: 3000 items (0, 1, 2, ...), chunk automatic, '
[ "$(awk '$2 ~ /^[12]$/ { printf "%s %s,", $1, $2 }' out)" = "serial 1,threads 1,threads 2,processes 1,processes 2," ] ||
	fail "five contenders should stand in the table"
prints 'Medians of 3 rounds; in brackets, where the true median is with a probability of 75 %.'
grep -q '^processes with [12] workers*: [0-9.]* times as fast as serial ([0-9.]* to [0-9.]*; perfect: [12]).$' out ||
	fail "the verdict on processes"
grep -q '^threads with [12] workers*: [0-9.]* times as fast as serial ' out || fail "the verdict on threads"
prints 'Processes against threads, 2 workers each: '
prints 'All answers are the same, byte for byte.'

check "turns: each contender once a round, each round begun by the next one"
[ "$(head -n 1 a.csv)" = round,turn,backend,workers,maps,seconds ] || fail "the head of a.csv: $(head -n 1 a.csv)"
awk -F, 'NR > 1 { print $1, $2, $3, $4 }' a.csv >turns
cat >wanted <<'END'
1 1 serial 1
1 2 threads 1
1 3 threads 2
1 4 processes 1
1 5 processes 2
2 1 threads 1
2 2 threads 2
2 3 processes 1
2 4 processes 2
2 5 serial 1
3 1 threads 2
3 2 processes 1
3 3 processes 2
3 4 serial 1
3 5 threads 1
END
cmp -s turns wanted || fail "$(diff turns wanted)"

check "JSON: well formed, and its figures those of the turns"
cat >figures.py <<'END'
import csv, json, statistics, sys
race = json.load(open(sys.argv[1]))
turns = list(csv.DictReader(open(sys.argv[2])))
base = race["contenders"][0]["rounds"]
assert race["items"] == 3000 and race["rounds"] == 3 and race["left_out"] == {} and len(race["contenders"]) == 5
for one in race["contenders"]:
    seconds = [float(t["seconds"]) for t in turns if (t["backend"], t["workers"]) == (one["backend"], str(one["workers"]))]
    ratios = [a / b for a, b in zip(base, one["rounds"])]
    assert seconds == one["rounds"] and len(seconds) == 3, one
    assert one["seconds"]["median"] == statistics.median(seconds), one
    assert abs(one["speed_up"]["median"] / statistics.median(ratios) - 1) < 1e-6, one
    assert abs(one["speed_up"]["low"] / min(ratios) - 1) < 1e-6 and one["speed_up"]["level"] == 0.75, one
    assert 1 <= one["perfect"] <= one["workers"] and one["unsuccessful"] == 0, one
    assert abs(one["efficiency"] * one["perfect"] / one["speed_up"]["median"] - 1) < 1e-6, one
END
if command -v python3 >/dev/null; then
	python3 figures.py a.json a.csv 2>err || fail "a.json is wrong"
else
	[ "$(tr -cd '{[' <a.json | wc -c)" = "$(tr -cd '}]' <a.json | wc -c)" ] || fail "a.json has brackets without partner"
fi

check "text from standard input and from files, binary, an expression with quotes"
seq 1 500 >in
quick "$plugin:double"
ends 0
prints ':double: 500 items, '
quick "$plugin:double" in in
prints ':double: 1000 items, '
head -c 8000 /dev/zero >zeros
quick --binary "$plugin:int64" zeros
ends 0
prints ':int64: 1000 items, '
quick --json b.json -e 'x + "\"a"[0]' in
ends 0
grep -qF '"function": "x + \"\\\"a\"[0]"' b.json || fail "the expression is not as it should be in b.json"

check "only some, their own base; the verdict alone"
quick --generate=100 --backends processes,threads -q "$plugin:int64"
ends 0
prints 'times as fast as threads with 1 worker ('
without out 'speed-up'
without out serial
quick --generate=100 --backends serial "$plugin:int64"
ends 0
[ "$(awk '$2 ~ /^[12]$/' out | wc -l)" = 1 ] || fail "serial alone should stand in the table"

check "more workers than 8: some numbers are left out"
bench --repetitions=1 -j 26 --generate=100 --backends processes --csv many.csv "$plugin:int64"
prints 'One round: nothing is known of how far it would vary.'
[ "$(awk -F, 'NR > 1 { printf "%s ", $4 }' many.csv)" = "1 2 3 4 5 6 7 8 12 16 24 26 " ] || fail "$(cat many.csv)"

check "as many items as are good"
quick --generate=auto "$plugin:bounded"
ends 0
prints ':bounded: 160 items (0, 1, 2, ...)'
quick --generate=300 "$plugin:uint8"
ends 0

check "about so long: as many rounds as fit, at least three; tasks that wait overlap"
seq 1 6 | sed 's/.*/10/' >in # a round takes a quarter of a second
bench -j 2 --seconds=0.01 "$plugin:wait"
prints 'Medians of 3 rounds'
bench -j 2 --seconds=1 "$plugin:wait"
rounds=$(sed -n 's/^Medians of \([0-9]*\) rounds.*/\1/p' out)
if [ "$rounds" -lt 3 ] || [ "$rounds" -gt 4 ]; then
	fail "$rounds rounds of a quarter of a second in a second"
fi
sed -n 's/^processes with [12] workers*: \([0-9.]*\) times.*/\1/p' out | awk '{ found = $1 } END { exit !(found > 1) }' ||
	fail "processes should be faster than serial"

check "tasks that fail: counted, the first is told, other answers compared"
seq 1 100 | sed 's/^[78]$/-&/' >in
quick "$plugin:picky"
ends 2
says "forkpool bench: standard input:7: task failed with 3: -7 is below zero; 2 of 100 did not succeed"
prints '2 of 100 tasks did not succeed; first, index 6 (standard input:7): -7 is below zero.'
prints 'All other answers are the same, byte for byte.'
seq -200 -1 >in
quick "$plugin:picky"
ends 101

check "a crash: threads and serial are left out, processes are measured"
seq 1 100 | sed 's/^5$/-&/' >in
quick --json crash.json "$plugin:fragile"
ends 1
says "forkpool bench: standard input:5: your function crashed at index 4 on processes"
says "forkpool bench: threads: left out: the crash would end the program"
says "forkpool bench: serial: left out: the crash would end the program"
prints '1 of 100 tasks did not succeed; first, index 4 (standard input:5)'
prints 'processes with 2 workers: '
grep -qF '"left_out": {"threads": "the crash would end the program", "serial": "the crash' crash.json ||
	fail "crash.json should say who was left out"
quick --backends serial "$plugin:fragile"
ends 1
says "forkpool bench: nothing is left to compare"

check "a crash on threads alone"
quick --generate=100 "$plugin:lonely"
ends 0
says "forkpool bench: threads: left out: your function crashed there (signal 6: Aborted), and would have ended the program"
without out threads
quick --generate=100 --backends threads "$plugin:lonely"
ends 1

check "a crash on threads that the trial does not show: not a silent one"
quick --generate=300 "$plugin:weary" 2>/dev/null
ends 134
says "forkpool bench: your function crashed on threads with "

check "answers that differ"
quick --generate=100 "$plugin:moody"
ends 1
prints 'threads with 1 worker: another answer than serial, first at index 7 (item 7): -7 instead of 7.'
prints 'threads with 2 workers: another answer than serial, first at index 7 (item 7): -7 instead of 7.'
without out 'processes with 2 workers: another answer'
without out 'byte for byte'

check "what is not allowed"
refused "what is to be compared? FILE.so:NAME or -e EXPRESSION is needed"
refused "--workers: '0' is not a whole number from 1 to 4096" -j 0 "$plugin:int64"
refused "--backends: 'mpi' is not one of processes, threads, serial" --backends threads,mpi "$plugin:int64"
refused "--backends: '' is not one of processes, threads, serial" --backends= "$plugin:int64"
refused "--chunk: '0' is not a whole number from 1 to 1073741823" --chunk 0 "$plugin:int64"
refused "--spin: '10001' is not a whole number from 0 to 10000" --spin 10001 "$plugin:int64"
refused "--generate: 'x' is not a whole number from 1 to " --generate x "$plugin:int64"
refused "--repetitions: '100' is not a whole number from 1 to 99" --repetitions 100 "$plugin:int64"
refused "--seconds: '-1' is not a number of seconds above 0" --seconds -1 "$plugin:int64"
refused "--generate makes the items; 'in' is not wanted beside it" --generate 5 "$plugin:int64" in
refused "--generate makes the items; '--binary' is not wanted beside it" --generate 5 --binary "$plugin:int64"
refused "--plot: 'in.gif' does not end in .svg or .png" --plot in.gif "$plugin:int64"
refused "'--nothing' is not an option; see \`forkpool bench --help\`" --nothing
refused "$plugin has no function 'nothing'" "$plugin:nothing"
refused "missing cannot be opened" "$plugin:int64" missing
printf '1\nx\n' >in
refused "standard input:2: 'x' is not a whole number" "$plugin:int64"
: >in
refused "there are no items; --generate=N makes N of them" "$plugin:int64"

check "files that cannot be written are told before anything runs, and those that are there stay"
refused "missing/a.json: a temporary file beside it cannot be made" --json missing/a.json "$plugin:int64"
echo 'as it was' >kept
refused "there are no items" --json kept --csv kept "$plugin:int64"
[ "$(cat kept)" = 'as it was' ] || fail "kept was touched"
[ "$(ls -d kept*)" = kept ] || fail "left beside: $(ls -d kept*)"

check "a gnuplot that is not there, or fails"
mkdir bin
printf '#!/bin/sh\nexit 1\n' >bin/gnuplot
chmod +x bin/gnuplot
path=$PATH
PATH=$work/bin:$PATH
refused "--plot: 'a.svg' is drawn by gnuplot, which cannot be run here" --plot a.svg "$plugin:int64"
# shellcheck disable=SC2016 # for the script
printf '#!/bin/sh\n[ "$1" = --version ]\n' >bin/gnuplot
quick --generate 10 --plot a.svg "$plugin:int64"
ends 255
says "forkpool bench: a.svg cannot be drawn by gnuplot: it has failed"
[ -z "$(ls -d a.svg* 2>/dev/null)" ] || fail "left: $(ls -d a.svg*)"
PATH=$path

if command -v gnuplot >/dev/null; then
	check "plots"
	quick --generate 10 --plot a.svg "$plugin:int64"
	ends 0
	quiet
	grep -q "<svg" a.svg || fail "a.svg is no picture"
	grep -q processes a.svg || fail "a.svg is no plot of the race"
	quick --generate 10 --plot a.png "$plugin:int64"
	[ "$(head -c 4 a.png | tail -c 3)" = PNG ] || fail "a.png is no picture"
fi

check "the environment does not choose"
seq 1 100 | sed 's/^5$/-&/' >in
export FORKPOOL_BACKEND=serial FORKPOOL_WORKERS=-5
quick --json c.json "$plugin:fragile"
ends 1
says "your function crashed at index 4 on processes"
[ "$(grep -c '"backend": "processes"' c.json)" = 2 ] || fail "both numbers of workers should be there"
