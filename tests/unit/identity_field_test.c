/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/clock.h"
#include "identity/field.h"

static struct ref ref(uint8_t n)
{
	struct ref r = {{0}};
	r.byte[15] = n;
	return r;
}

static struct field_fact fact(enum field f, const char *value, const char *source, int64_t at_s,
                              uint8_t id)
{
	return (struct field_fact){.field = f,
	                           .id = ref(id),
	                           .unit = ref(200),
	                           .value = value,
	                           .source = source,
	                           .trust = field_trust(NULL, f, source),
	                           .from_us = at_s * 1000000,
	                           .to_us = at_s * 1000000};
}

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *stands(const struct field_fact *facts, size_t n, enum field f)
{
	size_t winner[FIELD_COUNT];
	field_choose(facts, n, winner);
	return winner[f] == n ? NULL : facts[winner[f]].value;
}

static void names_and_sources_are_read_as_they_are_written(void **state)
{
	(void)state;
	for (int f = 0; f < FIELD_COUNT; f++)
		assert_int_equal(field_named(field_name((enum field)f)), f);
	for (int s = 0; s < FIELD_SOURCE_COUNT; s++)
		assert_int_equal(field_source_named(field_source_name((enum field_source)s)), s);
	assert_int_equal(field_named("shoe_size"), FIELD_COUNT);
	assert_int_equal(field_source_named("rumour"), FIELD_SOURCE_COUNT);
	assert_string_equal(field_name(FIELD_COUNT), "");
}

static void what_the_customer_says_beats_all_but_a_steward(void **state)
{
	(void)state;
	static const enum field contact[] = {FIELD_FIRST_NAME, FIELD_STREET,  FIELD_POSTCODE,
	                                     FIELD_CITY,       FIELD_COUNTRY, FIELD_LANGUAGE};
	for (size_t i = 0; i < COUNT(contact); i++) {
		int customer = field_trust(NULL, contact[i], "customer");
		assert_true(field_trust(NULL, contact[i], "steward") > customer);
		assert_true(customer > field_trust(NULL, contact[i], "manager"));
		assert_true(field_trust(NULL, contact[i], "manager") >
		            field_trust(NULL, contact[i], "till"));
		assert_true(field_trust(NULL, contact[i], "till") >
		            field_trust(NULL, contact[i], "import"));
		assert_true(field_trust(NULL, contact[i], "import") >
		            field_trust(NULL, contact[i], "derived"));
	}
	assert_int_equal(field_trust(NULL, FIELD_CITY, "rumour"), 0);
}

static void tier_and_state_never_come_from_a_till(void **state)
{
	(void)state;
	static const char *const no_say[] = {"till", "manager", "customer", "derived"};
	for (size_t i = 0; i < COUNT(no_say); i++) {
		enum field_source s = field_source_named(no_say[i]);
		assert_int_equal(field_trust(NULL, FIELD_TIER, no_say[i]), 0);
		assert_int_equal(field_trust(NULL, FIELD_STATE, no_say[i]), 0);
		assert_non_null(field_trust_fault(FIELD_TIER, s, 1));
		assert_null(field_trust_fault(FIELD_TIER, s, 0));
		assert_null(field_trust_fault(FIELD_CITY, s, 100));
	}
	assert_non_null(field_trust_fault(FIELD_CITY, FIELD_TILL, 101));
	assert_non_null(field_trust_fault(FIELD_CITY, FIELD_TILL, -1));
	struct field_fact said[] = {fact(FIELD_TIER, "gold", "till", 100, 1)};
	assert_null(stands(said, 1, FIELD_TIER));
}

static void a_hierarchy_of_ones_own_takes_the_place_of_the_default(void **state)
{
	(void)state;
	struct field_trust own;
	field_trust_defaults(&own);
	assert_int_equal(field_trust(&own, FIELD_CITY, "till"),
	                 field_trust(NULL, FIELD_CITY, "till"));
	own.trust[FIELD_CITY][FIELD_TILL] = 99;
	assert_int_equal(field_trust(&own, FIELD_CITY, "till"), 99);
}

