/* Rules in force: the configured ones, HQ's in their place, and over a restart without HQ. */
#include "flow_world.h"

#define TABLE(version)                                                                             \
	"{\"version\":\"" version                                                                  \
	"\",\"author\":\"Ida\",\"reason\":\"a test\",\"blocked\":[{\"kind\":\"loyalty\","          \
	"\"value\":\"" CARD "\"}]}"

static void hq_says(struct world *w, const char *rules)
{
	uint64_t one = 1;
	hq_rules = rules;
	assert_int_equal(write(w->sync_fd, &one, sizeof one), sizeof one);
	WAIT_FOR(w, !hq_rules);
}

static const char *changed(struct world *w, int n, const char *key)
{
	static char text[64];
	json_t *line = kept(w, "Configuration Changed", n);
	assert_non_null(line);
	snprintf(text, sizeof text, "%s", text_of(json_object_get(line, "properties"), key));
	json_decref(line);
	return text;
}

static void hqs_table_takes_the_place_of_the_configured_one_and_is_journaled(void **state)
{
	struct world *w = *state;
	keep(w);
	assert_string_equal(w->flow->table.version, "1");
	hq_says(w, TABLE("7"));
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
	assert_string_equal(changed(w, 0, "version"), "7");
	assert_string_equal(changed(w, 0, "author"), "Ida");
	assert_string_equal(changed(w, 0, "reason"), "a test");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "blocked"));
	hq_says(w, TABLE("7")); /* the same again is no change */
	turn(w);
	assert_int_equal(kept_times(w, "Configuration Changed"), 1);
}

static void hqs_table_stands_after_a_restart_without_hq(void **state)
{
	struct world *w = *state;
	keep(w);
	hq_says(w, TABLE("7"));
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
	world_close(w);
	w->has_sync = false;
	world_open(w);
	assert_string_equal(w->flow->table.version, "7");
	keep(w);
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "blocked"));
	assert_int_equal(kept_times(w, "Configuration Changed"), 1);
}

/* One whose database was put back to before it published any. */
static void an_hq_that_has_no_table_does_not_take_away_the_one_in_force(void **state)
{
	struct world *w = *state;
	keep(w);
	hq_says(w, TABLE("7"));
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
	hq_says(w, "");
	turn(w);
	assert_string_equal(stands, "7//");
	assert_int_equal(kept_times(w, "Configuration Changed"), 1);
	assert_string_equal(w->flow->table.version, "7");
}

static void an_older_table_never_takes_the_place_of_a_newer_one(void **state)
{
	struct world *w = *state;
	keep(w);
	hq_says(w, TABLE("10"));
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
	hq_says(w, TABLE("9"));
	WAIT_FOR(w, strncmp(stands, "10/9/", 5) == 0);
	assert_string_equal(stands, "10/9/it is older than version 10, which is in force");
	assert_string_equal(w->flow->table.version, "10");
	hq_says(w, TABLE("11"));
	WAIT_FOR(w, strcmp(stands, "11//") == 0);
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 2);
}

static void hq_and_tools_are_told_which_table_is_in_force_and_which_one_is_not_taken_and_why(
    void **state)
{
	struct world *w = *state;
	struct buf out = {0};
	keep(w);
	assert_string_equal(stands, "//");
	hq_says(w, TABLE("7"));
	WAIT_FOR(w, strcmp(stands, "7//") == 0);
	hq_says(w, "{\"version\":\"8\",\"author\":\"Ida\",\"reason\":\"r\",\"gard\":{}}");
	WAIT_FOR(w, strcmp(stands, "7/8/\"gard\" is not known here") == 0);
	flow_status_json(w->flow, &out);
	buf_byte(&out, '\0');
	assert_non_null(strstr((char *)out.data,
	                       "\"rules\":{\"version\":\"7\",\"author\":\"Ida\",\"reason\":"
	                       "\"a test\",\"from\":\"hq\",\"refused\":{\"version\":\"8\","
	                       "\"why\":\"\\\"gard\\\" is not known here\"}}"));
	buf_free(&out);
	hq_says(w, TABLE("9"));
	WAIT_FOR(w, strcmp(stands, "9//") == 0);
}

static void a_table_that_cannot_be_read_changes_nothing(void **state)
{
	struct world *w = *state;
	keep(w);
	hq_says(w, TABLE("7"));
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
	hq_says(w, "{\"version\":\"8\"}");
	hq_says(w, "no JSON");
	turn(w);
	assert_string_equal(w->flow->table.version, "7");
	assert_int_equal(kept_times(w, "Configuration Changed"), 1);
}

/* What lies on the disk does not show the table's values. */
static void hqs_table_is_sealed_on_the_disk(void **state)
{
	struct world *w = *state;
	struct buf mark = {0};
	keep(w);
	hq_says(w, TABLE("7"));
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
	assert_int_equal(journal_reader_mark(w->flow->reader, FLOW_MARK_RULES, &mark), 0);
	assert_true(mark.len > 100);
	assert_null(memmem(mark.data, mark.len, CARD, strlen(CARD)));
	assert_null(memmem(mark.data, mark.len, "a test", 6));
	buf_free(&mark);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(hqs_table_takes_the_place_of_the_configured_one_and_is_journaled),
	    TEST(hqs_table_stands_after_a_restart_without_hq),
	    TEST(an_hq_that_has_no_table_does_not_take_away_the_one_in_force),
	    TEST(an_older_table_never_takes_the_place_of_a_newer_one),
	    TEST(hq_and_tools_are_told_which_table_is_in_force_and_which_one_is_not_taken_and_why),
	    TEST(a_table_that_cannot_be_read_changes_nothing),
	    TEST(hqs_table_is_sealed_on_the_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
