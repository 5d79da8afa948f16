/*
 * plot - results as pictures, by scripts for gnuplot.  GNUPLOT is the path that configure found, "no" if none.
 */
#include "plot.h"
#include "figures.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LONG_TEXT = 4 * MAX_TEXT, FEWEST_BARS = 3, FEWEST_POINTS = 2, WIDEST_RANGE = 20, WIDEST_CURVE = 4 };

/* ---- What there is to draw ------------------------------------------------------- */

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool has_figures(const struct entry *entry)
{
	return entry && entry_missing(entry)[0] == '\0';
}

static size_t bars(const struct row *row)
{
	const struct entry *order[MAX_ENTRIES];
	return row_order(row, order);
}

static size_t points(const struct results *results, const char *series)
{
	size_t count = 0;
	for (const struct row *row = NULL; (row = series_next(results, series, row));)
		count += row_best(row) != NULL;
	return count;
}

bool plot_name(const struct results *results, const struct row *row, char *name, size_t size)
{
	const char *from = row->series[0] ? row->series : row->id;
	size_t i = 0;
	if (row->series[0] ? points(results, row->series) < FEWEST_POINTS : bars(row) < FEWEST_BARS)
		return false;
	for (; from[i] && i + 1 < size; i++)
		name[i] = isalnum((unsigned char)from[i]) || strchr("._-", from[i]) ? from[i] : '_';
	name[i] = '\0';
	return true;
}

/* ---- How a contender looks -------------------------------------------------------- */

struct look {
	unsigned colour;
	int point;
	double width;
};

/* The place in the order in which contenders appear in the results, those with colours of their own left out. */
static size_t appearance(const struct results *results, const char *contender)
{
	const char *seen[MAX_CURVES] = {contender};
	size_t count = 0;
	for (const struct row *row = results->row; row < results->row + results->rows; row++)
		for (const struct entry *entry = row->entries; entry < row->entries + row->count; entry++) {
			size_t i = 0;
			if (entry->is_limit || starts(entry->contender, "processes") ||
			    starts(entry->contender, "threads") || starts(entry->contender, "best ") ||
			    strcmp(entry->contender, "serial") == 0)
				continue;
			if (strcmp(entry->contender, contender) == 0)
				return count;
			while (i < count && strcmp(seen[i], entry->contender) != 0)
				i++;
			if (i == count && count < MAX_CURVES)
				seen[count++] = entry->contender;
		}
	return count;
}

static struct look look_of(const struct results *results, const char *contender)
{
	static const unsigned colours[] = {
	        0x2a9d5c, 0x8e4ec6, 0xd1495b, 0x17a2b8, 0xb8860b, 0xe377c2, 0x6b8e23, 0xa0522d,
	        0x00798c, 0x9575cd, 0xf4a261, 0x264653, 0xbc5090, 0x84a98c, 0xc9ada7, 0x5f7161,
	};
	if (starts(contender, "processes"))
		return (struct look){0x1546a0, 7, 3.5};
	if (starts(contender, "threads"))
		return (struct look){0xe07b00, 5, 2.5};
	if (strcmp(contender, "serial") == 0 || starts(contender, "best "))
		return (struct look){0x8a8f98, 2, 1.8};
	size_t at = appearance(results, contender);
	return (struct look){colours[at % 16], 4 + (int)(at % 12), 1.8};
}

/* ---- Text for gnuplot -------------------------------------------------------------- */

/* A string in its quotation marks, without anything that it takes for markup. */
static void write_string(FILE *script, const char *text, const char *before, const char *after)
{
	fprintf(script, "'%s", before);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', script);
		else if (strchr("_^{}@&~\\", *text))
			putc('\\', script);
		putc(*text == '\n' ? ' ' : *text, script);
	}
	fprintf(script, "%s'", after);
}

/* A file name, where nothing is markup. */
static void write_path(FILE *script, const char *folder, const char *name, const char *ending)
{
	putc('\'', script);
	for (; *folder; folder++)
		fprintf(script, *folder == '\'' ? "''" : "%c", *folder);
	fprintf(script, "/%s.%s'", name, ending);
}

static const char *unit_of(const struct row *row)
{
	return strcmp(row->unit, "s") == 0 ? "seconds" : row->unit;
}

