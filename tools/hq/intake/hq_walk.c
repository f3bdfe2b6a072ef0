#include "hq/intake/hq_walk.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"
#include "store/db.h"
#include "store/sealed.h"

struct hq_walk {
	struct hq_walk_params p;
	struct vault_work *work;
	sqlite3_stmt *epoch, *rows, *run, *run_end, *key, *erased, *forks;
	struct hq_walk_result result;
	bool failed;

	/* the range that is walked */
	int range;
	bool begun;
	int64_t epoch_row; /* -1: HQ has never heard of it */
	uint64_t gone;     /* through here the store holds nothing any more */
	uint64_t next;     /* seq */
	uint64_t since;    /* where the unbroken part began */
	bool chained;      /* h is h(next-1) */
	uint8_t h[EVENT_HASH_BYTES];
};

#define HELD                                                                                       \
	"SELECT seq, leaf, line, NULL AS reason, NULL, NULL FROM event"                            \
	" WHERE epoch = ?1 AND seq BETWEEN ?2 AND ?3 UNION ALL "                                   \
	"SELECT seq, leaf, line, reason, h_prev, h_last FROM quarantine"                           \
	" WHERE epoch = ?1 AND seq BETWEEN ?2 AND ?3"

static int prepare(struct hq_walk *w)
{
	sqlite3 *db = w->p.db;

	w->epoch = db_prepare(db, "SELECT id, gone FROM epoch WHERE store = ?1 AND epoch = ?2");
	w->rows = db_prepare(db, HELD " ORDER BY 1 LIMIT ?4");
	w->run = db_prepare(db, "SELECT h_prev FROM run WHERE epoch = ?1 AND first = ?2");
	w->run_end = db_prepare(db, "SELECT h_last, last FROM run WHERE epoch = ?1 AND first <= ?2"
	                            " ORDER BY first DESC LIMIT 1");
	w->key = db_prepare(db, "SELECT wrapped FROM visit_key WHERE id = ?1");
	w->erased = db_prepare(db, "SELECT 1 FROM erased_key WHERE id = ?1");
	w->forks = db_prepare(db, "SELECT seq, leaf, line, reason FROM fork"
	                          " WHERE epoch = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq");
	return w->epoch && w->rows && w->run && w->run_end && w->key && w->erased && w->forks ? 0
	                                                                                      : -1;
}

struct hq_walk *hq_walk_new(const struct hq_walk_params *params)
{
	struct hq_walk *w = memory_zeroed(1, sizeof *w);

	if (!w)
		return NULL;
	w->p = *params;
	w->work = vault_work_new();
	if (w->work && prepare(w) == 0)
		return w;
	hq_walk_free(w);
	return NULL;
}

void hq_walk_free(struct hq_walk *w)
{
	if (!w)
		return;
	sqlite3_stmt *const all[] = {w->epoch, w->rows,   w->run,  w->run_end,
	                             w->key,   w->erased, w->forks};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		sqlite3_finalize(all[i]);
	struct hq_walk_result *r = &w->result;
	struct buf *const bufs[] = {&r->lost.list,   &r->missing.list, &r->quarantined.list,
	                            &r->forked.list, &r->faults.list,  &r->erased_ids,
	                            &r->key_ids};
	for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
		buf_free(bufs[i]);
	vault_work_free(w->work);
	free(w);
}

const struct hq_walk_result *hq_walk_result(const struct hq_walk *w)
{
	return &w->result;
}

/* ---- lists ---- */

static const struct statement_range *range_of(const struct hq_walk *w)
{
	return &w->p.statement->range[w->range];
}

/* A span that continues the last one is put together with it. */
static void name(struct hq_walk *w, struct hq_spans *list, uint64_t from, uint64_t to,
                 const char *why)
{
	struct hq_span span = {.from = from, .to = to};
	size_t n = list->list.len / sizeof span;
	struct hq_span *last = n > 0 ? (struct hq_span *)(void *)list->list.data + n - 1 : NULL;

	memcpy(span.epoch, range_of(w)->epoch, sizeof span.epoch);
	text_copy(span.why, sizeof span.why, why);
	list->seqs += to - from + 1;
	if (last && last->to + 1 == from && strcmp(last->why, span.why) == 0 &&
	    memcmp(last->epoch, span.epoch, sizeof span.epoch) == 0)
		last->to = to;
	else if (n < HQ_WALK_SPANS_MAX)
		buf_add(&list->list, &span, sizeof span);
	w->failed = w->failed || list->list.failed;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, EVENT_ID_BYTES);
}

