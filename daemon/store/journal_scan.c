#include <string.h>

#include "base/log.h"
#include "store/journal_internal.h"

#define SCAN_PACKS_MAX 64 /* in one snapshot: a reader that stays keeps the log from shrinking */

static int fault(struct journal_reader *r, const char *what)
{
	log_error("journal: %s: %s", what, sqlite3_errmsg(r->db));
	return -1;
}

/* ---- epochs ---- */

static int fill_epoch(struct journal_reader *r, const struct journal_row *row, uint64_t last,
                      struct journal_epoch *out)
{
	memset(out, 0, sizeof(*out));
	out->ordinal = row->ordinal;
	memcpy(out->epoch, row->epoch, sizeof(out->epoch));
	out->last_seq = last;
	out->confirmed_through = row->through;
	out->deleted_through = row->deleted;
	memcpy(out->deleted_h, row->deleted_h, sizeof(out->deleted_h));
	memcpy(out->confirmed, row->ranges, sizeof(out->confirmed));
	out->confirmed_count = row->range_count;
	int holes = row->salvaged
	                ? journal_seek_holes(&r->seek, row->ordinal, row->deleted, out->holes)
	                : 0;
	out->hole_count = holes > 0 ? (uint32_t)holes : 0;
	return holes < 0 ? -1 : 0;
}

static int list_epochs(struct journal_reader *r, struct journal_epoch *out, int max)
{
	struct journal_row row;
	uint8_t h[EVENT_HASH_BYTES];
	uint64_t last;
	int n = 0, rc = 1;

	for (int64_t from = 0; n < max; from = row.ordinal + 1) {
		rc = journal_seek_epoch(&r->seek, from, &row);
		if (rc != 1)
			break;
		if (journal_seek_end(&r->seek, &row, &last, h))
			return -1;
		if (last > row.deleted && fill_epoch(r, &row, last, &out[n++]))
			return -1;
	}
	return rc < 0 ? -1 : n;
}

int journal_reader_epochs(struct journal_reader *r, struct journal_epoch *out, int max)
{
	if (journal_reader_begin(r))
		return -1;
	int n = list_epochs(r, out, max);
	journal_reader_end(r);
	return n;
}

static int one_epoch(struct journal_reader *r, int64_t ordinal, struct journal_epoch *out)
{
	struct journal_row row;
	uint8_t h[EVENT_HASH_BYTES];
	uint64_t last;
	int rc = journal_seek_epoch(&r->seek, ordinal, &row);

	if (rc == 1 && journal_seek_end(&r->seek, &row, &last, h))
		return -1;
	return rc == 1 && fill_epoch(r, &row, last, out) ? -1 : rc;
}

int journal_reader_epoch(struct journal_reader *r, int64_t ordinal, struct journal_epoch *out)
{
	if (journal_reader_begin(r))
		return -1;
	int rc = one_epoch(r, ordinal, out);
	journal_reader_end(r);
	return rc;
}

/* ---- urgent seqs and keys ---- */

int journal_reader_urgent(struct journal_reader *r, struct journal_urgent *out, int max)
{
	int n = 0, rc = SQLITE_DONE;
	sqlite3_bind_int(r->urgent, 1, max);
	while (n < max && (rc = sqlite3_step(r->urgent)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(r->urgent, 0) != EVENT_EPOCH_BYTES)
			continue;
		memcpy(out[n].epoch, sqlite3_column_blob(r->urgent, 0), EVENT_EPOCH_BYTES);
		out[n++].seq = (uint64_t)sqlite3_column_int64(r->urgent, 1);
	}
	sqlite3_reset(r->urgent);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? n : fault(r, "urgent seqs cannot be read");
}

int journal_reader_mark(struct journal_reader *r, const char *name, struct buf *out)
{
	buf_reset(out);
	sqlite3_bind_text(r->mark, 1, name, -1, SQLITE_TRANSIENT);
	int rc = sqlite3_step(r->mark);
	if (rc == SQLITE_ROW)
		buf_add(out, sqlite3_column_blob(r->mark, 0),
		        (size_t)sqlite3_column_bytes(r->mark, 0));
	else if (rc != SQLITE_DONE)
		fault(r, "a mark cannot be read");
	sqlite3_reset(r->mark);
	return rc == SQLITE_ROW && !out->failed ? 0 : -1;
}

int journal_reader_marks(struct journal_reader *r, const char *prefix, struct buf *out)
{
	int rc;

	buf_reset(out);
	sqlite3_bind_text(r->marks, 1, prefix, -1, SQLITE_TRANSIENT);
	while ((rc = sqlite3_step(r->marks)) == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(r->marks, 0);
		buf_be32(out, (uint32_t)len);
		buf_add(out, sqlite3_column_blob(r->marks, 0), len);
	}
	if (rc != SQLITE_DONE)
		fault(r, "marks cannot be read");
	sqlite3_reset(r->marks);
	return rc == SQLITE_DONE && !out->failed ? 0 : -1;
}

