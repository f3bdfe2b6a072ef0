/* The uplink's parts: uplink.c sends, uplink_epoch.c knows what is confirmed, uplink_confirm.c
 * listens. */
#ifndef LANEWAY_SYNC_UPLINK_INTERNAL_H
#define LANEWAY_SYNC_UPLINK_INTERNAL_H

#include "sync/uplink.h"

#define UPLINK_RANGES_MAX                                                                          \
	32 /* confirmed ranges kept above `through`, as on the wire and in the journal */
#define UPLINK_MARKS_MAX 128   /* forked or quarantined seqs remembered per epoch */
#define UPLINK_SINGLES_MAX 8   /* ranges of an epoch that travel one event a batch */
#define UPLINK_BATCHES_MAX 256 /* batches on their way, whatever the credit says */

struct uplink_marks {
	uint64_t seqs[UPLINK_MARKS_MAX]; /* rising */
	int count;
};

struct uplink_epoch {
	int64_t ordinal;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t last_seq;
	uint64_t deleted; /* no longer held through here */
	uint64_t through;
	struct journal_range ranges[UPLINK_RANGES_MAX]; /* rising, apart, above through */
	int range_count;
	struct journal_range singles[UPLINK_SINGLES_MAX];
	int single_count;
	struct uplink_marks forked, quarantined;
	bool dirty, replace; /* the journal has not been told yet */
};

struct uplink_batch {
	int64_t ordinal;
	uint64_t first;
	uint32_t count;
	size_t bytes;
	int64_t first_sent_us, sent_us, due_us;
	unsigned times;                    /* sent since the timers last started anew */
	uint8_t payload[EVENT_HASH_BYTES]; /* SHA-256 of what was last sent */
};

struct uplink {
	struct uplink_params params;
	char store[EVENT_STORE_SIZE];
	struct vault_work *work;
	struct uplink_epoch *epochs; /* not wholly confirmed ones and the open one, oldest first */
	int epoch_count, epoch_cap;
	struct uplink_batch batches[UPLINK_BATCHES_MAX]; /* by (ordinal, first) */
	int batch_count;
	size_t bytes; /* of the batches */
	uint64_t credit;
	uint64_t quarantined, forked;
	bool up, full; /* full: the next batch did not fit; wait for a confirmation */
	bool alarmed;
	int64_t progress_us; /* last time that something was confirmed, or nothing was on its way */
	int64_t retry_us;    /* reading failed: not before this */
	struct buf payload, keys;
};

static inline int64_t uplink_now(const struct uplink *u)
{
	return clock_mono_us(u->params.clock);
}

/* ---- uplink_epoch.c ---- */

/* Read the journal's epochs into u->epochs; what was known of the same epochs (forked, singles)
 * stays. rewind: confirmed through what is deleted, no further. 0, or -1 with err. */
int uplink_epochs_load(struct uplink *u, bool rewind, char *err, size_t err_size);
struct uplink_epoch *uplink_epoch_by_id(struct uplink *u, const uint8_t epoch[EVENT_EPOCH_BYTES]);
struct uplink_epoch *uplink_epoch_by_ordinal(struct uplink *u, int64_t ordinal);
/* Take in the open epoch's newest seq; forget epochs that are wholly confirmed. */
void uplink_epochs_refresh(struct uplink *u);
/* Tell the journal what changed. */
void uplink_epochs_flush(struct uplink *u);

/* Seqs of this epoch that are not confirmed. */
uint64_t uplink_epoch_unconfirmed(const struct uplink_epoch *e);
/* The lowest seq from `seq` on that is neither confirmed nor forked; may be above last_seq. */
uint64_t uplink_epoch_open(const struct uplink_epoch *e, uint64_t seq);
/* The lowest waiting seq from `from` on and how many may travel with it. false: none waits. */
bool uplink_epoch_gap(const struct uplink *u, const struct uplink_epoch *e, uint64_t from,
                      struct journal_range *gap);
/* Take in HQ's word; how many seqs are newly confirmed (negative: fewer than before). */
int64_t uplink_epoch_confirm(struct uplink_epoch *e, const struct confirm_epoch *c, bool replace);
/* Remember; false: it was there. */
bool uplink_mark(struct uplink_marks *m, uint64_t seq);

/* ---- uplink.c ---- */
void uplink_batch_drop(struct uplink *u, int i);

#endif
