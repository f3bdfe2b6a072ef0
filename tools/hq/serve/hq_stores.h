/* Which stores there are and when each was last heard: dark ones are told to the webhook. Loop
 * thread. */
#ifndef LANEWAY_HQ_STORES_H
#define LANEWAY_HQ_STORES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "hq/base/hq_db.h"

struct hq_stores;

struct hq_stores_params {
	struct hq_db *db;
	const struct clock *clock;
	int dark_s;   /* silent for longer: dark */
	bool webhook; /* dark and back go to the outbox */
};

/* Reads the stores of hq.db; each has dark_s from now on. NULL: out of memory. */
struct hq_stores *hq_stores_new(const struct hq_stores_params *params);
void hq_stores_free(struct hq_stores *s);

/* Any message of this store has come. */
void hq_stores_heard(struct hq_stores *s, const char *store);
/* Every second: who has gone dark, who is back, and when each was heard, into hq.db. true: the
 * outbox has something new. */
bool hq_stores_tick(struct hq_stores *s);

void hq_stores_each(struct hq_stores *s, void (*fn)(void *ctx, const char *store), void *ctx);

#endif
