/* Every pack, in the background: is it whole, and which visit keys does it name? Keys that none
 * names any more go: the person of a visit whose events were deleted must not stay openable. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "store/db.h"
#include "store/journal_internal.h"

/* Named keys as bits: what is set by chance keeps a key until the next time, nothing loses one. One
 * in a hundred at half a million keys. */
#define BITS_BYTES (1u << 20)
#define KEYS_MAX 256     /* looked at, and dropped, in one go */
#define REST_TIMES 3     /* as long as a step took: a quarter of one core at the most */
#define FAULTS_LOGGED 20 /* of one sweep; all are counted */

struct sweep {
	struct journal *j;
	struct journal_reader *r;
	uint8_t *named; /* by packs: this thread */
	uint8_t *live;  /* by packs committed since: the journal's thread */
	uint64_t faults;
	int64_t step_us;
	uint8_t drop[KEYS_MAX][EVENT_ID_BYTES];
	size_t drop_count;
	uint64_t dropped;
};

static size_t bit_of(const uint8_t id[EVENT_ID_BYTES], int i)
{
	return buf_get32(id + 4 * i) % (BITS_BYTES * 8);
}

static void set_bits(uint8_t *bits, const uint8_t id[EVENT_ID_BYTES])
{
	for (int i = 0; i < 3; i++)
		bits[bit_of(id, i) / 8] |= (uint8_t)(1u << bit_of(id, i) % 8);
}

static bool has_bits(const uint8_t *bits, const uint8_t id[EVENT_ID_BYTES])
{
	for (int i = 0; i < 3; i++)
		if (!(bits[bit_of(id, i) / 8] & 1u << bit_of(id, i) % 8))
			return false;
	return true;
}

void journal_sweep_named(struct journal *j, const uint8_t *ids, size_t len)
{
	for (size_t at = 0; j->sweep_live && at + EVENT_ID_BYTES <= len; at += EVENT_ID_BYTES)
		set_bits(j->sweep_live, ids + at);
}

/* ---- packs ---- */

static void on_fault(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES],
                     const struct journal_place *p, const char *what)
{
	struct sweep *s = ctx;
	struct journal_state *state = &s->j->state;
	char hex[EVENT_EPOCH_SIZE];

	text_hex(epoch, EVENT_EPOCH_BYTES, hex);
	if (s->faults++ < FAULTS_LOGGED)
		log_error("ALARM: journal: epoch %s, seq %llu to %llu: %s; capture goes on", hex,
		          (unsigned long long)p->first,
		          (unsigned long long)(p->first + p->count - 1), what);
	counter_add(s->j->params.counters, COUNTER_JOURNAL_FAULTS, 1);
	pthread_mutex_lock(&s->j->lock);
	if (s->faults == 1) {
		memcpy(state->check.fault_epoch, epoch, EVENT_EPOCH_BYTES);
		state->check.fault_seq = p->first;
	}
	state->check.faults = s->faults;
	pthread_mutex_unlock(&s->j->lock);
}

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct sweep *s = ctx;
	int64_t took_us = now_us() - s->step_us;
	pthread_mutex_lock(&s->j->lock);
	s->j->state.check.packs = done;
	s->j->state.check.total = total;
	pthread_mutex_unlock(&s->j->lock);
	bool more = journal_back_rest(s->j, took_us * REST_TIMES / 1000);
	s->step_us = now_us();
	return more;
}

static void on_keys(void *ctx, const uint8_t *ids, size_t len)
{
	struct sweep *s = ctx;
	for (size_t at = 0; at + EVENT_ID_BYTES <= len; at += EVENT_ID_BYTES)
		set_bits(s->named, ids + at);
}

