/* The quarantine read again with this release's decoder: what it can read becomes an event, byte
 * for byte as it came; nothing is edited. */
#ifndef LANEWAY_HQ_RETRY_H
#define LANEWAY_HQ_RETRY_H

#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_keys.h"

struct hq_retry {
	uint64_t tried, read; /* seqs */
	uint64_t again;       /* events that counted for nothing and are folded again */
};

/* store NULL: all. In transactions of its own. 0, or -1: a database error (what was done before it
 * stays). */
int hq_retry_run(struct hq_db *db, const struct hq_keys *keys, const char *store,
                 struct hq_retry *out);

#endif
