#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/window.h"

#define HOUR_US (3600 * 1000000LL)
#define NOW_US (20000 * 24 * HOUR_US)

static const uint8_t epoch_a[EVENT_EPOCH_BYTES] = "epoch-a", epoch_b[EVENT_EPOCH_BYTES] = "epoch-b";

static struct entry_id id_of(const char *source, const char *session, uint64_t counter)
{
	struct entry_id id = {.counter = counter};
	strcpy(id.source, source);
	strcpy(id.session, session);
	memset(id.body, (int)counter + 1, sizeof(id.body));
	return id;
}

static struct entry_id till(uint64_t counter)
{
	return id_of("till:T3", "s", counter);
}

static void keep(struct window *w, uint64_t counter, int64_t wall_us)
{
	struct entry_id id = till(counter);
	assert_int_equal(window_kept(w, &id, epoch_a, counter * 10, 2, wall_us), 0);
}

static enum window_verdict ask(const struct window *w, uint64_t counter)
{
	struct window_slot slot;
	struct entry_id id = till(counter);
	return window_ask(w, &id, &slot);
}

static int set_up(void **state)
{
	*state = window_new(72 * HOUR_US, 1000);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	window_free(*state);
	return 0;
}

static void a_message_that_was_not_seen_is_new(void **state)
{
	assert_int_equal(ask(*state, 1), WINDOW_NEW);
	keep(*state, 5, NOW_US);
	assert_int_equal(ask(*state, 4), WINDOW_NEW);
	assert_int_equal(ask(*state, 6), WINDOW_NEW);
}

static void a_kept_message_sent_again_gets_the_first_answer(void **state)
{
	struct window_slot slot;
	struct entry_id id = till(7);
	keep(*state, 7, NOW_US);
	assert_int_equal(window_ask(*state, &id, &slot), WINDOW_KEPT);
	assert_memory_equal(slot.epoch, epoch_a, sizeof(slot.epoch));
	assert_int_equal(slot.seq, 70);
	assert_int_equal(slot.count, 2);
	assert_null(slot.queued);
}

static void a_queued_message_sent_again_waits_for_the_first_copy(void **state)
{
	struct window_slot slot;
	struct entry_id id = till(7);
	struct entry e;
	assert_int_equal(window_queued(*state, &id, &e, NOW_US), 0);
	assert_int_equal(window_ask(*state, &id, &slot), WINDOW_QUEUED);
	assert_ptr_equal(slot.queued, &e);
	assert_int_equal(window_kept(*state, &id, epoch_b, 3, 1, NOW_US), 0);
	assert_int_equal(window_ask(*state, &id, &slot), WINDOW_KEPT);
	assert_memory_equal(slot.epoch, epoch_b, sizeof(slot.epoch));
	assert_int_equal(window_len(*state), 1);
}

static void the_same_id_with_another_body_is_different(void **state)
{
	struct window_slot slot;
	struct entry_id id = till(7);
	keep(*state, 7, NOW_US);
	id.body[7] ^= 1;
	assert_int_equal(window_ask(*state, &id, &slot), WINDOW_DIFFERENT);
	id.body[7] ^= 1;
	id.counter = 8;
	assert_int_equal(window_queued(*state, &id, NULL, NOW_US), 0);
	id.body[0] ^= 1;
	assert_int_equal(window_ask(*state, &id, &slot), WINDOW_DIFFERENT);
}

static void what_left_before_the_rebuild_is_too_old_and_takes_no_room(void **state)
{
	struct entry_id id = till(9);
	assert_int_equal(window_gone(*state, &id), 0);
	id.counter = 8;
	assert_int_equal(window_gone(*state, &id), 0);
	assert_int_equal(window_len(*state), 0);
	assert_int_equal(ask(*state, 9), WINDOW_TOO_OLD);
	assert_int_equal(ask(*state, 3), WINDOW_TOO_OLD);
	assert_int_equal(ask(*state, 10), WINDOW_NEW);
	keep(*state, 7, NOW_US); /* refused at first, kept late */
	assert_int_equal(ask(*state, 7), WINDOW_KEPT);
	id.counter = 7;
	assert_int_equal(window_gone(*state, &id), 0);
	assert_int_equal(ask(*state, 7), WINDOW_KEPT);
}

static void a_refused_message_may_be_sent_again(void **state)
{
	struct entry_id id = till(7);
	keep(*state, 6, NOW_US);
	keep(*state, 8, NOW_US);
	assert_int_equal(window_queued(*state, &id, NULL, NOW_US), 0);
	window_forget(*state, &id);
	assert_int_equal(ask(*state, 7), WINDOW_NEW);
	assert_int_equal(ask(*state, 6), WINDOW_KEPT);
	assert_int_equal(ask(*state, 8), WINDOW_KEPT);
	window_forget(*state, &id);
	assert_int_equal(window_len(*state), 2);
}

