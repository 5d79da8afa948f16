/*
 * costs - what single steps cost on this machine: atomic operations on a cache line of one's own and on one that
 * another CPU has just written, waking a process, page faults, fork, and what the library does for a chunk and for a
 * job where nobody shares anything (its serial backend).  These feed the simulation of many workers (simulate.c).
 *
 * Prints a line `name nanoseconds` each, the median of many short rounds: some are disturbed where others are at work.
 * What needs two CPUs is left out where there is one, and a line on stderr says so.
 */
#include "../bench.h"

#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 41, OPERATIONS = 5000, HOPS = 300, SCAN_LINES = 1024, WAKES = 20, PAGES = 512, FORKS = 5, LINE = 64 };

/* Shared by both processes; each member begins a cache line. */
struct shared {
	_Alignas(LINE) _Atomic uint64_t words[2 * LINE / 8];
	_Alignas(LINE) _Atomic uint64_t turn;
	_Alignas(LINE) _Atomic uint64_t go;
	_Alignas(LINE) sem_t ping;
	_Alignas(LINE) sem_t pong;
	_Alignas(LINE) _Atomic uint64_t moment; /* nanoseconds */
	_Alignas(2 * LINE) _Atomic uint64_t scanned[SCAN_LINES][LINE / 8];
};

static struct shared *shared;

static double now_ns(void)
{
	return bench_now() * 1e9;
}

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("costs: shared memory");
		exit(2);
	}
	return memory;
}

/* ---- Rounds ---- */

typedef double measurement(void);

static void report(const char *name, measurement *measure)
{
	double values[ROUNDS];
	for (int i = 0; i < ROUNDS; i++)
		values[i] = measure();
	printf("%s %.3f\n", name, bench_spread(values, ROUNDS).median);
	fflush(stdout);
}

/* ---- Two processes ---- */

static cpu_set_t cpus; /* that this program may use */

/* The k-th of them. */
static void bind_to(int k)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus) && k-- == 0) {
			cpu_set_t one;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof one, &one);
			return;
		}
}

/* Runs `there` in a process on the second CPU; returns its id. */
static pid_t start(void (*there)(void))
{
	fflush(stdout);
	atomic_store(&shared->go, 0);
	atomic_store(&shared->turn, 0);
	pid_t child = fork();
	if (child < 0) {
		perror("costs: fork");
		exit(2);
	}
	if (child == 0) {
		bind_to(1);
		atomic_store(&shared->go, 1);
		there();
		_exit(0);
	}
	while (atomic_load(&shared->go) == 0)
		sched_yield();
	return child;
}

static void finish(pid_t child)
{
	waitpid(child, NULL, 0);
}

static void finish_endless(pid_t child)
{
	kill(child, SIGKILL);
	finish(child);
}

/* ---- One CPU ---- */

static double load_own(void)
{
	uint64_t sum = 0;
	double begin = now_ns();
	for (int i = 0; i < OPERATIONS; i++)
		sum += atomic_load(&shared->words[0]);
	double took = now_ns() - begin;
	atomic_store(&shared->moment, sum);
	return took / OPERATIONS;
}

static double store_own(void)
{
	double begin = now_ns();
	for (uint64_t i = 0; i < OPERATIONS; i++)
		atomic_store_explicit(&shared->words[0], i, memory_order_release);
	return (now_ns() - begin) / OPERATIONS;
}

static double swaps_of(_Atomic uint64_t *word, int count)
{
	double begin = now_ns();
	for (int i = 0; i < count; i++) {
		uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
		atomic_compare_exchange_strong(word, &old, old + 1);
	}
	return (now_ns() - begin) / count;
}

static double swap_own(void)
{
	return swaps_of(&shared->words[0], OPERATIONS);
}

static double clock_read(void)
{
	double begin = now_ns();
	for (int i = 0; i < OPERATIONS; i++)
		now_ns();
	return (now_ns() - begin) / OPERATIONS;
}

static double relax(void)
{
	double begin = now_ns();
	for (int i = 0; i < OPERATIONS; i++)
#if defined __x86_64__ || defined __i386__
		__builtin_ia32_pause();
#elif defined __aarch64__
		__asm__ volatile("yield");
#else
		atomic_signal_fence(memory_order_seq_cst);
#endif
	return (now_ns() - begin) / OPERATIONS;
}

static double post(void)
{
	sem_t semaphore;
	sem_init(&semaphore, 1, 0);
	double begin = now_ns();
	for (int i = 0; i < OPERATIONS; i++)
		sem_post(&semaphore);
	return (now_ns() - begin) / OPERATIONS;
}

