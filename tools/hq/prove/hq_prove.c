#include "hq/prove/hq_prove.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hq/intake/hq_uncovered.h"
#include "hq/prove/hq_statement.h"
#include "store/db.h"

/* The day that is proven. */
struct proof {
	sqlite3 *db;
	struct hq_keys *keys;
	const char *store, *day;
	int64_t store_row;
	uint8_t sign_pub[32];
	struct hq_tills *tills;      /* of the day, over all its statements */
	struct hq_tills *of_version; /* of the statement's days, as its versions have them */
	json_t *statements, *reasons;
	struct buf erased_ids; /* of all statements */
	int64_t received, stated;
	bool failed; /* out of memory, or the database cannot be read */
};

__attribute__((format(printf, 2, 3))) static void not_proven(struct proof *p, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_array_append_new(p->reasons, json_string(text));
}

/* ---- the countersigned versions ---- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static bool is_of(const json_t *doc, const struct hq_statement *st, int64_t version)
{
	const json_t *at = json_object_get(doc, "statement");
	char leaf[TEXT_HEX_SIZE(EVENT_HASH_BYTES)];

	text_hex(st->leaf, sizeof st->leaf, leaf);
	return strcmp(text_of(at, "leaf"), leaf) == 0 &&
	       json_integer_value(json_object_get(at, "seq")) == (json_int_t)st->seq &&
	       json_integer_value(json_object_get(doc, "version")) == (json_int_t)version &&
	       strcmp(text_of(doc, "store"), st->store) == 0 &&
	       strcmp(text_of(doc, "business_date"), st->s.business_date) == 0;
}

static json_t *version_json(const json_t *doc, int64_t version, bool good)
{
	return json_pack("{s:I,s:b,s:s,s:s}", "version", (json_int_t)version, "good", good,
	                 "reason", text_of(doc, "reason"), "made", text_of(doc, "made"));
}

/* All versions as a list; the newest good one's findings in *newest. */
static json_t *versions(struct proof *p, const struct hq_statement *st, json_t **newest)
{
	sqlite3_stmt *q = db_prepare(
	    p->db, "SELECT version, doc FROM countersign WHERE statement = ?1 ORDER BY version");
	json_t *list = json_array();
	int64_t n = 0;

	*newest = NULL;
	sqlite3_bind_int64(q, 1, st->id);
	while (db_row(q, &p->failed)) {
		json_t *doc = json_loadb(sqlite3_column_blob(q, 1),
		                         (size_t)sqlite3_column_bytes(q, 1), 0, NULL);
		int64_t before = n;
		n = sqlite3_column_int64(q, 0);
		/* Only a restored database leaves numbers out: the store holds those. */
		bool good = (n == before + 1 ||
		             (n > before && strcmp(text_of(doc, "reason"), "restored") == 0)) &&
		            is_of(doc, st, n) &&
		            statement_version_good(st->store, doc, p->sign_pub);
		json_array_append_new(list, version_json(doc, n, good));
		if (!good)
			not_proven(p,
			           "version %" PRId64 " of %s's statement is not as HQ signed it",
			           n, st->s.device);
		json_decref(*newest);
		*newest = good ? json_incref(json_object_get(doc, "findings")) : NULL;
		json_decref(doc);
	}
	sqlite3_finalize(q);
	return list;
}

/* ---- one statement ---- */

static void on_line(void *ctx, int64_t epoch_row, uint64_t seq, const struct hq_line *line)
{
	struct proof *p = ctx;

	hq_tills_line(p->tills, epoch_row, seq, line);
	hq_tills_line(p->of_version, epoch_row, seq, line);
}

static void name_faults(struct proof *p, const struct hq_walk_result *r)
{
	static const struct {
		const char *why, *text;
	} words[] = {
	    {"leaf", "the stored bytes are not what the store journaled"},
	    {"chain", "the lines do not lead to the h that is signed"},
	    {"place", "the line says that it is another event"},
	    {"twice", "it is held twice"},
	    {"key", "what it says of a person cannot be opened"},
	    {"no_key", "its key is missing and was not destroyed"},
	    {"erased", "a key that was destroyed still opens it"},
	};
	const struct hq_span *span = (const void *)r->faults.list.data;
	char epoch[EVENT_EPOCH_SIZE];

	for (size_t n = r->faults.list.len / sizeof *span; n > 0; n--, span++) {
		const char *text = span->why;
		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
			if (strcmp(words[i].why, span->why) == 0)
				text = words[i].text;
		}
		text_hex(span->epoch, sizeof span->epoch, epoch);
		if (span->from == span->to)
			not_proven(p, "epoch %s seq %" PRIu64 ": %s", epoch, span->from, text);
		else
			not_proven(p, "epoch %s seq %" PRIu64 " to %" PRIu64 ": %s", epoch,
			           span->from, span->to, text);
	}
}

