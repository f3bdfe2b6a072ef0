#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "store/db.h"
#include "store/journal_salvage.h"

static const uint8_t *bytes(const struct salvage *s, const struct salvage_blob *b)
{
	return s->chunk.bytes.data ? s->chunk.bytes.data + b->at : (const uint8_t *)"";
}

static void bind(sqlite3_stmt *stmt, int column, const struct salvage *s,
                 const struct salvage_blob *b)
{
	sqlite3_bind_blob64(stmt, column, bytes(s, b), b->n, SQLITE_STATIC);
}

/* ---- the epoch ---- */

static int put_holes(struct journal *j, const struct salvage *s, struct journal_confirm *as_ranges)
{
	const struct journal_wreck_epoch *e = s->epoch;
	for (uint32_t i = 0; i < e->missing_count; i++) {
		const struct journal_range *m = &e->missing[i];
		if (m->first < e->first || m->first > e->last)
			continue;
		sqlite3_bind_int64(j->put_hole, 1, s->ordinal);
		sqlite3_bind_int64(j->put_hole, 2, (sqlite3_int64)m->first);
		sqlite3_bind_int64(j->put_hole, 3, (sqlite3_int64)m->last);
		if (journal_commit_run(j, j->put_hole))
			return -1;
		as_ranges->ranges[as_ranges->range_count++] = *m;
	}
	return 0;
}

/* What was deleted in order, or is missing in front, is not sent; nor is what is missing between.
 */
static void marks_of(const struct journal_wreck_epoch *e, uint64_t deleted,
                     const struct journal_confirm *holes, struct journal_row *row)
{
	struct journal_confirm c = {.through = e->confirmed > deleted ? e->confirmed : deleted,
	                            .range_count = e->range_count < JOURNAL_RANGES_MAX
	                                               ? e->range_count
	                                               : JOURNAL_RANGES_MAX};
	memcpy(c.ranges, e->ranges, c.range_count * sizeof(c.ranges[0]));
	memset(row, 0, sizeof(*row));
	journal_mark_merge(row, &c, e->last);
	journal_mark_merge(row, holes, e->last);
}

/* Its row in front of its first pack here: an older one of the file has perhaps come, been
 * confirmed and gone again. */
