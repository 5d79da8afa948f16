/*
 * chart - a bar chart of speed-ups, drawn by gnuplot from a script on its standard input.
 * GNUPLOT is the path configure found, "no" if none.
 */
#include "chart.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void write_data(FILE *script, const struct chart_row *rows, size_t count)
{
	fputs("$data << END\n", script);
	for (size_t i = 0; i < count; i++)
		fprintf(script, "%s %.4f %.4f %.4f %.4f %.4f %.4f\n", rows[i].kernel, rows[i].threads.median,
		        rows[i].threads.low, rows[i].threads.high, rows[i].processes.median, rows[i].processes.low,
		        rows[i].processes.high);
	fputs("END\n", script);
}

static void write_style(FILE *script, const struct chart_row *rows, size_t count, unsigned workers)
{
	fprintf(script,
	        "set title \"{/=17 Speed-up over serial, %u workers}\\n"
	        "{/=11 median of the rounds; whiskers: slowest and fastest}\"\n"
	        "set style fill solid border lc rgb '#ffffff'\n"
	        "set boxwidth 0.36\n"
	        "set xrange [-0.6:%zu - 0.4]\n"
	        "set yrange [0:%u * 1.1]\n"
	        "set ytics nomirror\n"
	        "set xtics nomirror scale 0\n"
	        "set border 3 lc rgb '#666666'\n"
	        "set grid ytics lt 1 lc rgb '#dddddd'\n"
	        "set key outside bottom center horizontal\n"
	        "set ylabel 'times as fast as serial'\n",
	        workers, count, workers);
	for (size_t i = 0; i < count; i++)
		fprintf(script, "set xtics %s ('%s' %zu)\n", i ? "add" : "", rows[i].kernel, i);
}

/* Bars, whiskers and figures of one backend: columns `first` (median), +1 (low), +2 (high). */
static void write_bars(FILE *script, const char *title, int first, double shift, const char *colour)
{
	fprintf(script,
	        "$data using ($0 %+.2f):%d with boxes lc rgb '%s' title '%s', "
	        "$data using ($0 %+.2f):%d:(0):($%d - $%d) with vectors heads size graph 0.006,90 lw 1.5 lc rgb "
	        "'#333333' notitle, "
	        "$data using ($0 %+.2f):(0):(sprintf('%%.2f', $%d)) with labels offset 0,0.9 tc rgb '#ffffff' "
	        "notitle, ",
	        shift, first, colour, title, shift, first + 1, first + 2, first + 1, shift, first);
}

static void write_plot(FILE *script, const char *terminal, const char *ending, unsigned workers)
{
	fprintf(script, "set terminal %s\nset output 'speedup.%s'\nplot ", terminal, ending);
	write_bars(script, "threads", 2, -0.19, "#d9822b");
	write_bars(script, "processes", 5, 0.19, "#1f5fa8");
	fprintf(script, "%u with lines dt 2 lw 2 lc rgb '#c03020' title 'ideal'\n", workers);
}

int chart_write(const struct chart_row *rows, size_t count, unsigned workers)
{
	if (strcmp(GNUPLOT, "no") == 0)
		return -ENOENT;
	fflush(NULL);
	FILE *script = popen("'" GNUPLOT "' -", "w");
	if (!script)
		return -errno;
	write_data(script, rows, count);
	write_style(script, rows, count, workers);
	write_plot(script, "pngcairo size 1100,620 font 'sans,13' background '#ffffff'", "png", workers);
	write_plot(script, "svg size 1100,620 font 'sans,13' background '#ffffff'", "svg", workers);
	return pclose(script) == 0 ? 0 : -EIO;
}
