/* Whose history does HQ speak of, what of ours it refused, what it cannot read, what it lost. */
#include "sync_uplink_world.h"

#include "sync/uplink_notes.h"

/* h(seq) of the open epoch, or of another history when `other` is set. */
static void h_at(struct fixture *f, uint64_t seq, bool other, uint8_t h[32])
{
	assert_int_equal(
	    journal_reader_h(place_reader(f->place), place_state(f->place).epoch, seq, h), 0);
	h[0] = (uint8_t)(h[0] ^ other);
}

static struct confirm_epoch *word_h(struct fixture *f, uint64_t through, bool other)
{
	struct confirm_epoch *e = word(f, through);
	e->has_h = true;
	h_at(f, through, other, e->h);
	return e;
}

static struct confirm_range range_h(struct fixture *f, uint64_t first, uint64_t last, bool other)
{
	struct confirm_range r = {.first = first, .last = last, .has_h = true};
	h_at(f, last, other, r.h);
	return r;
}

static void fork_seqs(struct fixture *f, struct confirm_epoch *e, uint64_t first, uint64_t last,
                      bool other)
{
	struct confirm_seq *s = &e->forked[e->forked_count++];
	*s = (struct confirm_seq){.seq = first, .last = last, .has_h = true, .reason = "chain"};
	h_at(f, last, other, s->h);
}

/* Seqs 1 to 10 are on their way. */
static void send_ten(struct fixture *f)
{
	fill_pack(f, 9, false);
	send_all(f);
}

/* HQ holds 1 to 4, and refused 5 to 10: ours, or another copy's. */
static void hear_of_a_fork(struct fixture *f, bool other)
{
	struct confirm_epoch *e = word_h(f, 4, false);
	fork_seqs(f, e, 5, 10, other);
	uplink_confirm(f->uplink, f->confirm);
}

static void a_word_about_another_copys_history_confirms_nothing(void **state)
{
	struct fixture *f = *state;
	send_ten(f);
	word_h(f, 8, true);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 10);
	struct confirm_epoch *e = word_h(f, 8, true);
	e->range_count = 1;
	e->ranges[0] = range_h(f, 9, 10, true);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 10);
	word_h(f, 8, false);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 2);
	await_confirmed(f, 8);
}

/* HQ went on with the other copy's events: of ours it holds the beginning, and says so. */
static void what_hq_holds_of_ours_counts_beside_another_copys_through(void **state)
{
	struct fixture *f = *state;
	send_ten(f);
	struct confirm_epoch *e = word_h(f, 10, true);
	e->same_count = 1;
	e->same[0] = range_h(f, 1, 4, false);
	fork_seqs(f, e, 5, 10, false);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 6);
	assert_int_equal(now(f).forked, 6);
	assert_int_equal(now(f).foreign, 0);
	assert_int_equal(now(f).outstanding_bytes, 0);
	await_confirmed(f, 4);
}

static void an_hq_that_names_no_h_is_taken_at_its_word(void **state)
{
	struct fixture *f = *state;
	send_ten(f);
	struct confirm_epoch *e = word(f, 4);
	e->range_count = 1;
	e->ranges[0] = (struct confirm_range){.first = 6, .last = 8};
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 3);
}

static void what_an_hq_without_h_refuses_is_not_confirmed_by_its_through(void **state)
{
	struct fixture *f = *state;
	send_ten(f);
	struct confirm_epoch *e = word(f, 10);
	e->forked_count = 1;
	e->forked[0] = (struct confirm_seq){.seq = 4, .last = 6, .reason = "other_leaf"};
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).forked, 3);
	assert_int_equal(now(f).unconfirmed, 3);
	word(f, 10);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 3);
	await_confirmed(f, 7);
}

static void a_fork_is_held_back_over_a_restart_and_stays_unconfirmed(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 999, false);
	send_all(f);
	struct confirm_epoch *e = word_h(f, 200, false);
	fork_seqs(f, e, 201, 900, false);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).forked, 700);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_FORKED), 700);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_FORKED), 700);
	await_confirmed(f, 200);
	fill(f, 1); /* the note stands in the file */
	restart(f);
	assert_int_equal(now(f).forked, 700);
	send_all(f);
	assert_true(f->sent_count > 0);
	expect_sent(f, 0, 901, 101);
	/* HQ's through runs over them with another history: they stay ours, unconfirmed, kept */
	word_h(f, 1000, true);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 801);
}

