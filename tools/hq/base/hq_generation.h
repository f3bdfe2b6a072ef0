/* Which life of hq.db is this, and who can tell.
 *
 * A restored copy is noticed by the mark beside the file when hq.db is opened (hq_db.h). When the
 * whole machine was brought back, the stores know better: with every confirmation HQ gives a store
 * a seal over how far it has come, and the store hands the newest one back when it asks.
 */
#ifndef LANEWAY_HQ_GENERATION_H
#define LANEWAY_HQ_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"

struct hq_generation {
	struct hq_db *db;
	const struct hq_keys *keys;
	struct vault_work *work;
	int64_t wall_us;
};

/* Any payload of `ask`, not within a transaction. true: it proves that HQ had come further than
 * hq.db says, and a new generation has begun (logged). */
bool hq_generation_ask(const struct hq_generation *g, const char *store, const void *payload,
                       size_t len);

/* A person says so. 0 or -1. */
int hq_generation_restored(struct hq_db *db, int64_t wall_us);

#endif
