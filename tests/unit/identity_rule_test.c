#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "identity/phone.h"
#include "identity/rule.h"

static const struct ident_rules forms = {
    .schemes = {{.name = "card", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN},
                {.name = "old", .prefix = "9", .length = 7, .check = IDENT_CHECK_NONE}},
    .scheme_count = 2,
    .region = "DE",
};

static struct rule_set table(void)
{
	struct rule_set rules;
	rule_defaults(&rules);
	rules.forms = &forms;
	return rules;
}

static void add(struct rule_set *rules, enum rule_list list, enum ident_kind kind, const char *v)
{
	struct rule_value value = {.kind = kind, .list = list};
	snprintf(value.value, sizeof value.value, "%s", v);
	assert_int_equal(rule_add(rules, &value), 0);
}

static void the_delivered_table_has_the_numbers_of_the_rule_book(void **state)
{
	(void)state;
	struct rule_set rules;
	rule_defaults(&rules);
	assert_int_equal(rules.guard.persons_max, 3);
	assert_int_equal(rules.guard.day_baskets_max, 5);
	assert_int_equal(rules.guard.lane_baskets, 3);
	assert_int_equal(rules.guard.lane_window_s, 30 * 60);
	assert_int_equal(rules.guard.clean_days, 90);
	assert_int_equal(rules.guard.offline_days, 7);
	assert_int_equal(rule_of(&rules, IDENT_PHONE)->stale_days, 730);
	assert_int_equal(rule_of(&rules, IDENT_LOYALTY)->join, RULE_JOIN_VERIFIED);
	assert_int_equal(rule_of(&rules, IDENT_PHONE)->join, RULE_JOIN_NAMED);
	assert_true(rule_of(&rules, IDENT_LOYALTY)->unique);
	assert_null(rule_of(&rules, IDENT_NONE));
	for (int i = 1; i < rules.rule_count; i++)
		assert_true(rules.rule[i].priority > rules.rule[i - 1].priority);
	assert_string_not_equal(rules.version, "");
	assert_string_not_equal(rules.author, "");
	assert_string_not_equal(rules.reason, "");
}

struct value {
	enum ident_kind kind;
	const char *nf, *why;
};

static void values_that_are_nobodys_are_blocked_from_day_one(void **state)
{
	(void)state;
	static const struct value values[] = {
	    {IDENT_LOYALTY, "2600000000002", "a default card"},
	    {IDENT_LOYALTY, "9000000", "a default card"},
	    {IDENT_LOYALTY, "2611111111117", "all digits the same"},
	    {IDENT_LOYALTY, "2612345678900", "digits in sequence"},
	    {IDENT_LOYALTY, "2698765432104", "digits in sequence"},
	    {IDENT_PHONE, "+499999999999", "all digits the same"},
	    {IDENT_PHONE, "+49151222222222", "all digits the same"},
	    {IDENT_PHONE, "+491234567890", "digits in sequence"},
	    {IDENT_PHONE, "+4915112345678", "digits in sequence"},
	    {IDENT_PHONE, "+4998765432", "digits in sequence"},
	    {IDENT_EMAIL, "no@example.org", "no real address"},
	    {IDENT_EMAIL, "none@example.org", "no real address"},
	    {IDENT_EMAIL, "test@example.org", "no real address"},
	    {IDENT_EMAIL, "a@a.de", "no real address"},
	    {IDENT_EMAIL, "xx@xxx.com", "no real address"},
	};
	struct rule_set rules = table();
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		const char *why = rule_blocked(&rules, values[i].kind, values[i].nf);
		if (!why)
			fail_msg("%s is not blocked", values[i].nf);
		assert_string_equal(why, values[i].why);
	}
}

static void values_that_look_alike_and_are_somebodys_pass(void **state)
{
	(void)state;
	static const struct value values[] = {
	    {IDENT_LOYALTY, "2600000000170", NULL},   {IDENT_LOYALTY, "2610000000006", NULL},
	    {IDENT_LOYALTY, "2612345678801", NULL},   {IDENT_LOYALTY, "9123456", NULL},
	    {IDENT_LOYALTY, "9111111", NULL},         {IDENT_PHONE, "+491701234569", NULL},
	    {IDENT_PHONE, "+4917222222", NULL},       {IDENT_EMAIL, "nora@example.org", NULL},
	    {IDENT_EMAIL, "testa@example.org", NULL}, {IDENT_EMAIL, "a@b.de", NULL},
	    {IDENT_EMAIL, "a@aachen.de", NULL},       {IDENT_EMAIL, "anna@a.de", NULL},
	    {IDENT_EMAIL, "t.est@example.org", NULL},
	};
	struct rule_set rules = table();
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		const char *why = rule_blocked(&rules, values[i].kind, values[i].nf);
		if (why)
			fail_msg("%s: %s", values[i].nf, why);
	}
}

