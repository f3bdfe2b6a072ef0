/* Two cursors: what is new does not wait for a backlog, and a backlog does not wait for ever. */
#include "sync_uplink_world.h"

#define MANY 6000 /* a backlog, in packs of 1,000 */
#define LIVE_MIN 50

static void fill_many(struct fixture *f)
{
	for (int i = 0; i < MANY / 1000; i++)
		fill_pack(f, 1000, false);
}

static bool was_sent(const struct fixture *f, int from, uint64_t seq)
{
	for (int i = from; i < f->sent_count; i++)
		if (seq >= f->sent[i].first && seq < f->sent[i].first + f->sent[i].count)
			return true;
	return false;
}

static void a_new_event_leaves_at_once_though_the_backlog_fills_the_credit(void **state)
{
	struct fixture *f = *state;
	fill_many(f);
	f->confirm->credit = 8000;
	confirm(f, 0);
	uplink_up(f->uplink);
	later(f, 31 * S);
	uplink_step(f->uplink);
	arrive(f, 0);
	confirm_got(f);
	uplink_step(f->uplink); /* now only the backlog is on its way ... */
	uint64_t full = f->confirm->credit = now(f).outstanding_bytes;
	uplink_confirm(f->uplink, f->confirm); /* ... and fills the credit to the last byte */
	assert_true(full > 4000 && now(f).backlog > 3000);
	int n = f->sent_count;
	fill(f, 1);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 1);
	expect_sent(f, n, MANY + 2, 1);
	fill(f, 1); /* the one that is always allowed is under way */
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, n + 1);
}

static void the_newest_events_need_no_wait_and_the_backlog_waits_for_its_jitter(void **state)
{
	struct fixture *f = *state;
	fill_many(f);
	f->confirm->credit = BIG;
	confirm(f, 0);
	int64_t first = INT64_MAX, last = 0;
	for (int i = 0; i < 40; i++) {
		uplink_free(f->uplink);
		uplink_start(f);
		uplink_confirm(f->uplink, f->confirm);
		f->sent_count = 0;
		uplink_up(f->uplink);
		int64_t from = f->place->wall_us, at = uplink_step(f->uplink);
		assert_true(was_sent(f, 0, MANY + 1) && !was_sent(f, 0, MANY + 1 - LIVE_MIN));
		assert_true(now(f).backlog_wait_us >= 0 && now(f).backlog_wait_us <= 30 * S);
		while (!was_sent(f, 0, 1) && f->place->wall_us - from <= 31 * S) {
			later(f, at - f->place->wall_us);
			at = uplink_step(f->uplink);
		}
		int64_t waited = f->place->wall_us - from;
		assert_true(was_sent(f, 0, 1) && waited <= 30 * S);
		assert_int_equal(now(f).backlog_wait_us, 0);
		first = waited < first ? waited : first;
		last = waited > last ? waited : last;
	}
	assert_true(first < 8 * S && last > 22 * S);
}

static void a_line_that_flaps_draws_its_jitter_once(void **state)
{
	struct fixture *f = *state;
	fill_many(f);
	confirm(f, 0);
	for (int i = 0; i < 8; i++) {
		uplink_up(f->uplink);
		uplink_step(f->uplink);
		later(f, 4 * S);
		uplink_down(f->uplink);
	}
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_true(was_sent(f, 0, 1));
}

static void little_that_waits_goes_at_once_and_in_order(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 1999, false);
	f->confirm->credit = BIG;
	confirm(f, 0);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent[0].first, 1);
	assert_true(was_sent(f, 0, 2000));
	assert_int_equal(now(f).backlog, 0);
}

/* What left by each cursor: all up to seq `old_last` is backlog. */
struct share {
	int64_t old, live;
	uint64_t old_last;
};

/* Live traffic that never ends: a pack of new events in each round. */
static void flood(struct fixture *f, int rounds, struct share *s)
{
	for (int round = 0; round < rounds; round++) {
		int from = f->sent_count;
		fill_pack(f, 1000, false);
		uplink_step(f->uplink);
		assert_true(now(f).backlog > 0);
		for (int i = from; i < f->sent_count; i++)
			*(f->sent[i].first <= s->old_last ? &s->old : &s->live) +=
			    (int64_t)f->sent[i].bytes;
		arrive(f, from);
		confirm_got(f);
	}
}

/* Live traffic that never ends, on a narrow pipe: of what leaves, the backlog has its quarter, and
 * the live cursor the rest. */
static void a_flood_of_new_events_leaves_the_backlog_a_quarter(void **state)
{
	struct fixture *f = *state;
	struct share s = {.old_last = 5 * MANY};
	for (int i = 0; i < 5; i++)
		fill_many(f);
	f->confirm->credit = 6000;
	confirm(f, 0);
	uplink_up(f->uplink);
	later(f, 31 * S);
	flood(f, 30, &s);
	if (s.old * 100 < (s.old + s.live) * 24 || s.old * 100 > (s.old + s.live) * 40)
		fail_msg("the backlog had %lld of %lld bytes", (long long)s.old,
		         (long long)(s.old + s.live));
}

