#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <stdlib.h>

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

/* ---- over a restart ---- */

/* What stands in the journal: sets as they were saved last. */
struct disk {
	struct buf set[WARD_SETS];
};

static int commit(struct ward *from, struct disk *to)
{
	int sets = 0;
	for (size_t set = 0; ward_unsaved(from, &set); set++, sets++) {
		buf_reset(&to->set[set]);
		ward_save(from, set, &to->set[set]);
		assert_false(to->set[set].failed);
	}
	return sets;
}

static struct ward *load(const struct disk *from)
{
	struct ward *again = ward_new();
	size_t set = 0;
	assert_non_null(again);
	for (size_t i = 0; i < WARD_SETS; i++) {
		if (from->set[i].len)
			assert_true(ward_load(again, from->set[i].data, from->set[i].len));
	}
	assert_false(ward_unsaved(again, &set));
	return again;
}

static void disk_copy(struct disk *to, const struct disk *from)
{
	for (size_t i = 0; i < WARD_SETS; i++) {
		buf_reset(&to->set[i]);
		buf_add(&to->set[i], from->set[i].data, from->set[i].len);
	}
}

static void disk_free(struct disk *d)
{
	for (size_t i = 0; i < WARD_SETS; i++)
		buf_free(&d->set[i]);
	free(d);
}

static void a_basket_costs_one_set_and_brings_it_back(void **state)
{
	(void)state;
	struct disk *disk = calloc(1, sizeof *disk);
	b.staff_ref = "K1";
	count(1, 0);
	assert_int_equal(commit(w, disk), 1);
	count(2, 1);
	key[0] = 8;
	ward_set(w, &b, WARD_MANAGER, "a reason");
	assert_int_equal(commit(w, disk), 2);
	assert_int_equal(commit(w, disk), 0);
	struct ward *again = load(disk);
	disk_free(disk);
	ward_free(w);
	w = again;
	assert_int_equal(ward_ask(w, key), GUARD_BLOCKED);
	key[0] = 7;
	assert_int_equal(count(2, 2), WARD_COUNTED); /* known as counted */
	assert_int_equal(count(3, 3), WARD_LANE_BASKETS);
}

#define CARDS 37

/* Twelve to a set: more than it holds. */
static void card_key(uint32_t card)
{
	memset(key, 0, sizeof key);
	key[0] = (uint8_t)(card / 12);
	key[5] = (uint8_t)card;
}

/* One of a store's days at the guards: the n-th thing that happens, always the same. */
static enum ward_cause happens(unsigned n)
{
	static const char *const staff[] = {NULL, "K1", "K2"};
	uint32_t r = n * 2654435761U ^ n >> 7;
	card_key(r % CARDS);
	r ^= r >> 15;
	b.staff_ref = staff[r / 64 % 3];
	b.day = DAY + (int32_t)n / 150;
	snprintf(basket, sizeof basket, "basket-%u", n - r / 256 % 3); /* some twice */
	b.at_us = (int64_t)n * 3 * MINUTE_US;
	if (r % 41 == 0)
		return ward_set(w, &b, r % 3 ? WARD_CONFLICT : WARD_MANAGER, "a reason");
	if (r % 43 == 0)
		return ward_clear(w, key);
	if (r % 47 == 0)
		return ward_forget(w, b.day, b.at_us - 30 * MINUTE_US);
	return ward_basket(w, &limits, &b);
}

#define HAPPEN 900
#define UNDONE_MAX 3 /* commits that a cut takes back; their senders say them again */

/* Fill said with what each one led to, and w with what is known in the end. */
static void a_run(unsigned seed, bool restarts, enum ward_cause said[HAPPEN])
{
	struct disk *disk[UNDONE_MAX + 1];
	unsigned seen = 0;
	for (size_t i = 0; i <= UNDONE_MAX; i++)
		disk[i] = calloc(1, sizeof *disk[i]);
	for (unsigned n = 0; n < HAPPEN; n++) {
		said[n] = happens(n);
		struct disk *oldest = disk[UNDONE_MAX];
		memmove(disk + 1, disk, UNDONE_MAX * sizeof disk[0]);
		disk[0] = oldest;
		disk_copy(disk[0], disk[1]);
		commit(w, disk[0]);
		seed = seed * 1103515245 + 12345;
		if (!restarts || seed >> 16 & 7 || n < seen)
			continue;
		unsigned undone = seed >> 20 & UNDONE_MAX;
		if (undone > n)
			undone = n;
		ward_free(w);
		w = load(disk[undone]);
		for (size_t i = 0; i <= UNDONE_MAX; i++)
			if (i < undone)
				disk_copy(disk[i], disk[undone]);
		seen = n + UNDONE_MAX + 1; /* what was undone stays as far back as disks go */
		n -= undone;
	}
	for (size_t i = 0; i <= UNDONE_MAX; i++)
		disk_free(disk[i]);
}