static void judge(struct proof *p, const struct hq_statement *st, const struct hq_walk_result *r,
                  const json_t *findings, const json_t *newest)
{
	const char *device = st->s.device;

	name_faults(p, r);
	if (r->missing.seqs > 0)
		not_proven(p, "%" PRIu64 " events of %s are missing", r->missing.seqs, device);
	if (r->lost.seqs > 0)
		not_proven(p, "%" PRIu64 " events of %s are lost at HQ", r->lost.seqs, device);
	if (r->faults.seqs == 0 && r->missing.seqs + r->lost.seqs == 0 &&
	    !hq_statement_counts_agree(st, r))
		not_proven(p, "%s counted other events than HQ", device);
	if (!newest)
		not_proven(p, "HQ has not countersigned %s's statement", device);
	else if (!json_equal((json_t *)(uintptr_t)newest, (json_t *)(uintptr_t)findings))
		not_proven(p,
		           "what HQ countersigned last for %s is not what is found now; if HQ has "
		           "just learned of it, a new version follows",
		           device);
}

/* The chain in front of a range goes on from the statement before; what neither covers is named. */
static void check_joint(struct proof *p, const struct hq_statement *st, json_t *unstated)
{
	sqlite3_stmt *q = db_prepare(
	    p->db, "SELECT max(last) FROM statement_range WHERE store = ?1 AND epoch = ?2"
	           " AND first < ?3 AND last < ?3");
	char epoch[EVENT_EPOCH_SIZE];

	for (int i = 0; i < st->s.ranges && !p->failed; i++) {
		const struct statement_range *r = &st->s.range[i];
		json_int_t from, to = (json_int_t)r->from;
		sqlite3_bind_int64(q, 1, st->store_row);
		sqlite3_bind_blob(q, 2, r->epoch, EVENT_EPOCH_BYTES, SQLITE_STATIC);
		sqlite3_bind_int64(q, 3, (int64_t)r->from);
		from = db_row(q, &p->failed) ? sqlite3_column_int64(q, 0) + 1 : 1;
		sqlite3_reset(q);
		if (from >= to)
			continue;
		text_hex(r->epoch, sizeof r->epoch, epoch);
		json_array_append_new(unstated, json_pack("{s:s,s:I,s:I}", "epoch", epoch, "from",
		                                          from, "to", to - 1));
	}
	sqlite3_finalize(q);
}

static struct hq_walk *walk_all(struct proof *p, const struct hq_statement *st)
{
	const struct hq_walk_params params = {.db = p->db,
	                                      .keys = p->keys,
	                                      .store = p->store,
	                                      .store_row = p->store_row,
	                                      .statement = &st->s,
	                                      .line = on_line,
	                                      .ctx = p};
	struct hq_walk *w;
	int rc = -1;

	p->of_version =
	    hq_tills_new(p->db, p->store, p->store_row, st->s.first_date, st->s.business_date);
	w = p->of_version ? hq_walk_new(&params) : NULL;
	while (w && (rc = hq_walk_step(w)) > 0)
		continue;
	if (rc == 0)
		return w;
	hq_walk_free(w);
	p->failed = true;
	return NULL;
}

static json_t *recompute(struct proof *p, const struct hq_statement *st)
{
	struct hq_walk *w = walk_all(p, st);
	json_t *tills = w ? hq_tills_compare(p->of_version) : NULL, *findings = NULL,
	       *newest = NULL, *unstated = json_array(), *given, *o = NULL;

	if (tills) {
		const struct hq_walk_result *r = hq_walk_result(w);
		findings = hq_statement_findings(st, r, tills);
		given = versions(p, st, &newest);
		judge(p, st, r, findings, newest);
		check_joint(p, st, unstated);
		p->received += (int64_t)r->held;
		p->stated += (int64_t)(st->s.counts.total + st->s.training.total);
		buf_add(&p->erased_ids, r->erased_ids.data, r->erased_ids.len);
		json_object_del(findings, "tills");
		o = json_pack("{s:O,s:O,s:o}", "findings", findings, "unstated", unstated,
		              "versions", given);
	}
	p->failed = p->failed || !o;
	json_decref(newest);
	json_decref(findings);
	json_decref(tills);
	json_decref(unstated);
	hq_walk_free(w);
	hq_tills_free(p->of_version);
	p->of_version = NULL;
	return o;
}

