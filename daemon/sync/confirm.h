/* The confirmation's header as a struct: read by the store, written by HQ. JSON in WIRE.md. */
#ifndef LANEWAY_SYNC_CONFIRM_H
#define LANEWAY_SYNC_CONFIRM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/event.h"
#include "sync/batch.h"

#define CONFIRM_EPOCHS_MAX 32
#define CONFIRM_RANGES_MAX 32
#define CONFIRM_SEQS_MAX 64
#define CONFIRM_SEEN_SIZE 80 /* "<turn>.<48 characters>" */

/* A run of seqs; h is h(last) of the history that HQ holds, and says whose history that is. */
struct confirm_range {
	uint64_t first, last;
	bool has_h; /* false: an HQ that does not say */
	uint8_t h[EVENT_HASH_BYTES];
};
/* A run of seqs that HQ keeps raw. h, of forked ones: h(last) of the history that was refused. */
struct confirm_seq {
	uint64_t seq, last;
	char reason[33];
	bool has_h;
	uint8_t h[EVENT_HASH_BYTES];
};
struct confirm_epoch {
	uint8_t epoch[EVENT_EPOCH_BYTES];
	uint64_t through;
	bool has_h;
	uint8_t h[EVENT_HASH_BYTES]; /* of through */
	struct confirm_range ranges[CONFIRM_RANGES_MAX];
	int range_count;
	/* seqs of the batches that this answers, in any order, that HQ holds as they were sent,
	 * where what it holds goes on behind them */
	struct confirm_range same[CONFIRM_SEQS_MAX];
	int same_count;
	struct confirm_seq quarantined[CONFIRM_SEQS_MAX], forked[CONFIRM_SEQS_MAX];
	int quarantined_count, forked_count;
	/* forked seqs that a person at HQ has looked at: the store may let them go */
	struct confirm_range settled[CONFIRM_SEQS_MAX];
	int settled_count;
	/* An answer to `held`: of these seqs this names all that HQ holds (held_last UINT64_MAX: of
	 * all from held_first on). held_first 0: it is none. */
	uint64_t held_first, held_last;
};
struct confirm {
	char generation[17];
	char seen[CONFIRM_SEEN_SIZE]; /* to be handed back in asks; empty: none */
	uint64_t credit;              /* bytes the store may have outstanding */
	struct batch_accepts accepts; /* what HQ reads; not said: version 1 without a dictionary */
	struct confirm_epoch epochs[CONFIRM_EPOCHS_MAX];
	int epoch_count;
	uint8_t unreadable[8][EVENT_HASH_BYTES]; /* SHA-256 of payloads that could not be read */
	int unreadable_count;
};

/* 0, or -1 with a sentence in err. Unknown members are skipped. */
int confirm_parse(const char *json, size_t len, struct confirm *out, char *err, size_t err_size);
/* Reasons must match [a-z0-9_]{1,32}: they are written as they are. 0, or -1 out of memory. */
int confirm_write(const struct confirm *c, struct buf *out);

/* The number in front of a `seen`: of two, the one with the higher number is the newer. 0: it is
 * none. */
uint64_t confirm_seen_turn(const char *seen);

#endif
