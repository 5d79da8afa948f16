#!/bin/sh
# The command line: help, versions, what is refused, the environment, what a plugin offers.
. "${srcdir:=.}/tests/cli/common.sh"
seq 1 3 >in

# prints TEXT ARGUMENT...: `forkpool ARGUMENT...` prints a line with TEXT, and succeeds.
prints() {
	text=$1
	shift
	forkpool "$@" >out 2>err || fail "'$*': status $?"
	grep -qF -e "$text" out || fail "'$*' should print: $text"
	quiet
}

check "help and version"
prints 'Usage: forkpool COMMAND' --help
prints 'Usage: forkpool COMMAND' help
prints 'Usage: forkpool map' map --help
prints 'Usage: forkpool map' help map
prints 'Usage: forkpool bench' bench --help
prints 'Usage: forkpool bench' help bench
prints 'forkpool 0' bench --version
prints 'forkpool 0' --version
prints 'forkpool 0' map --version

check "every option of the help is in the manual, and the other way round"
options() {
	grep -o -e '--[a-z][a-z-]*' | sort -u
}
{ forkpool map --help; forkpool bench --help; } | options >in_help
sed -n 's/Fl -\([a-z]\)/--\1/gp' "$manual" | options >in_manual
cmp in_help in_manual || fail "$(diff in_help in_manual)"

check "commands that there are not"
status=0
forkpool nothing >out 2>err || status=$?
refuses "forkpool: 'nothing' is not a command; \`forkpool --help\` lists them"
status=0
forkpool >out 2>err || status=$?
refuses "Usage: forkpool COMMAND"

# refused MESSAGE ARGUMENT...
refused() {
	message=$1
	shift
	run "$@"
	refuses "forkpool map: $message"
}

check "options and values that are not allowed"
refused "what is to be applied? FILE.so:NAME or -e EXPRESSION is needed"
refused "'--nothing' is not an option" --nothing
refused "'-z' is not an option" -z "$plugin:double"
refused "'-j' needs a value" "$plugin:double" -j
refused "'--binary=3': this option has no value" --binary=3
for value in 0 -1 4097 x 1x '' 99999999999999999999; do
	refused "--workers: '$value' is not a whole number from 1 to 4096" -j "$value" "$plugin:double"
done
refused "--chunk: '0' is not a whole number from 1 to 1073741823" --chunk 0 "$plugin:double"
refused "--backend: 'mpi' is not one of processes, threads, serial" --backend mpi "$plugin:double"

check "functions that there are not"
refused "'$plugin' does not name a function: FILE.so:NAME is needed" "$plugin"
refused "$plugin has no function 'nothing'; \`forkpool map --list $plugin\` lists what it has" "$plugin:nothing"
refused "the plugin cannot be loaded: ./missing.so" missing.so:double
refused "the plugin cannot be loaded: ./in" in:double

check "descriptions that are wrong"
refused "'$plugin:old' was built for version 0 of the plugin interface; this is version 1" "$plugin:old"
refused "'$plugin:typeless' is described wrongly: function given, item type 77, result type 0" "$plugin:typeless"
refused "'$plugin:empty' is described wrongly: function missing" "$plugin:empty"
refused "'$plugin:endless' is described wrongly: item length 1, result length" "$plugin:endless"

check "a plugin beside the user needs no slash"
cp "$plugin" here.so
run here.so:int64
gives 0 <in

check "what a plugin offers"
status=0
forkpool map --list here.so >out 2>err || status=$?
[ "$status" = 255 ] || fail "status $status; some descriptions are wrong"
grep -q '^norm  *3 double -> 2 double  *length and sum of a vector$' out || fail "norm should be listed"
grep -q '^uint8  *uint8 -> uint8  *2 x$' out || fail "uint8 should be listed"
[ "$(wc -l <out)" = 15 ] || fail "15 functions should be listed"
sort -c out || fail "the list should be sorted"
says "'old' was built for version 0"
refused "the plugin cannot be loaded: ./missing.so" --list missing.so
printf '\377\377\377\377\377\377\377\377' | dd of=here.so bs=1 seek=40 conv=notrunc 2>/dev/null # where sections are told
run --list here.so
refuses "forkpool map: "

check "the environment, and the command line above it"
FORKPOOL_BACKEND=serial run "$plugin:int64"
gives 0 <in
export FORKPOOL_BACKEND=nonsense FORKPOOL_WORKERS=2
run "$plugin:int64"
refuses "forkpool map: the environment asks for FORKPOOL_BACKEND='nonsense'"
run --backend threads "$plugin:int64"
gives 0 <in
unset FORKPOOL_BACKEND
export FORKPOOL_WORKERS=-5
run "$plugin:int64"
refuses "FORKPOOL_WORKERS='-5'"
run -j 2 "$plugin:int64"
gives 0 <in
unset FORKPOOL_WORKERS

check "progress where stderr is no terminal: only if wanted"
run "$plugin:int64"
quiet
run --progress "$plugin:int64"
gives 0 <in
says "100 %, 3 of 3 tasks"
