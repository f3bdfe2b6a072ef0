/* HQ's word on thousands of runs: more than one confirmation carries, and more than the journal's
 * list of notes takes at once. */
#include "sync_uplink_world.h"

#include <jansson.h>

#include "base/text.h"
#include "sync/uplink_notes.h"

#define EVENTS                                                                                     \
	6001 /* the epoch's first and two packs of 3,000: odd seqs are held, even ones not         \
	      */
#define PAGE CONFIRM_SEQS_MAX

static void fill_many(struct fixture *f)
{
	fill_pack(f, 3000, false);
	fill_pack(f, 3000, false);
	assert_int_equal(place_state(f->place).last_seq, EVENTS);
}

/* All of it, in this epoch, is at HQ. */
static void fill_and_confirm(struct fixture *f, uint8_t epoch[8])
{
	memcpy(epoch, place_state(f->place).epoch, 8);
	fill_many(f);
	confirm(f, EVENTS);
	await_confirmed(f, EVENTS);
}

static void count_note(void *ctx, const struct journal_note *n)
{
	*(uint64_t *)ctx += n->last - n->first + 1;
}

/* The uplink has told the journal all that it has to. */
static void await_noted(struct fixture *f, uint64_t n)
{
	uint64_t noted = 0;
	for (int i = 0; i < 2000; i++) {
		uplink_step(f->uplink);
		noted = 0;
		assert_int_equal(journal_reader_notes(place_reader(f->place), count_note, &noted),
		                 0);
		if (noted == n)
			return;
		poll(NULL, 0, 5);
	}
	fail_msg("the journal notes %llu seqs, expected %llu", (unsigned long long)noted,
	         (unsigned long long)n);
}

/* What the ask asks from, of this epoch. 0: it does not. */
static uint64_t asked_from(struct fixture *f, const uint8_t epoch[8])
{
	json_t *root = json_loads(f->asked, 0, NULL), *o;
	char hex[17];
	uint64_t from = 0;
	size_t i;
	text_hex(epoch, 8, hex);
	assert_non_null(root);
	json_array_foreach(json_object_get(root, "epochs"), i, o)
	{
		if (strcmp(json_string_value(json_object_get(o, "epoch")), hex) == 0)
			from = (uint64_t)json_integer_value(json_object_get(o, "from"));
	}
	json_decref(root);
	return from;
}

/* HQ's page: the odd seqs from `from` on, as many as fit. The lowest ranges come with every one. */
static void page(struct fixture *f, const uint8_t epoch[8], uint64_t from, bool with_h)
{
	struct confirm_epoch *e = word(f, 1);
	uint64_t seq = from | 1;
	memcpy(e->epoch, epoch, 8);
	for (; e->range_count < CONFIRM_RANGES_MAX; e->range_count++)
		e->ranges[e->range_count].first = e->ranges[e->range_count].last =
		    3 + 2 * (uint64_t)e->range_count;
	for (; e->same_count < PAGE && seq <= EVENTS; seq += 2) {
		struct confirm_range *r = &e->same[e->same_count++];
		*r = (struct confirm_range){.first = seq, .last = seq, .has_h = with_h};
		if (with_h)
			assert_int_equal(journal_reader_h(place_reader(f->place), epoch, seq, r->h),
			                 0);
	}
	e->held_first = from;
	e->held_last = seq <= EVENTS ? seq - 2 : UINT64_MAX;
	uplink_confirm(f->uplink, f->confirm);
}

/* Answer what is asked until nothing is asked any more. The number of pages. */
static int answer_all(struct fixture *f, const uint8_t epoch[8], bool with_h)
{
	int pages = 0;
	for (int i = 0; i < 1000; i++) {
		int asks = f->asks;
		uplink_step(f->uplink);
		if (f->asks == asks)
			return pages;
		uint64_t from = asked_from(f, epoch);
		if (!from)
			return pages;
		page(f, epoch, from, with_h);
		pages++;
	}
	fail_msg("the store never stops asking");
	return 0;
}

static void an_epoch_of_thousands_of_holes_at_hq_is_heard_page_by_page(void **state)
{
	struct fixture *f = *state;
	uint8_t epoch[8];
	fill_and_confirm(f, epoch);
	uplink_generation(f->uplink, GENERATION_B, true);
	await_unheard(f, 1);
	uplink_up(f->uplink);
	assert_int_equal(answer_all(f, epoch, true), (3001 + PAGE - 1) / PAGE);
	await_unheard(f, 0);
	assert_int_equal(now(f).unconfirmed, 3000);
	assert_int_equal(now(f).lost, 0);
	later(f, 31 * S);
	uplink_step(f->uplink);
	assert_true(f->sent_count > 200);
	for (int i = 0; i < f->sent_count; i++)
		assert_int_equal(f->sent[i].first % 2 + f->sent[i].count, 1);
}

