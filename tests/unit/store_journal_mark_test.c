#include "journal_place.h"

#include "store/journal_internal.h"

/* ---- merging, pure ---- */

struct merge {
	struct journal_row row;
	struct journal_confirm c;
};

static void range(struct merge *m, uint64_t first, uint64_t last)
{
	m->c.ranges[m->c.range_count++] = (struct journal_range){first, last};
}

static void through_never_goes_back(void **state)
{
	struct merge m = {.row.through = 10};
	(void)state;
	m.c.through = 7;
	journal_mark_merge(&m.row, &m.c, 100);
	assert_int_equal(m.row.through, 10);
	m.c.through = 12;
	journal_mark_merge(&m.row, &m.c, 100);
	assert_int_equal(m.row.through, 12);
}

static void ranges_are_united_and_taken_into_through(void **state)
{
	struct merge m = {0};
	(void)state;
	m.c.through = 5;
	range(&m, 20, 25);
	range(&m, 10, 12);
	range(&m, 13, 14);
	range(&m, 24, 30);
	journal_mark_merge(&m.row, &m.c, 100);
	assert_int_equal(m.row.through, 5);
	assert_int_equal(m.row.range_count, 2);
	assert_int_equal(m.row.ranges[0].first, 10);
	assert_int_equal(m.row.ranges[0].last, 14);
	assert_int_equal(m.row.ranges[1].first, 20);
	assert_int_equal(m.row.ranges[1].last, 30);
	m.c = (struct journal_confirm){0};
	range(&m, 6, 9);
	journal_mark_merge(&m.row, &m.c, 100);
	assert_int_equal(m.row.through, 14);
	assert_int_equal(m.row.range_count, 1);
	assert_int_equal(journal_mark_held(&m.row, 100), 14 + 11);
	m.row.deleted = 10;
	assert_int_equal(journal_mark_held(&m.row, 100), 4 + 11);
}

static void nothing_is_confirmed_that_was_never_written(void **state)
{
	struct merge m = {0};
	(void)state;
	m.c.through = UINT64_MAX;
	range(&m, 1, UINT64_MAX);
	range(&m, 0, 3);
	range(&m, 9, 8);
	range(&m, 50, 60);
	journal_mark_merge(&m.row, &m.c, 40);
	assert_int_equal(m.row.through, 40);
	assert_int_equal(m.row.range_count, 0);
}

static void at_most_32_ranges_are_kept(void **state)
{
	struct merge m = {0};
	(void)state;
	for (uint64_t i = 0; i < 32; i++)
		range(&m, 10 + 4 * i, 11 + 4 * i);
	journal_mark_merge(&m.row, &m.c, 10000);
	for (uint32_t i = 0; i < 32; i++) {
		m.c.ranges[i].first += 1000;
		m.c.ranges[i].last += 1000;
	}
	journal_mark_merge(&m.row, &m.c, 10000);
	assert_int_equal(m.row.range_count, 32);
	assert_int_equal(m.row.ranges[31].first, 134);
}

/* ---- in the file ---- */

