/* The file itself: its mark, its damage, its readers and writers. */
#include "store_shard_world.h"

static void the_mark_moves_with_the_page_and_fresh_drops_what_was_held(void **state)
{
	struct place *p = *state;
	struct shard_mark mark;

	assert_int_equal(shard_mark_get(p->shard, &mark), 0);
	assert_string_equal(mark.generation, "");
	assert_int_equal(mark.version, 0);
	assert_int_equal(mark.synced_wall_us, 0);
	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(shard_synced(p->shard, 1795280523123456), 0);
	assert_int_equal(apply(p, "", false), 0);
	shard_free(p->shard);
	assert_false(open_shard(p));
	assert_int_equal(shard_mark_get(p->shard, &mark), 0);
	assert_string_equal(mark.generation, "00000000000000aa");
	assert_int_equal(mark.version, 900);
	assert_int_equal(mark.synced_wall_us, 1795280523123456);
	assert_int_equal(apply(p, "{\"customer_id\":\"C2\",\"version\":1}\n", true), 1);
	assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 0);
	assert_int_equal(shard_count(p->reader), 1);
	assert_int_equal(shard_mark_get(p->shard, &mark), 0);
	assert_int_equal(mark.synced_wall_us, 0);
}

static void a_reader_finds_a_file_that_appears_later_or_is_made_anew(void **state)
{
	struct place *p = *state;
	char other[160], err[256];
	struct shard_reader *early = NULL;
	struct shard *shard = NULL;
	bool made;

	snprintf(other, sizeof(other), "%s/other.db", p->dir);
	assert_int_equal(shard_reader_open(&early, other, p->vault, err, sizeof(err)), 0);
	assert_int_equal(shard_find(early, "loyalty", "2600000000170", NULL, 0), 0);
	assert_int_equal(shard_count(early), 0);
	assert_int_equal(shard_open(&shard, other, p->vault, &made, err, sizeof(err)), 0);
	shard_free(p->shard);
	p->shard = shard;
	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(shard_find(early, "loyalty", "2600000000170", NULL, 0), 1);
	shard_free(p->shard);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(shard_find(early, "loyalty", "2600000000170", NULL, 0), 0);
	assert_int_equal(shard_open(&p->shard, other, p->vault, &made, err, sizeof(err)), 0);
	assert_true(made);
	assert_int_equal(shard_find(early, "loyalty", "2600000000170", NULL, 0), 0);
	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(shard_find(early, "loyalty", "2600000000170", NULL, 0), 1);
	shard_reader_free(early);
}

static void spoil(const struct place *p, long at, int n)
{
	FILE *f = fopen(p->path, "r+");

	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	for (int i = 0; i < n; i++)
		fputc(0x5a, f);
	fclose(f);
}

static void a_damaged_file_is_made_anew_and_asks_from_the_start(void **state)
{
	const long places[] = {0, 4096, 3 * 4096};
	struct place *p = *state;
	struct shard_mark mark;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_int_equal(apply(p, anna, false), 1);
		/* The last connection to close brings the log into the file. */
		shard_reader_free(p->reader);
		p->reader = NULL;
		shard_free(p->shard);
		spoil(p, places[i], 3900);
		assert_true(open_shard(p));
		assert_int_equal(shard_mark_get(p->shard, &mark), 0);
		assert_int_equal(mark.version, 0);
	}
	assert_int_equal(apply(p, anna, false), 1);
}

static void a_file_damaged_while_open_is_made_anew_by_the_page_that_meets_it(void **state)
{
	const struct shard_mark next = {.generation = "aa", .version = 1};
	struct place *p = *state;
	struct shard_mark mark;
	struct buf b = {0};
	char err[256] = "", path[160];
	sqlite3 *db;

	/* More than SQLite holds in memory, so that it has to read what was spoiled. */
	for (int i = 0; i < 4000; i++)
		buf_printf(&b, "{\"customer_id\":\"C%d\",\"note\":\"%0900d\",\"version\":1}\n", i,
		           i);
	assert_int_equal(
	    shard_apply(p->shard, (char *)b.data, b.len, &next, false, err, sizeof(err)), 4000);
	snprintf(path, sizeof(path), "%s", p->path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
	sqlite3_close(db);
	spoil(p, 2 * 4096, 4000000);
	assert_int_equal(
	    shard_apply(p->shard, (char *)b.data, b.len, &next, false, err, sizeof(err)), -1);
	assert_int_equal(shard_mark_get(p->shard, &mark), 0);
	assert_int_equal(mark.version, 0);
	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 1);
	buf_free(&b);
}

