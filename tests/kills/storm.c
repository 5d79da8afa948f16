/*
 * storm.c - kills workers at random, 100 to 1,000 a second, while marked jobs of every kind run on one pool after the
 * other, and judges every job: called one by one; many unfinished at once, some of which are cancelled or freed, and
 * whose pool may end in the midst of it; and streams.  `make storm` runs it; --help tells the options.
 *
 * The killer is a child of its own.  It chooses among the workers' records, seven times of eight one that is inside a
 * task; it kills by a descriptor, after a look that the process is still a child of the storm, so a number that was
 * used again cannot hit anybody else; and it waits until the kernel has confirmed the death, then looks where the
 * victim was.  It also watches: if no job ends for a long time it stops firing, and if that does not help, the pool
 * hangs; it then prints what can be seen from outside and ends the storm.
 */
#include "marked.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds without the end of a job: then the killer stops firing; then the pool hangs. */
enum { CEASE_FIRE_S = 30, HANG_S = 120 };

static struct {
	uint64_t kills, seconds, seed;
	unsigned rate, workers; /* 0: changing */
	int kind;               /* -1: all */
} options = {.kills = 2000, .seconds = 600, .kind = -1};

/* Calls by their kind; jobs of all kinds, several at once; streams. */
enum { AT_ONCE = KINDS, STREAMS, ROWS };

/* What is printed at the end: shared, for the killer may have to print it. */
static struct score {
	struct {
		_Atomic uint64_t kills, hits;
		uint64_t jobs;
		struct verdict verdict;
	} of[ROWS];
	_Atomic uint64_t idle_kills; /* while no job ran */
	_Atomic uint32_t row, rate, stop, hangs;
	uint64_t pools, slowest_ms, most_at_once, begun_ns;
} * score;

static uint64_t kills_so_far(void)
{
	uint64_t kills = score->idle_kills;
	for (int row = 0; row < ROWS; row++)
		kills += score->of[row].kills;
	return kills;
}

/* ---- What is said at the end ---- */

static void print_row(const char *name, uint64_t jobs, uint64_t kills, uint64_t hits, const struct verdict *sum)
{
	printf("%-26s %7" PRIu64 " %9" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %6" PRIu64 " %7" PRIu64
	       " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %5" PRIu64 " %7" PRIu64 " %5" PRIu64 "\n",
	       name, jobs, sum->tasks, kills, hits, sum->crashed, sum->timed_out, sum->retried, sum->cancelled,
	       sum->callbacks, sum->handed, sum->lost, sum->doubled, sum->wrong);
}

static void add_verdict(struct verdict *sum, const struct verdict *one)
{
	sum->tasks += one->tasks;
	sum->crashed += one->crashed;
	sum->timed_out += one->timed_out;
	sum->retried += one->retried;
	sum->cancelled += one->cancelled;
	sum->callbacks += one->callbacks;
	sum->handed += one->handed;
	sum->lost += one->lost;
	sum->doubled += one->doubled;
	sum->wrong += one->wrong;
}

static const char *row_name(int row)
{
	return row < KINDS ? kind_names[row] : row == AT_ONCE ? "several at once, all kinds" : "streams";
}

