/* What a page does to the profiles, and what a lookup sees of them. */
#include "store_shard_world.h"

static void a_profile_is_found_by_each_of_its_identifiers_and_by_its_id(void **state)
{
	struct place *p = *state;
	struct shard_hit hit;
	struct profile profile;
	struct buf json = {0};

	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(find(p, "loyalty", "2600000000170", &hit), 1);
	assert_true(hit.verified);
	assert_string_equal(hit.ident_ref, REF);
	assert_string_equal(hit.profile.customer_id, "C000017");
	assert_string_equal(hit.profile.first_name, "Anna");
	assert_string_equal(hit.profile.name, "Anna Berg");
	assert_string_equal(hit.profile.tier, "gold");
	assert_string_equal(hit.profile.language, "de");
	assert_string_equal(hit.profile.points_as_of, "2026-11-20T00:00:00.000Z");
	assert_string_equal(hit.profile.last_seen, "2026-11-20T10:00:00.000Z");
	assert_true(hit.profile.has_points);
	assert_int_equal(hit.profile.points, 1200);
	assert_int_equal(hit.profile.version, 812);
	assert_int_equal(hit.profile.visits, 7);
	assert_false(hit.profile.confidential || hit.profile.restricted);
	assert_int_equal(find(p, "gait", "slow", &hit), 1);
	assert_false(hit.verified);
	assert_int_equal(find(p, "loyalty", "2600000000171", NULL), 0);
	assert_int_equal(find(p, "phone", "2600000000170", NULL), 0);
	assert_int_equal(shard_get(p->reader, "C000017", &profile, &json), 1);
	assert_int_equal(json.len, sizeof(anna) - 2);
	assert_memory_equal(json.data, anna, json.len);
	assert_int_equal(shard_get(p->reader, "C000018", &profile, NULL), 0);
	assert_int_equal(shard_count(p->reader), 1);
	buf_free(&json);
}

static void a_profile_that_changed_loses_the_identifiers_it_no_longer_has(void **state)
{
	struct place *p = *state;
	struct shard_hit hit;

	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(
	    apply(p,
	          "{\"customer_id\":\"C000017\",\"first_name\":\"Anne\",\"identifiers\":["
	          "{\"kind\":\"phone\",\"ref\":\"" REF
	          "\",\"value\":\"+4930123456\"}],\"version\":813}\n",
	          false),
	    1);
	assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 0);
	assert_int_equal(find(p, "gait", "slow", NULL), 0);
	assert_int_equal(find(p, "phone", "+4930123456", &hit), 1);
	assert_string_equal(hit.profile.first_name, "Anne");
	assert_false(hit.profile.has_points);
	assert_false(hit.verified);
	assert_int_equal(shard_count(p->reader), 1);
}

static void a_tombstone_leaves_nothing_behind(void **state)
{
	struct place *p = *state;
	struct profile profile;

	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(
	    apply(p, "{\"customer_id\":\"C000017\",\"deleted\":true,\"version\":813}\n", false), 1);
	assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 0);
	assert_int_equal(shard_get(p->reader, "C000017", &profile, NULL), 0);
	assert_int_equal(shard_count(p->reader), 0);
	assert_int_equal(
	    apply(p, "{\"customer_id\":\"C000099\",\"deleted\":true,\"version\":814}\n", false), 1);
}

/* Every byte of a file; the caller frees it. */
static char *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	struct stat st;
	char *text;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	text = malloc((size_t)st.st_size + 1);
	*len = fread(text, 1, (size_t)st.st_size, f);
	fclose(f);
	return text;
}

static bool stands_in(const struct place *p, const char *end, const void *needle, size_t n)
{
	char path[160];
	size_t len;
	char *text;
	bool found;

	snprintf(path, sizeof(path), "%s%s", p->path, end);
	text = slurp(path, &len);
	found = memmem(text, len, needle, n) != NULL;
	free(text);
	return found;
}

