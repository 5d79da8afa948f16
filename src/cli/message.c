/*
 * message.c - how the command talks to its user on stderr.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cli.h"

static char prefix[64];

void complain_as(const char *command, const char *subcommand)
{
	snprintf(prefix, sizeof prefix, "%s%s%s: ", command, subcommand ? " " : "", subcommand ? subcommand : "");
}

void complain(const char *format, ...)
{
	char text[4096]; /* one write: several commands may share a stderr */
	size_t length;
	va_list args;

	va_start(args, format);
	length = (size_t)snprintf(text, sizeof text, "%s", prefix);
	vsnprintf(text + length, sizeof text - length - 1, format, args);
	va_end(args);
	length = strlen(text);
	text[length++] = '\n';
	fwrite(text, 1, length, stderr);
}

int finish_stdout(void)
{
	if (fflush(stdout) == 0)
		return 0;
	complain("standard output cannot be written: %s", strerror(errno));
	return EXIT_TROUBLE;
}
