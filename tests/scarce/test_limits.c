/*
 * test_limits.c - pools where the system gives little: limits of the process, and calls that are refused.
 *
 * Every case ends in one of two ways: the pool works in full (a map in which a worker dies, a reduction,
 * the arena, an end by force), or it is refused with the error that the manual names; and then there is
 * nothing of it.  The fixture sees to it that neither leaves anything behind.
 */
#include "config.h"
#include "support.h"

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- A pool in full use ------------------------------------------------------------------- */

enum { TASKS = 30, DYING = 17, BYTES = 1 << 20 };

/* Nothing is asserted while a limit holds: libcheck has files of its own. */
struct outcome {
	int error; /* of forkpool_create() */
	char wrong[300];
};

FORKPOOL_PRINTF(2, 3) static void complain(struct outcome *outcome, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (outcome->wrong[0] == '\0')
		vsnprintf(outcome->wrong, sizeof outcome->wrong, format, arguments);
	va_end(arguments);
}

static int square_or_die(const void *item, void *result, void *ctx)
{
	int index = *(const int *)item, dying = *(const int *)ctx;
	if (index == dying)
		raise(SIGKILL);
	*(int *)result = index * index;
	return 0;
}

static void map(forkpool *pool, int dying, struct outcome *outcome)
{
	int items[TASKS], results[TASKS];
	int32_t status[TASKS];
	forkpool_report report;
	for (int i = 0; i < TASKS; i++)
		items[i] = i;
	int returned = FORKPOOL_MAP(
	        pool, square_or_die, items, results, TASKS,
	        &((forkpool_opts){.ctx = &dying, .ctx_size = sizeof dying, .status = status, .report = &report}));
	if (returned != (dying >= 0))
		complain(outcome, "a map: %d, %s", returned, report.message);
	for (int i = 0; i < TASKS && returned >= 0; i++)
		if (i == dying ? status[i] != FORKPOOL_CRASHED : status[i] != 0 || results[i] != i * i)
			complain(outcome, "task %d: status %d, result %d", i, status[i], results[i]);
	if (dying >= 0 && returned >= 0 &&
	    (report.crashed != 1 || report.index != (uint64_t)dying || report.signal != SIGKILL))
		complain(outcome, "report: %d crashed, index %d, signal %d", (int)report.crashed, (int)report.index,
		         report.signal);
}

static int sleep_for_ever(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	while (pause() != 0)
		;
	return 0;
}

/* It is killed, by whatever means there are. */
static void time_out(forkpool *pool, struct outcome *outcome)
{
	int32_t status = 0;
	int returned = forkpool_for(pool, sleep_for_ever, 1, &(forkpool_opts){.timeout = 0.005, .status = &status});
	if (returned != 1 || status != FORKPOOL_TIMED_OUT)
		complain(outcome, "a task without end: %d, status %d", returned, status);
}

static void use_arena(forkpool *pool, struct outcome *outcome)
{
	for (int time = 0; time < 2; time++) {
		char *piece = forkpool_alloc(pool, BYTES);
		if (piece == NULL) {
			if (errno != ENOMEM)
				complain(outcome, "forkpool_alloc: %s", strerror(errno));
			return;
		}
		for (int i = 0; i < BYTES; i += 64)
			if (piece[i] != 0)
				complain(outcome, "byte %d is not zero", i);
		memset(piece, 0x5a, BYTES);
		forkpool_free(pool, piece);
	}
}

static struct outcome use_pool(const forkpool_config *config)
{
	forkpool *pool = NULL;
	struct outcome outcome = {.error = forkpool_create(&pool, config)};
	if ((outcome.error == 0) != (pool != NULL))
		complain(&outcome, "%d, and a pool at %p", outcome.error, (void *)pool);
	if (outcome.error != 0)
		return outcome;
	map(pool, config->backend == FORKPOOL_PROCESSES ? DYING : -1, &outcome);
	use_arena(pool, &outcome);
	if (config->backend == FORKPOOL_PROCESSES)
		time_out(pool, &outcome);
	map(pool, -1, &outcome);
	if (forkpool_terminate(pool) != 0)
		complain(&outcome, "forkpool_terminate");
	forkpool_destroy(pool);
	return outcome;
}

static struct outcome use_backend(int backend)
{
	return use_pool(&(forkpool_config){.backend = backend, .workers = 2});
}

static void check_outcome(const struct outcome *outcome, const char *what, long value)
{
	ck_assert_msg(outcome->wrong[0] == '\0', "%s %ld: %s", what, value, outcome->wrong);
}

static void expect(const struct outcome *outcome, int error, const char *what)
{
	check_outcome(outcome, what, 0);
	ck_assert_msg(outcome->error == error, "%s: %d (%s), should be %d", what, outcome->error,
	              forkpool_strerror(outcome->error), error);
}

