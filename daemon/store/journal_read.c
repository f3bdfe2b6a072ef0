#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/db.h"
#include "store/journal_internal.h"

#define RUN_PACKS_MAX                                                                              \
	64 /* read in one snapshot: a reader that stays keeps the log from shrinking */

/* ---- opening ---- */

static int prepare(struct journal_reader *r)
{
	sqlite3 *db = r->db;
	r->begin = db_prepare(db, "BEGIN");
	r->end = db_prepare(db, "COMMIT");
	r->body = db_prepare(db, "SELECT body FROM pack WHERE id = ?1");
	r->keys = db_prepare(db, "SELECT keys FROM pack WHERE id = ?1");
	r->scan = db_prepare(
	    db, "SELECT id, ordinal, wall_us FROM pack WHERE id >= ?1 ORDER BY id LIMIT ?2");
	r->ids = db_prepare(db, "SELECT id, ordinal, first, wall_us, ids FROM pack WHERE id >= ?1"
	                        " AND id < ?2 ORDER BY id LIMIT ?3");
	r->urgent = db_prepare(
	    db, "SELECT e.epoch, u.seq FROM urgent u JOIN epoch e ON e.ordinal = u.ordinal"
	        " ORDER BY u.ordinal, u.seq LIMIT ?1");
	r->key = db_prepare(db, "SELECT wrapped FROM visit_key WHERE id = ?1");
	r->pack_count = db_prepare(db, "SELECT count(*) FROM pack");
	r->tail = db_prepare(db, "SELECT id, count FROM pack ORDER BY id DESC LIMIT ?1");
	r->mark =
	    db_prepare(db, "SELECT value FROM meta WHERE name = '" JOURNAL_MARK_PREFIX "' || ?1");
	/* Names are of small letters, digits and "_": "~" stands behind them. */
	r->marks = db_prepare(db, "SELECT value FROM meta WHERE name >= '" JOURNAL_MARK_PREFIX
	                          "' || ?1 AND name < '" JOURNAL_MARK_PREFIX "' || ?1 || '~'"
	                          " ORDER BY name");
	bool ok = r->begin && r->end && r->body && r->keys && r->scan && r->ids && r->urgent &&
	          r->key && r->pack_count && r->tail && r->mark && r->marks;
	return ok ? journal_seek_open(&r->seek, db) : -1;
}

int journal_reader_open(struct journal_reader **out, const char *path, const char *store,
                        const struct vault *vault, char *err, size_t err_size)
{
	struct journal_reader *r = calloc(1, sizeof(*r));
	if (!r)
		goto err_memory;
	r->vault = vault;
	r->codec = pack_codec_new(store);
	if (!r->codec)
		goto err_memory;
	if (db_open_reader(&r->db, path, err, err_size))
		goto err_free;
	if (prepare(r)) {
		snprintf(err, err_size, "%s: %s", path, sqlite3_errmsg(r->db));
		goto err_free;
	}
	memcpy(r->store, store, strnlen(store, sizeof(r->store) - 1));
	*out = r;
	return 0;
err_memory:
	snprintf(err, err_size, "journal: out of memory");
err_free:
	journal_reader_free(r);
	return -1;
}

void journal_reader_free(struct journal_reader *r)
{
	if (!r)
		return;
	sqlite3_stmt *all[] = {r->begin, r->end,    r->body,  r->keys,       r->scan,
	                       r->ids,   r->urgent, r->key,   r->pack_count, r->tail,
	                       r->hole,  r->mark,   r->marks, r->taken,      r->awaited};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sqlite3_finalize(all[i]);
	journal_seek_close(&r->seek);
	if (r->db)
		db_close_reader(r->db);
	pack_codec_free(r->codec);
	buf_free(&r->walk.lines);
	vault_wipe(r->epoch_key, sizeof(r->epoch_key));
	free(r);
}

static int fault(struct journal_reader *r, const char *what)
{
	log_error("journal: %s: %s", what, sqlite3_errmsg(r->db));
	return -1;
}

