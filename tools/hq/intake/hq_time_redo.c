#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "hq/intake/hq_time_internal.h"

#define CHUNK 256 /* events read at once: a statement is not left open while others run */
#define DRAWS 64  /* boots drawn in one step */

/* ---- one event ---- */

static void put_row(struct hq_time *t, const struct hq_time_event *e, struct hq_time_span s)
{
	bool interpolated = t->model.count > 0;
	int64_t time_us = interpolated ? s.lo_us + (s.hi_us - s.lo_us) / 2 : INT64_MIN;
	int64_t error_us = interpolated ? s.hi_us - time_us : INT64_MIN;

	/* The statement makes null of what is not bounded. */
	hq_db_run(t->db, HQ_SQL_TIME_PUT, "iiiiitiiiit", e->epoch, (int64_t)e->seq, t->model.boot,
	          e->mono_us, e->wall_us, clock_trust_name(e->trust), time_us, error_us, s.lo_us,
	          s.hi_us, interpolated ? "interpolated" : "interval");
}

static int64_t fold_by(const struct hq_time *t, const struct hq_time_event *e,
                       struct hq_time_span s)
{
	if (t->model.count > 0)
		return s.lo_us + (s.hi_us - s.lo_us) / 2;
	if (s.lo_us != INT64_MIN)
		return s.lo_us;
	return s.hi_us != INT64_MAX ? s.hi_us : e->wall_us;
}

/* A beginning behind its end: somebody's clock was wrong, and HQ has no word that says whose. The
 * event lies between the two. */
static struct hq_time_span in_order(struct hq_time_span s)
{
	return s.lo_us <= s.hi_us ? s : (struct hq_time_span){s.hi_us, s.lo_us};
}

int64_t hq_time_place(struct hq_time *t, const struct hq_time_event *e)
{
	struct hq_time_span s = in_order(hq_time_bounds(t, t->model.boot, e->mono_us));
	bool stands = e->trust != CLOCK_NONE &&
	              (t->model.count == 0 || (e->wall_us >= s.lo_us - HQ_TIME_AGREE_US &&
	                                       e->wall_us <= s.hi_us + HQ_TIME_AGREE_US));

	if (stands) {
		hq_db_run(t->db, HQ_SQL_TIME_DROP, "ii", e->epoch, (int64_t)e->seq);
		return e->wall_us;
	}
	put_row(t, e, s);
	return fold_by(t, e, s);
}

/* ---- many ---- */

struct redo {
	struct hq_time *t;
	hq_time_moved_fn *moved;
	void *ctx;
};

static void place_all(const struct redo *r, int64_t boot, const struct hq_time_event *e, int n)
{
	for (int i = 0; i < n && hq_time_model(r->t, boot); i++)
		r->moved(r->ctx, e[i].epoch, e[i].seq, hq_time_place(r->t, &e[i]));
}

static int read_rows(struct hq_time *t, struct sqlite3_stmt *q, struct hq_time_event *e)
{
	int n = 0;

	while (hq_db_row(t->db, q)) {
		e[n].mono_us = sqlite3_column_int64(q, 0);
		e[n].epoch = sqlite3_column_int64(q, 1);
		e[n].seq = (uint64_t)sqlite3_column_int64(q, 2);
		e[n].wall_us = sqlite3_column_int64(q, 3);
		e[n].trust = clock_trust_of(hq_db_text(q, 4));
		n++;
	}
	return n;
}

/* A chunk of the rows of a boot whose times may have changed. The number, or -1: no boot has any.
 */
static int redo_chunk(const struct redo *r)
{
	struct hq_time *t = r->t;
	struct sqlite3_stmt *q = hq_db_query(t->db, HQ_SQL_BOOT_STALE, "");
	struct hq_time_event e[CHUNK];
	int64_t boot, from[3], to;
	int n;

	if (!hq_db_row(t->db, q))
		return -1;
	boot = sqlite3_column_int64(q, 0);
	for (int i = 0; i < 3; i++)
		from[i] = sqlite3_column_int64(q, 1 + i);
	to = sqlite3_column_int64(q, 4);
	hq_db_end(q);
	q = hq_db_query(t->db, HQ_SQL_TIME_OF_BOOT, "iiiiii", boot, from[0], from[1], from[2], to,
	                (int64_t)CHUNK);
	n = read_rows(t, q, e);
	place_all(r, boot, e, n);
	if (n == CHUNK)
		hq_db_run(t->db, HQ_SQL_BOOT_REDO_AT, "iiii", boot, e[n - 1].mono_us,
		          e[n - 1].epoch, (int64_t)e[n - 1].seq);
	else
		hq_db_run(t->db, HQ_SQL_BOOT_REDONE, "i", boot);
	return n;
}

/* A chunk of all events of a boot whose trusted clock HQ's word contradicts. Same. */
static int scan_chunk(const struct redo *r)
{
	struct hq_time *t = r->t;
	struct sqlite3_stmt *q = hq_db_query(t->db, HQ_SQL_BOOT_SCANNED, "");
	struct hq_time_event e[CHUNK];
	int64_t boot, epoch, seq;
	int n;

	if (!hq_db_row(t->db, q))
		return -1;
	boot = sqlite3_column_int64(q, 0);
	epoch = sqlite3_column_int64(q, 1);
	seq = sqlite3_column_int64(q, 2);
	hq_db_end(q);
	q = hq_db_query(t->db, HQ_SQL_EVENTS_OF_BOOT, "iiii", boot, epoch, seq, (int64_t)CHUNK);
	n = read_rows(t, q, e);
	place_all(r, boot, e, n);
	if (n == CHUNK)
		hq_db_run(t->db, HQ_SQL_BOOT_SCAN_AT, "iii", boot, e[n - 1].epoch,
		          (int64_t)e[n - 1].seq);
	else
		hq_db_run(t->db, HQ_SQL_BOOT_SCAN_END, "i", boot);
	return n;
}

static bool draw_some(struct hq_time *t)
{
	struct sqlite3_stmt *q = hq_db_query(t->db, HQ_SQL_BOOT_TO_DRAW, "i", (int64_t)DRAWS);
	int64_t boot[DRAWS];
	int n = 0;

	while (hq_db_row(t->db, q))
		boot[n++] = sqlite3_column_int64(q, 0);
	for (int i = 0; i < n; i++)
		hq_time_draw(t, boot[i]);
	return n > 0;
}

bool hq_time_step(struct hq_time *t, int max, hq_time_moved_fn *moved, void *ctx)
{
	const struct redo r = {t, moved, ctx};
	int n;

	if (draw_some(t))
		return true;
	while (max > 0) {
		n = redo_chunk(&r);
		if (n < 0)
			n = scan_chunk(&r);
		if (n < 0)
			return false;
		max -= n > 0 ? n : 1;
	}
	return true;
}
