/* The sync thread: batches up, confirmations and profile pages down. It shares only the journal's
 * file and shard.db with the rest, and never holds the backlog in memory.
 */
#ifndef LANEWAY_SYNC_SYNC_H
#define LANEWAY_SYNC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/clock_keep.h"
#include "base/counter.h"
#include "store/journal.h"
#include "store/vault.h"
#include "sync/downlink.h"

struct inquiry_answer; /* sync/inquiry.h */
struct ledger;
struct shard_gate;
struct sync;

#define SYNC_NOTES_MAX 100 /* runs shown; the numbers count all */

struct sync_params {
	const char *store, *device;
	const char *journal_path, *shard_path, *keys_dir;
	const char *broker_host;
	int broker_port;
	const struct vault *vault;
	struct shard_gate *gate; /* shared with the shard's readers; may be NULL */
	const struct clock *clock;
	struct clock_keep *keep; /* behind clock; NULL: certificates are checked by the machine's
	                            clock, HQ's time is not asked for */
	struct counters *counters;
	struct journal *journal; /* for journal_confirm */
	struct ledger *ledger;   /* HQ's word on statements goes there; NULL: it is not asked for */
	/* state, shard or the clock's trust changed; from the sync thread */
	void (*changed)(void *ctx);
	void *ctx;
};

struct sync_state {
	bool connected;           /* to the broker */
	bool hq_heard;            /* HQ answered within the last 30 s, or nothing is outstanding */
	int64_t hq_heard_mono_us; /* HQ's last word; 0: never in this run */
	int64_t synced_wall_us, synced_mono_us; /* last completed shard sync; 0: never */
	uint64_t shard_version;
	char generation[17];
	uint64_t unsent, backlog; /* events; backlog: those behind the live cursor */
	int64_t backlog_wait_us;  /* before it begins to drain */
	uint64_t batches, outstanding_bytes, credit;
	uint64_t quarantined, forked, foreign, unreadable, lost; /* seqs: journal.h, notes */
	int64_t oldest_unconfirmed_us; /* age of the oldest unconfirmed event's outstanding batch; 0
	                                  none */
	int64_t silent_us; /* nothing was confirmed for this long while something waited; 0: nothing
	                      waits */
	bool alarm;        /* that has been an hour or more */
	int64_t progress_us;
	/* Of this store's own: what HQ holds of the epochs that it speaks of, of this very history;
	 * and what of that is in the shard. */
	struct downlink_includes held, includes;
};

/* Opens shard.db (anew if unreadable) and starts the thread. 0, or -1 with a sentence in err. */
int sync_start(struct sync **out, const struct sync_params *params, char *err, size_t err_size);
/* After each journal commit; any thread. */
void sync_wake(struct sync *s);
/* Waits at most 3 s. false: the thread hangs in the network; then exit without joining. */
bool sync_stop(struct sync *s);
void sync_state(struct sync *s, struct sync_state *out);
/* The newest notes on seqs that HQ did not simply confirm, a run each. The number, at most max. */
int sync_notes(struct sync *s, struct journal_note *out, int max);

/* Ask HQ who has this identifier (kind and normal form), which the shard does not know. A ticket;
 * 0: not now. Any thread; `changed` is called when an answer lies ready. */
uint64_t sync_inquire(struct sync *s, const char *kind, const char *nf);
/* The next answer; false: none. */
bool sync_inquired(struct sync *s, struct inquiry_answer *out);
/* As ruling_next; `changed` is called when there is something. */
bool sync_rules(struct sync *s, struct buf *out);
/* As ruling_stand. Until it is called HQ is not asked. Any thread. */
void sync_rules_stand(struct sync *s, const char *version, const char *refused, const char *why);
/* The same of the weights that suggestions go by. */
bool sync_weights(struct sync *s, struct buf *out);
/* Which of HQ's weights are in use, by when they were made; empty: none. Until it is called HQ is
 * not asked. Any thread. */
void sync_weights_stand(struct sync *s, const char *made);

#endif
