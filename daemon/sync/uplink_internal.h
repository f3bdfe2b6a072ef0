/* The uplink's parts: uplink.c sends, uplink_next.c says what goes next, uplink_make.c makes a
 * batch of it, uplink_epoch.c knows what is confirmed, uplink_confirm.c listens. */
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
	bool backlog; /* else of the live cursor */
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
	bool up;
	bool full[2]; /* by cursor: its next batch did not fit; wait for a confirmation */
	/* The two cursors. While `split`, what stands below (live_ordinal, live_first) is the
	 * backlog. */
	bool split;
	int64_t live_ordinal;
	uint64_t live_first;
	int64_t backlog_from_us; /* not before this: jitter */
	int64_t jitter_us;       /* when that was drawn; 0: never */
	int64_t
	    ahead_bytes; /* what the live cursor took over its three quarters; its turn below 0 */
	bool alarmed;
	int64_t progress_us; /* last time that something was confirmed, or nothing waited */
	int64_t retry_us;    /* reading failed: not before this */
	struct buf payload, keys;
};

enum uplink_cursor { UPLINK_LIVE, UPLINK_BACKLOG, UPLINK_NEITHER };

/* What goes next: a range of one epoch's seqs, of which as many go as one batch carries. */
struct uplink_place {
	enum uplink_cursor cursor;
	struct uplink_epoch *epoch;
	struct journal_range gap;
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
/* Of them those below seq. */
uint64_t uplink_epoch_unconfirmed_below(const struct uplink_epoch *e, uint64_t seq);
/* Take in HQ's word; how many seqs are newly confirmed (negative: fewer than before). */
int64_t uplink_epoch_confirm(struct uplink_epoch *e, const struct confirm_epoch *c, bool replace);
/* Remember; false: it was there. */
bool uplink_mark(struct uplink_marks *m, uint64_t seq);

/* ---- uplink_next.c ---- */

/* Draw the line between backlog and live anew if it must move. */
void uplink_next_split(struct uplink *u);
/* The connection is new: what was on its way counts to the backlog, which waits for its jitter. */
void uplink_next_up(struct uplink *u);
/* The cursor whose turn it is, and what it would send. cursor is UPLINK_NEITHER when nothing waits
 * that may go now. */
void uplink_next_place(struct uplink *u, struct uplink_place *out);
/* An urgent seq that waits and is none of `run`'s; it goes alone. */
bool uplink_next_urgent(struct uplink *u, const struct uplink_epoch *e,
                        const struct journal_run *run, struct uplink_place *out);
/* May a payload of this length leave now? */
bool uplink_next_fits(const struct uplink *u, enum uplink_cursor cursor, size_t len);
/* It left. */
void uplink_next_sent(struct uplink *u, enum uplink_cursor cursor, size_t len);
/* Events of the backlog that are not confirmed. */
uint64_t uplink_next_behind(const struct uplink *u);

/* ---- uplink_make.c ---- */

/* Seqs of this gap, as many as one batch of `raw_max` bytes of lines carries. false: nothing can be
 * read now, retry_us says when. */
bool uplink_make_read(struct uplink *u, struct uplink_epoch *e, const struct journal_range *gap,
                      size_t raw_max, struct journal_run *run);
/* The run as a payload in u->payload. 0 or -1. */
int uplink_make_payload(struct uplink *u, const struct uplink_epoch *e,
                        const struct journal_run *run);

/* ---- uplink.c ---- */
void uplink_batch_drop(struct uplink *u, int i);
/* Something was confirmed, or nothing waits: the hour until the alarm begins anew. */
void uplink_progress(struct uplink *u);

#endif
