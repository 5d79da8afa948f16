/*
 * test_terminal.c - Ctrl-C in a terminal.
 *
 * A pseudo-terminal, a process that leads its session as a shell does, and a program in its foreground group,
 * workers and all: the terminal sends SIGINT to each of them.  The shell stays until the end, so that it is
 * not the terminal's hanging up that ends stragglers.
 */
#include "config.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { WORKERS = 3, LINES = 100000, ENOUGH_LINES = 40, TASKS = 400 };

static struct stage {
	_Atomic int32_t program, workers[WORKERS];
	_Atomic uint32_t started, begun, signals, right;
	_Atomic uint32_t reported, release; /* the shell's: the program has ended; it may end */
	int status;                         /* of the program */
} * stage;

static const char command[] = FORKPOOL_BUILD "/forkpool";
static const char plugin[] = FORKPOOL_BUILD "/tests/cli/.libs/plugin.so:wait";

/* ---- Programs ------------------------------------------------------------------------- */

static int register_worker(unsigned worker, void **state, void *arg)
{
	(void)state;
	(void)arg;
	stage->workers[worker] = getpid();
	atomic_fetch_add(&stage->started, 1);
	return 0;
}

static forkpool *open_pool(void)
{
	forkpool *pool = NULL;
	if (forkpool_create(&pool, &(forkpool_config){.workers = WORKERS, .initializer = register_worker}) != 0)
		_exit(99);
	return pool;
}

static int say_line(size_t index, void *ctx)
{
	(void)ctx;
	printf("task %06zu is at work\n", index);
	atomic_fetch_add(&stage->begun, 1);
	usleep(1000);
	return 0;
}

/* It has no idea of signals. */
static void talk(void)
{
	forkpool_for(open_pool(), say_line, LINES, &(forkpool_opts){.chunk = 3});
}

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&stage->signals, 1);
}

static int work(const void *item, void *result, void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&stage->begun, 1);
	usleep(2000);
	*(uint32_t *)result = *(const uint32_t *)item + 1;
	return 0;
}

/* It handles SIGINT, and goes on. */
static void go_on(void)
{
	uint32_t items[TASKS], results[TASKS], right = 0;
	struct sigaction action = {.sa_handler = count_signal}; /* without SA_RESTART */
	sigaction(SIGINT, &action, NULL);
	forkpool *pool = open_pool();
	for (uint32_t i = 0; i < TASKS; i++)
		items[i] = i;
	int returned = FORKPOOL_MAP(pool, work, items, results, TASKS, NULL);
	for (uint32_t i = 0; i < TASKS; i++)
		right += results[i] == i + 1;
	stage->right = returned == 0 && right == TASKS;
	forkpool_destroy(pool);
}

static char directory[] = "/tmp/forkpool-test-XXXXXX";

static void be_command(void)
{
	if (chdir(directory) == 0)
		execl(command, "forkpool", "map", "--workers", "3", "-o", "result", plugin, "items", (char *)NULL);
}

/* ---- The terminal ----------------------------------------------------------------------- */

/* Leads the session, and puts the program in the foreground. */
_Noreturn static void be_shell(void (*program)(void))
{
	signal(SIGTTOU, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		tcsetpgrp(STDIN_FILENO, getpid());
		signal(SIGTTOU, SIG_DFL);
		signal(SIGINT, SIG_DFL); /* libcheck has a handler of its own */
		program();
		fflush(stdout);
		_exit(0);
	}
	stage->program = pid;
	waitpid(pid, &stage->status, 0);
	atomic_store(&stage->reported, 1);
	wait_for(&stage->release, 1);
	_exit(0);
}

struct terminal {
	int master;
	pid_t shell;
	char *text; /* all that was written to it, so far */
	size_t length, size;
};

static struct terminal open_terminal(void (*program)(void))
{
	struct terminal terminal = {.size = 1 << 22};
	struct termios plain = {.c_cflag = CREAD | CS8, .c_lflag = ISIG | ICANON, .c_cc[VINTR] = 3};
	terminal.text = malloc(terminal.size);
	ck_assert_ptr_nonnull(terminal.text);
	fflush(stdout);
	terminal.shell = forkpty(&terminal.master, NULL, &plain, NULL);
	if (terminal.shell == 0)
		be_shell(program);
	ck_assert_int_gt(terminal.shell, 0);
	return terminal;
}

/* Reads what comes within some milliseconds. */
static void read_terminal(struct terminal *terminal, int milliseconds)
{
	struct pollfd ready = {.fd = terminal->master, .events = POLLIN};
	while (poll(&ready, 1, milliseconds) > 0 && (ready.revents & POLLIN) != 0) {
		ssize_t count = read(terminal->master, terminal->text + terminal->length,
		                     terminal->size - terminal->length - 1);
		if (count <= 0)
			return;
		terminal->length += (size_t)count;
		milliseconds = 0;
	}
}

/* Goes on reading until *word is at least `least`, as a terminal does. */
static void read_until(struct terminal *terminal, const _Atomic uint32_t *word, uint32_t least)
{
	for (int i = 0; i < 60000 && atomic_load(word) < least; i++)
		read_terminal(terminal, 1);
	ck_assert_uint_ge(*word, least);
}

static void press_ctrl_c(const struct terminal *terminal)
{
	ck_assert_int_eq(write(terminal->master, "\003", 1), 1);
}

