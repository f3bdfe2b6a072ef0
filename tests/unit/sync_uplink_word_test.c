/* What HQ's word, and what is urgent, do to what is sent. */
#include "sync_uplink_world.h"

static void only_what_lies_between_confirmed_ranges_is_sent(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 99, false);
	struct confirm_epoch *e = word(f, 10);
	e->range_count = 2;
	e->ranges[0].first = 21, e->ranges[0].last = 50;
	e->ranges[1].first = 61, e->ranges[1].last = 99;
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 10 + 10 + 1);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 3);
	expect_sent(f, 0, 11, 10);
	expect_sent(f, 1, 51, 10);
	expect_sent(f, 2, 100, 1);
	await_confirmed(f, 79);
}

static void expect_ours(struct fixture *f, const struct journal_range *of, const char *expected)
{
	struct journal_range out[4];
	struct journal_state s = place_state(f->place);
	char text[100] = "";
	int n = uplink_ours(f->uplink, s.epoch, of, out, 4);

	for (int i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d-%d", i ? " " : "",
		         (int)out[i].first, (int)out[i].last);
	assert_string_equal(text, expected);
}

static void what_is_confirmed_is_of_this_history(void **state)
{
	struct fixture *f = *state;
	const uint8_t other[EVENT_EPOCH_BYTES] = {7};
	const struct journal_range all = {1, 90};
	struct journal_range out[1];

	fill_pack(f, 99, false);
	expect_ours(f, &all, "");
	struct confirm_epoch *e = word(f, 10);
	e->range_count = 2;
	e->ranges[0].first = 21, e->ranges[0].last = 50;
	e->ranges[1].first = 61, e->ranges[1].last = 99;
	uplink_confirm(f->uplink, f->confirm);
	expect_ours(f, &all, "1-10 21-50 61-90");
	expect_ours(f, &(struct journal_range){5, 30}, "5-10 21-30");
	expect_ours(f, &(struct journal_range){11, 20}, "");
	expect_ours(f, &(struct journal_range){25, 25}, "25-25");
	/* an epoch of which nothing waits here */
	assert_int_equal(uplink_ours(f->uplink, other, &all, out, 1), 1);
	assert_int_equal(out[0].last, 90);
}

static void later_ranges_join_with_those_before(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 99, false);
	struct confirm_epoch *e = word(f, 0);
	e->range_count = 1;
	e->ranges[0].first = 11, e->ranges[0].last = 20;
	uplink_confirm(f->uplink, f->confirm);
	e->ranges[0].first = 21, e->ranges[0].last = 30;
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 80);
	confirm(f, 10);
	assert_int_equal(now(f).unconfirmed, 70);
	confirm(f, 5);
	assert_int_equal(now(f).unconfirmed, 70);
}

static void hq_cannot_confirm_what_does_not_exist_yet(void **state)
{
	struct fixture *f = *state;
	confirm(f, 1000);
	uplink_up(f->uplink);
	fill(f, 1);
	uplink_step(f->uplink);
	expect_sent(f, 0, 2, 1);
}

static void an_urgent_event_goes_alone_before_both_cursors(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 3000, false);
	fill_pack(f, 1, true);
	fill_pack(f, 1000, false);
	uplink_up(f->uplink);
	later(f, 31 * S);
	uplink_step(f->uplink);
	expect_sent(f, 0, 3002, 1);
	for (int i = 1; i < f->sent_count; i++)
		assert_true(
		    f->sent[i].first != 3002 &&
		    (f->sent[i].first > 3002 || f->sent[i].first + f->sent[i].count <= 3002));
}

static void an_urgent_event_goes_alone_before_a_little_that_waits_too(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 1500, false);
	fill_pack(f, 1, true);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	expect_sent(f, 0, 1502, 1);
	assert_int_equal(f->sent[1].first, 1);
}

static void an_urgent_event_that_the_next_batch_carries_goes_with_it(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 5, false);
	fill_pack(f, 1, true);
	fill_pack(f, 5, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
	expect_sent(f, 0, 1, 12);
}

