/* The identifiers' table when it is large, and when one identifier is very many people's. */
#include "store_shard_world.h"

#define PEOPLE 3000 /* with four entries each: enough to be sorted by their first bits, too */
#define SHARERS 700 /* of one identifier: more than a row of the table has otherwise */
#define MANY_BYTES 16000

static void add_person(struct buf *b, int who, bool shares)
{
	buf_printf(b, "{\"customer_id\":\"C%d\",\"identifiers\":[", who);
	for (int i = 0; i < 3; i++)
		buf_printf(b, "%s{\"kind\":\"k%d\",\"ref\":\"" REF "\",\"value\":\"v%d\"}",
		           i > 0 ? "," : "", i, who);
	if (shares)
		buf_str(b, ",{\"kind\":\"phone\",\"ref\":\"" REF "\",\"value\":\"+490\"}");
	buf_printf(b, "],\"version\":%d}\n", who);
}

static void put_lines(struct place *p, struct buf *b, bool more)
{
	const struct shard_mark mark = {.generation = "00000000000000aa", .more = more};
	char err[256] = "";

	if (shard_apply(p->shard, (char *)b->data, b->len, &mark, false, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	buf_reset(b);
}

/* Each person from first to last by each identifier of theirs. */
static void all_are_found(struct place *p, int first, int last, int expected)
{
	struct shard_hit hit;
	char kind[16], value[16];

	for (int who = first; who < last; who++) {
		for (int i = 0; i < 3; i++) {
			snprintf(kind, sizeof(kind), "k%d", i);
			snprintf(value, sizeof(value), "v%d", who);
			assert_int_equal(find(p, kind, value, &hit), expected);
			if (expected > 0)
				assert_int_equal(hit.profile.version, who);
		}
	}
}

static void rows_are_divided_as_they_grow_and_nobody_is_lost(void **state)
{
	struct place *p = *state;
	struct buf b = {0};

	for (int part = 0; part < 3; part++) {
		for (int i = 0; i < PEOPLE; i++)
			add_person(&b, part * PEOPLE + i, false);
		put_lines(p, &b, false);
	}
	all_are_found(p, 0, 3 * PEOPLE, 1);
	for (int i = 0; i < 3 * PEOPLE; i += 50)
		add_person(&b, i, true);
	put_lines(p, &b, false);
	all_are_found(p, 0, 3 * PEOPLE, 1);
	assert_int_equal(find(p, "phone", "+490", NULL), 3 * PEOPLE / 50);
	for (int i = PEOPLE; i < 2 * PEOPLE; i++)
		buf_printf(&b, "{\"customer_id\":\"C%d\",\"deleted\":true,\"version\":1}\n", i);
	put_lines(p, &b, false);
	all_are_found(p, 0, PEOPLE, 1);
	all_are_found(p, PEOPLE, 2 * PEOPLE, 0);
	all_are_found(p, 2 * PEOPLE, 3 * PEOPLE, 1);
	assert_int_equal(find(p, "phone", "+490", NULL), 2 * PEOPLE / 50);
	buf_free(&b);
}

static void an_identifier_of_very_many_finds_all_of_them_whoever_comes_and_goes(void **state)
{
	struct place *p = *state;
	struct buf b = {0};
	int sharers = 0;

	for (int i = 0; i < SHARERS; i++) {
		add_person(&b, i, true);
		if (i % 100 == 99)
			put_lines(p, &b, i % 200 == 99);
	}
	assert_int_equal(shard_settle(p->shard), 0);
	assert_int_equal(find(p, "phone", "+490", NULL), SHARERS);
	for (int i = 0; i < SHARERS; i++)
		if (i % 3 == 0)
			add_person(&b, i, false);
	put_lines(p, &b, false);
	for (int i = 0; i < SHARERS; i++)
		sharers += i % 3 != 0;
	assert_int_equal(find(p, "phone", "+490", NULL), sharers);
	for (int i = 0; i < SHARERS; i++)
		add_person(&b, i, false);
	put_lines(p, &b, false);
	assert_int_equal(find(p, "phone", "+490", NULL), 0);
	all_are_found(p, 0, SHARERS, 1);
	buf_free(&b);
}

/* Nothing of it can be made small. */
static void a_profile_of_any_text_comes_back_as_it_was(void **state)
{
	struct place *p = *state;
	struct buf line = {0}, json = {0};
	struct profile profile;
	char err[256];
	const struct shard_mark mark = {.generation = "00000000000000aa"};
	uint64_t dice = 88172645463325252u;

	buf_str(&line, "{\"customer_id\":\"C1\",\"note\":\"");
	for (int i = 0; i < MANY_BYTES; i++) {
		dice ^= dice << 13;
		dice ^= dice >> 7;
		dice ^= dice << 17;
		buf_byte(&line, (uint8_t)(dice % 2 ? 'a' + dice / 2 % 26 : '0' + dice / 2 % 10));
	}
	buf_str(&line, "\",\"version\":1}\n");
	assert_int_equal(
	    shard_apply(p->shard, (char *)line.data, line.len, &mark, false, err, sizeof(err)), 1);
	buf_str(&json, "before");
	assert_int_equal(shard_get(p->reader, "C1", &profile, &json), 1);
	assert_int_equal(json.len, 6 + line.len - 1);
	assert_memory_equal(json.data, "before", 6);
	assert_memory_equal(json.data + 6, line.data, line.len - 1);
	buf_free(&line);
	buf_free(&json);
}

/* Also where a profile has as many identifiers as fit. */
static void of_whom_points_are_missing_is_found_until_they_are_not(void **state)
{
	static const char *const missing[] = {"\"shortfall\":50,", "\"shortfall\":60,", ""};
	struct place *p = *state;
	struct shard_hit hit[2];
	struct buf b = {0};

	for (int i = 0; i < 3; i++) {
		buf_reset(&b);
		buf_str(&b, "{\"customer_id\":\"C000001\",\"identifiers\":[");
		for (int k = 0; k < 32; k++)
			buf_printf(&b,
			           "%s{\"kind\":\"email\",\"ref\":\"" REF
			           "\",\"value\":\"a.%d@gmail.com\",\"verified\":false}",
			           k ? "," : "", k);
		buf_printf(&b, "],%s\"version\":%d}\n", missing[i], i + 1);
		buf_str(&b, "{\"customer_id\":\"C000002\",\"identifiers\":[],\"shortfall\":0,"
		            "\"version\":9}\n");
		buf_byte(&b, '\0');
		assert_int_equal(apply(p, (char *)b.data, false), 2);
		int n = shard_find(p->reader, SHARD_SHORTFALL, SHARD_SHORTFALL_ALL, hit, 2);
		assert_int_equal(n, i < 2);
		if (n)
			assert_string_equal(hit[0].profile.customer_id, "C000001");
	}
	buf_free(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(rows_are_divided_as_they_grow_and_nobody_is_lost),
	    TEST(an_identifier_of_very_many_finds_all_of_them_whoever_comes_and_goes),
	    TEST(a_profile_of_any_text_comes_back_as_it_was),
	    TEST(of_whom_points_are_missing_is_found_until_they_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