static void write_title(FILE *script, const struct row *row, const char *title)
{
	char rounds[64], text[LONG_TEXT];
	snprintf(text, sizeof(text), "%s; %s is better; %s", unit_of(row), row->more_is_better ? "more" : "less",
	         rounds_say(row_rounds(row), rounds, sizeof(rounds)));
	fputs("set title ", script);
	write_string(script, title, "{/:Bold=16 ", "}");
	fputs(".\"\\n\".", script);
	write_string(script, text, "{/=12 ", "}");
	fputs(" offset 0,0.3\n", script);
}

/* ---- Bars --------------------------------------------------------------------------- */

/* What of the axis is shown. */
struct range {
	double low, high;
	bool logarithmic;
};

static struct range range_of_bars(const struct entry *const *order, size_t count)
{
	double least = HUGE_VAL, most = 0;
	for (size_t i = 0; i < count; i++) {
		struct interval found = entry_interval(order[i]);
		least = fmin(least, found.low);
		most = fmax(most, found.high);
	}
	if (least > 0 && most > WIDEST_RANGE * least) {
		double low = pow(10, floor(log10(least * 0.7)));
		return (struct range){low, most * pow(most / low, 0.2), true};
	}
	return (struct range){0, most > 0 ? most * 1.2 : 1, false};
}

static void write_bar_data(FILE *script, const struct results *results, const struct row *row,
                           const struct entry *const *order, size_t count)
{
	fputs("$bars << END\n", script);
	for (size_t i = 0; i < count; i++) {
		struct interval found = entry_interval(order[i]);
		fprintf(script, "%zu %.9g %.9g %.9g %u \"%s\"\n", count - 1 - i, found.median, found.low, found.high,
		        look_of(results, order[i]->contender).colour, figure_text(row, found.median).s);
	}
	fputs("END\n", script);
}

static void write_bar_axes(FILE *script, const struct row *row, const struct entry *const *order, size_t count,
                           struct range range)
{
	fprintf(script, "set xrange [%.9g:%.9g]\nset yrange [-0.6:%.1f]\nset bmargin %s\n", range.low, range.high,
	        (double)count - 0.4, row_limit(row) ? "5" : "3.3");
	fputs("unset ytics\nset ytics scale 0 nomirror tc rgb '#222222'\nset xtics nomirror\nset grid xtics lt 1 lc "
	      "rgb '#e4e4e4'\nset "
	      "border 1 lc rgb '#666666'\n",
	      script);
	if (range.logarithmic)
		fputs("set logscale x\n", script);
	fputs(range.logarithmic && range.high > 1e5 ? "set format x '10^{%T}'\n" : "set format x '%g'\n", script);
	fputs("set xlabel ", script);
	write_string(script, unit_of(row), "", range.logarithmic ? " (logarithmic)" : "");
	fputs("\nset key at screen 0.5, char 0.8 center bottom horizontal Left reverse samplen 3\n", script);
	for (size_t i = 0; i < count; i++) {
		bool strong = starts(order[i]->contender, "processes");
		fprintf(script, "set ytics %s (", i ? "add" : "");
		write_string(script, order[i]->contender, strong ? "{/:Bold " : "", strong ? "}" : "");
		fprintf(script, " %zu)\n", count - 1 - i);
	}
}

/* A line across all bars. */
static void write_limit(FILE *script, const struct row *row, const struct entry *entry, size_t count, int number)
{
	struct interval found = entry_interval(entry);
	char text[LONG_TEXT];
	snprintf(text, sizeof(text), "%s%s (%s)", limit_prefix(entry->contender, true), entry->contender,
	         figure_text(row, found.median).s);
	fprintf(script,
	        ", '+' using (%.9g):(column(0) > 0 ? %.1f : -0.6) every ::0::1 with lines dt %d lw 2 lc rgb '%s' "
	        "title ",
	        found.median, (double)count - 0.4, 2 + number % 4, number % 2 ? "#a04000" : "#b00020");
	write_string(script, text, "", "");
}

