/* A customer as a line of a page: what a lane may know. Keys in the order of their bytes. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "event/event.h"
#include "hq/identity/hq_facts.h"
#include "hq/identity/hq_includes.h"
#include "hq/identity/hq_profile.h"
#include "hq/tell/hq_page.h"
#include "store/shard.h"

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
	COL_LAST_SEEN,
	COL_MERGED,
	COL_SHORTFALL,
	COL_SHORT_SINCE
};

static void member(struct buf *out, const char *key, const char *value)
{
	if (!value[0])
		return;
	buf_printf(out, "\"%s\":", key);
	lw_event_json_string(out, value);
	buf_byte(out, ',');
}

/* Members from first_name to last_seen, and from likely to tier: what stands around `left_out`,
 * which is known when the facts are. */
static void write_before(struct hq_page_person *p, struct sqlite3_stmt *q,
                         const struct hq_includes *includes, struct buf *out)
{
	char seen[CLOCK_ISO8601_SIZE] = "";

	if (sqlite3_column_type(q, COL_LAST_SEEN) != SQLITE_NULL)
		clock_iso8601(sqlite3_column_int64(q, COL_LAST_SEEN), seen);
	member(out, "first_name", hq_db_text(q, COL_FIRST_NAME));
	hq_page_identifiers(p, out);
	hq_includes_through(includes, out);
	member(out, "language", hq_db_text(q, COL_LANGUAGE));
	member(out, "last_seen", seen);
}

/* Points that were spent and are not there since an unlink: for the manager's list. */
static void write_shortfall(struct sqlite3_stmt *q, struct buf *out)
{
	int64_t points = sqlite3_column_int64(q, COL_SHORTFALL);

	if (points <= 0)
		return;
	buf_printf(out, "\"shortfall\":%" PRId64 ",", points);
	member(out, "shortfall_since", hq_db_text(q, COL_SHORT_SINCE));
}

static void write_behind(struct hq_page_person *p, struct sqlite3_stmt *q, struct buf *out)
{
	hq_page_likely(p, out);
	hq_page_matches(p, out);
	member(out, "name", hq_db_text(q, COL_NAME));
	hq_page_pairs(p, out);
	if (sqlite3_column_type(q, COL_POINTS) != SQLITE_NULL)
		buf_printf(out, "\"points\":%" PRId64 ",",
		           (int64_t)sqlite3_column_int64(q, COL_POINTS));
	member(out, "points_as_of", hq_db_text(q, COL_POINTS_AS_OF));
	write_shortfall(q, out);
	member(out, "state", hq_db_text(q, COL_STATE));
	member(out, "tier", hq_db_text(q, COL_TIER));
	hq_page_units(p, out);
}

/* What a line of these bytes, without what is kept free, leaves for facts. */
static size_t room_for_facts(size_t bytes)
{
	if (bytes >= HQ_PAGE_LINE_BYTES)
		return 0;
	return HQ_PAGE_LINE_BYTES - bytes < HQ_PAGE_FACTS_BYTES ? HQ_PAGE_LINE_BYTES - bytes
	                                                        : HQ_PAGE_FACTS_BYTES;
}

static void profile_line(struct hq_db *db, struct sqlite3_stmt *q,
                         const struct hq_includes *includes, struct buf *out)
{
	struct hq_page_person p;
	struct buf before = {0}, behind = {0};
	size_t begin = out->len;

	hq_page_read(&p, db, sqlite3_column_int64(q, COL_N));
	p.told = includes != NULL;
	write_before(&p, q, includes, &before);
	buf_byte(out, '{');
	hq_includes_beyond(includes, out);
	hq_page_choices(&p, out);
	member(out, "customer_id", hq_db_text(q, COL_ID));
	p.bytes = out->len - begin + before.len - (includes ? hq_includes_bytes(includes) : 0);
	write_behind(&p, q, &behind);
	p.facts_max = room_for_facts(p.bytes + behind.len);
	hq_page_facts(&p, out);
	buf_add(out, before.data, before.len);
	hq_page_left_out(&p, out);
	buf_add(out, behind.data, behind.len);
	out->failed |= before.failed || behind.failed;
	if (includes)
		buf_printf(out, "\"version\":%" PRId64 ",",
		           (int64_t)sqlite3_column_int64(q, COL_VERSION));
	buf_printf(out, "\"visits\":%" PRId64 "}\n", (int64_t)sqlite3_column_int64(q, COL_VISITS));
	buf_free(&before);
	buf_free(&behind);
	hq_page_free(&p);
}

/* includes NULL: without it and without the version. */
static void line_of(struct hq_db *db, struct sqlite3_stmt *q, const struct hq_includes *includes,
                    struct buf *out)
{
	bool deleted = strcmp(hq_db_text(q, COL_STATE), "deleted") == 0;
	const char *merged = hq_db_text(q, COL_MERGED);

	if (!deleted && !merged[0]) {
		profile_line(db, q, includes, out);
		return;
	}
	buf_printf(out, "{\"customer_id\":\"%s\",\"deleted\":true", hq_db_text(q, COL_ID));
	if (!deleted)
		buf_printf(out, ",\"merged\":\"%s\"", merged);
	if (includes)
		buf_printf(out, ",\"version\":%" PRId64,
		           (int64_t)sqlite3_column_int64(q, COL_VERSION));
	buf_str(out, "}\n");
}

void hq_profile_line(struct hq_db *db, int64_t unit, struct buf *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_PROFILE_LINE, "i", unit);

	if (!hq_db_row(db, q))
		return;
	line_of(db, q, NULL, out);
	hq_db_end(q);
}

uint64_t hq_profile_page(struct hq_db *db, const struct hq_profile_page *page, struct buf *out,
                         bool *more)
{
	struct sqlite3_stmt *q =
	    page->store ? hq_db_query(db, HQ_SQL_PROFILES_HELD_AFTER, "iii", page->store,
	                              (int64_t)page->since, (int64_t)page->max + 1)
	                : hq_db_query(db, HQ_SQL_PROFILES_AFTER, "ii", (int64_t)page->since,
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

int hq_profile_of_ident(struct hq_db *db, const char *kind, const char *value,
                        const struct hq_includes *includes, struct buf *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_PROFILES_OF_IDENT, "tti", kind, value,
	                                     (int64_t)HQ_PROFILE_ASKED_MAX);
	int n = 0;

	for (; hq_db_row(db, q); n++)
		line_of(db, q, includes, out);
	return n;
}
