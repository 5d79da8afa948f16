/*
 * expression.c - the function that is applied, from a C expression in x.
 *
 * The system's compiler makes a shared object of it in a private directory, which is
 * gone as soon as the object is loaded, and also after an error or a signal: signals are
 * blocked while the directory is there, and taken up afterwards.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli.h"

/* The names given by #line are what the compiler's messages show.  The expression also
 * stands in a file of that name, where compilers look for the line to print below. */
#define START                                                                                                          \
	"#define _GNU_SOURCE\n"                                                                                        \
	"#include <float.h>\n"                                                                                         \
	"#include <limits.h>\n"                                                                                        \
	"#include <math.h>\n"                                                                                          \
	"#include <stdint.h>\n"                                                                                        \
	"#include <stdlib.h>\n"                                                                                        \
	"static inline double forkpool_value(double x)\n"                                                              \
	"{\n"                                                                                                          \
	"#line 1 \"start of expression\"\n"                                                                            \
	"return (\n"                                                                                                   \
	"#line 1 \"expression\"\n"
#define END                                                                                                            \
	"\n"                                                                                                           \
	"#line 1 \"end of expression\"\n"                                                                              \
	");\n"                                                                                                         \
	"}\n"                                                                                                          \
	"int forkpool_function(const void *item, void *result, void *ctx);\n"                                          \
	"int forkpool_function(const void *item, void *result, void *ctx)\n"                                           \
	"{\n"                                                                                                          \
	"(void)ctx;\n"                                                                                                 \
	"*(double *)result = forkpool_value(*(const double *)item);\n"                                                 \
	"return 0;\n"                                                                                                  \
	"}\n"

static const char *const files[] = {"expression", "function.c", "function.so"};
enum { FILES = sizeof files / sizeof *files };

/* Run by sh in the directory $1.  CC may be several words, its first one a relative name. */
static const char compile[] = "case ${CC%%[ \t]*} in /*) ;; */*) CC=$PWD/$CC ;; esac\n"
                              "cd \"$1\" && set -f && exec ${CC:-cc} -O2 -fPIC -shared "
                              "-Werror=implicit-function-declaration -o function.so function.c -lm </dev/null >&2";

static int join(char path[PATH_MAX], const char *directory, const char *name)
{
	if (snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX)
		return 0;
	complain("the name of the temporary directory is too long: %s", directory);
	return -1;
}

static int make_directory(char directory[PATH_MAX])
{
	const char *parent = getenv("TMPDIR");

	if (join(directory, parent && *parent ? parent : "/tmp", "forkpool-XXXXXX"))
		return -1;
	if (mkdtemp(directory))
		return 0;
	complain("a temporary directory %s cannot be made: %s", directory, strerror(errno));
	return -1;
}

static void remove_directory(const char *directory)
{
	char path[PATH_MAX];

	for (int i = 0; i < FILES; i++)
		if (join(path, directory, files[i]) == 0)
			unlink(path);
	rmdir(directory);
}

static int write_file(const char *directory, const char *name, const char *const *parts)
{
	char path[PATH_MAX];
	FILE *stream;
	int failed = 0;

	if (join(path, directory, name))
		return -1;
	stream = fopen(path, "we");
	for (; stream && *parts; parts++)
		failed |= fputs(*parts, stream) < 0;
	failed |= !stream || fclose(stream) != 0;
	if (failed)
		complain("%s cannot be written: %s", path, strerror(errno));
	return failed ? -1 : 0;
}

static pid_t start_compiler(const char *directory, const sigset_t *mask)
{
	pid_t child = fork();

	if (child == 0) {
		sigprocmask(SIG_SETMASK, mask, NULL);
		execl("/bin/sh", "sh", "-c", compile, "forkpool", directory, (char *)NULL);
		_exit(127);
	}
	return child;
}

/* Waits for the child.  A signal to end is passed on to it and kept in *signal, also one
 * that came to both of them at once (as from a terminal).  Returns whether the child
 * succeeded. */
static int wait_for(pid_t child, const sigset_t *watched, int *signal)
{
	static const struct timespec now;
	int status = -1, caught;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (sigwait(watched, &caught) == 0 && caught != SIGCHLD) {
			*signal = caught;
			kill(child, caught);
		}
	}
	while ((caught = sigtimedwait(watched, NULL, &now)) > 0)
		if (caught != SIGCHLD)
			*signal = caught;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Returns the object, or NULL after a complaint or with *signal set. */
static void *build(const char *directory, const char *expression, const sigset_t *watched, const sigset_t *mask,
                   int *signal)
{
	char path[PATH_MAX];
	void *object;
	pid_t child;

	if (write_file(directory, "expression", (const char *const[]){expression, "\n", NULL}) ||
	    write_file(directory, "function.c", (const char *const[]){START, expression, END, NULL}) ||
	    join(path, directory, "function.so"))
		return NULL;
	child = start_compiler(directory, mask);
	if (child < 0) {
		complain("the compiler cannot be started: %s", strerror(errno));
		return NULL;
	}
	if (!wait_for(child, watched, signal)) {
		const char *compiler = getenv("CC");
		if (*signal == 0)
			complain("the expression cannot be compiled (the compiler is '%s')",
			         compiler && *compiler ? compiler : "cc");
		return NULL;
	}
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		complain("the compiled expression cannot be loaded: %s (TMPDIR says where it is built)", dlerror());
	return object;
}

/* All of it with signals blocked; one that came takes effect at the end. */
static void *compile_expression(const char *expression)
{
	static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD};
	char directory[PATH_MAX];
	sigset_t watched, mask;
	void *object = NULL;
	int signal = 0;

	sigemptyset(&watched);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		sigaddset(&watched, ends[i]);
	sigprocmask(SIG_BLOCK, &watched, &mask);
	if (make_directory(directory) == 0) {
		object = build(directory, expression, &watched, &mask, &signal);
		remove_directory(directory);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (signal != 0)
		raise(signal);
	return object;
}

int function_compile(struct function *function, const char *expression)
{
	forkpool_plugin plugin = {.abi = FORKPOOL_PLUGIN_ABI, .item_length = 1, .result_length = 1};
	void *object, *symbol;

	if (expression[strspn(expression, " \t\r\n")] == '\0') {
		complain("-e needs a C expression in x, such as 'sin(x)/x'");
		return -1;
	}
	object = compile_expression(expression);
	symbol = object ? dlsym(object, "forkpool_function") : NULL;
	if (!symbol)
		return -1;
	memcpy(&plugin.function, &symbol, sizeof symbol); /* C has no cast from object to function */
	return function_describe(function, &plugin, expression);
}
