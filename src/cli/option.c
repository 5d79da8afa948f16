/*
 * option.c - values on the command line: what is not allowed is named, with what is.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

static const char *const backends[] = {
        [FORKPOOL_PROCESSES] = "processes", [FORKPOOL_THREADS] = "threads", [FORKPOOL_SERIAL] = "serial"};
enum { BACKENDS = sizeof backends / sizeof *backends };

int option_number(const char *option, const char *text, unsigned long least, unsigned long most, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *number >= least && *number <= most)
		return 0;
	complain("%s: '%s' is not a whole number from %lu to %lu", option, text, least, most);
	return -1;
}

int option_size(const char *option, const char *text, size_t *size)
{
	static const char units[] = "KMG";
	char *end;
	unsigned long long number;
	int shift = 0;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*end != '\0' && strchr(units, *end))
		shift = 10 * (int)(strchr(units, *end++) - units + 1);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && number > 0 && number <= SIZE_MAX >> shift) {
		*size = (size_t)number << shift;
		return 0;
	}
	complain("%s: '%s' is not a whole number of bytes above 0, to which K, M or G may be added", option, text);
	return -1;
}

int option_seconds(const char *option, const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	if (end != text && *end == '\0' && *seconds > 0 && *seconds <= 1e9)
		return 0;
	complain("%s: '%s' is not a number of seconds above 0", option, text);
	return -1;
}

const char *backend_name(int backend)
{
	return backends[backend];
}

int option_backend(const char *option, const char *text, int *backend)
{
	for (int i = 0; i < BACKENDS; i++) {
		if (strcmp(text, backends[i]) == 0) {
			*backend = i;
			return 0;
		}
	}
	complain("%s: '%s' is not one of processes, threads, serial", option, text);
	return -1;
}

/* getopt prints nothing itself, so that all messages begin alike. */
int option_wrong(const char *subcommand, int option, char **argv)
{
	const char *word = argv[optind - 1];

	if (option == ':')
		complain("'%s' needs a value; see `forkpool %s --help`", word, subcommand);
	else if (optopt > 0 && optopt < OPTION_LONG)
		complain("'-%c' is not an option; see `forkpool %s --help`", optopt, subcommand);
	else if (optopt >= OPTION_LONG)
		complain("'%s': this option has no value; see `forkpool %s --help`", word, subcommand);
	else
		complain("'%s' is not an option; see `forkpool %s --help`", word, subcommand);
	return -1;
}