/* First touch of shared memory that has pages already (`again`), or not yet. */
static double faults(bool again)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = page * PAGES;
	char *memory = share(size), *other = memory;
	if (again) {
		memset(memory, 1, size);
		other = mremap(memory, 0, size, MREMAP_MAYMOVE); /* the same pages, mapped anew */
		if (other == MAP_FAILED)
			exit(2);
	}
	double begin = now_ns();
	for (size_t at = 0; at < size; at += page)
		*(volatile char *)(other + at) = 2;
	double took = now_ns() - begin;
	munmap(memory, size);
	if (again)
		munmap(other, size);
	return took / PAGES;
}

static double fault_fresh(void)
{
	return faults(false);
}

static double fault_mapped(void)
{
	return faults(true);
}

static double fork_wait(void)
{
	fflush(stdout);
	double begin = now_ns();
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	return (now_ns() - begin) / FORKS;
}

/* ---- Two CPUs: a line goes to and fro ---- */

static void take_turns(uint64_t mine)
{
	for (uint64_t i = mine; i < HOPS; i += 2) {
		while (atomic_load_explicit(&shared->turn, memory_order_acquire) != i)
			;
		atomic_store_explicit(&shared->turn, i + 1, memory_order_release);
	}
}

static void second_turns(void)
{
	take_turns(1);
}

/* There and halfway back: the reader fetches the line, and then makes it its own. */
static double hop(void)
{
	pid_t child = start(second_turns);
	double begin = now_ns();
	take_turns(0);
	while (atomic_load(&shared->turn) != HOPS)
		;
	double took = now_ns() - begin;
	finish(child);
	return took / HOPS;
}

static void swap_same(void)
{
	for (;; atomic_store(&shared->turn, 1))
		swaps_of(&shared->words[0], HOPS);
}

static void swap_neighbour(void)
{
	for (;; atomic_store(&shared->turn, 1))
		swaps_of(&shared->words[1], HOPS);
}

static double against(void (*there)(void))
{
	pid_t child = start(there);
	while (atomic_load(&shared->turn) == 0)
		sched_yield();
	double took = swaps_of(&shared->words[0], HOPS);
	finish_endless(child);
	return took;
}

static double swap_contended(void)
{
	return against(swap_same);
}

static double swap_neighbours(void)
{
	return against(swap_neighbour);
}

/* ---- Two CPUs: many lines that another has written, read in an order that is not foreseen ---- */

enum { SCAN_STEP = 389 };

static void write_lines(void)
{
	for (int i = 0; i < SCAN_LINES; i++)
		atomic_store(&shared->scanned[i][0], 1);
	atomic_store(&shared->turn, 1);
	for (;;)
		pause();
}

static double scan(void)
{
	uint64_t sum = 0;
	pid_t child = start(write_lines);
	while (atomic_load(&shared->turn) == 0)
		sched_yield();
	double begin = now_ns();
	for (int i = 0; i < SCAN_LINES; i++)
		sum += atomic_load(&shared->scanned[i * SCAN_STEP % SCAN_LINES][0]);
	double took = now_ns() - begin;
	finish_endless(child);
	atomic_store(&shared->moment, sum);
	return took / SCAN_LINES;
}

/* ---- Two CPUs: waking ---- */

static void sleep_and_note(void)
{
	for (int i = 0; i < WAKES; i++) {
		sem_wait(&shared->ping);
		atomic_store(&shared->moment, (uint64_t)now_ns());
		sem_post(&shared->pong);
	}
}

enum { LONG_US = 200 };

/* One round gives both: until the other one runs, which has slept for a while or has just fallen asleep, and what it
 * costs him who wakes. */
static void wakes(unsigned after_us, double *latency, double *cost)
{
	double latencies[WAKES], costs[WAKES];
	sem_init(&shared->ping, 1, 0);
	sem_init(&shared->pong, 1, 0);
	pid_t child = start(sleep_and_note);
	for (int i = 0; i < WAKES; i++) {
		if (after_us > 0)
			usleep(after_us);
		double begin = now_ns();
		sem_post(&shared->ping);
		costs[i] = now_ns() - begin;
		sem_wait(&shared->pong);
		latencies[i] = (double)atomic_load(&shared->moment) - begin;
	}
	finish(child);
	*latency = bench_spread(latencies, WAKES).median;
	*cost = bench_spread(costs, WAKES).median;
}

static double wake(void)
{
	double latency, cost;
	wakes(LONG_US, &latency, &cost);
	return latency;
}

static double wake_cost(void)
{
	double latency, cost;
	wakes(LONG_US, &latency, &cost);
	return cost;
}