static int put_epoch(struct journal *j, struct salvage *s)
{
	const struct journal_wreck_epoch *e = s->epoch;
	const struct salvage_row *first = &s->chunk.rows[0];
	const uint8_t *h_prev = bytes(s, &first->blob[4]) + EVENT_EPOCH_BYTES;
	struct journal_confirm holes = {0};
	struct journal_row row;
	uint8_t text[16 * JOURNAL_RANGES_MAX];

	if (put_holes(j, s, &holes))
		return -1;
	marks_of(e, (uint64_t)first->i[0] - 1, &holes, &row);
	sqlite3_bind_int64(j->put_salvaged, 1, s->ordinal);
	sqlite3_bind_blob(j->put_salvaged, 2, e->epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
	sqlite3_bind_int64(j->put_salvaged, 3, e->opened_us);
	sqlite3_bind_blob(j->put_salvaged, 4, e->box, e->has_box ? (int)sizeof(e->box) : 0,
	                  SQLITE_STATIC);
	sqlite3_bind_int64(j->put_salvaged, 5, (sqlite3_int64)row.through);
	sqlite3_bind_blob(j->put_salvaged, 6, text, (int)journal_mark_ranges(&row, text),
	                  SQLITE_STATIC);
	sqlite3_bind_int64(j->put_salvaged, 7, first->i[0] - 1);
	sqlite3_bind_blob(j->put_salvaged, 8, h_prev, EVENT_HASH_BYTES, SQLITE_STATIC);
	return journal_commit_run(j, j->put_salvaged);
}

/* Side by side only with the epoch that followed it in the file: the check takes neighbours for
 * predecessor and successor, and those between them may have been confirmed and gone long ago. */
static int64_t place_before(const struct salvage *s, int64_t oldest)
{
	const struct journal_wreck_epoch *e = s->epoch;
	bool follows = e->row && oldest == s->newer && e->ordinal + 1 == s->newer_there;
	return oldest - (follows ? 1 : 2);
}

/* 1 it has a place, 0 it has none here, -1 the disk is full. */
static int find_place(struct journal *j, struct salvage *s)
{
	struct journal_row row, oldest;
	int rc = journal_seek_epoch_id(&j->seek, s->epoch->epoch, &row);
	if (rc == 1) {
		s->ordinal = row.ordinal;
		s->deleted = row.deleted;
		return row.salvaged;
	}
	if (rc == 0)
		rc = journal_seek_epoch(&j->seek, 0, &oldest);
	if (rc < 0)
		journal_commit_unknown(j, "reading epochs", sqlite3_errcode(j->db));
	/* Once it has a place it keeps it, also when its row went in between. */
	if (s->ordinal == 0)
		s->ordinal = rc == 1 ? place_before(s, oldest.ordinal) : 0;
	if (s->ordinal < 1) {
		log_error("ALARM: journal: there is no place in front of the first epoch for what "
		          "is left in %s",
		          s->file);
		return 0;
	}
	s->deleted = 0;
	return put_epoch(j, s) ? -1 : 1;
}

/* ---- packs ---- */

static int put_pack(struct journal *j, struct salvage *s, const struct salvage_row *r)
{
	sqlite3_stmt *stmt = j->put_old_pack;
	if ((uint64_t)(r->i[0] + r->i[1]) - 1 <= s->deleted)
		return 0;
	sqlite3_bind_int64(stmt, 1, journal_pack_id(s->ordinal, (uint64_t)r->i[0]));
	sqlite3_bind_int64(stmt, 2, s->ordinal);
	sqlite3_bind_int64(stmt, 3, r->i[0]);
	sqlite3_bind_int64(stmt, 4, r->i[1]);
	sqlite3_bind_int64(stmt, 5, r->i[2]);
	for (int i = 0; i < 5; i++)
		bind(stmt, 6 + i, s, &r->blob[i]);
	if (journal_commit_run(j, stmt))
		return -1;
	s->new_packs += sqlite3_changes(j->db) > 0;
	s->new_events += sqlite3_changes(j->db) > 0 ? (uint64_t)r->i[1] : 0;
	return 0;
}

int journal_salvage_put_packs(struct journal *j, void *ctx)
{
	struct salvage *s = ctx;
	s->new_events = s->new_packs = 0;
	int rc = find_place(j, s);
	s->skip = rc == 0;
	if (rc == 1 && journal_taken_void(j, s->ordinal))
		return -1;
	for (size_t i = 0; rc == 1 && i < s->chunk.count; i++) {
		if (put_pack(j, s, &s->chunk.rows[i]))
			return -1;
	}
	return rc < 0 ? -1 : 0;
}

void journal_salvage_count(struct journal *j, void *ctx)
{
	struct salvage *s = ctx;
	struct journal_totals totals;
	s->events += s->new_events;
	s->packs += s->new_packs;
	if (journal_mark_totals(j, &totals) == 0)
		j->totals = totals;
	pthread_mutex_lock(&j->lock);
	j->state.salvage.events += s->new_events;
	j->state.epochs_rev++;
	pthread_mutex_unlock(&j->lock);
}

/* ---- small rows ---- */

/* Where an epoch of the file stands here; 0: it did not come. */
static int64_t ordinal_here(struct journal *j, const struct salvage *s, int64_t ordinal)
{
	struct journal_row row;
	for (size_t i = 0; i < journal_wreck_epochs(s->w); i++) {
		const struct journal_wreck_epoch *e = journal_wreck_epoch(s->w, i);
		if (e->row && e->ordinal == ordinal &&
		    journal_seek_epoch_id(&j->seek, e->epoch, &row) == 1 && row.salvaged)
			return row.ordinal;
	}
	return 0;
}

static int put_key(struct journal *j, const struct salvage *s, const struct salvage_row *r)
{
	for (int i = 0; i < 3; i++)
		bind(j->put_old_key, 1 + i, s, &r->blob[i]);
	if (r->blob[2].n == 0)
		sqlite3_bind_null(j->put_old_key, 3);
	return journal_commit_run(j, j->put_old_key);
}

static int put_seq(struct journal *j, const struct salvage *s, const struct salvage_row *r,
                   sqlite3_stmt *stmt)
{
	struct journal_row row;
	int64_t ordinal = ordinal_here(j, s, r->i[0]);
	uint64_t seq = (uint64_t)r->i[1];
	if (ordinal == 0 || journal_seek_epoch(&j->seek, ordinal, &row) != 1 ||
	    row.ordinal != ordinal || seq <= row.deleted ||
	    (stmt == j->put_old_urgent && seq <= row.through))
		return 0;
	sqlite3_bind_int64(stmt, 1, ordinal);
	sqlite3_bind_int64(stmt, 2, r->i[1]);
	if (stmt == j->put_old_awaited)
		sqlite3_bind_text(stmt, 3, (const char *)bytes(s, &r->blob[2]), (int)r->blob[2].n,
		                  SQLITE_STATIC);
	return journal_commit_run(j, stmt);
}

/* A mark that has not been written anew here. */
static int put_mark(struct journal *j, const struct salvage *s, const struct salvage_row *r)
{
	static const char prefix[] = JOURNAL_MARK_PREFIX, covered[] = JOURNAL_MARK_PREFIX "covered";
	const char *name = (const char *)bytes(s, &r->blob[0]);
	uint8_t place[16];

	if (r->blob[0].n < sizeof(prefix) - 1 || memcmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	sqlite3_bind_text(j->put_old_mark, 1, name, (int)r->blob[0].n, SQLITE_STATIC);
	bind(j->put_old_mark, 2, s, &r->blob[1]);
	if (r->blob[0].n == sizeof(covered) - 1 && memcmp(name, covered, r->blob[0].n) == 0) {
		int64_t ordinal =
		    r->blob[1].n == sizeof(place) ? (int64_t)buf_get64(bytes(s, &r->blob[1])) : 0;
		struct buf moved = {.data = place, .cap = sizeof(place)};
		ordinal = ordinal_here(j, s, ordinal);
		if (ordinal == 0)
			return 0;
		buf_be64(&moved, (uint64_t)ordinal);
		buf_be64(&moved, buf_get64(bytes(s, &r->blob[1]) + 8));
		sqlite3_bind_blob(j->put_old_mark, 2, place, sizeof(place), SQLITE_TRANSIENT);
	}
	return journal_commit_run(j, j->put_old_mark);
}

int journal_salvage_put_small(struct journal *j, void *ctx)
{
	struct salvage *s = ctx;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->chunk.count; i++) {
		const struct salvage_row *r = &s->chunk.rows[i];
		if (r->kind == JOURNAL_RAW_KEY)
			rc = put_key(j, s, r);
		else if (r->kind == JOURNAL_RAW_URGENT)
			rc = put_seq(j, s, r, j->put_old_urgent);
		else if (r->kind == JOURNAL_RAW_AWAITED)
			rc = put_seq(j, s, r, j->put_old_awaited);
		else
			rc = put_mark(j, s, r);
	}
	return rc;
}

int journal_salvage_put_result(struct journal *j, void *ctx)
{
	struct salvage *s = ctx;
	sqlite3_bind_text(j->put_result, 1, s->file, -1, SQLITE_STATIC);
	sqlite3_bind_text(j->put_result, 2, (const char *)s->result.data, -1, SQLITE_STATIC);
	return s->result.failed ? 0 : journal_commit_run(j, j->put_result);
}

void journal_salvage_told(struct journal *j, void *ctx)
{
	(void)ctx;
	journal_salvage_read(j);
}

void journal_salvage_read(struct journal *j)
{
	sqlite3_stmt *stmt =
	    db_prepare(j->db, "SELECT file, result FROM salvage WHERE result IS NOT NULL");
	struct buf out = {0};
	while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		if (out.len)
			buf_byte(&out, ',');
		lw_event_json_string(&out, (const char *)sqlite3_column_text(stmt, 0));
		buf_byte(&out, ':');
		buf_str(&out, (const char *)sqlite3_column_text(stmt, 1));
	}
	sqlite3_finalize(stmt);
	pthread_mutex_lock(&j->lock);
	buf_free(&j->salvaged);
	j->salvaged = out;
	pthread_mutex_unlock(&j->lock);
}

void journal_salvaged_files(struct journal *j, struct buf *out)
{
	pthread_mutex_lock(&j->lock);
	buf_add(out, j->salvaged.data, j->salvaged.len);
	pthread_mutex_unlock(&j->lock);
}