static void sort_ids(struct buf *ids)
{
	size_t n = ids->len / EVENT_ID_BYTES, kept = 0;

	if (n == 0)
		return;
	qsort(ids->data, n, EVENT_ID_BYTES, by_id);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *id = ids->data + i * EVENT_ID_BYTES;
		if (kept > 0 &&
		    memcmp(ids->data + (kept - 1) * EVENT_ID_BYTES, id, EVENT_ID_BYTES) == 0)
			continue;
		memmove(ids->data + kept++ * EVENT_ID_BYTES, id, EVENT_ID_BYTES);
	}
	ids->len = kept * EVENT_ID_BYTES;
}

/* ---- a line that names a person ---- */

static bool was_erased(struct hq_walk *w, const uint8_t id[EVENT_ID_BYTES])
{
	sqlite3_bind_blob(w->erased, 1, id, EVENT_ID_BYTES, SQLITE_STATIC);
	bool is = db_row(w->erased, &w->failed);

	sqlite3_reset(w->erased);
	return is;
}

/* 1 found, 0 not here, -1 it cannot be unwrapped. */
static int find_key(struct hq_walk *w, const uint8_t id[EVENT_ID_BYTES],
                    uint8_t key[VAULT_KEY_BYTES])
{
	int rc = 0;

	sqlite3_bind_blob(w->key, 1, id, EVENT_ID_BYTES, SQLITE_STATIC);
	if (db_row(w->key, &w->failed)) {
		rc = -1;
		if (sqlite3_column_bytes(w->key, 0) == VAULT_WRAP_BYTES &&
		    hq_keys_unwrap(w->p.keys, w->work, id, sqlite3_column_blob(w->key, 0), key) ==
		        0)
			rc = 1;
	}
	sqlite3_reset(w->key);
	return rc;
}

static bool opens(struct hq_walk *w, const struct hq_line_sealed *sealed, uint64_t seq,
                  const uint8_t key[VAULT_KEY_BYTES])
{
	const struct sealed_at at = {.store = w->p.store, .epoch = range_of(w)->epoch, .seq = seq};
	uint8_t plain[HQ_LINE_PERSON_MAX];
	ssize_t n = sealed_open(w->work, key, &at, sealed->seal, sealed->len, plain);

	vault_wipe(plain, sizeof plain);
	return n >= 0;
}

static void check_person(struct hq_walk *w, uint64_t seq, const struct hq_line *line)
{
	struct hq_line_sealed sealed;
	uint8_t key[VAULT_KEY_BYTES];
	int found;

	if (!json_object_get(line->laneway, "sealed"))
		return;
	w->result.sealed++;
	if (!hq_line_sealed(line, &sealed)) {
		name(w, &w->result.faults, seq, seq, "key");
		return;
	}
	found = find_key(w, sealed.key_id, key);
	buf_add(&w->result.key_ids, sealed.key_id, EVENT_ID_BYTES);
	if (was_erased(w, sealed.key_id)) {
		buf_add(&w->result.erased_ids, sealed.key_id, EVENT_ID_BYTES);
		if (found != 0)
			name(w, &w->result.faults, seq, seq, "erased");
	} else if (found == 0) {
		name(w, &w->result.faults, seq, seq, "no_key");
	} else if (found < 0 || !opens(w, &sealed, seq, key)) {
		name(w, &w->result.faults, seq, seq, "key");
	}
	vault_wipe(key, sizeof key);
}

/* ---- a row ---- */

static void count_line(struct hq_walk *w, uint64_t seq, const void *bytes, size_t len)
{
	struct hq_line_at at = {.store = w->p.store, .seq = seq};
	struct hq_line line;

	memcpy(at.epoch, range_of(w)->epoch, sizeof at.epoch);
	if (hq_line_read(&at, bytes, len, &line) != NULL) {
		name(w, &w->result.faults, seq, seq, "place");
		return;
	}
	if (!statement_count(line.training ? &w->result.training : &w->result.counts, line.event,
	                     strlen(line.event)))
		w->failed = true;
	check_person(w, seq, &line);
	if (w->p.line)
		w->p.line(w->p.ctx, w->epoch_row, seq, &line);
	hq_line_free(&line);
}

