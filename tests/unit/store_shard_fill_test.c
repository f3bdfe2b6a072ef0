/* A first fill: pages that are committed together, ends at any of them, readers meanwhile. */
#include "store_shard_world.h"

#define PAGES 12
#define OF_PAGE 20

static void fill_page(struct buf *out, int page, int round)
{
	buf_reset(out);
	for (int i = page * OF_PAGE; i < (page + 1) * OF_PAGE; i++)
		buf_printf(
		    out,
		    "{\"customer_id\":\"C%d\",\"first_name\":\"R%d\",\"identifiers\":[{\"kind\":"
		    "\"phone\",\"ref\":\"" REF "\",\"value\":\"+%d\"},{\"kind\":\"phone\","
		    "\"ref\":\"" REF "\",\"value\":\"+49\"}],\"version\":%d}\n",
		    i, round, i, round);
}

static int put_page(struct shard *s, int page, int round, bool more)
{
	const struct shard_mark mark = {
	    .generation = "00000000000000aa", .version = (uint64_t)page + 1, .more = more};
	struct buf lines = {0};
	char err[200] = "";

	fill_page(&lines, page, round);
	int n = shard_apply(s, (char *)lines.data, lines.len, &mark, page == 0, err, sizeof(err));
	if (n < 0)
		print_message("%s\n", err);
	buf_free(&lines);
	return n;
}

static void copy_file(const char *from, const char *to)
{
	char block[65536];
	FILE *in = fopen(from, "re"), *out;
	size_t n;

	if (in == NULL)
		return;
	out = fopen(to, "we");
	assert_non_null(out);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		assert_int_equal(fwrite(block, 1, n, out), n);
	fclose(in);
	fclose(out);
}

/* What is on the disk, as a start after a sudden end finds it. */
static void cut(const struct place *p, char *path, size_t size, int nth)
{
	char from[160], to[192];

	snprintf(path, size, "%s/cut-%d.db", p->dir, nth);
	copy_file(p->path, path);
	snprintf(from, sizeof(from), "%s-wal", p->path);
	snprintf(to, sizeof(to), "%s-wal", path);
	copy_file(from, to);
}

/* Whole pages, as many as the mark says, and the fill can go on from there. */
static void go_on_from(const struct place *p, const char *path, int at_least)
{
	struct shard_reader *reader;
	struct shard *s;
	struct shard_mark mark;
	char err[200], nf[16];
	bool made;

	assert_int_equal(shard_open(&s, path, p->vault, &made, err, sizeof(err)), 0);
	assert_int_equal(shard_mark_get(s, &mark), 0);
	assert_in_range(mark.version, at_least, PAGES);
	assert_int_equal(shard_reader_open(&reader, path, p->vault, err, sizeof(err)), 0);
	assert_int_equal(shard_count(reader), mark.version * OF_PAGE);
	assert_int_equal(shard_find(reader, "phone", "+49", NULL, 0), mark.version * OF_PAGE);
	for (int page = (int)mark.version; page < PAGES; page++)
		assert_int_equal(put_page(s, page, 1, page + 1 < PAGES), OF_PAGE);
	for (int i = 0; i < PAGES * OF_PAGE; i++) {
		struct shard_hit hit;

		snprintf(nf, sizeof(nf), "+%d", i);
		assert_int_equal(shard_find(reader, "phone", nf, &hit, 1),
		                 i == 49 ? PAGES * OF_PAGE : 1);
		if (i != 49)
			assert_int_equal(atoi(hit.profile.customer_id + 1), i);
	}
	shard_reader_free(reader);
	shard_free(s);
}

static void a_fill_that_ends_at_any_page_leaves_whole_pages_and_goes_on(void **state)
{
	struct place *p = *state;
	char path[160];

	for (int page = 0; page < PAGES; page++) {
		bool settled = page % 4 == 3;

		assert_int_equal(put_page(p->shard, page, 1, page + 1 < PAGES), OF_PAGE);
		if (settled)
			assert_int_equal(shard_settle(p->shard), 0);
		cut(p, path, sizeof(path), page);
		go_on_from(p, path, settled || page + 1 == PAGES ? page + 1 : page - page % 4);
	}
}

