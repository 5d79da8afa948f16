/*
 * works.h - the work that peers are asked for, said once for all of them: peer.h has the list.
 */
#ifndef WORKS_H
#define WORKS_H

#include "peer.h"

/* What a request asks for, and what came of it. */
struct request {
	const char *work;
	size_t count, chunk;
	double seconds;
	char text[240]; /* why not, or what was wrong */
};

enum answer { ANSWER_TOOK, ANSWER_NO, ANSWER_WRONG };

enum answer works_do(const struct peer *peer, unsigned workers, struct request *request);

#endif