static json_int_t stated_by(const struct hq_statement *st)
{
	uint64_t n = st->s.counts.total + st->s.training.total;

	return (json_int_t)n;
}

static void prove_statement(struct proof *p, struct hq_statement *st)
{
	char epoch[EVENT_EPOCH_SIZE];
	json_t *o = NULL;

	if (hq_statement_read(p->db, p->keys, st) != 0)
		p->failed = true;
	text_hex(st->epoch, sizeof st->epoch, epoch);
	if (st->fault[0])
		not_proven(p, "the statement at epoch %s seq %" PRIu64 ": %s", epoch, st->seq,
		           st->fault);
	/* What a statement says that nobody signed is not worth comparing with. */
	if (st->signed_by_device)
		o = recompute(p, st);
	if (!o)
		o = json_object();
	json_object_set_new(o, "device", json_string(st->s.device));
	json_object_set_new(o, "first_date", json_string(st->s.first_date));
	json_object_set_new(o, "business_date", json_string(st->s.business_date));
	json_object_set_new(o, "epoch", json_string(epoch));
	json_object_set_new(o, "seq", json_integer((json_int_t)st->seq));
	json_object_set_new(o, "signed", json_boolean(st->signed_by_device));
	json_object_set_new(o, "stated", json_integer(stated_by(st)));
	json_array_append_new(p->statements, o);
}

static void prove_statements(struct proof *p)
{
	struct hq_statement *st = memory_zeroed(1, sizeof *st);
	sqlite3_stmt *q =
	    db_prepare(p->db, "SELECT id, epoch, seq, first_date, business_date FROM statement"
	                      " WHERE store = ?1 AND first_date <= ?2 AND business_date >= ?2"
	                      " ORDER BY device, id");

	p->failed = p->failed || !st;
	sqlite3_bind_int64(q, 1, p->store_row);
	sqlite3_bind_text(q, 2, p->day, -1, SQLITE_STATIC);
	for (; st && db_row(q, &p->failed); memset(st, 0, sizeof *st)) {
		st->id = sqlite3_column_int64(q, 0);
		st->epoch_row = sqlite3_column_int64(q, 1);
		st->seq = (uint64_t)sqlite3_column_int64(q, 2);
		st->store_row = p->store_row;
		text_copy(st->store, sizeof st->store, p->store);
		prove_statement(p, st);
		if (strcmp(st->s.first_date, p->day) > 0 || strcmp(st->s.business_date, p->day) < 0)
			not_proven(p, "the statement at seq %" PRIu64 " is filed under another day",
			           st->seq);
	}
	sqlite3_finalize(q);
	free(st);
	if (json_array_size(p->statements) == 0)
		not_proven(p, "the store has not closed this day, or its statement has not come");
}

/* ---- the tills ---- */

static int64_t number_at(const json_t *o, const char *a, const char *b)
{
	return json_integer_value(json_object_get(json_object_get(o, a), b));
}

static void judge_tills(struct proof *p, const json_t *tills, json_t *capture)
{
	int64_t counted = 0, captured = 0, open = 0;

	for (size_t i = 0; i < json_array_size(tills); i++) {
		const json_t *t = json_array_get(tills, i);
		if (json_is_null(json_object_get(t, "agrees"))) {
			open++;
			continue;
		}
		counted += number_at(t, "orders", "counted") + number_at(t, "refunds", "counted");
		captured +=
		    number_at(t, "orders", "received") + number_at(t, "refunds", "received");
		if (!json_is_true(json_object_get(t, "agrees")))
			not_proven(p, "till %s counted other sales than were received",
			           text_of(t, "till"));
	}
	json_object_set_new(capture, "counted", json_integer((json_int_t)counted));
	json_object_set_new(capture, "received", json_integer((json_int_t)captured));
	json_object_set_new(capture, "tills_not_closed", json_integer((json_int_t)open));
}

/* ---- the whole ---- */

static int64_t people_erased(struct proof *p)
{
	size_t n = p->erased_ids.len / EVENT_ID_BYTES;
	int64_t people = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < i &&
		       memcmp(p->erased_ids.data + k * EVENT_ID_BYTES,
		              p->erased_ids.data + i * EVENT_ID_BYTES, EVENT_ID_BYTES) != 0)
			k++;
		people += k == i;
	}
	return people;
}

