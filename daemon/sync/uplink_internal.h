/* The uplink's parts: uplink.c sends, uplink_next.c says what goes next, uplink_make.c makes a
 * batch of it, uplink_epoch.c knows what is confirmed, uplink_confirm.c listens. */
#ifndef LANEWAY_SYNC_UPLINK_INTERNAL_H
#define LANEWAY_SYNC_UPLINK_INTERNAL_H

#include "sync/uplink.h"
#include "sync/uplink_notes.h"
#include "sync/uplink_runs.h"

#define UPLINK_ASKED_MAX CONFIRM_EPOCHS_MAX
#define UPLINK_RAW_MAX 8       /* events that HQ cannot read alone, named to it in one ask */
#define UPLINK_SINGLES_MAX 8   /* ranges of an epoch that travel one event a batch */
#define UPLINK_BATCHES_MAX 256 /* batches on their way, whatever the credit says */

struct uplink_epoch {
	int64_t ordinal;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t last_seq;
	uint64_t deleted; /* no longer held through here */
	uint64_t through;
	struct uplink_runs confirmed; /* above through; the journal knows the lowest of them */
	struct journal_range singles[UPLINK_SINGLES_MAX];
	int single_count;
	struct uplink_runs forked; /* held back */
	bool dirty;                /* the journal has not been told yet */
	bool heard;                /* HQ has said all that it holds of it, in this generation */
};

/* An epoch that HQ is asked for: it answers in pages, this is where the next one begins. */
struct uplink_asked {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t gone, from;
};

struct uplink_batch {
	int64_t ordinal;
	uint64_t first;
	uint32_t count;
	bool backlog; /* else of the live cursor */
	bool plain;   /* in the form that every HQ reads */
	size_t bytes;
	int64_t first_sent_us, sent_us, due_us;
	unsigned times;                    /* sent since the timers last started anew */
	uint8_t payload[EVENT_HASH_BYTES]; /* SHA-256 of what was last sent */
	uint8_t h_last[EVENT_HASH_BYTES];
};

/* The ask `held`: what HQ is asked, and when again. */
struct uplink_ask {
	bool unheard; /* there may be epochs that HQ's generation has not spoken of */
	bool look;    /* ask for the epochs with forked or lost seqs too */
	struct uplink_asked epochs[UPLINK_ASKED_MAX]; /* asked for and not answered to the end */
	int epoch_count;
	struct {
		uint8_t sha256[EVENT_HASH_BYTES], epoch[EVENT_EPOCH_BYTES];
		uint64_t seq;
		uint8_t h_prev[EVENT_HASH_BYTES], h[EVENT_HASH_BYTES];
	} raw[UPLINK_RAW_MAX];
	int raw_count;
	int64_t due_us, wait_us;
	int64_t hold_us; /* nothing leaves before this, or the answer: HQ may hold it all */
};

struct uplink {
	struct uplink_params params;
	char store[EVENT_STORE_SIZE];
	struct vault_work *work;
	struct uplink_epoch *epochs; /* not wholly confirmed ones and the open one, oldest first */
	int epoch_count, epoch_cap;
	uint64_t epochs_rev; /* of the journal, as of the last reading of its epochs */
	struct uplink_batch batches[UPLINK_BATCHES_MAX]; /* by (ordinal, first) */
	int batch_count;
	size_t bytes; /* of the batches */
	uint64_t credit;
	struct batch_form form; /* the best that HQ reads; all zero until it spoke */
	char generation[17];    /* HQ's, as the journal knows it or will; empty: none heard yet */
	struct uplink_notes notes;
	struct uplink_ask ask;
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
	struct buf payload, keys, text;
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
void uplink_epochs_free(struct uplink *u);
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
/* This seq travels one event a batch, in the form that every HQ reads. */
bool uplink_epoch_alone(const struct uplink_epoch *e, uint64_t seq);
/* Of them those below seq. */
uint64_t uplink_epoch_unconfirmed_below(const struct uplink_epoch *e, uint64_t seq);
/* Take in what is confirmed, in any order; how many seqs of it are new. */
uint64_t uplink_epoch_confirm(struct uplink_epoch *e, const struct journal_range *said, int n);
/* The seqs are all confirmed. */
bool uplink_epoch_covers(const struct uplink_epoch *e, uint64_t first, uint64_t last);

/* ---- uplink_word.c ---- */

/* What HQ says of an epoch; how many seqs are newly confirmed. */
uint64_t uplink_word_take(struct uplink *u, struct uplink_epoch *e, const struct confirm_epoch *c);

/* ---- uplink_held.c ---- */

void uplink_held_up(struct uplink *u);
/* HQ cannot read this batch of one event: it is to keep the payload. */
void uplink_held_raw(struct uplink *u, const struct uplink_epoch *e, const struct uplink_batch *b);
/* A confirmation's word on an epoch that was asked for: what is lost of it. */
void uplink_held_answer(struct uplink *u, const struct confirm_epoch *c);
/* What to send is not known before HQ has said what it holds. */
bool uplink_held_waits(const struct uplink *u);
/* Ask if it is time; when to be called again. */
int64_t uplink_held_step(struct uplink *u);

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