static void skip(const char *why)
{
	printf("skipped: %s: %s\n", why, strerror(errno));
}

/* ---- Limits of the process ---------------------------------------------------------------------- */

/* No assertion follows it: libcheck writes a note of each. */
static struct rlimit set_limit(int what, rlim_t value)
{
	struct rlimit old;
	ck_assert_int_eq(getrlimit(what, &old), 0);
	struct rlimit limited = {value < old.rlim_max ? value : old.rlim_max, old.rlim_max};
	if (setrlimit(what, &limited) != 0)
		ck_abort_msg("setrlimit: %s", strerror(errno));
	return old;
}

static struct outcome use_limited(int backend, int what, rlim_t value)
{
	struct rlimit old = set_limit(what, value);
	struct outcome outcome = use_backend(backend);
	setrlimit(what, &old);
	return outcome;
}

static int first_free_descriptor(void)
{
	int fd = dup(0);
	close(fd);
	return fd;
}

/* From too few to more than enough. */
START_TEST(descriptors)
{
	int backend = backend_id(_i), refused = 0, first = first_free_descriptor();
	for (int left = 0; left < 12; left++) {
		struct outcome outcome = use_limited(backend, RLIMIT_NOFILE, (rlim_t)(first + left));
		check_outcome(&outcome, "descriptors left:", left);
		ck_assert_msg(outcome.error == 0 || outcome.error == -EMFILE, "%d left: %d", left, outcome.error);
		ck_assert_msg(outcome.error == 0 || refused == left, "%d were enough, and %d are not", refused, left);
		refused += outcome.error != 0;
	}
	ck_assert_int_eq(refused, backend == FORKPOOL_SERIAL ? 0 : 1);
}
END_TEST

/* All are taken once the workers run: those that die are replaced all the same. */
START_TEST(descriptors_run_out)
{
	struct outcome outcome = {0};
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	struct rlimit old = set_limit(RLIMIT_NOFILE, 3);
	for (int i = 0; i < 10; i++)
		map(pool, i, &outcome);
	setrlimit(RLIMIT_NOFILE, &old);
	map(pool, DYING, &outcome);
	check_outcome(&outcome, "descriptors left:", 0);
	forkpool_destroy(pool);
}
END_TEST

/* Even of nothing: shared memory is no file then, and no SIGXFSZ comes. */
START_TEST(file_size)
{
	static const rlim_t sizes[] = {0, 1, 4096, 1 << 20, RLIM_INFINITY};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct outcome outcome = use_limited(backend_id(_i), RLIMIT_FSIZE, sizes[i]);
		expect(&outcome, 0, "RLIMIT_FSIZE");
	}
}
END_TEST

