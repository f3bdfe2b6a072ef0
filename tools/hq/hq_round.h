/* What one round of ingest has to tell each store: collected while it runs, filled in after its
 * commit. */
#ifndef LANEWAY_HQ_ROUND_H
#define LANEWAY_HQ_ROUND_H

#include <stdint.h>

#include "event/event.h"
#include "hq/hq_db.h"
#include "hq/hq_ingest.h"

#define HQ_ROUND_CREDIT_BYTES 262144 /* constant for now: one store's batches in flight */

struct hq_round;

/* An epoch that a batch of this round touched: seqs to name are added to it. */
struct hq_round_place {
	const char *store;
	int64_t epoch_row;
	const uint8_t *epoch;
};
enum hq_round_list { HQ_ROUND_QUARANTINED, HQ_ROUND_FORKED };

struct hq_round *hq_round_new(void);
void hq_round_free(struct hq_round *r);
void hq_round_clear(struct hq_round *r);

/* Each returns 0, or -1 when out of memory: the round is then not to be committed. */
int hq_round_touch(struct hq_round *r, const struct hq_round_place *place);
int hq_round_name(struct hq_round *r, const struct hq_round_place *place, enum hq_round_list list,
                  uint64_t seq, const char *reason);
int hq_round_unreadable(struct hq_round *r, const char *store,
                        const uint8_t sha256[EVENT_HASH_BYTES]);

/* Read through and ranges as they are on disk and hand out what is to be sent. */
void hq_round_send(struct hq_round *r, struct hq_db *db, hq_ingest_confirm_fn *fn, void *ctx);

#endif