static void the_file_holds_no_person_in_the_clear_and_an_erased_key_is_gone(void **state)
{
	struct place *p = *state;
	uint8_t seed[VAULT_SEED_BYTES];
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt;
	char err[256];

	assert_int_equal(apply(p, anna, false), 1);
	assert_int_equal(db_open_reader(&db, p->path, err, sizeof(err)), 0);
	stmt = db_prepare(db, "SELECT head FROM profile");
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	memcpy(seed, sqlite3_column_blob(stmt, 0), sizeof(seed));
	sqlite3_finalize(stmt);
	db_close_reader(db);
	assert_true(stands_in(p, "-wal", seed, sizeof(seed)));
	assert_false(stands_in(p, "-wal", "Anna", 4));
	assert_false(stands_in(p, "-wal", "C000017", 7));
	assert_false(stands_in(p, "-wal", "2600000000170", 13));
	assert_int_equal(
	    apply(p, "{\"customer_id\":\"C000017\",\"deleted\":true,\"version\":813}\n", false), 1);
	assert_false(stands_in(p, "-wal", seed, sizeof(seed)));
	assert_false(stands_in(p, "", seed, sizeof(seed)));
}

static void one_identifier_of_several_profiles_gives_all_of_them(void **state)
{
	struct place *p = *state;
	struct shard_hit hits[2];
	char line[512];

	for (int i = 0; i < 5; i++) {
		snprintf(
		    line, sizeof(line),
		    "{\"customer_id\":\"C%d\",\"identifiers\":[{\"kind\":\"phone\",\"ref\":\"" REF
		    "\",\"value\":\"+491\"},{\"kind\":\"phone\",\"ref\":\"" REF
		    "\",\"value\":\"+491\",\"verified\":true}],\"version\":%d}\n",
		    i, i);
		assert_int_equal(apply(p, line, false), 1);
	}
	assert_int_equal(shard_find(p->reader, "phone", "+491", hits, 2), 5);
	assert_string_equal(hits[0].profile.customer_id, "C0");
	assert_string_equal(hits[1].profile.customer_id, "C1");
	assert_true(hits[1].verified);
	assert_int_equal(shard_find(p->reader, "phone", "+491", NULL, 0), 5);
	assert_int_equal(
	    apply(p, "{\"customer_id\":\"C0\",\"deleted\":true,\"version\":9}\n", false), 1);
	assert_int_equal(shard_find(p->reader, "phone", "+491", hits, 2), 4);
	assert_string_equal(hits[0].profile.customer_id, "C1");
}

static void a_page_with_a_bad_line_leaves_everything_as_it_was(void **state)
{
	static const char *const bad[] = {
	    "nonsense\n",
	    "[]\n",
	    "{\"customer_id\":\"C1\",\"version\":1}",
	    "{\"customer_id\":\"C1\"}\n",
	    "{\"customer_id\":\"\",\"version\":1}\n",
	    "{\"customer_id\":17,\"version\":1}\n",
	    "{\"customer_id\":\"0123456789012345678901234567890123\",\"version\":1}\n",
	    "{\"customer_id\":\"C1\",\"version\":-1}\n",
	    "{\"customer_id\":\"C1\",\"version\":\"1\"}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"version\":2}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"deleted\":1}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"first_name\":5}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"points\":1.5}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"visits\":-3}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"state\":[]}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"identifiers\":{}}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"identifiers\":[1]}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"identifiers\":[{\"kind\":\"a|b\",\"value\":"
	    "\"1\","
	    "\"ref\":\"" REF "\"}]}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"identifiers\":[{\"kind\":\"a\",\"ref\":\"" REF
	    "\"}]}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"identifiers\":[{\"kind\":\"a\",\"value\":"
	    "\"1\","
	    "\"ref\":\"" REF2 "\"}]}\n",
	    "{\"customer_id\":\"C1\",\"version\":1,\"identifiers\":[{\"kind\":\"a\",\"value\":"
	    "\"1\","
	    "\"ref\":\"" REF "\",\"verified\":0}]}\n",
	    "\n",
	};
	struct place *p = *state;
	struct shard_mark mark;
	char page[2048], err[256];

	assert_int_equal(apply(p, anna, false), 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct shard_mark next = {.generation = "bb", .version = 1000};

		snprintf(page, sizeof(page), "{\"customer_id\":\"C2\",\"version\":1}\n%s", bad[i]);
		assert_int_equal(
		    shard_apply(p->shard, page, strlen(page), &next, true, err, sizeof(err)), -1);
		if (strncmp(err, "line 2: ", 8) != 0 || strstr(err, "expected") == NULL)
			fail_msg("%s", err);
		assert_int_equal(shard_count(p->reader), 1);
		assert_int_equal(find(p, "loyalty", "2600000000170", NULL), 1);
		assert_int_equal(shard_mark_get(p->shard, &mark), 0);
		assert_int_equal(mark.version, 900);
	}
}

