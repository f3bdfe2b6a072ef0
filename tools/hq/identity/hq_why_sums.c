#include "hq/identity/hq_why_sums.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_db.h"
#include "store/db.h"

#define SALES " FROM profile u JOIN sale ON sale.owner = u.id WHERE u.person = ?1 AND training = 0"

struct sums {
	struct sqlite3 *db;
	struct buf *out;
	int64_t person;
	const char *currency;
	bool failed;
};

static sqlite3_stmt *ask(struct sums *s, const char *sql)
{
	sqlite3_stmt *q = db_prepare(s->db, sql);

	if (q)
		sqlite3_bind_int64(q, 1, s->person);
	else
		s->failed = true;
	return q;
}

static void put_time(struct buf *out, int64_t us)
{
	char text[CLOCK_ISO8601_SIZE];

	clock_iso8601(us, text);
	buf_str(out, text);
}

/* The newest by name, the others as one. */
struct entries {
	struct sums *s;
	bool sums; /* each has an amount, and so have the others together */
	int named;
	int64_t others, others_sum, since_us;
};

static void entry(struct entries *e, const char *name, int64_t amount, int64_t time_us)
{
	struct buf *out = e->s->out;

	if (e->named == HQ_WHY_NAMED_MAX) {
		e->others++;
		e->others_sum += amount;
		e->since_us = time_us;
		return;
	}
	e->named++;
	buf_printf(out, "; %s", name);
	if (e->sums)
		buf_printf(out, " %+" PRId64, amount);
	buf_byte(out, ' ');
	put_time(out, time_us);
}

static void end(struct entries *e)
{
	struct buf *out = e->s->out;

	if (e->others > 0) {
		buf_printf(out, "; and %" PRId64 " more", e->others);
		if (e->sums)
			buf_printf(out, ", %+" PRId64 " in all", e->others_sum);
		buf_str(out, ", since ");
		put_time(out, e->since_us);
	}
	buf_byte(out, '\n');
}

/* ---- points ---- */

static const char *or_none(const char *date)
{
	return date[0] ? date : "no date";
}

static void put_imported(struct sums *s)
{
	sqlite3_stmt *q = ask(s, "SELECT id, base_points, base_as_of FROM profile WHERE person = ?1"
	                         " AND gone_us IS NULL AND base_points IS NOT NULL ORDER BY n");

	while (db_row(q, &s->failed))
		buf_printf(s->out, "; %+" PRId64 " imported for %s as of %s",
		           (int64_t)sqlite3_column_int64(q, 1), hq_db_text(q, 0),
		           or_none(hq_db_text(q, 2)));
	sqlite3_finalize(q);
}

/* What is older than its record's import is in that already (hq_points.h). */
static bool is_in_import(sqlite3_stmt *q)
{
	char at[CLOCK_ISO8601_SIZE];

	clock_iso8601(sqlite3_column_int64(q, 2), at);
	return sqlite3_column_type(q, 3) != SQLITE_NULL && strcmp(at, hq_db_text(q, 3)) <= 0;
}

static void put_entries(struct sums *s)
{
	struct entries e = {.s = s, .sums = true};
	char name[EVENT_ID_SIZE + 8] = "entry ";
	sqlite3_stmt *q =
	    ask(s, "SELECT e.ref, e.points, e.time_us, CASE WHEN u.base_points IS NOT NULL THEN"
	           " u.base_as_of END FROM profile u JOIN points_entry e ON e.unit = u.n WHERE"
	           " u.person = ?1 AND u.gone_us IS NULL ORDER BY e.time_us DESC, e.ref DESC");

	while (db_row(q, &s->failed)) {
		if (is_in_import(q) || sqlite3_column_bytes(q, 0) != EVENT_ID_BYTES)
			continue;
		text_b64(sqlite3_column_blob(q, 0), EVENT_ID_BYTES, name + strlen("entry "));
		entry(&e, name, sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2));
	}
	sqlite3_finalize(q);
	end(&e);
}