/* Returns whether all is well. */
static bool print_score(void)
{
	struct verdict sum = {0};
	uint64_t jobs = 0, kills = score->idle_kills, hits = 0;
	double seconds = (double)(now_ns() - score->begun_ns) / 1e9;
	printf("%-26s %7s %9s %7s %7s %7s %6s %7s %9s %9s %9s %5s %7s %5s\n", "", "jobs", "tasks", "kills", "hits",
	       "crashed", "late", "retried", "cancelled", "callbacks", "handed on", "lost", "doubled", "wrong");
	for (int row = 0; row < ROWS; row++) {
		print_row(row_name(row), score->of[row].jobs, score->of[row].kills, score->of[row].hits,
		          &score->of[row].verdict);
		jobs += score->of[row].jobs;
		kills += score->of[row].kills;
		hits += score->of[row].hits;
		add_verdict(&sum, &score->of[row].verdict);
	}
	print_row("between jobs", 0, score->idle_kills, 0, &(struct verdict){0});
	print_row("all", jobs, kills, hits, &sum);
	printf("%.0f s, %.0f kills a second, %" PRIu64 " pools, at most %" PRIu64
	       " jobs at once, the slowest call took %" PRIu64 " ms\n",
	       seconds, (double)kills / seconds, score->pools, score->most_at_once, score->slowest_ms);
	printf("kills %" PRIu64 ", hits %" PRIu64 ", tasks %" PRIu64 ", lost %" PRIu64 ", doubled %" PRIu64
	       ", hangs %" PRIu32 ", wrong %" PRIu64 "\n",
	       kills, hits, sum.tasks, sum.lost, sum.doubled, score->hangs, sum.wrong);
	fflush(stdout);
	return sum.lost + sum.doubled + sum.wrong + score->hangs == 0;
}

/* ---- The killer ---- */

static struct {
	pid_t owner;
	uint64_t rolls;
	uint64_t news, news_ns; /* last seen, and when it was new */
} killer;

static uint64_t killer_roll(uint64_t bound)
{
	return roll(options.seed ^ UINT64_C(1) << 63, killer.rolls++, bound);
}

static bool is_dead(int pidfd, int timeout_ms)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	return poll(&end, 1, timeout_ms) > 0;
}

/* The victim is dead: where was it? */
static void count_kill(const struct record *victim)
{
	if (!seen->running) {
		atomic_fetch_add(&score->idle_kills, 1);
		return;
	}
	uint32_t row = score->row;
	atomic_fetch_add(&score->of[row].kills, 1);
	atomic_fetch_add(&score->of[row].hits, victim->inside != 0);
}

/* False: it was dead already. */
static bool shoot(struct record *victim)
{
	pid_t pid = victim->pid;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool shot = false;
	if (fd >= 0 && pid != getpid() && is_child(pid, killer.owner) && !is_dead(fd, 0)) {
		atomic_fetch_add(&seen->shots, 1);
		if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0 && is_dead(fd, HANG_S * 1000))
			count_kill(victim);
		atomic_fetch_add(&seen->deaths, 1);
		shot = true;
	}
	if (fd >= 0)
		close(fd);
	victim->dead = 1;
	return shot;
}

static struct record *choose_victim(void)
{
	uint32_t count = seen->records, newest = count < 64 ? count : 64;
	bool busy = killer_roll(8) != 0;
	for (int attempt = 0; newest > 0 && attempt < 256; attempt++) {
		struct record *record = &seen->record[(count - 1 - killer_roll(newest)) % RECORDS];
		if (record->pid != 0 && !record->dead && (!busy || record->inside != 0 || attempt >= 192))
			return record;
	}
	return NULL;
}

/* Some child of the owner, which may be so young that it has no record yet; 0: none. */
static pid_t choose_child(void)
{
	enum { MOST = 128 };
	char path[64];
	pid_t children[MOST];
	int count = 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)killer.owner, (int)killer.owner);
	FILE *list = fopen(path, "r");
	if (list == NULL)
		return 0;
	while (count < MOST && fscanf(list, "%d", &children[count]) == 1)
		count += children[count] != getpid();
	fclose(list);
	return count > 0 ? children[killer_roll((uint64_t)count)] : 0;
}

/* Its record, or one for a worker that has none. */
static struct record *record_of(pid_t pid)
{
	static struct record young;
	uint32_t count = seen->records;
	for (uint32_t k = 0; k < count && k < 64; k++)
		if (seen->record[(count - 1 - k) % RECORDS].pid == pid)
			return &seen->record[(count - 1 - k) % RECORDS];
	young = (struct record){.pid = pid};
	return &young;
}

static void kill_one(void)
{
	pid_t child = killer_roll(16) == 0 ? choose_child() : 0;
	if (child != 0) {
		shoot(record_of(child));
		return;
	}
	struct record *victim;
	do
		victim = choose_victim();
	while (victim != NULL && !shoot(victim));
}

