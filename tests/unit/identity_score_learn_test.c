#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/score_internal.h"
#include "identity/score_learn.h"

#define RECORDS 20000
#define PAIRS 60000
#define PERSONS 0.25 /* planted: share of the candidates that are of one person */
#define HOUSES 0.15
#define MOVED_SHARE 0.2

struct planted {
	double same[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	double house[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	double strange[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
};

/* Other than the seeds, so that finding them is no luck. */
static void plant(struct planted *p)
{
	static const double first[] = {0, 0.70, 0.12, 0.05, 0.06, 0.03, 0.01, 0.03},
	                    last[] = {0, 0.80, 0.08, 0.02, 0.03, 0.07},
	                    born[] = {0, 0.85, 0.03, 0.08, 0.02, 0.02};
	struct score_model *m = score_model_defaults();

	memcpy(p->same, m->same, sizeof p->same);
	memcpy(p->house, m->house, sizeof p->house);
	memcpy(p->strange, m->strange, sizeof p->strange);
	memcpy(p->same[SCORE_FIRST], first, sizeof first);
	memcpy(p->same[SCORE_LAST], last, sizeof last);
	memcpy(p->same[SCORE_BORN], born, sizeof born);
	memcpy(p->house[SCORE_FIRST], p->strange[SCORE_FIRST], sizeof first);
	score_model_free(m);
}

static double drawn(void)
{
	return (double)rand() / ((double)RAND_MAX + 1);
}

static uint8_t draw(const double p[SCORE_LEVELS_MAX])
{
	double at = drawn();

	for (int l = 1; l < SCORE_LEVELS_MAX; l++) {
		at -= p[l];
		if (at < 0)
			return (uint8_t)l;
	}
	return 1;
}

static void pair_of(const struct planted *p, uint8_t level[SCORE_FIELD_COUNT])
{
	double kind = drawn();
	bool moved = drawn() < MOVED_SHARE;

	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		if (drawn() < 0.1)
			level[f] = SCORE_UNSAID;
		else if (kind < PERSONS)
			level[f] = draw(moved && score_is_address(f) ? p->strange[f] : p->same[f]);
		else if (kind < PERSONS + HOUSES)
			level[f] = draw(p->house[f]);
		else
			level[f] = draw(p->strange[f]);
	}
}

static void feed(struct score_learn *l, const struct planted *p)
{
	uint8_t level[SCORE_FIELD_COUNT];

	for (int i = 0; i < 400000; i++) {
		for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++)
			level[f] = draw(p->strange[f]);
		score_learn_random(l, level);
	}
	for (int i = 0; i < PAIRS; i++) {
		unsigned demands = i % 3 == 0   ? 1U << SCORE_BORN
		                   : i % 3 == 1 ? 1U << SCORE_LAST
		                                : 0;
		pair_of(p, level);
		if (demands & 1U << SCORE_BORN)
			level[SCORE_BORN] = SCORE_SAME;
		if (demands & 1U << SCORE_LAST)
			level[SCORE_LAST] = SCORE_SAME;
		score_learn_pair(l,
		                 &(struct score_learn_pass){
		                     .pass = i % 3, .demands = demands, .first = i % 3 == 2},
		                 level);
	}
}

static struct score_model *learn(struct score_learn_report *report)
{
	struct score_learn *l = score_learn_new();
	struct planted p;
	struct score_model *m;

	srand(4);
	plant(&p);
	feed(l, &p);
	m = score_learn_run(l,
	                    &(struct score_learn_in){.records = RECORDS,
	                                             .sampled = 1,
	                                             .made = "2026-11-22T00:00:00.000Z",
	                                             .version = "t"},
	                    report);
	score_learn_free(l);
	return m;
}

static void planted_weights_are_found_again(void **state)
{
	struct score_learn_report report;
	struct score_model *m = learn(&report);
	struct planted p;

	(void)state;
	plant(&p);
	assert_non_null(m);
	assert_true(report.converged);
	assert_int_equal(report.pairs, PAIRS / 3);
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		for (int l = 1; l < score_level_count(f); l++) {
			if (fabs(m->same[f][l] - p.same[f][l]) > 0.015)
				fail_msg("%s %s: %.4f, planted %.4f", score_field_name(f),
				         score_level_name(f, l), m->same[f][l], p.same[f][l]);
		}
	}
	assert_true(fabs(m->house[SCORE_LAST][SCORE_SAME] - p.house[SCORE_LAST][SCORE_SAME]) <
	            0.03);
	assert_true(fabs(m->moved - MOVED_SHARE) < 0.03);
	/* In the pass that demands nothing. */
	assert_true(fabs(report.persons_pairs / (PAIRS / 3.0) - PERSONS) < 0.01);
	score_model_free(m);
}

static void the_same_pairs_give_the_same_weights(void **state)
{
	struct score_learn_report report;
	struct score_model *a = learn(&report), *b = learn(&report);
	struct buf x = {0}, y = {0};

	(void)state;
	score_model_write(a, &x);
	score_model_write(b, &y);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	buf_free(&x);
	buf_free(&y);
	score_model_free(a);
	score_model_free(b);
}

static void too_few_records_teach_nothing(void **state)
{
	struct score_learn *l = score_learn_new();
	struct score_learn_report report;
	struct score_learn_in in = {
	    .records = SCORE_RECORDS_MIN - 1, .sampled = 1, .made = "", .version = "t"};

	(void)state;
	assert_null(score_learn_run(l, &in, &report));
	assert_int_equal(report.rounds, 0);
	score_learn_free(l);
}

/* The share that a model has for a value, whether it keeps it or not. */
static double share_of(const struct score_model *m, enum score_field f, const char *text)
{
	for (int i = 0; i < m->often_count; i++) {
		if (m->often[i].key == score_often_key(f, score_text_hash(text)))
			return m->often[i].share;
	}
	return m->rest[f];
}

static void frequent_values_are_known_and_rare_ones_have_a_floor(void **state)
{
	struct score_learn *l = score_learn_new();
	struct score_learn_in in = {.records = 100000, .sampled = 1, .made = "x", .version = "t"};
	struct score_learn_report report;
	struct score_model *m;
	char text[32];

	(void)state;
	score_learn_value(l, SCORE_LAST, score_text_hash("muller"), 1000);
	for (int i = 0; i < 9000; i++) {
		snprintf(text, sizeof text, "name%d", i);
		score_learn_value(l, SCORE_LAST, score_text_hash(text), 1 + (uint64_t)i % 10);
	}
	for (int i = 0; i < 2000; i++)
		score_learn_value(l, SCORE_FIRST, (uint64_t)i + 1, 1);
	m = score_learn_run(l, &in, &report);
	assert_non_null(m);
	/* Nobody has a name twice: that makes none of them infinitely rare. */
	assert_true(fabs(share_of(m, SCORE_FIRST, "nobody") - 0.5 / 1999) < 1e-9);
	assert_true(fabs(share_of(m, SCORE_LAST, "muller") - 999.0 / 50500) < 0.001);
	assert_true(share_of(m, SCORE_LAST, "nobody") > 0.4 / 50500);
	assert_true(share_of(m, SCORE_LAST, "nobody") < 0.001);
	for (int i = 1; i < m->often_count; i++)
		assert_true(m->often[i - 1].key < m->often[i].key);
	score_model_free(m);
	score_learn_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(planted_weights_are_found_again),
	    cmocka_unit_test(the_same_pairs_give_the_same_weights),
	    cmocka_unit_test(too_few_records_teach_nothing),
	    cmocka_unit_test(frequent_values_are_known_and_rare_ones_have_a_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
