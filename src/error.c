/*
 * Codes and reports in words.
 */
#include "api.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *forkpool_version(void)
{
	return PACKAGE_VERSION;
}

/* What an error means here, where that says more than the system's words. */
static const char *own_words(int error)
{
	switch (error) {
	case EINVAL:
		return "an argument is not allowed here";
	case EOVERFLOW:
		return "a count times a size is too large";
	case ENOEXEC:
		return "the function was not loaded when the workers were forked";
	case ENOMEM:
		return "no memory, no address space (ulimit -v), or no space in the arena";
	case EMFILE:
		return "no file descriptor is left to this process: a pool needs one at least (ulimit -n)";
	case ENFILE:
		return "no file descriptor is left in the whole system";
	case ENOSYS:
		return "the system refuses eventfd and pipes alike, and a pool needs one of them";
	case ESHUTDOWN:
		return "the pool is closed";
	case EPERM:
		return "the pool belongs to another process";
	case EAGAIN:
		return "no worker could be started: too many processes or threads (ulimit -u, or the cgroup's "
		       "pids.max), or too little memory for another";
	case ECANCELED:
		return "the initializer failed in every worker";
	case EPROTO:
		return "a worker overwrote the pool's book-keeping: the results are void";
	case EBUSY:
		return "a map is running";
	case ENOTSUP:
		return "this kind of pool cannot do that";
	default:
		return NULL;
	}
}

const char *forkpool_strerror(int code)
{
	static _Thread_local char text[128];
	switch (code) {
	case 0:
		return "all tasks succeeded";
	case 1:
		return "1 task did not succeed";
	case FORKPOOL_CRASHED:
		return "crashed";
	case FORKPOOL_TIMED_OUT:
		return "timed out";
	case FORKPOOL_CANCELLED:
		return "cancelled";
	default:
		break;
	}
	if (code > 0) {
		snprintf(text, sizeof text, "%s%d tasks did not succeed", code == INT_MAX ? "at least " : "", code);
		return text;
	}
	const char *words = own_words(-code);
	if (words != NULL)
		return words;
#ifdef STRERROR_R_CHAR_P
	return strerror_r(-code, text, sizeof text);
#else
	if (strerror_r(-code, text, sizeof text) != 0)
		snprintf(text, sizeof text, "error %d", -code);
	return text;
#endif
}

/* snprintf() piece by piece. */
struct writer {
	char *text;
	size_t size, length;
};

FORKPOOL_PRINTF(2, 3) static void add(struct writer *writer, const char *format, ...)
{
	va_list arguments;
	size_t left = writer->length < writer->size ? writer->size - writer->length : 0;
	va_start(arguments, format);
	int written = vsnprintf(left > 0 ? writer->text + writer->length : NULL, left, format, arguments);
	va_end(arguments);
	writer->length += written > 0 ? (size_t)written : 0;
}

static void add_counts(struct writer *writer, const forkpool_report *report)
{
	const struct {
		uint64_t count;
		const char *name;
	} outcomes[] = {
	        {report->succeeded, "succeeded"}, {report->failed, "failed"},       {report->crashed, "crashed"},
	        {report->timed_out, "timed out"}, {report->cancelled, "cancelled"},
	};
	add(writer, "%" PRIu64 " task%s: ", report->tasks, report->tasks == 1 ? "" : "s");
	const char *separator = "";
	for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
		if (outcomes[i].count > 0 || i == 0) {
			add(writer, "%s%" PRIu64 " %s", separator, outcomes[i].count, outcomes[i].name);
			separator = ", ";
		}
	add(writer, "\n");
}

static void add_first(struct writer *writer, const forkpool_report *report)
{
	add(writer, "first: index %" PRIu64 " ", report->index);
	if (report->status > FORKPOOL_CANCELLED)
		add(writer, "failed with status %" PRId32, report->status);
	else
		add(writer, "%s", forkpool_strerror(report->status));
	if (report->signal != 0)
		add(writer, ", signal %" PRId32, report->signal);
	if (report->attempt > 1)
		add(writer, ", at attempt %" PRIu32, report->attempt);
	if (report->message[0] != '\0')
		add(writer, ": %.*s", FORKPOOL_MESSAGE_SIZE, report->message);
	add(writer, "\n");
}

size_t forkpool_report_format(const forkpool_report *report, char *text, size_t size)
{
	struct writer writer = {text, size, 0};
	if (report == NULL)
		return 0;
	if (report->tasks == 0 && report->message[0] != '\0')
		add(&writer, "refused: %.*s\n", FORKPOOL_MESSAGE_SIZE, report->message);
	add_counts(&writer, report);
	if (report->succeeded < report->tasks)
		add_first(&writer, report);
	if (report->restarts > 0 || report->retried > 0)
		add(&writer, "workers replaced: %" PRIu64 ", attempts repeated: %" PRIu64 "\n", report->restarts,
		    report->retried);
	add(&writer, "%.6f s, CPU %.6f s, %" PRIu64 " page faults, %" PRIu64 " bytes copied\n", report->elapsed,
	    report->cpu_time, report->page_faults, report->bytes_copied);
	return writer.length;
}
