/*
 * plot.c - speed-up over workers, drawn by gnuplot as SVG or PNG.
 *
 * gnuplot reads its script from a file without a name and writes to the descriptor it is given, so no name is
 * ever quoted for it, and the picture appears when it is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "race.h"

extern char **environ;

static const char *ending(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot ? dot + 1 : "";
}

/* Returns 0, or -1 with what went wrong in `why`. */
static int run_gnuplot(int in, int out, const char *argument, const char **why)
{
	char name[] = "gnuplot", option[16];
	char *const words[] = {name, option, NULL};
	posix_spawn_file_actions_t actions;
	int error, status = -1;
	pid_t child;

	snprintf(option, sizeof option, "%s", argument);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	error = posix_spawnp(&child, name, &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	while (error == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	*why = error ? strerror(error) : "it has failed";
	return error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int has_gnuplot(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), failed;
	const char *why;

	if (null < 0)
		return 0;
	failed = run_gnuplot(null, null, "--version", &why);
	close(null);
	return !failed;
}

int plot_possible(const char *file)
{
	if (strcmp(ending(file), "svg") != 0 && strcmp(ending(file), "png") != 0)
		complain("--plot: '%s' does not end in .svg or .png", file);
	else if (!has_gnuplot())
		complain("--plot: '%s' is drawn by gnuplot, which cannot be run here (on Debian: apt-get install "
		         "gnuplot-nox)",
		         file);
	else
		return 0;
	return -1;
}

/* A title is between double quotes, where gnuplot would take what a backslash or ` begins as its own. */
static void print_title(const char *what, FILE *script)
{
	fputs("set title \"Speed-up: ", script);
	for (; *what; what++)
		putc(strchr("\"\\`", *what) || (unsigned char)*what < ' ' ? '?' : *what, script);
	fputs("\" noenhanced\n", script);
}

static void print_data(const struct race *race, int backend, FILE *script)
{
	fprintf(script, "$%s << END\n", backend_name(backend));
	for (size_t i = 1; i < race->count; i++) {
		const struct contender *one = &race->contenders[i];
		if (one->backend == backend)
			fprintf(script, "%u %.6g %.6g %.6g\n", one->workers, one->speed_up.median, one->speed_up.low,
			        one->speed_up.high);
	}
	fputs("END\n", script);
}

static int has(const struct race *race, int backend)
{
	for (size_t i = 1; i < race->count; i++)
		if (race->contenders[i].backend == backend)
			return 1;
	return 0;
}

static void print_curve(const struct race *race, int backend, const char *colour, FILE *script)
{
	if (!has(race, backend))
		return;
	fprintf(script,
	        ", $%s using 1:2:3:4 with yerrorbars pt 7 lw 1.5 lc rgb '%s' notitle"
	        ", $%s using 1:2 with linespoints pt 7 lw 2 lc rgb '%s' title '%s'",
	        backend_name(backend), colour, backend_name(backend), colour, backend_name(backend));
}

static void print_script(const struct race *race, const char *what, const char *format, FILE *script)
{
	unsigned workers = race->work.workers;
	char first[64];

	fprintf(script, "set terminal %s size 900,600 font 'sans,13' background '#ffffff'\n",
	        strcmp(format, "png") == 0 ? "pngcairo" : "svg");
	print_title(what, script);
	print_data(race, FORKPOOL_THREADS, script);
	print_data(race, FORKPOOL_PROCESSES, script);
	fprintf(script,
	        "set xlabel 'workers'\nset ylabel 'times as fast as %s'\n"
	        "set xrange [0.5:%u + 0.5]\nset yrange [0:*]\nset offsets 0, 0, graph 0.05, 0\n%s"
	        "set border 3 lc rgb '#666666'\nset tics nomirror\nset grid ytics lc rgb '#dddddd'\n"
	        "set key outside bottom center horizontal\nset samples 1000\n"
	        "plot (x < %u ? x : %u) with lines dt 2 lw 2 lc rgb '#c03020' title 'perfect'",
	        race_name(race->contenders, first, sizeof first), workers,
	        workers <= 16 ? "set xtics 1\n" : "set logscale x 2\n", race->cpus, race->cpus);
	print_curve(race, FORKPOOL_THREADS, "#d9822b", script);
	print_curve(race, FORKPOOL_PROCESSES, "#1f5fa8", script);
	fputc('\n', script);
}

int plot_draw(const struct race *race, const char *what, struct output *output)
{
	FILE *script = tmpfile();
	const char *why = "no temporary file";
	int failed = 1;

	if (script) {
		print_script(race, what, ending(output->name), script);
		rewind(script);
		failed = run_gnuplot(fileno(script), output->fd, "-", &why);
		fclose(script);
	}
	if (failed)
		complain("%s cannot be drawn by gnuplot: %s", output->name, why);
	return failed ? -1 : 0;
}
