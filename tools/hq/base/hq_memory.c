#include "hq/base/hq_memory.h"

#include <jansson.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/memory.h"

#define ROUND_BYTES 8 /* SQLite wants sizes that are multiples of it */

static void *sqlite_alloc(int n)
{
	return memory_alloc((size_t)n);
}

static void *sqlite_more(void *p, int n)
{
	return memory_more(p, (size_t)n);
}

static int sqlite_size(void *p)
{
	return (int)malloc_usable_size(p);
}

static int sqlite_round_up(int n)
{
	return (n + ROUND_BYTES - 1) & ~(ROUND_BYTES - 1);
}

static int sqlite_begin(void *ctx)
{
	(void)ctx;
	return SQLITE_OK;
}

static void sqlite_end(void *ctx)
{
	(void)ctx;
}

void hq_memory_watch(void)
{
	static const sqlite3_mem_methods methods = {.xMalloc = sqlite_alloc,
	                                            .xFree = free,
	                                            .xRealloc = sqlite_more,
	                                            .xSize = sqlite_size,
	                                            .xRoundup = sqlite_round_up,
	                                            .xInit = sqlite_begin,
	                                            .xShutdown = sqlite_end};

	json_set_alloc_funcs(memory_alloc, free);
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
