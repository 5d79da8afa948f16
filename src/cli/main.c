/*
 * main.c - the command `forkpool`: finds the sub-command and lets it run.
 *
 * A new sub-command is one more line in the table.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "cli.h"

static const struct command *const commands[] = {&command_map, &command_bench};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find_command(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_usage(FILE *stream)
{
	fputs("Usage: forkpool COMMAND [ARGUMENT]...\n"
	      "Runs C functions on many items with a pool of worker processes.\n"
	      "\n"
	      "Commands:\n",
	      stream);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(stream, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("  help       explain a command: forkpool help COMMAND\n"
	      "\n"
	      "Options:\n"
	      "  --help     print this text\n"
	      "  --version  print the version of the library\n"
	      "\n"
	      "The manual: man forkpool\n",
	      stream);
}

static int no_such_command(const char *name)
{
	complain("'%s' is not a command; `forkpool --help` lists them", name);
	return EXIT_TROUBLE;
}

static int help(const char *name)
{
	const struct command *command = name ? find_command(name) : NULL;

	if (name && !command)
		return no_such_command(name);
	if (command)
		fputs(command->help, stdout);
	else
		print_usage(stdout);
	return finish_stdout();
}

static int version(void)
{
	printf("forkpool %s\n", forkpool_version());
	return finish_stdout();
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct command *command;

	signal(SIGCHLD, SIG_DFL); /* a parent may have left it ignored: then there is no wait() */
	complain_as("forkpool", NULL);
	if (!word) {
		print_usage(stderr);
		return EXIT_TROUBLE;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return version();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help(NULL);
	if (strcmp(word, "help") == 0)
		return help(argv[2]);
	command = find_command(word);
	if (!command)
		return no_such_command(word);
	complain_as("forkpool", command->name);
	return command->run(argc - 1, argv + 1);
}
