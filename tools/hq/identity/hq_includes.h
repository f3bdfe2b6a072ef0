/* What of a store's own events is in HQ's state (WIRE.md, section 10, "changes"): of each epoch
 * everything through a seq, and runs of seqs beyond it. What waits for its key, its unit or the
 * claim of its address, and what lies in the quarantine, is not in it.
 *
 * Bounded: what there is no room for is not said, so the store keeps it for itself a little longer.
 */
#ifndef LANEWAY_HQ_INCLUDES_H
#define LANEWAY_HQ_INCLUDES_H

#include "base/buf.h"
#include "event/event.h"
#include "hq/base/hq_db.h"

#define HQ_INCLUDES_EPOCHS_MAX 16 /* those that it asks for, then the store's newest */
#define HQ_INCLUDES_ASKED_MAX 8   /* of them */
#define HQ_INCLUDES_RUNS_MAX 32   /* beyond, of all epochs together: what a store takes */

/* JSON objects, the epoch's 16 hex digits to what is included. Zeros are empty. */
struct hq_includes {
	struct buf through; /* {"16 hex":41} */
	struct buf beyond;  /* {"16 hex":[[43,50]]}; of no length: there is nothing to say */
};
/* awaits NULL: the store asks for none by name. */
struct hq_includes_awaits {
	uint8_t epoch[HQ_INCLUDES_ASKED_MAX][EVENT_EPOCH_BYTES];
	int count;
};
void hq_includes_read(struct hq_includes *i, struct hq_db *db, const char *store,
                      const struct hq_includes_awaits *awaits);
void hq_includes_free(struct hq_includes *i);

/* Members of an object, each with a comma behind it; nothing where i is NULL. */
void hq_includes_beyond(const struct hq_includes *i, struct buf *out);
void hq_includes_through(const struct hq_includes *i, struct buf *out);

/* Of both members. */
size_t hq_includes_bytes(const struct hq_includes *i);

#endif
