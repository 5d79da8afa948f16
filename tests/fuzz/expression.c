/*
 * expression.c - functions from C expressions (src/cli/expression.c).
 *
 * The input's bytes are choices: they grow an expression, in C and as a value, with white space, comments and
 * newlines anywhere.  The function that the compiler makes of it has that value; an expression that
 * is then spoiled is refused; and nothing is left in TMPDIR.  All numbers are whole and small, so that
 * any way to compute them is exact.  An input takes as long as the compiler does.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the code under test; the object is kept, to be closed ---- */

#include <dlfcn.h>

static void *opened;

static void *open_object(const char *path, int mode)
{
	return opened = dlopen(path, mode);
}

#define dlopen open_object
#include "../../src/cli/expression.c"
#undef dlopen

/* ---- expressions ---- */

enum { POINTS = 4, DEEPEST = 6 };

/* Values at each of the points; and the text so far. */
struct value {
	double at[POINTS];
};

struct growth {
	const uint8_t *next, *end; /* choices left */
	char text[16384];
	size_t length;
	double x[POINTS];
	bool too_large; /* some value is not exact any more, or the text too long */
};

static unsigned choose(struct growth *growth, unsigned choices)
{
	return growth->next < growth->end ? *growth->next++ % choices : 0;
}

static void put(struct growth *growth, const char *text)
{
	static const char *const spaces[] = {"", "", "", " ", "\t", "\n", "/* ; */", "// )\n", "\\\n"};
	const char *space = spaces[choose(growth, sizeof spaces / sizeof *spaces)];
	size_t more = strlen(text) + strlen(space);

	if (growth->length + more + 64 > sizeof growth->text) {
		growth->too_large = true;
		return;
	}
	growth->length += (size_t)sprintf(growth->text + growth->length, "%s%s", text, space);
}

static struct value grow(struct growth *growth, int depth);

static struct value leaf(struct growth *growth)
{
	static const char *const formats[] = {"%u.", "%u.0", "%ue0", "0x%xp0"};
	struct value value;
	char text[32];
	unsigned what = choose(growth, 5), number = what == 0 ? 0 : choose(growth, 256);

	if (what > 0) {
		snprintf(text, sizeof text, formats[what - 1], number);
		put(growth, text);
	} else {
		put(growth, "x");
	}
	for (int i = 0; i < POINTS; i++)
		value.at[i] = what == 0 ? growth->x[i] : number;
	return value;
}

enum operation { LEAF, PLUS, MINUS, TIMES, LESS, EQUAL, AND, HIGHER, LOWER, NEGATIVE, MAGNITUDE, FLOOR, NOT, CHOICE };

static const struct {
	const char *before, *between, *after;
	int operands;
} forms[] = {
        [LEAF] = {"", "", "", 0},         [PLUS] = {"(", "+", ")", 2},         [MINUS] = {"(", "-", ")", 2},
        [TIMES] = {"(", "*", ")", 2},     [LESS] = {"(", "<", ")", 2},         [EQUAL] = {"(", "==", ")", 2},
        [AND] = {"(", "&&", ")", 2},      [HIGHER] = {"fmax(", ",", ")", 2},   [LOWER] = {"fmin(", ",", ")", 2},
        [NEGATIVE] = {"(- ", "", ")", 1}, [MAGNITUDE] = {"fabs(", "", ")", 1}, [FLOOR] = {"floor(", "", ")", 1},
        [NOT] = {"(!", "", ")", 1},       [CHOICE] = {"(", "?", ")", 3},
};

static double apply(enum operation operation, double a, double b, double c)
{
	switch (operation) {
	case LEAF:
		break;
	case PLUS:
		return a + b;
	case MINUS:
		return a - b;
	case TIMES:
		return a * b;
	case LESS:
		return a < b;
	case EQUAL:
		return a == b;
	case AND:
		return a != 0 && b != 0;
	case HIGHER:
		return a > b ? a : b;
	case LOWER:
		return a < b ? a : b;
	case NEGATIVE:
		return -a;
	case MAGNITUDE:
		return a < 0 ? -a : a;
	case FLOOR:
		return a;
	case NOT:
		return a == 0;
	case CHOICE:
		return a != 0 ? b : c;
	}
	return 0;
}

static struct value grow(struct growth *growth, int depth)
{
	enum operation operation = depth == DEEPEST ? LEAF : (enum operation)choose(growth, CHOICE + 1);
	struct value operands[3] = {0}, value;

	if (operation == LEAF)
		return leaf(growth);
	put(growth, forms[operation].before);
	for (int i = 0; i < forms[operation].operands; i++) {
		if (i > 0)
			put(growth, i == 1 ? forms[operation].between : ":");
		operands[i] = grow(growth, depth + 1);
	}
	put(growth, forms[operation].after);
	for (int i = 0; i < POINTS; i++) {
		value.at[i] = apply(operation, operands[0].at[i], operands[1].at[i], operands[2].at[i]);
		if (fabs(value.at[i]) > 1e12)
			growth->too_large = true;
	}
	return value;
}

/* ---- what must hold ---- */

static char directory[] = "/tmp/fuzz-expression-XXXXXX";

static void remove_empty(void)
{
	rmdir(directory);
}

static void make_directory_once(void)
{
	static bool made;

	if (made)
		return;
	made = mkdtemp(directory) != NULL && setenv("TMPDIR", directory, 1) == 0 && atexit(remove_empty) == 0;
	require(made, "a temporary directory");
}

/* What the compiler says of a spoiled expression is not for us. */
static int compile_quietly(struct function *function, const char *text)
{
	int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	int failed = function_compile(function, text);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(null);
	return failed;
}

static void check(const struct growth *growth, const struct value *value, bool spoiled)
{
	struct function function;
	double result;

	opened = NULL;
	complaints = 0;
	int failed = compile_quietly(&function, growth->text);
	require(!failed == !spoiled, "%s should be %s", growth->text, spoiled ? "refused" : "compiled");
	require(complaints == (failed ? 1 : 0), "a complaint, or success");
	require(rmdir(directory) == 0 && mkdir(directory, 0700) == 0, "nothing is left behind");
	for (int i = 0; !failed && i < POINTS; i++) {
		function.plugin.function(&growth->x[i], &result, NULL);
		require(result == value->at[i], "%s at %g is %g, should be %g", growth->text, growth->x[i], result,
		        value->at[i]);
	}
	if (opened != NULL)
		dlclose(opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ends[] = {"\n)", "\n(", "\n+", "\n@", "\ny", "\n*/"};
	struct growth growth = {.next = data, .end = data + size};

	if (size < 4)
		return 0;
	make_directory_once();
	unsigned end = choose(&growth, 2 * sizeof ends / sizeof *ends);
	for (int i = 0; i < POINTS; i++)
		growth.x[i] = (double)choose(&growth, 17) - 8;
	struct value value = grow(&growth, 0);
	bool spoiled = end < sizeof ends / sizeof *ends;
	if (spoiled)
		strcpy(growth.text + growth.length, ends[end]);
	if (!growth.too_large)
		check(&growth, &value, spoiled);
	return 0;
}
