/*
 * options.c - the command line of `forkpool map` (src/cli/map.c).
 *
 * The input is one argument a line.  Whatever they are, either the options are taken, all values are allowed ones,
 * and a command line written from them anew means the same; or there is one complaint.  Each
 * argument is also read as a number, and compared with plain reading.
 */
#include "fuzz.h"

#include "../../src/cli/map.c"

int finish_stdout(void) /* nothing is printed here */
{
	return 0;
}

enum { MOST = 32 }; /* arguments */

static const char *const backend_names[] = {
        [FORKPOOL_PROCESSES] = "processes", [FORKPOOL_THREADS] = "threads", [FORKPOOL_SERIAL] = "serial"};

struct line {
	char *words[2 * MOST + 2];
	int count;
	char numbers[6][64];
};

static int parse(struct options *options, struct line *line)
{
	*options = (struct options){0};
	optind = 0; /* begins anew */
	complaints = 0;
	line->words[line->count] = NULL;
	return parse_options(options, line->count, line->words);
}

/* ---- numbers ---- */

static void check_number(const char *text, unsigned long most)
{
	unsigned long number = 0, wanted = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++)
		if (wanted <= most)
			wanted = wanted * 10 + (unsigned long)(*at - '0');
	bool allowed = at > text && *at == '\0' && wanted >= 1 && wanted <= most;
	int failed = option_number("--chunk", text, 1, most, &number);
	require(!failed == allowed, "'%s' should be %s", text, allowed ? "a number" : "refused");
	require(failed || number == wanted, "'%s' is %lu", text, number);
}

/* Digits, and K, M or G, without overflow. */
static void check_size(const char *text)
{
	__extension__ unsigned __int128 wanted = 0;
	const char *at = text, *unit;
	size_t size = 0;

	for (; *at >= '0' && *at <= '9'; at++)
		if (wanted <= SIZE_MAX)
			wanted = wanted * 10 + (unsigned)(*at - '0');
	bool allowed = at > text && wanted <= SIZE_MAX; /* before the unit: later it would overflow here */
	if (*at != '\0' && (unit = strchr("KMG", *at)) != NULL) {
		wanted <<= 10 * (*unit == 'K' ? 1 : *unit == 'M' ? 2 : 3);
		at++;
	}
	allowed &= *at == '\0' && wanted >= 1 && wanted <= SIZE_MAX;
	int failed = option_size("--memory-limit", text, &size);
	require(!failed == allowed, "'%s' should be %s", text, allowed ? "a size" : "refused");
	require(failed || size == wanted, "'%s' is %zu bytes", text, size);
}

/* ---- what was understood ---- */

/* It points into the line, and so the words are as they were given. */
static void check_word(const struct line *line, const char *word)
{
	for (int i = 1; word != NULL && i < line->count; i++)
		if (word >= line->words[i] && word <= line->words[i] + strlen(line->words[i]))
			return;
	require(word == NULL, "'%s' was given", word);
}

static void check_taken(const struct options *options, const struct line *line)
{
	require(options->config.workers <= FORKPOOL_MAX_WORKERS, "%u workers", options->config.workers);
	require(options->config.backend >= 0 && options->config.backend <= FORKPOOL_SERIAL, "backend %d",
	        options->config.backend);
	require(options->opts.chunk <= FORKPOOL_MAX_CHUNK, "chunk %zu", options->opts.chunk);
	require(options->opts.timeout >= 0 && options->opts.timeout <= 1e9, "time limit %g", options->opts.timeout);
	require(options->opts.retries <= FORKPOOL_MAX_RETRIES, "%u retries", options->opts.retries);
	require(options->list || options->expression || options->operand_count > 0, "something is to be done");
	require((getenv("FORKPOOL_WORKERS") == NULL) == (options->config.workers != 0),
	        "the environment's number counts where the command line has none");
	check_word(line, options->expression);
	check_word(line, options->list);
	check_word(line, options->output);
	for (int i = 0; i < options->operand_count; i++)
		check_word(line, options->operands[i]);
}

/* ---- the same, written anew ---- */

static void add(struct line *line, const char *word, const char *value)
{
	union {
		const char *given;
		char *taken; /* getopt() takes words that it does not change */
	} option = {word}, argument = {value};

	line->words[line->count++] = option.taken;
	if (value != NULL)
		line->words[line->count++] = argument.taken;
}

