/*
 * points.c - kills a worker at each numbered point of the engine (src/killpoint.h), with one, two and four workers, in
 * every kind of job, the first time, the second time and the last time that the point is passed; and at pairs of
 * points, the second in a replacement or in another worker.  Each job is judged.  A point that was never hit is a
 * failure.
 *
 * And a task that ends in the very instant in which its time is over must have ended; and a worker that leaves a job in
 * the very instant in which that is cancelled must live, and one that stays must not.
 *
 * It is linked with a build of the library of its own, in which KILL_POINT() calls kill_point_passed() below.  The
 * workers kill themselves there, so a kill is exactly where it is meant to be.
 */
#include "marked.h"

#include "../../src/killpoint.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* STALLED_MS: the parent's heartbeat comes each half second and finds whatever was missed. */
enum { PATIENCE_S = 120, STALLED_MS = 450, DIES_AT = 3, LIMIT_MS = 60000, LINGER_MS = 600 };

static const char *const point_names[] = {
#define NAME(name, text) #name,
        KILL_POINTS(NAME)
#undef NAME
};

static const char *const point_texts[] = {
#define TEXT(name, text) text,
        KILL_POINTS(TEXT)
#undef TEXT
};

/* What runs.  Each with 1, 2 and 4 workers; and once more in such a way that a task dies first, so that there are
 * orphans to adopt and ranges without an owner to steal from. */
static const struct scene {
	size_t max_tasks;
	unsigned spin_us;
	struct job job;
} scenes[] = {
        {0, FORKPOOL_NO_SPIN, {.kind = MAP, .chunk = 2}},
        {0, 2000, {.kind = MAP, .chunk = 4, .in_place = true, .fail_every = 3}},
        {0, 2000, {.kind = MAP, .chunk = 3, .without_status = true, .without_report = true}},
        {0, FORKPOOL_NO_SPIN, {.kind = MAP, .chunk = 2, .retries = 1, .flaky_every = 3, .limit_ms = LIMIT_MS}},
        {0, 2000, {.kind = STARMAP, .chunk = 2, .stop_on_failure = true, .fail_every = 4}},
        {0, FORKPOOL_NO_SPIN, {.kind = FOR, .chunk = 2, .without_report = true}},
        {0, 2000, {.kind = FOR, .chunk = 1, .retries = 2, .fail_every = 4}},
        {2, FORKPOOL_NO_SPIN, {.kind = FOR, .chunk = 1, .limit_ms = LIMIT_MS}},
        {0, FORKPOOL_NO_SPIN, {.kind = RANGE_AT, .chunk = 4}},
        {0, 2000, {.kind = RANGE_AT, .chunk = 4, .fail_every = 3}},
        {0,
         FORKPOOL_NO_SPIN,
         {.kind = RANGE_AT, .chunk = 4, .retries = 1, .flaky_every = 3, .weak_every = 4, .limit_ms = LIMIT_MS}},
        {0, FORKPOOL_NO_SPIN, {.kind = RANGE, .chunk = 4}},
        {0, 2000, {.kind = RANGE, .chunk = 2, .stop_on_failure = true, .fail_every = 5}},
        {0,
         FORKPOOL_NO_SPIN,
         {.kind = RANGE, .chunk = 4, .retries = 1, .fail_every = 6, .weak_every = 3, .limit_ms = LIMIT_MS}},
        {0, FORKPOOL_NO_SPIN, {.kind = FOLD_AT, .chunk = 4}},
        {0, 2000, {.kind = FOLD_AT, .chunk = 4, .fail_every = 6, .weak_every = 3}},
        {0,
         FORKPOOL_NO_SPIN,
         {.kind = FOLD_AT, .chunk = 4, .retries = 1, .flaky_every = 3, .weak_every = 3, .limit_ms = LIMIT_MS}},
        {0, 2000, {.kind = FOLD, .chunk = 4, .fail_every = 6}},
        {0, FORKPOOL_NO_SPIN, {.kind = FOLD, .chunk = 2, .retries = 2, .flaky_every = 3}},
        {2, 2000, {.kind = FOLD, .chunk = 1, .stop_on_failure = true, .fail_every = 5}},
        /* Not waited for in the call. */
        {0, FORKPOOL_NO_SPIN, {.kind = MAP, .manner = ONE_BY_ONE, .chunk = 2, .fail_every = 4}},
        {2, FORKPOOL_NO_SPIN, {.kind = FOR, .manner = ONE_BY_ONE, .chunk = 1, .retries = 1, .flaky_every = 3}},
        {0, FORKPOOL_NO_SPIN, {.kind = RANGE_AT, .manner = ONE_BY_ONE, .chunk = 4}},
        {0, 2000, {.kind = MAP, .manner = FORGOTTEN, .single = true}},
        {0, 2000, {.kind = STARMAP, .manner = LET_GO, .chunk = 2, .in_place = true}},
        {0, FORKPOOL_NO_SPIN, {.kind = FOLD, .manner = GOT, .chunk = 2, .fail_every = 6}},
        {0, FORKPOOL_NO_SPIN, {.kind = MAP, .manner = CANCELLED, .chunk = 1}},
        {0, 2000, {.kind = STARMAP, .manner = FREED, .chunk = 2, .fail_every = 3}},
        {0, FORKPOOL_NO_SPIN, {.kind = FOR, .manner = CANCELLED, .chunk = 1, .retries = 1, .limit_ms = LIMIT_MS}},
        {0, 2000, {.kind = RANGE_AT, .manner = CANCELLED, .chunk = 4, .without_status = true}},
        {0, 2000, {.kind = RANGE, .manner = CANCELLED, .chunk = 2}},
        {0, FORKPOOL_NO_SPIN, {.kind = FOLD_AT, .manner = FREED, .chunk = 4, .fail_every = 6}},
        {0, 2000, {.kind = FOLD, .manner = CANCELLED, .chunk = 2, .retries = 1, .flaky_every = 3}},
        {0, FORKPOOL_NO_SPIN, {.kind = MAP, .manner = STREAM, .chunk = 1, .window = 3}},
        {0, 2000, {.kind = MAP, .manner = UNORDERED_STREAM, .chunk = 1, .fail_every = 4}},
};

