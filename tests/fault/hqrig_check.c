/* What HQ must hold after a start. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_db.h"
#include "hqrig.h"
#include "store/vault.h"

struct checking {
	struct hqrig *h;
	sqlite3 *sql;
	struct vault_work *work;
	uint8_t held[HQRIG_EPOCHS][HQRIG_LINES_MAX / 8 + 1];
	uint64_t events;
};

static bool has(const uint8_t *bits, uint64_t seq)
{
	return bits[seq / 8] >> (seq % 8) & 1;
}

static sqlite3_stmt *ask(struct checking *c, const char *text)
{
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(c->sql, text, -1, &q, NULL) != SQLITE_OK)
		base_wrong("%s: %s", text, sqlite3_errmsg(c->sql));
	return q;
}

static int epoch_of(const char *store, const char *hex)
{
	char have[EVENT_EPOCH_SIZE];

	for (int i = 0; i < HQRIG_EPOCHS; i++) {
		text_hex(hqrig_epoch_id(i), EVENT_EPOCH_BYTES, have);
		if (strcmp(store, hqrig_store(i)) == 0 && strcmp(have, hex) == 0)
			return i;
	}
	base_wrong("HQ holds an epoch %s of %s that nobody sent", hex, store);
}

/* Held is a subset of sent, each with its bytes. */
static void check_lines(struct checking *c)
{
	sqlite3_stmt *q = ask(c, "SELECT store, epoch, seq, line FROM events");
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		int e = epoch_of((const char *)sqlite3_column_text(q, 0),
		                 (const char *)sqlite3_column_text(q, 1));
		uint64_t seq = (uint64_t)sqlite3_column_int64(q, 2);
		if (seq < 1 || seq > hqrig_last(e, false))
			base_wrong("HQ holds seq %" PRIu64 " of epoch %d, never sent", seq, e);
		const char *line = hqrig_line(e, false, seq);
		if ((size_t)sqlite3_column_bytes(q, 3) != strlen(line) ||
		    memcmp(sqlite3_column_blob(q, 3), line, strlen(line)) != 0)
			base_wrong("HQ holds seq %" PRIu64 " of epoch %d with other bytes", seq, e);
		if (has(c->held[e], seq))
			base_wrong("HQ holds seq %" PRIu64 " of epoch %d twice", seq, e);
		c->held[e][seq / 8] |= (uint8_t)(1 << seq % 8);
		c->events++;
	}
	if (rc != SQLITE_DONE)
		base_wrong("HQ's events cannot be read: %s", sqlite3_errmsg(c->sql));
	sqlite3_finalize(q);
}

/* Confirmed is a subset of held. */
static void check_confirmed(const struct checking *c)
{
	for (int e = 0; e < HQRIG_EPOCHS; e++) {
		for (uint64_t seq = 1; seq <= hqrig_last(e, false); seq++) {
			if (has(c->h->confirmed[e], seq) && !has(c->held[e], seq))
				base_wrong("lost: seq %" PRIu64 " of epoch %d was confirmed", seq,
				           e);
		}
	}
}

/* What HQ says it holds (its runs) is what it holds. */
static void check_runs(struct checking *c)
{
	sqlite3_stmt *q = ask(c, "SELECT s.name, lower(hex(e.epoch)), r.first, r.last FROM run r"
	                         " JOIN epoch e ON e.id = r.epoch JOIN store s ON s.id = e.store");
	uint64_t in_runs = 0;

	while (sqlite3_step(q) == SQLITE_ROW) {
		int e = epoch_of((const char *)sqlite3_column_text(q, 0),
		                 (const char *)sqlite3_column_text(q, 1));
		uint64_t first = (uint64_t)sqlite3_column_int64(q, 2);
		uint64_t last = (uint64_t)sqlite3_column_int64(q, 3);
		for (uint64_t seq = first; seq <= last; seq++, in_runs++) {
			if (!has(c->held[e], seq))
				base_wrong("HQ counts seq %" PRIu64
				           " of epoch %d as held, and it is not",
				           seq, e);
		}
	}
	sqlite3_finalize(q);
	if (in_runs != c->events)
		base_wrong("HQ holds %" PRIu64 " events, its runs name %" PRIu64, c->events,
		           in_runs);
}