/* Numbers that the plans print: a landline and a mobile each of several countries. */
static void every_countrys_example_number_is_blocked(void **state)
{
	(void)state;
	static const char *const numbers[] = {
	    "+4930123456",    /* DE, landline */
	    "+12015550123",   /* US */
	    "+441212345678",  /* GB, landline */
	    "+447400123456",  /* GB, mobile */
	    "+33123456789",   /* FR */
	    "+33612345678",   /* FR, mobile */
	    "+358412345678",  /* FI, mobile */
	    "+819012345678",  /* JP, mobile */
	    "+5511961234567", /* BR, mobile */
	};
	struct rule_set rules = table();
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (!rule_blocked(&rules, IDENT_PHONE, numbers[i]))
			fail_msg("%s is not blocked", numbers[i]);
	}
	char nf[PHONE_E164_SIZE];
	int seen = 0;
	for (char a = 'A'; a <= 'Z'; a++) {
		for (char b = 'A'; b <= 'Z'; b++) {
			const char region[3] = {a, b, 0};
			for (int mobile = 0; mobile < 2; mobile++) {
				if (!phone_example(region, mobile, nf))
					continue;
				seen++;
				if (!rule_blocked(&rules, IDENT_PHONE, nf))
					fail_msg("%s: %s is not blocked", region, nf);
			}
		}
	}
	assert_true(seen > 450);
}

static void the_chains_own_numbers_and_domains_are_blocked(void **state)
{
	(void)state;
	struct rule_set rules = table();
	assert_null(rule_blocked(&rules, IDENT_EMAIL, "info@shop.de"));
	add(&rules, RULE_LIST_OWN, IDENT_EMAIL, "@shop.de");
	add(&rules, RULE_LIST_OWN, IDENT_PHONE, "+493022446600");
	add(&rules, RULE_LIST_BLOCKED, IDENT_EMAIL, "@wegwerf.example");
	add(&rules, RULE_LIST_BLOCKED, IDENT_EMAIL, "poster@mail.example");
	add(&rules, RULE_LIST_BLOCKED, IDENT_LOYALTY, "2600000000170");
	assert_string_equal(rule_blocked(&rules, IDENT_EMAIL, "info@shop.de"),
	                    "the chain's own domain");
	assert_string_equal(rule_blocked(&rules, IDENT_EMAIL, "x@berlin.shop.de"),
	                    "the chain's own domain");
	assert_null(rule_blocked(&rules, IDENT_EMAIL, "x@myshop.de"));
	assert_null(rule_blocked(&rules, IDENT_EMAIL, "x@shop.de.example"));
	assert_string_equal(rule_blocked(&rules, IDENT_PHONE, "+493022446600"),
	                    "the chain's own number");
	assert_null(rule_blocked(&rules, IDENT_PHONE, "+493022446601"));
	assert_non_null(rule_blocked(&rules, IDENT_EMAIL, "x@wegwerf.example"));
	assert_non_null(rule_blocked(&rules, IDENT_EMAIL, "poster@mail.example"));
	assert_null(rule_blocked(&rules, IDENT_EMAIL, "anna@mail.example"));
	assert_non_null(rule_blocked(&rules, IDENT_LOYALTY, "2600000000170"));
	rule_free(&rules);
}

static void a_list_stands_in_order_each_value_once_and_has_an_end(void **state)
{
	(void)state;
	struct rule_set rules = table();
	struct rule_value value = {.kind = IDENT_LOYALTY, .list = RULE_LIST_STAFF};
	for (int i = 0; i < RULE_VALUES_MAX; i++) {
		snprintf(value.value, sizeof value.value, "%07d", (i * 7919) % RULE_VALUES_MAX);
		snprintf(value.staff_ref, sizeof value.staff_ref, "K%d", i);
		assert_int_equal(rule_add(&rules, &value), 0);
		assert_int_equal(rule_add(&rules, &value), 0);
	}
	assert_int_equal(rules.value_count, RULE_VALUES_MAX);
	for (int i = 1; i < rules.value_count; i++)
		assert_true(strcmp(rules.value[i - 1].value, rules.value[i].value) < 0);
	strcpy(value.value, "9999999");
	assert_int_equal(rule_add(&rules, &value), -1);
	assert_string_equal(rule_staff(&rules, IDENT_LOYALTY, "0000000")->staff_ref, "K0");
	assert_null(rule_staff(&rules, IDENT_LOYALTY, "9999999"));
	assert_null(rule_staff(&rules, IDENT_PHONE, "0000000"));
	rule_free(&rules);
	assert_null(rule_staff(&rules, IDENT_LOYALTY, "0000000"));
	rule_free(&rules);
	rule_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_delivered_table_has_the_numbers_of_the_rule_book),
	    cmocka_unit_test(values_that_are_nobodys_are_blocked_from_day_one),
	    cmocka_unit_test(values_that_look_alike_and_are_somebodys_pass),
	    cmocka_unit_test(every_countrys_example_number_is_blocked),
	    cmocka_unit_test(the_chains_own_numbers_and_domains_are_blocked),
	    cmocka_unit_test(a_list_stands_in_order_each_value_once_and_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
