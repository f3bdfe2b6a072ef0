/* So many look-ups in an hour and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/quota.h"

#define MINUTE_US (60 * INT64_C(1000000))
#define START_US (INT64_C(1795280523) * 1000000)

static int set_up(void **state)
{
	*state = quota_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	quota_free(*state);
	return 0;
}

static void the_last_of_the_hour_is_given_and_the_next_is_not(void **state)
{
	struct quota *q = *state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(quota_until(q, "K1", 20, START_US + i * MINUTE_US), 0);
		quota_count(q, "K1", START_US + i * MINUTE_US);
	}
	assert_int_equal(quota_until(q, "K1", 20, START_US + 20 * MINUTE_US),
	                 START_US + QUOTA_HOUR_US);
	assert_int_equal(quota_until(q, "K1", 21, START_US + 20 * MINUTE_US), 0);
	assert_int_equal(quota_until(q, "K2", 20, START_US + 20 * MINUTE_US), 0);
}

static void each_comes_back_an_hour_after_it_was_made_and_not_before(void **state)
{
	struct quota *q = *state;
	quota_count(q, "K1", START_US);
	quota_count(q, "K1", START_US + 30 * MINUTE_US);
	assert_true(quota_until(q, "K1", 2, START_US + QUOTA_HOUR_US - 1));
	assert_int_equal(quota_until(q, "K1", 2, START_US + QUOTA_HOUR_US), 0);
	quota_count(q, "K1", START_US + QUOTA_HOUR_US);
	assert_int_equal(quota_until(q, "K1", 2, START_US + QUOTA_HOUR_US + 1),
	                 START_US + 90 * MINUTE_US);
}

static struct quota *again(const struct quota *q, int64_t now_us)
{
	struct buf saved = {0};
	struct quota *back = quota_new();
	quota_save(q, now_us, &saved);
	assert_true(quota_load(back, now_us, saved.data, saved.len));
	buf_free(&saved);
	return back;
}

static void a_restart_gives_nobody_more(void **state)
{
	struct quota *q = *state, *back;
	for (int i = 0; i < 3; i++)
		quota_count(q, "K1", START_US + i * MINUTE_US);
	quota_count(q, "lane/3", START_US - 2 * QUOTA_HOUR_US);
	back = again(q, START_US + 5 * MINUTE_US);
	assert_int_equal(quota_until(back, "K1", 3, START_US + 5 * MINUTE_US),
	                 START_US + QUOTA_HOUR_US);
	assert_int_equal(quota_until(back, "lane/3", 1, START_US), 0);
	quota_free(back);
}

static void a_clock_that_is_set_back_gives_nobody_more(void **state)
{
	struct quota *q = *state, *back;
	quota_count(q, "K1", START_US);
	back = again(q, 20 * MINUTE_US); /* it is 1970 */
	assert_int_equal(quota_until(back, "K1", 1, 20 * MINUTE_US),
	                 20 * MINUTE_US + QUOTA_HOUR_US);
	quota_free(back);
}

static void what_is_cut_off_or_forged_is_refused_and_reads_nothing_beyond(void **state)
{
	struct quota *q = *state, *back;
	struct buf saved = {0};
	for (int i = 0; i < 3; i++)
		quota_count(q, "K1", START_US);
	quota_save(q, START_US, &saved);
	for (size_t n = 0; n < saved.len; n++) {
		uint8_t *part = malloc(n + 1);
		memcpy(part, saved.data, n);
		back = quota_new();
		assert_int_equal(quota_load(back, START_US, part, n), n == 1);
		quota_free(back);
		free(part);
	}
	buf_free(&saved);
}

static void more_cashiers_than_there_is_room_for_push_out_who_was_idle_for_longest(void **state)
{
	struct quota *q = *state;
	char who[16];
	for (int i = 0; i < QUOTA_WHO_MAX + 1; i++) {
		snprintf(who, sizeof who, "K%d", i);
		quota_count(q, who, START_US + i);
	}
	assert_int_equal(quota_until(q, "K0", 1, START_US + 1000), 0);
	assert_true(quota_until(q, "K1", 1, START_US + 1000));
	assert_true(quota_until(q, who, 1, START_US + 1000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_last_of_the_hour_is_given_and_the_next_is_not),
	    TEST(each_comes_back_an_hour_after_it_was_made_and_not_before),
	    TEST(a_restart_gives_nobody_more),
	    TEST(a_clock_that_is_set_back_gives_nobody_more),
	    TEST(what_is_cut_off_or_forged_is_refused_and_reads_nothing_beyond),
	    TEST(more_cashiers_than_there_is_room_for_push_out_who_was_idle_for_longest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
