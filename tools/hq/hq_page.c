/* A customer as a line of a page: what a lane may know. Keys in the order of their bytes. */
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/hq_profile.h"

enum column {
	COL_N,
	COL_ID,
	COL_VERSION,
	COL_STATE,
	COL_FIRST_NAME,
	COL_NAME,
	COL_TIER,
	COL_POINTS,
	COL_POINTS_AS_OF,
	COL_LANGUAGE,
	COL_VISITS,
	COL_LAST_SEEN
};

static void member(struct buf *out, const char *key, const char *value)
{
	if (!value[0])
		return;
	buf_printf(out, "\"%s\":", key);
	lw_event_json_string(out, value);
	buf_byte(out, ',');
}

static void identifiers(struct hq_db *db, int64_t n, struct buf *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_IDENT_ALL, "i", n);
	char ref[EVENT_ID_SIZE];
	const void *bytes;
	const char *comma = "";

	buf_str(out, "\"identifiers\":[");
	while (hq_db_row(db, q)) {
		bytes = hq_db_bytes(q, 3, EVENT_ID_BYTES);
		if (!bytes)
			continue;
		text_b64(bytes, EVENT_ID_BYTES, ref);
		buf_printf(out, "%s{\"kind\":\"%s\",\"ref\":\"%s\",\"value\":", comma,
		           hq_db_text(q, 0), ref);
		lw_event_json_string(out, hq_db_text(q, 1));
		buf_printf(out, ",\"verified\":%s}", sqlite3_column_int(q, 2) ? "true" : "false");
		comma = ",";
	}
	buf_str(out, "],");
}

static void profile_line(struct hq_db *db, struct sqlite3_stmt *q, const char *includes,
                         struct buf *out)
{
	char seen[CLOCK_ISO8601_SIZE] = "";

	if (sqlite3_column_type(q, COL_LAST_SEEN) != SQLITE_NULL)
		clock_iso8601(sqlite3_column_int64(q, COL_LAST_SEEN), seen);
	buf_byte(out, '{');
	member(out, "customer_id", hq_db_text(q, COL_ID));
	member(out, "first_name", hq_db_text(q, COL_FIRST_NAME));
	identifiers(db, sqlite3_column_int64(q, COL_N), out);
	buf_printf(out, "\"includes\":%s,", includes);
	member(out, "language", hq_db_text(q, COL_LANGUAGE));
	member(out, "last_seen", seen);
	member(out, "name", hq_db_text(q, COL_NAME));
	if (sqlite3_column_type(q, COL_POINTS) != SQLITE_NULL)
		buf_printf(out, "\"points\":%" PRId64 ",",
		           (int64_t)sqlite3_column_int64(q, COL_POINTS));
	member(out, "points_as_of", hq_db_text(q, COL_POINTS_AS_OF));
	member(out, "state", hq_db_text(q, COL_STATE));
	member(out, "tier", hq_db_text(q, COL_TIER));
	buf_printf(out, "\"version\":%" PRId64 ",\"visits\":%" PRId64 "}\n",
	           (int64_t)sqlite3_column_int64(q, COL_VERSION),
	           (int64_t)sqlite3_column_int64(q, COL_VISITS));
}

static void line_of(struct hq_db *db, struct sqlite3_stmt *q, const char *includes, struct buf *out)
{
	if (strcmp(hq_db_text(q, COL_STATE), "deleted") == 0)
		buf_printf(out,
		           "{\"customer_id\":\"%s\",\"deleted\":true,\"version\":%" PRId64 "}\n",
		           hq_db_text(q, COL_ID), (int64_t)sqlite3_column_int64(q, COL_VERSION));
	else
		profile_line(db, q, includes, out);
}

uint64_t hq_profile_page(struct hq_db *db, const struct hq_profile_page *page, struct buf *out,
                         bool *more)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_PROFILES_AFTER, "ii", (int64_t)page->since,
	                                     (int64_t)page->max + 1);
	uint64_t to = page->since;
	size_t before;
	int n = 0;

	*more = false;
	while (hq_db_row(db, q)) {
		before = out->len;
		if (n < page->max)
			line_of(db, q, page->includes, out);
		if (n == page->max || (n > 0 && out->len > page->bytes_max)) {
			out->len = before;
			*more = true;
			hq_db_end(q);
			break;
		}
		to = (uint64_t)sqlite3_column_int64(q, COL_VERSION);
		n++;
	}
	return to;
}

int hq_profile_of_ident(struct hq_db *db, const char *kind, const char *value, const char *includes,
                        struct buf *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_PROFILES_OF_IDENT, "tti", kind, value,
	                                     (int64_t)HQ_PROFILE_ASKED_MAX);
	int n = 0;

	for (; hq_db_row(db, q); n++)
		line_of(db, q, includes, out);
	return n;
}
