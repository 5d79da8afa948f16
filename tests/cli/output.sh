#!/bin/sh
# Where the results go: a file all or nothing, a pipe that closes, a device that is full.
. "${srcdir:=.}/tests/cli/common.sh"
seq 1 5 >in

check "a new file, with the permissions of a new file"
umask 027
run -o result "$plugin:int64"
gives 0 </dev/null
cmp in result || fail "result is wrong"
[ "$(stat -c %a result)" = 640 ] || fail "permissions $(stat -c %a result)"

check "a file that is replaced, through a link, keeps its permissions"
echo old >target
chmod 604 target
ln -s target link
run -o link "$plugin:int64"
gives 0 </dev/null
[ -L link ] || fail "the link is gone"
cmp in target || fail "target is wrong"
[ "$(stat -c %a target)" = 604 ] || fail "permissions $(stat -c %a target)"

check "the file that is read, replaced by its results"
run -o target "$plugin:double" target
gives 0 </dev/null
seq 2 2 10 | cmp - target || fail "target is wrong"

check "a place where no file can be"
run -o nowhere/result "$plugin:int64"
refuses "forkpool map: nowhere/result: a temporary file beside it cannot be made: No such file or directory"
run -o . "$plugin:int64"
refuses "forkpool map: . cannot be opened: Is a directory"

check "a device that is full"
run -o /dev/full "$plugin:int64"
refuses "forkpool map: /dev/full cannot be written: No space left on device"
status=0
forkpool map "$plugin:int64" <in >/dev/full 2>err || status=$?
: >out
refuses "forkpool map: standard output cannot be written: No space left on device"
status=0
forkpool --help >/dev/full 2>err || status=$?
refuses "forkpool: standard output cannot be written: No space left on device"

check "a reader that leaves ends it quietly"
seq 1 300000 >in
{
	status=0
	forkpool map "$plugin:int64" <in 2>err || status=$?
	echo $status >status
} | head -n 1 >out
status=0
echo 1 | gives 0
quiet
[ "$(cat status)" = 141 ] || fail "status $(cat status), should be that of SIGPIPE, 141"

# temporary_there: whether the temporary file beside result is.
temporary_there() {
	[ -n "$(find . -name 'result.*')" ]
}

# The file is left as it was, nothing is beside it, and no worker holds on to the pipe.
seq 100000 100010 >in
hup_is_ignored() { # as under nohup: the command then inherits that
	case $(sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status) in *[13579bdf]) ;; *) false ;; esac
}
for signal in TERM HUP; do
	[ $signal = HUP ] && hup_is_ignored && continue
	check "SIG$signal while tasks run"
	echo old >result
	mkfifo pipe
	timeout 60 cat pipe >out &
	reader=$!
	"$build/forkpool" map -j 3 -o result "$plugin:wait" <in >pipe 2>err &
	command=$!
	until_true temporary_there
	kill -$signal $command
	wait $command && fail "it should have been ended by the signal"
	wait $reader || fail "a worker is left"
	rm pipe
	[ "$(ls -d result*)" = result ] || fail "left beside: $(ls -d result*)"
	[ "$(cat result)" = old ] || fail "result was touched"
	quiet
done

check "SIGINT while tasks run"
timeout -s INT 1 "$build/forkpool" map -j 3 -o result "$plugin:wait" <in >out 2>err
[ "$(ls -d result*)" = result ] || fail "left beside: $(ls -d result*)"
[ "$(cat result)" = old ] || fail "result was touched"
quiet

check "a crash of the command itself, which serial tasks can cause"
printf '%s\n' 1 -2 >in
run --backend serial -o result "$plugin:fragile"
[ "$status" -gt 128 ] || fail "status $status"
[ "$(ls -d result*)" = result ] || fail "left beside: $(ls -d result*)"
[ "$(cat result)" = old ] || fail "result was touched"