static void more_trust_stands_before_what_is_newer(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_CITY, "Kiel", "customer", 100, 1),
	                            fact(FIELD_CITY, "Bonn", "till", 900, 2)};
	assert_string_equal(stands(said, 2, FIELD_CITY), "Kiel");
}

static void a_late_fact_goes_into_the_history(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_CITY, "Bonn", "till", 900, 1),
	                            fact(FIELD_CITY, "Kiel", "till", 100, 2)};
	struct field_stand s[COUNT(said)];
	assert_string_equal(stands(said, 2, FIELD_CITY), "Bonn");
	assert_int_equal(field_stand(said, 2, s), 1);
	assert_int_equal(s[0].fact, 0);
	assert_int_equal(s[0].before, 1);
}

static void a_fact_of_uncertain_time_gives_way_to_one_that_may_be_newer(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_CITY, "Bonn", "till", 500, 1),
	                            fact(FIELD_CITY, "Kiel", "till", 100, 2)};
	said[1].to_us = 900000000;
	assert_string_equal(stands(said, 2, FIELD_CITY), "Bonn");
	said[1].from_us = 501000000;
	assert_string_equal(stands(said, 2, FIELD_CITY), "Kiel");
}

static void facts_of_one_moment_have_an_order_too(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_CITY, "Bonn", "till", 500, 1),
	                            fact(FIELD_CITY, "Kiel", "till", 500, 2)};
	assert_string_equal(stands(said, 2, FIELD_CITY), "Kiel");
	said[0].id = said[1].id;
	assert_true(field_wins(&said[1], &said[0]) != field_wins(&said[0], &said[1]));
	assert_false(field_wins(&said[0], &said[0]));
}

static void facts_of_one_millisecond_stand_as_where_no_more_of_their_time_is_told(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_CITY, "Bonn", "import", 500, 2),
	                            fact(FIELD_CITY, "Kiel", "import", 500, 1)};
	said[0].from_us += 100;
	said[0].to_us += 100;
	said[1].from_us += 900;
	said[1].to_us += 900;
	assert_string_equal(stands(said, 2, FIELD_CITY), "Bonn");
	for (size_t i = 0; i < COUNT(said); i++) {
		said[i].from_us = clock_whole_ms(said[i].from_us, false);
		said[i].to_us = clock_whole_ms(said[i].to_us, true);
	}
	assert_string_equal(stands(said, 2, FIELD_CITY), "Bonn");
	said[1].from_us += 1000;
	said[1].to_us += 1000;
	assert_string_equal(stands(said, 2, FIELD_CITY), "Kiel");
}

static void a_field_that_was_taken_back_stands_without_a_value(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_CITY, "Bonn", "till", 500, 1),
	                            fact(FIELD_CITY, NULL, "till", 600, 2)};
	size_t winner[FIELD_COUNT];
	field_choose(said, 2, winner);
	assert_int_equal(winner[FIELD_CITY], 1);
}

#define CLAIM_1 "AAAAAAAAAAAAAAAAAAAACQ"
#define CLAIM_2 "AAAAAAAAAAAAAAAAAAAACA"

static void whether_an_address_is_good_is_told_for_each_address(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_CONTACT, CLAIM_1 ":ok", "customer", 100, 1),
	                            fact(FIELD_CONTACT, CLAIM_2 ":ok", "customer", 100, 2),
	                            fact(FIELD_CONTACT, CLAIM_1 ":bounced", "derived", 200, 3),
	                            fact(FIELD_CONTACT, CLAIM_2 ":", "customer", 200, 4)};
	struct field_stand s[COUNT(said)];
	assert_int_equal(field_stand(said, 4, s), 2);
	assert_int_equal(s[0].fact, 3);
	assert_int_equal(s[0].before, 1);
	assert_true(field_taken_back(&said[3]));
	assert_int_equal(s[1].fact, 2); /* a bounce is newer than what the customer said */
	assert_int_equal(s[1].before, 0);
	assert_false(field_taken_back(&said[2]));
}

