/* Memory that runs out, counted.
 *
 * Much of what can fail for want of memory says so by leaving something out: a member of a JSON
 * object, a column that reads as NULL, a line of a buffer. Whoever keeps or tells what was made
 * along the way need not check each step: an allocation that fails is counted here, and a count
 * that moved means that the work may not be whole. Made for work of one thread (another thread's
 * failure makes work be done again that was whole, which is harmless).
 */
#ifndef LANEWAY_BASE_MEMORY_H
#define LANEWAY_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* How many allocations have failed in this process. */
uint64_t memory_failures(void);
/* One has failed, elsewhere than in the functions below. */
void memory_note(void);

/* malloc, calloc, realloc and strdup, counting; freed by free. */
void *memory_alloc(size_t n);
void *memory_zeroed(size_t n, size_t size);
void *memory_more(void *p, size_t n);
char *memory_text(const char *s);

#endif