static void close_terminal(struct terminal *terminal)
{
	read_terminal(terminal, 50);
	terminal->text[terminal->length] = '\0';
	atomic_store(&stage->release, 1);
	ck_assert_int_eq(waitpid(terminal->shell, NULL, 0), terminal->shell);
	close(terminal->master);
}

/* ---- Tests --------------------------------------------------------------------------------- */

static void set_stage(void)
{
	stage = evidence(sizeof *stage);
}

/* Whole lines, each task's at most once. */
static void check_lines(const char *text)
{
	static unsigned char seen[LINES];
	const char *at = text;
	size_t index, lines = 0;
	for (; *at != '\0'; at = strchr(at, '\n') + 1, lines++) {
		int length = 0;
		ck_assert_msg(sscanf(at, "task %6zu is at work%n", &index, &length) == 1 && at[length] == '\n',
		              "line %zu is torn: %.40s", lines, at);
		ck_assert_uint_lt(index, LINES);
		ck_assert_msg(seen[index]++ == 0, "line %zu comes twice", index);
	}
	ck_assert_uint_ge(lines, ENOUGH_LINES);
}

START_TEST(ctrl_c_ends_a_program)
{
	set_stage();
	struct terminal terminal = open_terminal(talk);
	read_until(&terminal, &stage->begun, ENOUGH_LINES);
	press_ctrl_c(&terminal);
	read_until(&terminal, &stage->reported, 1);
	ck_assert(WIFSIGNALED(stage->status));
	ck_assert_int_eq(WTERMSIG(stage->status), SIGINT);
	for (int i = 0; i < WORKERS; i++)
		ck_assert_msg(wait_dead(stage->workers[i]), "worker %d is a straggler", i);
	close_terminal(&terminal);
	ck_assert_uint_lt(stage->begun, LINES);
	check_lines(terminal.text);
	free(terminal.text);
}
END_TEST

START_TEST(ctrl_c_does_not_disturb_a_program_that_handles_it)
{
	set_stage();
	struct terminal terminal = open_terminal(go_on);
	for (uint32_t i = 1; i <= 3; i++) {
		read_until(&terminal, &stage->begun, 20 * i);
		press_ctrl_c(&terminal);
		read_until(&terminal, &stage->signals, i);
	}
	ck_assert_uint_lt(stage->begun, TASKS); /* it was in the middle of it */
	read_until(&terminal, &stage->reported, 1);
	ck_assert_int_eq(stage->status, 0);
	ck_assert_uint_eq(stage->right, 1);
	ck_assert_uint_eq(stage->started, WORKERS); /* no worker was replaced */
	close_terminal(&terminal);
	free(terminal.text);
}
END_TEST

/* Processes whose parent is `parent`, and that one. */
static int find_family(pid_t parent, pid_t *pids, int most)
{
	int count = 0;
	DIR *dir = opendir("/proc");
	for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		char path[300], line[512] = "";
		int ppid = 0, pid = atoi(entry->d_name);
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		FILE *file = pid > 0 ? fopen(path, "r") : NULL;
		if (file == NULL)
			continue;
		const char *end = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
		fclose(file);
		if (end != NULL && sscanf(end + 1, " %*c %d", &ppid) == 1 && (ppid == parent || pid == parent) &&
		    count < most)
			pids[count++] = pid;
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

static void write_items(void)
{
	char path[100];
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/items", directory);
	FILE *items = fopen(path, "w");
	ck_assert_ptr_nonnull(items);
	for (int i = 0; i < 10000; i++)
		fputs("100\n", items); /* milliseconds */
	fclose(items);
}

/* Files in the directory; of "items" it is known that it is there. */
static int count_files(void)
{
	int count = 0;
	DIR *dir = opendir(directory);
	ck_assert_ptr_nonnull(dir);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.' && strcmp(entry->d_name, "items") != 0;
	closedir(dir);
	return count;
}

static void remove_items(void)
{
	char path[100];
	snprintf(path, sizeof path, "%s/items", directory);
	unlink(path);
	rmdir(directory);
}

START_TEST(ctrl_c_ends_the_command)
{
	enum { MOST = 20 };
	pid_t pids[MOST];
	int count = 0;
	set_stage();
	write_items();
	struct terminal terminal = open_terminal(be_command);
	for (int i = 0; i < 60000 && count < 1 + WORKERS && !stage->reported; i++) {
		read_terminal(&terminal, 1);
		count = stage->program > 0 && count_files() > 0 ? find_family(stage->program, pids, MOST) : 0;
	}
	ck_assert_int_eq(count, 1 + WORKERS);
	press_ctrl_c(&terminal);
	read_until(&terminal, &stage->reported, 1);
	close_terminal(&terminal);
	ck_assert_msg(WIFSIGNALED(stage->status) && WTERMSIG(stage->status) == SIGINT, "status %#x", stage->status);
	for (int i = 0; i < count; i++)
		ck_assert_msg(wait_dead(pids[i]), "process %d is a straggler", (int)pids[i]);
	ck_assert_int_eq(count_files(), 0);
	remove_items();
	free(terminal.text);
}
END_TEST

int main(void)
{
	need_processes();
	Suite *suite = suite_create("terminal");
	TCase *interrupts = test_case(suite, "ctrl-c");
	tcase_add_test(interrupts, ctrl_c_ends_a_program);
	tcase_add_test(interrupts, ctrl_c_does_not_disturb_a_program_that_handles_it);
	tcase_add_test(interrupts, ctrl_c_ends_the_command);
	return run_suite(suite);
}
