/* Asking HQ for its signed time, over a clock that the test turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sync/hqtime.h"
#include "sync/tell.h"

#define S 1000000ll
#define TODAY 1795280523000000ll /* 2026-11-21T17:02:03Z */

struct fixture {
	int64_t mono_us, wall_us;
	bool kernel;
	struct clock_raw raw;
	struct counters counters;
	struct clock_keep *keep;
	struct hqtime *time;
	int asks, heard;
	bool refuse;
	char ask[200], id[17];
};

static int64_t raw_mono(void *ctx)
{
	return ((struct fixture *)ctx)->mono_us;
}

static int64_t raw_wall(void *ctx)
{
	return ((struct fixture *)ctx)->wall_us;
}

static bool raw_kernel(void *ctx, int64_t *error_us)
{
	*error_us = 1000;
	return ((struct fixture *)ctx)->kernel;
}

static bool raw_rtc(void *ctx, int64_t wall_us)
{
	(void)ctx;
	(void)wall_us;
	return false;
}

static bool publish(void *ctx, const void *payload, size_t len)
{
	struct fixture *f = ctx;
	if (f->refuse)
		return false;
	snprintf(f->ask, sizeof(f->ask), "%.*s", (int)len, (const char *)payload);
	snprintf(f->id, sizeof(f->id), "%s", strstr(f->ask, "\"id\":\"") + 6);
	f->asks++;
	return true;
}

static void heard(void *ctx)
{
	((struct fixture *)ctx)->heard++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->mono_us = 1000 * S;
	f->wall_us = 5 * S; /* 1970 */
	f->raw = (struct clock_raw){raw_mono, raw_wall, raw_kernel, raw_rtc, f};
	f->keep = clock_keep_new(&f->raw, TODAY - 1000 * S, &f->counters);
	const struct hqtime_params params = {.device = "d1",
	                                     .keep = f->keep,
	                                     .counters = &f->counters,
	                                     .publish = publish,
	                                     .heard = heard,
	                                     .time_ctx = f,
	                                     .ctx = f};
	f->time = hqtime_new(&params);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	hqtime_free(f->time);
	clock_keep_free(f->keep);
	free(f);
	return 0;
}

static int64_t later(struct fixture *f, int64_t us)
{
	f->mono_us += us;
	f->wall_us += us;
	return hqtime_step(f->time);
}

static int answer(struct fixture *f, const char *id, long long wall_us)
{
	char header[200], err[200];
	snprintf(header, sizeof(header),
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"%s\",\"tell\":\"time\",\"wall_us\":%lld,"
	         "\"error_us\":20000}",
	         id, wall_us);
	return hqtime_tell(f->time, header, strlen(header), err, sizeof(err));
}

static struct clock_state now(struct fixture *f)
{
	struct clock_state s;
	clock_keep_state(f->keep, &s);
	return s;
}

static void the_time_is_asked_for_with_each_connection_and_never_without(void **state)
{
	struct fixture *f = *state;
	assert_true(later(f, S) == INT64_MAX);
	hqtime_up(f->time);
	later(f, 0);
	assert_int_equal(f->asks, 1);
	char first[17];
	memcpy(first, f->id, sizeof(first));
	hqtime_down(f->time);
	assert_true(later(f, 100 * S) == INT64_MAX);
	hqtime_up(f->time);
	later(f, 0);
	assert_int_equal(f->asks, 2);
	assert_string_not_equal(first, f->id);
}

static void half_the_way_there_and_back_is_the_error(void **state)
{
	struct fixture *f = *state;
	hqtime_up(f->time);
	later(f, 0);
	later(f, 400000);
	assert_int_equal(answer(f, f->id, TODAY), 0);
	assert_int_equal(f->heard, 1);
	assert_int_equal(now(f).trust, CLOCK_HQ);
	assert_true(now(f).wall_us == TODAY + 200000);
	assert_in_range(now(f).error_us, 220000, 220100);
	assert_int_equal(counter_get(&f->counters, COUNTER_TIME_HEARD), 1);
	/* and from then on every hour */
	later(f, 3599 * S);
	assert_int_equal(f->asks, 1);
	later(f, S);
	assert_int_equal(f->asks, 2);
}

static void an_answer_that_was_slow_is_used_and_a_better_one_asked_for_soon(void **state)
{
	struct fixture *f = *state;
	hqtime_up(f->time);
	later(f, 0);
	later(f, 6 * S);
	answer(f, f->id, TODAY);
	assert_int_equal(now(f).trust, CLOCK_HQ);
	later(f, 60 * S);
	assert_int_equal(f->asks, 2);
}

static void an_answer_over_ten_seconds_is_refused(void **state)
{
	struct fixture *f = *state;
	hqtime_up(f->time);
	later(f, 0);
	f->mono_us += 10 * S + 1;
	assert_int_equal(answer(f, f->id, TODAY), 0);
	assert_int_equal(now(f).trust, CLOCK_NONE);
	assert_int_equal(f->heard, 0);
	assert_int_equal(counter_get(&f->counters, COUNTER_TIME_REFUSED), 1);
}

