/* Rule 9: what is forwarded carries what its person allows, or does not flow. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <jansson.h>
#include <string.h>

#include "identity/consent_object.h"

#define ALL_FALSE                                                                                  \
	"{\"categoryPreferences\":{\"loyalty\":false,\"marketing_call\":false,\"marketing_"        \
	"email\":"                                                                                 \
	"false,\"marketing_post\":false,\"marketing_push\":false,\"marketing_sms\":false,"         \
	"\"personalisation\":false,\"profiling\":false,\"recognise_by_payment\":false,"            \
	"\"sell_share\":false}}"

static struct ref ref(uint8_t n)
{
	return (struct ref){{n}};
}

static struct consent_choice grant(enum consent_purpose purpose, enum consent_channel channel,
                                   const struct ref *address)
{
	struct consent_choice c = {.id = ref(9),
	                           .purpose = purpose,
	                           .channel = channel,
	                           .value = CONSENT_GRANTED,
	                           .method = CONSENT_CONFIRMED,
	                           .from_us = 1,
	                           .to_us = 1,
	                           .unit = ref(1)};
	if (address)
		c.address = *address;
	return c;
}

static json_t *object_of(const struct consent_person *p)
{
	struct buf b = {0};
	consent_object_write(&b, p);
	json_t *root = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_int_equal(json_object_size(json_object_get(root, "categoryPreferences")),
	                 CONSENT_CATEGORY_COUNT);
	buf_free(&b);
	return root;
}

static bool says(const struct consent_person *p, const char *category)
{
	json_t *root = object_of(p);
	bool yes =
	    json_is_true(json_object_get(json_object_get(root, "categoryPreferences"), category));
	json_decref(root);
	return yes;
}

static void categories_are_read_as_they_are_written_and_sorted(void **state)
{
	(void)state;
	for (int c = 0; c <= CONSENT_CATEGORY_COUNT; c++)
		assert_int_equal(
		    consent_category_named(consent_category_name((enum consent_category)c)), c);
	for (int c = 1; c < CONSENT_CATEGORY_COUNT; c++)
		assert_true(strcmp(consent_category_name((enum consent_category)(c - 1)),
		                   consent_category_name((enum consent_category)c)) < 0);
}

static void of_whom_nothing_is_recorded_everything_is_false(void **state)
{
	(void)state;
	struct ref unit = ref(1);
	struct consent_person p = {.unit = &unit, .unit_count = 1};
	struct buf b = {0};
	consent_object_write(&b, &p);
	buf_byte(&b, 0);
	assert_string_equal((char *)b.data, ALL_FALSE);
	buf_free(&b);
}

static void marketing_is_told_by_channel_and_only_where_each_address_may_be_written_to(void **state)
{
	(void)state;
	struct ref unit = ref(1), home = ref(20), work = ref(21);
	struct consent_choice choices[] = {
	    grant(CONSENT_MARKETING, CONSENT_EMAIL, &home),
	    grant(CONSENT_MARKETING, CONSENT_EMAIL, &work),
	    grant(CONSENT_MARKETING, CONSENT_POST, NULL),
	    grant(CONSENT_LOYALTY, CONSENT_ANY, NULL),
	};
	struct consent_address addresses[] = {{CONSENT_EMAIL, home, NULL},
	                                      {CONSENT_EMAIL, work, NULL}};
	struct consent_person p = {.choice = choices,
	                           .choice_count = 4,
	                           .unit = &unit,
	                           .unit_count = 1,
	                           .address = addresses,
	                           .address_count = 2};
	assert_true(says(&p, "marketing_email"));
	assert_true(says(&p, "marketing_post"));
	assert_true(says(&p, "loyalty"));
	assert_false(says(&p, "marketing_sms")); /* no such address */
	choices[1].value = CONSENT_REFUSED;
	assert_false(says(&p, "marketing_email"));
	p.address_count = 1;
	assert_true(says(&p, "marketing_email"));
	p.restricted = true;
	assert_false(says(&p, "marketing_email"));
	assert_true(says(&p, "loyalty"));
}

static void each_category_is_explained_in_one_line(void **state)
{
	(void)state;
	struct ref unit = ref(1), home = ref(20);
	struct consent_choice choices[] = {grant(CONSENT_MARKETING, CONSENT_EMAIL, &home),
	                                   grant(CONSENT_LOYALTY, CONSENT_ANY, NULL)};
	struct consent_address address = {CONSENT_EMAIL, home, "a***@example.org"};
	struct consent_person p = {.choice = choices,
	                           .choice_count = 2,
	                           .unit = &unit,
	                           .unit_count = 1,
	                           .address = &address,
	                           .address_count = 1};
	struct buf b = {0};
	choices[0].method = CONSENT_TILL;
	choices[0].to_us = 1000001;
	consent_why(&p, &b);
	buf_byte(&b, 0);
	assert_string_equal(
	    (char *)b.data,
	    "consent loyalty: yes, latest; granted by confirmed 1970-01-01T00:00:00.000Z, choice "
	    "CQAAAAAAAAAAAAAAAAAAAA\n"
	    "consent marketing_call: no, there is no such address\n"
	    "consent marketing_email to a***@example.org: no, pending; granted by till "
	    "1970-01-01T00:00:00.000Z to 1970-01-01T00:00:01.000Z, choice CQAAAAAAAAAAAAAAAAAAAA\n"
	    "consent marketing_post: no, nothing_recorded\n"
	    "consent marketing_push: no, nothing_recorded\n"
	    "consent marketing_sms: no, there is no such address\n"
	    "consent personalisation: no, nothing_recorded\n"
	    "consent profiling: no, nothing_recorded\n"
	    "consent recognise_by_payment: no, nothing_recorded\n"
	    "consent sell_share: no, nothing_recorded\n");
	buf_free(&b);
}

