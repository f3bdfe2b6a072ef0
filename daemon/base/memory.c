#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Of the process, as errno is of a thread: allocators that libraries are given take no context. */
static atomic_uint_fast64_t failures;

uint64_t memory_failures(void)
{
	return atomic_load(&failures);
}

void memory_note(void)
{
	atomic_fetch_add(&failures, 1);
}

void *memory_alloc(size_t n)
{
	void *p = malloc(n);

	if (!p && n > 0)
		memory_note();
	return p;
}

void *memory_zeroed(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p && n > 0 && size > 0)
		memory_note();
	return p;
}

void *memory_more(void *p, size_t n)
{
	void *more = realloc(p, n);

	if (!more && n > 0)
		memory_note();
	return more;
}

char *memory_text(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		memory_note();
	return copy;
}
