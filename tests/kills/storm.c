/*
 * storm.c - kills workers at random, 100 to 1,000 a second, while marked jobs of every kind run on one pool after the
 * other, and judges every job.  `make storm` runs it; --help tells the options.
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

/* What is printed at the end: shared, for the killer may have to print it. */
static struct score {
	struct {
		_Atomic uint64_t kills, hits;
		uint64_t jobs;
		struct verdict verdict;
	} of[KINDS];
	_Atomic uint64_t idle_kills; /* while no job ran */
	_Atomic uint32_t kind, rate, stop, hangs;
	uint64_t pools, slowest_ms, begun_ns;
} * score;

static uint64_t kills_so_far(void)
{
	uint64_t kills = score->idle_kills;
	for (int kind = 0; kind < KINDS; kind++)
		kills += score->of[kind].kills;
	return kills;
}

/* ---- What is said at the end ---- */

static void print_row(const char *name, uint64_t jobs, uint64_t kills, uint64_t hits, const struct verdict *sum)
{
	printf("%-28s %8" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
	       " %6" PRIu64 " %8" PRIu64 " %6" PRIu64 "\n",
	       name, jobs, sum->tasks, kills, hits, sum->crashed, sum->timed_out, sum->retried, sum->lost, sum->doubled,
	       sum->wrong);
}

static void add_verdict(struct verdict *sum, const struct verdict *one)
{
	sum->tasks += one->tasks;
	sum->crashed += one->crashed;
	sum->timed_out += one->timed_out;
	sum->retried += one->retried;
	sum->lost += one->lost;
	sum->doubled += one->doubled;
	sum->wrong += one->wrong;
}

/* Returns whether all is well. */
static bool print_score(void)
{
	struct verdict sum = {0};
	uint64_t jobs = 0, kills = score->idle_kills, hits = 0;
	double seconds = (double)(now_ns() - score->begun_ns) / 1e9;
	printf("%-28s %8s %10s %8s %8s %8s %8s %8s %6s %8s %6s\n", "", "jobs", "tasks", "kills", "hits", "crashed",
	       "late", "retried", "lost", "doubled", "wrong");
	for (int kind = 0; kind < KINDS; kind++) {
		print_row(kind_names[kind], score->of[kind].jobs, score->of[kind].kills, score->of[kind].hits,
		          &score->of[kind].verdict);
		jobs += score->of[kind].jobs;
		kills += score->of[kind].kills;
		hits += score->of[kind].hits;
		add_verdict(&sum, &score->of[kind].verdict);
	}
	print_row("between jobs", 0, score->idle_kills, 0, &(struct verdict){0});
	print_row("all", jobs, kills, hits, &sum);
	printf("%.0f s, %.0f kills a second, %" PRIu64 " pools, the slowest job took %" PRIu64 " ms\n", seconds,
	       (double)kills / seconds, score->pools, score->slowest_ms);
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
	uint32_t round; /* last seen, and when it was new */
	uint64_t round_ns;
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
	uint32_t kind = score->kind;
	atomic_fetch_add(&score->of[kind].kills, 1);
	atomic_fetch_add(&score->of[kind].hits, victim->inside != 0);
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
	for (uint32_t i = 0; i < MAX_COUNT; i++) {
		begun += seen->mark[0][i].begun;
		ended += seen->mark[0][i].ended;
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

/* How long no job has ended. */
static unsigned quiet_seconds(void)
{
	uint64_t now = now_ns();
	if (seen->round != killer.round || !seen->running) {
		killer.round = seen->round;
		killer.round_ns = now;
	}
	return (unsigned)((now - killer.round_ns) / 1000000000);
}

_Noreturn static void be_killer(pid_t owner)
{
	uint64_t next = now_ns();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	killer.owner = owner;
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

/* `forks`: each chunk may cost one. */
static struct job choose_job(bool forks)
{
	struct job job = {.kind = (enum kind)(options.kind >= 0 ? (uint64_t)options.kind : dice(KINDS))};
	job.seed = dice(UINT64_MAX);
	job.retries = ONE_OF(0, 0, 0, 1, 2, 5);
	job.longest_us = ONE_OF(0, 5, 50, 300, 1000, 2000);
	job.spin_every = ONE_OF(1, 2, 3);
	job.sleep_every = ONE_OF(1, 2, 0);
	uint32_t most_us = job.longest_us + (job.sleep_every > 0 ? 60 : 0) + 1; /* a short sleep takes longer */
	uint32_t most = forks ? 300 : 150000 / most_us;
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

static void run_one(forkpool *pool, bool forks, bool terminated)
{
	struct job job = choose_job(forks), inner = choose_job(forks);
	inner.count %= 100;
	job.terminated = terminated;
	if (!terminated && dice(4) == 0)
		job.inner = &inner; /* two are open at once, and one of them waits for the other */
	uint64_t begun = now_ns();
	score->kind = job.kind;
	run_and_judge(pool, &job, &score->of[job.kind].verdict);
	score->of[job.kind].jobs++;
	uint64_t ms = (now_ns() - begun) / 1000000;
	if (ms > score->slowest_ms)
		score->slowest_ms = ms;
}

static bool is_over(void)
{
	return (options.kills > 0 && kills_so_far() >= options.kills) ||
	       now_ns() - score->begun_ns > options.seconds * UINT64_C(1000000000);
}

static void must(const char *what, int error)
{
	if (error == 0)
		return;
	fprintf(stderr, "FAULT: %s: %d, %s\n", what, error, forkpool_strerror(error));
	score->of[0].verdict.wrong++;
}

/* All workers were killed before they were ready, while the pool was made or refreshed: it says that its initializer
 * failed in every worker, and has none. */
static bool was_shot_at_start(int error, uint64_t shots)
{
	return error == -ECANCELED && seen->shots > shots;
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
	for (uint64_t jobs = 1 + dice(60); jobs > 0 && !is_over(); jobs--) {
		shots = seen->shots;
		error = dice(40) == 0 ? forkpool_refresh(pool) : 0;
		if (was_shot_at_start(error, shots))
			break;
		must("forkpool_refresh", error);
		if (dice(10) == 0)
			usleep((useconds_t)dice(5000)); /* kills of idle workers */
		run_one(pool, config.max_tasks_per_worker == 1, false);
	}
	if (dice(2) == 0)
		run_one(pool, false, true);
	if (dice(4) == 0)
		must("forkpool_terminate", forkpool_terminate(pool));
	forkpool_destroy(pool);
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
        "                 (default: all)\n"
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
	for (int kind = 0; kind < KINDS; kind++)
		hits += score->of[kind].hits;
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
	while (!is_over()) {
		run_pool();
		print_progress();
	}
	score->stop = 1;
	waitpid(child, NULL, 0);
	bool well = print_score();
	return was_a_storm() && well ? EXIT_SUCCESS : EXIT_FAILURE;
}
