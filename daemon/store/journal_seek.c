#include <stdint.h>
#include <string.h>

#include "base/log.h"
#include "store/db.h"
#include "store/journal_internal.h"

#define PLACE_COLUMNS "id, ordinal, first, count, h"
#define EPOCH_COLUMNS                                                                              \
	"ordinal, epoch, confirmed, ranges, deleted, deleted_h, closed, cause = 'salvaged'"

int journal_seek_open(struct journal_seek *s, sqlite3 *db)
{
	s->lowest = db_prepare(db, "SELECT min(id) FROM pack");
	s->db = db;
	s->from = db_prepare(db, "SELECT " PLACE_COLUMNS " FROM pack WHERE id >= ?1 "
	                         "ORDER BY id LIMIT 1");
	s->before = db_prepare(db, "SELECT " PLACE_COLUMNS " FROM pack WHERE id < ?1 "
	                           "ORDER BY id DESC LIMIT 1");
	s->epoch_next = db_prepare(db, "SELECT " EPOCH_COLUMNS " FROM epoch WHERE ordinal >= ?1 "
	                               "ORDER BY ordinal LIMIT 1");
	s->epoch_id = db_prepare(db, "SELECT " EPOCH_COLUMNS " FROM epoch WHERE epoch = ?1");
	s->epoch_last = db_prepare(db, "SELECT " EPOCH_COLUMNS " FROM epoch "
	                               "ORDER BY ordinal DESC LIMIT 1");
	return s->lowest && s->from && s->before && s->epoch_next && s->epoch_id && s->epoch_last
	           ? 0
	           : -1;
}

void journal_seek_close(struct journal_seek *s)
{
	sqlite3_finalize(s->lowest);
	sqlite3_finalize(s->holes);
	sqlite3_finalize(s->from);
	sqlite3_finalize(s->before);
	sqlite3_finalize(s->epoch_next);
	sqlite3_finalize(s->epoch_id);
	sqlite3_finalize(s->epoch_last);
	memset(s, 0, sizeof(*s));
}

/* A blob of another size than expected reads as zeros: the chain check then names the pack. */
static void read_fixed(sqlite3_stmt *stmt, int column, uint8_t *out, int size)
{
	const void *blob = sqlite3_column_blob(stmt, column);
	if (blob && sqlite3_column_bytes(stmt, column) == size)
		memcpy(out, blob, (size_t)size);
	else
		memset(out, 0, (size_t)size);
}

static uint64_t read_u64(sqlite3_stmt *stmt, int column)
{
	sqlite3_int64 v = sqlite3_column_int64(stmt, column);
	return v < 0 ? 0 : (uint64_t)v;
}

static void read_place(sqlite3_stmt *stmt, struct journal_place *out)
{
	uint64_t count = read_u64(stmt, 3);
	out->id = sqlite3_column_int64(stmt, 0);
	out->ordinal = sqlite3_column_int64(stmt, 1);
	out->first = read_u64(stmt, 2);
	out->count = count > PACK_EVENTS_MAX ? 0 : (uint32_t)count;
	read_fixed(stmt, 4, out->h, EVENT_HASH_BYTES);
}

static void read_row(sqlite3_stmt *stmt, struct journal_row *out)
{
	memset(out, 0, sizeof(*out));
	out->ordinal = sqlite3_column_int64(stmt, 0);
	read_fixed(stmt, 1, out->epoch, EVENT_EPOCH_BYTES);
	out->through = read_u64(stmt, 2);
	const uint8_t *ranges = sqlite3_column_blob(stmt, 3);
	size_t n = ranges ? (size_t)sqlite3_column_bytes(stmt, 3) / 16 : 0;
	for (size_t i = 0; i < n && i < JOURNAL_RANGES_MAX; i++) {
		out->ranges[i].first = buf_get64(ranges + 16 * i);
		out->ranges[i].last = buf_get64(ranges + 16 * i + 8);
		out->range_count++;
	}
	out->deleted = read_u64(stmt, 4);
	read_fixed(stmt, 5, out->deleted_h, EVENT_HASH_BYTES);
	out->closed = sqlite3_column_int(stmt, 6) != 0;
	out->salvaged = sqlite3_column_int(stmt, 7) != 0;
}

/* 1 a row is there, 0 none, -1 error; the statement is still to be reset. */
static int step(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_ROW;
	log_error("journal: reading failed: %s", sqlite3_errmsg(sqlite3_db_handle(stmt)));
	return -1;
}

static int find_place(sqlite3_stmt *stmt, int64_t id, struct journal_place *out)
{
	sqlite3_bind_int64(stmt, 1, id);
	int rc = step(stmt);
	if (rc == 1)
		read_place(stmt, out);
	sqlite3_reset(stmt);
	return rc;
}