/* ---- The watchdog ---- */

static void show_process(const char *what, pid_t pid)
{
	static const char *const files[] = {"wchan", "syscall"};
	printf("  %s %d:", what, (int)pid);
	for (int i = 0; i < 2; i++) {
		char path[64], line[256] = "?";
		snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, files[i]);
		FILE *file = fopen(path, "r");
		if (file != NULL && fgets(line, sizeof line, file) != NULL)
			line[strcspn(line, "\n")] = '\0';
		if (file != NULL)
			fclose(file);
		printf(" %s %s;", files[i], line);
	}
	printf("\n");
}

_Noreturn static void report_hang(void)
{
	uint64_t begun = 0, ended = 0;
	for (uint32_t i = 0; i < MARKS; i++) {
		begun += seen->mark[i].begun;
		ended += seen->mark[i].ended;
	}
	printf("HANG: no job has ended for %d s, without a kill for the last %d, in %s\n", HANG_S,
	       HANG_S - CEASE_FIRE_S, seen->what);
	printf("  begun %" PRIu64 ", ended %" PRIu64 "\n", begun, ended);
	show_process("the pool's owner,", killer.owner);
	for (uint32_t k = 0; k < RECORDS; k++) {
		const struct record *record = &seen->record[k];
		if (record->pid == 0 || !is_child(record->pid, killer.owner))
			continue;
		show_process("worker", record->pid);
		printf("    in round %" PRIu64 ", index %" PRId64 "\n", record->inside >> 32,
		       (int64_t)(uint32_t)record->inside - 1);
	}
	score->hangs = 1;
	print_score();
	kill(killer.owner, SIGABRT); /* its workers go down with it */
	_exit(EXIT_FAILURE);
}

/* How long no job has begun or ended, and no item was handed on. */
static unsigned quiet_seconds(void)
{
	uint64_t now = now_ns();
	if (seen->news != killer.news) {
		killer.news = seen->news;
		killer.news_ns = now;
	}
	return (unsigned)((now - killer.news_ns) / 1000000000);
}

_Noreturn static void be_killer(pid_t owner)
{
	uint64_t next = now_ns();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	killer.owner = owner;
	killer.news_ns = next;
	while (!score->stop && getppid() == owner) {
		uint64_t now = now_ns(), pause = UINT64_C(1000000000) / score->rate;
		next += killer_roll(2 * pause);
		next = next + 5 * pause < now ? now : next; /* what could not be done in time is let go */
		struct timespec until = {(time_t)(next / 1000000000), (long)(next % 1000000000)};
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			;
		unsigned quiet = quiet_seconds();
		if (quiet >= HANG_S)
			report_hang();
		if (quiet < CEASE_FIRE_S)
			kill_one();
	}
	_exit(EXIT_SUCCESS);
}

/* ---- Jobs and pools by the dice ---- */

static uint64_t rolls;

static uint64_t dice(uint64_t bound)
{
	return roll(options.seed, rolls++, bound);
}

#define ONE_OF(...) ((const uint32_t[]){__VA_ARGS__})[dice(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))]

/* A fold is begun again after each kill: its chunks must be so short that one is finished now and then. */
static size_t choose_chunk(const struct job *job)
{
	size_t chunk = ONE_OF(0, 0, 1, 1, 1, 2, 3, 7, 20, 100, 1000, 100000);
	size_t most = 1000 / ((job->longest_us + 2) * (job->retries + 1)) + 1;
	bool charged_whole = job->kind == RANGE || job->kind == FOLD;
	if (charged_whole && chunk == 0)
		chunk = 5;
	return job->kind >= RANGE_AT && chunk > most ? most : chunk;
}

