/* Profile changes down: asks HQ for what is newer than the shard, page by page, and applies the
 * pages.
 *
 * Sync thread only. One ask is on its way at most. A round is: ask, page, ask, ... until HQ has
 * nothing more; then the shard is as fresh as that moment. Rounds begin when the connection is new,
 * when HQ pokes, and after 60 s without one.
 */
#ifndef LANEWAY_SYNC_DOWNLINK_H
#define LANEWAY_SYNC_DOWNLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/counter.h"
#include "store/shard.h"
#include "sync/batch.h"

struct downlink;

/* What of this store's own events HQ's state includes (WIRE.md, "changes"): of each epoch
 * everything through a seq, and runs of seqs beyond it. */
#define DOWNLINK_EPOCHS_MAX 16
#define DOWNLINK_BEYOND_MAX 32 /* of all epochs together */
#define DOWNLINK_AWAITS_MAX 8  /* epochs that HQ is asked to speak of */
struct downlink_includes {
	struct {
		uint8_t epoch[EVENT_EPOCH_BYTES];
		uint64_t seq;
	} at[DOWNLINK_EPOCHS_MAX];
	int count;
	struct downlink_run {
		uint8_t epoch[EVENT_EPOCH_BYTES];
		uint64_t first, last;
	} beyond[DOWNLINK_BEYOND_MAX];
	int beyond_count;
};
bool downlink_includes_same(const struct downlink_includes *a, const struct downlink_includes *b);

struct downlink_params {
	const char *store, *device;
	const struct vault *vault;
	const struct clock *clock;
	struct counters *counters;
	struct shard *shard; /* the writer */
	struct batch_codec *codec;
	/* Publish on `ask`; false: cannot now. */
	bool (*publish)(void *ctx, const void *payload, size_t len);
	/* The committed shard includes these seqs of the epoch; false: say it again later. NULL:
	 * nobody wants to know. */
	bool (*included)(void *ctx, const struct downlink_run *run);
	/* The oldest epochs that have something which HQ does not include yet; how many, or -1.
	 * NULL: HQ speaks of the newest ones. */
	int (*awaits)(void *ctx, uint8_t (*epochs)[EVENT_EPOCH_BYTES], int max);
	void *ctx;
};

struct downlink_state {
	uint64_t version;
	char generation[17]; /* of the shard; empty: none yet */
	int64_t synced_wall_us,
	    synced_mono_us;                /* last completed round; 0: never (mono: in this run) */
	int64_t asked_us;                  /* mono time of the ask on its way; 0: none */
	struct downlink_includes includes; /* as of the last completed round */
};

/* The header of a tell (WIRE.md). */
struct downlink_tell {
	char device[EVENT_STORE_SIZE], id[17], generation[17];
	uint64_t since, to;
	bool more, fresh;
	struct downlink_includes includes;
};

/* NULL with a sentence in err. */
struct downlink *downlink_new(const struct downlink_params *params, char *err, size_t err_size);
void downlink_free(struct downlink *d);

void downlink_up(struct downlink *d);
void downlink_down(struct downlink *d);

/* HQ's poke: ask soon, unless what it names is already here. true: HQ has heard nothing of what was
 * sent before it and is not answered; at most once a second. */
bool downlink_poke(struct downlink *d, const void *payload, size_t len);
/* What HQ gave us to hand back (confirm.h); goes with every ask. */
void downlink_seen(struct downlink *d, const char *seen);
/* Begin a round at once. */
void downlink_ask(struct downlink *d);

/* 0, or -1 with a sentence in err. */
int downlink_parse(const char *json, size_t len, struct downlink_tell *out, char *err,
                   size_t err_size);
/* Is this the answer to the ask on its way? */
bool downlink_expects(const struct downlink *d, const struct downlink_tell *t);
/* Open and apply the page of an expected tell. false: it was bad (logged, counted, asked again
 * later). */
bool downlink_page(struct downlink *d, const struct downlink_tell *t, const uint8_t *body,
                   size_t len);

/* Profiles that HQ named one by one: kept, while the shard stays where it stands. The number, or -1
 * (logged). */
int downlink_keep(struct downlink *d, const char *lines, size_t len);

/* Ask if it is time. The mono time at which it wants to be called again (INT64_MAX: when
 * connected). */
int64_t downlink_step(struct downlink *d);

void downlink_state(const struct downlink *d, struct downlink_state *out);

#endif
