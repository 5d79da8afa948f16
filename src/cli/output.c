/*
 * output.c - the results, in the order of the items.
 *
 * A file is written under another name beside its place and renamed when it is complete;
 * until then a signal that ends the command removes it.  So nobody finds half a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"

enum { BUFFER = 1 << 16 };

/* What a signal has to remove, and in which process: workers inherit the handler. */
static const char *volatile doomed;
static volatile pid_t owner;

static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGTERM, SIGXCPU,
                              SIGXFSZ, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT};
enum { SIGNALS = sizeof signals / sizeof *signals };

/* The action is reset here and not by SA_RESETHAND: with that, a second signal (as from
 * timeout(1)) could end the process before the first one's handler begins. */
static void remove_and_end(int number)
{
	if (doomed && owner == getpid())
		unlink(doomed);
	signal(number, SIG_DFL);
	raise(number); /* takes effect when this returns */
}

static void watch_signals(void)
{
	struct sigaction action, old;

	memset(&action, 0, sizeof action);
	action.sa_handler = remove_and_end;
	sigfillset(&action.sa_mask);
	for (int i = 0; i < SIGNALS; i++) {
		if (sigaction(signals[i], &action, &old) == 0 && old.sa_handler == SIG_IGN)
			sigaction(signals[i], &old, NULL);
	}
}

/* Creates the file that will be renamed; no signal may come between that and its name
 * being known. */
static int create_temporary(char *name)
{
	sigset_t all, mask;
	int fd, error;

	owner = getpid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	fd = mkostemp(name, O_CLOEXEC);
	error = errno;
	if (fd >= 0)
		doomed = name;
	watch_signals();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	errno = error;
	return fd;
}

/* The permissions of a file that is replaced are kept. */
static mode_t permissions(const struct stat *old)
{
	mode_t mask;

	if (old)
		return old->st_mode & 07777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

static int open_beside(struct output *output, const char *file, const struct stat *old)
{
	/* A link is followed: what it points to is replaced. */
	output->target = old ? realpath(file, NULL) : strdup(file);
	if (!output->target || asprintf(&output->temporary, "%s.XXXXXX", output->target) < 0) {
		output->temporary = NULL;
		complain("no memory for the name %s", file);
		return -1;
	}
	output->fd = create_temporary(output->temporary);
	if (output->fd < 0) {
		complain("%s: a temporary file beside it cannot be made: %s", file, strerror(errno));
		return -1;
	}
	if (fchmod(output->fd, permissions(old)) == 0)
		return 0;
	complain("%s: its permissions cannot be set: %s", file, strerror(errno));
	return -1;
}

/* A device or a pipe cannot be replaced; it is written to. */
static int open_directly(struct output *output, const char *file)
{
	output->fd = open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (output->fd >= 0)
		return 0;
	complain("%s cannot be opened: %s", file, strerror(errno));
	return -1;
}

int output_open(struct output *output, const char *file)
{
	struct stat status;
	int there = file && stat(file, &status) == 0;

	*output = (struct output){.fd = STDOUT_FILENO, .name = file ? file : "standard output"};
	output->buffer = malloc(BUFFER);
	if (!output->buffer) {
		complain("no memory for the output");
		return -1;
	}
	if (!file)
		return 0;
	if (there && !S_ISREG(status.st_mode))
		return open_directly(output, file);
	return open_beside(output, file, there ? &status : NULL);
}

static int cannot_write(const struct output *output)
{
	complain("%s cannot be written: %s", output->name, strerror(errno));
	return -1;
}

/* Returns 0 or -1 with errno. */
static int write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		ssize_t written = write(fd, next, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		next += written;
		size -= (size_t)written;
	}
	return 0;
}

static int flush(struct output *output)
{
	if (write_all(output->fd, output->buffer, output->used) != 0)
		return cannot_write(output);
	output->used = 0;
	return 0;
}

int output_close(struct output *output)
{
	int fd = output->fd;

	if (flush(output))
		return -1;
	output->fd = -1;
	if (close(fd) != 0)
		return cannot_write(output);
	if (output->target && rename(output->temporary, output->target) != 0)
		return cannot_write(output);
	doomed = NULL;
	free(output->temporary);
	output->temporary = NULL;
	return 0;
}

void output_discard(struct output *output)
{
	if (output->fd > STDERR_FILENO)
		close(output->fd);
	if (doomed)
		unlink(doomed);
	doomed = NULL;
	free(output->temporary);
	free(output->target);
	free(output->buffer);
}

static void put(struct output *output, const char *text, size_t size)
{
	memcpy(output->buffer + output->used, text, size);
	output->used += size;
}

static int put_result(struct output *output, const struct function *function, const char *values, int succeeded)
{
	const struct number *number = function->result;

	for (size_t k = 0; k < function->plugin.result_length; k++) {
		if (output->used + NUMBER_TEXT + 1 > BUFFER && flush(output))
			return -1;
		if (succeeded)
			output->used += number->print(values + k * number->size, output->buffer + output->used);
		else
			put(output, number->missing, strlen(number->missing));
		put(output, k + 1 < function->plugin.result_length ? " " : "\n", 1);
	}
	return 0;
}

int output_bytes(struct output *output, const void *bytes, size_t size)
{
	return write_all(output->fd, bytes, size) ? cannot_write(output) : 0;
}

int output_text(struct output *output, const struct function *function, const char *results, size_t count,
                const int32_t *status)
{
	for (size_t i = 0; i < count; i++)
		if (put_result(output, function, results + i * function->result_size, status[i] == 0))
			return -1;
	return 0;
}

int output_binary(struct output *output, const struct function *function, char *results, size_t count,
                  const int32_t *status)
{
	for (size_t i = 0; i < count; i++)
		if (status[i] != 0)
			memset(results + i * function->result_size, 0, function->result_size);
	return output_bytes(output, results, count * function->result_size);
}
