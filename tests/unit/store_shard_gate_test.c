/* A reader that keeps the file open at a commit while nobody writes: nobody notices. */
#include "store_shard_world.h"

#define COMMITS 60
#define OF_PAGE 100
#define LOG_BYTES_MAX (2 * 1000 * (4096 + 24)) /* SQLite copies the log out after 1,000 pages */

static off_t log_size(const struct place *p)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s-wal", p->path);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static int put_state(struct place *p, int state, bool more)
{
	const struct shard_mark mark = {
	    .generation = "00000000000000aa", .version = (uint64_t)state, .more = more};
	struct buf lines = {0};
	char err[200] = "";
	int n;

	for (int i = 0; i < OF_PAGE; i++)
		buf_printf(&lines,
		           "{\"customer_id\":\"C%d\",\"identifiers\":[{\"kind\":\"phone\",\"ref\":"
		           "\"" REF "\",\"value\":\"+%d\"}],\"version\":%d}\n",
		           i, i, state);
	n = shard_apply(p->shard, (char *)lines.data, lines.len, &mark, false, err, sizeof(err));
	if (n < 0)
		print_message("%s\n", err);
	buf_free(&lines);
	return n;
}

static int seen(struct place *p)
{
	struct shard_hit hit;

	return find(p, "phone", "+7", &hit) == 1 ? (int)hit.profile.version : 0;
}

static void what_a_commit_changed_is_seen_by_the_next_lookup_and_nothing_before(void **state)
{
	struct place *p = *state;

	assert_int_equal(seen(p), 0);
	for (int i = 1; i <= COMMITS; i++) {
		assert_int_equal(put_state(p, i, true), OF_PAGE);
		assert_int_equal(seen(p), i - 1);
		assert_int_equal(shard_settle(p->shard), 0);
		assert_int_equal(seen(p), i);
		assert_int_equal(seen(p), i);
	}
}

static void lookups_between_commits_do_not_keep_the_log_from_being_copied(void **state)
{
	struct place *p = *state;

	for (int i = 1; i <= 4 * COMMITS; i++) {
		assert_int_equal(put_state(p, i, false), OF_PAGE);
		assert_int_equal(seen(p), i);
		assert_in_range(log_size(p), 1, LOG_BYTES_MAX);
	}
}

static void an_erasure_empties_the_log_although_a_reader_has_looked(void **state)
{
	struct place *p = *state;

	assert_int_equal(apply(p, anna, false), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 1);
		assert_true(log_size(p) > 0);
		assert_int_equal(
		    apply(p, "{\"customer_id\":\"C000017\",\"deleted\":true,\"version\":813}\n",
		          false),
		    1);
		assert_int_equal(log_size(p), 0);
		assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 0);
		assert_int_equal(apply(p, anna, false), 1);
	}
}

static void a_page_that_fails_leaves_readers_at_the_commit_before_it(void **state)
{
	struct place *p = *state;

	assert_int_equal(put_state(p, 1, false), OF_PAGE);
	assert_int_equal(seen(p), 1);
	assert_int_equal(apply(p, "{\"customer_id\":\"C7\",\"version\":2}\n{}\n", false), -1);
	assert_int_equal(seen(p), 1);
	assert_int_equal(put_state(p, 3, false), OF_PAGE);
	assert_int_equal(seen(p), 3);
}

static void a_fresh_fill_is_read_with_its_own_keys_at_once(void **state)
{
	struct place *p = *state;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(apply(p, anna, true), 1);
		assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 1);
		assert_int_equal(shard_count(p->reader), 1);
		assert_int_equal(apply(p, "", true), 0);
		assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 0);
	}
}

static void spoil_profiles(const struct place *p)
{
	sqlite3 *db;
	char err[200];
	int fd;
	bool held;

	assert_int_equal(db_open_writer(&db, &fd, p->path, DB_SYNC_NORMAL, &held, err, sizeof(err)),
	                 0);
	assert_int_equal(db_exec(db, "UPDATE profile SET head = zeroblob(200)"), 0);
	db_close_writer(db, fd);
}

/* Also by the writer that makes it anew while it runs, because of what it cannot read. */
static void a_file_made_anew_is_what_the_next_lookup_reads(void **state)
{
	struct place *p = *state;

	assert_int_equal(put_state(p, 1, false), OF_PAGE);
	assert_int_equal(seen(p), 1);
	shard_free(p->shard);
	spoil_profiles(p);
	assert_false(open_shard(p));
	assert_int_equal(find(p, "phone", "+nobody", NULL), 0);
	assert_int_equal(put_state(p, 2, false), -1);
	assert_int_equal(seen(p), 0);
	assert_int_equal(shard_count(p->reader), 0);
	assert_int_equal(put_state(p, 3, false), OF_PAGE);
	assert_int_equal(seen(p), 3);
}

static void without_a_writer_nothing_is_held(void **state)
{
	struct place *p = *state;

	assert_int_equal(put_state(p, 1, false), OF_PAGE);
	assert_int_equal(seen(p), 1);
	shard_free(p->shard);
	p->shard = NULL;
	assert_int_equal(seen(p), 1);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(seen(p), 0);
	assert_true(open_shard(p));
	assert_int_equal(put_state(p, 2, false), OF_PAGE);
	assert_int_equal(seen(p), 2);
}

/* That is what makes a lookup cheap. */
static void while_nobody_writes_a_reader_stays_at_the_last_commit(void **state)
{
	struct place *p = *state;
	char aside[128];

	assert_int_equal(put_state(p, 1, false), OF_PAGE);
	assert_int_equal(seen(p), 1);
	snprintf(aside, sizeof(aside), "%s.aside", p->path);
	assert_int_equal(rename(p->path, aside), 0);
	assert_int_equal(seen(p), 1);
	assert_int_equal(shard_synced(p->shard, 5), 0);
	assert_int_equal(seen(p), 0);
}

static void readers_come_and_go(void **state)
{
	struct place *p = *state;
	struct shard_reader *more[3];
	struct shard_hit hit;
	char err[200];

	assert_int_equal(put_state(p, 1, false), OF_PAGE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(shard_reader_open(&more[i], p->path, p->vault, err, sizeof(err)),
		                 0);
		shard_reader_share(more[i], p->gate);
		assert_int_equal(shard_find(more[i], "phone", "+7", &hit, 1), 1);
	}
	shard_reader_free(more[1]);
	assert_int_equal(put_state(p, 2, false), OF_PAGE);
	assert_int_equal(shard_find(more[0], "phone", "+7", &hit, 1), 1);
	assert_int_equal(hit.profile.version, 2);
	shard_reader_free(more[2]);
	shard_reader_free(more[0]);
	assert_int_equal(put_state(p, 3, false), OF_PAGE);
	assert_int_equal(seen(p), 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_a_commit_changed_is_seen_by_the_next_lookup_and_nothing_before),
	    TEST(lookups_between_commits_do_not_keep_the_log_from_being_copied),
	    TEST(an_erasure_empties_the_log_although_a_reader_has_looked),
	    TEST(a_page_that_fails_leaves_readers_at_the_commit_before_it),
	    TEST(a_fresh_fill_is_read_with_its_own_keys_at_once),
	    TEST(a_file_made_anew_is_what_the_next_lookup_reads),
	    TEST(without_a_writer_nothing_is_held),
	    TEST(while_nobody_writes_a_reader_stays_at_the_last_commit),
	    TEST(readers_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
