/* What one round of ingest has to tell each store: collected while it runs, filled in after its
 * commit. */
#ifndef LANEWAY_HQ_ROUND_H
#define LANEWAY_HQ_ROUND_H

#include <stdint.h>

#include "event/event.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"
#include "hq/intake/hq_ingest.h"
#include "hq/intake/hq_run.h"

struct hq_round;

/* An epoch that a batch of this round touched: seqs to name are added to it. */
struct hq_round_place {
	const char *store;
	int64_t epoch_row;
	const uint8_t *epoch;
};
enum hq_round_list { HQ_ROUND_QUARANTINED, HQ_ROUND_FORKED, HQ_ROUND_SETTLED };

struct hq_round *hq_round_new(void);
void hq_round_free(struct hq_round *r);
void hq_round_clear(struct hq_round *r);

/* Each returns 0, or -1 when out of memory: the round is then not to be committed. What does not
 * fit into one confirmation goes into another one: nothing is left out. */
int hq_round_touch(struct hq_round *r, const struct hq_round_place *place);
/* h_prev, h: of the history that the seq came in; NULL for a list that needs none (quarantined). */
struct hq_round_seq {
	uint64_t seq;
	const char *reason;
	const uint8_t *h_prev, *h;
};
int hq_round_name(struct hq_round *r, const struct hq_round_place *place, enum hq_round_list list,
                  const struct hq_round_seq *seq);
/* These seqs came, and are held as they came: run's h are those of the batch. */
int hq_round_same(struct hq_round *r, const struct hq_round_place *place, const struct hq_run *run);
/* A page of the answer to `held`: of the seqs first to last (UINT64_MAX: of all from first on) the
 * runs are all that is held. n is at most CONFIRM_SEQS_MAX. */
struct hq_round_page {
	uint64_t first, last;
	struct confirm_range run[CONFIRM_SEQS_MAX];
	int n;
};
int hq_round_page(struct hq_round *r, const struct hq_round_place *place,
                  const struct hq_round_page *page);
int hq_round_unreadable(struct hq_round *r, const char *store,
                        const uint8_t sha256[EVENT_HASH_BYTES]);

/* Read through and ranges as they are on disk and hand out what is to be sent. */
struct hq_round_out {
	struct hq_db *db;
	const struct hq_keys *keys;
	struct vault_work *work;
	uint64_t credit; /* bytes that a store may have on its way */
	hq_ingest_confirm_fn *fn;
	void *ctx;
};
void hq_round_send(struct hq_round *r, const struct hq_round_out *out);

#endif