int journal_seek_from(struct journal_seek *s, int64_t id, struct journal_place *out)
{
	return find_place(s->from, id, out);
}

int journal_seek_before(struct journal_seek *s, int64_t id, struct journal_place *out)
{
	return find_place(s->before, id, out);
}

static int find_lowest(struct journal_seek *s, int64_t *lo)
{
	int rc = step(s->lowest);
	*lo = rc == 1 ? sqlite3_column_int64(s->lowest, 0) : 0;
	sqlite3_reset(s->lowest);
	return rc;
}

static bool at_or_below(const struct journal_place *p, int64_t ordinal, uint64_t seq)
{
	return p->ordinal < ordinal || (p->ordinal == ordinal && p->first <= seq);
}

/* Ids counted from 1: halve. */
static int seek_counted(struct journal_seek *s, int64_t ordinal, uint64_t seq,
                        struct journal_place *out)
{
	struct journal_place p;
	int64_t lo, hi = out->id;
	int rc = find_lowest(s, &lo), found = 0;
	while (rc >= 0 && lo <= hi) {
		int64_t mid = lo + (hi - lo) / 2;
		rc = journal_seek_from(s, mid, &p);
		if (rc == 1 && p.id <= hi && at_or_below(&p, ordinal, seq)) {
			*out = p;
			found = 1;
			lo = p.id + 1;
		} else {
			hi = mid - 1;
		}
	}
	return rc < 0 ? -1 : found;
}

int journal_seek_pack(struct journal_seek *s, int64_t ordinal, uint64_t seq,
                      struct journal_place *out)
{
	const uint64_t seq_max = (UINT64_C(1) << JOURNAL_ID_SHIFT) - 1;
	int64_t id = journal_pack_id(ordinal, seq < seq_max ? seq : seq_max);
	int rc = journal_seek_before(s, id + 1, out);
	return rc == 1 && out->id >> JOURNAL_ID_SHIFT == 0 ? seek_counted(s, ordinal, seq, out)
	                                                   : rc;
}

static int find_row(sqlite3_stmt *stmt, struct journal_row *out)
{
	int rc = step(stmt);
	if (rc == 1)
		read_row(stmt, out);
	sqlite3_reset(stmt);
	return rc;
}

int journal_seek_epoch(struct journal_seek *s, int64_t ordinal, struct journal_row *out)
{
	sqlite3_bind_int64(s->epoch_next, 1, ordinal);
	return find_row(s->epoch_next, out);
}

int journal_seek_epoch_id(struct journal_seek *s, const uint8_t epoch[EVENT_EPOCH_BYTES],
                          struct journal_row *out)
{
	sqlite3_bind_blob(s->epoch_id, 1, epoch, EVENT_EPOCH_BYTES, SQLITE_TRANSIENT);
	return find_row(s->epoch_id, out);
}

int journal_seek_epoch_last(struct journal_seek *s, struct journal_row *out)
{
	return find_row(s->epoch_last, out);
}

int journal_seek_holes(struct journal_seek *s, int64_t ordinal, uint64_t after,
                       struct journal_range out[JOURNAL_RANGES_MAX])
{
	int rc, n = 0;
	/* Only now: a file of format 1 that nobody has opened for writing yet has no such table. */
	if (!s->holes)
		s->holes = db_prepare(s->db, "SELECT first, last FROM hole WHERE ordinal = ?1"
		                             " AND first > ?2 ORDER BY first LIMIT ?3");
	if (!s->holes)
		return -1;
	sqlite3_bind_int64(s->holes, 1, ordinal);
	sqlite3_bind_int64(s->holes, 2, (sqlite3_int64)after);
	sqlite3_bind_int(s->holes, 3, JOURNAL_RANGES_MAX);
	while ((rc = step(s->holes)) == 1)
		out[n++] = (struct journal_range){read_u64(s->holes, 0), read_u64(s->holes, 1)};
	sqlite3_reset(s->holes);
	return rc < 0 ? -1 : n;
}

int journal_seek_end(struct journal_seek *s, const struct journal_row *row, uint64_t *last,
                     uint8_t h[EVENT_HASH_BYTES])
{
	struct journal_place p;
	int rc = journal_seek_pack(s, row->ordinal, INT64_MAX, &p);
	if (rc < 0)
		return -1;
	bool held = rc == 1 && p.ordinal == row->ordinal;
	*last = held ? p.first + p.count - 1 : row->deleted;
	memcpy(h, held ? p.h : row->deleted_h, EVENT_HASH_BYTES);
	return 0;
}