static void a_page_that_is_not_the_last_waits_and_is_there_once_settled(void **state)
{
	struct place *p = *state;

	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(put_page(p->shard, 1, 1, true), OF_PAGE);
	assert_int_equal(shard_settle(p->shard), 0);
	assert_int_equal(shard_count(p->reader), OF_PAGE + 1);
	assert_int_equal(put_page(p->shard, 2, 1, true), OF_PAGE);
	assert_int_equal(shard_synced(p->shard, 5), 0);
	assert_int_equal(shard_count(p->reader), 2 * OF_PAGE + 1);
	assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 1);
}

/* Two threads read the lines of a page that others follow; the writer says which was wrong. */
static void a_bad_line_among_many_is_named_and_nothing_of_its_page_stays(void **state)
{
	const struct shard_mark mark = {.generation = "00000000000000aa", .more = true};
	static const int bad[] = {1, 2, 31, 32, 33, 64, 120, 200};
	struct place *p = *state;
	struct buf lines = {0};
	char err[200], expected[32];

	assert_int_equal(apply(p, anna, false), 1);
	for (size_t b = 0; b < sizeof(bad) / sizeof(bad[0]); b++) {
		buf_reset(&lines);
		for (int i = 1; i <= 200; i++)
			buf_printf(&lines, "{\"customer_id\":\"C%d\",\"version\":%s}\n", i,
			           i == bad[b] || i == bad[b] + 3 ? "\"x\"" : "1");
		assert_int_equal(shard_apply(p->shard, (char *)lines.data, lines.len, &mark, false,
		                             err, sizeof(err)),
		                 -1);
		snprintf(expected, sizeof(expected), "line %d: version:", bad[b]);
		assert_memory_equal(err, expected, strlen(expected));
		assert_int_equal(shard_count(p->reader), 1);
	}
	assert_int_equal(put_page(p->shard, 1, 1, true), OF_PAGE);
	assert_int_equal(shard_settle(p->shard), 0);
	assert_int_equal(shard_count(p->reader), OF_PAGE + 1);
	buf_free(&lines);
}

#define STATES 6
#define CUTS 60

/* Each customer in the same state, or -1: there is none yet. */
static int state_of(struct shard_reader *r)
{
	struct shard_hit hit;
	char nf[16];
	int state = -1;

	for (int i = 0; i < OF_PAGE; i++) {
		snprintf(nf, sizeof(nf), "+%d", OF_PAGE + i);
		if (shard_find(r, "phone", nf, &hit, 1) != 1)
			assert_int_equal(state, -1);
		else if (i == 0)
			state = (int)hit.profile.version;
		else
			assert_int_equal(hit.profile.version, state);
	}
	return state;
}

static void a_log_that_ends_anywhere_leaves_one_state_of_all_customers(void **state)
{
	struct place *p = *state;
	struct shard_reader *reader;
	struct shard_mark mark;
	struct shard *s;
	char path[160], log[192], err[200];
	struct stat st;
	bool made, seen[STATES + 1] = {false};

	for (int i = 1; i <= STATES; i++) {
		assert_int_equal(put_page(p->shard, 1, i, true), OF_PAGE);
		assert_int_equal(shard_settle(p->shard), 0);
	}
	for (int i = 0; i < CUTS; i++) {
		cut(p, path, sizeof(path), i);
		snprintf(log, sizeof(log), "%s-wal", path);
		assert_int_equal(stat(log, &st), 0);
		assert_int_equal(truncate(log, st.st_size * i / (CUTS - 1)), 0);
		assert_int_equal(shard_open(&s, path, p->vault, &made, err, sizeof(err)), 0);
		assert_int_equal(shard_reader_open(&reader, path, p->vault, err, sizeof(err)), 0);
		int found = state_of(reader);
		assert_int_equal(shard_mark_get(s, &mark), 0);
		assert_int_equal(mark.version, found >= 0 ? 2 : 0);
		assert_int_equal(shard_count(reader), found >= 0 ? OF_PAGE : 0);
		seen[found < 0 ? 0 : found] = true;
		shard_reader_free(reader);
		shard_free(s);
	}
	assert_true(seen[STATES] && seen[STATES - 1]); /* the cuts fell between commits, too */
}

#define ROUNDS 30

static void *fill_again_and_again(void *arg)
{
	struct place *p = arg;

	for (int round = 1; round <= ROUNDS; round++) {
		for (int page = 0; page < 3; page++) {
			if (put_page(p->shard, page, round, page < 2) != OF_PAGE)
				return p;
			if (page == round % 3 && shard_settle(p->shard) != 0)
				return p;
		}
	}
	return NULL;
}