/* A confirmation of batches comes in between, and a page comes twice: neither ends the answer. */
static void only_the_last_page_ends_an_answer(void **state)
{
	struct fixture *f = *state;
	uint8_t epoch[8];
	fill_and_confirm(f, epoch);
	uplink_generation(f->uplink, GENERATION_B, true);
	await_unheard(f, 1);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(asked_from(f, epoch), 1);
	page(f, epoch, 1, true);
	f->confirm->epochs[0].held_first = f->confirm->epochs[0].held_last = 0;
	uplink_confirm(f->uplink, f->confirm); /* 32 ranges: it may know more */
	page(f, epoch, 1, true);
	page(f, epoch, 1001, true); /* out of turn */
	uplink_step(f->uplink);
	assert_int_equal(asked_from(f, epoch), 2 * PAGE);
	await_unheard(f, 1);
	later(f, 11 * S); /* unanswered: from the same place again */
	uplink_step(f->uplink);
	assert_int_equal(asked_from(f, epoch), 2 * PAGE);
	assert_int_equal(answer_all(f, epoch, true), 0);
	later(f, 30 * S);
	answer_all(f, epoch, true);
	await_unheard(f, 0);
}

static void of_what_is_deleted_here_only_what_no_page_names_is_lost(void **state)
{
	struct fixture *f = *state;
	uint8_t epoch[8];
	fill_and_confirm(f, epoch);
	retain(f);
	uplink_generation(f->uplink, GENERATION_B, true);
	await_unheard(f, 2);
	uplink_up(f->uplink);
	assert_int_equal(answer_all(f, epoch, false), (3001 + PAGE - 1) / PAGE);
	assert_int_equal(now(f).lost, 3000);
	await_noted(f, 3000);
	restart(f);
	assert_int_equal(now(f).lost, 3000);
	/* It comes after all. */
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(asked_from(f, epoch), 1);
	memcpy(word(f, EVENTS)->epoch, epoch, 8);
	f->confirm->epochs[0].held_first = 1;
	f->confirm->epochs[0].held_last = UINT64_MAX;
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).lost, 0);
	await_noted(f, 0);
	restart(f);
	assert_int_equal(now(f).lost, 0);
}

/* As many confirmations as it takes, one behind the other: the even seqs are forked, or settled. */
static void name_even(struct fixture *f, bool settled)
{
	for (uint64_t seq = 2; seq < EVENTS;) {
		struct confirm_epoch *e = word(f, 1);
		for (int i = 0; i < PAGE && seq < EVENTS; i++, seq += 2) {
			if (settled)
				e->settled[e->settled_count++] =
				    (struct confirm_range){.first = seq, .last = seq};
			else
				e->forked[e->forked_count++] = (struct confirm_seq){
				    .seq = seq, .last = seq, .reason = "other_leaf"};
		}
		uplink_confirm(f->uplink, f->confirm);
	}
}

static void thousands_of_forks_named_in_one_go_are_remembered_and_settled_over_restarts(
    void **state)
{
	struct fixture *f = *state;
	fill_many(f);
	name_even(f, false);
	assert_int_equal(now(f).forked, 3000);
	await_noted(f, 3000);
	restart(f);
	assert_int_equal(now(f).forked, 3000);
	name_even(f, true);
	assert_int_equal(now(f).forked, 0);
	await_noted(f, 0);
	restart(f);
	assert_int_equal(now(f).forked, 0);
}

/* A batch's confirmation of the new generation is there before the question is asked: what HQ
 * lacks of what is deleted is asked for all the same. */
static void a_word_that_comes_before_the_question_does_not_replace_the_answer(void **state)
{
	struct fixture *f = *state;
	uint8_t epoch[8];
	struct confirm_epoch *e;
	uplink_generation(f->uplink, "aaaaaaaaaaaaaaaa", false);
	fill_pack(f, 9, false);
	memcpy(epoch, place_state(f->place).epoch, 8);
	uplink_up(f->uplink);
	uplink_generation(f->uplink, GENERATION_B, true);
	e = word(f, 1);
	e->range_count = CONFIRM_RANGES_MAX; /* 32 of perhaps more */
	for (int i = 0; i < CONFIRM_RANGES_MAX; i++)
		e->ranges[i].first = e->ranges[i].last = 3 + 2 * (uint64_t)i;
	uplink_confirm(f->uplink, f->confirm);
	uplink_step(f->uplink); /* the journal is told of the word */
	await_confirmed(f, 5);
	await_unheard(f, 1);
	later(f, 1 * S);
	uplink_step(f->uplink);
	assert_int_equal(asked_from(f, epoch), 1);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(an_epoch_of_thousands_of_holes_at_hq_is_heard_page_by_page),
	    TEST(only_the_last_page_ends_an_answer),
	    TEST(of_what_is_deleted_here_only_what_no_page_names_is_lost),
	    TEST(thousands_of_forks_named_in_one_go_are_remembered_and_settled_over_restarts),
	    TEST(a_word_that_comes_before_the_question_does_not_replace_the_answer),
	};
	log_open("sync_uplink_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