static void another_device_key_or_a_newer_format_means_another_shard(void **state)
{
	struct place *p = *state;
	char path[160], err[256];
	sqlite3 *db = NULL;
	bool held;
	int lock;

	assert_int_equal(apply(p, anna, false), 1);
	shard_free(p->shard);
	vault_free(p->vault);
	snprintf(path, sizeof(path), "%s/vault.key", p->dir);
	assert_int_equal(unlink(path), 0);
	open_vault(p);
	assert_true(open_shard(p));
	assert_int_equal(apply(p, "{\"customer_id\":\"C2\",\"version\":1}\n", false), 1);
	shard_free(p->shard);
	p->shard = NULL;
	assert_int_equal(
	    db_open_writer(&db, &lock, p->path, DB_SYNC_NORMAL, &held, err, sizeof(err)), 0);
	assert_int_equal(db_exec(db, "PRAGMA user_version=99"), 0);
	db_close_writer(db, lock);
	assert_true(open_shard(p));
	shard_reader_free(p->reader);
	assert_int_equal(shard_reader_open(&p->reader, p->path, p->vault, err, sizeof(err)), 0);
	assert_int_equal(shard_count(p->reader), 0);
}

static void a_second_writer_is_refused_and_deletes_nothing(void **state)
{
	struct place *p = *state;
	struct shard *second = NULL;
	char err[256] = "";
	bool made = false;

	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(shard_open(&second, p->path, p->vault, &made, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "another process"));
	assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 1);
	shard_free(NULL);
	shard_reader_free(NULL);
}

#define FLIPS 300

static void *flip(void *arg)
{
	struct place *p = arg;
	char page[256];

	for (int i = 0; i < FLIPS; i++) {
		snprintf(
		    page, sizeof(page),
		    "{\"customer_id\":\"C1\",\"deleted\":true,\"version\":%d}\n"
		    "{\"customer_id\":\"C1\",\"first_name\":\"N%d\",\"identifiers\":[{\"kind\":"
		    "\"phone\",\"ref\":\"" REF "\",\"value\":\"+491\"}],\"version\":%d}\n",
		    i, i, i);
		if (apply(p, page, false) != 2)
			return p;
	}
	return NULL;
}

static void a_lookup_sees_a_page_whole_or_not_at_all_while_it_is_applied(void **state)
{
	struct place *p = *state;
	struct shard_hit hit = {0};
	char expected[16];
	pthread_t thread;
	void *failed;
	uint64_t last = 0;

	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(pthread_create(&thread, NULL, flip, p), 0);
	while (last < FLIPS - 1) {
		int n = find(p, "phone", "+491", &hit);

		if (n == 0 && last == 0)
			continue; /* before the first page */
		assert_int_equal(n, 1);
		assert_true(hit.profile.version >= last);
		last = hit.profile.version;
		snprintf(expected, sizeof(expected), "N%d", (int)last);
		assert_string_equal(hit.profile.first_name, expected);
	}
	pthread_join(thread, &failed);
	assert_null(failed);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_mark_moves_with_the_page_and_fresh_drops_what_was_held),
	    TEST(a_reader_finds_a_file_that_appears_later_or_is_made_anew),
	    TEST(a_damaged_file_is_made_anew_and_asks_from_the_start),
	    TEST(a_file_damaged_while_open_is_made_anew_by_the_page_that_meets_it),
	    TEST(another_device_key_or_a_newer_format_means_another_shard),
	    TEST(a_lookup_sees_a_page_whole_or_not_at_all_while_it_is_applied),
	    TEST(a_second_writer_is_refused_and_deletes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
