/* A restored hq.db is noticed: by the mark beside it, by what stores have seen, by a person. */
#include "hq_world.h"

#include <fcntl.h>

#include "hq/base/hq_generation.h"
#include "hq/base/hq_mark.h"

static void run(const struct world *w, const char *what)
{
	char command[300];

	snprintf(command, sizeof command, "cd '%s' && %s", w->dir, what);
	assert_int_equal(system(command), 0);
}

static void send_some(struct store *s, int n)
{
	uint64_t from = s->seq + 1;

	store_chatter(s, n);
	store_send(s, from, s->seq);
}

/* The world's hq.db as it is now, to be brought back later. */
static void back_up(struct world *w)
{
	world_close(w);
	run(w, "cp hq.db old.db");
	world_open(w);
}

static void restore(struct world *w)
{
	world_close(w);
	run(w, "rm -f hq.db-wal hq.db-shm; cp old.db hq.db");
	world_open(w);
}

static bool another_generation(struct world *w, char before[33])
{
	bool other = strcmp(before, hq_db_generation(w->db)) != 0;

	text_copy(before, 33, hq_db_generation(w->db));
	return other;
}

static void a_stop_and_a_start_is_the_same_generation(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char generation[33] = "";

	another_generation(w, generation);
	send_some(s, 4);
	world_close(w);
	world_open(w);
	send_some(s, 4);
	world_close(w);
	world_open(w);
	assert_false(another_generation(w, generation));
	assert_int_equal(world_number(w, "SELECT count(*) FROM generation"), 0);
	store_free(s);
}

static void a_database_brought_back_from_a_copy_is_another_generation(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char generation[33] = "";

	send_some(s, 4);
	back_up(w);
	another_generation(w, generation);
	send_some(s, 1);
	restore(w);
	assert_true(another_generation(w, generation));
	assert_string_equal(world_text(w, "SELECT cause FROM generation"), "mark");
	/* and once only */
	send_some(s, 1);
	world_close(w);
	world_open(w);
	assert_false(another_generation(w, generation));
	restore(w);
	assert_true(another_generation(w, generation));
	store_free(s);
}

/* Whatever is written into the old copy before HQ runs again: the first opening has noticed. */
static void a_copy_that_goes_on_by_itself_is_noticed_first(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char generation[33] = "";
	uint64_t turn;

	send_some(s, 4);
	back_up(w);
	another_generation(w, generation);
	for (int i = 0; i < 10; i++)
		send_some(s, 1);
	turn = hq_db_turn(w->db);
	restore(w);
	assert_true(another_generation(w, generation));
	assert_true(hq_db_turn(w->db) > turn);
	store_free(s);
}

/* It has come farther than the mark, so its number says nothing; its generation does. */
static void a_copy_of_another_life_that_came_as_far_is_noticed(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char generation[33] = "";

	send_some(s, 4);
	back_up(w);
	for (int i = 0; i < 10; i++)
		send_some(s, 1);
	world_close(w);
	run(w, "cp hq.db far.db; rm -f hq.db-wal hq.db-shm; cp old.db hq.db; rm hq.mark");
	world_open(w);
	send_some(s, 1);
	another_generation(w, generation);
	world_close(w);
	run(w, "rm -f hq.db-wal hq.db-shm; cp far.db hq.db");
	world_open(w);
	assert_true(another_generation(w, generation));
	assert_string_equal(world_text(w, "SELECT cause FROM generation"), "mark");
	/* and once only */
	world_close(w);
	world_open(w);
	assert_false(another_generation(w, generation));
	store_free(s);
}

static void a_lost_or_spoilt_mark_counts_as_a_restore(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char generation[33] = "";

	send_some(s, 4);
	another_generation(w, generation);
	world_close(w);
	run(w, "rm hq.mark");
	world_open(w);
	assert_true(another_generation(w, generation));
	world_close(w);
	run(w, "printf 'laneway-hq turn 9999 %016d %016d\\n' 0 0 > hq.mark");
	world_open(w);
	assert_true(another_generation(w, generation));
	assert_string_equal(world_text(w, "SELECT cause FROM generation"), "no_mark,no_mark");
	store_free(s);
}

static void a_torn_write_of_the_mark_leaves_the_one_before(void **state)
{
	struct world *w = *state;
	struct hq_mark *m;
	char err[200];

	run(w, "mkdir m");
	char dir[80];
	snprintf(dir, sizeof dir, "%s/m", w->dir);
	assert_int_equal(hq_mark_open(&m, dir, err, sizeof err), 0);
	assert_false(hq_mark_known(m));
	for (uint64_t turn = 1; turn <= 5; turn++)
		assert_int_equal(hq_mark_write(m, turn, "0123456789abcdef"), 0);
	hq_mark_close(m);
	run(w, "printf 'torn' | dd of=m/hq.mark conv=notrunc status=none");
	assert_int_equal(hq_mark_open(&m, dir, err, sizeof err), 0);
	assert_int_equal(hq_mark_turn(m), 4);
	assert_string_equal(hq_mark_generation(m), "0123456789abcdef");
	hq_mark_close(m);
}

