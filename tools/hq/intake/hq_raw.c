#include "hq/intake/hq_raw.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/num.h"
#include "base/text.h"
#include "event/event.h"
#include "store/db.h"
#include "sync/batch.h"

#define CLAIM_BYTES_MIN 56   /* header and numbers of the shortest batch of any version */
#define HQ_RAW_RUNS_MAX 1000 /* of one list; whoever has more looks at hq.db */

#define OF_STORE " AND (?1 IS NULL OR store.name = ?1)"
#define PLACE "store.name AS store, epoch.device AS device, lower(hex(epoch.epoch)) AS epoch"
#define JOIN " JOIN epoch ON epoch.id = r.epoch JOIN store ON store.id = epoch.store"

static sqlite3_stmt *ask(struct sqlite3 *db, const char *sql, const char *store)
{
	sqlite3_stmt *q = db_prepare(db, sql);

	if (q && sqlite3_bind_parameter_count(q) > 0)
		sqlite3_bind_text(q, 1, store, -1, SQLITE_TRANSIENT);
	return q;
}

static json_t *value(sqlite3_stmt *q, int i, bool time)
{
	char text[CLOCK_ISO8601_SIZE];
	const char *bytes;

	if (sqlite3_column_type(q, i) == SQLITE_NULL)
		return json_null();
	if (time) {
		clock_iso8601(sqlite3_column_int64(q, i), text);
		return json_string(text);
	}
	if (sqlite3_column_type(q, i) == SQLITE_INTEGER)
		return json_integer(sqlite3_column_int64(q, i));
	bytes = (const char *)sqlite3_column_text(q, i);
	return json_string(bytes ? bytes : "");
}

/* A row by its columns' names; *_us become times without that ending. */
static json_t *object(sqlite3_stmt *q)
{
	json_t *o = json_object();

	for (int i = 0; i < sqlite3_column_count(q); i++) {
		char name[48];
		const char *of = sqlite3_column_name(q, i); /* NULL: out of memory */
		size_t n = (size_t)snprintf(name, sizeof name, "%s", of ? of : "");
		bool time = n > 3 && n < sizeof name && strcmp(name + n - 3, "_us") == 0;
		if (time)
			name[n - 3] = '\0';
		json_object_set_new(o, name, value(q, i, time));
	}
	return o;
}

/* What was read, or NULL: "none" must not be said of what cannot be read. */
static json_t *unless(bool failed, json_t *read)
{
	if (!failed)
		return read;
	json_decref(read);
	return NULL;
}

static json_t *list_of(struct sqlite3 *db, const char *sql, const char *store)
{
	sqlite3_stmt *q = ask(db, sql, store);
	json_t *list = json_array();
	bool failed = false;

	while (json_array_size(list) < HQ_RAW_RUNS_MAX && db_row(q, &failed))
		json_array_append_new(list, object(q));
	sqlite3_finalize(q);
	return unless(failed, list);
}

static json_t *number(struct sqlite3 *db, const char *sql, const char *store)
{
	sqlite3_stmt *q = ask(db, sql, store);
	bool failed = false;
	int64_t n = db_row(q, &failed) ? sqlite3_column_int64(q, 0) : 0;

	sqlite3_finalize(q);
	return unless(failed, json_integer(n));
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);

	return x == y || json_equal(x, y) == 1;
}

/* Rows of one seq each, in order of seq, become runs: `seq` turns into first and last. */
static json_t *runs_of(struct sqlite3 *db, const char *sql, const char *store)
{
	sqlite3_stmt *q = ask(db, sql, store);
	json_t *list = json_array(), *last = NULL;
	bool failed = false;

	while (db_row(q, &failed)) {
		json_t *row = object(q);
		json_int_t seq = json_integer_value(json_object_get(row, "seq"));
		json_int_t end = json_integer_value(json_object_get(last, "last"));
		bool joins = last && (seq == end || seq == end + 1) && same(row, last, "epoch") &&
		             same(row, last, "store") && same(row, last, "reason") &&
		             same(row, last, "settled");
		if (!joins && json_array_size(list) == HQ_RAW_RUNS_MAX) {
			json_decref(row);
			break;
		}
		if (joins) {
			json_object_set_new(last, "last", json_integer(seq));
			if (json_object_get(row, "arrived"))
				json_object_set(last, "newest", json_object_get(row, "arrived"));
			json_decref(row);
			continue;
		}
		json_object_set_new(row, "first", json_integer(seq));
		json_object_set_new(row, "last", json_integer(seq));
		if (json_object_get(row, "arrived"))
			json_object_set(row, "newest", json_object_get(row, "arrived"));
		json_object_del(row, "seq");
		json_array_append_new(list, row);
		last = row;
	}
	sqlite3_finalize(q);
	return unless(failed, list);
}