int journal_reader_key(struct journal_reader *r, const uint8_t id[EVENT_ID_BYTES],
                       struct visit_key *out)
{
	int found = -1;
	sqlite3_bind_blob(r->key, 1, id, EVENT_ID_BYTES, SQLITE_TRANSIENT);
	int rc = sqlite3_step(r->key);
	if (rc == SQLITE_ROW && sqlite3_column_bytes(r->key, 0) == VAULT_WRAP_BYTES)
		found = vault_unwrap(r->vault, pack_work(r->codec), "visit-key", id,
		                     sqlite3_column_blob(r->key, 0), out->key);
	else if (rc != SQLITE_DONE)
		fault(r, "a visit key cannot be read");
	sqlite3_reset(r->key);
	memcpy(out->id, id, EVENT_ID_BYTES);
	return found;
}

/* ---- lines ---- */

/* The next packs that are young enough; how many, or -1. *next: where to look from then on, 0:
 * nowhere. */
static int young_packs(struct journal_reader *r, int64_t since_wall_us, int64_t *next, int64_t *ids)
{
	int n = 0, packs = 0, rc;
	sqlite3_bind_int64(r->scan, 1, *next);
	sqlite3_bind_int(r->scan, 2, SCAN_PACKS_MAX);
	while ((rc = sqlite3_step(r->scan)) == SQLITE_ROW) {
		*next = sqlite3_column_int64(r->scan, 0) + 1;
		packs++;
		int64_t wall_us = sqlite3_column_int64(r->scan, 2);
		if (wall_us == 0 || wall_us >= since_wall_us)
			ids[n++] = sqlite3_column_int64(r->scan, 0);
	}
	sqlite3_reset(r->scan);
	if (packs < SCAN_PACKS_MAX)
		*next = 0;
	return rc == SQLITE_DONE ? n : fault(r, "packs cannot be read");
}

/* 1 go on, 0 fn wants no more, -1 error. */
static int tell_lines(struct journal_reader *r, int64_t id, journal_line_fn *fn, void *ctx)
{
	struct journal_walk *w = &r->walk;
	struct journal_place place;
	const char *line;
	size_t len;

	int rc = journal_seek_from(&r->seek, id, &place);
	if (rc != 1 || place.id != id) /* deleted meanwhile */
		return rc < 0 ? -1 : 1;
	if (journal_reader_load(r, &place))
		return -1;
	w->place.id = 0; /* without h this walk is of no use to a run */
	while ((line = pack_line(&w->lines, &w->at, &len))) {
		if (!fn(ctx, w->epoch, w->seq++, line, len))
			return 0;
	}
	return 1;
}

int journal_reader_lines(struct journal_reader *r, int64_t since_wall_us, journal_line_fn *fn,
                         void *ctx)
{
	int64_t ids[SCAN_PACKS_MAX], next = 1;
	while (next) {
		int n = young_packs(r, since_wall_us, &next, ids);
		for (int i = 0; i < n; i++) {
			int rc = tell_lines(r, ids[i], fn, ctx);
			if (rc != 1)
				return rc;
		}
		if (n < 0)
			return -1;
	}
	return 0;
}

/* ---- lines from a place on ---- */

/* The id of the pack where the newest events begin, at least so many of them; 1 when there are not
 * as many. -1: error. */
static int64_t newest_packs(struct journal_reader *r, uint64_t events)
{
	struct journal_place place = {.id = INT64_MAX};
	int64_t id = 1;
	uint64_t seen = 0;
	int rc = 1;

	while (rc == 1 && seen < events) {
		rc = journal_seek_before(&r->seek, place.id, &place);
		if (rc == 1) {
			id = place.id;
			seen += place.count;
		}
	}
	return rc < 0 ? -1 : seen < events ? 1 : id;
}

static int64_t first_of(struct journal_reader *r, const struct journal_from *from)
{
	struct journal_row row;
	struct journal_place place;
	int rc = from->epoch ? journal_seek_epoch_id(&r->seek, from->epoch, &row) : 0;

	if (rc == 0)
		return newest_packs(r, from->newest);
	if (rc == 1)
		rc = journal_seek_pack(&r->seek, row.ordinal, from->seq, &place);
	return rc < 0 ? -1 : rc == 1 ? place.id : 1;
}

int journal_reader_lines_from(struct journal_reader *r, const struct journal_from *from,
                              journal_line_fn *fn, void *ctx, uint64_t *unread)
{
	int64_t ids[SCAN_PACKS_MAX], next = first_of(r, from);

	if (next < 0)
		return -1;
	while (next) {
		int n = young_packs(r, INT64_MIN, &next, ids);
		if (n < 0)
			return -1;
		for (int i = 0; i < n; i++) {
			int rc = tell_lines(r, ids[i], fn, ctx);
			if (rc == 0)
				return 0;
			*unread += rc < 0;
		}
	}
	return 0;
}
