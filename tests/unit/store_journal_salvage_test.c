/* A journal that was set aside comes back, as far as it can be read, under its own names. */
#include "journal_place.h"

#include <dirent.h>
#include <fcntl.h>

#include "store/journal_internal.h"

#define PAGE 4096

struct before {
	uint8_t epoch[3][8];
	uint64_t last[3];
	uint64_t kept;
};

static void keep(struct place *p, uint64_t counter, bool urgent)
{
	struct entry *e = place_entry(EVENT_CUSTOMER_DETACHED);
	e->first->urgent = urgent;
	e->first->person = "{\"value\":\"1\"}";
	memset(&e->first->key, (int)(counter % 200) + 1, sizeof(e->first->key));
	e->has_id = true;
	strcpy(e->id.source, "till:T3");
	strcpy(e->id.session, "morning");
	e->id.counter = counter;
	place_commit(p, e);
	assert_int_equal(e->status, ENTRY_KEPT);
	entry_free(e);
}

static void confirm(struct place *p, const uint8_t epoch[8], uint64_t through)
{
	struct journal_confirm c = {.through = through};
	memcpy(c.epoch, epoch, 8);
	assert_true(journal_confirm(p->journal, &c));
}

/* Three epochs of 151 events, the first confirmed through 100; the last one not closed in order
 * where `unclean`. */
static void fill(struct place *p, struct before *b, int epochs)
{
	memset(b, 0, sizeof(*b));
	for (int i = 0; i < epochs; i++) {
		place_start(p);
		memcpy(b->epoch[i], place_state(p).epoch, 8);
		for (uint64_t k = 1; k <= 150; k++)
			keep(p, (uint64_t)i * 1000 + k, k == 149);
		if (i == 0) {
			confirm(p, b->epoch[0], 100);
			keep(p, 151, false);
		}
		b->last[i] = place_state(p).last_seq;
		b->kept = place_state(p).kept;
		place_stop(p);
	}
}

static void settle(struct place *p)
{
	for (int ms = 0; place_state(p).salvage.running; ms++) {
		assert_true(ms < 20000);
		usleep(1000);
	}
}

static void start_and_settle(struct place *p)
{
	place_start(p);
	for (int ms = 0; !place_state(p).salvage.running && !place_state(p).check.done; ms++) {
		assert_true(ms < 20000);
		usleep(1000);
	}
	settle(p);
}

static void whole(struct place *p, uint64_t epochs, uint64_t events)
{
	struct journal_verify v;
	char err[256] = "";
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(v.epochs, epochs);
	assert_int_equal(v.events, events);
}

static bool on_id(void *ctx, const struct entry_id *id, const uint8_t epoch[8], uint64_t seq,
                  uint32_t count, int64_t wall_us)
{
	uint64_t *n = ctx;
	(void)id, (void)epoch, (void)seq, (void)count, (void)wall_us;
	(*n)++;
	return true;
}

static void a_newer_format_comes_back_whole_with_all_that_belongs_to_it(void **state)
{
	struct place *p = *state;
	struct before b;
	struct journal_epoch e[4];
	struct journal_urgent u[8];
	uint64_t ids = 0;
	fill(p, &b, 3);
	place_damage(p, "PRAGMA user_version = 99");
	start_and_settle(p);
	assert_true(p->set_aside);
	assert_int_equal(place_state(p).salvage.events, b.kept);
	assert_int_equal(place_state(p).kept, b.kept + 1);
	assert_int_equal(place_state(p).confirmed, 100);
	assert_int_equal(journal_reader_epochs(place_reader(p), e, 4), 4);
	for (int i = 0; i < 3; i++) {
		assert_memory_equal(e[i].epoch, b.epoch[i], 8);
		assert_int_equal(e[i].last_seq, b.last[i]);
		assert_int_equal(e[i].hole_count, 0);
	}
	assert_int_equal(e[0].confirmed_through, 100);
	assert_memory_equal(e[3].epoch, place_state(p).epoch, 8);
	whole(p, 4, b.kept + 1);
	assert_int_equal(journal_reader_urgent(place_reader(p), u, 8), 3);
	assert_int_equal(journal_reader_ids(place_reader(p), 0, on_id, &ids), 0);
	assert_int_equal(ids, b.kept - 3);
	struct visit_key key, want;
	for (int i = 1; i <= 150; i++) {
		memset(&want, i + 1, sizeof(want));
		assert_int_equal(journal_reader_key(place_reader(p), want.id, &key), 0);
		assert_memory_equal(&key, &want, sizeof(key));
	}
	place_fill(p, 3);
	whole(p, 4, b.kept + 4);
}