enum { SCENES = sizeof scenes / sizeof *scenes };

static struct {
	uint64_t share, seed; /* per cent of the single kills, and a twentieth of that of the pairs; 0: all */
	int scene;            /* -1: all */
	bool list;
} options = {.share = SANITIZED ? 3 : 8, .scene = -1};

/* ---- Shared with the workers ---- */

enum { NOWHERE = -1 };

static struct control {
	pid_t owner;
	_Atomic uint32_t stage; /* how many of the two kills have been */
	_Atomic int at[2];
	_Atomic uint32_t passes_left[2];
	_Atomic uint32_t die;    /* the next task with index DIES_AT does */
	_Atomic uint32_t linger; /* enum lingering */
	_Atomic uint32_t stays;  /* who lingers never ends */
	_Atomic uint32_t chain;  /* each task waits until all those before it have been taken: */
	_Atomic uint32_t begun, taken;
	_Atomic uint32_t succession; /* the next task dies, and the one after it is waited for: enum succession */
	_Atomic uint64_t passed[KILL_POINT_COUNT], hit[KILL_POINT_COUNT];
} * control;

/* A kill is counted before it is: nothing that this worker would do comes after it. */
_Noreturn static void die(void)
{
	seen->shots++;
	seen->deaths++;
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

void kill_point_passed(enum kill_point point)
{
	if (control == NULL || getpid() == control->owner)
		return;
	atomic_fetch_add(&control->passed[point], 1);
	uint32_t stage = control->stage;
	if (stage >= 2 || control->at[stage] != (int)point || atomic_fetch_sub(&control->passes_left[stage], 1) != 1)
		return;
	atomic_fetch_add(&control->hit[point], 1);
	control->stage = stage + 1;
	die();
}

/* A task that is over its time, or whose job is cancelled, and that ends, or goes on, when the parent has seen it and
 * before it acts upon it. */
enum lingering { NONE, LINGERS, SEEN, GONE };

static void await_lingering(enum lingering least)
{
	for (int ms = 0; control->linger < (uint32_t)least && ms < PATIENCE_S * 1000; ms++)
		usleep(1000);
}

enum succession { NO_HEIR, DIES, HEIR_AWAITED, HEIR_BEGUN };

/* Whether the task is one of the two. */
static bool succeed(void)
{
	uint32_t dies = DIES, awaited = HEIR_AWAITED;
	if (atomic_compare_exchange_strong(&control->succession, &dies, HEIR_AWAITED))
		die();
	if (!atomic_compare_exchange_strong(&control->succession, &awaited, HEIR_BEGUN))
		return false;
	usleep(30000);
	return true;
}

void doom_point_passed(void)
{
	for (int ms = 0; control->succession == HEIR_AWAITED && ms < PATIENCE_S * 1000; ms++)
		usleep(1000);
	if (control->linger != LINGERS)
		return;
	control->linger = SEEN;
	await_lingering(GONE);
}

/* Whether the task is that one; or the next one, which is there while the parent acts. */
static bool linger(void)
{
	uint32_t none = NONE, was_seen = SEEN;
	if (!seen->hook_always)
		return false;
	if (atomic_compare_exchange_strong(&control->linger, &none, LINGERS)) {
		await_lingering(SEEN);
		if (control->stays)
			control->linger = GONE;
	} else if (atomic_compare_exchange_strong(&control->linger, &was_seen, GONE))
		usleep(30000);
	return true;
}

/* Whether the task is one of those that wait until what was before them has been handed out. */
static bool await_taker(void)
{
	if (!control->chain)
		return false;
	uint32_t before = control->begun++;
	for (int ms = 0; control->taken < before && ms < PATIENCE_S * 1000; ms++)
		usleep(1000);
	usleep(2000); /* the parent sleeps by now */
	return true;
}

static void die_if_asked(void)
{
	uint32_t armed = 1;
	if (succeed() || await_taker() || linger())
		return;
	if (atomic_compare_exchange_strong(&control->die, &armed, 0))
		die();
}

/* ---- One case ---- */

struct setting {
	int scene;
	unsigned workers;
	bool dies;
	forkpool *pool;
};

/* Where to kill. */
struct plan {
	int at[2];
	uint32_t pass[2]; /* from 1 */
};

static struct verdict verdict;
static uint64_t runs, first_kills, second_kills, stalled;

static const char *point_name(int point)
{
	return point == NOWHERE ? "-" : point_names[point];
}

static bool faultless(void)
{
	return verdict.lost + verdict.doubled + verdict.wrong == 0;
}

/* Points may be passed a moment after the job has ended. */
static void await_kills(const struct plan *plan)
{
	uint32_t planned = (plan->at[0] != NOWHERE) + (plan->at[1] != NOWHERE);
	for (int i = 0; i < 50 && control->stage < planned; i++)
		usleep(100);
}

static void run_case(const struct setting *setting, const struct plan *plan)
{
	struct job job = scenes[setting->scene].job;
	uint64_t begun = now_ns();
	bool ends_early = job.manner == CANCELLED || job.manner == FREED;
	job.count = job.single ? 1 : 8;
	job.workers = setting->workers;
	job.seed = 11 + runs++ % 5; /* which indices fail */
	job.spin_every = 2;
	/* So that all have something to do, and something runs when it is cancelled. */
	job.longest_us = ends_early ? 1000 : setting->workers > 1 ? 100 : 0;
	snprintf(current, sizeof current, "scene %d, %u workers%s: %s, pass %" PRIu32 "; then %s, pass %" PRIu32,
	         setting->scene, setting->workers, setting->dies ? ", a task dies" : "", point_name(plan->at[0]),
	         plan->pass[0], point_name(plan->at[1]), plan->pass[1]);
	alarm(PATIENCE_S);
	control->die = setting->dies;
	for (int i = 0; i < 2; i++) {
		control->at[i] = plan->at[i];
		control->passes_left[i] = plan->pass[i];
	}
	control->stage = 0;
	run_and_judge(setting->pool, &job, &verdict);
	uint64_t ms = (now_ns() - begun) / 1000000;
	if (ms >= STALLED_MS && stalled++ < 20)
		printf("waited for a heartbeat, %" PRIu64 " ms: %s\n", ms, current);
	await_kills(plan);
	uint32_t kills = atomic_exchange(&control->stage, 2);
	first_kills += kills >= 1;
	second_kills += kills >= 2;
	alarm(0);
	if (!faultless())
		fprintf(stderr, "    in %s\n", current);
}

/* How often each point is passed when nothing is killed there. */
static void count_passes(const struct setting *setting, uint64_t *passes)
{
	for (int point = 0; point < KILL_POINT_COUNT; point++)
		control->passed[point] = 0;
	for (int i = 0; i < 3 && faultless(); i++)
		run_case(setting, &(struct plan){{NOWHERE, NOWHERE}, {0, 0}});
	for (int point = 0; point < KILL_POINT_COUNT; point++)
		passes[point] = (control->passed[point] + 2) / 3;
}

static forkpool *pool_of(unsigned workers, const struct scene *scene)
{
	forkpool *pool = NULL;
	int error = forkpool_create(&pool, &(forkpool_config){.workers = workers,
	                                                      .spin_us = scene->spin_us,
	                                                      .max_tasks_per_worker = scene->max_tasks,
	                                                      .initializer = register_worker});
	if (error == 0)
		return pool;
	fprintf(stderr, "forkpool_create: %d, %s\n", error, forkpool_strerror(error));
	exit(EXIT_FAILURE);
}

/* Of a task that ends in the instant in which it would be ended, what it returned counts; and nobody else is charged.
 * Each call is one task, or tells where it is, so the second task begins when the first one has been left. */
static void end_in_the_last_instant(enum kind kind)
{
	control->stays = false;
	struct scene scene = {0, 0, {.kind = kind, .count = 4, .limit_ms = LINGER_MS}};
	struct verdict before = verdict;
	forkpool *pool = pool_of(1, &scene);
	scene.job.chunk = kind == RANGE || kind == FOLD ? 1 : 2;
	snprintf(current, sizeof current, "%s, a task that ends in the last instant", kind_names[kind]);
	alarm(PATIENCE_S);
	control->linger = NONE;
	seen->hook_always = 1;
	run_and_judge(pool, &scene.job, &verdict);
	seen->hook_always = 0;
	alarm(0);
	if (control->linger != GONE || verdict.timed_out != before.timed_out || verdict.crashed != before.crashed) {
		fprintf(stderr, "FAULT: %s: stage %" PRIu32 ", %" PRIu64 " timed out, %" PRIu64 " crashed\n", current,
		        control->linger, verdict.timed_out - before.timed_out, verdict.crashed - before.crashed);
		verdict.wrong++;
	}
	forkpool_destroy(pool);
}

/* A worker that leaves a job in the instant in which it would be ended because that was cancelled, lives, and the job
 * that it is at by then loses nothing; one that stays is ended, and again nobody else loses anything. */
static void cancel_in_the_last_instant(enum kind kind, bool stays)
{
	struct scene scene = {0, 0, {.kind = kind, .manner = CANCELLED, .count = 1, .chunk = 1, .workers = 1}};
	struct job other = {.kind = kind, .manner = GOT, .count = 1, .chunk = 1};
	uint64_t before = verdict.crashed;
	forkpool *pool = pool_of(1, &scene);
	uint32_t born = seen->records;
	snprintf(current, sizeof current, "%s, cancelled in the last instant%s", kind_names[kind],
	         stays ? ", and stays" : "");
	alarm(PATIENCE_S);
	control->linger = NONE;
	control->stays = stays;
	seen->hook_always = 1;
	scene.job.stuck_every = stays;
	struct marked *first = submit_marked(pool, &scene.job, &verdict);
	struct marked *second = submit_marked(pool, &other, &verdict);
	await_lingering(LINGERS);
	cancel_marked(first);
	await_marked(first);
	await_marked(second);
	forkpool_dispatch(pool);
	judge_marked(second);
	judge_marked(first);
	seen->hook_always = 0;
	alarm(0);
	uint32_t deaths = seen->records - born;
	if (control->linger != GONE || deaths != stays || verdict.crashed != before) {
		fprintf(stderr, "FAULT: %s: stage %" PRIu32 ", %" PRIu32 " workers ended, %" PRIu64 " crashed\n",
		        current, control->linger, deaths, verdict.crashed - before);
		verdict.wrong++;
	}
	forkpool_destroy(pool);
}

/* Its worker died long ago, which is noticed when its time is found to be over: the replacement, which is at its first
 * task, too, by then, must not be ended for it. */
static void die_before_the_limit(enum kind kind)
{
	struct scene scene = {
	        0, 0, {.kind = kind, .manner = GOT, .count = 2, .chunk = 1, .workers = 1, .limit_ms = LINGER_MS}};
	struct verdict before = verdict;
	forkpool *pool = pool_of(1, &scene);
	snprintf(current, sizeof current, "%s, dead before the limit is over", kind_names[kind]);
	alarm(PATIENCE_S);
	control->succession = DIES;
	seen->hook_always = 1;
	struct marked *marked = submit_marked(pool, &scene.job, &verdict);
	usleep((LINGER_MS + 100) * 1000);
	await_marked(marked);
	judge_marked(marked);
	seen->hook_always = control->succession = NO_HEIR;
	alarm(0);
	if (verdict.timed_out != before.timed_out || verdict.crashed != before.crashed + 1) {
		fprintf(stderr, "FAULT: %s: %" PRIu64 " timed out, %" PRIu64 " crashed\n", current,
		        verdict.timed_out - before.timed_out, verdict.crashed - before.crashed);
		verdict.wrong++;
	}
	forkpool_destroy(pool);
}

/* Who waits for the next index is told of each chunk, and need not wait for a heartbeat. */
static void take_each_at_once(enum kind kind)
{
	struct scene scene = {0, FORKPOOL_NO_SPIN, {.kind = kind, .manner = ONE_BY_ONE, .count = 8, .chunk = 1}};
	scene.job.seed = 1; /* odd: without progress, which would wake the parent */
	forkpool *pool = pool_of(1, &scene);
	uint32_t late = 0;
	snprintf(current, sizeof current, "%s, one index waits for the taker of another", kind_names[kind]);
	alarm(PATIENCE_S);
	control->begun = control->taken = 0;
	control->chain = seen->hook_always = 1;
	struct marked *marked = submit_marked(pool, &scene.job, &verdict);
	while (control->taken < scene.job.count) {
		uint64_t begun = now_ns();
		look_at_marked(marked, -1);
		control->taken++;
		late += now_ns() - begun >= STALLED_MS * UINT64_C(1000000);
	}
	await_marked(marked);
	judge_marked(marked);
	control->chain = seen->hook_always = 0;
	alarm(0);
	if (late > scene.job.count / 2) {
		fprintf(stderr, "FAULT: %s: %" PRIu32 " of %" PRIu32 " were told by a heartbeat only\n", current, late,
		        scene.job.count);
		verdict.wrong++;
	}
	forkpool_destroy(pool);
}

/* Its consumer terminates the pool: what was taken is handed on all the same. */
static void terminate_in_a_stream(enum manner manner, size_t window)
{
	struct scene scene = {
	        0, 0, {.kind = MAP, .manner = manner, .count = 200, .window = window, .terminated = true}};
	forkpool *pool = pool_of(2, &scene);
	snprintf(current, sizeof current, "a stream whose pool is terminated, window %zu", window);
	alarm(PATIENCE_S);
	run_and_judge(pool, &scene.job, &verdict);
	alarm(0);
	forkpool_destroy(pool);
}

/* ---- All of them, or a share ---- */

static uint64_t rolls;

/* One of `of` where the share is 100. */
static bool chosen(uint64_t of)
{
	return options.share == 0 || roll(options.seed, rolls++, 100 * of) < options.share;
}

static void kill_once(const struct setting *setting, const uint64_t *passes)
{
	for (int point = 0; point < KILL_POINT_COUNT && faultless(); point++) {
		uint32_t last = (uint32_t)passes[point];
		if (last >= 1 && chosen(1))
			run_case(setting, &(struct plan){{point, NOWHERE}, {1, 0}});
		if (last >= 2 && chosen(1))
			run_case(setting, &(struct plan){{point, NOWHERE}, {2, 0}});
		if (last >= 3 && chosen(1))
			run_case(setting, &(struct plan){{point, NOWHERE}, {last, 0}});
	}
}

/* The second one is counted from the first kill on. */
static void kill_twice(const struct setting *setting, const uint64_t *passes)
{
	for (int first = 0; first < KILL_POINT_COUNT; first++)
		for (int second = 0; second < KILL_POINT_COUNT && passes[first] > 0 && faultless(); second++)
			if (chosen(20))
				run_case(setting, &(struct plan){{first, second}, {1, 1}});
}

static void run_setting(struct setting setting)
{
	uint64_t passes[KILL_POINT_COUNT];
	setting.pool = pool_of(setting.workers, &scenes[setting.scene]);
	count_passes(&setting, passes);
	kill_once(&setting, passes);
	kill_twice(&setting, passes);
	forkpool_destroy(setting.pool);
}

static void run_scene(int scene)
{
	uint64_t before = first_kills;
	for (unsigned workers = 1; workers <= 4 && faultless(); workers *= 2) {
		run_setting((struct setting){scene, workers, false, NULL});
		run_setting((struct setting){scene, workers, true, NULL});
	}
	printf("scene %2d, %-28s %6" PRIu64 " kills at points\n", scene, kind_names[scenes[scene].job.kind],
	       first_kills - before);
}

/* ---- The program ---- */

static const char help[] = "points - kills workers at the numbered points of the engine, and judges every job\n"
                           "  --share N   per cent of the cases, chosen by the seed, and of pairs a twentieth of that "
                           "(default 8, 3 under sanitizers;\n"
                           "              100: all but of pairs; 0: all, which takes half an hour)\n"
                           "  --scene N   only this one (default: all)\n"
                           "  --seed N    (default: the clock)\n"
                           "  --list      says how often a kill was at each point\n";

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
	        {"share", required_argument, NULL, 'p'}, {"scene", required_argument, NULL, 'c'},
	        {"seed", required_argument, NULL, 's'},  {"list", no_argument, NULL, 'l'},
	        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
	options.seed = (uint64_t)time(NULL);
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (option == 'p') {
			options.share = number_option("points", "share", optarg, 0, 100);
		} else if (option == 'c') {
			options.scene = (int)number_option("points", "scene", optarg, 0, SCENES - 1);
		} else if (option == 's') {
			options.seed = number_option("points", "seed", optarg, 0, UINT64_MAX);
		} else if (option == 'l') {
			options.list = true;
		} else {
			fputs(help, option == 'h' ? stdout : stderr);
			exit(option == 'h' ? EXIT_SUCCESS : 2);
		}
	}
}