static void a_settled_fork_may_go(void **state)
{
	struct fixture *f = *state;
	send_ten(f);
	hear_of_a_fork(f, false);
	struct confirm_epoch *e = word_h(f, 4, false);
	e->settled_count = 1;
	e->settled[0] = range_h(f, 5, 10, true); /* of the other copy */
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).forked, 6);
	e->settled[0] = range_h(f, 5, 10, false);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).forked, 0);
	assert_int_equal(now(f).unconfirmed, 0);
	await_confirmed(f, 10);
	restart(f);
	assert_int_equal(now(f).forked, 0);
}

static void another_copys_fork_is_shown_and_changes_nothing_for_ours(void **state)
{
	struct fixture *f = *state;
	send_ten(f);
	hear_of_a_fork(f, true);
	assert_int_equal(now(f).foreign, 6);
	assert_int_equal(now(f).forked, 0);
	struct confirm_epoch *e = word_h(f, 10, false);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 0);
	assert_int_equal(now(f).foreign, 6);
	e->settled_count = 1;
	e->settled[0] = range_h(f, 5, 10, true);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).foreign, 0);
}

/* ---- asking ---- */

static void hex_of(const uint8_t *bytes, size_t n, char *out)
{
	text_hex(bytes, n, out);
}

static void forked_epochs_are_asked_for_after_each_connack(void **state)
{
	struct fixture *f = *state;
	char epoch[17];
	send_ten(f);
	assert_int_equal(f->asks, 0);
	hear_of_a_fork(f, false);
	uplink_step(f->uplink);
	assert_int_equal(f->asks, 0);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->asks, 1);
	hex_of(place_state(f->place).epoch, 8, epoch);
	assert_non_null(strstr(f->asked, "\"ask\":\"held\""));
	assert_non_null(strstr(f->asked, epoch));
	later(f, 11 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->asks, 2); /* not answered yet */
	uplink_confirm(f->uplink, f->confirm);
	later(f, 400 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->asks, 2);
}

static void an_event_that_hq_cannot_read_alone_is_named_to_it_and_shown(void **state)
{
	struct fixture *f = *state;
	char sha[65], h[65];
	uint8_t at[32];
	send_all(f);
	expect_sent(f, 0, 1, 1);
	f->confirm->epoch_count = 0;
	f->confirm->unreadable_count = 1;
	memset(f->confirm->unreadable[0], 7, 32); /* damaged on its way: none of ours */
	uplink_confirm(f->uplink, f->confirm);
	uplink_step(f->uplink);
	assert_int_equal(f->asks, 0);
	assert_int_equal(now(f).unreadable, 0);
	memcpy(f->confirm->unreadable[0], f->sent[0].hash, 32);
	uplink_confirm(f->uplink, f->confirm);
	uplink_step(f->uplink);
	assert_int_equal(f->asks, 1);
	assert_int_equal(now(f).unreadable, 1);
	hex_of(f->sent[0].hash, 32, sha);
	h_at(f, 1, false, at);
	hex_of(at, 32, h);
	assert_non_null(strstr(f->asked, sha));
	assert_non_null(strstr(f->asked, h));
	assert_non_null(strstr(f->asked, "\"seq\":1"));
	struct confirm_epoch *e = word_h(f, 1, false);
	e->quarantined_count = 1;
	e->quarantined[0] = (struct confirm_seq){.seq = 1, .last = 1, .reason = "unreadable"};
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unreadable, 0);
	assert_int_equal(now(f).quarantined, 1);
	assert_int_equal(now(f).unconfirmed, 0);
	later(f, 4000 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->asks, 1);
	assert_int_equal(f->sent_count, 1);
}

/* ---- another generation ---- */