static void choose_limits(struct job *job)
{
	uint32_t chunk = job->kind >= RANGE_AT ? (uint32_t)job->chunk : 1;
	if (job->retries > 0)
		job->flaky_every = ONE_OF(0, 3, 50);
	job->weak_every = ONE_OF(0, 0, 0, 10, 100);
	if (dice(4) != 0)
		return;
	/* The limit is longer than what is limited, most of the time; what never ends is rare, for it takes that long.
	 */
	if (job->kind < RANGE_AT && job->count > 0 && dice(3) == 0) {
		job->limit_ms = 3;
		job->brink = true;
		job->longest_us = 0;
		job->count = job->count % 50 + 1;
		return;
	}
	job->limit_ms = ONE_OF(3, 10, 30) + 2 * chunk * job->longest_us / 1000;
	job->stuck_every = ONE_OF(0, 1, 2) * (job->count / 2 + 1);
}

/* A pool, as its jobs have to know it. */
struct house {
	forkpool *pool;
	unsigned workers;
	bool forks; /* each chunk may cost one */
};

static struct job choose_job(const struct house *house)
{
	struct job job = {.kind = (enum kind)(options.kind >= 0 ? (uint64_t)options.kind : dice(KINDS))};
	job.workers = house->workers;
	job.seed = dice(UINT64_MAX);
	job.retries = ONE_OF(0, 0, 0, 1, 2, 5);
	job.longest_us = ONE_OF(0, 5, 50, 300, 1000, 2000);
	job.spin_every = ONE_OF(1, 2, 3);
	job.sleep_every = ONE_OF(1, 2, 0);
	uint32_t most_us = job.longest_us + (job.sleep_every > 0 ? 60 : 0) + 1; /* a short sleep takes longer */
	uint32_t most = house->forks ? 300 : 150000 / most_us;
	job.count = (uint32_t)dice(most < MAX_COUNT ? most : MAX_COUNT);
	job.chunk = choose_chunk(&job);
	job.in_place = dice(2);
	job.stop_on_failure = dice(6) == 0;
	job.fail_every = ONE_OF(0, 0, 0, 5, 50, 500);
	choose_limits(&job);
	job.without_status = dice(8) == 0;
	job.without_report = dice(5) == 0;
	return job;
}

static void must(const char *what, int error)
{
	if (error == 0)
		return;
	fprintf(stderr, "FAULT: %s: %d, %s\n", what, error, forkpool_strerror(error));
	score->of[0].verdict.wrong++;
}

static void note_time(uint64_t begun)
{
	uint64_t ms = (now_ns() - begun) / 1000000;
	if (ms > score->slowest_ms)
		score->slowest_ms = ms;
}

/* Calls it, and judges it in the row. */
static void run_in_row(const struct house *house, const struct job *job, unsigned row)
{
	uint64_t begun = now_ns();
	uint32_t outer = score->row;
	score->row = row;
	run_and_judge(house->pool, job, &score->of[row].verdict);
	score->row = outer;
	score->of[row].jobs++;
	note_time(begun);
}

static void run_one(const struct house *house, bool terminated)
{
	struct job job = choose_job(house), inner = choose_job(house);
	inner.count %= 100;
	job.terminated = terminated;
	if (!terminated && dice(4) == 0)
		job.inner = &inner; /* two are open at once, and one of them waits for the other */
	run_in_row(house, &job, job.kind);
}

/* ---- Streams ---- */

static void run_stream(const struct house *house, bool terminated)
{
	struct job job = choose_job(house), inner = choose_job(house);
	inner.count %= 100;
	job.kind = MAP;
	job.manner = dice(2) ? STREAM : UNORDERED_STREAM;
	job.in_place = job.without_status = false;
	job.window = ONE_OF(0, 0, 1, 3, 50, 1000);
	if (job.window == 1 || job.window == 3) /* then a worker is idle for most of the time */
		job.count %= 100;
	job.source_fails_at = dice(4) == 0 ? 1 + (uint32_t)dice(job.count + 1) : 0;
	job.stops_at = dice(4) == 0 ? 1 + (uint32_t)dice(job.count + 1) : 0;
	job.terminated = terminated;
	if (!terminated && dice(4) == 0)
		job.inner = &inner;
	run_in_row(house, &job, STREAMS);
}