static void what_came_back_is_not_brought_again(void **state)
{
	struct place *p = *state;
	struct before b;
	fill(p, &b, 2);
	place_damage(p, "PRAGMA user_version = 99");
	start_and_settle(p);
	for (int i = 0; i < 2; i++)
		confirm(p, b.epoch[i], UINT64_MAX);
	place_fill(p, 1);
	place_stop(p);
	start_and_settle(p);
	assert_false(p->set_aside);
	assert_int_equal(place_state(p).salvage.events, 0);
	assert_int_equal(place_state(p).confirmed, b.kept);
	whole(p, 4, b.kept + 3);
}

static void garbage_pages(struct place *p, long from, long step)
{
	uint8_t page[PAGE];
	int fd = open(p->path, O_RDWR);
	long pages = lseek(fd, 0, SEEK_END) / PAGE;
	for (long at = from; at < pages; at += step) {
		vault_random(page, sizeof(page));
		assert_int_equal(pwrite(fd, page, PAGE, at * PAGE), PAGE);
	}
	close(fd);
}

/* Every line that came is what it was; runs are as a batch wants them. */
static uint64_t read_all(struct place *p, const struct journal_epoch *e)
{
	struct journal_run run;
	uint64_t events = 0, next = e->deleted_through + 1;
	while (next <= e->last_seq &&
	       journal_reader_run(place_reader(p), e->epoch, next, 1000, 1 << 20, &run) == 1) {
		for (uint32_t i = 0; i < e->hole_count; i++)
			assert_true(run.first > e->holes[i].last ||
			            run.first + run.count - 1 < e->holes[i].first);
		events += run.count;
		next = run.first + run.count;
		journal_run_free(&run);
	}
	return events;
}

static void of_a_damaged_file_comes_what_is_whole_and_the_rest_is_named(void **state)
{
	struct place *p = *state;
	struct before b;
	struct journal_epoch e[4];
	uint64_t events = 0, absent = 0;
	fill(p, &b, 3);
	garbage_pages(p, 9, 14);
	garbage_pages(p, 0, 100000);
	start_and_settle(p);
	assert_true(p->set_aside);
	int n = journal_reader_epochs(place_reader(p), e, 4);
	assert_true(n >= 2 && n <= 4);
	for (int i = 0; i < n; i++) {
		events += read_all(p, &e[i]);
		for (uint32_t k = 0; k < e[i].hole_count; k++)
			absent += e[i].holes[k].last - e[i].holes[k].first + 1;
	}
	assert_true(absent > 0);
	assert_true(events > b.kept / 2);
	assert_int_equal(events, place_state(p).salvage.events + 1);
	assert_int_equal(place_state(p).kept, events);
	whole(p, (uint64_t)n, events);
	assert_int_equal(place_ask(p, "SELECT count(*) FROM salvage WHERE result LIKE"
	                              " '%\"missing\":[[%'"),
	                 1);
	/* HQ confirms what it got: then nothing waits any more, and it goes when it is old. */
	for (int i = 0; i < n; i++) {
		struct journal_confirm c = {0};
		memcpy(c.epoch, e[i].epoch, 8);
		c.through = e[i].hole_count ? e[i].holes[0].first - 1 : e[i].last_seq;
		for (uint32_t k = 0; k < e[i].hole_count; k++) {
			c.ranges[k].first = e[i].holes[k].last + 1;
			c.ranges[k].last =
			    k + 1 < e[i].hole_count ? e[i].holes[k + 1].first - 1 : e[i].last_seq;
			c.range_count++;
		}
		assert_true(journal_confirm(p->journal, &c));
	}
	place_fill(p, 1);
	assert_int_equal(place_state(p).confirmed, events);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	place_stop(p);
	place_start(p);
	for (int ms = 0; place_state(p).kept > 2; ms++) {
		assert_true(ms < 5000);
		atomic_fetch_add(&p->wall_us, 1000000);
		usleep(1000);
	}
	for (int ms = 0; place_ask(p, "SELECT count(*) FROM hole") > 0; ms++) {
		assert_true(ms < 5000);
		atomic_fetch_add(&p->wall_us, 1000000);
		usleep(1000);
	}
	assert_int_equal(place_state(p).kept, 1 + 1);
}

