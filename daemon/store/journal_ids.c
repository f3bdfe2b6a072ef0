/* The messages that a journal remembers: from rows of `taken`, and where there is none, or none
 * that can be opened, from the packs themselves. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "store/db.h"
#include "store/journal_internal.h"

#define SCAN_PACKS_MAX 64 /* in one snapshot: a reader that stays keeps the log from shrinking */

struct id_scan {
	int64_t since_wall_us, next;
	journal_id_fn *fn;
	void *ctx;
	struct taken *run;
	struct buf ids; /* a row's, opened */
	uint64_t bad;   /* rows that could not be opened */
};

/* A row of `taken`. */
struct row {
	int64_t id, last;
	uint8_t epoch[EVENT_EPOCH_BYTES];
	bool opened; /* into scan.ids */
};

static int fault(struct journal_reader *r, const char *what)
{
	log_error("journal: %s: %s", what, sqlite3_errmsg(r->db));
	return -1;
}

/* ---- packs ---- */

/* The records of the row the statement stands on. 0, 1 when fn wants no more, or -1. */
static int tell_pack(struct journal_reader *r, const struct id_scan *scan)
{
	uint64_t first = (uint64_t)sqlite3_column_int64(r->ids, 2);
	int64_t wall_us = sqlite3_column_int64(r->ids, 3);
	const uint8_t *ids = sqlite3_column_blob(r->ids, 4);
	size_t n = ids ? (size_t)sqlite3_column_bytes(r->ids, 4) : 0, at = 0;
	struct pack_id id;
	int rc = 0;

	if ((wall_us && wall_us < scan->since_wall_us) || n == 0)
		return 0;
	if (journal_reader_epoch_key(r, sqlite3_column_int64(r->ids, 1)) != 1)
		return fault(r, "a pack names no epoch");
	while ((rc = pack_id_next(ids, n, &at, &id)) == 1) {
		if (!scan->fn(scan->ctx, &id.id, r->key_epoch, first + id.offset, id.count,
		              wall_us))
			return 1;
	}
	if (rc < 0)
		log_error("ALARM: journal: the message ids of pack %" PRId64
		          " cannot be read; what stands in it may be counted twice",
		          (int64_t)sqlite3_column_int64(r->ids, 0));
	return 0;
}

/* In front of `to`. 1 more, 0 through, 2 fn wants no more, -1. The statement is open while fn runs,
 * never across a return. */
static int scan_packs(struct journal_reader *r, struct id_scan *scan, int64_t to)
{
	int rc = SQLITE_DONE, told = 0, packs = 0;
	sqlite3_bind_int64(r->ids, 1, scan->next);
	sqlite3_bind_int64(r->ids, 2, to);
	sqlite3_bind_int(r->ids, 3, SCAN_PACKS_MAX);
	while (told == 0 && (rc = sqlite3_step(r->ids)) == SQLITE_ROW) {
		scan->next = sqlite3_column_int64(r->ids, 0) + 1;
		packs++;
		told = tell_pack(r, scan);
	}
	sqlite3_reset(r->ids);
	if (told)
		return told < 0 ? -1 : 2;
	return rc == SQLITE_DONE ? packs == SCAN_PACKS_MAX : fault(r, "message ids cannot be read");
}

/* ---- rows ---- */

/* A file that no newer release has opened for writing has no such table. 0 or -1. */
static int prepare(struct journal_reader *r)
{
	sqlite3_stmt *stmt;
	if (r->taken)
		return 0;
	stmt = db_prepare(r->db, "SELECT 1 FROM sqlite_master WHERE name = 'taken'");
	int rc = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
	sqlite3_finalize(stmt);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 0 : fault(r, "message ids cannot be read");
	r->taken = db_prepare(r->db, "SELECT id, ordinal, last, ids FROM taken WHERE id >= ?1"
	                             " ORDER BY id LIMIT 1");
	return r->taken ? 0 : -1;
}