static double wake_soon(void)
{
	double latency, cost;
	wakes(0, &latency, &cost);
	return latency;
}

static double wake_soon_cost(void)
{
	double latency, cost;
	wakes(0, &latency, &cost);
	return cost;
}

static int bell, epoll;

static void ring_bells(unsigned after_us)
{
	uint64_t one = 1;
	for (int i = 0; i < WAKES; i++) {
		sem_wait(&shared->ping);
		if (after_us > 0)
			usleep(after_us);
		atomic_store(&shared->moment, (uint64_t)now_ns());
		if (write(bell, &one, sizeof one) < 0)
			_exit(1);
	}
}

static void ring_late(void)
{
	ring_bells(LONG_US);
}

static void ring_soon(void)
{
	ring_bells(0);
}

/* From before the write to after epoll_wait(). */
static double bell_after(void (*there)(void))
{
	double values[WAKES];
	sem_init(&shared->ping, 1, 0);
	pid_t child = start(there);
	for (int i = 0; i < WAKES; i++) {
		struct epoll_event event;
		uint64_t rings;
		sem_post(&shared->ping);
		epoll_wait(epoll, &event, 1, -1);
		values[i] = now_ns() - (double)atomic_load(&shared->moment);
		if (read(bell, &rings, sizeof rings) < 0)
			exit(2);
	}
	finish(child);
	return bench_spread(values, WAKES).median;
}

static double bell_wake(void)
{
	return bell_after(ring_late);
}

static double bell_soon(void)
{
	return bell_after(ring_soon);
}

static double bell_cost(void)
{
	uint64_t one = 1;
	double begin = now_ns();
	for (int i = 0; i < WAKES; i++)
		if (write(bell, &one, sizeof one) < 0)
			exit(2);
	double took = now_ns() - begin;
	if (read(bell, &one, sizeof one) < 0)
		exit(2);
	return took / WAKES;
}

/* ---- The library, where nobody shares anything ---- */

static forkpool *serial;

static int no_task(size_t index, void *ctx)
{
	(void)index;
	(void)ctx;
	return 0;
}

static int no_result(const void *item, void *result, void *ctx)
{
	(void)item;
	(void)result;
	(void)ctx;
	return 0;
}

/* So many that their ledger is warm. */
enum { CHUNKS = 8000, MAPS = 25 };

static double chunk(void)
{
	forkpool_opts opts = {.chunk = 1};
	double begin = now_ns();
	for (int i = 0; i < MAPS; i++)
		forkpool_for(serial, no_task, CHUNKS, &opts);
	return (now_ns() - begin) / (MAPS * (double)CHUNKS);
}

static double job(void)
{
	double begin = now_ns();
	for (int i = 0; i < OPERATIONS / 10; i++)
		forkpool_apply(serial, no_result, NULL, 0, NULL, 0, NULL);
	return (now_ns() - begin) / (OPERATIONS / 10.0);
}

static void measure_one_cpu(void)
{
	report("load_own", load_own);
	report("store_own", store_own);
	report("swap_own", swap_own);
	report("clock", clock_read);
	report("pause", relax);
	report("post", post);
	report("fault_fresh", fault_fresh);
	report("fault_mapped", fault_mapped);
	report("fork_wait", fork_wait);
	report("bell_cost", bell_cost);
	report("chunk", chunk);
	report("job", job);
}

static void measure_two_cpus(void)
{
	report("hop", hop);
	report("swap_contended", swap_contended);
	report("swap_neighbours", swap_neighbours);
	report("scan", scan);
	report("wake", wake);
	report("wake_cost", wake_cost);
	report("wake_soon", wake_soon);
	report("wake_soon_cost", wake_soon_cost);
	report("bell_wake", bell_wake);
	report("bell_soon", bell_soon);
}

static void open_bell(void)
{
	bell = eventfd(0, 0);
	epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};
	if (bell < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, bell, &event) != 0) {
		perror("costs: a bell");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	shared = share(sizeof *shared);
	sched_getaffinity(0, sizeof cpus, &cpus);
	bind_to(0);
	open_bell();
	int error = forkpool_create(&serial, &(forkpool_config){.backend = FORKPOOL_SERIAL});
	if (error != 0) {
		fprintf(stderr, "costs: no pool: %s\n", forkpool_strerror(error));
		return 2;
	}
	measure_one_cpu();
	if (CPU_COUNT(&cpus) > 1)
		measure_two_cpus();
	else
		fprintf(stderr,
		        "costs: with one CPU the transfer of a line, contended operations, and waking cannot be "
		        "measured\n");
	forkpool_destroy(serial);
	return 0;
}
