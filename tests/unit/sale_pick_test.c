/* Identifiers that may mean several people: the cashier is asked, and nobody is guessed. */
#include "sale_world.h"

static void one_of_several_people_is_asked_for_by_name_and_chosen(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	assert_string_equal(scan(w, "both"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "conflict");
	assert_string_equal(shown(w), "conflict");
	assert_string_equal(question(w), "Ask for the first name");
	assert_int_equal(look(w)->choice_count, 3);
	assert_string_equal(look(w)->choices[0].label, "Anna");
	assert_string_equal(look(w)->choices[1].label, "Ben");
	assert_string_equal(look(w)->choices[2].label, "Somebody else");
	assert_string_equal(choose(w, "2"), "Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "customer_id"), "C-Ben");
	assert_string_equal(of(w, "Customer Attached", "by"), "cashier");
	assert_string_equal(of(w, "Customer Attached", "reason"), "chosen");
	assert_string_equal(of(w, "Customer Attached", "assurance"), "typed");
	assert_string_equal(of(w, "Customer Attached", "confidence"), "probable");
	assert_string_equal(shown(w), "Ben");
	assert_string_equal(question(w), "");
}

static void of_one_first_name_the_last_names_letter_or_the_tier_tells_who(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "namesakes");
	assert_string_equal(look(w)->choices[0].label, "Leo \u00d6.");
	assert_string_equal(look(w)->choices[1].label, "Leo, silver");
	assert_string_equal(choose(w, "1"), "Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "customer_id"), "C-Anna");
}

static void an_old_number_asks_whether_it_is_still_theirs(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	chosen(w, "B1", "old");
	assert_string_equal(shown(w), "stale");
	assert_string_equal(question(w), "Ask for the first name");
	assert_int_equal(look(w)->choice_count, 2);
	assert_string_equal(choose(w, "1"), "Customer Attached");
	assert_string_equal(shown(w), "Anna");
}

static void somebody_else_is_nobody_and_that_is_told(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "both");
	assert_string_equal(choose(w, "none"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(shown(w), "-");
	assert_string_equal(question(w), "");
	assert_string_equal(order(w, "B1"), "Order Completed, Visit Ended");
}

static void the_question_stands_while_the_basket_goes_on_and_ends_with_it(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "both");
	line(w, "B1", "1");
	later(w, 60);
	assert_string_equal(question(w), "Ask for the first name");
	assert_string_equal(shown(w), "conflict");
	order(w, "B1");
	assert_string_equal(question(w), "");
}

static void a_card_that_names_one_ends_the_question(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "both");
	scan(w, "Cleo");
	assert_string_equal(question(w), "");
	assert_string_equal(shown(w), "Cleo");
}

static void nobody_is_offered_before_a_basket_or_in_the_place_of_somebody(void **state)
{
	struct world *w = *state;
	scan(w, "both");
	assert_string_equal(question(w), "");
	opened(w, "B1");
	scan(w, "Cleo");
	scan(w, "both");
	assert_string_equal(question(w), "");
	assert_string_equal(shown(w), "Cleo");
}

static void a_choice_that_is_none_changes_nothing(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "both");
	assert_string_equal(choose(w, "3"), "unknown_choice");
	assert_string_equal(choose(w, "0"), "unknown_choice");
	assert_string_equal(choose(w, "12"), "unknown_choice");
	assert_string_equal(choose(w, "next"), "unknown_choice");
	assert_string_equal(question(w), "Ask for the first name");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(one_of_several_people_is_asked_for_by_name_and_chosen),
	    TEST(of_one_first_name_the_last_names_letter_or_the_tier_tells_who),
	    TEST(an_old_number_asks_whether_it_is_still_theirs),
	    TEST(somebody_else_is_nobody_and_that_is_told),
	    TEST(the_question_stands_while_the_basket_goes_on_and_ends_with_it),
	    TEST(a_card_that_names_one_ends_the_question),
	    TEST(nobody_is_offered_before_a_basket_or_in_the_place_of_somebody),
	    TEST(a_choice_that_is_none_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