static void sources_and_sessions_do_not_share_counters(void **state)
{
	struct window_slot slot;
	struct entry_id other_source = id_of("till:T4", "s", 7),
	                other_session = id_of("till:T3", "t", 7);
	keep(*state, 7, NOW_US);
	assert_int_equal(window_ask(*state, &other_source, &slot), WINDOW_NEW);
	assert_int_equal(window_ask(*state, &other_session, &slot), WINDOW_NEW);
	for (int i = 0; i < 50; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d", i * 37 % 50);
		struct entry_id id = id_of("till:T3", name, 1);
		assert_int_equal(window_kept(*state, &id, epoch_a, (uint64_t)i + 1, 1, NOW_US), 0);
		id = id_of(name, "s", 1);
		assert_int_equal(window_kept(*state, &id, epoch_a, (uint64_t)i + 1, 1, NOW_US), 0);
	}
	for (int i = 0; i < 50; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d", i * 37 % 50);
		struct entry_id id = id_of("till:T3", name, 1);
		assert_int_equal(window_ask(*state, &id, &slot), WINDOW_KEPT);
		assert_int_equal(slot.seq, i + 1);
		id = id_of(name, "s", 1);
		assert_int_equal(window_ask(*state, &id, &slot), WINDOW_KEPT);
		assert_int_equal(slot.seq, i + 1);
	}
}

static void counters_may_come_out_of_order_inside_the_window(void **state)
{
	for (uint64_t i = 0; i < 500; i++)
		keep(*state, i * 263 % 500 + 1, NOW_US);
	assert_int_equal(window_len(*state), 500);
	for (uint64_t i = 1; i <= 500; i++) {
		struct window_slot slot;
		struct entry_id id = till(i);
		assert_int_equal(window_ask(*state, &id, &slot), WINDOW_KEPT);
		assert_int_equal(slot.seq, i * 10);
	}
}

static void what_left_the_window_is_too_old_and_never_new(void **state)
{
	keep(*state, 5, NOW_US - 80 * HOUR_US);
	keep(*state, 9, NOW_US - 73 * HOUR_US);
	keep(*state, 20, NOW_US - 71 * HOUR_US);
	window_expire(*state, NOW_US);
	assert_int_equal(window_len(*state), 1);
	assert_int_equal(ask(*state, 5), WINDOW_TOO_OLD);
	assert_int_equal(ask(*state, 9), WINDOW_TOO_OLD);
	assert_int_equal(ask(*state, 1), WINDOW_TOO_OLD);
	assert_int_equal(ask(*state, 10), WINDOW_NEW);
	assert_int_equal(ask(*state, 20), WINDOW_KEPT);
}

static void the_mark_of_a_session_stays_when_all_its_ids_have_left(void **state)
{
	keep(*state, 5, NOW_US - 80 * HOUR_US);
	window_expire(*state, NOW_US);
	assert_int_equal(window_len(*state), 0);
	assert_int_equal(ask(*state, 5), WINDOW_TOO_OLD);
	keep(*state, 6, NOW_US);
	assert_int_equal(ask(*state, 6), WINDOW_KEPT);
	assert_int_equal(ask(*state, 5), WINDOW_TOO_OLD);
}

static void a_queued_id_does_not_leave_however_old(void **state)
{
	struct entry_id id = till(1);
	assert_int_equal(window_queued(*state, &id, NULL, NOW_US - 100 * HOUR_US), 0);
	window_expire(*state, NOW_US);
	assert_int_equal(ask(*state, 1), WINDOW_QUEUED);
}

static void over_the_bound_the_oldest_of_the_source_leaves(void **state)
{
	struct window_slot slot;
	struct entry_id other = id_of("till:T4", "s", 1), old = id_of("till:T3", "old", 3);
	assert_int_equal(window_kept(*state, &other, epoch_a, 1, 1, NOW_US - 2 * HOUR_US), 0);
	assert_int_equal(window_kept(*state, &old, epoch_a, 1, 1, NOW_US - HOUR_US), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		keep(*state, i, NOW_US + (int64_t)i * 1000000);
	assert_int_equal(window_ask(*state, &old, &slot), WINDOW_TOO_OLD);
	assert_int_equal(ask(*state, 1), WINDOW_KEPT);
	keep(*state, 1001, NOW_US + 2000 * 1000000LL);
	assert_int_equal(ask(*state, 1), WINDOW_TOO_OLD);
	assert_int_equal(ask(*state, 2), WINDOW_KEPT);
	assert_int_equal(window_ask(*state, &other, &slot), WINDOW_KEPT);
	assert_int_equal(window_len(*state), 1001);
}

static void a_long_day_keeps_exactly_the_bound(void **state)
{
	for (uint64_t i = 1; i <= 50000; i++)
		keep(*state, i, NOW_US);
	assert_int_equal(window_len(*state), 1000);
	assert_int_equal(ask(*state, 49000), WINDOW_TOO_OLD);
	assert_int_equal(ask(*state, 49001), WINDOW_KEPT);
	assert_int_equal(ask(*state, 50000), WINDOW_KEPT);
}

static void a_till_that_makes_up_sessions_is_bounded(void **state)
{
	struct window *w = window_new(72 * HOUR_US, 200000);
	struct window_slot slot;
	struct entry_id last = {0};
	(void)state;
	for (int i = 0; i < 6000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "x%d", i);
		last = id_of("till:T3", name, 1);
		assert_int_equal(window_kept(w, &last, epoch_a, 1, 1, NOW_US + i * 1000000LL), 0);
	}
	assert_int_equal(window_len(w), 4096);
	assert_int_equal(window_ask(w, &last, &slot), WINDOW_KEPT);
	window_free(w);
}

