/*
 * What one loaded object exports, by name, as the linker finds it: by the object's GNU hash table.  dlsym() is not
 * for this: it looks into the object's dependencies, too, has to have a handle for each that dlopen()
 * gives, and takes microseconds to say that there is nothing.
 */
#ifndef FORKPOOL_SYMBOL_H
#define FORKPOOL_SYMBOL_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct symbols {
	uintptr_t base;
	const ElfW(Sym) * table;
	const char *names;
	const uint32_t *hashes; /* the GNU hash table */
};

/* As dl_iterate_phdr() describes the object; false: it exports nothing that could be found. */
bool symbols_of(struct symbols *symbols, const struct dl_phdr_info *object);

/* The address of what the object itself defines under the name; or NULL. */
void *symbol_function(const struct symbols *symbols, const char *name);
void *symbol_variable(const struct symbols *symbols, const char *name, size_t size);

#endif
