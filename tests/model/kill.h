/*
 * Workers that can be killed between any two steps, and a parent that is told of it.
 *
 * The killer sets killed[w]: from there on worker w takes no step but its end, after which
 * dead[w] says that the kernel has confirmed it.  What is one step of a model is one access
 * to shared memory in the code, so a kill falls between any two of them.  The killer may also
 * lose interest at any time: otherwise a kill that is still to come would hide a hang.
 */
#ifndef W
#define W 2
#endif
#ifndef K
#define K 1
#endif

bool killed[W]; /* no further step */
bool dead[W];   /* and the parent can know */
byte kills;

active proctype killer()
{
end:	do
	:: d_step { kills < K && !killed[0] -> killed[0] = true; kills++ }
	:: d_step { kills < K && !killed[1] -> killed[1] = true; kills++ }
#if W > 2
	:: d_step { kills < K && !killed[2] -> killed[2] = true; kills++ }
#endif
	:: kills < K -> kills = K
	od
}

/* The body of a worker: lives until it is killed, then waits for its replacement to be forked. */
#define ENDS_WHEN_KILLED(forget)                                                                   \
	unless                                                                                     \
	{                                                                                          \
		d_step { killed[id] -> dead[id] = true; forget }                                   \
	};                                                                                         \
end_dead:                                                                                          \
	!killed[id];                                                                               \
	goto born

/* Parent: forks the replacement. */
#define fork_replacement(w) d_step { dead[w] = false; killed[w] = false }
