/* Allocations of the files that are included after this are counted down: the one after
 * allocations_left fails. #undef malloc, calloc and realloc behind them. */
#ifndef LANEWAY_TESTS_COUNTED_MEMORY_H
#define LANEWAY_TESTS_COUNTED_MEMORY_H

#include <stdlib.h>

static long allocations_left = -1; /* -1: no limit */

static int spent(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}
static void *counted_malloc(size_t n)
{
	return spent() ? NULL : malloc(n);
}
static void *counted_calloc(size_t n, size_t size)
{
	return spent() ? NULL : calloc(n, size);
}
static void *counted_realloc(void *p, size_t n)
{
	return spent() ? NULL : realloc(p, n);
}

#define malloc counted_malloc
#define calloc counted_calloc
#define realloc counted_realloc

#endif