/* ---- Several at once ---- */

enum { MOST_AT_ONCE = 2 * FORKPOOL_OPEN_JOBS };

/* What becomes of the pool while they are unfinished. */
enum pool_end { STAYS, TERMINATED, CLOSED, DESTROYED };

static struct batch {
	const struct house *house;
	unsigned count;
	bool stuck; /* some tasks end only with their job, when it is cancelled */
	enum pool_end end;
	struct marked *of[MOST_AT_ONCE];
} batch;

static struct job choose_submitted(const struct job *inner)
{
	struct job job = choose_job(batch.house);
	job.manner = (enum manner)(GOT + dice(LET_GO - GOT + 1));
	if (job.manner == ONE_BY_ONE && job.kind >= FOLD_AT)
		job.manner = AWAITED;
	job.count %= 4000 / (batch.count * batch.count) + 10;
	if (job.kind == MAP && dice(4) == 0) {
		job.single = true;
		job.count = 1;
	}
	bool ends_early = job.manner == CANCELLED || job.manner == FREED;
	if (batch.stuck && ends_early) {
		job.limit_ms = 0;
		job.brink = false;
		job.stuck_every = 1 + (uint32_t)dice(job.count + 1);
	}
	job.terminated = batch.end == TERMINATED || batch.end == DESTROYED;
	if (batch.end == DESTROYED)
		job.in_place = false; /* the arena goes with the pool */
	if (batch.end == STAYS && !batch.stuck && dice(8) == 0)
		job.inner = inner;
	return job;
}

static struct marked *any_of_them(void)
{
	return batch.of[dice(batch.count)];
}

static void look_at_some(uint64_t times)
{
	while (times-- > 0) {
		look_at_marked(any_of_them(), ONE_OF(0, 0, 100, 1000) / 1e6);
		if (dice(4) == 0)
			forkpool_dispatch(batch.house->pool);
	}
}

static void submit_batch(const struct job *inner)
{
	for (unsigned i = 0; i < batch.count; i++) {
		struct job job = choose_submitted(inner);
		batch.of[i] = submit_marked(batch.house->pool, &job, &score->of[AT_ONCE].verdict);
		if (dice(8) == 0 && i > 0) {
			look_at_marked(batch.of[dice(i)], 0);
			forkpool_dispatch(batch.house->pool);
		}
	}
	if (seen->running > score->most_at_once)
		score->most_at_once = seen->running;
}

/* From a random one on. */
static void cancel_some(void)
{
	unsigned first = (unsigned)dice(batch.count);
	for (unsigned i = 0; i < batch.count; i++) {
		cancel_marked(batch.of[(first + i) % batch.count]);
		if (dice(4) == 0)
			look_at_some(1);
	}
}

static void end_pool(struct house *house)
{
	if (batch.end == CLOSED)
		must("forkpool_close", forkpool_close(house->pool));
	if (batch.end == CLOSED && dice(2) == 0)
		must("forkpool_join", forkpool_join(house->pool));
	if (batch.end == TERMINATED)
		must("forkpool_terminate", forkpool_terminate(house->pool));
	if (batch.end == DESTROYED) {
		forkpool_destroy(house->pool);
		house->pool = NULL;
	}
}

/* Waits for some by forkpool_wait_any(). */
static void await_any(void)
{
	forkpool_job *jobs[MOST_AT_ONCE];
	for (uint64_t times = dice(batch.count + 1); times > 0; times--) {
		unsigned handles = 0;
		for (unsigned i = 0; i < batch.count; i++) {
			jobs[i] = is_over(batch.of[i]) ? NULL : handle_of(batch.of[i]);
			handles += jobs[i] != NULL;
		}
		if (handles == 0)
			return;
		int which = forkpool_wait_any(jobs, batch.count, -1);
		if (which < 0 || jobs[which] == NULL) {
			must("forkpool_wait_any", which < 0 ? which : -EINVAL);
			return;
		}
		if (handle_of(batch.of[which]) != NULL && forkpool_job_wait(jobs[which], 0) != 0)
			blame_wait_any(batch.of[which], which);
	}
}