static void a_forked_seq_is_never_confirmed_and_not_sent_again(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 9, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	struct confirm_epoch *e = word(f, 4);
	e->range_count = 1;
	e->ranges[0].first = 6, e->ranges[0].last = 8;
	e->forked_count = 1;
	e->forked[0] = (struct confirm_seq){.seq = 5, .last = 5, .reason = "other_leaf"};
	uplink_confirm(f->uplink, f->confirm);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_FORKED), 1);
	assert_int_equal(now(f).forked, 1);
	later(f, 11 * S);
	uplink_step(f->uplink);
	expect_sent(f, 1, 1, 10);
	e->ranges[0].last = 10;
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).outstanding_bytes, 0);
	assert_int_equal(now(f).unconfirmed, 1);
	later(f, 3600 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	await_confirmed(f, 9);
}

static void a_quarantined_seq_is_counted_once(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 9, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	struct confirm_epoch *e = word(f, 10);
	e->quarantined_count = 2;
	e->quarantined[0] = (struct confirm_seq){.seq = 7, .last = 7, .reason = "not_json"};
	e->quarantined[1] = (struct confirm_seq){.seq = 3, .last = 3, .reason = "not_json"};
	uplink_confirm(f->uplink, f->confirm);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(counter_get(&f->place->counters, COUNTER_QUARANTINED), 2);
	assert_int_equal(now(f).unconfirmed, 0);
}

static void an_unreadable_batch_goes_again_one_by_one(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 4, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	expect_sent(f, 0, 1, 5);
	f->confirm->epoch_count = 0;
	f->confirm->unreadable_count = 1;
	memcpy(f->confirm->unreadable[0], f->sent[0].hash, 32);
	uplink_confirm(f->uplink, f->confirm);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 6);
	for (int i = 1; i <= 5; i++)
		expect_sent(f, i, (uint64_t)i, 1);
	memcpy(f->confirm->unreadable[0], f->sent[3].hash, 32);
	uplink_confirm(f->uplink, f->confirm);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 6);
	fill_pack(f, 2, false);
	uplink_step(f->uplink);
	expect_sent(f, 6, 6, 2);
}

static void confirm_forms(struct fixture *f, uint64_t wires, uint64_t dictionaries)
{
	f->confirm->epoch_count = f->confirm->unreadable_count = 0;
	f->confirm->accepts = (struct batch_accepts){wires, dictionaries, 1};
	uplink_confirm(f->uplink, f->confirm);
}

static void expect_form(struct fixture *f, int i, uint8_t wire, uint16_t dictionary)
{
	assert_in_range(i, 0, f->sent_count - 1);
	assert_int_equal(f->sent[i].form.wire, wire);
	assert_int_equal(f->sent[i].form.dictionary, dictionary);
}

static void batches_go_in_the_best_form_that_hq_last_said_it_reads(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint64_t wires, dictionaries;
		struct batch_form form;
	} said[] = {{14, 1, {3, 0}}, {14, 11, {3, 3}}, {8, 8, {3, 3}},
	            {14, 3, {3, 1}}, {6, 11, {1, 0}},  {30, 31, {3, 3}}};
	uplink_up(f->uplink);
	fill_pack(f, 3, false);
	uplink_step(f->uplink);
	expect_form(f, 0, 1, 0);
	for (int i = 0; i < 6; i++) {
		confirm_forms(f, said[i].wires, said[i].dictionaries);
		fill_pack(f, 3, false);
		uplink_step(f->uplink);
		expect_form(f, i + 1, said[i].form.wire, said[i].form.dictionary);
	}
}

