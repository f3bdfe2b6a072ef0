/* The store's cut: when a day is closed, and what the statement says. */
#include "flow_world.h"

#include "store/statement.h"

#define HOUR_US (3600 * SECOND_US)
#define DAY_US (24 * HOUR_US)

/* The clock moves and has been looked at. */
static void later(struct world *w, int64_t us)
{
	pass(w, us);
	flow_day_tick(w->flow->day);
}

static void closed(struct world *w, int n)
{
	WAIT_FOR(w, kept_times(w, "Day Closed") == n);
}

/* Nothing comes of the last tick: what it could have begun is over. */
static void not_closed(struct world *w, int n)
{
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(kept_times(w, "Day Closed"), n);
}

static json_t *statement(struct world *w, int n)
{
	json_t *line = kept(w, "Day Closed", n);
	assert_non_null(line);
	json_t *properties = json_incref(json_object_get(line, "properties"));
	json_decref(line);
	return properties;
}

static const char *date_of(struct world *w, int n, const char *key)
{
	static char text[2][11];
	json_t *s = statement(w, n);
	char *out = text[strcmp(key, "first_date") == 0];
	text_copy(out, 11, text_of(s, key));
	json_decref(s);
	return out;
}

static int64_t range_of(struct world *w, int n, size_t range, const char *key)
{
	json_t *s = statement(w, n);
	json_t *r = json_array_get(json_object_get(s, "ranges"), range);
	int64_t v = json_integer_value(json_object_get(r, key));
	json_decref(s);
	return v;
}

static size_t ranges_of(struct world *w, int n)
{
	json_t *s = statement(w, n);
	size_t count = json_array_size(json_object_get(s, "ranges"));
	json_decref(s);
	return count;
}

/* It is 2026-11-21T17:02:03Z, a cut at 04:00 in UTC; the first tick finds where the days begin. */
static void begin(struct world *w)
{
	keep(w);
	for (int i = 0; i < 10; i++)
		turn(w);
	scan(w, CARD);
	WAIT_FOR(w, w->kept_count >= 3);
}

static void a_day_is_closed_at_its_cut_and_signed(void **state)
{
	struct world *w = *state;
	uint8_t pub[32];
	struct statement *s = calloc(1, sizeof *s);
	struct buf bytes = {0};
	char err[200];
	begin(w);
	later(w, 10 * HOUR_US);
	not_closed(w, 0);
	later(w, HOUR_US);
	closed(w, 1);
	json_t *properties = statement(w, 0);
	assert_int_equal(statement_read(properties, s, err, sizeof err), 0);
	assert_string_equal(s->business_date, "2026-11-21");
	assert_string_equal(s->first_date, "2026-11-21");
	assert_string_equal(s->device, "d1");
	assert_int_equal(s->version, 1);
	assert_false(s->more);
	text_unhex(PLACE_SIGN_PUB, pub, sizeof pub);
	assert_int_equal(statement_signed_bytes("s1", properties, &bytes), 0);
	assert_true(vault_verify(pub, bytes.data, bytes.len, s->signature));
	json_object_set_new(properties, "version", json_integer(2));
	buf_reset(&bytes);
	assert_int_equal(statement_signed_bytes("s1", properties, &bytes), 0);
	assert_false(vault_verify(pub, bytes.data, bytes.len, s->signature));
	buf_free(&bytes);
	json_decref(properties);
	free(s);
}

static void it_counts_what_was_journaled_up_to_the_cut_and_not_itself(void **state)
{
	struct world *w = *state;
	begin(w);
	later(w, 12 * HOUR_US);
	closed(w, 1);
	json_t *s = statement(w, 0), *counts = json_object_get(s, "counts"), *line;
	int64_t total = 0;
	const char *event;
	json_t *n;
	json_object_foreach(counts, event, n) total += json_integer_value(n);
	assert_int_equal(json_integer_value(json_object_get(counts, "Epoch Opened")), 1);
	assert_int_equal(json_integer_value(json_object_get(counts, "Identifier Presented")), 1);
	assert_null(json_object_get(counts, "Day Closed"));
	assert_int_equal(range_of(w, 0, 0, "from"), 1);
	assert_int_equal(range_of(w, 0, 0, "to"), total);
	line = kept(w, "Day Closed", 0);
	assert_int_equal(json_integer_value(json_object_get(
	                     json_object_get(json_object_get(line, "context"), "laneway"), "seq")),
	                 total + 1);
	json_decref(line);
	json_decref(s);
}