static void await_batch(void)
{
	bool stays = batch.end == STAYS;
	if (batch.end != DESTROYED)
		await_any();
	unsigned first = (unsigned)dice(batch.count);
	for (unsigned i = 0; i < batch.count; i++) {
		if (stays && dice(2 * batch.count) == 0)
			run_stream(batch.house, false);
		if (stays && dice(2 * batch.count) == 0)
			run_one(batch.house, false);
		await_marked(batch.of[(first + i) % batch.count]);
	}
	if (batch.end != DESTROYED)
		must("forkpool_dispatch", forkpool_dispatch(batch.house->pool)); /* calls back; nothing is unfinished */
}

/* The pool is NULL afterwards if it was destroyed. */
static void run_batch(struct house *house, enum pool_end pool_end)
{
	uint64_t begun = now_ns();
	struct job inner = choose_job(house);
	inner.count %= 30;
	batch = (struct batch){.house = house, .end = pool_end};
	batch.count = house->forks ? ONE_OF(2, 3, 5) : ONE_OF(2, 3, 3, 5, 8, 20, 80, MOST_AT_ONCE);
	batch.stuck = dice(3) == 0;
	score->row = AT_ONCE;
	submit_batch(&inner);
	look_at_some(dice(3 * batch.count));
	if (pool_end == STAYS || pool_end == CLOSED || dice(2) == 0)
		cancel_some();
	end_pool(house);
	await_batch();
	for (unsigned i = 0; i < batch.count; i++)
		judge_marked(batch.of[i]);
	score->of[AT_ONCE].jobs += batch.count;
	note_time(begun);
}

static bool is_time_over(void)
{
	return (options.kills > 0 && kills_so_far() >= options.kills) ||
	       now_ns() - score->begun_ns > options.seconds * UINT64_C(1000000000);
}

/* All workers were killed before they were ready, while the pool was made or refreshed: it says that its initializer
 * failed in every worker, and has none. */
static bool was_shot_at_start(int error, uint64_t shots)
{
	return error == -ECANCELED && seen->shots > shots;
}

static void run_something(struct house *house)
{
	uint64_t what = options.kind >= 0 ? 0 : dice(6);
	if (what == 4)
		run_batch(house, STAYS);
	else if (what == 5)
		run_stream(house, false);
	else
		run_one(house, false);
}

static void end_somehow(struct house *house)
{
	uint64_t what = dice(4);
	if (what == 1)
		run_one(house, true);
	else if (what == 2)
		run_stream(house, true);
	else if (what == 3)
		run_batch(house, (enum pool_end)(TERMINATED + dice(DESTROYED - TERMINATED + 1)));
}

/* One pool's life. */
static void run_pool(void)
{
	forkpool *pool = NULL;
	forkpool_config config = {.workers = options.workers > 0 ? options.workers : ONE_OF(1, 2, 3, 8),
	                          .spin_us = ONE_OF(0, 1, 500, FORKPOOL_NO_SPIN),
	                          .max_tasks_per_worker = ONE_OF(0, 0, 1, 100, 3000),
	                          .initializer = register_worker};
	score->rate = options.rate > 0 ? options.rate : (unsigned)(100 + dice(901));
	uint64_t shots = seen->shots;
	int error = forkpool_create(&pool, &config);
	if (was_shot_at_start(error, shots))
		return;
	must("forkpool_create", error);
	if (pool == NULL)
		return;
	score->pools++;
	struct house house = {pool, config.workers, config.max_tasks_per_worker == 1};
	for (uint64_t jobs = 1 + dice(30); jobs > 0 && !is_time_over(); jobs--) {
		shots = seen->shots;
		error = dice(40) == 0 ? forkpool_refresh(pool) : 0;
		if (was_shot_at_start(error, shots))
			break;
		must("forkpool_refresh", error);
		if (dice(10) == 0)
			usleep((useconds_t)dice(5000)); /* kills of idle workers */
		run_something(&house);
	}
	end_somehow(&house);
	if (dice(4) == 0 && house.pool != NULL)
		must("forkpool_terminate", forkpool_terminate(house.pool));
	forkpool_destroy(house.pool);
}

