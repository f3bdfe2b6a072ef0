/* Packs and ids while the clock is not trusted: nothing gets old by a jump. */
#include "journal_place.h"

#include "base/log.h"
#include "store/journal_internal.h"

/* Confirm all that stands, and let retention look twice: once at a new opening, once more after it.
 */
static void confirm_and_look(struct place *p)
{
	struct journal_state s = place_state(p);
	struct journal_confirm c = {.through = s.last_seq};
	memcpy(c.epoch, s.epoch, sizeof(c.epoch));
	assert_true(journal_confirm(p->journal, &c));
	place_fill(p, 1);
	place_stop(p);
	place_start(p);
	place_fill(p, 2);
}

static int64_t packs(struct place *p)
{
	struct journal_verify v;
	char err[256] = "";
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	return (int64_t)v.packs;
}

static uint64_t deleted(struct place *p)
{
	struct journal_epoch e[8];
	assert_true(journal_reader_epochs(place_reader(p), e, 8) > 0);
	return e[0].deleted_through;
}

static void trust(struct place *p, bool yes, int64_t jumped_us)
{
	atomic_store(&p->untrusted, !yes);
	atomic_store(&p->jumped_us, jumped_us);
}

static void a_jump_of_ten_years_deletes_nothing_while_it_is_not_trusted(void **state)
{
	struct place *p = *state;
	place_fill(p, 5);
	trust(p, false, 3650 * PLACE_DAY_US);
	confirm_and_look(p);
	assert_int_equal(deleted(p), 0);
	assert_true(packs(p) >= 9);
	/* That retention looked at all, the same jump shows when it is trusted. */
	trust(p, true, 3650 * PLACE_DAY_US);
	confirm_and_look(p);
	assert_true(deleted(p) >= 6);
}

static void what_was_kept_in_1970_is_as_young_as_the_next_pack_with_a_time(void **state)
{
	struct place *p = *state;
	trust(p, false, 3600000000 - atomic_load(&p->wall_us));
	place_fill(p, 5);
	trust(p, true, 0);
	confirm_and_look(p); /* the first packs with a time: now */
	assert_int_equal(deleted(p), 0);
	atomic_fetch_add(&p->wall_us, 6 * PLACE_DAY_US);
	confirm_and_look(p);
	assert_int_equal(deleted(p), 0);
	atomic_fetch_add(&p->wall_us, 2 * PLACE_DAY_US);
	confirm_and_look(p);
	assert_true(deleted(p) >= 6);
}

/* As of a box that ran for long without a time; each look goes some way, and none twice. */
static void many_packs_without_a_time_are_looked_over_in_steps(void **state)
{
	struct place *p = *state;
	char err[256];
	trust(p, false, 0);
	place_fill(p, 700);
	trust(p, true, 0);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	place_fill(p, 1);
	place_stop(p);
	place_damage(p, "UPDATE epoch SET confirmed = 701");
	assert_int_equal(journal_open(&p->journal, &p->params, &p->set_aside, err, sizeof(err)), 0);
	struct journal *j = p->journal;
	int64_t first = 0;
	for (int step = 1; step <= 3; step++) {
		assert_int_equal(journal_retain_step(j), step < 3);
		assert_int_equal(j->known_id != 0, step == 3);
		assert_true(first == 0 || j->untimed_from == first);
		first = j->untimed_from;
	}
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	while (journal_retain_step(j))
		;
	assert_true(deleted(p) >= 700);
}

struct heard {
	int ids, unknown, lines;
};

static bool hear_id(void *ctx, const struct entry_id *id, const uint8_t epoch[EVENT_EPOCH_BYTES],
                    uint64_t seq, uint32_t count, int64_t wall_us)
{
	struct heard *h = ctx;
	(void)id, (void)epoch, (void)seq, (void)count;
	h->ids++;
	h->unknown += wall_us == 0;
	return true;
}

static bool hear_line(void *ctx, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t seq,
                      const char *line, size_t len)
{
	struct heard *h = ctx;
	(void)epoch, (void)seq, (void)line, (void)len;
	h->lines++;
	return true;
}

static void say(struct place *p, uint64_t counter)
{
	struct entry *e = place_entry(EVENT_PRODUCT_ADDED);
	e->has_id = true;
	strcpy(e->id.source, "till:T3");
	strcpy(e->id.session, "s");
	e->id.counter = counter;
	place_commit(p, e);
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
}

static void ids_and_lines_of_no_known_time_are_told_whatever_the_age_asked_for(void **state)
{
	struct place *p = *state;
	struct heard all = {0}, young = {0};
	say(p, 1);
	trust(p, false, 3600000000 - atomic_load(&p->wall_us));
	say(p, 2);
	trust(p, true, 0);
	atomic_fetch_add(&p->wall_us, PLACE_DAY_US);
	say(p, 3);
	int64_t since = atomic_load(&p->wall_us);
	assert_int_equal(journal_reader_ids(place_reader(p), 0, hear_id, &all), 0);
	assert_int_equal(journal_reader_ids(place_reader(p), since, hear_id, &young), 0);
	assert_int_equal(all.ids, 3);
	assert_int_equal(all.unknown, 1);
	assert_int_equal(young.ids, 2);
	assert_int_equal(journal_reader_lines(place_reader(p), since, hear_line, &young), 0);
	assert_int_equal(young.lines, 2);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, place_set_up_started, place_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_jump_of_ten_years_deletes_nothing_while_it_is_not_trusted),
	    TEST(what_was_kept_in_1970_is_as_young_as_the_next_pack_with_a_time),
	    TEST(many_packs_without_a_time_are_looked_over_in_steps),
	    TEST(ids_and_lines_of_no_known_time_are_told_whatever_the_age_asked_for),
	};
	log_open("store_journal_time_test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