/* What the backlog took while nothing else wanted to leave is not held against it for long. */
static void a_backlog_that_had_the_line_to_itself_still_has_its_quarter(void **state)
{
	struct fixture *f = *state;
	struct share s = {.old_last = 8 * MANY};
	for (int i = 0; i < 8; i++)
		fill_many(f);
	f->confirm->credit = 6000;
	confirm(f, 0);
	uplink_up(f->uplink);
	later(f, 31 * S);
	for (int round = 0; round < 15; round++) {
		int from = f->sent_count;
		uplink_step(f->uplink);
		arrive(f, from);
		confirm_got(f);
	}
	int64_t alone = 0;
	for (int i = 0; i < f->sent_count; i++)
		alone += (int64_t)f->sent[i].bytes;
	assert_true(alone > 60000);
	flood(f, 25, &s);
	if (s.old * 100 < (s.old + s.live - 65536) * 24)
		fail_msg("the backlog had %lld of %lld bytes", (long long)s.old,
		         (long long)(s.old + s.live));
}

static void a_second_backlog_is_split_like_the_first(void **state)
{
	struct fixture *f = *state;
	f->confirm->credit = BIG;
	for (int outage = 1; outage <= 2; outage++) {
		for (int i = 0; i < 3; i++)
			fill_pack(f, 1000, false);
		int n = f->sent_count;
		uint64_t last = place_state(f->place).last_seq;
		uplink_up(f->uplink);
		uplink_step(f->uplink);
		if (outage == 1)
			later(f, 31 * S);
		assert_int_equal(f->sent[n].first, last - LIVE_MIN + 1);
		while (now(f).unconfirmed) {
			uplink_step(f->uplink);
			arrive(f, n);
			confirm_got(f);
		}
		uplink_step(f->uplink);
		uplink_down(f->uplink);
	}
}

static void a_new_connection_begins_with_a_small_window(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 5; i++)
		fill_many(f);
	uplink_up(f->uplink);
	f->confirm->credit = BIG;
	confirm(f, 0);
	uplink_up(f->uplink);
	later(f, 31 * S);
	uplink_step(f->uplink);
	assert_true(now(f).outstanding_bytes > 40000 && now(f).outstanding_bytes <= 65536);
	confirm(f, 0);
	uplink_step(f->uplink);
	assert_true(now(f).outstanding_bytes > 90000);
}

static void without_credit_the_cursors_take_turns_with_one_batch(void **state)
{
	struct fixture *f = *state;
	fill_many(f);
	f->confirm->credit = 0;
	confirm(f, 0);
	uplink_up(f->uplink);
	later(f, 31 * S);
	int old = 0;
	for (int round = 0; round < 24; round++) {
		int from = f->sent_count;
		fill_pack(f, 1000, false);
		uplink_step(f->uplink);
		assert_int_equal(f->sent_count, from + 1);
		uplink_step(f->uplink);
		assert_int_equal(f->sent_count, from + 1);
		old += f->sent[from].first < MANY - LIVE_MIN;
		arrive(f, from);
		confirm_got(f);
	}
	assert_true(old >= 2 && old <= 12);
}

static void after_an_outage_the_old_window_does_not_hold_up_what_is_new(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 1900, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	f->confirm->credit = now(f).outstanding_bytes; /* all of it is taken */
	confirm(f, 0);
	later(f, 7 * PLACE_DAY_US);
	uplink_down(f->uplink);
	fill_many(f);
	int n = f->sent_count;
	uplink_up(f->uplink);
	fill(f, 1);
	uplink_step(f->uplink);
	expect_sent(f, n, 1, f->sent[0].count); /* the oldest, at once */
	assert_true(was_sent(f, n, 1901 + MANY + 1));
	assert_false(was_sent(f, n, f->sent[1].first));
	later(f, 11 * S);
	uplink_step(f->uplink);
	assert_true(was_sent(f, n, f->sent[1].first));
}

static void a_live_cursor_that_falls_behind_jumps_to_what_is_new(void **state)
{
	struct fixture *f = *state;
	fill_many(f);
	f->confirm->credit = 0;
	confirm(f, 0);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	for (int i = 0; i < 6; i++)
		fill_pack(f, 1000, false);
	int n = f->sent_count;
	arrive(f, 0);
	confirm_got(f);
	uplink_step(f->uplink);
	assert_true(f->sent[n].first > 2 * MANY - 2 * LIVE_MIN);
}

static void packs_of_one_event_travel_in_large_batches(void **state)
{
	struct fixture *f = *state;
	fill(f, 700);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_true(f->sent[0].count > 100);
	uint64_t next = 1;
	for (int i = 0; i < f->sent_count; i++) {
		assert_int_equal(f->sent[i].first, next);
		next += f->sent[i].count;
	}
	assert_int_equal(next, 702);
}