static void print_progress(void)
{
	static uint64_t shown;
	uint64_t seconds = (now_ns() - score->begun_ns) / 1000000000, kills = kills_so_far();
	if (seconds < shown + 10)
		return;
	shown = seconds;
	printf("%" PRIu64 " s: %" PRIu64 " kills in %" PRIu64 " pools, %.0f a second\n", seconds, kills, score->pools,
	       (double)kills / (double)seconds);
}

/* ---- Options ---- */

static const char help[] =
        "storm - kills workers at random while jobs run, and judges every job\n"
        "  --kills N      end after so many kills (default 2000; 0: no end); fewer in the time given is a failure\n"
        "  --seconds N    end after this time (default 600)\n"
        "  --rate N       kills a second that are tried for (default: 100 to 1000, another for each pool)\n"
        "  --workers N    of each pool (default: 1, 2, 3 or 8)\n"
        "  --kind N       0 map, 1 starmap, 2 for, 3 range with forkpool_at(), 4 range, 5 and 6 the same for folds\n"
        "                 (default: all, many at once, and streams)\n"
        "  --seed N       of the dice: jobs and pools are the same, what is hit is not (default: the clock)\n";

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
	        {"kills", required_argument, NULL, 'k'},   {"seconds", required_argument, NULL, 's'},
	        {"rate", required_argument, NULL, 'r'},    {"seed", required_argument, NULL, 'S'},
	        {"workers", required_argument, NULL, 'w'}, {"kind", required_argument, NULL, 'K'},
	        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
	options.seed = (uint64_t)time(NULL);
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (option == 'k')
			options.kills = number_option("storm", "kills", optarg, 0, UINT64_MAX);
		else if (option == 's')
			options.seconds = number_option("storm", "seconds", optarg, 1, 1000000);
		else if (option == 'r')
			options.rate = (unsigned)number_option("storm", "rate", optarg, 1, 100000);
		else if (option == 'S')
			options.seed = number_option("storm", "seed", optarg, 0, UINT64_MAX);
		else if (option == 'w')
			options.workers = (unsigned)number_option("storm", "workers", optarg, 1, 64);
		else if (option == 'K')
			options.kind = (int)number_option("storm", "kind", optarg, 0, KINDS - 1);
		else {
			fputs(help, option == 'h' ? stdout : stderr);
			exit(option == 'h' ? EXIT_SUCCESS : 2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "storm: unknown argument %s\n%s", argv[optind], help);
		exit(2);
	}
}

/* Whether there was enough of it to mean something. */
static bool was_a_storm(void)
{
	uint64_t kills = kills_so_far(), hits = 0;
	for (int row = 0; row < ROWS; row++)
		hits += score->of[row].hits;
	if (2 * hits < kills)
		printf("too few kills hit a running task: %" PRIu64 " of %" PRIu64 "\n", hits, kills);
	if (kills < options.kills)
		printf("too few kills in %" PRIu64 " s: %" PRIu64 " of %" PRIu64 "\n", options.seconds, kills,
		       options.kills);
	return 2 * hits >= kills && kills >= options.kills;
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	need_processes();
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("storm --seed %" PRIu64 "\n", options.seed);
	make_evidence();
	score = shared_memory(sizeof *score);
	score->rate = 100;
	score->begun_ns = now_ns();
	pid_t owner = getpid(), child = fork();
	if (child == 0)
		be_killer(owner);
	while (!is_time_over()) {
		run_pool();
		print_progress();
	}
	score->stop = 1;
	waitpid(child, NULL, 0);
	bool well = print_score();
	return was_a_storm() && well ? EXIT_SUCCESS : EXIT_FAILURE;
}
