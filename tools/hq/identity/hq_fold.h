/* From facts to orders and from orders to profiles: recomputed whole, so that order of arrival
 * cannot matter. Within a transaction of the caller. */
#ifndef LANEWAY_HQ_FOLD_H
#define LANEWAY_HQ_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"
#include "hq/base/hq_names.h"
#include "hq/identity/hq_person.h"

struct hq_fold {
	struct hq_db *db;
	struct hq_names *orders; /* order ids to look at again */
	struct hq_person_work *person;
	bool webhook;
	int64_t wall_us;
};

/* Recompute each order, then every person who gained, lost or changed one. */
void hq_fold_orders(const struct hq_fold *fold);

/* A visit key out of hq.db: 1 found; 0 not here yet; -1 it cannot be opened. */
int hq_fold_key(struct hq_db *db, const struct hq_keys *keys, struct vault_work *w,
                const uint8_t id[16], uint8_t out[VAULT_KEY_BYTES]);

#endif
