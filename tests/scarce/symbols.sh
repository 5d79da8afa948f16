#!/bin/sh
# No call of the library is forgotten by test_faults: every function that it takes from elsewhere either
# is wrapped there, or stands below with the reason why it cannot fail, as the library calls it.
set -eu

library=.libs/libforkpool.a
program=tests/scarce/test_faults
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -e $library ]; then
	echo "symbols: skipped: $library is not built"
	exit 77
fi

# name: why it cannot fail, in words
cannot_fail() {
	sed 's/:.*//' <<-'END'
		_exit: does not return
		__isoc99_sscanf: less than was asked for is what is looked at
		__isoc23_sscanf: likewise
		sscanf: likewise
		__libc_current_sigrtmax: a constant
		__sched_cpucount: counts bits
		__sched_cpufree: returns nothing
		clock_gettime: fails for clocks that are not there
		dl_iterate_phdr: returns what its callback returns
		fegetenv: reads registers
		fesetenv: writes registers
		free: returns nothing
		fstat: of what is no descriptor: that is an answer
		__fxstat: likewise
		getenv: NULL is an answer
		getpid: always succeeds
		getppid: always succeeds
		getrusage: fails for what is not there to be asked
		kill: of an own child that has not been waited for; 0 or it is gone
		munmap: of a whole mapping as it was made
		pause: returns when a signal came; is called again
		pthread_join: of an own thread, once
		pthread_mutex_lock: of a plain mutex
		pthread_mutex_unlock: likewise
		pthread_sigmask: with a valid set
		sched_yield: always succeeds
		sem_init: with values below SEM_VALUE_MAX
		sem_post: fails at SEM_VALUE_MAX, which is never neared
		sigaddset: with a valid number
		sigemptyset: with a valid set
		sigfillset: with a valid set
		sigprocmask: with a valid set
		snprintf: of plain formats: does not allocate
		vsnprintf: of the caller's format: an empty message
		strerror_r: gives some text in any case
		strsignal: likewise
		qsort: sorts in place where it has no memory
		strtol: of bad input, which is looked at
		__isoc23_strtol: likewise
		strtoul: of bad input, which is looked at
		strtoull: likewise
		__isoc23_strtoul: likewise
		__isoc23_strtoull: likewise
		sysconf: of what always is there; else there is a default
	END
}

# Plain computations, and what the compiler adds.
computes() {
	grep -vE '^(mem|str)n?(cpy|move|set|chr|rchr|cmp|cspn|spn|len|str)$|^(abort|ceil|fmin|fmax|stdout|stderr|environ)$' |
		grep -vE '^_GLOBAL_OFFSET_TABLE_$|^__(errno_location|stack_chk_fail|tls_get_addr|u?divti3|u?modti3|multi3)$' |
		grep -vE '^__(asan|ubsan|tsan|sanitizer|gcov|llvm)_|^__aarch64_|^__atomic_'
}

# As the linker sees them; fortified ones by their plain names.
nm -u $library | awk '$1 == "U" { print $2 }' | sed 's/^__\(.*\)_chk$/\1/' | sort -u >"$work/used"
nm --defined-only $library | awk 'NF == 3 { print $3 }' | sort -u >"$work/own"
nm --defined-only $program | awk '{ print $NF }' | sed -n 's/^__wrap_\([a-z0-9_]*\)$/\1/p' | sort -u >"$work/wrapped"
if [ ! -s "$work/used" ] || [ ! -s "$work/wrapped" ]; then
	echo "symbols: nm finds nothing"
	exit 1
fi

comm -23 "$work/used" "$work/own" | computes >"$work/foreign"
{ cat "$work/wrapped"; cannot_fail; } | sort -u >"$work/known"
if comm -23 "$work/foreign" "$work/known" | grep .; then
	echo "symbols: these calls of the library are neither failed by tests/scarce/test_faults (see faults.h) nor"
	echo "symbols: named in tests/scarce/symbols.sh with the reason why they cannot fail"
	exit 1
fi
if comm -13 "$work/foreign" "$work/wrapped" | grep .; then
	echo "symbols: these are wrapped, and the library never calls them"
	exit 1
fi
echo "symbols: $(wc -l <"$work/wrapped") wrapped of $(wc -l <"$work/foreign")"
