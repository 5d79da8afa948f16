/* One of five words is NULL: what a crash costs, and how it is reported. */
#include <forkpool.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 5 };
static const char *const words[COUNT] = {"one", "two", NULL, "four", "five"};

static int length(const void *item, void *result, void *ctx)
{
	(void)ctx;
	*(long *)result = (long)strlen(*(const char *const *)item);
	return 0;
}

int main(void)
{
	long lengths[COUNT] = {-1, -1, -1, -1, -1};
	forkpool *pool;
	forkpool_report report;
	char text[1024];
	if (forkpool_create(&pool, NULL) != 0)
		return 1;
	int lost = FORKPOOL_MAP(pool, length, words, lengths, COUNT, &(forkpool_opts){.report = &report});
	forkpool_destroy(pool);
	forkpool_report_format(&report, text, sizeof text);
	printf("%s\n%s", forkpool_strerror(lost), text);
	for (int i = 0; i < COUNT; i++)
		printf("%ld%c", lengths[i], i + 1 < COUNT ? ' ' : '\n');
	return lost != 1;
}
