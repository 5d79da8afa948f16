/*
 * list.c - what functions a plugin offers.
 *
 * dlsym() finds a name but lists none, so the names are read from the file: the section
 * of dynamic symbols.  Nothing in the file is believed; whatever lies outside of it is
 * as if it were not there.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"

#define PREFIX "forkpool_plugin_"

struct image {
	const char *bytes;
	size_t size;
};

/* `count` things of `size` bytes at `offset`, or NULL if they are not all in the file, or
 * not where such things may be. */
static const void *at(const struct image *image, uint64_t offset, uint64_t count, size_t size, size_t alignment)
{
	if (offset > image->size || count > (image->size - offset) / size || offset % alignment != 0)
		return NULL;
	return image->bytes + offset;
}

static const ElfW(Shdr) * section(const struct image *image, unsigned number)
{
	const ElfW(Ehdr) *header = at(image, 0, 1, sizeof *header, 1);

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_shentsize != sizeof(ElfW(Shdr)) ||
	    number >= header->e_shnum)
		return NULL;
	return at(image, header->e_shoff + (uint64_t)number * sizeof(ElfW(Shdr)), 1, sizeof(ElfW(Shdr)),
	          _Alignof(ElfW(Shdr)));
}

static const ElfW(Shdr) * dynamic_symbols(const struct image *image)
{
	const ElfW(Shdr) * found;

	for (unsigned i = 0; (found = section(image, i)); i++)
		if (found->sh_type == SHT_DYNSYM)
			return found;
	return NULL;
}

static void print_values(size_t length, const struct number *number, char *text, size_t size)
{
	if (length == 1)
		snprintf(text, size, "%s", number->name);
	else
		snprintf(text, size, "%zu %s", length, number->name);
}

/* Returns 0, or -1 if the object does not define the symbol or describes it wrongly. */
static int print_function(void *object, const char *symbol)
{
	const forkpool_plugin *plugin = dlsym(object, symbol);
	const char *name = symbol + strlen(PREFIX);
	struct function function;
	char item[64], result[64];

	if (!plugin || function_describe(&function, plugin, name))
		return -1;
	print_values(plugin->item_length, function.item, item, sizeof item);
	print_values(plugin->result_length, function.result, result, sizeof result);
	printf("%-16s %12s -> %-12s  %s\n", name, item, result, plugin->summary ? plugin->summary : "");
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Collects the names of the descriptions into `found`, which has room for all symbols. */
static size_t find_names(const struct image *image, const ElfW(Shdr) * symbols, const char **found)
{
	const ElfW(Shdr) *names = section(image, symbols->sh_link);
	const ElfW(Sym) *symbol = at(image, symbols->sh_offset, symbols->sh_size, 1, _Alignof(ElfW(Sym)));
	const char *text = names ? at(image, names->sh_offset, names->sh_size, 1, 1) : NULL;
	size_t count = 0;

	for (size_t i = 0; symbol && text && i < symbols->sh_size / sizeof *symbol; i++) {
		const char *name = text + symbol[i].st_name;
		if (symbol[i].st_name >= names->sh_size || !memchr(name, '\0', names->sh_size - symbol[i].st_name))
			continue;
		if (symbol[i].st_shndx != SHN_UNDEF && strncmp(name, PREFIX, strlen(PREFIX)) == 0)
			found[count++] = name;
	}
	qsort(found, count, sizeof *found, by_name);
	return count;
}

static int print_functions(void *object, const struct image *image, const char *file)
{
	const ElfW(Shdr) *symbols = dynamic_symbols(image);
	size_t most = symbols && symbols->sh_size <= image->size ? symbols->sh_size / sizeof(ElfW(Sym)) : 0;
	const char **names = calloc(most + 1, sizeof *names);
	size_t count = names && most > 0 ? find_names(image, symbols, names) : 0;
	int failed = count > 0 ? 0 : -1;

	if (count == 0)
		complain("%s offers no function: it exports no symbol %sNAME (see FORKPOOL_PLUGIN in forkpool.h)", file,
		         PREFIX);
	for (size_t i = 0; i < count; i++)
		failed |= print_function(object, names[i]);
	free(names);
	return failed;
}

int function_list(const char *file)
{
	struct image image = {NULL, 0};
	struct stat status;
	void *object = function_open(file), *bytes = MAP_FAILED;
	int fd, failed = -1;

	if (!object)
		return -1;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0)
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (bytes == MAP_FAILED) {
		complain("%s cannot be read", file);
	} else {
		image = (struct image){bytes, (size_t)status.st_size};
		failed = print_functions(object, &image, file);
		munmap(bytes, image.size);
	}
	dlclose(object);
	return failed;
}
