/* The messages of many packs in one row of `taken`, so that a start reads tens of bytes for each
 * and not all of the file. Written behind the commits: what is not summed up yet is read pack by
 * pack. */
#include <string.h>

#include "base/log.h"
#include "store/journal_internal.h"

#define STEP_PACKS 256    /* looked at in one go, and left until there are so many */
#define REST_TIMES 3      /* as long as a step took: a quarter of the thread at most */
#define STEP_ROWS_MAX 64  /* stepped over in one go */
#define PACKS_MAX 1024    /* of a row */
#define MESSAGES_MAX 4096 /* of a row: 64 KiB; at least the entries of a pack */
#define EVENTS_MAX 16384  /* after which a row is written: what a start still has to read */
_Static_assert(MESSAGES_MAX >= JOURNAL_ENTRIES_MAX && MESSAGES_MAX <= TAKEN_SESSIONS_MAX,
               "a pack fits into a row, whatever its sessions");

size_t journal_taken_ad(const char *store, const uint8_t epoch[EVENT_EPOCH_BYTES], int64_t id,
                        int64_t last, uint8_t ad[JOURNAL_TAKEN_AD_MAX])
{
	struct buf b = {.data = ad, .cap = JOURNAL_TAKEN_AD_MAX};
	buf_add(&b, "taken", 6);
	buf_add(&b, store, strlen(store) + 1);
	buf_add(&b, epoch, EVENT_EPOCH_BYTES);
	buf_be64(&b, (uint64_t)id);
	buf_be64(&b, (uint64_t)last);
	return b.len;
}

/* ---- the run in the making ---- */

static void begin_run(struct journal_taken *t)
{
	t->first = t->last = 0;
	t->packs = t->messages = t->events = 0;
	buf_reset(&t->ids);
	taken_begin(t->run);
}

/* The pack that old_ids stands on. */
struct pack_ids {
	int64_t id, ordinal, wall_s;
	uint64_t first, count;
	const uint8_t *ids;
	size_t len, messages;
	bool bad; /* malformed: a start reads it by itself, and says so */
};

static void read_pack(sqlite3_stmt *stmt, struct pack_ids *p)
{
	struct pack_id id;
	size_t at = 0;
	int rc;

	*p = (struct pack_ids){.id = sqlite3_column_int64(stmt, 0),
	                       .ordinal = sqlite3_column_int64(stmt, 1),
	                       .first = (uint64_t)sqlite3_column_int64(stmt, 2),
	                       .count = (uint64_t)sqlite3_column_int64(stmt, 3),
	                       .wall_s = sqlite3_column_int64(stmt, 4) / 1000000};
	p->ids = sqlite3_column_blob(stmt, 5);
	p->len = p->ids ? (size_t)sqlite3_column_bytes(stmt, 5) : 0;
	while ((rc = pack_id_next(p->ids, p->len, &at, &id)) == 1)
		p->messages++;
	p->bad = rc < 0 || p->messages > MESSAGES_MAX || p->wall_s < 0;
}

static bool is_full(const struct journal_taken *t)
{
	return t->packs >= t->packs_max || t->events >= EVENTS_MAX;
}

static bool fits(const struct journal_taken *t, const struct pack_ids *p)
{
	return t->first == 0 || (t->ordinal == p->ordinal && !p->bad && !is_full(t) &&
	                         t->messages + p->messages <= MESSAGES_MAX);
}

/* 0, or -1 out of memory: then the run is of no use. */
static int collect(struct journal_taken *t, const struct pack_ids *p)
{
	struct pack_id id;
	size_t at = 0;

	while (pack_id_next(p->ids, p->len, &at, &id) == 1) {
		struct taken_message m = {.id = id.id,
		                          .seq = p->first + id.offset,
		                          .count = id.count,
		                          .wall_s = p->wall_s};
		if (taken_add(t->run, &t->ids, &m))
			return -1;
	}
	if (t->first == 0) {
		t->first = p->id;
		t->ordinal = p->ordinal;
	}
	t->last = p->id;
	t->packs++;
	t->messages += p->messages;
	t->events += p->count;
	return 0;
}

/* ---- a row ---- */

static int seal_run(struct journal *j, struct buf *sealed)
{
	struct journal_taken *t = &j->taken;
	struct journal_row row;
	uint8_t ad[JOURNAL_TAKEN_AD_MAX], key[VAULT_KEY_BYTES];

	buf_reset(sealed);
	uint8_t *to = buf_room(sealed, t->ids.len + VAULT_SEAL_OVERHEAD);
	if (!to || journal_seek_epoch(&j->seek, t->ordinal, &row) != 1 || row.ordinal != t->ordinal)
		return -1;
	size_t ad_len = journal_taken_ad(j->store, row.epoch, t->first, t->last, ad);
	vault_epoch_key(j->params.vault, pack_work(j->codec), row.epoch, key);
	int rc = vault_seal(pack_work(j->codec), key, ad, ad_len,
	                    t->ids.data ? t->ids.data : (const uint8_t *)"", t->ids.len, to);
	vault_wipe(key, sizeof(key));
	sealed->len = t->ids.len + VAULT_SEAL_OVERHEAD;
	return rc;
}

