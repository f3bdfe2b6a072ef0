#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "identity/rule.h"

static const struct ident_rules forms = {
    .schemes = {{.name = "card", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN}},
    .scheme_count = 1,
    .region = "DE",
};

#define WHO "\"version\":\"7\",\"author\":\"Ida\",\"reason\":\"summer\""

static struct rule_set rules;
static char err[256];

static int read_text(const char *json)
{
	memset(err, 0, sizeof err);
	return rule_read(json, strlen(json), &forms, &rules, err, sizeof err);
}

static void what_a_table_leaves_out_is_as_delivered(void **state)
{
	(void)state;
	struct rule_set delivered;
	rule_defaults(&delivered);
	assert_int_equal(read_text("{" WHO "}"), 0);
	assert_string_equal(rules.version, "7");
	assert_string_equal(rules.author, "Ida");
	assert_string_equal(rules.reason, "summer");
	assert_memory_equal(rules.rule, delivered.rule, sizeof rules.rule);
	assert_memory_equal(&rules.guard, &delivered.guard, sizeof rules.guard);
	assert_int_equal(rules.value_count, 0);
}

static void a_table_changes_what_it_names(void **state)
{
	(void)state;
	assert_int_equal(
	    read_text("{" WHO ",\"guard\":{\"day_baskets_max\":9},\"rules\":[{\"kind\":\"phone\","
	              "\"priority\":5,\"join\":\"never\",\"stale_days\":365}],"
	              "\"own\":[{\"kind\":\"phone\",\"value\":\"030 22446600\"},"
	              "{\"kind\":\"email\",\"value\":\"@Shop.DE\"}],"
	              "\"blocked\":[{\"kind\":\"email\",\"value\":\"Poster@mail.example\",\"note\":"
	              "\"was on a poster\"}],"
	              "\"staff\":[{\"value\":\"2600000000178\",\"staff_ref\":\"K17\"}]}"),
	    0);
	assert_int_equal(rules.guard.day_baskets_max, 9);
	assert_int_equal(rules.guard.persons_max, 3);
	assert_int_equal(rules.rule[0].kind, IDENT_PHONE); /* in the order of priorities */
	assert_int_equal(rules.rule[0].join, RULE_JOIN_NEVER);
	assert_int_equal(rule_of(&rules, IDENT_PHONE)->stale_days, 365);
	assert_string_equal(rule_blocked(&rules, IDENT_PHONE, "+493022446600"),
	                    "the chain's own number");
	assert_non_null(rule_blocked(&rules, IDENT_EMAIL, "info@shop.de"));
	assert_non_null(rule_blocked(&rules, IDENT_EMAIL, "poster@mail.example"));
	assert_string_equal(rule_staff(&rules, IDENT_LOYALTY, "2600000000178")->staff_ref, "K17");
	rule_free(&rules);
}

static void a_table_that_was_written_reads_the_same(void **state)
{
	(void)state;
	struct buf one = {0}, two = {0};
	assert_int_equal(
	    read_text(
	        "{" WHO ",\"guard\":{\"clean_days\":30,\"offline_days\":0},\"own\":[{\"kind\":"
	        "\"email\",\"value\":"
	        "\"@shop.de\"}],\"rules\":[{\"kind\":\"email\",\"unique\":true,\"trust\":10}],"
	        "\"staff\":[{\"value\":\"2600000000178\",\"staff_ref\":\"K17\"}]}"),
	    0);
	rule_write(&one, &rules);
	rule_free(&rules);
	assert_int_equal(rule_read((char *)one.data, one.len, &forms, &rules, err, sizeof err), 0);
	assert_int_equal(rules.guard.offline_days, 0);
	rule_write(&two, &rules);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	rule_free(&rules);
	buf_free(&one);
	buf_free(&two);
}

