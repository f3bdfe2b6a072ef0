#include "hq/intake/hq_uncovered.h"

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "hq/base/hq_line.h"
#include "store/db.h"

#define SPANS_MAX 1000 /* what is over it is only counted */

struct search {
	const char *store, *day;
	sqlite3_stmt *ranges, *lines;
	json_t *list;
	json_int_t events;
	bool failed;
	/* the epoch that is looked at */
	int64_t row;
	uint8_t epoch[EVENT_EPOCH_BYTES];
};

static void name(struct search *s, uint64_t seq)
{
	json_t *last = json_array_get(s->list, json_array_size(s->list) - 1);
	char hex[EVENT_EPOCH_SIZE];

	s->events++;
	text_hex(s->epoch, sizeof s->epoch, hex);
	if (last && strcmp(json_string_value(json_object_get(last, "epoch")), hex) == 0 &&
	    json_integer_value(json_object_get(last, "to")) + 1 == (json_int_t)seq)
		json_object_set_new(last, "to", json_integer((json_int_t)seq));
	else if (json_array_size(s->list) < SPANS_MAX)
		json_array_append_new(s->list, json_pack("{s:s,s:I,s:I}", "epoch", hex, "from",
		                                         (json_int_t)seq, "to", (json_int_t)seq));
}

static bool is_of_day(const struct search *s, uint64_t seq, const char *bytes, size_t len)
{
	struct hq_line_at at = {.store = s->store, .seq = seq};
	struct hq_line line;
	const char *date;
	bool is;

	/* Most are of another day: those are not worth parsing. */
	if (!bytes || !memmem(bytes, len, s->day, strlen(s->day)))
		return false;
	memcpy(at.epoch, s->epoch, sizeof at.epoch);
	if (hq_line_read(&at, bytes, len, &line) != NULL)
		return false;
	date = json_string_value(json_object_get(line.laneway, "business_date"));
	is = date && strcmp(date, s->day) == 0;
	hq_line_free(&line);
	return is;
}

static void look_between(struct search *s, uint64_t from, uint64_t to)
{
	if (from > to)
		return;
	sqlite3_bind_int64(s->lines, 1, s->row);
	sqlite3_bind_int64(s->lines, 2, (int64_t)from);
	sqlite3_bind_int64(s->lines, 3, (int64_t)to);
	while (db_row(s->lines, &s->failed)) {
		uint64_t seq = (uint64_t)sqlite3_column_int64(s->lines, 0);
		if (is_of_day(s, seq, sqlite3_column_blob(s->lines, 1),
		              (size_t)sqlite3_column_bytes(s->lines, 1)))
			name(s, seq);
	}
	sqlite3_reset(s->lines);
}

/* Between the ranges of all statements, and behind the last of them. */
static void look_at_epoch(struct search *s, int64_t store_row)
{
	uint64_t next = 1;

	sqlite3_bind_int64(s->ranges, 1, store_row);
	sqlite3_bind_blob(s->ranges, 2, s->epoch, sizeof s->epoch, SQLITE_STATIC);
	while (db_row(s->ranges, &s->failed)) {
		uint64_t first = (uint64_t)sqlite3_column_int64(s->ranges, 0);
		uint64_t last = (uint64_t)sqlite3_column_int64(s->ranges, 1);
		look_between(s, next, first - 1);
		next = last >= next ? last + 1 : next;
	}
	sqlite3_reset(s->ranges);
	look_between(s, next, INT64_MAX);
}

json_t *hq_uncovered(struct sqlite3 *db, const struct hq_uncovered_day *of, json_int_t *events)
{
	struct search s = {
	    .store = of->store,
	    .day = of->day,
	    .ranges = db_prepare(db, "SELECT first, last FROM statement_range WHERE store = ?1"
	                             " AND epoch = ?2 ORDER BY first"),
	    .lines = db_prepare(db, "SELECT seq, line FROM event WHERE epoch = ?1"
	                            " AND seq BETWEEN ?2 AND ?3 ORDER BY seq"),
	    .list = json_array(),
	};
	sqlite3_stmt *q = db_prepare(db, "SELECT id, epoch FROM epoch WHERE store = ?1");

	s.failed = !q || !s.ranges || !s.lines || !s.list;
	if (q)
		sqlite3_bind_int64(q, 1, of->store_row);
	while (!s.failed && db_row(q, &s.failed)) {
		s.row = sqlite3_column_int64(q, 0);
		if (sqlite3_column_bytes(q, 1) != EVENT_EPOCH_BYTES)
			continue;
		memcpy(s.epoch, sqlite3_column_blob(q, 1), sizeof s.epoch);
		look_at_epoch(&s, of->store_row);
	}
	sqlite3_finalize(q);
	sqlite3_finalize(s.ranges);
	sqlite3_finalize(s.lines);
	*events = s.events;
	if (!s.failed)
		return s.list;
	json_decref(s.list);
	return NULL;
}