/* A clone's history is kept. */
static void check_clones(struct checking *c)
{
	sqlite3_stmt *q = ask(c, "SELECT count(*) FROM fork f JOIN epoch e ON e.id = f.epoch"
	                         " WHERE e.epoch = ?1 AND f.seq = ?2 AND f.leaf = ?3");
	uint8_t leaf[VAULT_HASH_BYTES];

	for (uint32_t i = 0; i < c->h->clone_count; i++) {
		const struct hqrig_clone *clone = &c->h->clones[i];
		for (uint64_t seq = clone->first; clone->taken && seq < clone->first + clone->count;
		     seq++) {
			const char *line = hqrig_line(clone->epoch, true, seq);
			if (strcmp(line, hqrig_line(clone->epoch, false, seq)) == 0)
				continue;
			vault_sha256(c->work, line, strlen(line), leaf);
			sqlite3_bind_blob(q, 1, hqrig_epoch_id(clone->epoch), EVENT_EPOCH_BYTES,
			                  SQLITE_STATIC);
			sqlite3_bind_int64(q, 2, (sqlite3_int64)seq);
			sqlite3_bind_blob(q, 3, leaf, sizeof leaf, SQLITE_STATIC);
			if (sqlite3_step(q) != SQLITE_ROW || sqlite3_column_int(q, 0) != 1)
				base_wrong("a clone's seq %" PRIu64
				           " of epoch %d is not kept as a fork",
				           seq, clone->epoch);
			sqlite3_reset(q);
		}
	}
	sqlite3_finalize(q);
}

/* ---- the model: what the held lines make of orders and customers ---- */

struct model {
	int owner; /* of the basket that is looked at; 0: nobody */
	int64_t visits[HQRIG_CUSTOMERS + 1], spend[HQRIG_CUSTOMERS + 1];
	int64_t orders, owned, enrolled;
};

static int owner_of(const struct checking *c, int e, int basket)
{
	int owner = 0;

	for (uint64_t seq = 1; seq <= hqrig_last(e, false); seq++) {
		const struct hqrig_fact *f = hqrig_fact(e, seq);
		if (!has(c->held[e], seq) || f->basket != basket)
			continue;
		if (f->kind == 'a')
			owner = f->customer;
		else if (f->kind == 'd')
			owner = 0;
	}
	return owner;
}

static void recompute(const struct checking *c, struct model *m)
{
	for (int e = 0; e < HQRIG_EPOCHS; e++) {
		for (uint64_t seq = 1; seq <= hqrig_last(e, false); seq++) {
			const struct hqrig_fact *f = hqrig_fact(e, seq);
			m->enrolled += f->kind == 'e' && has(c->held[e], seq);
			if (f->kind != 'o' || !has(c->held[e], seq))
				continue;
			int owner = owner_of(c, e, f->basket);
			m->orders++;
			m->owned += owner != 0;
			m->visits[owner]++;
			m->spend[owner] += f->total;
		}
	}
}

static int64_t number(struct checking *c, const char *text)
{
	sqlite3_stmt *q = ask(c, text);
	int64_t n = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;

	sqlite3_finalize(q);
	return n;
}

/* Every enrolment is a customer's record once, and nothing waits to be folded. */
static void check_units(struct checking *c, int64_t enrolled)
{
	int64_t units = number(c, "SELECT count(*) FROM profile WHERE external IS NULL"),
	        dirty = number(c, "SELECT count(*) FROM dirty"),
	        lost =
	            number(c, "SELECT count(*) FROM profile u WHERE NOT EXISTS (SELECT 1 FROM"
	                      " profile p WHERE p.n = u.person AND p.person = p.n AND p.n <= u.n)");

	if (units != enrolled || dirty != 0 || lost != 0)
		base_wrong("HQ has made %" PRId64 " records of %" PRId64 " enrolments; %" PRId64
		           " are to be folded again, %" PRId64 " are of no person",
		           units, enrolled, dirty, lost);
}

static void check_fold(struct checking *c)
{
	struct model m = {0};
	sqlite3_stmt *q;

	recompute(c, &m);
	int64_t sales = number(c, "SELECT count(*) FROM sale"),
	        owned = number(c, "SELECT count(*) FROM sale WHERE owner IS NOT NULL");
	if (sales != m.orders || owned != m.owned)
		base_wrong("HQ has folded %" PRId64 " orders, %" PRId64 " of them somebody's; its "
		           "events give %" PRId64 " and %" PRId64,
		           sales, owned, m.orders, m.owned);
	check_units(c, m.enrolled);
	q = ask(c, "SELECT id, visits, spend FROM profile ORDER BY id");
	for (int i = 1; i <= HQRIG_CUSTOMERS && sqlite3_step(q) == SQLITE_ROW; i++) {
		if (sqlite3_column_int64(q, 1) != m.visits[i] ||
		    sqlite3_column_int64(q, 2) != m.spend[i])
			base_wrong("HQ says of customer %s: %lld visits, %lld spent; its events "
			           "give %" PRId64 " and %" PRId64,
			           sqlite3_column_text(q, 0), sqlite3_column_int64(q, 1),
			           sqlite3_column_int64(q, 2), m.visits[i], m.spend[i]);
	}
	sqlite3_finalize(q);
}

void hqrig_check(struct hqrig *h, struct hq_db *db, bool folded)
{
	struct checking *c = calloc(1, sizeof *c);

	if (!c)
		abort();
	c->h = h;
	c->sql = hq_db_handle(db);
	c->work = vault_work_new();
	check_lines(c);
	check_confirmed(c);
	check_runs(c);
	check_clones(c);
	if (folded)
		check_fold(c);
	h->b.kept = c->events;
	vault_work_free(c->work);
	free(c);
}
