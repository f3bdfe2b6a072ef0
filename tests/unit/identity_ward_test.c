#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "identity/ward.h"

static const struct rule_guard limits = {.persons_max = 3,
                                         .day_baskets_max = 5,
                                         .lane_baskets = 3,
                                         .lane_window_s = 1800,
                                         .clean_days = 90};

#define MINUTE_US (60 * INT64_C(1000000))
#define DAY 20778

static struct ward *w;
static uint8_t key[WARD_KEY_BYTES];
static struct ward_basket b;
static char basket[32];

static int begin(void **state)
{
	(void)state;
	w = ward_new();
	memset(key, 7, sizeof key);
	b = (struct ward_basket){.key = key,
	                         .kind = IDENT_LOYALTY,
	                         .value = "2600000000178",
	                         .ref = "reference.............",
	                         .basket_id = basket,
	                         .lane = "3",
	                         .day = DAY};
	return !w;
}

static int end(void **state)
{
	(void)state;
	ward_free(w);
	return 0;
}

/* Basket number n, so many minutes into the day. */
static enum ward_cause count(int n, int minute)
{
	snprintf(basket, sizeof basket, "basket-%d", n);
	b.at_us = b.day * (1440 * MINUTE_US) + minute * MINUTE_US;
	return ward_basket(w, &limits, &b);
}

static void the_sixth_basket_of_a_day_makes_it_shared(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(count(i, i * 60), WARD_COUNTED);
	assert_int_equal(ward_ask(w, key), GUARD_CLEAR);
	assert_int_equal(count(5, 300), WARD_DAY_BASKETS);
	assert_int_equal(ward_ask(w, key), GUARD_SHARED);
	assert_int_equal(count(6, 301), WARD_COUNTED); /* it is so already */
}

static void scans_of_one_basket_are_one(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(count(1, i), WARD_COUNTED);
	assert_int_equal(ward_ask(w, key), GUARD_CLEAR);
}

static void a_new_day_counts_anew(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		count(i, i * 60);
	b.day++;
	for (int i = 5; i < 10; i++)
		assert_int_equal(count(i, i * 60), WARD_COUNTED);
	assert_int_equal(count(10, 700), WARD_DAY_BASKETS);
}

static void the_third_basket_in_half_an_hour_on_one_lane_with_one_operator_makes_it_shared(
    void **state)
{
	(void)state;
	b.staff_ref = "K1";
	assert_int_equal(count(1, 0), WARD_COUNTED);
	assert_int_equal(count(2, 29), WARD_COUNTED);
	assert_int_equal(count(3, 31), WARD_COUNTED); /* the first is 31 minutes ago */
	assert_int_equal(count(4, 32), WARD_LANE_BASKETS);
	assert_int_equal(ward_ask(w, key), GUARD_SHARED);
}

static void other_lanes_and_other_operators_do_not_add_up(void **state)
{
	(void)state;
	b.staff_ref = "K1";
	count(1, 0);
	count(2, 1);
	b.staff_ref = "K2";
	assert_int_equal(count(3, 2), WARD_COUNTED);
	b.staff_ref = "K1";
	b.lane = "4";
	assert_int_equal(count(4, 3), WARD_COUNTED);
	b.staff_ref = NULL; /* nobody knows who serves */
	b.lane = "3";
	assert_int_equal(count(5, 4), WARD_COUNTED);
	assert_int_equal(ward_ask(w, key), GUARD_CLEAR);
}

static void it_clears_after_clean_days_and_not_before(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		count(i, i * 60);
	assert_null(ward_clean(w, DAY + 89, 90));
	/* 80 days on it happens again. */
	b.day = DAY + 80;
	for (int i = 10; i < 16; i++)
		count(i, i);
	assert_null(ward_clean(w, DAY + 90, 90));
	assert_null(ward_clean(w, DAY + 169, 90));
	const struct ward_row *row = ward_clean(w, DAY + 170, 90);
	assert_non_null(row);
	assert_string_equal(row->ref, "reference.............");
	assert_true(ward_clear(w, key));
	assert_int_equal(ward_ask(w, key), GUARD_CLEAR);
	assert_null(ward_clean(w, DAY + 1000, 90));
}

static void a_managers_word_stands_above_the_count_and_clears_by_a_person_alone(void **state)
{
	(void)state;
	assert_true(ward_set(w, &b, WARD_MANAGER, "stood on a poster"));
	assert_false(ward_set(w, &b, WARD_MANAGER, "again"));
	for (int i = 0; i < 9; i++)
		assert_int_equal(count(i, i), WARD_COUNTED);
	assert_int_equal(ward_ask(w, key), GUARD_BLOCKED);
	assert_string_equal(ward_find(w, key)->reason, "stood on a poster");
	assert_null(ward_clean(w, DAY + 5000, 90));
	assert_true(ward_clear(w, key));
	assert_false(ward_clear(w, key));
	assert_int_equal(ward_ask(w, key), GUARD_CLEAR);
}

static void a_question_does_not_bar_anybody(void **state)
{
	(void)state;
	size_t at = 0;
	assert_true(ward_set(w, &b, WARD_CONFLICT, NULL));
	assert_int_equal(ward_ask(w, key), GUARD_CLEAR);
	assert_int_equal(ward_next(w, &at)->cause, WARD_CONFLICT);
	assert_null(ward_next(w, &at));
}