/* Returns how many points were never hit. */
static unsigned list_points(void)
{
	unsigned missed = 0;
	for (int point = 0; point < KILL_POINT_COUNT; point++) {
		uint64_t hits = control->hit[point];
		missed += hits == 0;
		if (options.list || (hits == 0 && options.scene < 0))
			printf("%2d %-16s %6" PRIu64 " kills: %s\n", point, point_names[point], hits,
			       point_texts[point]);
	}
	return options.scene < 0 ? missed : 0;
}

int main(int argc, char **argv)
{
	uint64_t begun = now_ns();
	read_options(argc, argv);
	need_processes();
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("points --share %" PRIu64 " --seed %" PRIu64 "\n", options.share, options.seed);
	make_evidence();
	control = shared_memory(sizeof *control);
	control->owner = getpid();
	control->stage = 2;
	task_hook = die_if_asked;
	seen->hook_at = DIES_AT;
	signal(SIGALRM, tell_hang);
	for (int scene = 0; scene < SCENES && faultless(); scene++)
		if (options.scene < 0 || options.scene == scene)
			run_scene(scene);
	static const enum kind kinds[] = {MAP, RANGE_AT, RANGE, FOLD_AT};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && faultless(); i++) {
		end_in_the_last_instant(kinds[i]);
		die_before_the_limit(kinds[i]);
		cancel_in_the_last_instant(kinds[i], false);
		cancel_in_the_last_instant(kinds[i], true);
	}
	for (size_t i = 0; i < 3 && faultless(); i++)
		take_each_at_once(kinds[i]);
	for (size_t window = 1; window <= 64 && faultless(); window *= 4) {
		terminate_in_a_stream(STREAM, window);
		terminate_in_a_stream(UNORDERED_STREAM, window);
	}
	unsigned missed = list_points();
	printf("%" PRIu64 " jobs, %" PRIu64 " kills at a point, %" PRIu64 " at a second one, %u of %d points missed, "
	       "%.1f s, %" PRIu64 " jobs waited for a heartbeat: lost %" PRIu64 ", doubled %" PRIu64 ", wrong %" PRIu64
	       "\n",
	       runs, first_kills, second_kills, missed, KILL_POINT_COUNT, (double)(now_ns() - begun) / 1e9, stalled,
	       verdict.lost, verdict.doubled, verdict.wrong);
	if (stalled > runs / 20)
		printf("too many: a wake-up is lost\n");
	return faultless() && missed == 0 && stalled <= runs / 20 ? EXIT_SUCCESS : EXIT_FAILURE;
}
