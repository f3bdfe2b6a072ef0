/* What a store may have on its way to HQ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "hq/intake/hq_credit.h"

#define S 1000000LL

static void one_store_that_hq_keeps_up_with_has_the_most(void **state)
{
	(void)state;
	assert_int_equal(hq_credit_share(0, 0), HQ_CREDIT_STORE_BYTES);
	assert_int_equal(hq_credit_share(1, 250000), HQ_CREDIT_STORE_BYTES);
	assert_int_equal(hq_credit_share(32, 0), HQ_CREDIT_STORE_BYTES);
}

static void many_stores_share_one_budget(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 100000; n = n * 3 + 1)
		assert_true(n * hq_credit_share(n, 0) <= HQ_CREDIT_TOTAL_BYTES);
	assert_int_equal(hq_credit_share(1000, 0), HQ_CREDIT_TOTAL_BYTES / 1000);
}

static void what_waits_long_at_hq_makes_the_window_small(void **state)
{
	(void)state;
	uint64_t before = hq_credit_share(10, 0);
	for (int64_t lag = 500000; lag < 600 * S; lag *= 2) {
		assert_true(hq_credit_share(10, lag) < before);
		before = hq_credit_share(10, lag);
	}
	assert_int_equal(hq_credit_share(1, 1 * S), HQ_CREDIT_STORE_BYTES / 4);
	assert_true(hq_credit_share(1, INT64_MAX) == 0);
}

/* A window that holds `lag` seconds of what HQ commits, for ever: where it comes to rest, a new
 * event waits less than 2 s behind it. */
static void the_window_of_a_slow_hq_comes_to_rest_below_two_seconds(void **state)
{
	(void)state;
	for (double rate = 100e3; rate < 50e6; rate *= 2) {
		double lag = 10;
		for (int i = 0; i < 200; i++)
			lag =
			    (lag * 3 + (double)hq_credit_share(1, (int64_t)(lag * 1e6)) / rate) / 4;
		assert_true(lag < 2);
	}
}

static void only_stores_that_send_much_count(void **state)
{
	struct hq_credit *c = hq_credit_new();
	char name[16];
	(void)state;
	for (int i = 0; i < 900; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		hq_credit_heard(c, name, 300, 10 * S);
	}
	for (int i = 0; i < 10; i++)
		hq_credit_heard(c, "busy", 40000, 10 * S);
	assert_int_equal(hq_credit_now(c, 10 * S), HQ_CREDIT_STORE_BYTES);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		hq_credit_heard(c, name, 40000, 10 * S);
	}
	assert_int_equal(hq_credit_now(c, 10 * S), HQ_CREDIT_TOTAL_BYTES / 101);
	/* the next span counts anew, and the last one still holds until it is over */
	hq_credit_heard(c, "busy", 40000, 12 * S);
	assert_int_equal(hq_credit_now(c, 12 * S), HQ_CREDIT_TOTAL_BYTES / 101);
	assert_int_equal(hq_credit_now(c, 14 * S), HQ_CREDIT_STORE_BYTES);
	hq_credit_free(c);
}

static void a_lag_counts_at_once_and_fades(void **state)
{
	struct hq_credit *c = hq_credit_new();
	(void)state;
	hq_credit_lag(c, 4 * S, 100 * S);
	assert_int_equal(hq_credit_now(c, 100 * S), HQ_CREDIT_STORE_BYTES / 16);
	hq_credit_lag(c, 0, 100 * S);
	uint64_t faded = hq_credit_now(c, 100 * S);
	assert_true(faded > HQ_CREDIT_STORE_BYTES / 16 && faded < HQ_CREDIT_STORE_BYTES / 8);
	assert_true(hq_credit_now(c, 101 * S) > faded);
	assert_int_equal(hq_credit_now(c, 105 * S), HQ_CREDIT_STORE_BYTES);
	assert_int_equal(hq_credit_now(c, 1000 * S), HQ_CREDIT_STORE_BYTES);
	hq_credit_free(c);
	hq_credit_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_store_that_hq_keeps_up_with_has_the_most),
	    cmocka_unit_test(many_stores_share_one_budget),
	    cmocka_unit_test(what_waits_long_at_hq_makes_the_window_small),
	    cmocka_unit_test(the_window_of_a_slow_hq_comes_to_rest_below_two_seconds),
	    cmocka_unit_test(only_stores_that_send_much_count),
	    cmocka_unit_test(a_lag_counts_at_once_and_fades),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