static void confirm(struct place *p, const uint8_t epoch[8], uint64_t through)
{
	struct journal_confirm c = {.through = through};
	memcpy(c.epoch, epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
}

/* A commit behind a confirmation has applied it. */
static void settle(struct place *p)
{
	place_fill(p, 1);
}

static void a_confirmation_is_durable_and_counted(void **state)
{
	struct place *p = *state;
	struct journal_epoch e;
	place_fill(p, 9);
	struct journal_state s = place_state(p);
	confirm(p, s.epoch, 6);
	settle(p);
	assert_int_equal(place_state(p).confirmed, 6);
	assert_int_equal(place_state(p).kept, 11);
	assert_int_equal(counter_get(&p->counters, COUNTER_EVENTS_CONFIRMED), 6);
	confirm(p, s.epoch, 6);
	settle(p);
	assert_int_equal(place_state(p).confirmed, 6);
	place_stop(p);
	place_start(p);
	assert_int_equal(place_state(p).confirmed, 6);
	assert_int_equal(journal_reader_epochs(place_reader(p), &e, 1), 1);
	assert_int_equal(e.confirmed_through, 6);
}

static void an_idle_journal_applies_a_confirmation_at_once(void **state)
{
	struct place *p = *state;
	place_fill(p, 3);
	confirm(p, place_state(p).epoch, 4);
	for (int i = 0; i < 2000 && place_state(p).confirmed != 4; i++)
		usleep(100);
	assert_int_equal(place_state(p).confirmed, 4);
}

static void a_confirmation_of_an_unknown_epoch_is_skipped(void **state)
{
	struct place *p = *state;
	confirm(p, (const uint8_t[8]){9, 9, 9}, 5);
	settle(p);
	assert_int_equal(place_state(p).confirmed, 0);
}

static void confirmed_urgent_seqs_are_no_longer_urgent(void **state)
{
	struct place *p = *state;
	struct journal_urgent u[8];
	for (int i = 0; i < 5; i++) {
		struct entry *e = place_entry(EVENT_CUSTOMER_DETACHED);
		e->first->urgent = true;
		entry_free(place_commit(p, e));
	}
	struct journal_confirm c = {.through = 3, .ranges = {{5, 5}}, .range_count = 1};
	memcpy(c.epoch, place_state(p).epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
	settle(p);
	assert_int_equal(journal_reader_urgent(place_reader(p), u, 8), 2);
	assert_int_equal(u[0].seq, 4);
	assert_int_equal(u[1].seq, 6);
}

/* ---- retention ---- */

/* Reopening looks at what may go at once, and a commit shows that it was done. */
static void again(struct place *p)
{
	place_stop(p);
	place_start(p);
	settle(p);
	settle(p);
}

static void packs_go_when_confirmed_and_old_and_leave_an_anchor(void **state)
{
	struct place *p = *state;
	struct journal_epoch e[4];
	struct journal_verify v;
	struct journal_run run;
	uint8_t h[32];
	char err[256] = "";
	place_fill(p, 9);
	struct journal_state s = place_state(p);
	assert_int_equal(journal_reader_run(place_reader(p), s.epoch, 6, 1, 4096, &run), 1);
	memcpy(h, run.h_last, 32);
	journal_run_free(&run);
	confirm(p, s.epoch, 6);
	again(p);
	assert_int_equal(journal_reader_epochs(place_reader(p), e, 4), 2);
	assert_int_equal(e[0].deleted_through, 0); /* confirmed, but young */
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	again(p);
	assert_int_equal(journal_reader_epochs(place_reader(p), e, 4), 3);
	assert_int_equal(e[0].deleted_through, 6); /* old, but the rest is not confirmed */
	assert_memory_equal(e[0].deleted_h, h, 32);
	assert_int_equal(e[0].last_seq, 10);
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(journal_reader_run(place_reader(p), s.epoch, 1, 2, 4096, &run), 1);
	assert_int_equal(run.first, 7);
	assert_memory_equal(run.h_prev, h, 32);
	journal_run_free(&run);
	assert_int_equal(place_state(p).confirmed, 0);
	assert_int_equal(place_state(p).kept, 4 + 3 + 3);
}

static void packs_inside_the_resend_window_stay_whatever_the_retention(void **state)
{
	struct place *p = *state;
	struct journal_epoch e[4];
	p->params.retention_us = 1;
	place_fill(p, 3);
	confirm(p, place_state(p).epoch, 4);
	settle(p);
	atomic_fetch_add(&p->wall_us, 3 * PLACE_DAY_US - 1000000);
	again(p);
	assert_true(journal_reader_epochs(place_reader(p), e, 4) >= 2);
	assert_int_equal(e[0].deleted_through, 0);
	atomic_fetch_add(&p->wall_us, 2000000);
	again(p);
	assert_true(journal_reader_epochs(place_reader(p), e, 4) >= 2);
	assert_int_equal(e[0].deleted_through, 4);
}

static void a_drained_epoch_goes_whole_and_the_next_still_links(void **state)
{
	struct place *p = *state;
	struct journal_epoch e[8];
	struct journal_verify v;
	char err[256] = "";
	place_fill(p, 200);
	struct journal_state s = place_state(p);
	confirm(p, s.epoch, 1000); /* applied by the stop at the latest */
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	place_stop(p);
	place_start(p);
	for (int i = 0; i < 20; i++)
		settle(p);
	int n = journal_reader_epochs(place_reader(p), e, 8);
	assert_int_equal(n, 1);
	assert_memory_equal(e[0].epoch, place_state(p).epoch, 8);
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(place_state(p).kept, 21);
	assert_int_equal(place_state(p).confirmed, 0);
}

static void the_end_of_an_epoch_whose_packs_are_all_gone_is_still_named(void **state)
{
	struct place *p = *state;
	struct journal_verify v;
	char err[256] = "";
	place_fill(p, 3);
	struct journal_state s = place_state(p);
	confirm(p, s.epoch, 4);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	/* The idle thread looks every ten seconds of its clock. */
	for (int i = 0; i < 100 && place_state(p).kept; i++) {
		usleep(100000);
		atomic_fetch_add(&p->wall_us, 11 * 1000000LL);
	}
	assert_int_equal(place_state(p).kept, 0);
	place_stop(p);
	place_start(p);
	struct journal_run run;
	assert_int_equal(
	    journal_reader_run(place_reader(p), place_state(p).epoch, 1, 1, 4096, &run), 1);
	assert_non_null(memmem(run.lines.data, run.lines.len, "\"prev_last_seq\":4", 17));
	journal_run_free(&run);
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up_started, place_tear_down)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(through_never_goes_back),
	    cmocka_unit_test(ranges_are_united_and_taken_into_through),
	    cmocka_unit_test(nothing_is_confirmed_that_was_never_written),
	    cmocka_unit_test(at_most_32_ranges_are_kept),
	    TEST(a_confirmation_is_durable_and_counted),
	    TEST(an_idle_journal_applies_a_confirmation_at_once),
	    TEST(a_confirmation_of_an_unknown_epoch_is_skipped),
	    TEST(confirmed_urgent_seqs_are_no_longer_urgent),
	    TEST(packs_go_when_confirmed_and_old_and_leave_an_anchor),
	    TEST(packs_inside_the_resend_window_stay_whatever_the_retention),
	    TEST(a_drained_epoch_goes_whole_and_the_next_still_links),
	    TEST(the_end_of_an_epoch_whose_packs_are_all_gone_is_still_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