static void the_next_day_begins_with_the_statement_of_the_one_before(void **state)
{
	struct world *w = *state;
	begin(w);
	later(w, DAY_US);
	closed(w, 1);
	later(w, DAY_US);
	closed(w, 2);
	assert_int_equal(range_of(w, 1, 0, "from"), range_of(w, 0, 0, "to") + 1);
	assert_string_equal(date_of(w, 1, "business_date"), "2026-11-22");
	assert_string_equal(date_of(w, 1, "first_date"), "2026-11-22");
	json_t *a = statement(w, 0), *b = statement(w, 1);
	assert_string_equal(text_of(json_array_get(json_object_get(a, "ranges"), 0), "h"),
	                    text_of(json_array_get(json_object_get(b, "ranges"), 0), "h_prev"));
	json_decref(a);
	json_decref(b);
}

static void days_that_were_missed_are_one_statement(void **state)
{
	struct world *w = *state;
	begin(w);
	later(w, DAY_US);
	closed(w, 1);
	world_close(w);
	pass(w, 3 * DAY_US);
	world_open(w);
	keep(w);
	closed(w, 2);
	assert_string_equal(date_of(w, 1, "first_date"), "2026-11-22");
	assert_string_equal(date_of(w, 1, "business_date"), "2026-11-24");
	assert_int_equal(ranges_of(w, 1), 2); /* the epoch of each run */
	assert_int_equal(range_of(w, 1, 1, "from"), 1);
	later(w, SECOND_US);
	not_closed(w, 2);
}

static void a_restart_does_not_close_a_day_twice(void **state)
{
	struct world *w = *state;
	begin(w);
	later(w, DAY_US);
	closed(w, 1);
	world_close(w);
	world_open(w);
	keep(w);
	later(w, SECOND_US);
	not_closed(w, 1);
	struct buf json = {0};
	flow_statements_json(w->flow, &json);
	buf_byte(&json, '\0');
	assert_non_null(strstr((char *)json.data, "\"business_date\":\"2026-11-21\""));
	assert_non_null(strstr((char *)json.data, "\"open_since\":\"2026-11-22\""));
	assert_non_null(strstr((char *)json.data, "\"state\":\"waiting\""));
	buf_free(&json);
	later(w, DAY_US);
	closed(w, 2);
	flow_day_status(w->flow->day, &json);
	buf_byte(&json, '\0');
	assert_non_null(strstr((char *)json.data,
	                       "\"open_since\":\"2026-11-23\",\"not_countersigned\":2,"
	                       "\"oldest\":\"2026-11-21\",\"state\":\"waiting\",\"missing\":0}"));
	buf_free(&json);
	assert_int_equal(ranges_of(w, 1), 2);
}

static void an_untrusted_clock_closes_no_day(void **state)
{
	struct world *w = *state;
	begin(w);
	w->trust = CLOCK_NONE;
	later(w, 30 * DAY_US);
	not_closed(w, 0);
	struct buf json = {0};
	flow_day_json(w->flow->day, &json);
	flow_day_status(w->flow->day, &json);
	buf_byte(&json, '\0');
	assert_non_null(strstr((const char *)json.data, "\"blocked\":\"untrusted_clock\""));
	assert_non_null(
	    strstr((const char *)json.data, "\"days\":{\"blocked\":\"untrusted_clock\","));
	buf_free(&json);
	pass(w, -29 * DAY_US);
	w->trust = CLOCK_HQ;
	later(w, SECOND_US);
	closed(w, 1);
	assert_string_equal(date_of(w, 0, "business_date"), "2026-11-21");
}

static void a_clock_that_ran_ahead_does_not_end_the_days(void **state)
{
	struct world *w = *state;
	begin(w);
	later(w, 3650 * DAY_US);
	closed(w, 1);
	pass(w, -3649 * DAY_US);
	later(w, SECOND_US);
	not_closed(w, 1);
	later(w, DAY_US);
	closed(w, 2);
	assert_string_equal(date_of(w, 1, "first_date"), "2026-11-22");
	assert_string_equal(date_of(w, 1, "business_date"), "2026-11-22");
}