/* Of /proc/self/status, in bytes. */
static rlim_t own_memory(const char *key)
{
	char line[256];
	unsigned long kib = 0;
	FILE *status = fopen("/proc/self/status", "r");
	ck_assert_ptr_nonnull(status);
	while (kib == 0 && fgets(line, sizeof line, status) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtoul(line + strlen(key) + 1, NULL, 10);
	fclose(status);
	return (rlim_t)kib * 1024;
}

/* From nothing to plenty beyond what the process has: refused up to some point, working from there. */
static void sweep_memory(int backend, int what, const char *key, int smallest)
{
	int refused = 0, steps = 0;
	rlim_t own = own_memory(key);
	for (int bits = smallest; bits <= 34; bits++, steps++) {
		struct outcome outcome = use_limited(backend, what, own + ((rlim_t)1 << bits));
		check_outcome(&outcome, "bytes, 2 to the power of", bits);
		ck_assert_msg(outcome.error == 0 || outcome.error == -ENOMEM || outcome.error == -EAGAIN, "2^%d: %d",
		              bits, outcome.error);
		ck_assert_msg(outcome.error == 0 || bits < 30, "2^%d bytes are not enough: %d", bits, outcome.error);
		refused += outcome.error != 0;
	}
	ck_assert_int_lt(refused, steps);
	ck_assert_int_ge(refused, what == RLIMIT_AS);
}

START_TEST(address_space)
{
	sweep_memory(backend_id(_i), RLIMIT_AS, "VmSize:", 12);
}
END_TEST

/* The pool has its arena, and the program still room for itself. */
START_TEST(address_space_for_both)
{
	size_t room = (size_t)1400 << 20;
	struct rlimit old = set_limit(RLIMIT_AS, own_memory("VmSize:") + ((rlim_t)4 << 30));
	forkpool *pool = pool_of(backend_id(_i), 2);
	void *piece = forkpool_alloc(pool, room), *own = malloc(room);
	setrlimit(RLIMIT_AS, &old);
	ck_assert_ptr_nonnull(piece);
	ck_assert_ptr_nonnull(own);
	free(own);
	forkpool_destroy(pool);
}
END_TEST

START_TEST(data_size)
{
	sweep_memory(backend_id(_i), RLIMIT_DATA, "VmData:", 12);
}
END_TEST

/* ---- Processes and threads ---------------------------------------------------------------------- */

/* From now on the process counts as the only one of some user: root is not limited.  Returns whether it is. */
static bool be_nobody(void)
{
	uid_t user = (uid_t)(400000000 + getpid());
	if (setgroups(0, NULL) != 0 || setresuid(user, user, user) != 0) {
		skip("only root can become another user");
		return false;
	}
	prctl(PR_SET_DUMPABLE, 1); /* /proc/self stays its own */
	return true;
}

static rlim_t own_threads(void)
{
	return own_memory("Threads:") / 1024;
}

START_TEST(processes)
{
	int backend = backend_id(_i);
	if (!be_nobody())
		return;
	for (rlim_t more = 0; more < 4; more++) {
		struct outcome outcome = use_limited(backend, RLIMIT_NPROC, own_threads() + more);
		expect(&outcome, more == 0 && backend != FORKPOOL_SERIAL ? -EAGAIN : 0, "RLIMIT_NPROC");
	}
}
END_TEST

static int die_all(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	raise(SIGKILL);
	return 0;
}

/* Workers die and cannot be replaced: while there is one left all is done, then the map ends; and as soon as
 * there is room again the pool is as before. */
START_TEST(no_replacement)
{
	struct outcome outcome = {0};
	forkpool_report report;
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 3);
	if (be_nobody()) {
		struct rlimit old = set_limit(RLIMIT_NPROC, own_threads());
		map(pool, 3, &outcome);
		map(pool, DYING, &outcome);
		int returned = forkpool_for(pool, die_all, 100, &(forkpool_opts){.report = &report});
		int again = forkpool_for(pool, die_all, 1, NULL);
		setrlimit(RLIMIT_NPROC, &old);
		check_outcome(&outcome, "with one worker left,", 0);
		ck_assert_int_eq(returned, -EAGAIN);
		ck_assert_int_eq(again, -EAGAIN);
		assert_adds_up(&report, 100);
		ck_assert_uint_eq(report.crashed, 1);
		ck_assert_uint_eq(report.cancelled, 99);
		ck_assert_msg(strstr(report.message, "ulimit -u") != NULL, "%s", report.message);
		map(pool, DYING, &outcome);
		check_outcome(&outcome, "with room again,", 0);
		pid_t pids[3];
		worker_pids(pool, 3, pids);
	}
	forkpool_destroy(pool);
}
END_TEST

START_TEST(refresh_without_processes)
{
	struct outcome outcome = {0};
	forkpool *pool = pool_of(FORKPOOL_PROCESSES, 2);
	if (be_nobody()) {
		struct rlimit old = set_limit(RLIMIT_NPROC, own_threads());
		int error = forkpool_refresh(pool);
		setrlimit(RLIMIT_NPROC, &old);
		ck_assert_int_eq(error, -EAGAIN);
		map(pool, DYING, &outcome);
		check_outcome(&outcome, "after a refresh in vain,", 0);
		ck_assert_int_eq(forkpool_refresh(pool), 0);
	}
	forkpool_destroy(pool);
}
END_TEST

/* ---- Calls that are refused ---------------------------------------------------------------------- */

/* A system call; argument >= 0: only where that argument has the value. */
struct rule {
	const char *name;
	long number;
	int argument;
	uint32_t value;
	int error; /* 0: each of EPERM and ENOSYS */
};

static const struct rule rules[] = {
        {"memfd_create", SYS_memfd_create, -1, 0, 0},
        {"eventfd2", SYS_eventfd2, -1, 0, 0},
        {"epoll_create1", SYS_epoll_create1, -1, 0, 0},
        {"epoll_ctl", SYS_epoll_ctl, -1, 0, 0},
        {"pidfd_open", SYS_pidfd_open, -1, 0, 0},
        {"pidfd_send_signal", SYS_pidfd_send_signal, -1, 0, 0},
        {"waitid by pidfd", SYS_waitid, 0, 3, EINVAL}, /* as before Linux 5.4 */
        {"madvise MADV_REMOVE", SYS_madvise, 2, MADV_REMOVE, 0},
        {"madvise MADV_DONTDUMP", SYS_madvise, 2, MADV_DONTDUMP, 0},
        {"prctl PR_SET_PDEATHSIG", SYS_prctl, 0, PR_SET_PDEATHSIG, 0},
        {"pipe2", SYS_pipe2, -1, 0, 0},
};

enum { RULES = sizeof rules / sizeof *rules };