/* Everything is dropped and comes again under other keys: each lookup is of one moment. */
static void a_reader_during_fills_sees_whole_profiles_or_none(void **state)
{
	struct place *p = *state;
	struct shard_hit hit;
	struct buf json = {0};
	char expected[32];
	pthread_t thread;
	void *failed;
	uint64_t last = 0;

	assert_int_equal(pthread_create(&thread, NULL, fill_again_and_again, p), 0);
	for (int i = 0; last < ROUNDS; i++) {
		char nf[16];

		snprintf(nf, sizeof(nf), "+%d", i % (3 * OF_PAGE));
		buf_reset(&json);
		int n = shard_find_json(p->reader, "phone", nf, &hit, &json, 1);
		if (n == 0 || i % (3 * OF_PAGE) == 49)
			continue;
		assert_int_equal(n, 1);
		assert_int_equal(atoi(hit.profile.customer_id + 1), i % (3 * OF_PAGE));
		assert_true(hit.profile.version >= last);
		last = hit.profile.version;
		snprintf(expected, sizeof(expected), "\"R%d\"", (int)last);
		assert_non_null(memmem(json.data, json.len, expected, strlen(expected)));
		assert_memory_equal(hit.profile.first_name, expected + 1, strlen(expected) - 2);
	}
	pthread_join(thread, &failed);
	assert_null(failed);
	buf_free(&json);
}

static void another_device_key_finds_nobody(void **state)
{
	struct place *p = *state;
	struct shard_reader *other;
	struct vault *vault = p->vault;
	struct profile profile;
	char path[160], err[256];

	assert_int_equal(apply(p, anna, false), 1);
	snprintf(path, sizeof(path), "%s/vault.key", p->dir);
	assert_int_equal(unlink(path), 0);
	open_vault(p);
	assert_int_equal(shard_reader_open(&other, p->path, p->vault, err, sizeof(err)), 0);
	assert_int_equal(shard_find(other, "loyalty", "2600000000170", NULL, 0), 0);
	assert_int_equal(shard_get(other, "C000017", &profile, NULL), 0);
	assert_int_equal(shard_count(other), 0);
	shard_reader_free(other);
	assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 1);
	vault_free(p->vault);
	p->vault = vault;
}

static bool holds(const char *path, const void *needle, size_t n)
{
	FILE *f = fopen(path, "re");
	struct stat st;

	if (f == NULL)
		return false;
	assert_int_equal(fstat(fileno(f), &st), 0);
	char *text = malloc((size_t)st.st_size + 1);
	size_t len = fread(text, 1, (size_t)st.st_size, f);
	bool found = memmem(text, len, needle, n) != NULL;
	fclose(f);
	free(text);
	return found;
}

/* The rows may lie about in free pages: what opens them is gone. */
static void all_that_was_held_before_a_fresh_fill_is_closed_for_ever(void **state)
{
	struct place *p = *state;
	uint8_t salt[VAULT_WRAP_BYTES];
	char err[256], log[160];
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(db_open_reader(&db, p->path, err, sizeof(err)), 0);
	stmt = db_prepare(db, "SELECT value FROM meta WHERE name = 'salt'");
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_bytes(stmt, 0), sizeof(salt));
	memcpy(salt, sqlite3_column_blob(stmt, 0), sizeof(salt));
	sqlite3_finalize(stmt);
	db_close_reader(db);
	snprintf(log, sizeof(log), "%s-wal", p->path);
	assert_true(holds(p->path, salt, sizeof(salt)) || holds(log, salt, sizeof(salt)));
	assert_int_equal(put_page(p->shard, 0, 1, false), OF_PAGE);
	assert_false(holds(p->path, salt, sizeof(salt)));
	assert_false(holds(log, salt, sizeof(salt)));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_fill_that_ends_at_any_page_leaves_whole_pages_and_goes_on),
	    TEST(a_page_that_is_not_the_last_waits_and_is_there_once_settled),
	    TEST(a_bad_line_among_many_is_named_and_nothing_of_its_page_stays),
	    TEST(a_log_that_ends_anywhere_leaves_one_state_of_all_customers),
	    TEST(a_reader_during_fills_sees_whole_profiles_or_none),
	    TEST(another_device_key_finds_nobody),
	    TEST(all_that_was_held_before_a_fresh_fill_is_closed_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
