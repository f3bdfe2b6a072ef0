/* The daemon's own time over a machine whose clocks the test turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock_keep.h"
#include "base/log.h"

#define S 1000000ll
#define MINUTE (60 * S)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define TODAY 1795280523000000ll /* 2026-11-21T17:02:03Z */
#define BUILD (TODAY - 30 * DAY)

struct machine {
	int64_t mono_us, wall_us, kernel_error_us;
	int pauses; /* so often time passes between the two reads */
	bool kernel, rtc;
	struct clock_raw raw;
	struct counters counters;
	struct clock_keep *keep;
	const struct clock *clock;
};

static int64_t raw_mono(void *ctx)
{
	return ((struct machine *)ctx)->mono_us;
}

static int64_t raw_wall(void *ctx)
{
	struct machine *m = ctx;
	if (m->pauses > 0) {
		m->pauses--;
		m->mono_us += 45000;
		m->wall_us += 45000;
	}
	return m->wall_us;
}

static bool raw_kernel(void *ctx, int64_t *error_us)
{
	struct machine *m = ctx;
	*error_us = m->kernel_error_us;
	return m->kernel;
}

static bool raw_rtc(void *ctx, int64_t wall_us)
{
	(void)wall_us;
	return ((struct machine *)ctx)->rtc;
}

static int set_up(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));
	m->mono_us = 10 * S;
	m->wall_us = TODAY;
	m->kernel_error_us = 20000;
	m->raw = (struct clock_raw){raw_mono, raw_wall, raw_kernel, raw_rtc, m};
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	struct machine *m = *state;
	clock_keep_free(m->keep);
	free(m);
	return 0;
}

static void begin(struct machine *m)
{
	clock_keep_free(m->keep);
	m->keep = clock_keep_new(&m->raw, BUILD, &m->counters);
	m->clock = clock_keep_clock(m->keep);
}

static void pass(struct machine *m, int64_t us)
{
	m->mono_us += us;
	m->wall_us += us;
}

static struct clock_state now(struct machine *m)
{
	struct clock_state s;
	clock_keep_state(m->keep, &s);
	return s;
}

static void hq_says(struct machine *m, int64_t wall_us, int64_t error_us)
{
	const struct clock_point p = {m->mono_us, wall_us, error_us, CLOCK_HQ};
	clock_keep_hq(m->keep, &p);
}

static void assert_near(int64_t got, int64_t want, int64_t within)
{
	if (llabs(got - want) > within)
		fail_msg("%lld is %lld from %lld", (long long)got, (long long)(got - want),
		         (long long)want);
}

static uint64_t count(const struct machine *m, enum counter_id id)
{
	return counter_get(&m->counters, id);
}

/* ---- who is believed ---- */

static void a_synchronised_kernel_is_trusted_with_its_own_error(void **state)
{
	struct machine *m = *state;
	m->kernel = true;
	begin(m);
	assert_int_equal(clock_trusted(m->clock), CLOCK_KERNEL);
	assert_true(clock_wall_us(m->clock) == TODAY);
	assert_true(now(m).error_us == 20000);
}

static void a_clock_that_nobody_vouches_for_is_passed_on_as_not_trusted(void **state)
{
	struct machine *m = *state;
	m->wall_us = 5 * S; /* 1970 */
	begin(m);
	assert_int_equal(clock_trusted(m->clock), CLOCK_NONE);
	assert_true(clock_wall_us(m->clock) == 5 * S);
	/* The build's time is a bound, nothing that was ever trusted. */
	assert_true(now(m).trusted_us == 0 && now(m).error_us == 0);
}

static void a_time_before_the_build_is_believed_from_nobody(void **state)
{
	struct machine *m = *state;
	m->wall_us = TODAY - 50 * YEAR;
	m->kernel = m->rtc = true;
	begin(m);
	assert_int_equal(clock_trusted(m->clock), CLOCK_NONE);
}

