/* A scan that named nobody, and HQ's word on it that comes later. */
#include "sale_world.h"

/* HQ knows who it is: told if the lane still waits for it. */
static const char *heard(struct world *w, const struct sale_early *scan, const char *who)
{
	struct sale_early now;
	struct answer a;
	struct entry *e = world_begin(w);
	if (!sale_missed(w->s, w->lane, &now) || now.mono_us != scan->mono_us ||
	    strcmp(now.value, scan->value) != 0)
		return world_end(w, e, 0);
	world_answer_for(who, &a);
	assert_int_equal(sale_tie(w->s, e, &w->now, &now, true, &a), 0);
	return world_end(w, e, 0);
}

static struct sale_early missed(struct world *w)
{
	struct sale_early scan;
	assert_true(sale_missed(w->s, w->lane, &scan));
	return scan;
}

static bool misses(struct world *w)
{
	struct sale_early scan;
	return sale_missed(w->s, w->lane, &scan);
}

static void who_is_known_later_is_attached_as_of_the_scan(void **state)
{
	struct world *w = *state;
	char basket[64];
	opened(w, "B1");
	strcpy(basket, of(w, "Basket Opened", "basket_id"));
	int64_t then = w->now.mono_us;
	assert_string_equal(scan(w, "?"), "Identifier Presented");
	struct sale_early early = missed(w);
	assert_string_equal(early.method, "scan");
	assert_string_equal(early.symbology, "]C1");
	assert_string_equal(early.basket_id, basket);
	later(w, 0.2);
	line(w, "B1", "1"); /* the cashier goes on meanwhile */
	assert_string_equal(heard(w, &early, "Anna"), "Identifier Presented, Customer Attached");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "matched");
	assert_string_equal(of(w, "Identifier Presented", "again"), "asked");
	assert_int_equal(atoll(of(w, "Identifier Presented", "mono_us")), then);
	assert_string_equal(of(w, "Customer Attached", "basket_id"), basket);
	assert_string_equal(shown(w), "Anna");
	assert_false(misses(w));
}

static void another_card_in_between_makes_the_answer_too_late(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "?");
	struct sale_early early = missed(w);
	later(w, 0.1);
	scan(w, "Ben");
	assert_false(misses(w));
	assert_string_equal(heard(w, &early, "Anna"), "");
	assert_string_equal(shown(w), "Ben");
}

static void a_second_unknown_card_is_the_one_that_is_asked_for(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "?");
	struct sale_early first = missed(w);
	later(w, 0.1);
	scan(w, "?");
	assert_string_equal(heard(w, &first, "Anna"), "");
	first = missed(w);
	assert_string_equal(heard(w, &first, "Anna"), "Identifier Presented, Customer Attached");
}

static void another_basket_makes_the_answer_too_late(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	scan(w, "?");
	struct sale_early early = missed(w);
	tender(w, "B1");
	order(w, "B1");
	assert_false(misses(w));
	opened(w, "B2");
	assert_false(misses(w));
	assert_string_equal(heard(w, &early, "Anna"), "");
}

static void before_a_basket_it_waits_for_the_basket_as_any_scan(void **state)
{
	struct world *w = *state;
	scan(w, "?");
	struct sale_early early = missed(w);
	assert_string_equal(early.basket_id, "");
	assert_string_equal(heard(w, &early, "Anna"), "Visit Started, Identifier Presented");
	assert_string_equal(opened(w, "B1"), "Basket Opened, Customer Attached");
}

static void who_is_attached_already_is_not_replaced_silently(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Ben");
	scan(w, "?");
	struct sale_early early = missed(w);
	assert_string_equal(heard(w, &early, "Anna"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(question(w), "Replace Ben?");
}

static void what_nobody_could_know_is_not_asked_for(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "pan");
	assert_false(misses(w));
	scan(w, "both");
	assert_false(misses(w));
}

static void for_a_moment_the_screen_does_not_say_that_nobody_is_known(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "?");
	sale_asking(w->s, w->lane, &w->now, 300000);
	assert_true(look(w)->asking);
	uint64_t rev = look(w)->rev;
	later(w, 0.2);
	assert_true(look(w)->asking);
	assert_int_equal(w->next_us, w->now.mono_us + 100000);
	later(w, 0.1);
	assert_false(look(w)->asking);
	assert_int_equal(look(w)->person, PERSON_UNKNOWN);
	assert_true(look(w)->rev > rev);
	sale_asking(w->s, "no such lane", &w->now, 300000);
	scan(w, "Anna");
	sale_asking(w->s, w->lane, &w->now, 300000);
	assert_false(look(w)->asking);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(who_is_known_later_is_attached_as_of_the_scan),
	    TEST(another_card_in_between_makes_the_answer_too_late),
	    TEST(a_second_unknown_card_is_the_one_that_is_asked_for),
	    TEST(another_basket_makes_the_answer_too_late),
	    TEST(before_a_basket_it_waits_for_the_basket_as_any_scan),
	    TEST(who_is_attached_already_is_not_replaced_silently),
	    TEST(what_nobody_could_know_is_not_asked_for),
	    TEST(for_a_moment_the_screen_does_not_say_that_nobody_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
