/* The rule table, told to stores once it was published; and what they say of theirs. */
#include "hq_tell_world.h"

#include "hq/base/hq_conf.h"
#include "hq/intake/hq_epoch.h"
#include "hq/serve/hq_status.h"

static struct hq_rules rules;

static void begin(struct telling *t)
{
	rules = (struct hq_rules){.version = 1,
	                          .scope = {&t->w->forms, &rules.table, t->w->scope.currency}};
	rule_defaults(&rules.table);
	hq_tell_rules(t->tell, &rules);
	assert_int_equal(hq_db_begin(t->w->db), 0);
	hq_epoch_store(t->w->db, "s1");
	assert_int_equal(hq_db_commit(t->w->db), 0);
}

static void publish(struct telling *t)
{
	struct rule_set table;

	rule_defaults(&table);
	table.guard.clean_days = 30;
	assert_int_equal(hq_rules_publish(&rules, t->w->db, &table, t->w->wall_us), 0);
}

/* The lines of the answer; NULL: there is none. more: members of the ask. */
static const char *ask_rules(struct telling *t, const char *version, const char *more)
{
	char text[600];
	struct buf out = {0};
	int n = snprintf(text, sizeof text,
	                 "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"rules\","
	                 "\"version\":\"%s\"%s}",
	                 version, more);

	if (hq_tell_answer(t->tell, "s1", text, (size_t)n, &out) != 0)
		return NULL;
	take_told(t, &out);
	buf_free(&out);
	return t->lines;
}

static const char *told_version(const struct telling *t)
{
	return json_string_value(json_object_get(t->header, "version"));
}

static void the_delivered_table_is_not_told_and_a_published_one_is_told_once(void **state)
{
	struct telling *t = *state;

	begin(t);
	assert_string_equal(ask_rules(t, "", ""), "");
	assert_string_equal(told_version(t), "");
	publish(t);
	assert_non_null(strstr(ask_rules(t, "", ""), "\"clean_days\":30"));
	assert_non_null(strstr(t->lines, "\"version\":\"2\"}\n"));
	assert_string_equal(told_version(t), "2");
	assert_string_equal(ask_rules(t, "2", ""), "");
	assert_string_equal(told_version(t), "2");
	rule_free(&rules.table);
}

static void a_table_that_a_store_refuses_is_not_told_to_it_again(void **state)
{
	struct telling *t = *state;

	begin(t);
	publish(t);
	assert_string_equal(ask_rules(t, "", ",\"refused\":\"2\",\"why\":\"no scheme\""), "");
	publish(t);
	assert_true(ask_rules(t, "", ",\"refused\":\"2\",\"why\":\"no scheme\"")[0]);
	rule_free(&rules.table);
}

static void which_table_a_store_goes_by_stands_in_the_status(void **state)
{
	struct telling *t = *state;
	json_t *status;
	char *text;

	begin(t);
	publish(t);
	ask_rules(t, "", "");
	uint64_t turn = hq_db_turn(t->w->db);
	ask_rules(t, "", "");
	assert_int_equal(hq_db_turn(t->w->db), turn); /* the same again is nothing to write */
	ask_rules(t, "1", ",\"refused\":\"2\",\"why\":\"no scheme\"");
	status = hq_status_read(hq_db_handle(t->w->db));
	text = json_dumps(
	    json_object_get(json_array_get(json_object_get(status, "stores"), 0), "rules"),
	    JSON_COMPACT);
	assert_non_null(strstr(text, "[{\"device\":\"d1\",\"version\":\"1\",\"refused\":\"2\","
	                             "\"why\":\"no scheme\",\"since\":\"2026-11-21T"));
	assert_int_equal(json_integer_value(json_object_get(status, "rules")), 2);
	free(text);
	json_decref(status);
	rule_free(&rules.table);
}

static void an_ask_whose_refusal_is_none_is_not_answered(void **state)
{
	static const char *const wrong[] = {
	    ",\"refused\":\"2\"",
	    ",\"refused\":2,\"why\":\"x\"",
	    ",\"refused\":\"2\",\"why\":\"a\\u0001b\"",
	    ",\"refused\":\"012345678901234567890123456789012\",\"why\":\"x\"",
	};
	struct telling *t = *state;

	begin(t);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_null(ask_rules(t, "", wrong[i]));
	assert_int_equal(world_number(t->w, "SELECT count(*) FROM store_rules"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, telling_set_up, telling_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_delivered_table_is_not_told_and_a_published_one_is_told_once),
	    TEST(a_table_that_a_store_refuses_is_not_told_to_it_again),
	    TEST(which_table_a_store_goes_by_stands_in_the_status),
	    TEST(an_ask_whose_refusal_is_none_is_not_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
