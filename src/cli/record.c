/*
 * record.c - all figures of a race for programs: JSON, and CSV with a line for each turn in the order they were taken.
 */
#include <stdio.h>
#include "race.h"

/* ---- JSON ------------------------------------------------------------------------------- */

/* Bytes that are no text by themselves are escaped; others, UTF-8 among them, are as they are. */
static void print_string(const char *name, const char *text, FILE *stream)
{
	fprintf(stream, "\"%s\": \"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(stream, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(stream, "\\u%04x", (unsigned char)*text);
		else
			putc(*text, stream);
	}
	putc('"', stream);
}

static void print_interval(const char *name, const struct interval *interval, FILE *stream)
{
	fprintf(stream, "\"%s\": {\"median\": %.9g, \"low\": %.9g, \"high\": %.9g, \"level\": %.4g}", name,
	        interval->median, interval->low, interval->high, interval->level);
}

static void print_rounds(const struct race *race, const struct contender *contender, FILE *stream)
{
	fputs("\"rounds\": [", stream);
	for (unsigned i = 0; i < race->rounds; i++)
		fprintf(stream, "%s%.9g", i > 0 ? ", " : "", contender->seconds[i]);
	fputs("]", stream);
}

static void print_contender(const struct race *race, const struct contender *contender, FILE *stream)
{
	fprintf(stream, "    {\"backend\": \"%s\", \"workers\": %u, \"maps_a_turn\": %u, \"unsuccessful\": %d, ",
	        backend_name(contender->backend), contender->workers, contender->maps, contender->unsuccessful);
	if (contender->differs)
		fprintf(stream, "\"differs_at\": %zu, ", contender->where);
	fprintf(stream, "\"perfect\": %g, \"efficiency\": %.9g,\n     ", contender->perfect,
	        contender->speed_up.median / contender->perfect);
	print_interval("seconds", &contender->time, stream);
	fputs(",\n     ", stream);
	print_interval("speed_up", &contender->speed_up, stream);
	fputs(",\n     ", stream);
	print_rounds(race, contender, stream);
	fputs("}", stream);
}

static void print_left_out(const struct reason *reason, FILE *stream)
{
	const char *before = "";

	fputs("  \"left_out\": {", stream);
	for (int i = 0; i <= FORKPOOL_SERIAL; i++) {
		if (!reason->left_out[i])
			continue;
		fputs(before, stream);
		print_string(backend_name(i), reason->left_out[i], stream);
		before = ", ";
	}
	fputs("},\n", stream);
}

void record_json(const struct race *race, const struct reason *reason, FILE *stream)
{
	const struct work *work = &race->work;

	fputs("{\n  ", stream);
	print_string("forkpool", forkpool_version(), stream);
	fputs(",\n  ", stream);
	print_string("function", reason->what, stream);
	fprintf(stream,
	        ",\n  \"items\": %zu, \"item_size\": %zu, \"result_size\": %zu, \"chunk\": %zu,\n  \"spin_us\": ",
	        work->input->count, work->function->item_size, work->function->result_size, work->chunk);
	if (work->spin_us == 0)
		fputs("null", stream); /* the library's default */
	else
		fprintf(stream, "%u", work->spin_us == FORKPOOL_NO_SPIN ? 0 : work->spin_us);
	fprintf(stream, ", \"cpus\": %u, \"load\": %.2f, \"rounds\": %u,\n", race->cpus, reason->load, race->rounds);
	print_left_out(reason, stream);
	fputs("  \"contenders\": [\n", stream);
	for (size_t i = 0; i < race->count; i++) {
		print_contender(race, &race->contenders[i], stream);
		fputs(i + 1 < race->count ? ",\n" : "\n", stream);
	}
	fputs("  ]\n}\n", stream);
}

/* ---- CSV -------------------------------------------------------------------------------- */

void record_csv(const struct race *race, FILE *stream)
{
	fputs("round,turn,backend,workers,maps,seconds\n", stream);
	for (unsigned round = 0; round < race->rounds; round++) {
		for (size_t turn = 0; turn < race->count; turn++) {
			const struct contender *contender = race_turn(race, round, turn);
			fprintf(stream, "%u,%zu,%s,%u,%u,%.9g\n", round + 1, turn + 1, backend_name(contender->backend),
			        contender->workers, contender->maps, contender->seconds[round]);
		}
	}
}