/* In front of a gap no h is signed; then the one that was checked when the lines came has to do. */
static void check_run_end(struct hq_walk *w)
{
	sqlite3_bind_int64(w->run_end, 1, w->epoch_row);
	sqlite3_bind_int64(w->run_end, 2, (int64_t)w->next - 1);
	if (w->chained && w->next > w->since && db_row(w->run_end, &w->failed) &&
	    sqlite3_column_int64(w->run_end, 1) == (int64_t)w->next - 1 &&
	    (sqlite3_column_bytes(w->run_end, 0) != EVENT_HASH_BYTES ||
	     memcmp(sqlite3_column_blob(w->run_end, 0), w->h, EVENT_HASH_BYTES) != 0))
		name(w, &w->result.faults, w->since, w->next - 1, "chain");
	sqlite3_reset(w->run_end);
}

static void name_missing(struct hq_walk *w, uint64_t from, uint64_t to)
{
	uint64_t lost = to < w->gone ? to : w->gone;

	if (from <= lost)
		name(w, &w->result.lost, from, lost, "lost");
	if (from <= lost)
		from = lost + 1;
	if (from <= to)
		name(w, &w->result.missing, from, to, "missing");
}

/* h in front of a row behind a gap: a run begins there, or the chain cannot be followed. */
static void jump(struct hq_walk *w, uint64_t seq)
{
	check_run_end(w);
	name_missing(w, w->next, seq - 1);
	w->since = seq;
	sqlite3_bind_int64(w->run, 1, w->epoch_row);
	sqlite3_bind_int64(w->run, 2, (int64_t)seq);
	w->chained =
	    db_row(w->run, &w->failed) && sqlite3_column_bytes(w->run, 0) == EVENT_HASH_BYTES;
	if (w->chained)
		memcpy(w->h, sqlite3_column_blob(w->run, 0), EVENT_HASH_BYTES);
	sqlite3_reset(w->run);
}

/* A payload that could not be read stands where the chain goes from its h_prev to its h_last. */
static void follow(struct hq_walk *w, sqlite3_stmt *q, uint64_t seq,
                   const uint8_t leaf[EVENT_HASH_BYTES])
{
	if (sqlite3_column_type(q, 5) == SQLITE_NULL) {
		vault_chain(w->work, w->h, range_of(w)->epoch, seq, leaf);
		return;
	}
	if (sqlite3_column_bytes(q, 4) != EVENT_HASH_BYTES ||
	    sqlite3_column_bytes(q, 5) != EVENT_HASH_BYTES ||
	    memcmp(sqlite3_column_blob(q, 4), w->h, EVENT_HASH_BYTES) != 0) {
		name(w, &w->result.faults, seq, seq, "chain");
		w->chained = false;
		return;
	}
	memcpy(w->h, sqlite3_column_blob(q, 5), EVENT_HASH_BYTES);
}

static void take_row(struct hq_walk *w, sqlite3_stmt *q)
{
	uint64_t seq = (uint64_t)sqlite3_column_int64(q, 0);
	const void *leaf = sqlite3_column_blob(q, 1), *line = sqlite3_column_blob(q, 2);
	size_t len = (size_t)sqlite3_column_bytes(q, 2);
	const char *reason = (const char *)sqlite3_column_text(q, 3);
	uint8_t own[EVENT_HASH_BYTES];

	if (seq < w->next) {
		name(w, &w->result.faults, seq, seq, "twice");
		return;
	}
	if (seq > w->next)
		jump(w, seq);
	vault_sha256(w->work, line ? line : "", len, own);
	if (sqlite3_column_bytes(q, 1) != EVENT_HASH_BYTES || memcmp(leaf, own, sizeof own) != 0)
		name(w, &w->result.faults, seq, seq, "leaf");
	if (w->chained)
		follow(w, q, seq, own);
	w->next = seq + 1;
	w->result.held++;
	if (reason)
		name(w, &w->result.quarantined, seq, seq, reason);
	else
		count_line(w, seq, line ? line : "", len);
}

/* ---- a range ---- */

