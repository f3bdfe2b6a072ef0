#include "hq/serve/hq_status.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "hq/base/hq_rows.h"
#include "hq/intake/hq_raw.h"
#include "store/db.h"

/* A number out of one row. */
static int64_t number(struct hq_rows *r, const char *sql)
{
	sqlite3_stmt *q = db_prepare(r->db, sql);
	int64_t value = 0;

	if (db_row(q, &r->failed))
		value = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return value;
}

static json_t *epochs_of(struct hq_rows *r, int64_t store)
{
	json_t *list = hq_rows_list(
	    r,
	    "SELECT id, lower(hex(epoch)) AS epoch, device, lower(hex(prev_epoch)) AS prev_epoch,"
	    " prev_last_seq, included, coalesce((SELECT last FROM run WHERE run.epoch = epoch.id"
	    " AND first = 1), 0) AS through FROM epoch WHERE store = ?1"
	    " ORDER BY rank DESC, id DESC LIMIT 100",
	    store);
	json_t *epoch;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		epoch = json_array_get(list, i);
		int64_t id = json_integer_value(json_object_get(epoch, "id"));
		json_object_set_new(
		    epoch, "ranges",
		    hq_rows_list(r,
		                 "SELECT first, last FROM run WHERE epoch = ?1 AND first > 1"
		                 " ORDER BY first LIMIT 32",
		                 id));
		json_object_del(epoch, "id");
	}
	return list;
}

/* What the store's clocks were worth. */
static json_t *clock_of(struct hq_rows *r, int64_t store)
{
	json_t *list = hq_rows_list(
	    r,
	    "SELECT count(*) AS boots, coalesce(sum(points = 0), 0) AS untrusted_boots,"
	    " coalesce(sum((SELECT count(*) FROM event_time t WHERE t.boot = boot.id"
	    " AND t.status = 'interpolated')), 0) AS interpolated,"
	    " coalesce(sum((SELECT count(*) FROM event_time t WHERE t.boot = boot.id"
	    " AND t.status = 'interval')), 0) AS interval,"
	    " coalesce(sum((SELECT count(*) FROM event_time t WHERE t.boot = boot.id"
	    " AND t.clock <> 'none')), 0) AS contradicted FROM boot WHERE store = ?1",
	    store);
	json_t *clock = json_incref(json_array_get(list, 0));

	json_decref(list);
	return clock ? clock : json_object();
}

/* The newest 28 business days on which somebody was presented whom HQ knew; age: days since the
 * first. */
static json_t *hits_of(struct hq_rows *r, int64_t store)
{
	return hq_rows_list(r,
	                    "SELECT day, known, answered, CAST(julianday(day) - julianday((SELECT"
	                    " min(day) FROM hit WHERE store = ?1)) AS INTEGER) AS age FROM hit"
	                    " WHERE store = ?1 ORDER BY day DESC LIMIT 28",
	                    store);
}

/* By which version of HQ's table each device goes, and which it does not take and why. */
static json_t *rules_of(struct hq_rows *r, int64_t store)
{
	return hq_rows_list(r,
	                    "SELECT device, version, refused, why, since_us FROM store_rules"
	                    " WHERE store = ?1 ORDER BY device",
	                    store);
}

static json_t *stores(struct hq_rows *r)
{
	json_t *list = hq_rows_list(
	    r,
	    "SELECT id, name AS store, heard_us, dark_us AS dark_since_us FROM store ORDER BY name",
	    0);
	json_t *store;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		store = json_array_get(list, i);
		json_object_set_new(store, "epochs",
		                    epochs_of(r, json_integer_value(json_object_get(store, "id"))));
		json_object_set_new(store, "clock",
		                    clock_of(r, json_integer_value(json_object_get(store, "id"))));
		json_object_set_new(store, "rules",
		                    rules_of(r, json_integer_value(json_object_get(store, "id"))));
		json_object_set_new(store, "knows",
		                    hits_of(r, json_integer_value(json_object_get(store, "id"))));
		json_object_del(store, "id");
	}
	return list;
}

static json_t *outbox(struct hq_rows *r)
{
	json_t *list = hq_rows_list(
	    r,
	    "SELECT count(*) AS open, min(made_us) AS oldest_us FROM outbox WHERE done_us IS NULL",
	    0);
	json_t *first = json_incref(json_array_get(list, 0));

	json_decref(list);
	return first;
}

/* What is kept raw, newest first: somebody has to look at it. */
static json_t *raw(struct hq_rows *r)
{
	return hq_rows_list(
	    r,
	    "SELECT what, store.name AS store, lower(hex(epoch.epoch)) AS epoch, seq, NULL"
	    " AS sha256, reason, arrived_us FROM (SELECT 'fork' AS what, * FROM fork"
	    " UNION ALL SELECT 'quarantine', * FROM quarantine) AS r"
	    " JOIN epoch ON epoch.id = r.epoch JOIN store ON store.id = epoch.store"
	    " UNION ALL SELECT 'unreadable', store.name, NULL, NULL, lower(hex(sha256)),"
	    " reason, arrived_us FROM unreadable JOIN store ON store.id = unreadable.store"
	    " ORDER BY arrived_us DESC LIMIT 100",
	    0);
}