static void a_generation_that_knows_nothing_does_not_wait_for_what_is_missing(void **state)
{
	struct place *p = *state;
	struct before b;
	struct journal_epoch e[4];
	fill(p, &b, 2);
	garbage_pages(p, 9, 14);
	garbage_pages(p, 0, 100000);
	start_and_settle(p);
	uint64_t events = place_state(p).kept;
	journal_generation(p->journal, "00000000000000aa", true);
	place_fill(p, 1);
	assert_int_equal(place_state(p).confirmed, 0);
	int n = journal_reader_epochs(place_reader(p), e, 4);
	for (int i = 0; i < n; i++)
		confirm(p, e[i].epoch, UINT64_MAX);
	place_fill(p, 1);
	assert_int_equal(place_state(p).kept, events + 2);
	assert_int_equal(place_state(p).confirmed, events + 1);
}

static void capture_does_not_wait_and_salvage_waits_for_room(void **state)
{
	struct place *p = *state;
	struct before b;
	fill(p, &b, 3);
	place_damage(p, "PRAGMA user_version = 99");
	p->params.quota_bytes = 200000; /* a fresh file is a good half of it */
	place_start(p);
	for (int i = 0; i < 30; i++)
		entry_free(place_commit(p, place_entry(EVENT_ORDER_COMPLETED)));
	usleep(500000); /* all the time that it needs */
	assert_true(place_state(p).salvage.running);
	assert_true(place_state(p).salvage.events < b.kept);
	place_stop(p);
	p->params.quota_bytes = 1 << 30;
	start_and_settle(p);
	assert_int_equal(place_ask(p, "SELECT sum(count) FROM pack p JOIN epoch e USING(ordinal)"
	                              " WHERE cause = 'salvaged'"),
	                 b.kept);
	place_fill(p, 1);
	struct journal_verify v;
	char err[256] = "";
	if (journal_reader_verify(place_reader(p), &v, NULL, NULL, err, sizeof(err)))
		fail_msg("%s", err);
}

static void a_file_of_garbage_is_done_with_at_once(void **state)
{
	struct place *p = *state;
	struct before b;
	fill(p, &b, 1);
	garbage_pages(p, 0, 1);
	start_and_settle(p);
	assert_int_equal(place_state(p).salvage.events, 0);
	assert_int_equal(place_ask(p, "SELECT count(*) FROM salvage WHERE result IS NOT NULL"), 1);
	place_fill(p, 1);
	whole(p, 1, 2);
}

static void the_file_that_was_set_aside_is_not_touched(void **state)
{
	struct place *p = *state;
	struct before b;
	char command[300];
	fill(p, &b, 1);
	place_damage(p, "PRAGMA user_version = 99");
	snprintf(command, sizeof(command), "sha256sum <%s >%s/sum", p->path, p->dir);
	assert_int_equal(system(command), 0);
	start_and_settle(p);
	snprintf(command, sizeof(command), "cat %s.unreadable-*Z | sha256sum | cmp - %s/sum",
	         p->path, p->dir);
	assert_int_equal(system(command), 0);
}

static void two_files_come_back_one_below_the_other(void **state)
{
	struct place *p = *state;
	struct before first, second;
	struct journal_epoch e[8];
	fill(p, &first, 1);
	place_damage(p, "PRAGMA user_version = 99");
	p->params.quota_bytes = 1; /* nothing comes back yet */
	place_start(p);
	place_stop(p);
	atomic_fetch_add(&p->wall_us, 5000000);
	p->params.quota_bytes = 1 << 30;
	place_damage(p, "PRAGMA user_version = 99");
	start_and_settle(p);
	memset(&second, 0, sizeof(second));
	assert_int_equal(journal_reader_epochs(place_reader(p), e, 8), 3);
	assert_memory_equal(e[0].epoch, first.epoch[0], 8);
	assert_int_equal(place_state(p).kept, first.kept + 1 + 1);
	whole(p, 3, first.kept + 2);
}

static void two_files_that_are_set_aside_in_the_same_moment_are_both_kept(void **state)
{
	struct place *p = *state;
	struct before first;
	fill(p, &first, 1);
	place_damage(p, "PRAGMA user_version = 99");
	p->params.quota_bytes = 1; /* nothing comes back yet */
	int64_t then_us = atomic_load(&p->wall_us);
	place_start(p);
	place_stop(p);
	atomic_store(&p->wall_us, then_us); /* a clock that begins anew with each boot */
	p->params.quota_bytes = 1 << 30;
	place_damage(p, "PRAGMA user_version = 99");
	start_and_settle(p);
	assert_int_equal(place_state(p).kept, first.kept + 1 + 1);
	whole(p, 3, first.kept + 2);
}

