/* Memory that runs out: the chosen allocation of the program fails, its own and SQLite's. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "base_memory.h"

static _Thread_local int off; /* the rig's own work is not counted */
static sqlite3_mem_methods sqlite_below;

void base_memory_off(void)
{
	off++;
}

void base_memory_on(void)
{
	off--;
}

static bool fails(void)
{
	if (!base_mine || off)
		return false;
	uint64_t n = __atomic_add_fetch(&base_mine->allocations, 1, __ATOMIC_SEQ_CST);
	return n == base_mine->fail_allocation;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

static void *sqlite_malloc(int n)
{
	return fails() ? NULL : sqlite_below.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
	return fails() ? NULL : sqlite_below.xRealloc(p, n);
}

void base_memory_sqlite(void)
{
	sqlite3_mem_methods ours;

	sqlite3_shutdown();
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_below);
	ours = sqlite_below;
	ours.xMalloc = sqlite_malloc;
	ours.xRealloc = sqlite_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}