/* Without the one that is named alone the answer would be the same. */
static void choices_that_say_the_same_are_named_together(void **state)
{
	(void)state;
	struct ref unit = ref(1);
	struct consent_choice choices[] = {grant(CONSENT_LOYALTY, CONSENT_ANY, NULL),
	                                   grant(CONSENT_LOYALTY, CONSENT_ANY, NULL),
	                                   grant(CONSENT_LOYALTY, CONSENT_ANY, NULL)};
	struct consent_person p = {
	    .choice = choices, .choice_count = 3, .unit = &unit, .unit_count = 1};
	struct buf b = {0};
	for (int i = 0; i < 3; i++) {
		choices[i].id = ref((uint8_t)(10 + i));
		choices[i].from_us = choices[i].to_us = i;
	}
	choices[0].value = CONSENT_WITHDRAWN;
	consent_why(&p, &b);
	buf_byte(&b, 0);
	char *end = strchr((char *)b.data, '\n');
	*end = '\0';
	assert_non_null(strstr((char *)b.data, "yes, latest; granted"));
	assert_non_null(strstr((char *)b.data, "choice DAAA"));
	assert_non_null(strstr((char *)b.data, "; also granted"));
	assert_non_null(strstr((char *)b.data, "choice CwAA"));
	assert_null(strstr((char *)b.data, "choice CgAA"));
	buf_free(&b);
}

static const char *forward(const struct consent_route *route, const char *event)
{
	json_t *root = event ? json_loads(event, 0, NULL) : NULL;
	const char *why = consent_forward(route, root);
	json_decref(root);
	return why;
}

#define EVENT_WITH(consent) "{\"event\":\"Order Completed\",\"context\":{" consent "}}"
#define PREFERENCES(text) EVENT_WITH("\"consent\":{\"categoryPreferences\":{" text "}}")

static void an_event_flows_only_where_all_that_its_destination_needs_is_allowed(void **state)
{
	(void)state;
	struct consent_route mail = {.needs = 1U << CONSENT_CATEGORY_MARKETING_EMAIL |
	                                      1U << CONSENT_CATEGORY_PROFILING};
	assert_null(forward(&mail, PREFERENCES("\"marketing_email\":true,\"profiling\":true")));
	assert_string_equal(
	    forward(&mail, PREFERENCES("\"marketing_email\":true,\"profiling\":false")),
	    "not_allowed");
	assert_string_equal(forward(&mail, PREFERENCES("\"marketing_email\":true")), "not_allowed");
	assert_string_equal(
	    forward(&mail, PREFERENCES("\"marketing_email\":true,\"profiling\":\"true\"")),
	    "not_allowed");
}

static void an_event_without_a_consent_object_does_not_flow(void **state)
{
	(void)state;
	struct consent_route any = {.needs = 1U << CONSENT_CATEGORY_LOYALTY};
	assert_string_equal(forward(&any, EVENT_WITH("")), "no_consent_object");
	assert_string_equal(forward(&any, EVENT_WITH("\"consent\":{}")), "no_consent_object");
	assert_string_equal(forward(&any, EVENT_WITH("\"consent\":true")), "no_consent_object");
	assert_string_equal(forward(&any, "[]"), "no_consent_object");
	assert_string_equal(forward(&any, NULL), "no_consent_object");
}

static void a_destination_that_names_no_category_gets_nothing(void **state)
{
	(void)state;
	struct consent_route none = {.needs = 0}, unknown = {.needs = 1U << CONSENT_CATEGORY_COUNT};
	assert_string_equal(forward(&none, PREFERENCES("\"loyalty\":true")), "no_category");
	assert_string_equal(forward(&unknown, PREFERENCES("\"loyalty\":true")), "no_category");
}

static void the_suppression_webhook_flows_with_what_it_may_carry_and_no_more(void **state)
{
	(void)state;
	struct consent_route stop = {.suppression = true};
	assert_null(forward(&stop,
	                    "{\"type\":\"suppress\",\"customer_id\":\"C000017\",\"order_id\":"
	                    "\"s1/T3/2026-11-21/0042\",\"time\":\"2026-11-21T17:02:03.123Z\"}"));
	assert_string_equal(
	    forward(&stop,
	            "{\"type\":\"suppress\",\"customer_id\":\"C000017\",\"total\":\"12.10\"}"),
	    "more_than_suppression");
	assert_string_equal(forward(&stop, "{\"customer_id\":{\"name\":\"Anna\"}}"),
	                    "more_than_suppression");
	assert_string_equal(forward(&stop, "{}"), "more_than_suppression");
	assert_string_equal(forward(&stop, NULL), "more_than_suppression");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(categories_are_read_as_they_are_written_and_sorted),
	    cmocka_unit_test(each_category_is_explained_in_one_line),
	    cmocka_unit_test(choices_that_say_the_same_are_named_together),
	    cmocka_unit_test(of_whom_nothing_is_recorded_everything_is_false),
	    cmocka_unit_test(
	        marketing_is_told_by_channel_and_only_where_each_address_may_be_written_to),
	    cmocka_unit_test(an_event_flows_only_where_all_that_its_destination_needs_is_allowed),
	    cmocka_unit_test(an_event_without_a_consent_object_does_not_flow),
	    cmocka_unit_test(a_destination_that_names_no_category_gets_nothing),
	    cmocka_unit_test(the_suppression_webhook_flows_with_what_it_may_carry_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
