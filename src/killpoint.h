/*
 * Numbered points between the steps of a worker, for the test that kills one at each of them (tests/kills/points.c).
 * In the library as it is installed KILL_POINT() is nothing; only the test's own build of these sources, with
 * FORKPOOL_KILL_POINTS defined, calls the test there.
 */
#ifndef FORKPOOL_KILLPOINT_H
#define FORKPOOL_KILLPOINT_H

/* NAME, and what has just been done where it stands. */
#define KILL_POINTS(X)                                                                                                 \
	X(PERMIT, "a permit or an offer was taken, spinning")                                                          \
	X(PARKED, "it said where it will sleep")                                                                       \
	X(WOKEN, "it was woken, with a permit")                                                                        \
	X(POP_COPIED, "an entry of the ring was copied")                                                               \
	X(POP_TAKEN, "the ring's head was moved behind it")                                                            \
	X(POP_DONE, "the ring's space was given back")                                                                 \
	X(PINNED, "the job was pinned, and not looked at again")                                                       \
	X(JOINED, "the job was joined")                                                                                \
	X(CLAIMING, "the position says claiming, of the chunk before")                                                 \
	X(ANNOUNCED, "the chunk was announced")                                                                        \
	X(CLAIMED, "the chunk was claimed")                                                                            \
	X(STEAL_LOOK, "an open job was found, to steal from")                                                          \
	X(STEAL_STEP, "a thief looks at the next chunk")                                                               \
	X(ADOPT_SEEN, "an orphan was seen")                                                                            \
	X(ADOPT_COPIED, "the orphan's post was copied")                                                                \
	X(ADOPTED, "the orphan was claimed")                                                                           \
	X(ATTEMPT, "the attempt was announced")                                                                        \
	X(POSITION, "the position of a task was stored")                                                               \
	X(STINT_CLOCK, "the time at which a task begins was stored")                                                   \
	X(STINT_BEGUN, "the stint was begun")                                                                          \
	X(RETURNED, "the function returned")                                                                           \
	X(STINT_OVER, "the stint was left")                                                                            \
	X(RETRY_COUNTED, "another attempt was counted")                                                                \
	X(RETRY_ANNOUNCED, "another attempt was announced")                                                            \
	X(FAILED_STATUS, "the status of a failure was stored")                                                         \
	X(FAILURE_OPEN, "the first failure is being written")                                                          \
	X(FAILURE_WRITTEN, "the first failure was written")                                                            \
	X(FAILURE_NOTED, "a failure was noted, and the others told to stop")                                           \
	X(CALL_BEGIN, "the position says where a call begins")                                                         \
	X(CALL_END, "the end of the call was stored")                                                                  \
	X(CALL_WHOLE, "the position says that all of the call is at stake")                                            \
	X(AT_LEFT, "forkpool_at() left the index before")                                                              \
	X(AT_MOVED, "forkpool_at() moved the position")                                                                \
	X(FOLD_CLEARED, "what an earlier fold of the chunk left was cleared")                                          \
	X(FOLD_BEGUN, "the partial result is the identity")                                                            \
	X(FOLD_EXCLUDED, "a failed index was excluded")                                                                \
	X(FOLD_NOTED, "the failures of a fold were noted")                                                             \
	X(CHUNK_RUN, "all tasks of the chunk were run")                                                                \
	X(FINISHED, "the chunk was finished in the ledger")                                                            \
	X(COUNTED, "the chunk was counted in the record")                                                              \
	X(LEAVING, "the job is to be left")                                                                            \
	X(USE_ADDED, "what the job cost was added up")                                                                 \
	X(FAILED_ADDED, "the failures were added to the tally")                                                        \
	X(USEFUL, "the worker is known to be useful")                                                                  \
	X(UNCOUNTED, "the record's count was cleared")                                                                 \
	X(TALLIED, "the chunks were added to the tally")                                                               \
	X(ENDED, "the job's end was noted, if it was that")                                                            \
	X(RUNG, "the bell was rung, if it had to be")                                                                  \
	X(UNPINNED, "the pin was taken away")                                                                          \
	X(IDLE, "there is nothing to do, or the worker has served for long enough")

#ifdef FORKPOOL_KILL_POINTS
#define KILL_POINT_NUMBER(name, text) KILL_POINT_##name,
enum kill_point { KILL_POINTS(KILL_POINT_NUMBER) KILL_POINT_COUNT };
#undef KILL_POINT_NUMBER

/* The test's. */
void kill_point_passed(enum kill_point point);
void doom_point_passed(void);

#define KILL_POINT(name) kill_point_passed(KILL_POINT_##name)
#define DOOM_POINT()     doom_point_passed() /* the parent has seen a task over its time, and not yet doomed it */
#else
#define KILL_POINT(name) ((void)0)
#define DOOM_POINT()     ((void)0)
#endif

#endif
