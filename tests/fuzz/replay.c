/*
 * replay.c - runs a target on its seeds, without libFuzzer: each seed, and each seed cut short.
 *
 *   TARGET [--whole] DIRECTORY           run the seeds; --whole: none cut short
 *   TARGET --unpack TO DIRECTORY         only copy the seeds to TO, as libFuzzer wants them
 *
 * A seed whose name ends in .hex is written in hexadecimal digits, where white space does not
 * count and # begins a comment.
 */
#include "fuzz.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20, CUTS = 256 };

struct seed {
	const char *name;
	uint8_t bytes[MOST];
	size_t size;
};

static void stop(const char *what, const char *name)
{
	fprintf(stderr, "replay: %s: %s\n", what, name);
	exit(1);
}

static void decode(struct seed *seed)
{
	size_t digits = 0;
	bool comment = false;

	for (size_t i = 0; i < seed->size; i++) {
		int c = seed->bytes[i];
		comment = c == '#' || (comment && c != '\n');
		if (comment || isspace(c))
			continue;
		if (!isxdigit(c))
			stop("not hexadecimal", seed->name);
		int digit = isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
		uint8_t *byte = &seed->bytes[digits / 2];
		*byte = (uint8_t)(digits % 2 == 0 ? digit << 4 : *byte | digit);
		digits++;
	}
	if (digits % 2 != 0)
		stop("half a byte", seed->name);
	seed->size = digits / 2;
}

static void read_seed(struct seed *seed, const char *directory)
{
	char path[4096];
	size_t length = strlen(seed->name);

	snprintf(path, sizeof path, "%s/%s", directory, seed->name);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		stop("cannot be read", path);
	seed->size = fread(seed->bytes, 1, sizeof seed->bytes, file);
	fclose(file);
	if (length > 4 && strcmp(seed->name + length - 4, ".hex") == 0)
		decode(seed);
}

static void unpack(const struct seed *seed, const char *directory)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", directory, seed->name);
	FILE *file = fopen(path, "we");
	if (file == NULL || fwrite(seed->bytes, 1, seed->size, file) != seed->size || fclose(file) != 0)
		stop("cannot be written", path);
}

/* Each call gets a copy of its own: AddressSanitizer, where it is on, sees who reads too far. */
static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = fuzz_copy(bytes, size, false);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static unsigned run_seed(const struct seed *seed, bool whole)
{
	unsigned runs = 1;

	fprintf(stderr, "%s\n", seed->name); /* a log that ends here says which seed it was */
	run(seed->bytes, seed->size);
	for (size_t cut = 0; !whole && cut < seed->size; cut += 1 + seed->size / CUTS, runs++)
		run(seed->bytes, cut);
	return runs;
}

int main(int argc, char **argv)
{
	static struct seed seed;
	const char *to = argc == 4 && strcmp(argv[1], "--unpack") == 0 ? argv[2] : NULL;
	bool whole = argc == 3 && strcmp(argv[1], "--whole") == 0;
	const char *directory = argv[argc - 1];
	unsigned seeds = 0, runs = 0;

	if (argc != 2 && !whole && to == NULL)
		stop("usage", "[--whole | --unpack TO] DIRECTORY");
	DIR *listing = opendir(directory);
	if (listing == NULL)
		stop("no directory", directory);
	for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		seed.name = entry->d_name;
		read_seed(&seed, directory);
		seeds++;
		if (to != NULL)
			unpack(&seed, to);
		else
			runs += run_seed(&seed, whole);
	}
	closedir(listing);
	if (seeds == 0)
		stop("no seed", directory);
	if (to == NULL)
		printf("%u seeds, %u runs\n", seeds, runs);
	return 0;
}
