/*
 * plot - gnuplot reads the script from its standard input.  GNUPLOT is the path configure found, "no" if none.
 */
#include "plot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void write_data(FILE *script, const struct panel *panels, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		fprintf(script, "$panel%zu << END\n", k);
		for (int i = 0; i < PLOT_POINTS; i++) {
			fprintf(script, "%d", 2 << i);
			for (size_t c = 0; c < panels[k].curves; c++)
				fprintf(script, " %.6g", panels[k].values[c][i]);
			fputs("\n", script);
		}
		fputs("END\n", script);
	}
}

static void write_panel(FILE *script, const struct panel *panel, size_t k)
{
	fprintf(script, "set title \"%s\"\nset ylabel '%s'\nplot ", panel->title, panel->unit);
	for (size_t c = 0; c < panel->curves; c++)
		fprintf(script, "$panel%zu using 1:%zu with linespoints lw 2 pt 7 ps 0.6 title '%s'%s", k, c + 2,
		        panel->names[c], c + 1 < panel->curves ? ", " : "\n");
}

static void write_plot(FILE *script, const struct panel *panels, size_t count, const char *terminal, const char *path)
{
	fprintf(script,
	        "set terminal %s\nset output '%s'\nset multiplot layout 1,%zu\n"
	        "set logscale x 2\nset xrange [2:1024]\nset yrange [0:*]\nset xtics 4 nomirror\nset ytics nomirror\n"
	        "set xlabel 'workers'\nset border 3 lc rgb '#666666'\nset grid ytics lt 1 lc rgb '#dddddd'\n"
	        "set key below\n",
	        terminal, path, count);
	for (size_t k = 0; k < count; k++)
		write_panel(script, &panels[k], k);
	fputs("unset multiplot\nset output\n", script);
}

int plot_write(const struct panel *panels, size_t count, const char *directory)
{
	char path[4096];
	if (strcmp(GNUPLOT, "no") == 0)
		return -ENOENT;
	fflush(NULL);
	FILE *script = popen("'" GNUPLOT "' -", "w");
	if (script == NULL)
		return -errno;
	write_data(script, panels, count);
	snprintf(path, sizeof path, "%s/scaling.png", directory);
	write_plot(script, panels, count, "pngcairo size 1440,480 font 'sans,11' background '#ffffff'", path);
	snprintf(path, sizeof path, "%s/scaling.svg", directory);
	write_plot(script, panels, count, "svg size 1440,480 font 'sans,11' background '#ffffff'", path);
	return pclose(script) == 0 ? 0 : -EIO;
}
