#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sync/uplink_runs.h"

#define SEQS 300

static void runs_are_united_where_they_touch_and_split_where_they_are_cut(void **state)
{
	struct uplink_runs r = {0};
	(void)state;
	assert_int_equal(uplink_runs_add(&r, 5, 9), 5);
	assert_int_equal(uplink_runs_add(&r, 20, 20), 1);
	assert_int_equal(uplink_runs_add(&r, 10, 12), 3);
	assert_int_equal(r.count, 2);
	assert_int_equal(uplink_runs_add(&r, 1, 30), 30 - 9);
	assert_int_equal(r.count, 1);
	assert_int_equal(uplink_runs_cut(&r, 7, 8), 2);
	assert_int_equal(r.count, 2);
	assert_int_equal(uplink_runs_end(&r, 1), 6);
	assert_int_equal(uplink_runs_end(&r, 7), 0);
	assert_int_equal(uplink_runs_next(&r, 3), 9);
	assert_true(uplink_runs_next(&r, 9) == UINT64_MAX);
	assert_int_equal(uplink_runs_add(&r, 0, 4), 0);
	assert_int_equal(uplink_runs_add(&r, 9, 8), 0);
	assert_int_equal(uplink_runs_total(&r), 28);
	uplink_runs_free(&r);
	assert_int_equal(uplink_runs_end(&r, 1), 0);
}

/* Against a plain list of yes and no. */
static void whatever_is_added_and_cut_the_set_is_right(void **state)
{
	struct uplink_runs r = {0};
	bool in[SEQS + 2] = {false};
	(void)state;
	srand(11);
	for (int round = 0; round < 5000; round++) {
		uint64_t first = (uint64_t)(rand() % SEQS) + 1, n = 0;
		uint64_t last = first + (uint64_t)(rand() % 12);
		bool add = rand() % 2;
		last = last > SEQS ? SEQS : last;
		for (uint64_t s = first; s <= last; s++) {
			n += in[s] != add;
			in[s] = add;
		}
		uint64_t got =
		    add ? uplink_runs_add(&r, first, last) : uplink_runs_cut(&r, first, last);
		assert_int_equal(got, n);
		uint64_t total = 0;
		for (uint64_t s = SEQS; s >= 1; s--) {
			total += in[s];
			assert_int_equal(uplink_runs_end(&r, s) != 0, in[s]);
			if (in[s])
				assert_false(in[uplink_runs_end(&r, s) + 1]);
		}
		assert_int_equal(uplink_runs_total(&r), total);
		for (size_t i = 1; i < r.count; i++)
			assert_true(r.run[i].first > r.run[i - 1].last + 1);
	}
	uplink_runs_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(runs_are_united_where_they_touch_and_split_where_they_are_cut),
	    cmocka_unit_test(whatever_is_added_and_cut_the_set_is_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
