#include "hq/identity/hq_includes.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"

#define WAITS_MAX 1024 /* seqs of one epoch that are looked at: behind the last nothing is said */

struct runs {
	uint64_t through, first[HQ_INCLUDES_RUNS_MAX], last[HQ_INCLUDES_RUNS_MAX];
	int count, room;
};

/* false: there is no room for what follows. */
static bool add_run(struct runs *r, uint64_t from, uint64_t to)
{
	if (to < from)
		return true;
	if (r->through == 0) {
		r->through = to;
		return true;
	}
	if (r->count == r->room)
		return false;
	r->first[r->count] = from;
	r->last[r->count++] = to;
	return true;
}

/* Seqs from..to, all held, less what waits. unfolded: events above this row are not folded yet.
 * false: nothing more can be said. */
static bool less_waits(struct hq_db *db, int64_t epoch, const uint64_t span[2], int64_t unfolded,
                       struct runs *r)
{
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_EPOCH_WAITS, "iiiii", epoch, (int64_t)span[0], (int64_t)span[1],
	                unfolded, (int64_t)WAITS_MAX);
	uint64_t from = span[0], seq;
	bool room = true;

	for (int n = 0; hq_db_row(db, q); n++) {
		seq = (uint64_t)sqlite3_column_int64(q, 0);
		room = seq > 1 && add_run(r, from, seq - 1) && n + 1 < WAITS_MAX;
		from = seq + 1;
		if (!room) {
			hq_db_end(q);
			return false;
		}
	}
	return add_run(r, from, span[1]);
}

/* What is folded through `folded`; and what is held above a gap, which is folded as it comes. */
static void read_runs(struct hq_db *db, int64_t epoch, uint64_t folded, int64_t unfolded,
                      struct runs *r)
{
	uint64_t span[2] = {1, folded};
	struct sqlite3_stmt *q;

	if (!less_waits(db, epoch, span, INT64_MAX, r) || unfolded < 0)
		return;
	q = hq_db_query(db, HQ_SQL_RUN_FROM, "iii", epoch, (int64_t)folded + 1,
	                (int64_t)HQ_INCLUDES_RUNS_MAX);
	while (hq_db_row(db, q)) {
		span[0] = (uint64_t)sqlite3_column_int64(q, 0);
		span[1] = (uint64_t)sqlite3_column_int64(q, 1);
		if (span[0] <= folded)
			span[0] = folded + 1;
		if (span[0] <= span[1] && !less_waits(db, epoch, span, unfolded, r)) {
			hq_db_end(q);
			return;
		}
	}
}

/* Above which row events are not folded; -1: so many are not that it is not looked at which. */
static int64_t unfolded_from(struct hq_db *db)
{
	int64_t mark = hq_db_meta(db, "applied");

	return hq_db_int(db, 0, HQ_SQL_EVENT_LAST, "") - mark > WAITS_MAX ? -1 : mark;
}

static void write_runs(struct buf *out, const char *epoch, const struct runs *r)
{
	buf_printf(out, "%s\"%s\":[", out->len ? "," : "{", epoch);
	for (int i = 0; i < r->count; i++)
		buf_printf(out, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", r->first[i],
		           r->last[i]);
	buf_byte(out, ']');
}

/* One tell's word on a store's epochs. */
struct telling {
	struct hq_includes *i;
	struct hq_db *db;
	int64_t unfolded, told[HQ_INCLUDES_EPOCHS_MAX];
	int count, room;
};

/* A row of EPOCH_INCLUDES or EPOCH_NAMED; each epoch once. */
static void tell(struct telling *t, struct sqlite3_stmt *q)
{
	struct runs r = {.room = t->room};
	int64_t id = sqlite3_column_int64(q, 2);
	const void *bytes = hq_db_bytes(q, 0, EVENT_EPOCH_BYTES);
	char epoch[EVENT_EPOCH_SIZE];

	for (int k = 0; k < t->count; k++) {
		if (t->told[k] == id)
			return;
	}
	if (!bytes || t->count == HQ_INCLUDES_EPOCHS_MAX)
		return;
	t->told[t->count++] = id;
	text_hex(bytes, EVENT_EPOCH_BYTES, epoch);
	read_runs(t->db, id, (uint64_t)sqlite3_column_int64(q, 1), t->unfolded, &r);
	if (r.through > 0)
		buf_printf(&t->i->through, "%s\"%s\":%" PRIu64, t->i->through.len ? "," : "{",
		           epoch, r.through);
	if (r.count > 0)
		write_runs(&t->i->beyond, epoch, &r);
	t->room -= r.count;
}

void hq_includes_read(struct hq_includes *i, struct hq_db *db, const char *store,
                      const struct hq_includes_awaits *awaits)
{
	int64_t row = hq_db_int(db, -1, HQ_SQL_STORE_ID, "t", store);
	struct telling t = {
	    .i = i, .db = db, .unfolded = unfolded_from(db), .room = HQ_INCLUDES_RUNS_MAX};
	struct sqlite3_stmt *q;

	buf_reset(&i->through);
	buf_reset(&i->beyond);
	for (int k = 0; awaits && k < awaits->count; k++) {
		q = hq_db_query(db, HQ_SQL_EPOCH_NAMED, "ib", row, awaits->epoch[k],
		                (size_t)EVENT_EPOCH_BYTES);
		while (hq_db_row(db, q))
			tell(&t, q);
	}
	q = hq_db_query(db, HQ_SQL_EPOCH_INCLUDES, "ii", row, (int64_t)HQ_INCLUDES_EPOCHS_MAX);
	while (hq_db_row(db, q))
		tell(&t, q);
	buf_str(&i->through, i->through.len ? "}" : "{}");
	if (i->beyond.len)
		buf_byte(&i->beyond, '}');
}

void hq_includes_free(struct hq_includes *i)
{
	buf_free(&i->through);
	buf_free(&i->beyond);
}

static void member(const char *key, const struct buf *value, struct buf *out)
{
	out->failed |= value->failed;
	buf_printf(out, "\"%s\":", key);
	buf_add(out, value->data, value->len);
	buf_byte(out, ',');
}

void hq_includes_beyond(const struct hq_includes *i, struct buf *out)
{
	if (i && i->beyond.len)
		member("beyond", &i->beyond, out);
}

size_t hq_includes_bytes(const struct hq_includes *i)
{
	size_t beyond = i->beyond.len ? i->beyond.len + strlen("\"beyond\":,") : 0;

	return beyond + i->through.len + strlen("\"includes\":,");
}

void hq_includes_through(const struct hq_includes *i, struct buf *out)
{
	if (i)
		member("includes", &i->through, out);
}
