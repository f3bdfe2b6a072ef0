/* What keeps a pack that HQ has confirmed and that is old. */
#include "journal_place.h"

static void confirm_all(struct place *p, const uint8_t epoch[8])
{
	struct journal_confirm c = {.through = UINT64_MAX};
	memcpy(c.epoch, epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
}

/* The thread looks every ten seconds of its clock; each look begins after the one before has ended.
 * After some that changed nothing what may go is gone. */
static uint64_t left_after_a_while(struct place *p)
{
	uint64_t kept = UINT64_MAX;
	for (int same = 0; same < 3;) {
		int64_t now_us = atomic_fetch_add(&p->wall_us, 11 * 1000000LL) + 11 * 1000000LL;
		/* Any word wakes the thread. */
		while (!journal_included(p->journal, (const uint8_t[8]){1},
		                         &(struct journal_range){1, 1}))
			usleep(1000);
		while (place_state(p).progress_us < now_us)
			usleep(1000);
		uint64_t now = place_state(p).kept;
		same = now == kept ? same + 1 : 0;
		kept = now;
	}
	return kept;
}

static void keep(struct place *p, enum event_kind kind)
{
	struct entry *e = place_commit(p, place_entry(kind));
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
}

static void cover(struct place *p, int64_t ordinal, uint64_t seq)
{
	struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
	uint8_t mark[16] = {0};
	for (int i = 0; i < 8; i++) {
		mark[7 - i] = (uint8_t)((uint64_t)ordinal >> 8 * i);
		mark[15 - i] = (uint8_t)(seq >> 8 * i);
	}
	assert_int_equal(entry_mark(e, "covered", mark, sizeof(mark)), 0);
	entry_free(place_commit(p, e));
}

static void what_the_shard_does_not_include_yet_stays(void **state)
{
	struct place *p = *state;
	const enum event_kind kinds[] = {EVENT_CUSTOMER_ENROLLED, EVENT_CONSENT_CHANGED,
	                                 EVENT_POINTS_CHANGED};
	struct journal_state s = place_state(p);
	for (int i = 0; i < 3; i++) { /* seqs 3, 5, 7 */
		place_fill(p, 1);
		keep(p, kinds[i]);
	}
	place_fill(p, 1);
	confirm_all(p, s.epoch);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	assert_int_equal(left_after_a_while(p), 8 - 2);
	assert_true(journal_included(p->journal, s.epoch, &(struct journal_range){1, 2}));
	assert_int_equal(left_after_a_while(p), 8 - 2);
	assert_true(journal_included(p->journal, s.epoch, &(struct journal_range){1, 4}));
	assert_int_equal(left_after_a_while(p), 8 - 4);
	place_stop(p);
	place_start(p);
	assert_int_equal(left_after_a_while(p), 8 - 4 + 1);
	assert_true(journal_included(p->journal, s.epoch, &(struct journal_range){1, UINT64_MAX}));
	assert_int_equal(left_after_a_while(p), 1);
}

static void what_waits_at_hq_stays_although_more_is_included_behind_it(void **state)
{
	struct place *p = *state;
	struct journal_state s = place_state(p);
	for (int i = 0; i < 3; i++) /* seqs 2, 3, 4 */
		keep(p, EVENT_CUSTOMER_ENROLLED);
	place_fill(p, 1);
	confirm_all(p, s.epoch);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	assert_true(journal_included(p->journal, s.epoch, &(struct journal_range){1, 2}));
	assert_true(journal_included(p->journal, s.epoch, &(struct journal_range){4, 5}));
	assert_int_equal(left_after_a_while(p), 3); /* from seq 3 on */
	assert_true(journal_included(p->journal, s.epoch, &(struct journal_range){1, 5}));
	assert_int_equal(left_after_a_while(p), 0);
}

static void what_a_statement_of_the_day_does_not_cover_yet_stays(void **state)
{
	struct place *p = *state;
	struct journal_state s = place_state(p);
	place_fill(p, 4);
	cover(p, s.ordinal, 3); /* seq 6 */
	place_fill(p, 1);
	confirm_all(p, s.epoch);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	assert_int_equal(left_after_a_while(p), 7 - 3);
	cover(p, s.ordinal, 5);
	assert_int_equal(left_after_a_while(p), 8 - 5);
	place_stop(p);
	place_start(p);
	assert_int_equal(left_after_a_while(p), 8 - 5 + 1);
	confirm_all(p, s.epoch);
	assert_int_equal(left_after_a_while(p), 8 - 5 + 1);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	assert_int_equal(left_after_a_while(p), 8 - 5 + 1);
	cover(p, place_state(p).ordinal, 1); /* all of older epochs */
	assert_int_equal(left_after_a_while(p), 2);
}

static void where_room_is_short_a_statement_that_never_comes_is_not_waited_for(void **state)
{
	struct place *p = *state;
	struct journal_state s = place_state(p);
	place_fill(p, 4);
	cover(p, s.ordinal, 1);
	confirm_all(p, s.epoch);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	assert_int_equal(left_after_a_while(p), 6 - 1);
	place_stop(p);
	struct stat file;
	assert_int_equal(stat(p->path, &file), 0);
	p->params.quota_bytes = (uint64_t)file.st_size / 9 * 10;
	place_start(p);
	assert_true(place_state(p).full);
	assert_int_equal(left_after_a_while(p), 1);
}

static void expect_held(struct place *p, enum journal_held_by by)
{
	left_after_a_while(p);
	assert_int_equal(place_state(p).held.by, by);
}

static void what_old_packs_wait_for_is_told(void **state)
{
	struct place *p = *state;
	struct journal_state s = place_state(p);
	int64_t written_us = atomic_load(&p->wall_us);
	place_fill(p, 2);
	keep(p, EVENT_POINTS_CHANGED); /* seq 4 */
	cover(p, s.ordinal, 5);
	place_fill(p, 1);
	expect_held(p, JOURNAL_HELD_NOT); /* young */
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	expect_held(p, JOURNAL_HELD_UNCONFIRMED);
	assert_in_range(place_state(p).held.since_us, written_us - PLACE_DAY_US,
	                written_us + PLACE_DAY_US);
	confirm_all(p, s.epoch);
	expect_held(p, JOURNAL_HELD_SHARD);
	assert_true(journal_included(p->journal, s.epoch, &(struct journal_range){1, UINT64_MAX}));
	expect_held(p, JOURNAL_HELD_STATEMENT);
	cover(p, s.ordinal, 6);
	expect_held(p, JOURNAL_HELD_NOT);
	atomic_store(&p->untrusted, true);
	expect_held(p, JOURNAL_HELD_CLOCK);
	assert_string_equal(journal_held_name(place_state(p).held.by), "clock");
	atomic_store(&p->untrusted, false);
	expect_held(p, JOURNAL_HELD_NOT);
	assert_null(journal_held_name(place_state(p).held.by));
}

static void an_entry_that_was_refused_is_not_waited_for(void **state)
{
	struct place *p = *state;
	struct journal_state s = place_state(p);
	char big[EVENT_LINE_MAX + 100];
	memset(big, 'x', sizeof(big));
	big[0] = '"', big[sizeof(big) - 2] = '"', big[sizeof(big) - 1] = 0;
	struct entry *e = place_entry(EVENT_CONSENT_CHANGED);
	struct lw_event *second = entry_add(e, EVENT_PRODUCT_ADDED);
	*second = *e->first;
	second->next = NULL;
	second->properties = big;
	for (int i = 0; i < 200; i++)
		assert_true(
		    journal_put(p->journal, i == 100 ? e : place_entry(EVENT_PRODUCT_ADDED)));
	for (int i = 0; i < 200; i++) {
		struct entry *answered = place_wait(p);
		assert_int_equal(answered->status, answered == e ? ENTRY_REFUSED : ENTRY_KEPT);
		entry_free(answered);
	}
	confirm_all(p, s.epoch);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	assert_int_equal(left_after_a_while(p), 0);
}

static void a_confirmed_range_above_a_gap_does_not_go_before_the_gap(void **state)
{
	struct place *p = *state;
	struct journal_confirm c = {.through = 2, .ranges = {{4, 6}}, .range_count = 1};
	place_fill(p, 5);
	memcpy(c.epoch, place_state(p).epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	assert_int_equal(left_after_a_while(p), 4);
	c.through = 3;
	assert_true(journal_confirm(p->journal, &c));
	assert_int_equal(left_after_a_while(p), 0);
}

/* Visit keys may be under the key of an epoch that is drained before an older one is. */
static void an_epochs_row_goes_after_those_of_older_ones(void **state)
{
	struct place *p = *state;
	struct journal_epoch e[4];
	struct journal_state first = place_state(p);
	place_fill(p, 2);
	place_stop(p);
	place_start(p);
	struct journal_state second = place_state(p);
	place_fill(p, 2);
	place_stop(p);
	place_start(p);
	confirm_all(p, second.epoch);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	assert_int_equal(left_after_a_while(p), 3 + 0 + 1);
	assert_int_equal(journal_reader_epoch(place_reader(p), second.ordinal, e), 1);
	assert_memory_equal(e[0].epoch, second.epoch, 8);
	confirm_all(p, first.epoch);
	assert_int_equal(left_after_a_while(p), 1);
	assert_int_equal(journal_reader_epoch(place_reader(p), first.ordinal, e), 1);
	assert_memory_equal(e[0].epoch, place_state(p).epoch, 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up_started, place_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(what_the_shard_does_not_include_yet_stays),
	    TEST(what_waits_at_hq_stays_although_more_is_included_behind_it),
	    TEST(what_a_statement_of_the_day_does_not_cover_yet_stays),
	    TEST(where_room_is_short_a_statement_that_never_comes_is_not_waited_for),
	    TEST(what_old_packs_wait_for_is_told),
	    TEST(an_entry_that_was_refused_is_not_waited_for),
	    TEST(a_confirmed_range_above_a_gap_does_not_go_before_the_gap),
	    TEST(an_epochs_row_goes_after_those_of_older_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