/* false: not now; what was collected is looked at again. */
static bool put_row(struct journal *j)
{
	struct journal_taken *t = &j->taken;

	if (journal_commit_begin(j))
		return false;
	sqlite3_bind_int64(j->put_taken, 1, t->first);
	sqlite3_bind_int64(j->put_taken, 2, t->ordinal);
	sqlite3_bind_int64(j->put_taken, 3, t->last);
	sqlite3_bind_blob64(j->put_taken, 4, t->sealed.data, t->sealed.len, SQLITE_STATIC);
	if (journal_commit_run(j, j->put_taken)) {
		journal_commit_undo(j);
		return false;
	}
	journal_commit_measure(j);
	return journal_commit_end(j) == 0;
}

/* ---- a step ---- */

/* The first row at or behind `at`. 1, 0 none, -1 error. */
static int next_row(struct journal *j, int64_t at, int64_t *id, int64_t *last)
{
	sqlite3_bind_int64(j->next_taken, 1, at);
	int rc = sqlite3_step(j->next_taken);
	*id = rc == SQLITE_ROW ? sqlite3_column_int64(j->next_taken, 0) : INT64_MAX;
	*last = rc == SQLITE_ROW ? sqlite3_column_int64(j->next_taken, 1) : INT64_MAX;
	sqlite3_reset(j->next_taken);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

enum gap { GAP_MORE, GAP_CUT, GAP_THROUGH, GAP_FAILED };

/* Some packs in front of `to` into the run. */
static enum gap collect_packs(struct journal *j, int64_t to)
{
	struct journal_taken *t = &j->taken;
	struct pack_ids p;
	int rc = SQLITE_DONE;
	unsigned n = 0;
	bool cut = false, failed = false;

	sqlite3_bind_int64(j->old_ids, 1, t->at);
	sqlite3_bind_int64(j->old_ids, 2, to);
	sqlite3_bind_int64(j->old_ids, 3, t->packs_step);
	while (!cut && !failed && (rc = sqlite3_step(j->old_ids)) == SQLITE_ROW) {
		read_pack(j->old_ids, &p);
		cut = !fits(t, &p);
		if (cut)
			break;
		failed = !p.bad && collect(t, &p) != 0;
		t->at = p.id + 1;
		n++;
	}
	sqlite3_reset(j->old_ids);
	if (cut)
		return GAP_CUT;
	if (failed || rc != SQLITE_DONE)
		return GAP_FAILED;
	return n == t->packs_step ? GAP_MORE : GAP_THROUGH;
}

static bool give_up(struct journal_taken *t)
{
	log_error("journal: what a start has to read is not summed up any more in this run");
	t->off = true;
	return false;
}

static bool write_row(struct journal *j)
{
	struct journal_taken *t = &j->taken;
	if (seal_run(j, &t->sealed))
		return give_up(t);
	bool written = put_row(j);
	if (!written)
		t->at = t->first;
	begin_run(t);
	return written;
}

/* To the next row, or the end of the file. true: there is more to do. */
static bool sum_up(struct journal *j)
{
	struct journal_taken *t = &j->taken;
	int64_t id, last;
	int rc = next_row(j, t->at, &id, &last);
	enum gap gap = rc < 0 ? GAP_FAILED : collect_packs(j, id);

	if (gap == GAP_FAILED)
		return give_up(t);
	bool ends = gap == GAP_THROUGH && (rc == 1 || t->ordinal != j->ordinal);
	if (t->first && (gap == GAP_CUT || ends || is_full(t)) && !write_row(j))
		return false;
	if (gap == GAP_THROUGH && rc == 1)
		t->at = last >= id && last < INT64_MAX ? last + 1 : id + 1;
	t->through = gap == GAP_THROUGH && rc == 0;
	t->packs_seen = j->packs;
	return !t->through;
}

/* A step, and over rows that need no looking at. */
static bool take_step(struct journal *j)
{
	struct journal_taken *t = &j->taken;
	for (int i = 0; i < STEP_ROWS_MAX; i++) {
		int64_t at = t->at;
		size_t packs = t->packs;
		if (!sum_up(j))
			return false;
		if (t->packs != packs || t->at == at)
			break;
	}
	return true;
}

bool journal_taken_step(struct journal *j)
{
	struct journal_taken *t = &j->taken;
	int64_t since_us = clock_mono_us(j->params.clock);

	if (t->off || !j->epoch_open || (t->through && j->packs - t->packs_seen < t->packs_step))
		return false;
	if (since_us < t->due_us)
		return true;
	if (!t->run && !(t->run = taken_new()))
		return give_up(t);
	bool more = take_step(j);
	int64_t now_us = clock_mono_us(j->params.clock);
	t->due_us = now_us + (now_us - since_us) * REST_TIMES;
	return more;
}

int journal_taken_void(struct journal *j, int64_t ordinal)
{
	struct journal_taken *t = &j->taken;
	t->through = false;
	t->at = 0;
	if (t->run)
		begin_run(t);
	return journal_taken_drop(j, journal_pack_id(ordinal, 0),
	                          journal_pack_id(ordinal + 1, 0) - 1);
}

int journal_taken_drop(struct journal *j, int64_t from, int64_t to)
{
	sqlite3_bind_int64(j->drop_taken, 1, from >> JOURNAL_ID_SHIFT << JOURNAL_ID_SHIFT);
	sqlite3_bind_int64(j->drop_taken, 2, to);
	return journal_commit_run(j, j->drop_taken);
}

void journal_taken_init(struct journal *j)
{
	j->taken.packs_step = STEP_PACKS;
	j->taken.packs_max = PACKS_MAX;
}

void journal_taken_free(struct journal *j)
{
	taken_free(j->taken.run);
	buf_free(&j->taken.ids);
	buf_free(&j->taken.sealed);
}
