/* What is sent and when. */
#include "sync_uplink_world.h"

static void nothing_leaves_before_the_connection_and_after_its_end(void **state)
{
	struct fixture *f = *state;
	assert_true(uplink_step(f->uplink) == INT64_MAX);
	assert_int_equal(f->sent_count, 0);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	expect_sent(f, 0, 1, 1);
	uplink_down(f->uplink);
	fill(f, 3);
	later(f, 3600 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
	assert_int_equal(now(f).unconfirmed, 4);
}

static void a_new_event_leaves_at_once_and_once(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	fill(f, 1);
	uplink_step(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	expect_sent(f, 1, 2, 1);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_BATCHES_SENT), 2);
}

static void what_waits_leaves_in_order_in_large_batches(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 1500, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	confirm(f, 0);
	uplink_step(f->uplink);
	uint64_t next = 1;
	for (int i = 0; i < f->sent_count; i++) {
		assert_int_equal(f->sent[i].first, next);
		next += f->sent[i].count;
		assert_true(f->sent[i].count > 50 || next == 1502);
	}
	assert_int_equal(next, 1502);
}

static void confirmed_batches_are_forgotten_and_the_journal_is_told(void **state)
{
	struct fixture *f = *state;
	fill(f, 4);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_true(now(f).outstanding_bytes > 0);
	confirm(f, 5);
	assert_int_equal(now(f).outstanding_bytes, 0);
	assert_int_equal(now(f).unconfirmed, 0);
	await_confirmed(f, 5);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_EVENTS_CONFIRMED), 5);
	later(f, 3600 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
}

static void an_unconfirmed_batch_goes_again_after_ten_seconds_doubling(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	static const int waits_s[] = {10, 20, 40, 80, 160, 320, 640, 900, 900};
	for (int i = 0; i < 9; i++) {
		later(f, waits_s[i] * S * 95 / 100);
		uplink_step(f->uplink);
		assert_int_equal(f->sent_count, i + 1);
		later(f, waits_s[i] * S * 10 / 100);
		uplink_step(f->uplink);
		assert_int_equal(f->sent_count, i + 2);
		expect_sent(f, i + 1, 1, 1);
	}
	assert_int_equal(counter_get(&f->place->counters, COUNTER_BATCHES_RESENT), 9);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_BATCHES_SENT), 1);
}

static void the_step_says_when_it_wants_to_be_called_again(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	int64_t at = uplink_step(f->uplink) - f->place->wall_us;
	assert_true(at > 9 * S && at < 11 * S);
	confirm(f, 1);
	assert_true(uplink_step(f->uplink) == INT64_MAX);
}

static void a_new_connection_sends_the_oldest_at_once_and_the_rest_after_ten_seconds(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	for (int i = 0; i < 4; i++) {
		uplink_step(f->uplink);
		if (i < 3)
			fill(f, 1);
	}
	for (int i = 0; i < 5; i++) { /* their timers stand at minutes now */
		later(f, 1000 * S);
		uplink_step(f->uplink);
	}
	int n = f->sent_count;
	assert_int_equal(n, 4 * 6);
	uplink_down(f->uplink);
	later(f, 10000 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 1);
	expect_sent(f, n, 1, 1);
	later(f, 11 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 5);
	later(f, 22 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 9);
}

static void what_hq_says_it_never_heard_goes_again_at_once(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	int n = f->sent_count;
	later(f, 1 * S);
	uplink_anew(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 1);
	expect_sent(f, n, 1, 1);
}

static void hqs_word_after_a_silence_wakes_only_what_has_waited(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	for (int i = 0; i < 6; i++) {
		later(f, 1000 * S);
		uplink_step(f->uplink);
	}
	fill(f, 1);
	uplink_step(f->uplink);
	int n = f->sent_count;
	later(f, 1 * S);
	uplink_alive(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n);
	later(f, 11 * S);
	uplink_alive(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 1);
	expect_sent(f, n, 1, 1);
	later(f, 11 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 3);
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

static void a_publish_that_failed_is_tried_again_and_not_counted(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	f->fails = always;
	uplink_step(f->uplink);
	assert_int_equal(now(f).outstanding_bytes, 0);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_BATCHES_SENT), 0);
	f->fails = NULL;
	uplink_step(f->uplink);
	expect_sent(f, 0, 1, 1);
}

static void the_bytes_on_their_way_stay_within_the_credit(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 1900, false);
	f->confirm->credit = 1;
	confirm(f, 0);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
	f->confirm->credit = 3 * f->sent[0].bytes + f->sent[0].bytes / 2;
	confirm(f, 0);
	uplink_step(f->uplink);
	int n = f->sent_count;
	assert_true(n >= 3 && n <= 5);
	assert_true(now(f).outstanding_bytes <= f->confirm->credit);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n);
	confirm(f, f->sent[0].count);
	uplink_step(f->uplink);
	assert_true(f->sent_count > n);
	assert_true(now(f).outstanding_bytes <= f->confirm->credit);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(nothing_leaves_before_the_connection_and_after_its_end),
	    TEST(a_new_event_leaves_at_once_and_once),
	    TEST(what_waits_leaves_in_order_in_large_batches),
	    TEST(confirmed_batches_are_forgotten_and_the_journal_is_told),
	    TEST(an_unconfirmed_batch_goes_again_after_ten_seconds_doubling),
	    TEST(the_step_says_when_it_wants_to_be_called_again),
	    TEST(a_new_connection_sends_the_oldest_at_once_and_the_rest_after_ten_seconds),
	    TEST(what_hq_says_it_never_heard_goes_again_at_once),
	    TEST(hqs_word_after_a_silence_wakes_only_what_has_waited),
	    TEST(a_publish_that_failed_is_tried_again_and_not_counted),
	    TEST(the_bytes_on_their_way_stay_within_the_credit),
	};
	log_open("sync_uplink_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
