/* Which events go to HQ next, and which may be forgotten: batches up, confirmations down.
 *
 * Sync thread only. Holds no lines: per open epoch what is confirmed, and of each batch on its way
 * only where it begins, how long it is and when it was sent.
 *
 * Two cursors. While more than 2,000 events wait, what waits is split: the newest 50 and all that
 * follow belong to the live cursor, everything older to the backlog cursor; each sends its oldest
 * first. With less there is one cursor. After a CONNACK the backlog waits for 0 to 30 s, drawn at
 * most every 5 min, so that stores that come back together do not arrive together. Invariants:
 *
 *   U1  A seq is confirmed, held back (forked), on its way in exactly one batch, or waiting. Of
 * what waits urgent seqs leave first, then live and backlog in turn: while both wait, the backlog
 *       has at least a quarter of the bytes that leave.
 *   U2  Only a confirmation ends a batch; a PUBACK means nothing here.
 *   U3  The bytes on their way stay within HQ's credit, except for one batch, which is always
 *       allowed: the only one, or the live cursor's only one beside a backlog that fills the
 * credit. U4  A batch goes out again only when its confirmation timer ends (10 s doubling to 15
 * min), or as the oldest one when the connection is new or HQ speaks again after a silence; then
 * the others' timers stand at 10 s again. U5  After an hour in which something waited and nothing
 * was confirmed there is an alarm, once, until something is confirmed. Nothing is deleted for it.
 */
#ifndef LANEWAY_SYNC_UPLINK_H
#define LANEWAY_SYNC_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counter.h"
#include "store/journal.h"
#include "sync/batch.h"
#include "sync/confirm.h"

struct uplink;
struct uplink_notes;

struct uplink_params {
	const char *store, *device;
	const struct vault *vault;
	const struct clock *clock;
	struct counters *counters;
	struct journal *journal;       /* state and confirmations */
	struct journal_reader *reader; /* the sync thread's own */
	struct batch_codec *codec;
	/* Publish on `up`; false: cannot now. */
	bool (*publish)(void *ctx, const void *payload, size_t len);
	/* Publish on `ask`. */
	bool (*ask)(void *ctx, const void *payload, size_t len);
	void *ctx;
};

struct uplink_state {
	uint64_t unconfirmed;    /* events; on their way or waiting */
	uint64_t backlog;        /* of them behind the live cursor; 0: there is one cursor */
	int64_t backlog_wait_us; /* until its jitter is over; 0: it is */
	uint64_t batches, outstanding_bytes, credit;
	uint64_t quarantined, forked, foreign, unreadable,
	    lost;          /* seqs, as the journal notes them */
	int64_t oldest_us; /* age of the oldest batch on its way; 0: none */
	int64_t silent_us; /* since the last confirmation, if something waits; 0: nothing does */
	bool alarm;
};

/* Reads where the journal stands. NULL with a sentence in err. */
struct uplink *uplink_new(const struct uplink_params *params, char *err, size_t err_size);
void uplink_free(struct uplink *u);

/* The connection is new: timers start anew, the oldest batch goes at once. */
void uplink_up(struct uplink *u);
/* HQ speaks after a silence: the same for batches that were last sent 10 s ago or more. */
void uplink_alive(struct uplink *u);
/* HQ has heard nothing of what was sent so far: the same for all of it. */
void uplink_anew(struct uplink *u);
void uplink_down(struct uplink *u);

/* HQ's word: it confirms what it says of our own history, and nothing of another copy's. */
void uplink_confirm(struct uplink *u, const struct confirm *c);

/* Those of these seqs that HQ holds as they stand here, for it named the chain that leads to them:
 * rising, at most max. All of them where nothing of the epoch waits here. */
int uplink_ours(const struct uplink *u, const uint8_t epoch[EVENT_EPOCH_BYTES],
                const struct journal_range *of, struct journal_range *out, int max);

/* HQ's generation is this one. rewind: it is another one than before, and nothing counts as
 * confirmed any more; what HQ holds of each epoch is asked for. */
void uplink_generation(struct uplink *u, const char *generation, bool rewind);

/* What HQ said of seqs beyond confirming them. `changes` of it rises when it changes. */
const struct uplink_notes *uplink_notes(const struct uplink *u);

/* Send what may be sent and is due. The mono time at which it wants to be called again (INT64_MAX:
 * when something happens). */
int64_t uplink_step(struct uplink *u);

void uplink_state(const struct uplink *u, struct uplink_state *out);

#endif
