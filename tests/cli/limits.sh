#!/bin/sh
# Limits and attempts: --timeout, --retries, --memory-limit, --max-tasks.
. "${srcdir:=.}/tests/cli/common.sh"

check "a task that never ends is ended, and tried again"
seq 1 20 >in
run --timeout=0.5 --retries 1 --report -e 'x == 7 ? ({ for (;;); 0; }) : x'
seq 1 20 | sed s/^7$/nan/ | gives 1
says "forkpool map: standard input:7: task timed out, after 0.5 s"
says "20 tasks: 19 succeeded, 1 timed out"
says "at attempt 2"

check "one that fails is tried again, too"
printf -- '1\n-2\n3\n' >in
run --retries 2 --report "$plugin:picky"
printf '2\n-\n6\n' | gives 1
says "task failed with 3: -2 is below zero"
says "attempts repeated: 2"

check "threads and serial cannot end a task"
for backend in threads serial; do
	run --backend $backend --timeout 1 -e x
	gives 255 </dev/null
	says "opts.timeout is 1, and tasks cannot be ended on"
	run --backend $backend --memory-limit 1G -e x
	gives 255 </dev/null
	says "forkpool map: --memory-limit needs worker processes"
done

check "workers are replaced"
seq 1 100 >in
run -j 2 --max-tasks 10 --chunk 1 --report -e 'x'
gives 0 <in
grep -q 'workers replaced: \([89]\|10\),' err || fail "the workers were not replaced"

check "a limit is a number"
for wrong in --timeout=0 --timeout=-1 --timeout=1s --timeout=nan --retries=0 --retries=1000001 --max-tasks=none \
	--memory-limit=0 --memory-limit=1T --memory-limit=1KK --memory-limit=99999999999999G; do
	run $wrong -e x
	gives 255 </dev/null
	says "${wrong#*=}'"
done
