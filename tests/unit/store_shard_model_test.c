/* Random pages against a dictionary: what was committed is what is found, whatever came before. */
#include "store_shard_world.h"

#define CUSTOMERS 1000
#define VALUES 1500 /* fewer than would give everybody their own: many are shared, and move */
#define HAS_MAX 6
#define STEPS 600
#define PAGE_MAX 12
#define ENTRY_BYTES 12 /* in the index: key, number of the profile */

struct person {
	bool there;
	int number; /* the order of creation */
	int version;
	int has[HAS_MAX], has_count;
};

struct model {
	struct person people[CUSTOMERS];
	int step, created, count;
};

struct run {
	struct place *p;
	struct model live, committed;
	uint64_t dice;
	struct buf page;
};

static uint64_t roll(struct run *r, uint64_t sides)
{
	r->dice ^= r->dice << 13;
	r->dice ^= r->dice >> 7;
	r->dice ^= r->dice << 17;
	return r->dice % sides;
}

static const char *kind_of(int value)
{
	return value % 3 == 0 ? "loyalty" : value % 3 == 1 ? "phone" : "email";
}

static void add_line(struct run *r, int who, const struct person *x)
{
	buf_printf(&r->page, "{\"customer_id\":\"C%d\",\"first_name\":\"N%d\",\"identifiers\":[",
	           who, x->version);
	for (int i = 0; i < x->has_count; i++)
		buf_printf(&r->page,
		           "%s{\"kind\":\"%s\",\"ref\":\"" REF
		           "\",\"value\":\"v%d\",\"verified\":%s}",
		           i > 0 ? "," : "", kind_of(x->has[i]), x->has[i],
		           x->has[i] % 2 ? "true" : "false");
	/* Now and then a line that the quick way does not take. */
	buf_printf(&r->page, "],%s\"version\":%d}\n", roll(r, 4) == 0 ? " " : "", x->version);
}

static void upsert(struct run *r, int who)
{
	struct person *x = &r->live.people[who];

	if (!x->there) {
		x->number = ++r->live.created;
		r->live.count++;
	}
	x->there = true;
	x->version = r->live.step;
	x->has_count = (int)roll(r, HAS_MAX + 1);
	for (int i = 0; i < x->has_count; i++)
		x->has[i] = (int)roll(r, VALUES);
	add_line(r, who, x);
}

static void tombstone(struct run *r, int who)
{
	struct person *x = &r->live.people[who];

	r->live.count -= x->there;
	memset(x, 0, sizeof(*x));
	buf_printf(&r->page, "{\"customer_id\":\"C%d\",\"deleted\":true,\"version\":%d}\n", who,
	           r->live.step);
}

static void forget_all(struct run *r)
{
	memset(r->live.people, 0, sizeof(r->live.people));
	r->live.count = 0;
}

/* One page; what it leaves is in r->live. */
static void make_page(struct run *r, bool fresh)
{
	int lines = 1 + (int)roll(r, PAGE_MAX);

	buf_reset(&r->page);
	r->live.step++;
	if (fresh)
		forget_all(r);
	for (int i = 0; i < lines; i++) {
		int who = 1 + (int)roll(r, CUSTOMERS - 1);

		if (roll(r, 4) == 0)
			tombstone(r, who);
		else
			upsert(r, who);
	}
	upsert(r, 0); /* says which step is seen */
}

static bool has(const struct person *x, int value)
{
	for (int i = 0; i < x->has_count; i++)
		if (x->has[i] == value)
			return true;
	return false;
}

static void compare_value(struct run *r, const struct model *m, int value)
{
	struct shard_hit hits[32];
	char nf[16];
	int expected = 0, found, last = 0;

	snprintf(nf, sizeof(nf), "v%d", value);
	found = shard_find(r->p->reader, kind_of(value), nf, hits, 32);
	for (int i = 0; i < CUSTOMERS; i++)
		expected += m->people[i].there && has(&m->people[i], value);
	assert_int_equal(found, expected);
	for (int i = 0; i < found && i < 32; i++) {
		const struct person *x = &m->people[atoi(hits[i].profile.customer_id + 1)];

		assert_true(x->there && has(x, value));
		assert_int_equal(hits[i].profile.version, x->version);
		assert_int_equal(hits[i].verified, value % 2);
		assert_true(x->number > last); /* each once, the oldest first */
		last = x->number;
	}
	assert_int_equal(shard_find(r->p->reader, "other", nf, hits, 32), 0);
}

static void compare_person(struct run *r, const struct model *m, int who)
{
	const struct person *x = &m->people[who];
	struct profile profile;
	struct buf json = {0};
	char id[16], name[32];

	snprintf(id, sizeof(id), "C%d", who);
	assert_int_equal(shard_get(r->p->reader, id, &profile, &json), x->there);
	if (x->there) {
		snprintf(name, sizeof(name), "N%d", x->version);
		assert_string_equal(profile.first_name, name);
		assert_int_equal(profile.version, x->version);
		assert_non_null(memmem(json.data, json.len, name, strlen(name)));
	}
	buf_free(&json);
}

/* A page that may wait for others may also have been committed: its own word says which. */
static const struct model *seen(struct run *r)
{
	struct profile profile;
	int found = shard_get(r->p->reader, "C0", &profile, NULL);

	if (found == 1 && (int)profile.version == r->live.step)
		r->committed = r->live;
	assert_int_equal(found, r->committed.step > 0);
	if (found)
		assert_int_equal(profile.version, r->committed.step);
	return &r->committed;
}