/* Held, of this day, and signed by nobody: said, for no statement can be checked against it. */
static bool add_uncovered(struct proof *p, json_t *o)
{
	const struct hq_uncovered_day of = {p->store, p->day, p->store_row};
	json_int_t events = 0;
	json_t *list = hq_uncovered(p->db, &of, &events);

	if (!list)
		return false;
	json_object_set_new(o, "uncovered", list);
	json_object_set_new(o, "uncovered_events", json_integer(events));
	return true;
}

static json_t *prove(struct proof *p)
{
	json_t *capture = json_object(), *tills, *o;

	prove_statements(p);
	tills = hq_tills_compare(p->tills);
	if (!tills || p->failed) {
		json_decref(tills);
		json_decref(capture);
		return NULL;
	}
	judge_tills(p, tills, capture);
	o = json_pack("{s:s,s:s,s:I,s:I,s:I,s:o,s:o}", "store", p->store, "day", p->day, "stated",
	              (json_int_t)p->stated, "received", (json_int_t)p->received, "erased",
	              (json_int_t)people_erased(p), "tills", tills, "capture", capture);
	json_object_set(o, "statements", p->statements);
	json_object_set(o, "reasons", p->reasons);
	json_object_set_new(o, "proven", json_boolean(json_array_size(p->reasons) == 0));
	if (add_uncovered(p, o))
		return o;
	json_decref(o);
	return NULL;
}

static int64_t find_store(struct proof *p)
{
	sqlite3_stmt *q = db_prepare(p->db, "SELECT id FROM store WHERE name = ?1");
	int64_t id = -1;

	sqlite3_bind_text(q, 1, p->store, -1, SQLITE_STATIC);
	if (db_row(q, &p->failed))
		id = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return id;
}

json_t *hq_prove_day(struct sqlite3 *db, struct hq_keys *keys, const char *store, const char *day,
                     char *err, size_t err_size)
{
	struct proof p = {.db = db, .keys = keys, .store = store, .day = day};
	uint64_t memory_before = memory_failures();
	json_t *o = NULL;

	if (!statement_date_ok(day)) {
		snprintf(err, err_size, "%s: expected a date such as 2026-11-21", day);
		return NULL;
	}
	if (hq_keys_sign_pub(keys, p.sign_pub, err, err_size) != 0)
		return NULL;
	snprintf(err, err_size, "the database cannot be read");
	if (db_exec(db, "BEGIN") != 0)
		return NULL;
	p.store_row = find_store(&p);
	p.statements = json_array();
	p.reasons = json_array();
	p.tills = hq_tills_new(db, store, p.store_row, day, day);
	if (p.store_row < 0 && !p.failed)
		snprintf(err, err_size, "%s: no such store is known here", store);
	else if (p.tills && !p.failed)
		o = prove(&p);
	/* A reason may have found no room. */
	if (memory_failures() != memory_before) {
		json_decref(o);
		o = NULL;
		snprintf(err, err_size, "out of memory");
	}
	db_exec(db, "COMMIT");
	hq_tills_free(p.tills);
	json_decref(p.statements);
	json_decref(p.reasons);
	buf_free(&p.erased_ids);
	return o;
}

json_t *hq_prove_list(struct sqlite3 *db, const char *store)
{
	sqlite3_stmt *q = db_prepare(
	    db, "SELECT store.name, s.device, s.first_date, s.business_date, s.state, s.missing,"
	        " (SELECT max(version) FROM countersign c WHERE c.statement = s.id)"
	        " FROM statement s JOIN store ON store.id = s.store"
	        " WHERE ?1 IS NULL OR store.name = ?1"
	        " ORDER BY s.business_date DESC, store.name, s.device, s.id DESC LIMIT 1000");
	json_t *list = json_array();

	if (!q) {
		json_decref(list);
		return NULL;
	}
	sqlite3_bind_text(q, 1, store, -1, SQLITE_STATIC);
	while (sqlite3_step(q) == SQLITE_ROW)
		json_array_append_new(
		    list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I}", "store",
		                    sqlite3_column_text(q, 0), "device", sqlite3_column_text(q, 1),
		                    "first_date", sqlite3_column_text(q, 2), "business_date",
		                    sqlite3_column_text(q, 3), "state", sqlite3_column_text(q, 4),
		                    "missing", (json_int_t)sqlite3_column_int64(q, 5), "version",
		                    (json_int_t)sqlite3_column_int64(q, 6)));
	sqlite3_finalize(q);
	return list;
}