static void write_bars(FILE *script, const struct results *results, const struct row *row)
{
	const struct entry *order[MAX_ENTRIES];
	size_t figures = row_order(row, order), contenders = 0;
	while (contenders < figures && !order[contenders]->is_limit)
		contenders++;
	struct range range = range_of_bars(order, figures);
	write_bar_data(script, results, row, order, contenders);
	write_title(script, row, row->title);
	write_bar_axes(script, row, order, contenders, range);
	fprintf(script,
	        "set samples 2\n"
	        "plot $bars using 2:1:(%.9g):2:($1 - 0.36):($1 + 0.36):5 with boxxyerror fs solid noborder lc rgb "
	        "variable notitle, $bars using 2:1:3:4 with xerrorbars pt 0 lw 1.6 lc rgb '#222222' notitle, "
	        "$bars using 4:1:6 with labels left offset 0.8,0 font ',12' notitle",
	        range.low);
	for (size_t i = contenders; i < figures; i++)
		write_limit(script, row, order[i], contenders, (int)(i - contenders));
	putc('\n', script);
}

/* ---- Curves -------------------------------------------------------------------------- */

/* A series and what is drawn of it. */
struct drawing {
	const struct results *results;
	const char *series;
	bool speedup;
	const struct row *first; /* that has figures: what speed-ups are relative to, if there is no serial run */
	struct range x, y;
};

/* How often as fast as a serial run, or else as the first figures of the processes. */
static bool speedup_of(const struct drawing *drawing, const struct row *row, const struct entry *entry,
                       struct interval *found)
{
	const struct entry *base = row_find(row, "serial");
	if (!base)
		base = row_processes(drawing->first);
	if (!base)
		return false;
	size_t pairs = base->rounds < entry->rounds ? base->rounds : entry->rounds;
	*found = row->more_is_better ? stats_ratio(entry->values, base->values, pairs)
	                             : stats_ratio(base->values, entry->values, pairs);
	return isfinite(found->median);
}

static bool point_of(const struct drawing *drawing, const struct row *row, const struct curve *curve,
                     struct interval *found)
{
	const struct entry *entry = curve_entry(row, curve);
	if (!has_figures(entry))
		return false;
	if (drawing->speedup)
		return speedup_of(drawing, row, entry, found);
	*found = entry_interval(entry);
	return true;
}

/* Perfect: as many times as fast as there are workers, as long as each has a CPU. */
static double perfect(const struct drawing *drawing, double workers)
{
	double cpus = fmax(1, drawing->results->machine.cpus);
	double base = row_find(drawing->first, "serial") ? 1 : fmin(drawing->first->x, cpus);
	return fmin(workers, cpus) / base;
}

static void include(struct range *range, double low, double high)
{
	range->low = fmin(range->low, low);
	range->high = fmax(range->high, high);
}

static bool is_wide(struct range range, double factor)
{
	return range.low > 0 && range.high > factor * range.low;
}

static void find_ranges(struct drawing *drawing, const struct curve *curves, size_t count)
{
	struct range x = {HUGE_VAL, -HUGE_VAL, false}, y = x;
	for (const struct row *row = NULL; (row = series_next(drawing->results, drawing->series, row));) {
		struct interval found;
		for (size_t i = 0; i < count; i++)
			if (point_of(drawing, row, &curves[i], &found)) {
				include(&x, row->x, row->x);
				include(&y, found.low, found.high);
			}
		if (drawing->speedup)
			include(&y, perfect(drawing, row->x), perfect(drawing, row->x));
	}
	x.logarithmic = is_wide(x, 2 * WIDEST_CURVE);
	y.logarithmic =
	        !drawing->speedup && (is_wide(y, WIDEST_CURVE) || (starts(drawing->series, "growth") && y.low > 0));
	drawing->x = x;
	drawing->y = y;
}

static void write_curve_data(FILE *script, const struct drawing *drawing, const struct curve *curve, size_t number)
{
	fprintf(script, "$curve%zu << END\n", number);
	for (const struct row *row = NULL; (row = series_next(drawing->results, drawing->series, row));) {
		struct interval found;
		if (point_of(drawing, row, curve, &found))
			fprintf(script, "%.9g %.9g %.9g %.9g\n", row->x, found.median, found.low, found.high);
	}
	fputs("END\n", script);
}

static void write_perfect_data(FILE *script, const struct drawing *drawing)
{
	fputs("$perfect << END\n", script);
	for (const struct row *row = NULL; (row = series_next(drawing->results, drawing->series, row));)
		fprintf(script, "%.9g %.9g\n", row->x, perfect(drawing, row->x));
	fputs("END\n", script);
}

