/* The two ways to read a line, and what a lookup gets of it. */
#include "store/shard_internal.h"
#include "store_shard_world.h"

#define FULL                                                                                       \
	"{\"choices\":[{\"address\":\"" REF                                                        \
	"\",\"at\":[\"2026-03-02T09:00:00.000Z\"],\"channel\":\"email\",\"covers\":[\"" REF        \
	"\"],\"id\":\"" REF                                                                        \
	"\",\"value\":\"granted\"}],\"customer_id\":\"C000017\",\"facts\":[{\"at\":["              \
	"\"2026-03-02T09:00:00.000Z\"],\"field\":\"first_name\",\"id\":\"" REF                     \
	"\",\"trust\":40,\"value\":\"Zo\xc3\xab\"},{\"value\":null}],\"first_name\":"              \
	"\"Zo\xc3\xab\","                                                                          \
	"\"identifiers\":[{\"kind\":\"phone\",\"ref\":\"" REF                                      \
	"\",\"seen\":\"2026-11-20T10:00:00.000Z\",\"state\":\"shared\",\"unit\":\"" REF            \
	"\",\"value\":\"+4930123456\",\"verified\":true},{\"kind\":\"email\",\"ref\":\"" REF       \
	"\",\"state\":\"blocked\",\"value\":\"a@b.example\"},{\"kind\":\"loyalty\",\"ref\":\"" REF \
	"\",\"state\":\"odd\",\"value\":\"26\"}],\"includes\":{\"0011223344556677\":41},"          \
	"\"points\":-5,\"state\":\"active\",\"units\":[{\"confirmed\":false,\"number\":17,"        \
	"\"ref\":\"" REF "\"}],\"version\":812,\"visits\":7}"

static void what_hq_writes_is_read_in_one_pass_and_means_the_same(void **state)
{
	static const char *const lines[] = {
	    FULL,
	    "{\"customer_id\":\"C000017\",\"deleted\":true,\"merged\":\"C000004\",\"version\":9}",
	    "{\"customer_id\":\"C1\",\"first_name\":\"\",\"state\":\"restricted\",\"version\":0}",
	};
	static struct shard_line quick, whole;
	char err[200];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_true(shard_line_quick(&quick, lines[i], strlen(lines[i])));
		assert_int_equal(
		    shard_line_parse(&whole, lines[i], strlen(lines[i]), err, sizeof(err)), 0);
		assert_memory_equal(&quick.profile, &whole.profile, sizeof(whole.profile));
		assert_int_equal(quick.deleted, whole.deleted);
		assert_int_equal(quick.ident_count, whole.ident_count);
		for (int k = 0; k < whole.ident_count; k++) {
			const struct shard_ident *a = &quick.idents[k], *b = &whole.idents[k];

			assert_string_equal(a->kind, b->kind);
			assert_string_equal(a->value, b->value);
			assert_string_equal(a->seen, b->seen);
			assert_memory_equal(a->ref, b->ref, sizeof(a->ref));
			assert_int_equal(a->verified, b->verified);
			assert_int_equal(a->shared, b->shared);
			assert_int_equal(a->blocked, b->blocked);
		}
	}
}

/* Wrong, or right and unusual: the parser says which. */
static void whatever_is_not_so_is_left_to_the_parser(void **state)
{
	static const char *const lines[] = {
	    "",
	    "{",
	    "{}",
	    "{\"customer_id\":\"C1\",\"version\":1",
	    "{\"customer_id\":\"C1\",\"version\":1}}",
	    "{\"customer_id\":\"C1\",\"version\":1} ",
	    "{\"version\":1,\"customer_id\":\"C1\"}",
	    "{\"customer_id\":\"C1\",\"version\":1,\"version\":1}",
	    "{\"customer_id\":\"C1\",\"facts\":[{\"a\":1,\"a\":1}],\"version\":1}",
	    "{\"customer_id\":\"C1\", \"version\":1}",
	    "{\"customer_id\":\"C\\u0031\",\"version\":1}",
	    "{\"customer_id\":\"C\x01\",\"version\":1}",
	    "{\"customer_id\":\"C\xff\",\"version\":1}",
	    "{\"customer_id\":\"C1\",\"version\":1.0}",
	    "{\"customer_id\":\"C1\",\"version\":1e3}",
	    "{\"customer_id\":\"C1\",\"version\":01}",
	    "{\"customer_id\":\"C1\",\"version\":-0}",
	    "{\"customer_id\":\"C1\",\"version\":-1}",
	    "{\"customer_id\":\"C1\",\"version\":9999999999999999999}",
	    "{\"a\":nul,\"customer_id\":\"C1\",\"version\":1}",
	    "{\"a\":[1,],\"customer_id\":\"C1\",\"version\":1}",
	    "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]],\"customer_id\":\"C1\",\"version\":1}",
	    "{\"customer_id\":\"C1\",\"points\":null,\"version\":1}",
	    "{\"customer_id\":\"C1\",\"identifiers\":[{\"kind\":\"a\",\"value\":\"1\"}],"
	    "\"version\":1}",
	};
	static struct shard_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (shard_line_quick(&line, lines[i], strlen(lines[i])))
			fail_msg("read: %s", lines[i]);
	}
}

static void a_lookup_gets_what_hq_says_of_the_identifier(void **state)
{
	struct place *p = *state;
	struct shard_hit hit;
	struct buf json = {0};

	assert_int_equal(apply(p, FULL "\n", false), 1);
	assert_int_equal(shard_find_json(p->reader, "phone", "+4930123456", &hit, &json, 1), 1);
	assert_true(hit.verified && hit.shared && !hit.blocked);
	assert_string_equal(hit.seen, "2026-11-20T10:00:00.000Z");
	assert_string_equal(hit.ident_ref, REF);
	assert_int_equal(hit.profile.points, -5);
	assert_int_equal(json.len, sizeof(FULL) - 1);
	assert_memory_equal(json.data, FULL, json.len);
	assert_int_equal(find(p, "email", "a@b.example", &hit), 1);
	assert_true(!hit.verified && !hit.shared && hit.blocked);
	assert_string_equal(hit.seen, "");
	assert_int_equal(find(p, "loyalty", "26", &hit), 1);
	assert_true(hit.shared && !hit.blocked); /* a state that is not known joins nobody */
	buf_free(&json);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_hq_writes_is_read_in_one_pass_and_means_the_same),
	    TEST(whatever_is_not_so_is_left_to_the_parser),
	    TEST(a_lookup_gets_what_hq_says_of_the_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
