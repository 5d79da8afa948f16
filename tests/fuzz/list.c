/*
 * list.c - what functions a plugin offers, read out of its file (src/cli/list.c).
 *
 * The input is the file.  It is not loaded: the names found in it are looked up in a table here.  A
 * second reader, which copies what it needs out of the file byte by byte, says which names should
 * be found, and in which order.
 */
#include "fuzz.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 4096 };

/* ---- the code under test, with its names looked up and its lines counted here ---- */

static const char *looked_up[MOST_NAMES];
static size_t look_ups, lines;

static int nothing(const void *item, void *result, void *ctx)
{
	(void)item, (void)result, (void)ctx;
	return 0;
}

/* Some names are not there after all, and some descriptions are wrong. */
static void *look_up(void *object, const char *name)
{
	static forkpool_plugin plugin;
	size_t length = strlen(name);

	(void)object;
	if (look_ups < MOST_NAMES)
		looked_up[look_ups] = name;
	look_ups++;
	plugin = (forkpool_plugin){.abi = name[length - 1] == 'A' ? 99 : FORKPOOL_PLUGIN_ABI,
	                           .summary = length % 2 == 0 ? "does nothing" : NULL,
	                           .function = nothing,
	                           .item_type = (forkpool_type)(length % 6),
	                           .item_length = 1 + length % 3,
	                           .result_length = 1};
	return name[length - 1] == 'N' ? NULL : &plugin;
}

static int print_line(const char *format, const char *name, const char *item, const char *result, const char *summary)
{
	require(strstr(format, "%-16s") == format &&
	                strcmp(looked_up[look_ups - 1], name - strlen("forkpool_plugin_")) == 0,
	        "what is printed is what was looked up last");
	require(*item != '\0' && *result != '\0' && summary != NULL, "%s is described", name);
	lines++;
	return 0;
}

#define dlsym  look_up
#define printf print_line
#include "../../src/cli/list.c"
#undef dlsym
#undef printf

/* ---- the reference ---- */

__extension__ typedef unsigned __int128 wide;

struct found {
	const char *names[MOST_NAMES];
	size_t count;
};

/* Copies `size` bytes from `offset`, a multiple of `alignment`, if they are all there. */
static bool copy(const struct image *file, wide offset, void *to, size_t size, size_t alignment)
{
	if (offset + size > file->size || offset % alignment != 0)
		return false;
	memcpy(to, file->bytes + (size_t)offset, size);
	return true;
}

static bool copy_section(const struct image *file, size_t number, ElfW(Shdr) * to)
{
	ElfW(Ehdr) header;

	return copy(file, 0, &header, sizeof header, 1) && memcmp(header.e_ident, "\177ELF", 4) == 0 &&
	       header.e_shentsize == sizeof *to && number < header.e_shnum &&
	       copy(file, (wide)header.e_shoff + number * sizeof *to, to, sizeof *to, _Alignof(ElfW(Shdr)));
}

static bool is_inside(const struct image *file, const ElfW(Shdr) * section)
{
	return (wide)section->sh_offset + section->sh_size <= file->size;
}

static void find_plainly(const struct image *file, struct found *found)
{
	ElfW(Shdr) symbols, names;
	ElfW(Sym) symbol;
	size_t number = 0;

	do
		if (!copy_section(file, number++, &symbols))
			return;
	while (symbols.sh_type != SHT_DYNSYM);
	if (!copy_section(file, symbols.sh_link, &names) || !is_inside(file, &names) || !is_inside(file, &symbols))
		return;
	for (size_t at = 0; at + sizeof symbol <= symbols.sh_size; at += sizeof symbol) {
		if (!copy(file, (wide)symbols.sh_offset + at, &symbol, sizeof symbol, _Alignof(ElfW(Sym))))
			return;
		const char *name = file->bytes + names.sh_offset + symbol.st_name, *end = file->bytes;
		if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names.sh_size)
			continue;
		for (end = name; end < file->bytes + names.sh_offset + names.sh_size && *end != '\0';)
			end++;
		if (end == file->bytes + names.sh_offset + names.sh_size || found->count == MOST_NAMES)
			continue;
		if (end - name >= 16 && memcmp(name, "forkpool_plugin_", 16) == 0)
			found->names[found->count++] = name;
	}
}

static void sort(struct found *found)
{
	for (size_t i = 1; i < found->count; i++)
		for (size_t k = i; k > 0 && strcmp(found->names[k - 1], found->names[k]) > 0; k--) {
			const char *one = found->names[k];
			found->names[k] = found->names[k - 1];
			found->names[k - 1] = one;
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct found found;
	char *bytes = fuzz_copy(data, size, false);
	struct image file = {bytes, size};

	found.count = look_ups = lines = complaints = 0;
	find_plainly(&file, &found);
	sort(&found);
	int failed = print_functions(NULL, &file, "plugin.so");
	require(look_ups == found.count, "%zu names, should be %zu", look_ups, found.count);
	for (size_t i = 0; i < found.count; i++)
		require(strcmp(looked_up[i], found.names[i]) == 0, "name %zu is %s, should be %s", i, looked_up[i],
		        found.names[i]);
	require(failed == (lines == 0 || lines < found.count ? -1 : 0), "%zu of %zu names: %d", lines, found.count,
	        failed);
	require(found.count > 0 || (complaints == 1 && strstr(complaint, "offers no function") != NULL),
	        "there are none: '%s'", complaint);
	free(bytes);
	return 0;
}
