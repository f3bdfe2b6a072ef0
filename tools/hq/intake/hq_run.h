/* What HQ holds of an epoch, as runs of seqs whose chain has been checked from end to end.
 *
 * Runs of one epoch are disjoint. The one that starts at 1 is anchored: its last is `through`. Two
 * runs that touch are joined only when the h of the left one's end is the h in front of the right
 * one.
 */
#ifndef LANEWAY_HQ_RUN_H
#define LANEWAY_HQ_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"
#include "hq/base/hq_db.h"

struct hq_run {
	uint64_t first, last;
	uint8_t h_prev[EVENT_HASH_BYTES], h_last[EVENT_HASH_BYTES];
};

/* The run that holds seq; when none does, false and *next is the first held seq above it (0: none).
 */
bool hq_run_covering(struct hq_db *db, int64_t epoch, uint64_t seq, struct hq_run *out,
                     uint64_t *next);

enum hq_run_fit {
	HQ_RUN_FITS,   /* added, and joined with its neighbours */
	HQ_RUN_BROKEN, /* added and anchored, but what is held above does not continue it */
	HQ_RUN_FORK,   /* nothing was added: it does not continue, or is not continued by, what is
	                  held */
};
/* Add a run of seqs none of which is held. */
enum hq_run_fit hq_run_add(struct hq_db *db, int64_t epoch, const struct hq_run *run);

/* Every seq from 1 to here is held; 0: none. */
uint64_t hq_run_through(struct hq_db *db, int64_t epoch);

#endif
