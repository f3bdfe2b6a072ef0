/* Repaired times against a simulated truth: crystals that drift by up to 100 ppm, points that err
 * within what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "hq/intake/hq_time.h"

#define S INT64_C(1000000)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define TODAY INT64_C(1795280523000000)
#define POINTS 40
#define ROUNDS 3000

static uint64_t seed = 1;

static int64_t below(int64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return n > 0 ? (int64_t)((seed >> 11) % (uint64_t)n) : 0;
}

static int64_t around(int64_t n)
{
	return below(2 * n + 1) - n;
}

/* A boot of 30 days whose crystal changes its mind every few hours. */
struct crystal {
	int64_t start_us, wall_us[121]; /* true time at each six hours of monotonic time */
};

static void grow(struct crystal *c)
{
	int64_t ppm = around(100);
	c->wall_us[0] = TODAY;
	for (int i = 1; i <= 120; i++) {
		if (below(4) == 0)
			ppm = around(100);
		c->wall_us[i] = c->wall_us[i - 1] + 6 * HOUR + 6 * HOUR / 1000000 * ppm;
	}
}

static int64_t truth(const struct crystal *c, int64_t mono_us)
{
	int64_t i = mono_us / (6 * HOUR), rest = mono_us % (6 * HOUR);
	__int128 step = c->wall_us[i + 1] - c->wall_us[i];
	return c->wall_us[i] + (int64_t)(step * rest / (6 * HOUR));
}

static struct hq_time_point honest(const struct crystal *c, bool is_signed)
{
	static const int64_t errors[] = {1000, 50000, 1000000, 5000000, 600000000};
	struct hq_time_point p = {.mono_us = below(120 * 6 * HOUR), .is_signed = is_signed};
	p.error_us = errors[below(5)];
	p.wall_us = truth(c, p.mono_us) + around(p.error_us);
	return p;
}

static void shuffle(struct hq_time_point *p, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)below((int64_t)i);
		struct hq_time_point t = p[i - 1];
		p[i - 1] = p[k];
		p[k] = t;
	}
}

/* The promise: 100 ppm of the distance to the nearest point, plus the point's own error. */
static int64_t promised_us(const struct hq_time_point *p, size_t n, int64_t mono_us)
{
	int64_t best = INT64_MAX;
	for (size_t i = 0; i < n; i++) {
		int64_t e = p[i].error_us + llabs(mono_us - p[i].mono_us) / 10000;
		if (!p[i].dropped && e < best)
			best = e;
	}
	return best;
}

static void check(const struct crystal *c, const struct hq_time_point *p, size_t n)
{
	for (int i = 0; i < 20; i++) {
		int64_t mono_us = below(120 * 6 * HOUR), at = truth(c, mono_us);
		struct hq_time_span s;
		assert_true(hq_time_at(p, n, mono_us, &s));
		if (at < s.lo_us || at > s.hi_us)
			fail_msg("the truth is %lld us outside",
			         (long long)(at < s.lo_us ? s.lo_us - at : at - s.hi_us));
		/* a microsecond of rounding for each point on the way */
		if ((s.hi_us - s.lo_us) / 2 > promised_us(p, n, mono_us) + 2 + POINTS)
			fail_msg("the error is %lld us wider than promised",
			         (long long)((s.hi_us - s.lo_us) / 2 - promised_us(p, n, mono_us)));
	}
}

static void the_truth_lies_within_the_bound_and_the_bound_is_as_promised(void **state)
{
	struct crystal c;
	struct hq_time_point p[POINTS];
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = 1 + (size_t)below(POINTS);
		grow(&c);
		for (size_t i = 0; i < n; i++)
			p[i] = honest(&c, below(2));
		hq_time_settle(p, n);
		for (size_t i = 0; i < n; i++)
			assert_false(p[i].dropped);
		check(&c, p, n);
	}
}

static void the_order_of_the_points_does_not_matter(void **state)
{
	struct crystal c;
	struct hq_time_point p[POINTS], q[POINTS];
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = 1 + (size_t)below(POINTS);
		grow(&c);
		for (size_t i = 0; i < n; i++) {
			p[i] = honest(&c, below(2));
			if (below(5) == 0) /* not so honest */
				p[i].wall_us += around(20 * YEAR);
		}
		memcpy(q, p, sizeof(q));
		shuffle(q, n);
		hq_time_settle(p, n);
		hq_time_settle(q, n);
		for (int i = 0; i < 20; i++) {
			struct hq_time_span a = {0}, b = {0};
			int64_t mono_us = below(120 * 6 * HOUR);
			assert_int_equal(hq_time_at(p, n, mono_us, &a),
			                 hq_time_at(q, n, mono_us, &b));
			assert_true(a.lo_us == b.lo_us && a.hi_us == b.hi_us);
		}
	}
}

static void what_contradicts_hqs_word_counts_for_nothing(void **state)
{
	struct crystal c;
	struct hq_time_point p[POINTS];
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = 2 + (size_t)below(POINTS - 2), dropped = 0;
		grow(&c);
		for (size_t i = 0; i < n; i++) {
			p[i] = honest(&c, i == 0 || below(3) == 0);
			if (!p[i].is_signed)
				p[i].wall_us += below(2) ? 10 * YEAR : -50 * YEAR;
		}
		hq_time_settle(p, n);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(p[i].dropped, !p[i].is_signed);
			dropped += p[i].dropped;
		}
		if (dropped < n)
			check(&c, p, n);
	}
}

static void without_hqs_word_contradictions_widen_the_bound(void **state)
{
	struct hq_time_point p[2] = {{.mono_us = 0, .wall_us = TODAY, .error_us = S},
	                             {.mono_us = HOUR, .wall_us = TODAY + YEAR, .error_us = S}};
	struct hq_time_span s;
	(void)state;
	hq_time_settle(p, 2);
	assert_false(p[0].dropped || p[1].dropped);
	assert_true(hq_time_at(p, 2, HOUR / 2, &s));
	assert_true(s.lo_us <= TODAY + HOUR / 2 && s.hi_us >= TODAY + YEAR - HOUR / 2);
}

static void without_a_point_nothing_is_said(void **state)
{
	struct hq_time_span s, open = {INT64_MIN, INT64_MAX};
	(void)state;
	hq_time_settle(NULL, 0);
	assert_false(hq_time_at(NULL, 0, 5, &s));
	s = hq_time_from_start(open, DAY);
	assert_true(s.lo_us == INT64_MIN && s.hi_us == INT64_MAX);
	s = hq_time_from_start((struct hq_time_span){TODAY, INT64_MAX}, DAY);
	assert_true(s.lo_us <= TODAY + DAY && s.lo_us >= TODAY + DAY - 9 * S);
	s = hq_time_to_start((struct hq_time_span){INT64_MIN, TODAY}, DAY);
	assert_true(s.lo_us == INT64_MIN && s.hi_us >= TODAY - DAY &&
	            s.hi_us <= TODAY - DAY + 9 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_truth_lies_within_the_bound_and_the_bound_is_as_promised),
	    cmocka_unit_test(the_order_of_the_points_does_not_matter),
	    cmocka_unit_test(what_contradicts_hqs_word_counts_for_nothing),
	    cmocka_unit_test(without_hqs_word_contradictions_widen_the_bound),
	    cmocka_unit_test(without_a_point_nothing_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
