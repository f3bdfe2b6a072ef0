#include "journal_place.h"

#include "sync/generation.h"

static void a_generation_whose_end_was_heard_never_counts_again(void **state)
{
	struct generation g = {0};
	(void)state;
	assert_int_equal(generation_note(&g, "aaaaaaaaaaaaaaaa"), GENERATION_FIRST);
	assert_int_equal(generation_note(&g, "aaaaaaaaaaaaaaaa"), GENERATION_SAME);
	assert_int_equal(generation_note(&g, "bbbbbbbbbbbbbbbb"), GENERATION_OTHER);
	assert_int_equal(generation_note(&g, "aaaaaaaaaaaaaaaa"), GENERATION_OVER);
	assert_string_equal(g.now, "bbbbbbbbbbbbbbbb");
	assert_int_equal(generation_note(&g, "cccccccccccccccc"), GENERATION_OTHER);
	assert_int_equal(generation_note(&g, "aaaaaaaaaaaaaaaa"), GENERATION_OVER);
	assert_int_equal(generation_note(&g, "bbbbbbbbbbbbbbbb"), GENERATION_OVER);
	for (int i = 0; i < 20; i++) {
		char next[17];
		snprintf(next, sizeof(next), "%016d", i);
		assert_int_equal(generation_note(&g, next), GENERATION_OTHER);
	}
	assert_int_equal(strlen(g.over), GENERATIONS_OVER * GENERATION_LEN);
	assert_int_equal(generation_note(&g, "0000000000000011"), GENERATION_OVER);
}

/* The journal writes the same from its own row: what is loaded is what was known. */
static void what_is_over_is_remembered_over_a_restart(void **state)
{
	struct place *p = *state;
	struct generation g = {0};
	const char *const said[] = {"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"};
	for (size_t i = 0; i < 3; i++) {
		bool other = generation_note(&g, said[i]) == GENERATION_OTHER;
		journal_generation(p->journal, said[i], other);
		place_fill(p, 1);
	}
	assert_true(generation_see(&g, "41.AAAA", &p->clock, p->journal));
	place_fill(p, 1);
	place_stop(p);
	place_start(p);
	struct generation loaded;
	generation_load(&loaded, place_reader(p));
	assert_string_equal(loaded.now, g.now);
	assert_string_equal(loaded.over, g.over);
	assert_string_equal(loaded.seen, "41.AAAA");
}

static void only_a_newer_one_is_handed_back(void **state)
{
	struct place *p = *state;
	struct generation g = {0};
	assert_true(generation_see(&g, "41.AAAA", &p->clock, p->journal));
	assert_false(generation_see(&g, "41.BBBB", &p->clock, p->journal));
	assert_false(generation_see(&g, "7.CCCC", &p->clock, p->journal));
	assert_false(generation_see(&g, "", &p->clock, p->journal));
	assert_string_equal(g.seen, "41.AAAA");
	assert_true(generation_see(&g, "100.DDDD", &p->clock, p->journal));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up_started, place_tear_down)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_generation_whose_end_was_heard_never_counts_again),
	    TEST(what_is_over_is_remembered_over_a_restart),
	    TEST(only_a_newer_one_is_handed_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