/* ---- forks and branches ---- */

/* An epoch that is followed by several, or by one that does not know its end. */
static json_t *branches(struct sqlite3 *db, const char *store)
{
	return list_of(
	    db,
	    "SELECT store.name AS store, next.device AS device, lower(hex(prev.epoch)) AS of,"
	    " held.last AS held, lower(hex(next.epoch)) AS epoch, next.prev_last_seq AS after,"
	    " (SELECT max(last) FROM run WHERE run.epoch = next.id) AS events,"
	    " (SELECT count(*) FROM epoch o WHERE o.store = next.store AND"
	    " o.prev_epoch = next.prev_epoch) AS successors"
	    " FROM epoch next JOIN store ON store.id = next.store"
	    " JOIN epoch prev ON prev.store = next.store AND prev.epoch = next.prev_epoch"
	    " LEFT JOIN (SELECT epoch, max(last) AS last FROM run GROUP BY epoch) held"
	    " ON held.epoch = prev.id"
	    " WHERE (held.last > next.prev_last_seq OR successors > 1)" OF_STORE
	    " ORDER BY store.name, prev.id, next.id",
	    store);
}

json_t *hq_raw_forks(struct sqlite3 *db, const char *store)
{
	return json_pack(
	    "{s:o,s:o,s:o,s:o}", "forked",
	    number(db, "SELECT count(*) FROM fork r" JOIN " WHERE 1" OF_STORE, store), "open",
	    number(db, "SELECT count(*) FROM fork r" JOIN " WHERE r.settled_us IS NULL" OF_STORE,
	           store),
	    "runs",
	    runs_of(db,
	            "SELECT " PLACE ", r.seq AS seq, r.reason AS reason,"
	            " r.arrived_us AS arrived_us, r.settled_us AS settled_us,"
	            " (SELECT last FROM run WHERE run.epoch = r.epoch AND first = 1)"
	            " AS through FROM fork r" JOIN " WHERE 1" OF_STORE
	            " ORDER BY store.name, r.epoch, r.settled_us, r.reason, r.seq",
	            store),
	    "branches", branches(db, store));
}

/* ---- quarantine ---- */

/* A number as wire versions 2 and 3 write it; 0 where there is none. */
static uint64_t number_at(const uint8_t *p, size_t n, size_t *at)
{
	uint64_t v = 0;

	for (int shift = 0; *at < n && shift < 63; shift += 7) {
		v |= (uint64_t)(p[*at] & 0x7f) << shift;
		if (!(p[(*at)++] & 0x80))
			return v;
	}
	return 0;
}

/* first 0: nothing that could be made out. */
static void claimed_seqs(const uint8_t *p, size_t n, uint64_t *first, uint64_t *count)
{
	enum { VERSION_AT = 4, NUMBERS_AT = 52 };
	size_t at = NUMBERS_AT;

	*first = *count = 0;
	if (p[VERSION_AT] == 1) {
		*first = buf_get64(p + 16);
		*count = buf_get32(p + 24);
	} else if (p[VERSION_AT] <= 3) {
		*first = number_at(p, n, &at);
		*count = number_at(p, n, &at);
		if (p[VERSION_AT] == 3)
			*count /= 2;
	}
}