int journal_reader_begin(struct journal_reader *r)
{
	int rc = sqlite3_step(r->begin);
	sqlite3_reset(r->begin);
	return rc == SQLITE_DONE ? 0 : fault(r, "a snapshot cannot be opened");
}

void journal_reader_end(struct journal_reader *r)
{
	sqlite3_step(r->end);
	sqlite3_reset(r->end);
}

/* ---- a pack ---- */

static void take_epoch(struct journal_reader *r, const struct journal_row *row)
{
	if (r->key_ordinal == row->ordinal &&
	    memcmp(r->key_epoch, row->epoch, EVENT_EPOCH_BYTES) == 0)
		return;
	vault_epoch_key(r->vault, pack_work(r->codec), row->epoch, r->epoch_key);
	memcpy(r->key_epoch, row->epoch, EVENT_EPOCH_BYTES);
	r->key_ordinal = row->ordinal;
}

int journal_reader_epoch_key(struct journal_reader *r, int64_t ordinal)
{
	struct journal_row row;
	if (r->key_ordinal == ordinal && ordinal != 0)
		return 1;
	int rc = journal_seek_epoch(&r->seek, ordinal, &row);
	if (rc == 1 && row.ordinal != ordinal)
		rc = 0;
	if (rc == 1)
		take_epoch(r, &row);
	return rc;
}

/* Unseal straight from the row: nothing else of this statement is needed. */
static int open_body(struct journal_reader *r, const struct journal_place *place)
{
	struct pack_head head = {.first = place->first, .count = place->count};
	memcpy(head.epoch, r->key_epoch, sizeof(head.epoch));
	sqlite3_bind_int64(r->body, 1, place->id);
	int rc = sqlite3_step(r->body);
	const void *body = rc == SQLITE_ROW ? sqlite3_column_blob(r->body, 0) : NULL;
	int opened = body ? pack_open(r->codec, r->epoch_key, &head, body,
	                              (size_t)sqlite3_column_bytes(r->body, 0), &r->walk.lines)
	                  : -1;
	sqlite3_reset(r->body);
	return opened;
}

int journal_reader_load(struct journal_reader *r, const struct journal_place *place)
{
	struct journal_walk *w = &r->walk;
	w->place.id = 0;
	if (journal_reader_epoch_key(r, place->ordinal) != 1 || open_body(r, place)) {
		log_error("journal: pack %lld (%u events) cannot be opened", (long long)place->id,
		          place->count);
		return -1;
	}
	w->place = *place;
	memcpy(w->epoch, r->key_epoch, sizeof(w->epoch));
	w->at = 0;
	w->seq = place->first;
	return 0;
}

/* What is missing in front never came back: the pack itself says what stood there. */
static int h_behind_hole(struct journal_reader *r, const struct journal_place *place,
                         uint8_t h[EVENT_HASH_BYTES])
{
	if (!r->hole)
		r->hole = db_prepare(r->db, "SELECT substr(p.link, 9, 32) FROM pack p JOIN hole h"
		                            " ON h.ordinal = p.ordinal AND h.last = p.first - 1"
		                            " WHERE p.id = ?1");
	if (!r->hole)
		return -1;
	sqlite3_bind_int64(r->hole, 1, place->id);
	int rc = sqlite3_step(r->hole);
	bool found = rc == SQLITE_ROW && sqlite3_column_bytes(r->hole, 0) == EVENT_HASH_BYTES;
	if (found)
		memcpy(h, sqlite3_column_blob(r->hole, 0), EVENT_HASH_BYTES);
	sqlite3_reset(r->hole);
	return found ? 0 : -1;
}

int journal_reader_h_before(struct journal_reader *r, const struct journal_place *place,
                            uint8_t h[EVENT_HASH_BYTES])
{
	struct journal_place before;
	struct journal_row row;

	if (place->first == 1) {
		memset(h, 0, EVENT_HASH_BYTES);
		return 0;
	}
	int rc = journal_seek_before(&r->seek, place->id, &before);
	if (rc < 0)
		return -1;
	if (rc == 1 && before.ordinal == place->ordinal &&
	    before.first + before.count == place->first) {
		memcpy(h, before.h, EVENT_HASH_BYTES);
		return 0;
	}
	if (journal_seek_epoch(&r->seek, place->ordinal, &row) != 1 ||
	    row.ordinal != place->ordinal)
		return -1;
	if (row.deleted + 1 != place->first)
		return row.salvaged ? h_behind_hole(r, place, h) : -1;
	memcpy(h, row.deleted_h, EVENT_HASH_BYTES);
	return 0;
}

