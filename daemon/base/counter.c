#include "base/counter.h"

#include <stddef.h>

struct description {
	const char *name, *help;
};

static const struct description descriptions[COUNTER_COUNT] = {
#define COUNTER(symbol, name, help) [COUNTER_##symbol] = {name, help},
#include "base/counter.def"
};

/* Relaxed: a counter orders nothing, it is only read for people. */
void counter_add(struct counters *c, enum counter_id id, uint64_t n)
{
	atomic_fetch_add_explicit(&c->value[id], n, memory_order_relaxed);
}

uint64_t counter_get(const struct counters *c, enum counter_id id)
{
	return atomic_load_explicit(&c->value[id], memory_order_relaxed);
}

const char *counter_name(enum counter_id id)
{
	return descriptions[id].name;
}

const char *counter_help(enum counter_id id)
{
	return descriptions[id].help;
}
