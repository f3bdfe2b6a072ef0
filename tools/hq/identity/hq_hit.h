/* How often a store knew who stood there without asking: of the identifiers presented that HQ knew
 * at that time, those that the shard answered, per store and business day. */
#ifndef LANEWAY_HQ_HIT_H
#define LANEWAY_HQ_HIT_H

#include <stdbool.h>
#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_line.h"

enum hq_hit {
	HQ_HIT_NONE,     /* does not count: told before, refused, or not tied to anything yet */
	HQ_HIT_ANSWERED, /* the shard knew */
	HQ_HIT_MISSED,   /* it did not: counts when HQ did, which its value says (hq_hit_missed) */
};
/* What a line says. Pure. */
enum hq_hit hq_hit_of(const struct hq_line *line);

void hq_hit_answered(struct hq_db *db, int64_t store, const struct hq_line *line);
/* sealed: JSON, what the line says there. */
void hq_hit_missed(struct hq_db *db, int64_t store, const struct hq_line *line, const char *sealed,
                   size_t len);

#endif