static void what_is_wrong_is_named_without_the_value(void **state)
{
	(void)state;
	static const struct {
		const char *json, *says;
	} wrong[] = {
	    {"", "line 1: no JSON"},
	    {"[]", "expected an object"},
	    {"{}", "version is missing: a rule table says who wrote it and why"},
	    {"{\"version\":\"7\",\"author\":\"Ida\"}", "reason is missing"},
	    {"{" WHO ",\"rule\":[]}", "\"rule\" is not known here"},
	    {"{" WHO ",\"version\":\"8\"}", "no JSON"},
	    {"{\"version\":\"\",\"author\":\"a\",\"reason\":\"b\"}",
	     "version: expected a text of 1 to 32 bytes"},
	    {"{" WHO ",\"guard\":{\"persons_max\":0}}",
	     "guard: persons_max: expected a whole number from 1 to 1000"},
	    {"{" WHO ",\"guard\":{\"offline_days\":91}}",
	     "guard: offline_days: expected a whole number from 0 to 90"},
	    {"{" WHO ",\"rules\":[{\"kind\":\"shoe\"}]}", "rules[0]: kind: expected loyalty"},
	    {"{" WHO ",\"rules\":[{\"kind\":\"phone\",\"join\":\"often\"}]}",
	     "rules[0]: join: expected never, verified or named"},
	    {"{" WHO ",\"rules\":[{\"kind\":\"phone\",\"trust\":101}]}", "rules[0]: trust"},
	    {"{" WHO ",\"rules\":{}}", "rules: expected a list"},
	    {"{" WHO ",\"own\":[{\"kind\":\"phone\",\"value\":\"secret77\"}]}",
	     "own[0]: value: expected a phone in one of its forms"},
	    {"{" WHO ",\"own\":[{\"kind\":\"email\",\"value\":\"@\"}]}", "own[0]: value"},
	    {"{" WHO ",\"staff\":[{\"value\":\"4111111111111111\"}]}", "staff[0]: value"},
	    {"{" WHO ",\"staff\":[7]}", "staff[0]: expected an object"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(read_text(wrong[i].json), -1);
		if (!strstr(err, wrong[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err, wrong[i].says);
		assert_null(strstr(err, "secret77"));
		assert_null(strstr(err, "4111"));
		assert_null(rules.value);
	}
}

static void every_mistake_of_a_draft_is_named_at_once(void **state)
{
	(void)state;
	struct buf faults = {0};
	static const char draft[] =
	    "{\"gard\":{},\"guard\":{\"clean_days\":0},\"rules\":[{\"kind\":\"phone\"},{\"kind\":"
	    "\"phone\",\"limit\":\"x\"},{\"trust\":101}],\"blocked\":[{\"value\":\"secret77\"},7]}";
	assert_int_equal(rule_draft(draft, sizeof draft - 1, &forms, &rules, &faults), 8);
	buf_byte(&faults, '\0');
	assert_string_equal(
	    (char *)faults.data,
	    "\"gard\" is not known here\n"
	    "guard: clean_days: expected a whole number from 1 to 3650\n"
	    "rules[1]: kind: phone stands here for the second time, expected one row of each\n"
	    "rules[1]: limit: expected a whole number from 0 to 1000\n"
	    "rules[2]: kind: expected loyalty, phone, email or another kind of identifier\n"
	    "rules[2]: trust: expected a whole number from 0 to 100\n"
	    "blocked[0]: value: expected a loyalty in one of its forms\n"
	    "blocked[1]: expected an object\n");
	assert_null(rules.value);
	buf_free(&faults);
}

static void of_too_many_mistakes_the_first_are_named(void **state)
{
	(void)state;
	struct buf draft = {0}, faults = {0};
	buf_str(&draft, "{\"own\":[0");
	for (int i = 0; i < RULE_FAULTS_MAX + 1; i++)
		buf_str(&draft, ",0");
	buf_str(&draft, "]}");
	assert_int_equal(rule_draft((char *)draft.data, draft.len, &forms, &rules, &faults),
	                 RULE_FAULTS_MAX + 2);
	assert_memory_equal(faults.data + faults.len - 11, "and 2 more\n", 11);
	buf_free(&draft);
	buf_free(&faults);
}

static void a_draft_may_leave_out_who_wrote_it(void **state)
{
	(void)state;
	struct buf faults = {0};
	assert_int_equal(rule_draft("{}", 2, &forms, &rules, &faults), 0);
	assert_string_equal(rules.version, "");
	assert_int_equal(rule_draft("{\"version\":\"7\"}", 15, &forms, &rules, &faults), 0);
	assert_string_equal(rules.version, "7");
	assert_int_equal(faults.len, 0);
	buf_free(&faults);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	(void)state;
	assert_int_equal(rule_read_file("/nonexistent/rules.json", &forms, &rules, err, sizeof err),
	                 -1);
	assert_string_equal(
	    err, "/nonexistent/rules.json: No such file or directory, expected a rule table");
	assert_int_equal(rule_read_file("/dev/zero", &forms, &rules, err, sizeof err), -1);
	assert_string_equal(err, "/dev/zero: not a file, expected a rule table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_table_leaves_out_is_as_delivered),
	    cmocka_unit_test(a_table_changes_what_it_names),
	    cmocka_unit_test(a_table_that_was_written_reads_the_same),
	    cmocka_unit_test(what_is_wrong_is_named_without_the_value),
	    cmocka_unit_test(every_mistake_of_a_draft_is_named_at_once),
	    cmocka_unit_test(of_too_many_mistakes_the_first_are_named),
	    cmocka_unit_test(a_draft_may_leave_out_who_wrote_it),
	    cmocka_unit_test(a_file_that_is_not_there_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
