/* Counters that any thread may raise and the screens read. One struct, made in main, handed around.
 */
#ifndef LANEWAY_BASE_COUNTER_H
#define LANEWAY_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

enum counter_id {
#define COUNTER(symbol, name, help) COUNTER_##symbol,
#include "base/counter.def"
	COUNTER_COUNT
};

struct counters {
	atomic_uint_fast64_t value[COUNTER_COUNT];
};

void counter_add(struct counters *c, enum counter_id id, uint64_t n);
uint64_t counter_get(const struct counters *c, enum counter_id id);
const char *counter_name(enum counter_id id);
const char *counter_help(enum counter_id id);

#endif