static void after_another_generation_hq_is_asked_and_only_what_it_lacks_goes_again(void **state)
{
	struct fixture *f = *state;
	uplink_generation(f->uplink, "aaaaaaaaaaaaaaaa", false);
	fill_pack(f, 99, false);
	send_all(f);
	word_h(f, 100, false);
	uplink_confirm(f->uplink, f->confirm);
	await_confirmed(f, 100);
	f->confirm->credit = 1; /* one batch at a time */
	uplink_generation(f->uplink, GENERATION_B, true);
	await_unheard(f, 1);
	uplink_step(f->uplink);
	assert_int_equal(f->asks, 1);
	struct confirm_epoch *e = word_h(f, 80, false);
	e->range_count = 1;
	e->ranges[0] = range_h(f, 91, 100, false);
	f->sent_count = 0;
	uplink_confirm(f->uplink, f->confirm);
	await_unheard(f, 0);
	uplink_step(f->uplink);
	expect_sent(f, 0, 81, 10);
	await_confirmed(f, 90);
	assert_int_equal(now(f).lost, 0);
}

static void what_was_deleted_here_and_hq_no_longer_holds_is_lost_and_listed(void **state)
{
	struct fixture *f = *state;
	struct journal_note notes[8];
	uint8_t old[8];
	char epoch[17];
	uplink_generation(f->uplink, "aaaaaaaaaaaaaaaa", false);
	fill(f, 49);
	send_all(f);
	memcpy(old, place_state(f->place).epoch, 8);
	word_h(f, 50, false);
	uplink_confirm(f->uplink, f->confirm);
	await_confirmed(f, 50);
	retain(f);
	uplink_generation(f->uplink, GENERATION_B, true);
	await_unheard(f, 2);
	send_all(f);
	assert_int_equal(f->asks, 1);
	hex_of(old, 8, epoch);
	assert_non_null(strstr(f->asked, epoch));
	assert_non_null(strstr(f->asked, "\"gone\":50"));
	struct confirm_epoch *e = word(f, 0);
	memcpy(e->epoch, old, 8);
	e->through = 20;
	e->range_count = 1;
	e->ranges[0] = (struct confirm_range){.first = 31, .last = 35};
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).lost, 10 + 15);
	assert_int_equal(uplink_notes_newest(uplink_notes(f->uplink), notes, 8), 2);
	assert_memory_equal(notes[1].epoch, old, 8);
	assert_int_equal(notes[1].first, 21);
	assert_int_equal(notes[1].last, 30);
	await_unheard(f, 1);
	/* It stays listed over restarts, until HQ has it after all. */
	fill(f, 1);
	restart(f);
	assert_int_equal(now(f).lost, 25);
	int asks = f->asks;
	send_all(f);
	assert_int_equal(f->asks, asks + 1);
	assert_non_null(strstr(f->asked, epoch));
	memcpy(e->epoch, old, 8);
	e->through = 35;
	e->range_count = 0;
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).lost, 15);
	fill(f, 1);
	restart(f);
	assert_int_equal(now(f).lost, 15);
}

static void forks_are_heard_anew_from_another_generation(void **state)
{
	struct fixture *f = *state;
	send_ten(f);
	hear_of_a_fork(f, false);
	uplink_generation(f->uplink, GENERATION_B, true);
	f->sent_count = 0;
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 0); /* HQ may hold it all: it is asked first */
	later(f, 11 * S);
	uplink_step(f->uplink);
	expect_sent(f, 0, 1, 10);
	assert_int_equal(now(f).forked, 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_word_about_another_copys_history_confirms_nothing),
	    TEST(what_hq_holds_of_ours_counts_beside_another_copys_through),
	    TEST(an_hq_that_names_no_h_is_taken_at_its_word),
	    TEST(what_an_hq_without_h_refuses_is_not_confirmed_by_its_through),
	    TEST(a_fork_is_held_back_over_a_restart_and_stays_unconfirmed),
	    TEST(a_settled_fork_may_go),
	    TEST(another_copys_fork_is_shown_and_changes_nothing_for_ours),
	    TEST(forked_epochs_are_asked_for_after_each_connack),
	    TEST(an_event_that_hq_cannot_read_alone_is_named_to_it_and_shown),
	    TEST(after_another_generation_hq_is_asked_and_only_what_it_lacks_goes_again),
	    TEST(what_was_deleted_here_and_hq_no_longer_holds_is_lost_and_listed),
	    TEST(forks_are_heard_anew_from_another_generation),
	};
	log_open("sync_uplink_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