static void put_points(struct sums *s)
{
	sqlite3_stmt *q = ask(s, "SELECT points, points_as_of, shortfall, settled FROM profile"
	                         " WHERE n = ?1 AND points IS NOT NULL");

	if (db_row(q, &s->failed)) {
		int64_t missing = sqlite3_column_int64(q, 2);
		buf_printf(s->out, "points: %" PRId64 " as of %s",
		           (int64_t)sqlite3_column_int64(q, 0), or_none(hq_db_text(q, 1)));
		if (missing > 0)
			buf_printf(s->out, ", and %" PRId64 " spent that were not there", missing);
		put_imported(s);
		put_entries(s);
	}
	sqlite3_finalize(q);
}

/* ---- orders ---- */

static void put_visits(struct sums *s, int64_t visits)
{
	struct entries e = {.s = s};
	char name[80];
	sqlite3_stmt *q = ask(s, "SELECT visit, max(time_us) AS at" SALES
	                         " AND kind <> 'staff' AND visit IS NOT NULL GROUP BY visit"
	                         " ORDER BY at DESC, visit");

	buf_printf(s->out, "visits: %" PRId64, visits);
	while (db_row(q, &s->failed)) {
		snprintf(name, sizeof name, "visit %s", hq_db_text(q, 0));
		entry(&e, name, 0, sqlite3_column_int64(q, 1));
	}
	sqlite3_finalize(q);
	end(&e);
}

static void put_spend(struct sums *s, int64_t spend)
{
	struct entries e = {.s = s, .sums = true};
	char name[200];
	sqlite3_stmt *q =
	    ask(s, "SELECT order_id, amount - refunded AS paid, time_us" SALES
	           " AND cancelled = 0 AND kind <> 'staff' AND currency = ?2 AND paid <> 0"
	           " ORDER BY time_us DESC, order_id");

	if (q)
		sqlite3_bind_text(q, 2, s->currency, -1, SQLITE_STATIC);
	buf_printf(s->out, "spend: %" PRId64 " minor units of %s", spend, s->currency);
	while (db_row(q, &s->failed)) {
		snprintf(name, sizeof name, "order %s", hq_db_text(q, 0));
		entry(&e, name, sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2));
	}
	sqlite3_finalize(q);
	end(&e);
}

static void put_last(struct sums *s, int64_t seen_us)
{
	sqlite3_stmt *q =
	    ask(s, "SELECT order_id" SALES " ORDER BY time_us DESC, order_id LIMIT 1");

	buf_str(s->out, "last_seen: ");
	put_time(s->out, seen_us);
	if (db_row(q, &s->failed))
		buf_printf(s->out, "; order %s", hq_db_text(q, 0));
	sqlite3_finalize(q);
	buf_byte(s->out, '\n');
}

/* Those of the newest orders that it takes to have as many. */
static void put_items(struct sums *s, const char *items, int64_t count)
{
	sqlite3_stmt *q = ask(s, "SELECT order_id, json_array_length(items) AS many, time_us" SALES
	                         " AND cancelled = 0 AND kind <> 'staff' AND many > 0"
	                         " ORDER BY time_us DESC, order_id DESC");
	int64_t left = count;

	if (count > 0)
		buf_printf(s->out, "last_items: %s", items);
	while (left > 0 && db_row(q, &s->failed)) {
		buf_printf(s->out, "; order %s", hq_db_text(q, 0));
		left -= sqlite3_column_int64(q, 1);
	}
	sqlite3_finalize(q);
	if (count > 0)
		buf_byte(s->out, '\n');
}

static void put_orders(struct sums *s)
{
	sqlite3_stmt *q =
	    ask(s, "SELECT visits, spend, last_seen_us, coalesce(last_items, '[]'),"
	           " json_array_length(coalesce(last_items, '[]')) FROM profile WHERE n = ?1");

	if (db_row(q, &s->failed)) {
		put_visits(s, sqlite3_column_int64(q, 0));
		put_spend(s, sqlite3_column_int64(q, 1));
		if (sqlite3_column_type(q, 2) != SQLITE_NULL)
			put_last(s, sqlite3_column_int64(q, 2));
		put_items(s, hq_db_text(q, 3), sqlite3_column_int64(q, 4));
	}
	sqlite3_finalize(q);
}

bool hq_why_sums(struct sqlite3 *db, int64_t person, const char *currency, struct buf *out)
{
	struct sums s = {.db = db, .out = out, .person = person, .currency = currency};

	put_points(&s);
	put_orders(&s);
	return !s.failed;
}