/* ---- taking over what came back ---- */

static struct window *with_ids(uint64_t first, uint64_t last, int64_t wall_us)
{
	struct window *w = window_new(72 * HOUR_US, 1000);
	for (uint64_t c = first; c <= last; c++) {
		struct entry_id id = till(c);
		assert_int_equal(window_kept(w, &id, epoch_b, c, 1, wall_us), 0);
	}
	return w;
}

static void what_came_back_is_taken_over_in_pieces(void **state)
{
	struct window *w = *state, *back = with_ids(1, 10, NOW_US - HOUR_US);
	struct entry_id other = id_of("till:T4", "s", 7);
	struct window_slot slot;
	assert_int_equal(window_kept(back, &other, epoch_b, 70, 3, NOW_US), 0);
	keep(w, 20, NOW_US);
	assert_int_equal(window_move(w, back, 4), 7);
	assert_int_equal(window_move(w, back, 4), 3);
	assert_int_equal(window_move(w, back, 4), 0);
	assert_int_equal(window_move(w, back, 4), 0);
	assert_int_equal(window_len(w), 12);
	assert_int_equal(window_len(back), 0);
	for (uint64_t c = 1; c <= 10; c++)
		assert_int_equal(ask(w, c), WINDOW_KEPT);
	assert_int_equal(window_ask(w, &other, &slot), WINDOW_KEPT);
	assert_memory_equal(slot.epoch, epoch_b, sizeof(slot.epoch));
	assert_int_equal(slot.seq, 70);
	assert_int_equal(slot.count, 3);
	assert_int_equal(ask(w, 11), WINDOW_NEW);
	window_free(back);
}

/* Sent again before it came back: the second copy was answered, and stays the answer. */
static void what_is_known_or_on_its_way_is_not_touched_by_what_came_back(void **state)
{
	struct window *w = *state, *back = with_ids(1, 3, NOW_US);
	struct window_slot slot;
	struct entry_id id = till(2);
	struct entry *queued = (struct entry *)&slot;
	keep(w, 1, NOW_US);
	assert_int_equal(window_queued(w, &id, queued, NOW_US), 0);
	assert_int_equal(window_move(w, back, 100), 0);
	assert_int_equal(window_ask(w, &id, &slot), WINDOW_QUEUED);
	id = till(1);
	assert_int_equal(window_ask(w, &id, &slot), WINDOW_KEPT);
	assert_memory_equal(slot.epoch, epoch_a, sizeof(slot.epoch));
	id = till(3);
	assert_int_equal(window_ask(w, &id, &slot), WINDOW_KEPT);
	assert_memory_equal(slot.epoch, epoch_b, sizeof(slot.epoch));
	assert_int_equal(window_len(w), 3);
	window_free(back);
}

static void what_left_the_window_in_a_file_that_came_back_is_too_old_here(void **state)
{
	struct window *w = *state, *back = with_ids(1, 5, NOW_US - 80 * HOUR_US);
	struct entry_id id = till(9);
	window_expire(back, NOW_US);
	assert_int_equal(window_len(back), 0);
	assert_int_equal(window_kept(w, &id, epoch_a, 9, 1, NOW_US), 0);
	assert_int_equal(window_move(w, back, 100), 0);
	assert_int_equal(ask(w, 5), WINDOW_TOO_OLD);
	assert_int_equal(ask(w, 6), WINDOW_NEW);
	assert_int_equal(ask(w, 9), WINDOW_KEPT);
	window_free(back);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_message_that_was_not_seen_is_new),
	    TEST(a_kept_message_sent_again_gets_the_first_answer),
	    TEST(a_queued_message_sent_again_waits_for_the_first_copy),
	    TEST(the_same_id_with_another_body_is_different),
	    TEST(what_left_before_the_rebuild_is_too_old_and_takes_no_room),
	    TEST(a_refused_message_may_be_sent_again),
	    TEST(sources_and_sessions_do_not_share_counters),
	    TEST(counters_may_come_out_of_order_inside_the_window),
	    TEST(what_left_the_window_is_too_old_and_never_new),
	    TEST(the_mark_of_a_session_stays_when_all_its_ids_have_left),
	    TEST(a_queued_id_does_not_leave_however_old),
	    TEST(over_the_bound_the_oldest_of_the_source_leaves),
	    TEST(a_long_day_keeps_exactly_the_bound),
	    TEST(a_till_that_makes_up_sessions_is_bounded),
	    TEST(what_came_back_is_taken_over_in_pieces),
	    TEST(what_is_known_or_on_its_way_is_not_touched_by_what_came_back),
	    TEST(what_left_the_window_in_a_file_that_came_back_is_too_old_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