static void write_anew(const struct options *options, struct line *line)
{
	add(line, "map", NULL);
	snprintf(line->numbers[0], sizeof line->numbers[0], "--workers=%u", options->config.workers);
	snprintf(line->numbers[1], sizeof line->numbers[1], "%zu", options->opts.chunk);
	snprintf(line->numbers[2], sizeof line->numbers[2], "--timeout=%.17g", options->opts.timeout);
	snprintf(line->numbers[3], sizeof line->numbers[3], "--retries=%u", options->opts.retries);
	snprintf(line->numbers[4], sizeof line->numbers[4], "--memory-limit=%zu", options->config.memory_limit);
	snprintf(line->numbers[5], sizeof line->numbers[5], "--max-tasks=%zu", options->config.max_tasks_per_worker);
	if (options->config.workers > 0)
		add(line, line->numbers[0], NULL);
	if (options->opts.chunk > 0)
		add(line, "--chunk", line->numbers[1]);
	if (options->opts.timeout > 0)
		add(line, line->numbers[2], NULL);
	if (options->opts.retries > 0)
		add(line, line->numbers[3], NULL);
	if (options->config.memory_limit > 0)
		add(line, line->numbers[4], NULL);
	if (options->config.max_tasks_per_worker > 0)
		add(line, line->numbers[5], NULL);
	add(line, "--backend", backend_names[options->config.backend]);
	if (options->expression)
		add(line, "-e", options->expression);
	if (options->output)
		add(line, "-o", options->output);
	if (options->list)
		add(line, "--list", options->list);
	if (options->binary)
		add(line, "--binary", NULL);
	if (options->opts.stop_on_failure)
		add(line, "--stop-on-failure", NULL);
	if (options->progress)
		add(line, "--progress", NULL);
	if (options->report)
		add(line, "--report", NULL);
	add(line, "--", NULL);
	for (int i = 0; i < options->operand_count; i++)
		add(line, options->operands[i], NULL);
}

static void check_same(const struct options *a, const struct options *b)
{
	require(a->expression == b->expression && a->list == b->list && a->output == b->output, "the same words");
	require(a->config.workers == b->config.workers && a->config.backend == b->config.backend &&
	                a->opts.chunk == b->opts.chunk && a->opts.retries == b->opts.retries &&
	                a->config.memory_limit == b->config.memory_limit &&
	                a->config.max_tasks_per_worker == b->config.max_tasks_per_worker &&
	                memcmp(&a->opts.timeout, &b->opts.timeout, sizeof a->opts.timeout) == 0,
	        "the same numbers");
	require(a->binary == b->binary && a->progress == b->progress && a->report == b->report &&
	                a->opts.stop_on_failure == b->opts.stop_on_failure,
	        "the same switches");
	require(a->operand_count == b->operand_count, "%d operands, and %d", a->operand_count, b->operand_count);
	for (int i = 0; i < a->operand_count; i++)
		require(a->operands[i] == b->operands[i], "operand %d is the same", i);
}

static void check(struct line *line)
{
	struct options options, again;
	struct line anew = {0};

	setenv("FORKPOOL_WORKERS", "7", 1);
	setenv("FORKPOOL_BACKEND", "serial", 1);
	int parsed = parse(&options, line);
	require(complaints == (parsed == -1), "result %d, complaints %u", parsed, complaints);
	require(parsed == 0 || parsed == -1 || parsed == HELP || parsed == VERSION, "result %d", parsed);
	if (parsed == 0) {
		check_taken(&options, line);
		write_anew(&options, &anew);
		parsed = parse(&again, &anew);
		require(parsed == 0, "it is understood anew: %s", complaint);
		check_same(&options, &again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line line = {.count = 1};
	char *text = fuzz_copy(data, size, true), *rest = text, name[] = "map";

	line.words[0] = name;
	while (rest != NULL && line.count < MOST)
		line.words[line.count++] = strsep(&rest, "\n");
	for (int i = 1; i < line.count; i++) {
		check_number(line.words[i], FORKPOOL_MAX_WORKERS);
		check_number(line.words[i], FORKPOOL_MAX_CHUNK);
		check_size(line.words[i]);
	}
	check(&line);
	free(text);
	return 0;
}