static void a_time_before_the_last_checked_connection_is_believed_from_hq_only(void **state)
{
	struct machine *m = *state;
	const struct clock_past past = {.floor_us = TODAY};
	m->wall_us = TODAY - 3 * DAY;
	m->kernel = true;
	begin(m);
	clock_keep_recall(m->keep, &past);
	assert_int_equal(clock_trusted(m->clock), CLOCK_NONE);
	/* HQ says it is so: then the floor was a lie, and the kernel is right. */
	hq_says(m, TODAY - 3 * DAY, S);
	assert_int_equal(clock_trusted(m->clock), CLOCK_KERNEL);
	assert_true(now(m).floor_us == 0);
}

static void a_real_time_clock_is_trusted_with_a_wide_error_until_something_better_comes(
    void **state)
{
	struct machine *m = *state;
	m->rtc = true;
	begin(m);
	assert_int_equal(clock_trusted(m->clock), CLOCK_RTC);
	assert_true(now(m).error_us >= 5 * MINUTE);
	/* An RTC is no witness against a synchronised kernel, however far off it was. */
	m->kernel = true;
	m->wall_us += 2 * HOUR;
	clock_keep_look(m->keep);
	assert_int_equal(clock_trusted(m->clock), CLOCK_KERNEL);
	assert_true(clock_wall_us(m->clock) == m->wall_us);
	assert_false(now(m).disputed);
}

static void a_clock_that_was_set_by_hand_is_not_the_rtcs_any_more(void **state)
{
	struct machine *m = *state;
	begin(m);
	m->wall_us += DAY;
	clock_keep_look(m->keep);
	m->rtc = true;
	clock_keep_look(m->keep);
	assert_int_equal(clock_trusted(m->clock), CLOCK_NONE);
}

static void hqs_word_gives_the_time_where_the_machine_has_none(void **state)
{
	struct machine *m = *state;
	m->wall_us = 5 * S;
	begin(m);
	hq_says(m, TODAY, S);
	assert_int_equal(clock_trusted(m->clock), CLOCK_HQ);
	assert_true(clock_wall_us(m->clock) == TODAY);
	pass(m, 10000 * S);
	assert_true(clock_wall_us(m->clock) == TODAY + 10000 * S);
	assert_true(now(m).error_us == 2 * S); /* 100 ppm */
	assert_true(now(m).ahead_us == 5 * S - TODAY);
}

static void an_answer_that_took_long_does_not_spoil_a_better_one(void **state)
{
	struct machine *m = *state;
	begin(m);
	hq_says(m, TODAY, 10000);
	hq_says(m, TODAY + 3 * S, 4 * S);
	assert_true(clock_wall_us(m->clock) == TODAY);
	/* Both cannot be true: the newer one is. */
	hq_says(m, TODAY + 9 * S, 4 * S);
	assert_true(clock_wall_us(m->clock) == TODAY + 9 * S);
}

/* ---- jumps ---- */

static void a_jump_of_ten_years_moves_nothing_that_is_trusted(void **state)
{
	struct machine *m = *state;
	m->kernel = true;
	begin(m);
	m->kernel = false; /* settimeofday ends the synchronisation */
	m->wall_us += 10 * YEAR;
	pass(m, 5 * S);
	assert_near(clock_wall_us(m->clock), TODAY + 5 * S, 0);
	assert_int_equal(clock_trusted(m->clock), CLOCK_KERNEL);
	assert_int_equal(count(m, COUNTER_CLOCK_STEPS), 1);
	m->wall_us -= 60 * YEAR;
	pass(m, 5 * S);
	assert_near(clock_wall_us(m->clock), TODAY + 10 * S, 0);
	assert_int_equal(count(m, COUNTER_CLOCK_STEPS), 2);
}

