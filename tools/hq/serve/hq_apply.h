/* Fold events into orders and profiles: its own step after ingest, with its own mark.
 *
 * Every order of arrival gives the same result: an order is recomputed from all facts about it and
 * its basket in (epoch order, seq), a profile from all its orders. A fact whose visit key is not
 * here yet waits and is folded when the key comes.
 */
#ifndef LANEWAY_HQ_APPLY_H
#define LANEWAY_HQ_APPLY_H

#include <stdbool.h>

#include "base/clock.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"
#include "hq/identity/hq_persons.h"

struct hq_apply;

struct hq_apply_params {
	struct hq_db *db;
	const struct hq_keys *keys;
	const struct clock *clock;
	const struct hq_scope *scope;
	bool webhook; /* identified orders go to the outbox */
};

struct hq_apply *hq_apply_new(const struct hq_apply_params *params); /* NULL: out of memory */
void hq_apply_free(struct hq_apply *a);

/* Fold the next events, one transaction. 1: there may be more; 0: all is folded; -1: database
 * error, nothing of this step is kept. */
int hq_apply_step(struct hq_apply *a);

#endif