/* The x of each row, powers of ten as such. */
static void write_xtics(FILE *script, const struct drawing *drawing)
{
	bool any = false;
	for (const struct row *row = NULL; (row = series_next(drawing->results, drawing->series, row));) {
		struct text text = x_text(row->x);
		char *power = strchr(text.s, '^');
		fprintf(script, "set xtics %s ('%.*s", any ? "add" : "scale 0.5 nomirror",
		        (int)(power ? power - text.s : (long)strlen(text.s)), text.s);
		if (power)
			fprintf(script, "^{%s}", power + 1);
		fprintf(script, "' %.9g)\n", row->x);
		any = true;
	}
}

static void write_ylabel(FILE *script, const struct drawing *drawing)
{
	char text[LONG_TEXT];
	if (!drawing->speedup)
		snprintf(text, sizeof(text), "%s", unit_of(drawing->first));
	else if (row_find(drawing->first, "serial"))
		snprintf(text, sizeof(text), "times as fast as serial");
	else
		snprintf(text, sizeof(text), "times as fast as processes, %s %s", x_text(drawing->first->x).s,
		         drawing->first->x_name);
	fputs("set ylabel ", script);
	write_string(script, text, "", drawing->y.logarithmic ? " (logarithmic)" : "");
	putc('\n', script);
}

/* A logarithmic axis of a few decades has a figure at 1, 2 and 5 of each. */
static void write_yaxis(FILE *script, struct range y)
{
	if (!y.logarithmic) {
		fprintf(script, "set yrange [0:%.9g]\nset format y '%%g'\n", y.high > 0 ? y.high * 1.08 : 1);
		return;
	}
	fprintf(script, "set logscale y\nset yrange [%.9g:%.9g]\nset format y '%s'\n", y.low / 1.25, y.high * 1.25,
	        is_wide(y, 1e5) ? "10^{%T}" : "%g");
	if (is_wide(y, 1e3))
		return;
	for (double decade = pow(10, floor(log10(y.low / 1.25))); decade < y.high * 1.25; decade *= 10)
		fprintf(script, "set ytics add (%.9g, %.9g, %.9g)\n", decade, 2 * decade, 5 * decade);
}

static void write_curve_axes(FILE *script, const struct drawing *drawing)
{
	fputs("set grid xtics ytics lt 1 lc rgb '#e4e4e4'\nset border 3 lc rgb '#666666'\nset ytics nomirror\n"
	      "set key outside right center vertical Left reverse samplen 2.5 spacing 1.25\nset xlabel ",
	      script);
	write_string(script, drawing->first->x_name, "", drawing->x.logarithmic ? " (logarithmic)" : "");
	putc('\n', script);
	write_ylabel(script, drawing);
	write_xtics(script, drawing);
	double gap = drawing->x.logarithmic ? pow(drawing->x.high / drawing->x.low, 0.04) : 1;
	double step = drawing->x.logarithmic ? 0 : (drawing->x.high - drawing->x.low) * 0.04;
	fprintf(script, "set xrange [%.9g:%.9g]\n", drawing->x.low / gap - step, drawing->x.high * gap + step);
	if (drawing->x.logarithmic)
		fputs("set logscale x\n", script);
	write_yaxis(script, drawing->y);
}

static void write_curve_title(FILE *script, const struct curve *curve)
{
	fputs(" title ", script);
	write_string(script, curve->contender, limit_prefix(curve->contender, curve->is_limit), "");
}

static bool is_ours(const struct curve *curve)
{
	return starts(curve->contender, "processes");
}

/* The style alone: what the key shows of a curve that is drawn elsewhere in the order. */
static void write_key(FILE *script, const struct drawing *drawing, const struct curve *curve)
{
	struct look look = look_of(drawing->results, curve->contender);
	fprintf(script, "keyentry with linespoints lw %.1f pt %d ps 1 lc rgb '#%06x'", look.width, look.point,
	        look.colour);
	write_curve_title(script, curve);
}

static void write_curve(FILE *script, const struct drawing *drawing, const struct curve *curve, size_t number)
{
	struct look look = look_of(drawing->results, curve->contender);
	if (curve->is_limit)
		fprintf(script, "$curve%zu using 1:2 with lines dt %zu lw 2 lc rgb '#b00020'", number, 2 + number % 3);
	else
		fprintf(script, "$curve%zu using 1:2:3:4 with yerrorlines lw %.1f pt %d ps 1 lc rgb '#%06x'", number,
		        look.width, look.point, look.colour);
	if (is_ours(curve))
		fputs(" notitle", script);
	else
		write_curve_title(script, curve);
}