/* An HQ of an older release took over: it cannot read what its successor asked for. */
static void what_hq_cannot_read_goes_again_in_version_1_without_a_dictionary(void **state)
{
	struct fixture *f = *state;
	uplink_up(f->uplink);
	confirm_forms(f, 14, 11);
	fill_pack(f, 1, false);
	uplink_step(f->uplink);
	fill_pack(f, 1, false);
	uplink_step(f->uplink);
	int many = 0, one = f->sent_count - 1;
	expect_form(f, many, 3, 3);
	expect_form(f, one, 3, 3);
	assert_int_equal(f->sent[one].count, 1);
	f->confirm->unreadable_count = 2;
	memcpy(f->confirm->unreadable[0], f->sent[many].hash, 32);
	memcpy(f->confirm->unreadable[1], f->sent[one].hash, 32);
	uplink_confirm(f->uplink, f->confirm);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, one + 1 + (int)f->sent[many].count + 1);
	for (int i = one + 1; i < f->sent_count; i++) {
		expect_form(f, i, 1, 0);
		assert_int_equal(f->sent[i].count, 1);
	}
	fill_pack(f, 2, false);
	uplink_step(f->uplink);
	expect_form(f, f->sent_count - 1, 3, 3);
}

static void another_generation_sends_everything_that_is_held_again(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 9, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	confirm(f, 10);
	await_confirmed(f, 10);
	uplink_generation(f->uplink, "0011223344556677", true);
	word(f, 6);
	uplink_confirm(f->uplink, f->confirm);
	later(f, 11 * S); /* an HQ that does not answer what it holds */
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	expect_sent(f, 1, 7, 4);
	await_confirmed(f, 6);
	confirm(f, 10);
	await_confirmed(f, 10);
}

static void another_generation_counts_for_epochs_that_hq_does_not_name_too(void **state)
{
	struct fixture *f = *state;
	confirm(f, 1);
	await_confirmed(f, 1);
	uplink_free(f->uplink);
	place_stop(f->place);
	place_start(f->place);
	uplink_start(f);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 1);
	confirm(f, 1);
	await_confirmed(f, 2);
	uplink_generation(f->uplink, "0011223344556677", true);
	word(f, 1);
	uplink_confirm(f->uplink, f->confirm);
	await_confirmed(f, 1);
	later(f, 11 * S);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	assert_memory_not_equal(f->sent[1].epoch, f->sent[0].epoch, 8);
}

static void after_a_restart_only_what_is_not_confirmed_goes_oldest_epoch_first(void **state)
{
	struct fixture *f = *state;
	fill_pack(f, 9, false);
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	confirm(f, 4);
	await_confirmed(f, 4);
	uint8_t old[8];
	memcpy(old, f->sent[0].epoch, 8);
	uplink_free(f->uplink);
	place_stop(f->place);
	place_start(f->place);
	uplink_start(f);
	f->sent_count = 0;
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	assert_int_equal(f->sent_count, 2);
	expect_sent(f, 0, 5, 6);
	assert_memory_equal(f->sent[0].epoch, old, 8);
	expect_sent(f, 1, 1, 1);
	assert_memory_not_equal(f->sent[1].epoch, old, 8);
	confirm(f, 1);
	memcpy(f->confirm->epochs[0].epoch, old, 8);
	f->confirm->epochs[0].through = 10;
	uplink_confirm(f->uplink, f->confirm);
	await_confirmed(f, 11);
	memset(f->confirm->epochs[0].epoch, 0xee, 8);
	uplink_confirm(f->uplink, f->confirm);
	assert_int_equal(now(f).unconfirmed, 0);
}