/* Both cursors over a pipe that loses half: every seq arrives, and the store ends with one cursor.
 */
static void whatever_is_lost_both_cursors_bring_everything_over(void **state)
{
	struct fixture *f = *state;
	uint64_t total;
	srand(11);
	fill_many(f);
	f->confirm->credit = 20000;
	confirm(f, 0);
	uplink_up(f->uplink);
	for (int round = 0; round < 4000; round++) {
		f->sent_count = 0;
		if (round < 300)
			fill_pack(f, 1 + rand() % 30, rand() % 16 == 0);
		uplink_step(f->uplink);
		for (int i = 0; i < f->sent_count; i++)
			if (rand() % 2)
				f->sent[i].count = 0; /* lost */
		arrive(f, 0);
		if (rand() % 2)
			confirm_got(f);
		if (rand() % 30 == 0) {
			uplink_down(f->uplink);
			uplink_up(f->uplink);
		}
		later(f, rand() % 15 * S);
		if (round > 300 && now(f).unconfirmed == 0)
			break;
	}
	total = place_state(f->place).last_seq;
	for (uint64_t s = 1; s <= total; s++)
		assert_true(f->seen[s]);
	assert_int_equal(now(f).unconfirmed, 0);
	assert_int_equal(now(f).backlog, 0);
	assert_int_equal(now(f).outstanding_bytes, 0);
	await_confirmed(f, total);
}

/* ---- the alarm ---- */

static void an_hour_without_a_confirmation_is_an_alarm_and_deletes_nothing(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	for (int i = 0; i < 59; i++) {
		later(f, 60 * S);
		uplink_step(f->uplink);
	}
	assert_false(now(f).alarm);
	assert_int_equal(now(f).silent_us, 59 * 60 * S);
	later(f, 60 * S);
	uplink_step(f->uplink);
	later(f, 60 * S);
	uplink_step(f->uplink);
	assert_true(now(f).alarm);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_UPLINK_ALARMS), 1);
	assert_int_equal(now(f).unconfirmed, 1);
	assert_int_equal(place_state(f->place).kept, 1);
	confirm(f, 0); /* a word that confirms nothing new ends nothing */
	assert_true(now(f).alarm);
	confirm(f, 1);
	assert_false(now(f).alarm);
	assert_int_equal(now(f).silent_us, 0);
}

static void a_store_that_never_had_a_line_raises_the_alarm_too(void **state)
{
	struct fixture *f = *state;
	later(f, 3601 * S);
	uplink_step(f->uplink);
	assert_true(now(f).alarm);
}

static void a_store_with_nothing_to_say_raises_no_alarm(void **state)
{
	struct fixture *f = *state;
	confirm(f, 1);
	later(f, 7200 * S);
	uplink_step(f->uplink);
	assert_false(now(f).alarm);
	fill(f, 1); /* the hour begins when something waits */
	later(f, 3500 * S);
	uplink_step(f->uplink);
	assert_false(now(f).alarm);
}

static void a_forked_event_alone_raises_no_alarm(void **state)
{
	struct fixture *f = *state;
	struct confirm_epoch *e = word(f, 0);
	e->forked_count = 1;
	e->forked[0] = (struct confirm_seq){.seq = 1, .last = 1, .reason = "other_leaf"};
	uplink_confirm(f->uplink, f->confirm);
	later(f, 7200 * S);
	uplink_step(f->uplink);
	assert_false(now(f).alarm);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_new_event_leaves_at_once_though_the_backlog_fills_the_credit),
	    TEST(the_newest_events_need_no_wait_and_the_backlog_waits_for_its_jitter),
	    TEST(a_line_that_flaps_draws_its_jitter_once),
	    TEST(little_that_waits_goes_at_once_and_in_order),
	    TEST(a_flood_of_new_events_leaves_the_backlog_a_quarter),
	    TEST(a_backlog_that_had_the_line_to_itself_still_has_its_quarter),
	    TEST(a_second_backlog_is_split_like_the_first),
	    TEST(a_new_connection_begins_with_a_small_window),
	    TEST(without_credit_the_cursors_take_turns_with_one_batch),
	    TEST(after_an_outage_the_old_window_does_not_hold_up_what_is_new),
	    TEST(a_live_cursor_that_falls_behind_jumps_to_what_is_new),
	    TEST(packs_of_one_event_travel_in_large_batches),
	    TEST(whatever_is_lost_both_cursors_bring_everything_over),
	    TEST(an_hour_without_a_confirmation_is_an_alarm_and_deletes_nothing),
	    TEST(a_store_that_never_had_a_line_raises_the_alarm_too),
	    TEST(a_store_with_nothing_to_say_raises_no_alarm),
	    TEST(a_forked_event_alone_raises_no_alarm),
	};
	log_open("sync_uplink_cursor_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