static void expect_form(const char *name, const char *form)
{
	char out[65];
	field_compare_form(name, out, sizeof out);
	assert_string_equal(out, form);
}

static void first_names_are_compared_without_case_marks_and_second_names(void **state)
{
	(void)state;
	expect_form("Anna", "anna");
	expect_form("  ANNA Maria", "anna");
	expect_form("Anna-Maria", "annamaria");
	expect_form("Ren\xc3\xa9", "rene");
	expect_form("Rene\xcc\x81", "rene");
	expect_form("J\xc3\xbcrgen", "jurgen");
	expect_form("\xc5\x81ukasz", "lukasz");       /* stroke */
	expect_form("S\xc3\xb8ren", "soren");         /* stroke */
	expect_form("I\xc5\x9e\x49L", "isil");        /* Turkish capitals */
	expect_form("I\xc5\x9f\xc4\xb1l", "isil");    /* and small ones */
	expect_form("\xc4\xb0pek", "ipek");           /* capital I with a dot */
	expect_form("\xef\xbc\xa1\xef\xbc\x8e", "a"); /* full width */
	expect_form("\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0", "\xd0\xb0\xd0\xbd\xd0\xbd\xd0\xb0");
	expect_form("\xe0\xa4\xb0\xe0\xa5\x80\xe0\xa4\xa4\xe0\xa4\xbe",
	            "\xe0\xa4\xb0\xe0\xa5\x80\xe0\xa4\xa4\xe0\xa4\xbe"); /* vowels of Rita stay */
	expect_form("O\xe2\x80\x99"
	            "Brien",
	            "obrien");
	expect_form("", "");
	expect_form("\xf0\x9f\x99\x82", "");
	expect_form("...", "");
	expect_form("\xff\xfe", "");
}

static void a_form_is_cut_between_characters(void **state)
{
	(void)state;
	char out[4];
	field_compare_form("\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0", out, sizeof out);
	assert_string_equal(out, "\xd0\xb0");
	char name[2000];
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	field_compare_form(name, out, sizeof out);
	assert_string_equal(out, "");
}

static void expect_why(const struct field_fact *facts, size_t n, bool masked, const char *text)
{
	struct buf b = {0};
	field_why(facts, n, masked, &b);
	assert_false(b.failed);
	buf_byte(&b, 0);
	assert_string_equal((const char *)b.data, text);
	buf_free(&b);
}

#define ID_1 "AAAAAAAAAAAAAAAAAAAAAQ"
#define ID_2 "AAAAAAAAAAAAAAAAAAAAAg"
#define ID_3 "AAAAAAAAAAAAAAAAAAAAAw"

static void each_value_is_explained_in_one_line(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_FIRST_NAME, "Ana", "import", 86400, 1),
	                            fact(FIELD_FIRST_NAME, "\xc3\x84nne", "till", 172800, 2),
	                            fact(FIELD_TIER, "gold", "hq", 0, 3)};
	said[1].to_us += 5000000;
	expect_why(said, 3, false,
	           "first_name: \xc3\x84nne; till 1970-01-03T00:00:00.000Z to "
	           "1970-01-03T00:00:05.000Z, trust 40, fact " ID_2
	           "; before it: Ana; import 1970-01-02T00:00:00.000Z, trust 30, fact " ID_1 "\n"
	           "tier: gold; hq 1970-01-01T00:00:00.000Z, trust 50, fact " ID_3 "\n");
	expect_why(said, 3, true,
	           "first_name: \xc3\x84***; till 1970-01-03T00:00:00.000Z to "
	           "1970-01-03T00:00:05.000Z, trust 40, fact " ID_2
	           "; before it: A**; import 1970-01-02T00:00:00.000Z, trust 30, fact " ID_1 "\n"
	           "tier: gold; hq 1970-01-01T00:00:00.000Z, trust 50, fact " ID_3 "\n");
	expect_why(NULL, 0, false, "");
}