static void a_statement_that_the_disk_refuses_is_made_again(void **state)
{
	struct world *w = *state;
	uint64_t quota = w->p->params.quota_bytes;
	begin(w);
	world_close(w);
	w->p->params.quota_bytes = 1;
	world_open(w);
	keep(w);
	not_closed(w, 0);
	for (int i = 0; i < 2; i++) {
		uint64_t refused = counted(w, COUNTER_EVENTS_REFUSED);
		later(w, i ? 61 * SECOND_US : 12 * HOUR_US);
		WAIT_FOR(w, counted(w, COUNTER_EVENTS_REFUSED) > refused);
		not_closed(w, 0);
	}
	world_close(w);
	w->p->params.quota_bytes = quota;
	world_open(w);
	keep(w);
	closed(w, 1);
	assert_int_equal(ranges_of(w, 0), 3);
	assert_int_equal(range_of(w, 0, 0, "from"), 1);
}

/* As salvage puts them back while the box runs. */
static void bring_marks_back(struct world *w, int64_t seq)
{
	struct buf covered = {0}, record = {0};
	sqlite3 *db;
	sqlite3_stmt *q;
	static const uint8_t epoch[EVENT_EPOCH_BYTES] = {9};
	buf_be64(&covered, 1);
	buf_be64(&covered, (uint64_t)seq);
	buf_str(&record, "2026-11-192026-11-19");
	buf_add(&record, epoch, sizeof epoch);
	buf_be64(&record, 7);
	buf_be64(&record, 7);
	buf_byte(&record, 0);
	assert_int_equal(sqlite3_open(w->p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
	                                    "INSERT INTO meta VALUES('mark.covered', ?1),"
	                                    " ('mark.statement', ?2)",
	                                    -1, &q, NULL),
	                 SQLITE_OK);
	sqlite3_bind_blob(q, 1, covered.data, (int)covered.len, SQLITE_STATIC);
	sqlite3_bind_blob(q, 2, record.data, (int)record.len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(q), SQLITE_DONE);
	sqlite3_finalize(q);
	sqlite3_close(db);
	buf_free(&covered);
	buf_free(&record);
}

static void what_was_closed_in_a_journal_that_came_back_is_not_closed_again(void **state)
{
	struct world *w = *state;
	begin(w);
	bring_marks_back(w, 2);
	later(w, 12 * HOUR_US);
	closed(w, 1);
	assert_int_equal(range_of(w, 0, 0, "from"), 3);
	assert_string_equal(date_of(w, 0, "first_date"), "2026-11-20");
	assert_string_equal(date_of(w, 0, "business_date"), "2026-11-21");
}

static void training_is_counted_apart(void **state)
{
	struct world *w = *state;
	begin(w);
	till_connect(w, "T3", "1");
	till_say(w, "{\"type\":\"basket_opened\",\"source_message_id\":\"a:1\",\"basket\":\"B1\","
	            "\"training\":true}");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	later(w, 12 * HOUR_US);
	closed(w, 1);
	json_t *s = statement(w, 0);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(s, "training"), "Basket Opened")),
	    1);
	assert_null(json_object_get(json_object_get(s, "counts"), "Basket Opened"));
	json_decref(s);
}

#define DAY_TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    DAY_TEST(a_day_is_closed_at_its_cut_and_signed),
	    DAY_TEST(it_counts_what_was_journaled_up_to_the_cut_and_not_itself),
	    DAY_TEST(the_next_day_begins_with_the_statement_of_the_one_before),
	    DAY_TEST(days_that_were_missed_are_one_statement),
	    DAY_TEST(a_restart_does_not_close_a_day_twice),
	    DAY_TEST(an_untrusted_clock_closes_no_day),
	    DAY_TEST(a_clock_that_ran_ahead_does_not_end_the_days),
	    DAY_TEST(a_statement_that_the_disk_refuses_is_made_again),
	    DAY_TEST(what_was_closed_in_a_journal_that_came_back_is_not_closed_again),
	    DAY_TEST(training_is_counted_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
