/* What HQ says beyond confirming: generations, forks, what is lost; durable, and all or nothing. */
#include "journal_place.h"

#include "store/journal_internal.h"

#define GENERATION_A "aaaaaaaaaaaaaaaa"
#define GENERATION_B "bbbbbbbbbbbbbbbb"

/* A commit behind what was said has written it. */
static void settle(struct place *p)
{
	place_fill(p, 1);
}

static void confirm(struct place *p, uint64_t through)
{
	struct journal_confirm c = {.through = through};
	memcpy(c.epoch, place_state(p).epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
}

static void note(struct place *p, enum journal_note_kind kind, uint64_t first, uint64_t last)
{
	struct journal_note n = {
	    .kind = kind, .first = first, .last = last, .reason = "why", .wall_us = 7};
	memcpy(n.epoch, place_state(p).epoch, 8);
	assert_true(journal_note(p->journal, &n));
}

static void tell_note(void *ctx, const struct journal_note *n)
{
	char *out = ctx;
	snprintf(out + strlen(out), 200 - strlen(out), "%s %d-%d %s;", journal_note_name(n->kind),
	         (int)n->first, (int)n->last, n->reason);
}

static const char *notes(struct place *p)
{
	static char out[200];
	out[0] = '\0';
	assert_int_equal(journal_reader_notes(place_reader(p), tell_note, out), 0);
	return out;
}

static const char *text(struct place *p, const char *name)
{
	static char out[200];
	journal_reader_text(place_reader(p), name, out, sizeof(out));
	return out;
}

static void fill_urgent(struct place *p, int n)
{
	for (int i = 0; i < n; i++) {
		struct entry *e = place_entry(EVENT_CUSTOMER_DETACHED);
		e->first->urgent = true;
		entry_free(place_commit(p, e));
	}
}

static int urgent(struct place *p, uint64_t *first)
{
	struct journal_urgent u[64];
	int n = journal_reader_urgent(place_reader(p), u, 64);
	*first = n > 0 ? u[0].seq : 0;
	return n;
}

static void another_generation_takes_back_what_was_confirmed_urgent_seqs_too(void **state)
{
	struct place *p = *state;
	struct journal_epoch e;
	struct journal_unheard unheard[4];
	uint64_t first;
	journal_generation(p->journal, GENERATION_A, false);
	place_fill(p, 2);
	fill_urgent(p, 3);
	confirm(p, 5);
	settle(p);
	assert_int_equal(place_state(p).confirmed, 5);
	assert_int_equal(urgent(p, &first), 1);
	assert_int_equal(journal_reader_unheard(place_reader(p), unheard, 4), 0);
	journal_generation(p->journal, GENERATION_B, true);
	settle(p);
	assert_int_equal(place_state(p).confirmed, 0);
	assert_int_equal(urgent(p, &first), 3);
	assert_int_equal(first, 4);
	assert_string_equal(text(p, "generation"), GENERATION_B);
	assert_string_equal(text(p, "over"), GENERATION_A);
	assert_int_equal(journal_reader_unheard(place_reader(p), unheard, 4), 1);
	assert_memory_equal(unheard[0].epoch, place_state(p).epoch, 8);
	place_stop(p);
	place_start(p);
	assert_int_equal(place_state(p).confirmed, 0);
	assert_int_equal(journal_reader_epochs(place_reader(p), &e, 1), 1);
	assert_int_equal(e.confirmed_through, 0);
	assert_int_equal(journal_reader_unheard(place_reader(p), unheard, 4), 1);
	struct journal_confirm c = {.through = 4};
	memcpy(c.epoch, e.epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
	settle(p);
	assert_int_equal(place_state(p).confirmed, 4);
	assert_int_equal(urgent(p, &first), 2);
	assert_int_equal(journal_reader_unheard(place_reader(p), unheard, 4), 0);
}

static void what_the_old_generation_said_and_was_not_written_yet_is_void(void **state)
{
	struct place *p = *state;
	place_fill(p, 9);
	place_stop(p);
	char err[256];
	/* Without its thread nothing is written before all three were said. */
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	struct journal_confirm c = {.through = 1};
	memcpy(c.epoch, place_state(p).epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
	note(p, JOURNAL_NOTE_FORKED, 3, 4);
	journal_generation(p->journal, GENERATION_B, true);
	note(p, JOURNAL_NOTE_FORKED, 7, 8);
	assert_int_equal(journal_start(p->journal), 0);
	settle(p);
	settle(p);
	assert_int_equal(place_state(p).confirmed, 0);
	assert_string_equal(notes(p), "forked 7-8 why;");
}

static void notes_are_durable_and_end_with_their_generation_but_what_is_lost_stays(void **state)
{
	struct place *p = *state;
	note(p, JOURNAL_NOTE_FORKED, 3, 9);
	note(p, JOURNAL_NOTE_LOST, 1, 2);
	note(p, JOURNAL_NOTE_QUARANTINED, 5, 5);
	settle(p);
	place_stop(p);
	place_start(p);
	assert_string_equal(notes(p), "forked 3-9 why;lost 1-2 why;quarantined 5-5 why;");
	journal_generation(p->journal, GENERATION_B, true);
	settle(p);
	assert_string_equal(notes(p), "lost 1-2 why;");
	place_stop(p);
	place_start(p);
	assert_string_equal(notes(p), "lost 1-2 why;");
}

static void take_out(struct place *p, uint64_t first, uint64_t last)
{
	struct journal_note n = {
	    .kind = JOURNAL_NOTE_FORKED, .first = first, .last = last, .out = true};
	memcpy(n.epoch, place_state(p).epoch, 8);
	assert_true(journal_note(p->journal, &n));
	settle(p);
}

static void only_the_seqs_that_are_taken_out_go_whatever_rows_they_stand_in(void **state)
{
	struct place *p = *state;
	note(p, JOURNAL_NOTE_FORKED, 3, 4);
	note(p, JOURNAL_NOTE_FORKED, 6, 19);
	note(p, JOURNAL_NOTE_UNREADABLE, 9, 9);
	settle(p);
	take_out(p, 9, 11);
	assert_string_equal(notes(p),
	                    "forked 3-4 why;forked 6-8 why;forked 12-19 why;unreadable 9-9 why;");
	take_out(p, 4, 6);
	assert_string_equal(notes(p),
	                    "forked 3-3 why;forked 7-8 why;forked 12-19 why;unreadable 9-9 why;");
	take_out(p, 20, 30);
	take_out(p, 1, 12);
	assert_string_equal(notes(p), "forked 13-19 why;unreadable 9-9 why;");
	take_out(p, 13, 19);
	assert_string_equal(notes(p), "unreadable 9-9 why;");
}

static void an_epoch_whose_packs_are_gone_is_remembered_and_asked_about(void **state)
{
	struct place *p = *state;
	struct journal_unheard unheard[4];
	uint8_t old[8];
	uint64_t gone;
	place_fill(p, 50);
	fill_urgent(p, 1);
	memcpy(old, place_state(p).epoch, 8);
	confirm(p, 52);
	note(p, JOURNAL_NOTE_QUARANTINED, 5, 5);
	settle(p);
	confirm(p, 53);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	place_stop(p);
	place_start(p);
	for (int i = 0; i < 10; i++)
		settle(p);
	assert_int_equal(journal_reader_gone(place_reader(p), old, &gone), 1);
	assert_int_equal(gone, 53);
	assert_string_equal(notes(p), "");
	assert_int_equal(journal_reader_unheard(place_reader(p), unheard, 4), 0);
	journal_generation(p->journal, GENERATION_B, true);
	settle(p);
	assert_int_equal(journal_reader_unheard(place_reader(p), unheard, 4), 2);
	assert_memory_equal(unheard[1].epoch, old, 8);
	assert_int_equal(unheard[1].gone, 53);
	assert_int_equal(urgent(p, &gone), 0); /* its urgent event went with its pack */
	struct journal_confirm c = {.through = 0};
	memcpy(c.epoch, old, 8);
	assert_true(journal_confirm(p->journal, &c));
	confirm(p, 1);
	settle(p);
	assert_int_equal(journal_reader_unheard(place_reader(p), unheard, 4), 0);
	assert_int_equal(journal_reader_gone(place_reader(p), (uint8_t[8]){9}, &gone), 0);
}

static void the_last_generations_are_remembered_newest_first(void **state)
{
	struct place *p = *state;
	char generation[17];
	for (int i = 0; i < 12; i++) {
		snprintf(generation, sizeof(generation), "%016x", i);
		journal_generation(p->journal, generation, i > 0);
		settle(p);
	}
	assert_string_equal(text(p, "generation"), "000000000000000b");
	assert_int_equal(strlen(text(p, "over")), 128);
	assert_memory_equal(text(p, "over"), "000000000000000a0000000000000009", 32);
	journal_seen(p->journal, "12.abc");
	confirm(p, 1);
	settle(p);
	assert_string_equal(text(p, "seen"), "12.abc");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up_started, place_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(another_generation_takes_back_what_was_confirmed_urgent_seqs_too),
	    TEST(what_the_old_generation_said_and_was_not_written_yet_is_void),
	    TEST(notes_are_durable_and_end_with_their_generation_but_what_is_lost_stays),
	    TEST(only_the_seqs_that_are_taken_out_go_whatever_rows_they_stand_in),
	    TEST(an_epoch_whose_packs_are_gone_is_remembered_and_asked_about),
	    TEST(the_last_generations_are_remembered_newest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