/* The row the statement stands on, into scan.ids. */
static bool open_row(struct journal_reader *r, struct id_scan *scan, struct row *row)
{
	uint8_t ad[JOURNAL_TAKEN_AD_MAX];
	const uint8_t *p = sqlite3_column_blob(r->taken, 3);
	size_t n = p ? (size_t)sqlite3_column_bytes(r->taken, 3) : 0;

	buf_reset(&scan->ids);
	if (n < VAULT_SEAL_OVERHEAD || row->last < row->id || !buf_room(&scan->ids, n) ||
	    journal_reader_epoch_key(r, sqlite3_column_int64(r->taken, 1)) != 1)
		return false;
	memcpy(row->epoch, r->key_epoch, sizeof(row->epoch));
	size_t ad_len = journal_taken_ad(r->store, row->epoch, row->id, row->last, ad);
	ssize_t got =
	    vault_unseal(pack_work(r->codec), r->epoch_key, ad, ad_len, p, n, scan->ids.data);
	scan->ids.len = got > 0 ? (size_t)got : 0;
	return got >= 0;
}

/* The first row with this id or a higher one. 1, 0 none, -1. */
static int next_row(struct journal_reader *r, struct id_scan *scan, int64_t id, struct row *row)
{
	*row = (struct row){.id = INT64_MAX};
	if (!r->taken)
		return 0;
	sqlite3_bind_int64(r->taken, 1, id);
	int rc = sqlite3_step(r->taken);
	if (rc == SQLITE_ROW) {
		row->id = sqlite3_column_int64(r->taken, 0);
		row->last = sqlite3_column_int64(r->taken, 2);
		row->opened = open_row(r, scan, row);
	}
	sqlite3_reset(r->taken);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : fault(r, "messages cannot be read");
}

/* 1 all was told, 2 fn wants no more, -1 there is no memory to read it. */
static int tell_row(const struct id_scan *scan, const struct row *row)
{
	struct taken_message m;
	size_t at = 0;
	int rc;

	taken_begin(scan->run);
	while ((rc = taken_next(scan->run, scan->ids.data, scan->ids.len, &at, &m)) == 1) {
		int64_t wall_us = m.wall_s * 1000000;
		if (m.wall_s && wall_us + 999999 < scan->since_wall_us)
			continue;
		if (!scan->fn(scan->ctx, &m.id, row->epoch, m.seq, m.count, wall_us))
			return 2;
	}
	return rc < 0 ? -1 : 1;
}

/* ---- all of them ---- */

/* To the end of the next row. 1 more, 0 that was all, 2 fn wants no more, -1. */
static int tell_next(struct journal_reader *r, struct id_scan *scan, int64_t *row_from)
{
	struct row row;
	int rc, found = next_row(r, scan, *row_from, &row);

	if (found < 0)
		return -1;
	while ((rc = scan_packs(r, scan, row.id)) == 1)
		;
	if (rc || !found)
		return rc;
	rc = row.opened ? tell_row(scan, &row) : -1;
	if (rc > 0)
		scan->next = row.last + 1;
	else
		scan->bad++;
	*row_from = rc > 0 ? row.last + 1 : row.id + 1;
	return rc == 2 ? 2 : 1;
}

int journal_reader_ids(struct journal_reader *r, int64_t since_wall_us, journal_id_fn *fn,
                       void *ctx)
{
	struct id_scan scan = {
	    .since_wall_us = since_wall_us, .fn = fn, .ctx = ctx, .run = taken_new()};
	int64_t row_from = INT64_MIN;
	int rc = scan.run ? prepare(r) : -1;

	if (rc == 0)
		do
			rc = tell_next(r, &scan, &row_from);
		while (rc == 1);
	if (scan.bad)
		log_error("journal: %" PRIu64
		          " rows that sum up messages cannot be opened; their packs "
		          "are read one by one",
		          scan.bad);
	taken_free(scan.run);
	buf_free(&scan.ids);
	return rc < 0 ? -1 : 0;
}