/* What is known, in an order of its own: a row may stand elsewhere in its set after a restart. */
static void rows_of(struct buf *out)
{
	buf_reset(out);
	for (uint32_t card = 0; card < CARDS; card++) {
		struct ward *alone = ward_new();
		size_t set = 0;
		card_key(card);
		const struct ward_row *row = ward_find(w, key);
		if (row)
			ward_put_back(alone, key, row);
		if (ward_unsaved(alone, &set))
			ward_save(alone, set, out);
		buf_byte(out, row != NULL);
		ward_free(alone);
	}
}

static void counts_are_the_same_with_restarts_at_any_place_power_cuts_included(void **state)
{
	(void)state;
	static enum ward_cause straight[HAPPEN], cut[HAPPEN];
	struct buf one = {0}, two = {0};
	a_run(0, false, straight);
	rows_of(&one);
	for (unsigned seed = 1; seed <= 20; seed++) {
		ward_free(w);
		w = ward_new();
		a_run(seed, true, cut);
		rows_of(&two);
		if (memcmp(straight, cut, sizeof cut) != 0 || one.len != two.len ||
		    memcmp(one.data, two.data, one.len) != 0)
			fail_msg("seed %u: another count than without a restart", seed);
	}
	buf_free(&one);
	buf_free(&two);
}

static void what_decides_nothing_any_more_is_let_go(void **state)
{
	(void)state;
	size_t set = 0;
	count(1, 1430);
	key[5] = 1;
	count(2, 100);
	key[5] = 2;
	ward_set(w, &b, WARD_CONFLICT, NULL);
	assert_false(ward_forget(w, DAY, b.at_us)); /* its day goes on */
	/* After the day's end a basket of its last minutes counts on its lane still. */
	assert_true(ward_forget(w, DAY + 1, (DAY * INT64_C(1440) + 1420) * MINUTE_US));
	key[5] = 1;
	assert_null(ward_find(w, key));
	key[5] = 2;
	assert_non_null(ward_find(w, key));
	key[5] = 7;
	assert_non_null(ward_find(w, key));
	assert_true(ward_forget(w, DAY + 1, (DAY * INT64_C(1440) + 1440) * MINUTE_US));
	assert_null(ward_find(w, key));
	assert_true(ward_unsaved(w, &set));
}

static void what_the_journal_refuses_does_not_count(void **state)
{
	(void)state;
	b.staff_ref = "K1";
	count(1, 0);
	count(2, 1);
	const struct ward_row was = *ward_find(w, key);
	assert_int_equal(count(3, 2), WARD_LANE_BASKETS);
	ward_uncount(w, key, basket, &was);
	assert_int_equal(ward_ask(w, key), GUARD_CLEAR);
	assert_int_equal(ward_find(w, key)->baskets, 2);
	assert_false(ward_counted(w, key, basket));
	assert_true(ward_counted(w, key, "basket-2"));
	assert_int_equal(count(3, 2), WARD_LANE_BASKETS); /* said again */
}

/* A row of the release before, which wrote all of them under one name. */
static void what_an_older_release_saved_is_read(void **state)
{
	(void)state;
	struct buf old = {0};
	size_t set = 0;
	buf_byte(&old, 1);
	buf_add(&old, key, sizeof key);
	buf_byte(&old, WARD_MANAGER);
	buf_add(&old,
	        "\7loyalty\0\6\xe2\x80\xa6"
	        "178\6poster",
	        23);
	for (int i = 0; i < 3; i++)
		buf_be32(&old, DAY);
	buf_be32(&old, 2);
	buf_byte(&old, 2);
	for (uint32_t i = 0; i < WARD_RECENT; i++) {
		buf_be32(&old, i < 2 ? i + 1 : 0);
		buf_be32(&old, 0);
		buf_be64(&old, 0);
	}
	assert_true(ward_load(w, old.data, old.len));
	assert_int_equal(ward_ask(w, key), GUARD_BLOCKED);
	assert_string_equal(ward_find(w, key)->reason, "poster");
	assert_int_equal(ward_find(w, key)->baskets, 2);
	assert_true(ward_unsaved(w, &set)); /* it is written anew */
	buf_free(&old);
}

static void a_damaged_snapshot_is_refused_at_every_place(void **state)
{
	(void)state;
	struct buf saved = {0};
	for (int i = 0; i < 3; i++)
		count(i, i * 60);
	ward_set(w, &b, WARD_MANAGER, "a reason");
	size_t set = 0;
	assert_true(ward_unsaved(w, &set));
	ward_save(w, set, &saved);
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
	    TEST(a_basket_costs_one_set_and_brings_it_back),
	    TEST(counts_are_the_same_with_restarts_at_any_place_power_cuts_included),
	    TEST(what_decides_nothing_any_more_is_let_go),
	    TEST(what_the_journal_refuses_does_not_count),
	    TEST(what_an_older_release_saved_is_read),
	    TEST(a_damaged_snapshot_is_refused_at_every_place),
	    TEST(memory_is_bounded_and_causes_stay),
	    TEST(a_mask_tells_values_apart_and_names_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