static void nothing_is_confirmed_while_the_mark_cannot_be_written(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf payload = {0};
	char path[100], keep[100];
	int fd = -1;

	store_send(s, 1, 1);
	store_chatter(s, 1);
	store_batch_of(s, 2, 2, true, &payload);
	/* Writes to it fail with EBADF: its descriptor, found by its name, becomes a read-only one.
	 */
	for (int i = 3; i < 256 && fd < 0; i++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", i);
		ssize_t n = readlink(path, keep, sizeof keep - 1);
		keep[n > 0 ? n : 0] = '\0';
		if (strstr(keep, "/hq.mark"))
			fd = i;
	}
	assert_true(fd >= 0);
	int saved = dup(fd), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(null, fd);
	assert_int_equal(hq_ingest_begin(w->ingest), 0);
	hq_ingest_up(w->ingest, "s1", payload.data, payload.len);
	assert_int_equal(hq_ingest_commit(w->ingest), -1);
	w->confirms = 0;
	hq_ingest_confirm(w->ingest, world_note, w);
	assert_int_equal(w->confirms, 0);
	dup2(saved, fd);
	close(saved);
	close(null);
	world_up(w, "s1", payload.data, payload.len);
	assert_int_equal(w->confirm[0].epochs[0].through, 2);
	buf_free(&payload);
	store_free(s);
}

/* ---- what stores have seen ---- */

static bool evidence(struct world *w, const char *store, const char *seen)
{
	const struct hq_generation g = {w->db, w->keys, w->work, w->wall_us};
	char ask[300];

	snprintf(ask, sizeof ask,
	         "{\"v\":1,\"device\":\"d1\",\"id\":\"0123456789abcdef\",\"ask\":\"changes\","
	         "\"generation\":\"\",\"since\":0,\"seen\":\"%s\"}",
	         seen);
	return hq_generation_ask(&g, store, ask, strlen(ask));
}

static void a_store_that_saw_hq_further_proves_a_restore_of_the_whole_machine(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char generation[33] = "", seen[CONFIRM_SEEN_SIZE];

	send_some(s, 4);
	world_close(w);
	run(w, "mkdir all; cp hq.db hq.mark all/");
	world_open(w);
	another_generation(w, generation);
	send_some(s, 1);
	send_some(s, 1);
	text_copy(seen, sizeof seen, w->confirm[0].seen);
	assert_int_equal(confirm_seen_turn(seen), hq_db_turn(w->db));
	assert_false(evidence(w, "s1", seen));
	world_close(w);
	run(w, "rm hq.db-wal hq.db-shm 2>/dev/null; cp all/* .");
	world_open(w);
	assert_false(another_generation(w, generation)); /* by itself it cannot know */
	assert_true(evidence(w, "s1", seen));
	assert_true(another_generation(w, generation));
	assert_string_equal(world_text(w, "SELECT cause FROM generation"), "store");
	assert_false(evidence(w, "s1", seen));
	assert_false(another_generation(w, generation));
	store_free(s);
}

static void a_store_cannot_make_hq_begin_anew_by_a_lie(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	char generation[33] = "", seen[CONFIRM_SEEN_SIZE], lie[2 * CONFIRM_SEEN_SIZE];

	send_some(s, 4);
	another_generation(w, generation);
	text_copy(seen, sizeof seen, w->confirm[0].seen);
	snprintf(lie, sizeof lie, "999999%s", strchr(seen, '.'));
	assert_false(evidence(w, "s1", lie)); /* the number in front counts for nothing */
	seen[20] = seen[20] == 'A' ? 'B' : 'A';
	assert_false(evidence(w, "s1", seen));
	assert_false(evidence(w, "s1", "999999.AAAA"));
	assert_false(evidence(w, "s1", ""));
	assert_false(another_generation(w, generation));
	store_free(s);
}

static void another_stores_seal_proves_nothing(void **state)
{
	struct world *w = *state;
	char seen[HQ_KEYS_SEEN_SIZE];

	assert_int_equal(hq_keys_seen(w->keys, w->work, "s1", 77777, seen), 0);
	assert_int_equal(hq_keys_seen_open(w->keys, w->work, "s1", seen), 77777);
	assert_int_equal(hq_keys_seen_open(w->keys, w->work, "s2", seen), 0);
	assert_false(evidence(w, "s2", seen));
	assert_true(evidence(w, "s1", seen));
}

static void a_person_may_say_so(void **state)
{
	struct world *w = *state;
	char generation[33] = "";

	another_generation(w, generation);
	assert_int_equal(hq_generation_restored(w->db, w->wall_us), 0);
	assert_true(another_generation(w, generation));
	assert_string_equal(world_text(w, "SELECT cause FROM generation"), "command");
	world_close(w);
	world_open(w);
	assert_false(another_generation(w, generation));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_stop_and_a_start_is_the_same_generation),
	    TEST(a_database_brought_back_from_a_copy_is_another_generation),
	    TEST(a_copy_that_goes_on_by_itself_is_noticed_first),
	    TEST(a_copy_of_another_life_that_came_as_far_is_noticed),
	    TEST(a_lost_or_spoilt_mark_counts_as_a_restore),
	    TEST(a_torn_write_of_the_mark_leaves_the_one_before),
	    TEST(nothing_is_confirmed_while_the_mark_cannot_be_written),
	    TEST(a_store_that_saw_hq_further_proves_a_restore_of_the_whole_machine),
	    TEST(a_store_cannot_make_hq_begin_anew_by_a_lie),
	    TEST(another_stores_seal_proves_nothing),
	    TEST(a_person_may_say_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
