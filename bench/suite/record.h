/*
 * record.h - results in files: JSON, which can be read back, and CSV for other programs.  Files appear as a whole or
 * not at all.  What fails is said on standard error, with the file and the place in it.
 */
#ifndef RECORD_H
#define RECORD_H

#include "results.h"

/* 0, or -errno.  A value that is not a number is null in JSON and empty in CSV. */
int record_write_json(const char *path, const struct results *results);

/* One line a value: row id, section, title, unit, series, x, contender, is_limit, tasks, round (from 1), value. */
int record_write_csv(const char *path, const struct results *results);

/* Reads the JSON.  0; or -errno (-EINVAL: it is not what record_write_json writes), and the results are empty. */
int record_read_json(const char *path, struct results *results);

/* Frees what record_read_json has allocated. */
void record_free(struct results *results);

#endif