/* What the header of a payload that cannot be read claims to be, when it can be made out. */
static void add_claim(struct sqlite3 *db, json_t *row, const uint8_t *p, size_t n)
{
	char epoch[EVENT_EPOCH_SIZE];
	uint64_t first, count, held;
	sqlite3_stmt *q;

	if (n < CLAIM_BYTES_MIN || memcmp(p, "LNWB", 4) != 0)
		return;
	claimed_seqs(p, n, &first, &count);
	text_hex(p + 8, EVENT_EPOCH_BYTES, epoch);
	if (first < 1 || first > INT64_MAX - BATCH_EVENTS_MAX || count < 1 ||
	    count > BATCH_EVENTS_MAX)
		return;
	q = db_prepare(db, "SELECT 1 FROM run JOIN epoch ON epoch.id = run.epoch WHERE"
	                   " epoch.epoch = ?1 AND run.first <= ?2 AND run.last >= ?3");
	if (q) {
		sqlite3_bind_blob(q, 1, p + 8, EVENT_EPOCH_BYTES, SQLITE_TRANSIENT);
		sqlite3_bind_int64(q, 2, (int64_t)first);
		sqlite3_bind_int64(q, 3, (int64_t)(first + count - 1));
	}
	held = q && sqlite3_step(q) == SQLITE_ROW;
	sqlite3_finalize(q);
	json_object_set_new(row, "claims",
	                    json_pack("{s:s,s:I,s:I,s:b}", "epoch", epoch, "first",
	                              (json_int_t)first, "last", (json_int_t)(first + count - 1),
	                              "held", (int)held));
}

static json_t *unreadable(struct sqlite3 *db, const char *store)
{
	sqlite3_stmt *q = ask(
	    db,
	    "SELECT store.name AS store, lower(hex(sha256)) AS sha256, length(payload) AS bytes,"
	    " reason, arrived_us, payload FROM unreadable JOIN store ON"
	    " store.id = unreadable.store WHERE 1" OF_STORE " ORDER BY unreadable.id DESC",
	    store);
	json_t *list = json_array();
	bool failed = false;

	while (json_array_size(list) < HQ_RAW_RUNS_MAX && db_row(q, &failed)) {
		json_t *row = object(q);
		json_object_del(row, "payload");
		add_claim(db, row, sqlite3_column_blob(q, 5), (size_t)sqlite3_column_bytes(q, 5));
		json_array_append_new(list, row);
	}
	sqlite3_finalize(q);
	return unless(failed, list);
}

json_t *hq_raw_quarantine(struct sqlite3 *db, const char *store)
{
	return json_pack(
	    "{s:o,s:o,s:o,s:o}", "quarantined",
	    number(db, "SELECT count(*) FROM quarantine r" JOIN " WHERE 1" OF_STORE, store), "runs",
	    runs_of(db,
	            "SELECT " PLACE ", r.seq AS seq, r.reason AS reason,"
	            " r.arrived_us AS arrived_us FROM quarantine r" JOIN " WHERE 1" OF_STORE
	            " ORDER BY store.name, r.epoch, r.reason, r.seq",
	            store),
	    "uncounted",
	    runs_of(db,
	            "SELECT " PLACE ", r.seq AS seq, r.reason AS reason"
	            " FROM uncounted r" JOIN " WHERE 1" OF_STORE
	            " ORDER BY store.name, r.epoch, r.reason, r.seq",
	            store),
	    "unreadable", unreadable(db, store));
}

/* ---- one, with its bytes ---- */

static json_t *bytes_of(sqlite3_stmt *q, int column)
{
	const void *p = sqlite3_column_blob(q, column);
	size_t n = (size_t)sqlite3_column_bytes(q, column);
	json_t *text = p ? json_stringn(p, n) : json_string("");

	if (text)
		return text;
	char *hex = memory_alloc(TEXT_HEX_SIZE(n));
	if (hex)
		text_hex(p, n, hex);
	text = json_pack("{s:s?}", "hex", hex);
	free(hex);
	return text;
}

static json_t *read_lines(sqlite3_stmt *q)
{
	json_t *list = json_array();
	bool failed = false;

	while (db_row(q, &failed)) {
		json_t *row = object(q);
		json_object_set_new(row, "line", bytes_of(q, sqlite3_column_count(q) - 1));
		json_array_append_new(list, row);
	}
	sqlite3_finalize(q);
	return unless(failed, list);
}