static void begin_range(struct hq_walk *w)
{
	static const uint8_t zeros[EVENT_HASH_BYTES];
	const struct statement_range *r = range_of(w);

	w->begun = true;
	w->next = w->since = r->from;
	w->chained = true;
	memcpy(w->h, r->h_prev, EVENT_HASH_BYTES);
	if (r->from == 1 && memcmp(r->h_prev, zeros, sizeof zeros) != 0)
		name(w, &w->result.faults, 1, 1, "chain");
	sqlite3_bind_int64(w->epoch, 1, w->p.store_row);
	sqlite3_bind_blob(w->epoch, 2, r->epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
	w->epoch_row = -1;
	w->gone = 0;
	if (db_row(w->epoch, &w->failed)) {
		w->epoch_row = sqlite3_column_int64(w->epoch, 0);
		w->gone = (uint64_t)sqlite3_column_int64(w->epoch, 1);
	}
	sqlite3_reset(w->epoch);
}

static void name_forks(struct hq_walk *w)
{
	const struct statement_range *r = range_of(w);
	uint8_t own[EVENT_HASH_BYTES];

	sqlite3_bind_int64(w->forks, 1, w->epoch_row);
	sqlite3_bind_int64(w->forks, 2, (int64_t)r->from);
	sqlite3_bind_int64(w->forks, 3, (int64_t)r->to);
	while (db_row(w->forks, &w->failed)) {
		uint64_t seq = (uint64_t)sqlite3_column_int64(w->forks, 0);
		const void *line = sqlite3_column_blob(w->forks, 2);
		const char *reason = (const char *)sqlite3_column_text(w->forks, 3);
		vault_sha256(w->work, line ? line : "", (size_t)sqlite3_column_bytes(w->forks, 2),
		             own);
		name(w, &w->result.forked, seq, seq, reason ? reason : "");
		if (sqlite3_column_bytes(w->forks, 1) != EVENT_HASH_BYTES ||
		    memcmp(sqlite3_column_blob(w->forks, 1), own, sizeof own) != 0)
			name(w, &w->result.faults, seq, seq, "leaf");
	}
	sqlite3_reset(w->forks);
}

static void end_range(struct hq_walk *w)
{
	const struct statement_range *r = range_of(w);

	if (w->next <= r->to) {
		check_run_end(w);
		name_missing(w, w->next, r->to);
	} else if (w->chained && memcmp(w->h, r->h, EVENT_HASH_BYTES) != 0) {
		name(w, &w->result.faults, w->since, r->to, "chain");
	}
	name_forks(w);
	w->range++;
	w->begun = false;
}

int hq_walk_step(struct hq_walk *w)
{
	int lines = 0;

	if (w->range >= w->p.statement->ranges)
		return 0;
	if (!w->begun)
		begin_range(w);
	sqlite3_bind_int64(w->rows, 1, w->epoch_row);
	sqlite3_bind_int64(w->rows, 2, (int64_t)w->next);
	sqlite3_bind_int64(w->rows, 3, (int64_t)range_of(w)->to);
	sqlite3_bind_int64(w->rows, 4, HQ_WALK_STEP_LINES);
	for (; db_row(w->rows, &w->failed); lines++)
		take_row(w, w->rows);
	sqlite3_reset(w->rows);
	if (w->failed)
		return -1;
	if (lines < HQ_WALK_STEP_LINES)
		end_range(w);
	if (w->failed)
		return -1;
	if (w->range < w->p.statement->ranges)
		return 1;
	sort_ids(&w->result.key_ids);
	sort_ids(&w->result.erased_ids);
	w->result.erased = w->result.erased_ids.len / EVENT_ID_BYTES;
	return 0;
}

int64_t hq_walk_missing(struct sqlite3 *db, int64_t store_row, const struct statement *s)
{
	sqlite3_stmt *q = db_prepare(
	    db, "SELECT coalesce(sum(min(r.last, ?4) - max(r.first, ?3) + 1), 0) FROM epoch e"
	        " JOIN run r ON r.epoch = e.id WHERE e.store = ?1 AND e.epoch = ?2"
	        " AND r.first <= ?4 AND r.last >= ?3");
	int64_t missing = 0;

	for (int i = 0; q && i < s->ranges; i++) {
		const struct statement_range *r = &s->range[i];
		sqlite3_bind_int64(q, 1, store_row);
		sqlite3_bind_blob(q, 2, r->epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
		sqlite3_bind_int64(q, 3, (int64_t)r->from);
		sqlite3_bind_int64(q, 4, (int64_t)r->to);
		if (sqlite3_step(q) != SQLITE_ROW) {
			missing = -1;
			break;
		}
		missing += (int64_t)(r->to - r->from + 1) - sqlite3_column_int64(q, 0);
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return q ? missing : -1;
}
