/* Events whose effect HQ's shard does not include yet. */
#include <string.h>

#include "base/log.h"
#include "store/db.h"
#include "store/journal_internal.h"

#define SEQS_MAX 64 /* in one snapshot: a reader that stays keeps the log from shrinking */

struct awaited {
	int64_t ordinal;
	uint64_t seq;
};

/* The next ones behind `after`; how many, or -1. */
static int next_awaited(struct journal_reader *r, struct awaited *after, struct awaited *out)
{
	int n = 0, rc;
	if (!r->awaited) /* not at opening: a file of format 1 has no such table */
		r->awaited = db_prepare(r->db, "SELECT ordinal, seq FROM awaited WHERE"
		                               " (ordinal, seq) > (?1, ?2) ORDER BY ordinal, seq"
		                               " LIMIT ?3");
	if (!r->awaited)
		return -1;
	sqlite3_bind_int64(r->awaited, 1, after->ordinal);
	sqlite3_bind_int64(r->awaited, 2, (sqlite3_int64)after->seq);
	sqlite3_bind_int(r->awaited, 3, SEQS_MAX);
	while ((rc = sqlite3_step(r->awaited)) == SQLITE_ROW) {
		out[n].ordinal = sqlite3_column_int64(r->awaited, 0);
		out[n++].seq = (uint64_t)sqlite3_column_int64(r->awaited, 1);
	}
	sqlite3_reset(r->awaited);
	if (n)
		*after = out[n - 1];
	if (rc == SQLITE_DONE)
		return n;
	log_error("journal: what is awaited cannot be read: %s", sqlite3_errmsg(r->db));
	return -1;
}

/* The pack that holds this one into the walk, unless it is there. 1, 0: no pack holds it, -1. */
static int load(struct journal_reader *r, const struct awaited *a)
{
	struct journal_walk *w = &r->walk;
	struct journal_place place;
	int rc = journal_seek_pack(&r->seek, a->ordinal, a->seq, &place);
	if (rc != 1 || place.ordinal != a->ordinal || a->seq >= place.first + place.count)
		return rc < 0 ? -1 : 0;
	if (w->place.id != place.id || w->seq > a->seq)
		rc = journal_reader_load(r, &place) ? -1 : 1;
	return rc;
}

/* 1 go on, 0 fn wants no more, -1 cannot be read. */
static int tell(struct journal_reader *r, const struct awaited *a, journal_awaited_fn *fn,
                void *ctx)
{
	struct journal_walk *w = &r->walk;
	const char *line;
	size_t len;
	int rc = load(r, a);
	if (rc != 1)
		return rc < 0 ? -1 : 1;
	while ((line = pack_line(&w->lines, &w->at, &len))) {
		if (w->seq++ == a->seq)
			return fn(ctx, a->ordinal, w->epoch, a->seq, line, len);
	}
	return -1;
}

int journal_reader_awaited(struct journal_reader *r, journal_awaited_fn *fn, void *ctx,
                           uint64_t *unread)
{
	struct awaited after = {0}, list[SEQS_MAX];
	int n, rc = 1;

	do {
		if (journal_reader_begin(r))
			return -1;
		n = next_awaited(r, &after, list);
		for (int i = 0; i < n && rc; i++) {
			rc = tell(r, &list[i], fn, ctx);
			*unread += rc < 0;
		}
		r->walk.place.id = 0; /* without h this walk is of no use to a run */
		journal_reader_end(r);
	} while (n == SEQS_MAX && rc);
	return n < 0 ? -1 : 0;
}

int journal_reader_awaited_epochs(struct journal_reader *r, uint8_t (*out)[EVENT_EPOCH_BYTES],
                                  int max)
{
	/* one step a look, however many events an epoch has */
	sqlite3_stmt *q = db_prepare(
	    r->db, "WITH RECURSIVE k(ordinal) AS (SELECT min(ordinal) FROM awaited UNION ALL"
	           " SELECT (SELECT min(ordinal) FROM awaited a WHERE a.ordinal > k.ordinal) FROM k"
	           " WHERE k.ordinal IS NOT NULL LIMIT ?1) SELECT epoch.epoch FROM k JOIN epoch"
	           " ON epoch.ordinal = k.ordinal ORDER BY k.ordinal");
	int n = 0, rc = SQLITE_ERROR;

	if (q)
		sqlite3_bind_int(q, 1, max);
	while (q && n < max && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(q, 0) == EVENT_EPOCH_BYTES)
			memcpy(out[n++], sqlite3_column_blob(q, 0), EVENT_EPOCH_BYTES);
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? n : -1;
}