static void a_batch_carries_the_keys_that_its_own_lines_name(void **state)
{
	struct fixture *f = *state;
	struct visit_key keys[2];
	memset(&keys[0], 0x61, sizeof(keys[0]));
	memset(&keys[1], 0x62, sizeof(keys[1]));
	uplink_up(f->uplink);
	uplink_step(f->uplink);
	struct entry *e = place_entry(EVENT_IDENTIFIER_PRESENTED);
	for (int i = 0; i < 3; i++) {
		struct lw_event *ev = entry_add(e, EVENT_IDENTIFIER_PRESENTED);
		struct lw_event *next = ev->next;
		*ev = *e->first;
		ev->next = next;
		ev->person = "{\"value\":\"x\"}";
		ev->key = keys[i / 2];
	}
	place_commit(f->place, e);
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
	uplink_step(f->uplink);
	expect_sent(f, 1, 2, 4);
	assert_int_equal(f->sent[1].keys, 2);
	word(f, 4);
	uplink_confirm(f->uplink, f->confirm);
	f->confirm->unreadable_count = 1;
	memcpy(f->confirm->unreadable[0], f->sent[1].hash, 32);
	uplink_confirm(f->uplink, f->confirm);
	uplink_step(f->uplink);
	expect_sent(f, 2, 5, 1);
	assert_int_equal(f->sent[2].keys, 1);
	assert_memory_equal(f->last_keys, &keys[1], 48);
}

/* A pipe that loses half of everything in both directions: in the end all is confirmed, and what HQ
 * got is every seq. */
static void whatever_is_lost_on_the_way_everything_arrives(void **state)
{
	struct fixture *f = *state;
	uint64_t total = 1, got[600] = {0}, through = 0;
	srand(7);
	f->confirm->credit = 4000;
	uplink_up(f->uplink);
	for (int round = 0; round < 3000 && through < 401; round++) {
		if (total < 401) {
			fill_pack(f, 4, rand() % 8 == 0);
			total += 4;
		}
		int from = f->sent_count = 0;
		uplink_step(f->uplink);
		for (int i = from; i < f->sent_count; i++) {
			bool lost = rand() % 2;
			for (uint64_t s = 0; !lost && s < f->sent[i].count; s++)
				got[f->sent[i].first + s] = 1;
		}
		while (through + 1 < 600 && got[through + 1])
			through++;
		struct confirm_epoch *e = word(f, through);
		for (uint64_t s = through + 1; s < 600; s++) {
			if (!got[s])
				continue;
			if (e->range_count && e->ranges[e->range_count - 1].last == s - 1)
				e->ranges[e->range_count - 1].last = s;
			else if (e->range_count < CONFIRM_RANGES_MAX)
				e->ranges[e->range_count].first = e->ranges[e->range_count].last =
				    s,
				e->range_count++;
		}
		if (rand() % 2)
			uplink_confirm(f->uplink, f->confirm);
		if (rand() % 20 == 0) {
			uplink_down(f->uplink);
			uplink_up(f->uplink);
		}
		later(f, rand() % 15 * S);
	}
	assert_int_equal(through, 401);
	confirm(f, through);
	await_confirmed(f, 401);
	assert_int_equal(now(f).unconfirmed, 0);
	assert_int_equal(now(f).outstanding_bytes, 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(only_what_lies_between_confirmed_ranges_is_sent),
	    TEST(what_is_confirmed_is_of_this_history),
	    TEST(later_ranges_join_with_those_before),
	    TEST(hq_cannot_confirm_what_does_not_exist_yet),
	    TEST(an_urgent_event_goes_alone_before_both_cursors),
	    TEST(an_urgent_event_goes_alone_before_a_little_that_waits_too),
	    TEST(an_urgent_event_that_the_next_batch_carries_goes_with_it),
	    TEST(a_forked_seq_is_never_confirmed_and_not_sent_again),
	    TEST(a_quarantined_seq_is_counted_once),
	    TEST(an_unreadable_batch_goes_again_one_by_one),
	    TEST(batches_go_in_the_best_form_that_hq_last_said_it_reads),
	    TEST(what_hq_cannot_read_goes_again_in_version_1_without_a_dictionary),
	    TEST(another_generation_sends_everything_that_is_held_again),
	    TEST(another_generation_counts_for_epochs_that_hq_does_not_name_too),
	    TEST(after_a_restart_only_what_is_not_confirmed_goes_oldest_epoch_first),
	    TEST(a_batch_carries_the_keys_that_its_own_lines_name),
	    TEST(whatever_is_lost_on_the_way_everything_arrives),
	};
	log_open("sync_uplink_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