/* true: all packs were looked at. */
static bool look_at_packs(struct sweep *s)
{
	struct journal_verify count;
	const struct journal_verify_ops ops = {on_progress, on_fault, on_keys, s};
	char err[256] = "";

	s->step_us = now_us();
	int rc = journal_verify_all(s->r, &count, &ops, err, sizeof(err));
	if (rc && journal_back_go_on(s->j))
		log_error("ALARM: journal: the check in the background ended early: %s", err);
	pthread_mutex_lock(&s->j->lock);
	if (rc == 0) {
		s->j->state.check.packs = s->j->state.check.total = count.packs;
		s->j->state.check.done = true;
		s->j->state.check.faults = s->faults;
	}
	pthread_mutex_unlock(&s->j->lock);
	return rc == 0;
}

/* ---- keys ---- */

static int begin_live(struct journal *j, void *ctx)
{
	struct sweep *s = ctx;
	j->sweep_live = s->live;
	return 0;
}

static int end_live(struct journal *j, void *ctx)
{
	(void)ctx;
	j->sweep_live = NULL;
	return 0;
}

static int drop_keys(struct journal *j, void *ctx)
{
	struct sweep *s = ctx;
	for (size_t i = 0; i < s->drop_count; i++) {
		const uint8_t *id = s->drop[i];
		if (has_bits(s->live, id))
			continue;
		journal_commit_forget_key(j, id);
		sqlite3_bind_blob(j->drop_key, 1, id, EVENT_ID_BYTES, SQLITE_STATIC);
		if (journal_commit_run(j, j->drop_key))
			return -1;
		s->dropped++;
	}
	return 0;
}

/* Keys behind `after` that no pack names; after moves on. 1 more, 0 through, -1. */
static int some_keys(struct sweep *s, sqlite3_stmt *stmt, uint8_t after[EVENT_ID_BYTES])
{
	int rc, n = 0;
	s->drop_count = 0;
	sqlite3_bind_blob(stmt, 1, after, EVENT_ID_BYTES, SQLITE_TRANSIENT);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		n++;
		if (sqlite3_column_bytes(stmt, 0) != EVENT_ID_BYTES)
			continue;
		memcpy(after, sqlite3_column_blob(stmt, 0), EVENT_ID_BYTES);
		if (!has_bits(s->named, after))
			memcpy(s->drop[s->drop_count++], after, EVENT_ID_BYTES);
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? n == KEYS_MAX : -1;
}

static void look_at_keys(struct sweep *s)
{
	uint8_t after[EVENT_ID_BYTES] = {0};
	struct journal_job job = {.run = drop_keys, .ctx = s};
	char sql[96];
	snprintf(sql, sizeof(sql), "SELECT id FROM visit_key WHERE id > ?1 ORDER BY id LIMIT %d",
	         KEYS_MAX);
	sqlite3_stmt *stmt = db_prepare(s->r->db, sql);
	int rc = stmt ? 1 : -1;
	while (rc == 1 && journal_back_go_on(s->j)) {
		rc = some_keys(s, stmt, after);
		if (s->drop_count && journal_back_do(s->j, &job) != JOURNAL_JOB_DONE)
			break;
	}
	sqlite3_finalize(stmt);
	if (s->dropped)
		log_info("journal: %llu visit keys that no event names any more were destroyed",
		         (unsigned long long)s->dropped);
}

/* ---- the call ---- */

void journal_sweep(struct journal *j)
{
	struct sweep s = {.j = j};
	struct journal_job begin = {.run = begin_live, .ctx = &s, .plain = true};
	struct journal_job end = {.run = end_live, .plain = true};
	char err[256] = "";

	s.named = calloc(2, BITS_BYTES);
	if (!s.named ||
	    journal_reader_open(&s.r, j->path, j->store, j->params.vault, err, sizeof(err))) {
		log_error("journal: the check in the background cannot begin: %s",
		          s.named ? err : "out of memory");
		free(s.named);
		return;
	}
	s.live = s.named + BITS_BYTES;
	/* What a set-aside file still has to bring may name any key. */
	journal_back_do(j, &begin);
	if (look_at_packs(&s) && !journal_salvage_waits(j))
		look_at_keys(&s);
	journal_back_do(j, &end);
	journal_reader_free(s.r);
	free(s.named);
}