/* The processes stand first in the key, and are drawn last, so that no one hides them. */
static void write_plot(FILE *script, const struct drawing *drawing, const struct curve *curves, size_t count)
{
	const char *comma = "plot ";
	for (int turn = 0; turn < 3; turn++) {
		for (size_t i = 0; i < count; i++) {
			if (curve_missing(drawing->results, drawing->series, &curves[i]) ||
			    is_ours(&curves[i]) == (turn == 1))
				continue;
			fputs(comma, script);
			comma = ", ";
			if (turn == 0)
				write_key(script, drawing, &curves[i]);
			else
				write_curve(script, drawing, &curves[i], i);
		}
		if (turn == 0 && drawing->speedup) {
			fprintf(script, "%s$perfect using 1:2 with lines dt 3 lw 2.5 lc rgb '#333333' title 'perfect'",
			        comma);
			comma = ", ";
		}
	}
	putc('\n', script);
}

static void write_curves(FILE *script, const struct results *results, const struct row *row)
{
	struct curve curves[MAX_CURVES];
	struct drawing drawing = {.results = results, .series = row->series, .speedup = starts(row->series, "workers")};
	size_t count = series_curves(results, row->series, curves, MAX_CURVES);
	for (drawing.first = row; !row_best(drawing.first);)
		drawing.first = series_next(results, row->series, drawing.first);
	find_ranges(&drawing, curves, count);
	for (size_t i = 0; i < count; i++)
		write_curve_data(script, &drawing, &curves[i], i);
	if (drawing.speedup)
		write_perfect_data(script, &drawing);
	write_title(script, drawing.first, row->title);
	write_curve_axes(script, &drawing);
	write_plot(script, &drawing, curves, count);
}

/* ---- gnuplot ------------------------------------------------------------------------- */

/* Both pictures by one script. */
static void write_script(FILE *script, const struct results *results, const struct row *row, const char *folder,
                         const char *name)
{
	size_t height = row->series[0] ? 560 : 190 + 34 * bars(row);
	for (int png = 0; png <= 1; png++) {
		fprintf(script,
		        "reset\nset encoding utf8\nset terminal %s size 1000,%zu enhanced font 'sans-serif,13' "
		        "background '#ffffff'\nset output ",
		        png ? "pngcairo" : "svg", height);
		write_path(script, folder, name, png ? "png" : "svg");
		putc('\n', script);
		if (row->series[0])
			write_curves(script, results, row);
		else
			write_bars(script, results, row);
		fputs("unset output\n", script);
	}
}

/* By a file and not a pipe: one that gnuplot closes early would end us. */
static int run(FILE *script)
{
	char *arguments[] = {(char[]){GNUPLOT}, (char[]){"-d"}, (char[]){"-"}, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;
	if (fflush(script) != 0)
		return -errno;
	rewind(script);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(script), 0);
	int error = -posix_spawn(&pid, GNUPLOT, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return error;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 0 : -EIO;
}

static int draw(const struct results *results, const struct row *row, const char *folder, const char *name)
{
	FILE *script = tmpfile();
	if (!script)
		return -errno;
	write_script(script, results, row, folder, name);
	int status = run(script);
	fclose(script);
	return status;
}

/* The folder, if it is not there. */
static int make_folder(const char *folder)
{
	if (mkdir(folder, 0777) == 0 || errno == EEXIST)
		return 0;
	int status = -errno;
	fprintf(stderr, "compare: %s: cannot be made: %s\n", folder, strerror(-status));
	return status;
}

int plot_all(const char *folder, const struct results *results)
{
	int status = 0;
	if (strcmp(GNUPLOT, "no") == 0) {
		fputs("compare: no plots, for want of gnuplot (apt-get install gnuplot-nox, then ./bootstrap again)\n",
		      stderr);
		return 0;
	}
	status = make_folder(folder);
	for (const struct row *row = results->row; row < results->row + results->rows && status == 0; row++) {
		char name[MAX_TEXT];
		bool drawn = row->series[0] && series_next(results, row->series, NULL) != row;
		if (drawn || !plot_name(results, row, name, sizeof(name)))
			continue;
		status = draw(results, row, folder, name);
		if (status)
			fprintf(stderr, "compare: %s/%s: gnuplot: %s\n", folder, name, strerror(-status));
	}
	return status;
}