/* The check of a start takes epochs side by side for predecessor and successor. */
static void where_an_epoch_has_gone_in_between_the_next_start_finds_no_fault(void **state)
{
	struct place *p = *state;
	struct before b;
	fill(p, &b, 3);
	place_damage(p, "PRAGMA secure_delete = ON; DELETE FROM pack WHERE ordinal = 2;"
	                "DELETE FROM epoch WHERE ordinal = 2; PRAGMA user_version = 99");
	start_and_settle(p);
	assert_true(p->set_aside);
	assert_int_equal(place_state(p).salvage.events, b.last[0] + b.last[2]);
	place_stop(p);
	start_and_settle(p);
	assert_false(p->set_aside);
	whole(p, 4, b.last[0] + b.last[2] + 2);
}

/* ---- the check in the background ---- */

static void a_fault_far_back_is_found_in_the_background(void **state)
{
	struct place *p = *state;
	place_start(p);
	for (int i = 0; i < 1500; i++)
		assert_true(journal_put(p->journal, place_entry(EVENT_PRODUCT_ADDED)));
	for (int i = 0; i < 1500; i++)
		entry_free(place_wait(p));
	place_fill(p, 1100);
	place_stop(p);
	place_damage(p, "UPDATE pack SET body = zeroblob(100) WHERE id = " PLACE_PACK("3"));
	int64_t seq = place_ask(p, "SELECT first FROM pack WHERE id = " PLACE_PACK("3"));
	uint8_t epoch[8] = {0};
	place_start(p);
	assert_false(p->set_aside);
	place_fill(p, 3);
	for (int ms = 0; !place_state(p).check.done; ms++) {
		assert_true(ms < 20000);
		usleep(1000);
	}
	struct journal_check c = place_state(p).check;
	assert_int_equal(c.faults, 1);
	assert_int_equal(c.fault_seq, seq);
	assert_memory_not_equal(c.fault_epoch, epoch, 8);
	assert_int_equal(c.packs, c.total);
	assert_int_equal(counter_get(&p->counters, COUNTER_JOURNAL_FAULTS), 1);
	place_fill(p, 3);
}

static void a_whole_file_has_no_faults(void **state)
{
	struct place *p = *state;
	struct before b;
	fill(p, &b, 3);
	start_and_settle(p);
	for (int ms = 0; !place_state(p).check.done; ms++) {
		assert_true(ms < 20000);
		usleep(1000);
	}
	assert_int_equal(place_state(p).check.faults, 0);
	assert_int_equal(place_state(p).check.packs, b.kept + 1);
}

/* ---- visit keys that nothing names ---- */

static void a_visit_key_goes_when_no_pack_names_it_any_more(void **state)
{
	struct place *p = *state;
	struct before b;
	struct visit_key found;
	uint8_t id[2][16];
	fill(p, &b, 1);
	place_start(p);
	confirm(p, b.epoch[0], UINT64_MAX);
	atomic_fetch_add(&p->wall_us, 8 * PLACE_DAY_US);
	keep(p, 5001, false); /* names the first key again */
	keep(p, 5180, false);
	for (int ms = 0; place_state(p).kept > 3; ms++) {
		assert_true(ms < 5000);
		atomic_fetch_add(&p->wall_us, 1000000);
		usleep(1000);
	}
	place_stop(p);
	start_and_settle(p);
	for (int ms = 0; place_ask(p, "SELECT count(*) FROM visit_key") > 2; ms++) {
		assert_true(ms < 5000);
		usleep(1000);
	}
	memset(id[0], 5001 % 200 + 1, 16);
	memset(id[1], 5180 % 200 + 1, 16);
	for (int i = 0; i < 2; i++)
		assert_int_equal(journal_reader_key(place_reader(p), id[i], &found), 0);
	/* One that comes back is stored again. */
	keep(p, 5002, false);
	memset(id[0], 5002 % 200 + 1, 16);
	assert_int_equal(journal_reader_key(place_reader(p), id[0], &found), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_newer_format_comes_back_whole_with_all_that_belongs_to_it),
	    TEST(what_came_back_is_not_brought_again),
	    TEST(of_a_damaged_file_comes_what_is_whole_and_the_rest_is_named),
	    TEST(a_generation_that_knows_nothing_does_not_wait_for_what_is_missing),
	    TEST(capture_does_not_wait_and_salvage_waits_for_room),
	    TEST(a_file_of_garbage_is_done_with_at_once),
	    TEST(the_file_that_was_set_aside_is_not_touched),
	    TEST(two_files_come_back_one_below_the_other),
	    TEST(two_files_that_are_set_aside_in_the_same_moment_are_both_kept),
	    TEST(where_an_epoch_has_gone_in_between_the_next_start_finds_no_fault),
	    TEST(a_fault_far_back_is_found_in_the_background),
	    TEST(a_whole_file_has_no_faults),
	    TEST(a_visit_key_goes_when_no_pack_names_it_any_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