static json_t *of_seq(struct sqlite3 *db, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq)
{
	sqlite3_stmt *q = db_prepare(
	    db,
	    "SELECT 'held' AS what, store.name AS store, NULL AS reason, NULL AS arrived_us,"
	    " lower(hex(leaf)) AS leaf, line FROM event r" JOIN
	    " WHERE epoch.epoch = ?1 AND r.seq = ?2"
	    " UNION ALL SELECT 'quarantined', store.name, r.reason, r.arrived_us, lower(hex(leaf)),"
	    " line FROM quarantine r" JOIN " WHERE epoch.epoch = ?1 AND r.seq = ?2"
	    " UNION ALL SELECT CASE WHEN settled_us IS NULL THEN 'forked' ELSE 'settled fork' END,"
	    " store.name, r.reason, r.arrived_us, lower(hex(leaf)), line FROM fork r" JOIN
	    " WHERE epoch.epoch = ?1 AND r.seq = ?2");

	if (q) {
		sqlite3_bind_blob(q, 1, epoch, EVENT_EPOCH_BYTES, SQLITE_TRANSIENT);
		sqlite3_bind_int64(q, 2, (int64_t)seq);
	}
	return read_lines(q);
}

static json_t *of_payload(struct sqlite3 *db, const uint8_t sha256[EVENT_HASH_BYTES])
{
	sqlite3_stmt *q = db_prepare(
	    db, "SELECT 'unreadable' AS what, store.name AS store, reason, arrived_us,"
	        " lower(hex(sha256)) AS sha256, payload AS line FROM unreadable JOIN store"
	        " ON store.id = unreadable.store WHERE sha256 = ?1");

	if (q)
		sqlite3_bind_blob(q, 1, sha256, EVENT_HASH_BYTES, SQLITE_TRANSIENT);
	return read_lines(q);
}

json_t *hq_raw_one(struct sqlite3 *db, const char *where, char *err, size_t err_size)
{
	uint8_t bytes[EVENT_HASH_BYTES];
	const char *colon = strchr(where, ':');
	char epoch[EVENT_EPOCH_SIZE];
	bool understood = false;
	json_t *list = NULL;
	uint64_t seq;

	if (colon && colon - where == EVENT_EPOCH_SIZE - 1 &&
	    num_u64(colon + 1, 1, INT64_MAX, &seq)) {
		snprintf(epoch, sizeof epoch, "%s", where);
		understood = text_unhex(epoch, bytes, EVENT_EPOCH_BYTES);
		if (understood)
			list = of_seq(db, bytes, seq);
	} else if (text_unhex(where, bytes, sizeof bytes)) {
		understood = true;
		list = of_payload(db, bytes);
	}
	if (!list) {
		snprintf(err, err_size, "%s",
		         understood
		             ? "the database cannot be read"
		             : "expected EPOCH:SEQ (16 hex digits, a number), or the SHA-256 "
		               "of a payload");
		return NULL;
	}
	if (json_array_size(list) > 0)
		return json_pack("{s:s,s:o}", "where", where, "held", list);
	json_decref(list);
	snprintf(err, err_size, "nothing is held under %s", where);
	return NULL;
}

/* ---- for the status ---- */

json_t *hq_raw_generations(struct sqlite3 *db)
{
	return list_of(db,
	               "SELECT generation, cause, detail, turn, began_us FROM generation"
	               " ORDER BY id DESC LIMIT 20",
	               NULL);
}

/* The gaps between the runs below `gone`, and what follows the last of them. */
json_t *hq_raw_lost(struct sqlite3 *db, const char *store)
{
	return list_of(
	    db,
	    "SELECT " PLACE ", r.first AS first, min(r.last, epoch.gone) AS last FROM ("
	    "SELECT epoch, last + 1 AS first, lead(first, 1, 9223372036854775807) OVER"
	    " (PARTITION BY epoch ORDER BY first) - 1 AS last FROM run"
	    " UNION ALL SELECT e.id, 1, coalesce((SELECT min(first) FROM run WHERE epoch = e.id),"
	    " 9223372036854775807) - 1 FROM epoch e WHERE e.gone > 0) AS r" JOIN
	    " WHERE epoch.gone > 0 AND r.first <= epoch.gone AND r.first <= r.last" OF_STORE
	    " ORDER BY store.name, epoch.id, r.first",
	    store);
}
