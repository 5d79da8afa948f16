/*
 * Reading of objects' tables of symbols.  The table of hashes is laid out as: four words (buckets, the first symbol
 * that is hashed, words of the filter, the filter's shift), the filter (address-sized), the buckets, and one
 * word for each symbol: its hash, whose lowest bit marks the end of its bucket.
 */
#include "symbol.h"

#include <string.h>

/* Some C libraries add the object's base to the addresses in its dynamic section, some do not. */
static const void *address(uintptr_t base, uintptr_t value)
{
	return (const void *)(value < base ? base + value : value);
}

bool symbols_of(struct symbols *symbols, const struct dl_phdr_info *object)
{
	const ElfW(Dyn) *entry = NULL;
	*symbols = (struct symbols){.base = object->dlpi_addr};
	for (int i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC)
			entry = (const ElfW(Dyn) *)(symbols->base + object->dlpi_phdr[i].p_vaddr);
	for (; entry != NULL && entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_SYMTAB)
			symbols->table = address(symbols->base, entry->d_un.d_ptr);
		else if (entry->d_tag == DT_STRTAB)
			symbols->names = address(symbols->base, entry->d_un.d_ptr);
		else if (entry->d_tag == DT_GNU_HASH)
			symbols->hashes = address(symbols->base, entry->d_un.d_ptr);
	return symbols->table != NULL && symbols->names != NULL && symbols->hashes != NULL && symbols->hashes[0] > 0;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;
	while (*name != '\0')
		hash = hash * 33 + (unsigned char)*name++;
	return hash;
}

static const ElfW(Sym) * find(const struct symbols *symbols, const char *name)
{
	enum { BITS = 8 * sizeof(ElfW(Addr)) };
	const uint32_t *head = symbols->hashes, hash = hash_of(name);
	const ElfW(Addr) *filter = (const void *)(head + 4);
	const uint32_t *buckets = (const void *)(filter + head[2]), *chain = buckets + head[0];
	ElfW(Addr) word = filter[hash / BITS % head[2]];
	if (!(word >> hash % BITS & word >> (hash >> head[3]) % BITS & 1))
		return NULL;
	for (uint32_t i = buckets[hash % head[0]]; i >= head[1]; i++) {
		const ElfW(Sym) *symbol = &symbols->table[i];
		if ((chain[i - head[1]] | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF &&
		    strcmp(symbols->names + symbol->st_name, name) == 0)
			return symbol;
		if (chain[i - head[1]] & 1)
			break;
	}
	return NULL;
}

static void *address_of(const struct symbols *symbols, const ElfW(Sym) * symbol, unsigned type)
{
	if (symbol == NULL || (symbol->st_info & 15u) != type)
		return NULL;
	return (void *)(symbols->base + symbol->st_value);
}

void *symbol_function(const struct symbols *symbols, const char *name)
{
	return address_of(symbols, find(symbols, name), STT_FUNC);
}

void *symbol_variable(const struct symbols *symbols, const char *name, size_t size)
{
	const ElfW(Sym) *symbol = find(symbols, name);
	return symbol != NULL && symbol->st_size == size ? address_of(symbols, symbol, STT_OBJECT) : NULL;
}