/* ---- a run ---- */

static int add_keys(struct journal_reader *r, struct journal_run *out)
{
	sqlite3_bind_int64(r->keys, 1, r->walk.place.id);
	int rc = sqlite3_step(r->keys);
	const uint8_t *ids = rc == SQLITE_ROW ? sqlite3_column_blob(r->keys, 0) : NULL;
	size_t n = ids ? (size_t)sqlite3_column_bytes(r->keys, 0) / EVENT_ID_BYTES : 0;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *id = ids + i * EVENT_ID_BYTES;
		bool have = false;
		for (size_t at = 0; at < out->key_ids.len && !have; at += EVENT_ID_BYTES)
			have = memcmp(out->key_ids.data + at, id, EVENT_ID_BYTES) == 0;
		if (!have)
			buf_add(&out->key_ids, id, EVENT_ID_BYTES);
	}
	sqlite3_reset(r->keys);
	return rc == SQLITE_ROW && !out->key_ids.failed ? 0 : fault(r, "visit keys cannot be read");
}

static void step_line(struct journal_reader *r, const char *line, size_t len)
{
	struct journal_walk *w = &r->walk;
	uint8_t leaf[EVENT_HASH_BYTES];
	vault_sha256(pack_work(r->codec), line, len, leaf);
	vault_chain(pack_work(r->codec), w->h, w->epoch, w->seq++, leaf);
}

/* Let the walk stand at `seq`. A run mostly begins where the last one ended: then nothing is opened
 * or hashed a second time. */
static int walk_to(struct journal_reader *r, const struct journal_place *place, uint64_t seq)
{
	struct journal_walk *w = &r->walk;
	const char *line;
	size_t len;

	if (w->place.id != place->id || w->place.ordinal != place->ordinal ||
	    memcmp(w->place.h, place->h, EVENT_HASH_BYTES) != 0 || w->seq > seq) {
		if (journal_reader_load(r, place))
			return -1;
		if (journal_reader_h_before(r, place, w->h)) {
			log_error("journal: the chain in front of pack %lld is missing",
			          (long long)place->id);
			w->place.id = 0;
			return -1;
		}
	}
	while (w->seq < seq && (line = pack_line(&w->lines, &w->at, &len)))
		step_line(r, line, len);
	return 0;
}

struct run_bounds {
	uint32_t count;
	size_t bytes;
};

/* Lines of the walk's pack into the run. 1: the pack is through, 0: the run is full, -1: the pack's
 * own h does not fit its lines. */
static int take_lines(struct journal_reader *r, const struct run_bounds *max,
                      struct journal_run *out)
{
	struct journal_walk *w = &r->walk;
	size_t next = w->at, len;
	const char *line;
	while ((line = pack_line(&w->lines, &next, &len))) {
		if (out->count &&
		    (out->count >= max->count || out->lines.len + len + 1 > max->bytes))
			return 0;
		buf_add(&out->lines, line, len + 1);
		step_line(r, line, len);
		w->at = next;
		out->count++;
		memcpy(out->h_last, w->h, EVENT_HASH_BYTES);
	}
	if (memcmp(w->h, w->place.h, EVENT_HASH_BYTES) == 0)
		return out->lines.failed ? -1 : 1;
	log_error("journal: the chain breaks in pack %lld", (long long)w->place.id);
	w->place.id = 0;
	return -1;
}

static int next_pack(struct journal_reader *r, struct journal_place *place)
{
	struct journal_place next;
	int rc = journal_seek_from(&r->seek, place->id + 1, &next);
	if (rc != 1 || next.ordinal != place->ordinal || next.first != place->first + place->count)
		return rc < 0 ? -1 : 0;
	*place = next;
	return 1;
}