static void an_answer_to_another_nonce_says_nothing(void **state)
{
	struct fixture *f = *state;
	hqtime_up(f->time);
	later(f, 0);
	assert_int_equal(answer(f, "00000000000000aa", TODAY), 0);
	assert_int_equal(now(f).trust, CLOCK_NONE);
	char old[17];
	memcpy(old, f->id, sizeof(old));
	assert_int_equal(answer(f, old, TODAY), 0);
	assert_int_equal(now(f).trust, CLOCK_HQ);
	/* The same answer again, an hour later: a replay. */
	later(f, 1800 * S);
	answer(f, old, TODAY);
	assert_int_equal(f->heard, 1);
}

static void without_an_answer_it_asks_again_ever_more_slowly(void **state)
{
	struct fixture *f = *state;
	hqtime_up(f->time);
	for (int s = 0; s < 3600; s++)
		later(f, S);
	assert_in_range(f->asks, 10, 25);
	f->refuse = true;
	int asks = f->asks;
	later(f, 600 * S);
	assert_int_equal(f->asks, asks);
	f->refuse = false;
	later(f, 10 * S);
	assert_int_equal(f->asks, asks + 1);
}

static void an_ask_in_vain_is_repeated_after_ten_seconds(void **state)
{
	struct fixture *f = *state;
	hqtime_up(f->time);
	for (int s = 0; s < 10; s++)
		later(f, S);
	assert_int_equal(f->asks, 1);
	later(f, S);
	later(f, S);
	assert_int_equal(f->asks, 2);
}

static void an_hq_that_speaks_without_answering_is_asked_again(void **state)
{
	struct fixture *f = *state;
	hqtime_alive(f->time, false); /* the line is down */
	hqtime_up(f->time);
	later(f, 0);
	hqtime_alive(f->time, false); /* it may still answer */
	later(f, 0);
	assert_int_equal(f->asks, 1);
	hqtime_alive(f->time, true); /* it will not */
	later(f, 0);
	assert_int_equal(f->asks, 2);
	later(f, S);
	hqtime_alive(f->time, false);
	later(f, 0);
	assert_int_equal(f->asks, 3);
	answer(f, f->id, TODAY);
	assert_int_equal(f->heard, 1);
	hqtime_alive(f->time, false);
	later(f, 2 * S);
	assert_int_equal(f->asks, 3);
}

static void a_contradiction_asks_at_once_but_not_all_the_time(void **state)
{
	struct fixture *f = *state;
	hqtime_up(f->time);
	later(f, 0);
	answer(f, f->id, TODAY);
	f->kernel = true;
	f->wall_us = TODAY + 7200 * S;
	clock_keep_look(f->keep);
	later(f, 0);
	assert_int_equal(f->asks, 2);
	answer(f, f->id, TODAY);
	later(f, 600 * S);
	assert_int_equal(f->asks, 2);
}

static void what_is_wrong_with_a_tell_of_time_is_named(void **state)
{
	(void)state;
#define HEAD "{\"v\":1,\"device\":\"d1\",\"id\":\"00000000000000aa\",\"tell\":"
	static const struct {
		const char *json, *names;
	} cases[] = {
	    {"", "object"},
	    {"{}", "v: "},
	    {HEAD "\"changes\"}", "tell: "},
	    {HEAD "\"time\"}", "wall_us: "},
	    {HEAD "\"time\",\"wall_us\":0}", "wall_us: "},
	    {HEAD "\"time\",\"wall_us\":1.5}", "wall_us: "},
	    {HEAD "\"time\",\"wall_us\":9223372036854775807}", "wall_us: "},
	    {HEAD "\"time\",\"wall_us\":1,\"error_us\":-1}", "error_us: "},
	    {HEAD "\"time\",\"wall_us\":1,\"error_us\":60000001}", "error_us: "},
	};
	struct hqtime_word w;
	struct tell t;
	char err[200];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(
		    hqtime_parse(cases[i].json, strlen(cases[i].json), &w, err, sizeof(err)), -1);
		if (!strstr(err, cases[i].names))
			fail_msg("%s: said \"%s\"", cases[i].json, err);
	}
	const char *good = HEAD "\"time\",\"wall_us\":12,\"later\":true}";
	assert_int_equal(hqtime_parse(good, strlen(good), &w, err, sizeof(err)), 0);
	assert_true(w.wall_us == 12 && w.error_us == 0);
	assert_int_equal(tell_parse(good, strlen(good), &t, err, sizeof(err)), 0);
	assert_string_equal(t.kind, "time");
	assert_string_equal(t.device, "d1");
	assert_string_equal(t.id, "00000000000000aa");
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_time_is_asked_for_with_each_connection_and_never_without),
	    TEST(half_the_way_there_and_back_is_the_error),
	    TEST(an_answer_that_was_slow_is_used_and_a_better_one_asked_for_soon),
	    TEST(an_answer_over_ten_seconds_is_refused),
	    TEST(an_answer_to_another_nonce_says_nothing),
	    TEST(without_an_answer_it_asks_again_ever_more_slowly),
	    TEST(an_ask_in_vain_is_repeated_after_ten_seconds),
	    TEST(an_hq_that_speaks_without_answering_is_asked_again),
	    TEST(a_contradiction_asks_at_once_but_not_all_the_time),
	    cmocka_unit_test(what_is_wrong_with_a_tell_of_time_is_named),
	};
	log_open("sync_hqtime_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