static void a_profile_may_have_32_identifiers_and_16_kib_and_no_more(void **state)
{
	struct place *p = *state;
	struct buf b = {0};
	char *pad;

	for (int count = 32; count <= 33; count++) {
		buf_reset(&b);
		buf_str(&b, "{\"customer_id\":\"C1\",\"version\":1,\"identifiers\":[");
		for (int i = 0; i < count; i++)
			buf_printf(&b,
			           "%s{\"kind\":\"phone\",\"value\":\"+%d\",\"ref\":\"" REF "\"}",
			           i > 0 ? "," : "", i);
		buf_str(&b, "]}\n");
		buf_byte(&b, 0);
		assert_int_equal(apply(p, (char *)b.data, false), count == 32 ? 1 : -1);
		assert_int_equal(find(p, "phone", "+31", NULL), 1);
	}
	for (size_t size = SHARD_PROFILE_MAX; size <= SHARD_PROFILE_MAX + 1; size++) {
		static const char head[] = "{\"customer_id\":\"C2\",\"version\":1,\"note\":\"";

		pad = calloc(1, size + 2);
		memset(pad, 'x', size);
		memcpy(pad, head, sizeof(head) - 1);
		memcpy(pad + size - 2, "\"}\n", 3);
		assert_int_equal(apply(p, pad, false), size == SHARD_PROFILE_MAX ? 1 : -1);
		free(pad);
	}
	buf_free(&b);
}

static void a_name_that_is_too_long_for_the_screen_is_cut_between_characters(void **state)
{
	struct place *p = *state;
	struct profile profile;
	char line[512] = "{\"customer_id\":\"C1\",\"version\":1,\"first_name\":\"x";

	for (int i = 0; i < 40; i++)
		strcat(line, "\xc3\xa4");
	strcat(line, "\"}\n");
	assert_int_equal(apply(p, line, false), 1);
	assert_int_equal(shard_get(p->reader, "C1", &profile, NULL), 1);
	assert_int_equal(strlen(profile.first_name), 63);
	assert_string_equal(profile.first_name + 61, "\xc3\xa4");
}

static void states_that_hide_a_person_are_told_and_an_unknown_one_hides_too(void **state)
{
	static const struct {
		const char *state;
		bool confidential, restricted;
	} cases[] = {{"\"active\"", false, false},
	             {"\"confidential\"", true, false},
	             {"\"restricted\"", false, true},
	             {"\"frozen\"", true, false},
	             {"null", false, false}};
	struct place *p = *state;
	struct profile profile;
	char line[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line),
		         "{\"customer_id\":\"C1\",\"state\":%s,\"version\":1}\n", cases[i].state);
		assert_int_equal(apply(p, line, false), 1);
		assert_int_equal(shard_get(p->reader, "C1", &profile, NULL), 1);
		assert_int_equal(profile.confidential, cases[i].confidential);
		assert_int_equal(profile.restricted, cases[i].restricted);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_profile_is_found_by_each_of_its_identifiers_and_by_its_id),
	    TEST(a_profile_that_changed_loses_the_identifiers_it_no_longer_has),
	    TEST(a_tombstone_leaves_nothing_behind),
	    TEST(the_file_holds_no_person_in_the_clear_and_an_erased_key_is_gone),
	    TEST(one_identifier_of_several_profiles_gives_all_of_them),
	    TEST(a_page_with_a_bad_line_leaves_everything_as_it_was),
	    TEST(a_profile_may_have_32_identifiers_and_16_kib_and_no_more),
	    TEST(a_name_that_is_too_long_for_the_screen_is_cut_between_characters),
	    TEST(states_that_hide_a_person_are_told_and_an_unknown_one_hides_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
