/*
 * peer - the protocol's side of a peer in C: reads requests, has works.c do them, answers.
 */
#include "peer.h"

#include "works.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double peer_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void answer(const struct peer *peer, unsigned workers, char *line)
{
	struct request request = {0};
	char work[64];
	if (sscanf(line, "run %63s %zu %zu", work, &request.count, &request.chunk) != 3) {
		line[strcspn(line, "\n")] = '\0';
		printf("no such request: %s\n", line);
		return;
	}
	request.work = work;
	switch (works_do(peer, workers, &request)) {
	case ANSWER_TOOK:
		printf("took %.9f\n", request.seconds);
		break;
	case ANSWER_NO:
		printf("no %s\n", request.text);
		break;
	case ANSWER_WRONG:
		printf("wrong %s\n", request.text);
	}
}

static int usage(const char *program, const char *text)
{
	fprintf(stderr, "%s: '%s' is no argument of this peer; it needs --workers N, 1 to %d\n", program, text,
	        FORKPOOL_MAX_WORKERS);
	return 2;
}

int peer_main(const struct peer *peer, int argc, char **argv)
{
	unsigned workers = 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--workers") == 0 && i + 1 < argc)
			workers = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (peer->argument == NULL || !peer->argument(argv[i]))
			return usage(argv[0], argv[i]);
	}
	if (workers < 1 || workers > FORKPOOL_MAX_WORKERS)
		return usage(argv[0], "--workers");
	char line[256];
	peer->version(line, sizeof line);
	printf("ready %s\n", line);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		answer(peer, workers, line);
		fflush(stdout);
	}
	return 0;
}