static void a_jump_is_seen_by_the_very_next_reading(void **state)
{
	struct machine *m = *state;
	struct clock_now at;
	begin(m);
	hq_says(m, TODAY, S);
	m->wall_us -= 50 * YEAR;
	clock_read(m->clock, &at);
	assert_true(at.wall_us == TODAY && at.trust == CLOCK_HQ);
}

static void a_synchronised_clock_that_jumps_is_disputed_until_hq_says(void **state)
{
	struct machine *m = *state;
	m->kernel = true;
	begin(m);
	m->wall_us += 10 * YEAR;
	assert_int_equal(clock_trusted(m->clock), CLOCK_NONE);
	assert_true(now(m).disputed);
	assert_int_equal(count(m, COUNTER_CLOCK_DIFFERS), 1);
	hq_says(m, TODAY, S);
	assert_int_equal(clock_trusted(m->clock), CLOCK_HQ);
	assert_true(clock_wall_us(m->clock) == TODAY);
	assert_false(now(m).disputed);
	assert_near(now(m).differs_us, 10 * YEAR, 0);
	/* The kernel comes to its senses. */
	m->wall_us -= 10 * YEAR;
	clock_keep_look(m->keep);
	assert_int_equal(clock_trusted(m->clock), CLOCK_KERNEL);
	assert_true(now(m).differs_us == 0);
}

static void a_dispute_ends_when_the_kernel_is_back(void **state)
{
	struct machine *m = *state;
	m->kernel = true;
	begin(m);
	m->wall_us += HOUR;
	clock_keep_look(m->keep);
	assert_true(now(m).disputed);
	m->wall_us -= HOUR;
	clock_keep_look(m->keep);
	assert_false(now(m).disputed);
	assert_int_equal(clock_trusted(m->clock), CLOCK_KERNEL);
}

static void a_step_within_five_minutes_of_a_synchronised_clock_is_followed(void **state)
{
	struct machine *m = *state;
	m->kernel = true;
	begin(m);
	m->wall_us += 4 * MINUTE;
	assert_true(clock_wall_us(m->clock) == TODAY + 4 * MINUTE);
	assert_int_equal(clock_trusted(m->clock), CLOCK_KERNEL);
	assert_int_equal(count(m, COUNTER_CLOCK_STEPS), 1);
}

static void hq_wins_over_a_synchronised_clock_five_minutes_off(void **state)
{
	struct machine *m = *state;
	m->kernel = true;
	begin(m);
	hq_says(m, TODAY + 4 * MINUTE, S);
	assert_int_equal(clock_trusted(m->clock), CLOCK_KERNEL);
	hq_says(m, TODAY + 6 * MINUTE, S);
	assert_int_equal(clock_trusted(m->clock), CLOCK_HQ);
	assert_true(clock_wall_us(m->clock) == TODAY + 6 * MINUTE);
	assert_true(now(m).differs_us == -6 * MINUTE);
	clock_keep_look(m->keep);
	assert_int_equal(count(m, COUNTER_CLOCK_DIFFERS), 1);
}

/* ---- what an earlier run left ---- */

static void a_restart_in_the_same_boot_goes_on_with_the_trusted_time(void **state)
{
	struct machine *m = *state;
	const struct clock_past past = {
	    .point = {5 * S, TODAY, 1000, CLOCK_HQ}, .floor_us = TODAY, .same_boot = true};
	m->wall_us = 7 * S;
	begin(m);
	clock_keep_recall(m->keep, &past);
	assert_int_equal(clock_trusted(m->clock), CLOCK_HQ);
	assert_true(clock_wall_us(m->clock) == TODAY + 5 * S);
}

static void another_boot_knows_only_that_it_is_later(void **state)
{
	struct machine *m = *state;
	const struct clock_past past = {.point = {50 * S, TODAY, 0, CLOCK_HQ}, .floor_us = TODAY};
	m->wall_us = 7 * S;
	begin(m);
	clock_keep_recall(m->keep, &past);
	assert_int_equal(clock_trusted(m->clock), CLOCK_NONE);
	assert_true(clock_wall_us(m->clock) == 7 * S);
	pass(m, HOUR);
	assert_true(clock_least_us(m->clock) == TODAY + HOUR);
	assert_true(now(m).floor_us == TODAY && now(m).trusted_us == TODAY);
}

