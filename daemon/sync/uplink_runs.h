/* A set of seqs as runs: rising, apart. Plain data; {0} is the empty one. */
#ifndef LANEWAY_SYNC_UPLINK_RUNS_H
#define LANEWAY_SYNC_UPLINK_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/journal.h"

struct uplink_runs {
	struct journal_range *run;
	size_t count, cap;
};

void uplink_runs_free(struct uplink_runs *r); /* and empty */
/* How many of them were not there; 0 also when there is no memory. */
uint64_t uplink_runs_add(struct uplink_runs *r, uint64_t first, uint64_t last);
/* How many were there and are no longer. */
uint64_t uplink_runs_cut(struct uplink_runs *r, uint64_t first, uint64_t last);
/* The last seq of the run that holds this one; 0: none does. */
uint64_t uplink_runs_end(const struct uplink_runs *r, uint64_t seq);
/* Where the next run above this seq begins; UINT64_MAX: nowhere. */
uint64_t uplink_runs_next(const struct uplink_runs *r, uint64_t seq);
uint64_t uplink_runs_total(const struct uplink_runs *r);

#endif
