/*
 * contender - starts peers, asks them, stops them while others are asked, and ends them.
 */
#include "contender.h"

#include "family.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 120000, FAREWELL = 10000, MOST_WORDS = 32 }; /* milliseconds for an answer; for an end in order */

/* Whoever runs the comparison may have set what would make one of them something else. */
static void forget_settings(void)
{
	static const char *const prefixes[] = {"FORKPOOL_", "OMP_", "GOMP_", "KMP_"};
	for (char **at = environ; at && *at;) {
		char name[128];
		bool is_setting = false;
		for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
			is_setting |= strncmp(*at, prefixes[i], strlen(prefixes[i])) == 0;
		if (is_setting && sscanf(*at, "%127[^=]", name) == 1 && unsetenv(name) == 0)
			at = environ;
		else
			at++;
	}
}

/* In the child: becomes the peer, in a group of its own, so that a ^C at the terminal is the driver's affair.  If the
 * driver dies, the peer's input ends, and it is let go to see that; the kernel does the same, with a SIGHUP, for a
 * group that is stopped. */
static _Noreturn void become(const struct contender_kind *kind, unsigned workers, int in, int out)
{
	char command[1024], number[16], option[] = "--workers", *words[MOST_WORDS];
	int count = 0;
	snprintf(command, sizeof command, "%s", kind->command);
	snprintf(number, sizeof number, "%u", workers);
	for (char *word = strtok(command, " "); word && count < MOST_WORDS - 3; word = strtok(NULL, " "))
		words[count++] = word;
	words[count++] = option;
	words[count++] = number;
	words[count] = NULL;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGCONT);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	forget_settings();
	if (kind->environment) {
		static char environment[256];
		snprintf(environment, sizeof environment, "%s", kind->environment);
		putenv(environment);
	}
	execvp(words[0], words);
	_exit(127);
}

/* One line of what it says, without its end.  False: it said nothing in time, or is gone. */
static bool hear(struct contender *contender, char *line, size_t size)
{
	struct pollfd poll_from = {fileno(contender->from), POLLIN, 0};
	if (poll(&poll_from, 1, PATIENCE) <= 0 || /* interrupted: so is the whole run */
	    !fgets(line, (int)size, contender->from))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

/* Whether it is ready; what it is, or why it is not, is noted. */
static bool greet(struct contender *contender)
{
	char line[512], package[128];
	int text = 0;
	if (!hear(contender, line, sizeof line)) {
		snprintf(contender->missing, sizeof contender->missing, "does not start; it needs %s",
		         contender->kind->package);
		return false;
	}
	if (sscanf(line, "missing %127s %n", package, &text) == 1) {
		snprintf(contender->missing, sizeof contender->missing, "%.100s: apt-get install %s", line + text,
		         package);
		return false;
	}
	if (strncmp(line, "ready ", 6) != 0) {
		snprintf(contender->missing, sizeof contender->missing, "says \"%.100s\"", line);
		return false;
	}
	snprintf(contender->version, sizeof contender->version, "%.250s", line + 6);
	return true;
}

bool contender_start(struct contender *contender, const struct contender_kind *kind, unsigned workers)
{
	int to[2], from[2];
	*contender = (struct contender){.kind = kind, .workers = workers};
	if (pipe2(to, O_CLOEXEC) != 0) {
		snprintf(contender->missing, sizeof contender->missing, "no pipe: %s", strerror(errno));
		return false;
	}
	if (pipe2(from, O_CLOEXEC) != 0) {
		snprintf(contender->missing, sizeof contender->missing, "no pipe: %s", strerror(errno));
		close(to[0]);
		close(to[1]);
		return false;
	}
	fflush(NULL);
	contender->pid = fork();
	if (contender->pid == 0)
		become(kind, workers, to[0], from[1]);
	if (contender->pid < 0)
		snprintf(contender->missing, sizeof contender->missing, "no process: %s", strerror(errno));
	close(to[0]);
	close(from[1]);
	contender->to = fdopen(to[1], "w");
	contender->from = fdopen(from[0], "r");
	if (contender->pid > 0 && greet(contender)) {
		contender_stop(contender);
		return true;
	}
	contender_end(contender);
	return false;
}

void contender_wake(struct contender *contender)
{
	if (contender->pid > 0 && contender->is_stopped)
		family_signal(contender->pid, SIGCONT);
	contender->is_stopped = false;
}

void contender_stop(struct contender *contender)
{
	if (contender->pid > 0 && !contender->is_stopped)
		family_signal(contender->pid, SIGSTOP);
	contender->is_stopped = true;
}

double contender_ask(struct contender *contender, const char *work, size_t count, size_t chunk, char *text, size_t size)
{
	char line[512];
	double seconds;
	if (contender->pid <= 0) {
		snprintf(text, size, "%s", contender->missing);
		return -1;
	}
	fprintf(contender->to, "run %s %zu %zu\n", work, count, chunk);
	if (fflush(contender->to) != 0 || !hear(contender, line, sizeof line)) {
		snprintf(contender->missing, sizeof contender->missing, "gave no answer to: %.60s %zu %zu", work, count,
		         chunk);
		snprintf(text, size, "%s", contender->missing);
		contender_end(contender);
		return -1;
	}
	if (sscanf(line, "took %lf", &seconds) == 1 && seconds >= 0)
		return seconds;
	snprintf(text, size, "%s", line);
	return -1;
}

/* Whether it ended by itself, in time. */
static bool ends(pid_t pid)
{
	for (int waited = 0; waited < FAREWELL; waited++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return false;
}

/* Its input ends first: some pools have files and semaphores with names, which go only if they end in order. */
void contender_end(struct contender *contender)
{
	contender_wake(contender);
	if (contender->to)
		fclose(contender->to);
	if (contender->pid > 0 && !ends(contender->pid)) {
		family_signal(contender->pid, SIGKILL);
		while (waitpid(contender->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (contender->from)
		fclose(contender->from);
	contender->to = contender->from = NULL;
	contender->pid = 0;
}