/* The pack that holds `first`, or the first one above it: what is below was deleted. */
static int first_pack(struct journal_reader *r, const struct journal_row *row, uint64_t *first,
                      struct journal_place *place)
{
	struct journal_walk *w = &r->walk;
	if (*first <= row->deleted)
		*first = row->deleted + 1;
	if (w->place.id && w->place.ordinal == row->ordinal && *first >= w->place.first &&
	    *first < w->place.first + w->place.count) {
		*place = w->place;
		return 1;
	}
	int rc = journal_seek_pack(&r->seek, row->ordinal, *first, place);
	if (rc < 0)
		return -1;
	if (rc == 1 && place->ordinal == row->ordinal && *first < place->first + place->count)
		return 1;
	/* In a hole: the next pack behind it. */
	rc = row->salvaged
	         ? journal_seek_from(&r->seek, journal_pack_id(row->ordinal, *first), place)
	         : 0;
	if (rc != 1 || place->ordinal != row->ordinal)
		return rc < 0 ? -1 : 0;
	*first = place->first;
	return 1;
}

static int run_packs(struct journal_reader *r, struct journal_place *place,
                     const struct run_bounds *max, struct journal_run *out)
{
	int rc = 1;
	if (walk_to(r, place, out->first))
		return -1;
	memcpy(out->h_prev, r->walk.h, EVENT_HASH_BYTES);
	for (int packs = 1; rc == 1; packs++) {
		uint32_t before = out->count;
		rc = take_lines(r, max, out);
		if (rc < 0 || (out->count > before && add_keys(r, out)))
			return -1;
		if (rc == 0 || packs == RUN_PACKS_MAX || out->count >= max->count)
			break;
		rc = next_pack(r, place);
		if (rc == 1 && walk_to(r, place, place->first))
			return -1;
	}
	return rc < 0 ? -1 : out->count > 0;
}

int journal_reader_run(struct journal_reader *r, const uint8_t epoch[EVENT_EPOCH_BYTES],
                       uint64_t first, uint32_t count_max, size_t bytes_max,
                       struct journal_run *out)
{
	struct run_bounds max = {count_max, bytes_max};
	struct journal_row row;
	struct journal_place place;

	memset(out, 0, sizeof(*out));
	if (journal_reader_begin(r))
		return -1;
	int rc = journal_seek_epoch_id(&r->seek, epoch, &row);
	if (rc == 1)
		rc = first_pack(r, &row, &first, &place);
	if (rc == 1) {
		out->first = first;
		rc = run_packs(r, &place, &max, out);
	}
	journal_reader_end(r);
	if (rc != 1)
		journal_run_free(out);
	return rc;
}

/* ---- one place of the chain ---- */

static int find_h(struct journal_reader *r, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                  uint8_t h[EVENT_HASH_BYTES])
{
	struct journal_row row;
	struct journal_place place;
	uint64_t first = seq;

	if (journal_seek_epoch_id(&r->seek, epoch, &row) != 1)
		return -1;
	if (seq == 0 || seq == row.deleted) {
		memcpy(h, seq ? row.deleted_h : (uint8_t[EVENT_HASH_BYTES]){0}, EVENT_HASH_BYTES);
		return 0;
	}
	if (seq < row.deleted)
		return -1;
	if (first_pack(r, &row, &first, &place) != 1)
		return -1;
	if (seq == place.first + place.count - 1) {
		memcpy(h, place.h, EVENT_HASH_BYTES);
		return 0;
	}
	if (walk_to(r, &place, seq + 1) || r->walk.seq != seq + 1)
		return -1;
	memcpy(h, r->walk.h, EVENT_HASH_BYTES);
	return 0;
}

int journal_reader_h(struct journal_reader *r, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                     uint8_t h[EVENT_HASH_BYTES])
{
	if (journal_reader_begin(r))
		return -1;
	int rc = find_h(r, epoch, seq, h);
	journal_reader_end(r);
	return rc;
}

void journal_run_free(struct journal_run *run)
{
	buf_free(&run->lines);
	buf_free(&run->key_ids);
	memset(run, 0, sizeof(*run));
}
