/* What folding notes of days: statements, and what tills say. In a transaction of the caller. */
#ifndef LANEWAY_HQ_DAY_H
#define LANEWAY_HQ_DAY_H

#include <stdint.h>

#include "hq/base/hq_db.h"
#include "hq/base/hq_line.h"

struct hq_day_place {
	const char *store;
	int64_t store_row, epoch_row;
	uint64_t seq;
	int64_t wall_us;
};

/* A line that was folded: a statement gets its rows, a receipt or a till's close its place. */
void hq_day_note(struct hq_db *db, const struct hq_day_place *at, const struct hq_line *line);

/* Lines of an epoch between these seqs came: the statements that cover some of them are looked at
 * again. */
struct hq_day_span {
	int64_t store_row;
	const uint8_t *epoch;
	uint64_t first, last;
};
void hq_day_touched(struct hq_db *db, const struct hq_day_span *span);

/* Destroy a visit key at HQ, for good: the row goes, its id is remembered, and no batch brings it
 * back. A transaction of its own. 0 or -1. */
int hq_day_erase_key(struct hq_db *db, const uint8_t id[EVENT_ID_BYTES], int64_t wall_us);

#endif