static void facts_that_say_the_same_are_named_together(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_CITY, "Bonn", "import", 0, 1),
	                            fact(FIELD_CITY, "Bonn", "till", 0, 2),
	                            fact(FIELD_CITY, NULL, "derived", 0, 3)};
	expect_why(
	    said, 3, false,
	    "city: Bonn; till 1970-01-01T00:00:00.000Z, trust 40, fact " ID_2
	    "; also import 1970-01-01T00:00:00.000Z, trust 30, fact " ID_1
	    "; before it: (taken back); derived 1970-01-01T00:00:00.000Z, trust 10, fact " ID_3
	    "\n");
}

static void a_value_never_breaks_its_line(void **state)
{
	(void)state;
	struct field_fact said[] = {fact(FIELD_NOTE, "a\nstate: active", "till", 0, 1)};
	expect_why(said, 1, false,
	           "note: (15 bytes that are no text); till 1970-01-01T00:00:00.000Z, trust 50, "
	           "fact " ID_1 "\n");
}

/* One name at both ends: whoever took it apart has said it last. */
static void a_whole_name_is_put_together_where_somebody_took_it_apart(void **state)
{
	const char *value[FIELD_COUNT] = {NULL};
	char out[12];

	(void)state;
	field_whole_name(value, out, sizeof out);
	assert_string_equal(out, "");
	value[FIELD_NAME] = "Anna Berg";
	value[FIELD_FIRST_NAME] = "Anna";
	field_whole_name(value, out, sizeof out);
	assert_string_equal(out, "Anna Berg");
	value[FIELD_LAST_NAME] = "Lind";
	field_whole_name(value, out, sizeof out);
	assert_string_equal(out, "Anna Lind");
	value[FIELD_FIRST_NAME] = "";
	field_whole_name(value, out, sizeof out);
	assert_string_equal(out, "Lind");
	value[FIELD_FIRST_NAME] = "Maximiliane"; /* fills it */
	field_whole_name(value, out, sizeof out);
	assert_string_equal(out, "Maximiliane");
	value[FIELD_FIRST_NAME] = "Anna";
	value[FIELD_LAST_NAME] = "Berger\xc3\xbc";
	field_whole_name(value, out, sizeof out);
	assert_string_equal(out, "Anna Berger");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_and_sources_are_read_as_they_are_written),
	    cmocka_unit_test(what_the_customer_says_beats_all_but_a_steward),
	    cmocka_unit_test(tier_and_state_never_come_from_a_till),
	    cmocka_unit_test(a_hierarchy_of_ones_own_takes_the_place_of_the_default),
	    cmocka_unit_test(more_trust_stands_before_what_is_newer),
	    cmocka_unit_test(a_late_fact_goes_into_the_history),
	    cmocka_unit_test(a_fact_of_uncertain_time_gives_way_to_one_that_may_be_newer),
	    cmocka_unit_test(facts_of_one_moment_have_an_order_too),
	    cmocka_unit_test(facts_of_one_millisecond_stand_as_where_no_more_of_their_time_is_told),
	    cmocka_unit_test(a_field_that_was_taken_back_stands_without_a_value),
	    cmocka_unit_test(whether_an_address_is_good_is_told_for_each_address),
	    cmocka_unit_test(first_names_are_compared_without_case_marks_and_second_names),
	    cmocka_unit_test(a_form_is_cut_between_characters),
	    cmocka_unit_test(each_value_is_explained_in_one_line),
	    cmocka_unit_test(facts_that_say_the_same_are_named_together),
	    cmocka_unit_test(a_whole_name_is_put_together_where_somebody_took_it_apart),
	    cmocka_unit_test(a_value_never_breaks_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