static void compare(struct run *r, int samples)
{
	const struct model *m = seen(r);

	assert_int_equal(shard_count(r->p->reader), m->count);
	for (int i = 0; i < samples; i++) {
		compare_value(r, m, (int)roll(r, VALUES));
		compare_person(r, m, (int)roll(r, CUSTOMERS));
	}
}

static void apply_page(struct run *r)
{
	const bool fresh = roll(r, 60) == 0, bad = roll(r, 12) == 0;
	struct shard_mark mark = {.generation = "00000000000000aa", .more = roll(r, 2)};
	char err[200];
	int n;

	make_page(r, fresh);
	mark.version = (uint64_t)r->live.step;
	if (bad)
		buf_str(&r->page, "{}\n");
	n = shard_apply(r->p->shard, (char *)r->page.data, r->page.len, &mark, fresh, err,
	                sizeof(err));
	assert_int_equal(n < 0, bad);
	if (n < 0) { /* what waited is gone with it */
		seen(r);
		r->live = r->committed;
		assert_int_equal(shard_mark_get(r->p->shard, &mark), 0);
		assert_int_equal(mark.version, r->live.step);
	} else if (!mark.more) {
		r->committed = r->live;
	}
}

static void reopen(struct run *r)
{
	shard_free(r->p->shard); /* commits what waits */
	r->committed = r->live;
	assert_false(open_shard(r->p));
}

static struct run *start(void **state, uint64_t seed)
{
	struct run *r = calloc(1, sizeof(*r));

	r->p = *state;
	r->dice = seed;
	print_message("seed %llu\n", (unsigned long long)seed);
	return r;
}

static void finish(struct run *r)
{
	buf_free(&r->page);
	free(r);
}

static void what_is_found_is_what_a_dictionary_would_find(void **state)
{
	const char *seed = getenv("LANEWAY_SEED");
	struct run *r = start(state, seed != NULL ? strtoull(seed, NULL, 10) : 88172645463325252u);

	for (int i = 0; i < STEPS; i++) {
		apply_page(r);
		if (roll(r, 10) == 0) {
			assert_int_equal(shard_settle(r->p->shard), 0);
			r->committed = r->live;
		}
		if (roll(r, 40) == 0)
			reopen(r);
		compare(r, 4);
	}
	assert_int_equal(shard_synced(r->p->shard, 17), 0);
	r->committed = r->live;
	for (int i = 0; i < VALUES; i++)
		compare_value(r, &r->committed, i);
	for (int i = 0; i < CUSTOMERS; i++)
		compare_person(r, &r->committed, i);
	finish(r);
}

/* ---- the index and the profiles, as they stand in the file ---- */

static int64_t number_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = db_prepare(db, sql);
	int64_t n;

	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static bool exists(sqlite3_stmt *one, int64_t id)
{
	bool there;

	sqlite3_bind_int64(one, 1, id);
	there = sqlite3_step(one) == SQLITE_ROW;
	sqlite3_reset(one);
	return there;
}

/* The number of (identifier, profile) pairs; each profile must be there. */
static int64_t pairs(sqlite3 *db)
{
	sqlite3_stmt *one = db_prepare(db, "SELECT 1 FROM profile WHERE id = ?1");
	sqlite3_stmt *all = db_prepare(db, "SELECT key, entries FROM ident ORDER BY key");
	uint64_t last = 0;
	int64_t n = 0;

	while (sqlite3_step(all) == SQLITE_ROW) {
		const uint8_t *at = sqlite3_column_blob(all, 1);
		int bytes = sqlite3_column_bytes(all, 1);

		assert_true(bytes > 0 && bytes % ENTRY_BYTES == 0);
		assert_true((uint64_t)sqlite3_column_int64(all, 0) >= last);
		assert_true((uint64_t)sqlite3_column_int64(all, 0) <= buf_get64(at));
		for (int i = 0; i < bytes / ENTRY_BYTES; i++, n++, at += ENTRY_BYTES) {
			assert_true(buf_get64(at) >= last);
			last = buf_get64(at);
			assert_true(exists(one, buf_get32(at + 8)));
		}
	}
	sqlite3_finalize(one);
	sqlite3_finalize(all);
	return n;
}

static int64_t expected_pairs(const struct model *m)
{
	int64_t n = m->count; /* by their ids */

	for (int i = 0; i < CUSTOMERS; i++) {
		const struct person *x = &m->people[i];

		for (int k = 0; k < x->has_count; k++) {
			bool again = false;

			for (int l = 0; l < k; l++)
				again = again || x->has[l] == x->has[k];
			n += !again;
		}
	}
	return n;
}

static void the_index_names_each_profile_that_is_there_and_none_that_is_not(void **state)
{
	struct run *r = start(state, 4711);
	char err[200];
	sqlite3 *db;

	for (int i = 0; i < 200; i++) {
		apply_page(r);
		if (i % 10 != 9)
			continue;
		assert_int_equal(shard_settle(r->p->shard), 0);
		assert_int_equal(db_open_reader(&db, r->p->path, err, sizeof(err)), 0);
		assert_int_equal(pairs(db), expected_pairs(&r->live));
		assert_int_equal(number_of(db, "SELECT count(*) FROM profile"), r->live.count);
		db_close_reader(db);
		r->committed = r->live;
	}
	finish(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_found_is_what_a_dictionary_would_find),
	    TEST(the_index_names_each_profile_that_is_there_and_none_that_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
