/* Starting the sync thread without waiting for it: opening the shard for writing reads all of it,
 * which takes half a minute on a slow card, and nothing else of the box may wait so long. */
#ifndef LANEWAY_BOX_SYNC_H
#define LANEWAY_BOX_SYNC_H

#include <stdatomic.h>

#include "sync/sync.h"

struct box_sync;
struct event_base;

struct box_sync_params {
	struct sync_params sync;
	void (*up)(void *ctx, struct sync *sync); /* with sync.ctx */
	/* Opened when this is true, or after two minutes: a card has one head, and tills wait for
	 * what is read back. */
	const atomic_bool *read_back;
};

/* The params are used by a thread of its own until it is up: what they point to lives as long. `up`
 * is called from the loop with the running sync. 0: it runs, or is still being started; -1: it
 * cannot be started, with a sentence in err. What only turns out later is logged as an alarm, and
 * the box goes on without an uplink. */
int box_sync_start(struct box_sync **out, struct event_base *base,
                   const struct box_sync_params *params, char *err, size_t err_size);

/* NULL while it is not up, and for NULL. Any thread. */
struct sync *box_sync_get(const struct box_sync *b);

/* Waits a few seconds. NULL is allowed. false: it hangs; nothing was freed, leave without it. */
bool box_sync_stop(struct box_sync *b);

#endif
