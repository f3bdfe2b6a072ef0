#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sync/address.h"

static const char *const two[] = {"192.0.2.1", "192.0.2.2", NULL};

static void a_numeric_host_is_its_own_address(void **state)
{
	struct address_list l = {0};
	const char *fault;
	(void)state;
	assert_string_equal(address_get(&l, "192.0.2.7", &fault), "192.0.2.7");
	address_bad(&l);
	assert_string_equal(address_get(&l, "192.0.2.7", &fault), "192.0.2.7");
	assert_null(fault);
}

static void a_name_without_an_address_says_why(void **state)
{
	struct address_list l = {0};
	const char *fault = NULL;
	(void)state;
	assert_null(address_get(&l, "no-such-host.invalid", &fault));
	assert_non_null(fault);
	address_bad(&l);
	assert_false(address_round_open(&l));
}

static void an_address_that_does_not_answer_makes_room_for_the_next(void **state)
{
	struct address_list l = {0};
	const char *fault;
	(void)state;
	address_take(&l, two);
	for (int round = 0; round < 3; round++) {
		assert_false(address_round_open(&l));
		assert_string_equal(address_get(&l, "x.invalid", &fault), two[0]);
		address_bad(&l);
		assert_true(address_round_open(&l));
		assert_string_equal(address_get(&l, "x.invalid", &fault), two[1]);
		address_bad(&l);
	}
}

static void the_one_that_answered_is_tried_first_after_a_new_look_up(void **state)
{
	static const char *const turned[] = {"192.0.2.9", "192.0.2.1", "192.0.2.2", NULL};
	struct address_list l = {0};
	(void)state;
	address_take(&l, two);
	address_bad(&l);
	address_good(&l);
	address_take(&l, turned);
	assert_string_equal(l.text[l.at], two[1]);
	address_take(&l, (const char *const[]){"192.0.2.50", NULL});
	assert_string_equal(l.text[l.at], "192.0.2.50");
}

static void without_dns_the_old_addresses_stay(void **state)
{
	struct address_list l = {0};
	const char *fault;
	(void)state;
	address_take(&l, two);
	address_good(&l); /* so that the name would be looked up now */
	assert_string_equal(address_get(&l, "no-such-host.invalid", &fault), two[0]);
	address_bad(&l);
	assert_string_equal(address_get(&l, "no-such-host.invalid", &fault), two[1]);
}

static void no_more_than_eight_addresses_are_kept(void **state)
{
	const char *many[ADDRESS_MAX + 3];
	struct address_list l = {0};
	(void)state;
	for (int i = 0; i < ADDRESS_MAX + 2; i++)
		many[i] = two[i % 2];
	many[ADDRESS_MAX + 2] = NULL;
	address_take(&l, many);
	assert_int_equal(l.count, ADDRESS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_numeric_host_is_its_own_address),
	    cmocka_unit_test(a_name_without_an_address_says_why),
	    cmocka_unit_test(an_address_that_does_not_answer_makes_room_for_the_next),
	    cmocka_unit_test(the_one_that_answered_is_tried_first_after_a_new_look_up),
	    cmocka_unit_test(without_dns_the_old_addresses_stay),
	    cmocka_unit_test(no_more_than_eight_addresses_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