/* From another reader's list, NULL when it could not read. */
static void put_list(json_t *s, const char *name, json_t *list, struct hq_rows *r)
{
	r->failed = r->failed || !list;
	json_object_set_new(s, name, list);
}

json_t *hq_status_read(struct sqlite3 *db)
{
	struct hq_rows reading = {.db = db}, *r = &reading;
	json_t *generation = hq_rows_list(r, "SELECT value FROM meta WHERE name = 'generation'", 0);
	json_t *s = json_object();

	json_object_set(s, "generation", json_object_get(json_array_get(generation, 0), "value"));
	json_decref(generation);
	json_object_set_new(
	    s, "version", json_integer(number(r, "SELECT value FROM meta WHERE name = 'version'")));
	json_object_set_new(s, "held",
	                    json_integer(number(r, "SELECT sum(last - first + 1) FROM run")));
	json_object_set_new(
	    s, "unfolded",
	    json_integer(number(r, "SELECT count(*) FROM event WHERE id >"
	                           " (SELECT value FROM meta WHERE name = 'applied')")));
	json_object_set_new(s, "waiting_for_keys",
	                    json_integer(number(r, "SELECT count(*) FROM waiting")));
	json_object_set_new(
	    s, "profiles",
	    json_integer(number(r, "SELECT count(*) FROM profile WHERE state <> 'deleted'")));
	json_object_set_new(s, "forked", json_integer(number(r, "SELECT count(*) FROM fork")));
	json_object_set_new(s, "quarantined",
	                    json_integer(number(r, "SELECT count(*) FROM quarantine")));
	json_object_set_new(s, "unreadable",
	                    json_integer(number(r, "SELECT count(*) FROM unreadable")));
	json_object_set_new(
	    s, "rules",
	    json_integer(number(r, "SELECT coalesce(max(version), 1) FROM rule_table")));
	json_object_set_new(s, "unfolded_profiles",
	                    json_integer(number(r, "SELECT count(*) FROM dirty")));
	json_object_set_new(s, "raw", raw(r));
	json_object_set_new(s, "came_twice",
	                    json_integer(number(r, "SELECT count(*) FROM message WHERE same = 1")));
	put_list(s, "generations", hq_raw_generations(db), r);
	put_list(s, "lost", hq_raw_lost(db, NULL), r);
	json_object_set_new(
	    s, "alarms",
	    hq_rows_list(r,
	                 "SELECT store.name AS store, kind, detail, raised_us FROM alarm"
	                 " JOIN store ON store.id = alarm.store ORDER BY alarm.id DESC LIMIT 100",
	                 0));
	json_object_set_new(s, "outbox", outbox(r));
	json_object_set_new(s, "stores", stores(r));
	if (r->failed) {
		json_decref(s);
		return NULL;
	}
	return s;
}

json_t *hq_status_profile(struct sqlite3 *db, const char *customer_id)
{
	struct hq_rows reading = {.db = db}, *r = &reading;
	sqlite3_stmt *q = db_prepare(db, "SELECT n FROM profile WHERE id = ?1");
	json_t *list, *profile = NULL, *items;
	int64_t n;

	if (!q)
		return NULL;
	sqlite3_bind_text(q, 1, customer_id, -1, SQLITE_STATIC);
	if (db_row(q, &r->failed)) {
		n = sqlite3_column_int64(q, 0);
		list = hq_rows_list(
		    r,
		    "SELECT id AS customer_id, external, first_name, name, tier, points, "
		    "points_as_of,"
		    " (SELECT p.id FROM profile p WHERE p.n = profile.person AND p.n <> profile.n) "
		    "AS is_part_of, language, state, version, visits, spend, last_seen_us, "
		    "last_items "
		    "FROM profile"
		    " WHERE n = ?1",
		    n);
		profile = json_incref(json_array_get(list, 0));
		json_decref(list);
		json_object_set_new(
		    profile, "identifiers",
		    hq_rows_list(r,
		                 "SELECT kind, value, verified, (SELECT max(typed) FROM claim"
		                 " WHERE claim.ref = identifier.ref) AS typed"
		                 " FROM identifier WHERE profile = ?1 ORDER BY kind, value",
		                 n));
		items = json_string_value(json_object_get(profile, "last_items"))
		            ? json_loads(json_string_value(json_object_get(profile, "last_items")),
		                         0, NULL)
		            : NULL;
		json_object_set_new(profile, "last_items", items ? items : json_array());
	}
	sqlite3_finalize(q);
	if (r->failed) {
		json_decref(profile);
		return NULL;
	}
	return profile;
}
