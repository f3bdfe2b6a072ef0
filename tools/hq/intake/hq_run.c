#include "hq/intake/hq_run.h"

#include <sqlite3.h>
#include <string.h>

/* false: no row, or a row that is none of ours. */
static bool read_run(struct hq_db *db, struct sqlite3_stmt *q, struct hq_run *out)
{
	const void *h_prev, *h_last;
	bool ok = false;

	if (!hq_db_row(db, q))
		return false;
	h_prev = hq_db_bytes(q, 2, EVENT_HASH_BYTES);
	h_last = hq_db_bytes(q, 3, EVENT_HASH_BYTES);
	if (h_prev && h_last) {
		out->first = (uint64_t)sqlite3_column_int64(q, 0);
		out->last = (uint64_t)sqlite3_column_int64(q, 1);
		memcpy(out->h_prev, h_prev, EVENT_HASH_BYTES);
		memcpy(out->h_last, h_last, EVENT_HASH_BYTES);
		ok = true;
	}
	hq_db_end(q);
	return ok;
}

static bool run_at(struct hq_db *db, int64_t epoch, uint64_t seq, struct hq_run *out)
{
	return read_run(db, hq_db_query(db, HQ_SQL_RUN_AT, "ii", epoch, (int64_t)seq), out);
}

static bool run_after(struct hq_db *db, int64_t epoch, uint64_t seq, struct hq_run *out)
{
	return read_run(db, hq_db_query(db, HQ_SQL_RUN_NEXT, "ii", epoch, (int64_t)seq), out);
}

bool hq_run_covering(struct hq_db *db, int64_t epoch, uint64_t seq, struct hq_run *out,
                     uint64_t *next)
{
	struct hq_run above;

	if (run_at(db, epoch, seq, out) && out->last >= seq)
		return true;
	*next = run_after(db, epoch, seq, &above) ? above.first : 0;
	return false;
}

static bool same_h(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, EVENT_HASH_BYTES) == 0;
}

static void put(struct hq_db *db, int64_t epoch, const struct hq_run *left,
                const struct hq_run *run)
{
	if (left)
		hq_db_run(db, HQ_SQL_RUN_EXTEND, "iiib", epoch, (int64_t)left->first,
		          (int64_t)run->last, run->h_last, sizeof run->h_last);
	else
		hq_db_run(db, HQ_SQL_RUN_ADD, "iiibb", epoch, (int64_t)run->first,
		          (int64_t)run->last, run->h_prev, sizeof run->h_prev, run->h_last,
		          sizeof run->h_last);
}

enum hq_run_fit hq_run_add(struct hq_db *db, int64_t epoch, const struct hq_run *run)
{
	static const uint8_t zeros[EVENT_HASH_BYTES];
	struct hq_run left, right, joined = *run;
	bool has_left = run->first > 1 && run_at(db, epoch, run->first - 1, &left) &&
	                left.last == run->first - 1;
	bool has_right = run_after(db, epoch, run->last, &right) && right.first == run->last + 1;
	bool anchored = run->first == 1 || (has_left && left.first == 1);
	bool right_fits = has_right && same_h(right.h_prev, run->h_last);

	if (run->first == 1 && !same_h(run->h_prev, zeros))
		return HQ_RUN_FORK;
	if (has_left && !same_h(left.h_last, run->h_prev))
		return HQ_RUN_FORK;
	if (has_right && !right_fits && !anchored)
		return HQ_RUN_FORK;
	if (right_fits) {
		hq_db_run(db, HQ_SQL_RUN_DROP, "ii", epoch, (int64_t)right.first);
		joined.last = right.last;
		memcpy(joined.h_last, right.h_last, sizeof joined.h_last);
	}
	put(db, epoch, has_left ? &left : NULL, &joined);
	return has_right && !right_fits ? HQ_RUN_BROKEN : HQ_RUN_FITS;
}

uint64_t hq_run_through(struct hq_db *db, int64_t epoch)
{
	struct hq_run run;

	return run_at(db, epoch, 1, &run) ? run.last : 0;
}