static void questions_bar_nobody_from_being_counted(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 8; i++) {
		key[5] = i; /* one set */
		assert_true(ward_set(w, &b, WARD_CONFLICT, NULL));
	}
	key[5] = 100;
	for (int i = 0; i < 5; i++)
		assert_int_equal(count(i, i * 60), WARD_COUNTED);
	assert_int_equal(count(5, 300), WARD_DAY_BASKETS);
	assert_int_equal(ward_ask(w, key), GUARD_SHARED);
	/* The next one's place is that of another question: what is shared stays. */
	key[5] = 101;
	assert_true(ward_set(w, &b, WARD_MANAGER, "r"));
	key[5] = 100;
	assert_int_equal(ward_ask(w, key), GUARD_SHARED);
}

static void what_is_put_back_is_as_it_was(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		count(i, i * 60);
	const struct ward_row was = *ward_find(w, key);
	assert_true(ward_set(w, &b, WARD_MANAGER, "r"));
	ward_put_back(w, key, &was);
	assert_memory_equal(ward_find(w, key), &was, sizeof was);
	ward_put_back(w, key, NULL);
	assert_null(ward_find(w, key));
	ward_put_back(w, key, NULL);
	assert_null(ward_find(w, key));
}

static void a_snapshot_brings_everything_back(void **state)
{
	(void)state;
	struct buf one = {0}, two = {0};
	b.staff_ref = "K1";
	count(1, 0);
	count(2, 1);
	key[0] = 8;
	ward_set(w, &b, WARD_MANAGER, "a reason");
	ward_save(w, DAY, 2, &one);
	struct ward *again = ward_new();
	assert_true(ward_load(again, one.data, one.len));
	ward_save(again, DAY, 2, &two);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	ward_free(w);
	w = again;
	assert_int_equal(ward_ask(w, key), GUARD_BLOCKED);
	key[0] = 7;
	assert_int_equal(count(2, 2), WARD_COUNTED); /* known as counted */
	assert_int_equal(count(3, 3), WARD_LANE_BASKETS);
	buf_free(&one);
	buf_free(&two);
}

static void a_damaged_snapshot_is_refused_at_every_place(void **state)
{
	(void)state;
	struct buf saved = {0};
	for (int i = 0; i < 3; i++)
		count(i, i * 60);
	ward_set(w, &b, WARD_MANAGER, "a reason");
	ward_save(w, DAY, 1, &saved);
	for (size_t n = 2; n < saved.len; n++) {
		struct ward *again = ward_new();
		assert_false(ward_load(again, saved.data, n));
		ward_free(again);
	}
	for (size_t n = 0; n < saved.len; n++) {
		struct ward *again = ward_new();
		saved.data[n] ^= 0xff;
		ward_load(again, saved.data, saved.len); /* whatever it says: no harm */
		saved.data[n] ^= 0xff;
		ward_free(again);
	}
	buf_free(&saved);
}

static void memory_is_bounded_and_causes_stay(void **state)
{
	(void)state;
	uint8_t first[WARD_KEY_BYTES];
	memcpy(first, key, sizeof first);
	for (int i = 0; i < 6; i++)
		count(i, i * 60);
	for (uint32_t i = 0; i < 5 * WARD_ROWS_MAX; i++) {
		key[0] = (uint8_t)(i >> 8);
		key[1] = (uint8_t)i;
		key[2] = (uint8_t)(i >> 16);
		key[3] = 99;
		count(7, 400);
	}
	assert_int_equal(ward_ask(w, first), GUARD_SHARED);
}

static void a_mask_tells_values_apart_and_names_nobody(void **state)
{
	(void)state;
	char mask[17];
	ward_mask(IDENT_LOYALTY, "2600000000178", mask);
	assert_string_equal(mask, "…178");
	ward_mask(IDENT_PHONE, "+491701234569", mask);
	assert_string_equal(mask, "…569");
	ward_mask(IDENT_EMAIL, "anna@mail.de", mask);
	assert_string_equal(mask, "a…@…");
	ward_mask(IDENT_EMAIL, "ärger@mail.de", mask);
	assert_string_equal(mask, "ä…@…");
	ward_mask(IDENT_LOYALTY, "1234", mask);
	assert_string_equal(mask, "…");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(the_sixth_basket_of_a_day_makes_it_shared),
	    TEST(scans_of_one_basket_are_one),
	    TEST(a_new_day_counts_anew),
	    TEST(the_third_basket_in_half_an_hour_on_one_lane_with_one_operator_makes_it_shared),
	    TEST(other_lanes_and_other_operators_do_not_add_up),
	    TEST(it_clears_after_clean_days_and_not_before),
	    TEST(a_managers_word_stands_above_the_count_and_clears_by_a_person_alone),
	    TEST(a_question_does_not_bar_anybody),
	    TEST(questions_bar_nobody_from_being_counted),
	    TEST(what_is_put_back_is_as_it_was),
	    TEST(a_snapshot_brings_everything_back),
	    TEST(a_damaged_snapshot_is_refused_at_every_place),
	    TEST(memory_is_bounded_and_causes_stay),
	    TEST(a_mask_tells_values_apart_and_names_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