static void without_any_past_it_is_not_before_the_build(void **state)
{
	struct machine *m = *state;
	m->wall_us = 0;
	begin(m);
	pass(m, MINUTE);
	assert_true(clock_least_us(m->clock) == BUILD + MINUTE);
}

static void the_date_of_an_impossible_time_is_the_last_one_known(void **state)
{
	struct machine *m = *state;
	const struct clock_past past = {.point = {50 * S, TODAY, 0, CLOCK_HQ}};
	m->wall_us = 0;
	begin(m);
	clock_keep_recall(m->keep, &past);
	assert_true(clock_date_us(m->clock) == TODAY); /* 1970 */
	m->wall_us = TODAY + 10 * YEAR;
	assert_true(clock_date_us(m->clock) == TODAY);
	m->wall_us =
	    TODAY + 2 * DAY; /* may well be: a clock that was kept by a file over the night */
	assert_true(clock_date_us(m->clock) == TODAY + 2 * DAY);
}

static void what_was_known_is_not_counted_twice_when_trust_is_lost(void **state)
{
	struct machine *m = *state;
	m->kernel = true;
	begin(m);
	pass(m, HOUR);
	clock_keep_look(m->keep);
	m->wall_us += YEAR;
	pass(m, HOUR);
	assert_int_equal(clock_trusted(m->clock), CLOCK_NONE);
	assert_near(clock_least_us(m->clock), TODAY + 2 * HOUR, S);
}

static void an_anchor_that_has_grown_too_old_is_let_go(void **state)
{
	struct machine *m = *state;
	begin(m);
	hq_says(m, TODAY, S);
	pass(m, 100 * DAY); /* 864 s */
	clock_keep_look(m->keep);
	assert_int_equal(clock_trusted(m->clock), CLOCK_HQ);
	pass(m, 10 * DAY);
	clock_keep_look(m->keep);
	assert_int_equal(clock_trusted(m->clock), CLOCK_NONE);
}

/* ---- what is journaled ---- */

static bool news(struct machine *m, struct clock_news *n)
{
	bool due = clock_keep_news(m->keep, n);
	if (due)
		clock_keep_told(m->keep, n);
	return due;
}

static void nothing_is_news_while_nothing_is_trusted(void **state)
{
	struct machine *m = *state;
	struct clock_news n;
	begin(m);
	pass(m, DAY);
	assert_false(news(m, &n));
}

static void the_first_trusted_point_and_then_one_an_hour(void **state)
{
	struct machine *m = *state;
	struct clock_news n;
	int points = 0;
	m->wall_us = 5 * S;
	begin(m);
	pass(m, 10 * S);
	hq_says(m, TODAY, S);
	assert_true(news(m, &n));
	assert_string_equal(n.reason, "first");
	assert_true(n.offset_us == TODAY - 15 * S);
	assert_true(n.point.wall_us == TODAY && n.point.source == CLOCK_HQ &&
	            n.point.error_us == S);
	for (int s = 0; s < 6 * 3600; s++) {
		pass(m, S);
		clock_keep_look(m->keep);
		points += news(m, &n);
	}
	assert_int_equal(points, 6);
	assert_string_equal(n.reason, "hourly");
	assert_true(n.offset_us == 0);
}