static size_t add_rule(struct sock_filter *filter, const struct rule *rule, int error)
{
	bool any = rule->argument < 0;
	size_t at = 0;
	unsigned at_argument = (unsigned)(offsetof(struct seccomp_data, args) + 8 * (any ? 0 : (size_t)rule->argument));
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		at_argument += 4;
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->number, 0, any ? 1 : 3);
	if (!any) {
		filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at_argument);
		filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->value, 0, 1);
	}
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
	return at;
}

/* From now on the rules named by bits in `which` refuse, in this process and its children.  False: that cannot be
 * done here. */
static bool refuse(const struct rule *list, size_t count, uint32_t which, int error)
{
	struct sock_filter filter[5 * 32 + 1];
	size_t length = 0;
	for (size_t i = 0; i < count; i++)
		if (which >> i & 1)
			length += add_rule(filter + length, &list[i], list[i].error != 0 ? list[i].error : error);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {(unsigned short)length, filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		return true;
	skip("no filter of system calls");
	return false;
}

/* All sets of one call or two, and the set of all of them but the last resort. */
enum { SETS = RULES * (RULES + 1) / 2 + 1 };

static uint32_t rule_set(int number)
{
	for (int i = 0; i < RULES; i++)
		for (int k = i; k < RULES; k++)
			if (number-- == 0)
				return (uint32_t)1 << i | (uint32_t)1 << k;
	return ((uint32_t)1 << (RULES - 1)) - 1;
}

static void name_set(uint32_t set, char *text, size_t size)
{
	size_t length = 0;
	for (int i = 0; i < RULES; i++)
		if (set >> i & 1 && length < size)
			length += (size_t)snprintf(text + length, size - length, "%s ", rules[i].name);
}

/* Workers ring at an eventfd or a pipe, and at nothing else. */
static bool lacks_doorbell(uint32_t set, int backend)
{
	uint32_t bells = 0;
	for (int i = 0; i < RULES; i++)
		if (rules[i].number == SYS_eventfd2 || rules[i].number == SYS_pipe2)
			bells |= (uint32_t)1 << i;
	return backend != FORKPOOL_SERIAL && (set & bells) == bells;
}

START_TEST(refused_calls)
{
	int backend = backend_id(_i / (2 * SETS)), error = _i / SETS % 2 == 0 ? EPERM : ENOSYS;
	uint32_t set = rule_set(_i % SETS);
	char name[400];
	name_set(set, name, sizeof name);
	if (!refuse(rules, RULES, set, error))
		return;
	struct outcome outcome = use_backend(backend);
	expect(&outcome, lacks_doorbell(set, backend) ? -ENOSYS : 0, name);
}
END_TEST

/* No further process, nor a thread, by any call. */
START_TEST(no_fork)
{
	static const struct rule forks[] = {
	        {"clone", SYS_clone, -1, 0, 0},
	        {"clone3", SYS_clone3, -1, 0, 0},
#ifdef SYS_fork
	        {"fork", SYS_fork, -1, 0, 0},
#endif
	};
	int backend = backend_id(_i);
	if (!refuse(forks, sizeof forks / sizeof *forks, 7, EPERM))
		return;
	struct outcome outcome = use_backend(backend);
	expect(&outcome, backend == FORKPOOL_SERIAL ? 0 : -EAGAIN, "no fork");
}
END_TEST

/* A container's /dev/shm of 64 KiB, without memfds: neither is needed. */
START_TEST(little_shared_memory)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/dev/shm", "tmpfs", 0, "size=64k") != 0) {
		skip("no file system can be mounted");
		return;
	}
	if (!refuse(rules, RULES, 1, EPERM))
		return;
	struct outcome outcome = use_backend(backend_id(_i));
	expect(&outcome, 0, "/dev/shm of 64 KiB, no memfd");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limits");
	TCase *limits = test_case(suite, "limits");
	add_backend_test(limits, descriptors);
	add_backend_test(limits, file_size);
	if (!SANITIZED) { /* a sanitizer takes terabytes of addresses for itself */
		add_backend_test(limits, address_space);
		add_backend_test(limits, address_space_for_both);
		add_backend_test(limits, data_size);
	}
	add_backend_test(limits, processes);
	if (backend_enabled(FORKPOOL_PROCESSES)) {
		tcase_add_test(limits, descriptors_run_out);
		tcase_add_test(limits, no_replacement);
		tcase_add_test(limits, refresh_without_processes);
	}
	TCase *refusals = test_case(suite, "refused calls");
	tcase_add_loop_test(refusals, refused_calls, 0, 2 * SETS * backend_count());
	add_backend_test(refusals, little_shared_memory);
	if (!SANITIZED) /* it may start threads of its own at the end */
		add_backend_test(refusals, no_fork);
	return run_suite(suite);
}
