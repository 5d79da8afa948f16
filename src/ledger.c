/*
 * The ledger's walks over many words.  What one word does is in ledger.h.
 */
#include "ledger.h"

static bool cancel_one(ledger_word *word)
{
	uint64_t old = ledger_read(word);
	while (ledger_state(old) == LEDGER_TODO || ledger_state(old) == LEDGER_ORPHAN)
		if (atomic_compare_exchange_weak(word, &old, LEDGER_CANCELLED | (old & LEDGER_STOLEN)))
			return true;
	return false;
}

size_t ledger_cancel(ledger_word *words, size_t count)
{
	size_t cancelled = 0;
	for (size_t i = 0; i < count; i++)
		cancelled += cancel_one(&words[i]);
	return cancelled;
}

size_t ledger_pass_settled(const ledger_word *words, size_t cursor, size_t count)
{
	while (cursor < count && ledger_settled(ledger_read(&words[cursor])))
		cursor++;
	return cursor;
}