static void steps_are_news_but_after_five_not_more_than_one_a_minute(void **state)
{
	struct machine *m = *state;
	struct clock_news n;
	int points = 0;
	m->kernel = true;
	begin(m);
	assert_true(news(m, &n));
	assert_true(n.offset_us == 0);
	for (int s = 0; s < 600; s++) {
		pass(m, S);
		m->wall_us += s % 2 ? 30 * S : -30 * S;
		clock_keep_look(m->keep);
		points += news(m, &n);
	}
	assert_true(points >= 10 && points <= 16);
	pass(m, 2 * MINUTE);
	m->wall_us += 40 * S;
	assert_true(news(m, &n));
	assert_string_equal(n.reason, "step");
	assert_near(llabs(n.offset_us), 40 * S, 31 * S);
}

static void another_source_is_news(void **state)
{
	struct machine *m = *state;
	struct clock_news n;
	m->rtc = true;
	begin(m);
	assert_true(news(m, &n));
	pass(m, 2 * MINUTE);
	hq_says(m, m->wall_us, S);
	assert_true(news(m, &n));
	assert_string_equal(n.reason, "source");
	assert_true(n.point.error_us == S);
}

static void the_machines_rtc_is_asked_without_harm(void **state)
{
	(void)state;
	const struct clock_raw *raw = clock_raw_system();
	int64_t error_us = -1;
	assert_true(raw->mono_us(raw->ctx) > 0);
	raw->kernel(raw->ctx, &error_us);
	assert_true(error_us >= 0);
	assert_false(raw->rtc(raw->ctx, 0)); /* no RTC says 1970 and is believed */
}

/* On a loaded machine the daemon may be put aside between the reads of its two clocks. */
static void a_pause_between_the_two_clocks_moves_no_time(void **state)
{
	struct machine *m = *state;
	struct clock_now now;
	m->kernel = true;
	for (int pauses = 0; pauses < 5; pauses++) {
		m->pauses = pauses;
		begin(m);
		m->pauses = pauses;
		clock_read(m->clock, &now);
		assert_true(now.wall_us - now.mono_us == TODAY - 10 * S);
		assert_int_equal(now.trust, CLOCK_KERNEL);
	}
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_pause_between_the_two_clocks_moves_no_time),
	    TEST(a_synchronised_kernel_is_trusted_with_its_own_error),
	    TEST(a_clock_that_nobody_vouches_for_is_passed_on_as_not_trusted),
	    TEST(a_time_before_the_build_is_believed_from_nobody),
	    TEST(a_time_before_the_last_checked_connection_is_believed_from_hq_only),
	    TEST(a_real_time_clock_is_trusted_with_a_wide_error_until_something_better_comes),
	    TEST(a_clock_that_was_set_by_hand_is_not_the_rtcs_any_more),
	    TEST(hqs_word_gives_the_time_where_the_machine_has_none),
	    TEST(an_answer_that_took_long_does_not_spoil_a_better_one),
	    TEST(a_jump_of_ten_years_moves_nothing_that_is_trusted),
	    TEST(a_jump_is_seen_by_the_very_next_reading),
	    TEST(a_synchronised_clock_that_jumps_is_disputed_until_hq_says),
	    TEST(a_dispute_ends_when_the_kernel_is_back),
	    TEST(a_step_within_five_minutes_of_a_synchronised_clock_is_followed),
	    TEST(hq_wins_over_a_synchronised_clock_five_minutes_off),
	    TEST(a_restart_in_the_same_boot_goes_on_with_the_trusted_time),
	    TEST(another_boot_knows_only_that_it_is_later),
	    TEST(without_any_past_it_is_not_before_the_build),
	    TEST(the_date_of_an_impossible_time_is_the_last_one_known),
	    TEST(what_was_known_is_not_counted_twice_when_trust_is_lost),
	    TEST(an_anchor_that_has_grown_too_old_is_let_go),
	    TEST(nothing_is_news_while_nothing_is_trusted),
	    TEST(the_first_trusted_point_and_then_one_an_hour),
	    TEST(steps_are_news_but_after_five_not_more_than_one_a_minute),
	    TEST(another_source_is_news),
	    cmocka_unit_test(the_machines_rtc_is_asked_without_harm),
	};
	log_open("base_clock_keep_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
