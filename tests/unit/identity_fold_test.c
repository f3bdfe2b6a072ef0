#include "fold_world.h"

static void two_enrolments_with_one_phone_and_first_name_are_one_person(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "anna");
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_true(one_person(w, "a", "b"));
	assert_holds(the_join(w));
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_ONE);
}

static void a_missing_first_name_contradicts_nobody(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", NULL);
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_true(one_person(w, "a", "b"));
}

static void two_enrolments_with_other_names_are_two_and_the_phone_is_shared(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "bob");
	enrol(w, "c", "anna");
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_false(one_person(w, "a", "b"));
	assert_refused(the_join(w), FOLD_FIRST_NAMES);
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_SHARED);
	typed(w, "c", "+49");
	assert_false(one_person(w, "a", "c"));
	assert_int_equal(w->f->join_count, 2);
	assert_refused(w->f->join[1].verdict, FOLD_SHARED);
}

static void another_conflict_of_two_enrolments_makes_the_phone_shared_too(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna")->born = 19900228;
	enrol(w, "b", "anna")->born = 19900301;
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_false(one_person(w, "a", "b"));
	assert_refused(the_join(w), FOLD_BIRTH_DATES);
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_SHARED);
}

static void a_typed_phone_never_joins_a_customer_of_hqs(void **state)
{
	struct fold_world *w = *state;
	customer(w, "c", 17);
	enrol(w, "a", NULL);
	typed(w, "c", "+49")->verified = true;
	typed(w, "a", "+49");
	assert_false(one_person(w, "a", "c"));
	assert_refused(the_join(w), FOLD_NOT_VERIFIED);
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_SEVERAL);
	assert_int_equal(ident_of(w, "+49")->person_count, 2);
}

static void a_card_that_both_have_scanned_joins_and_the_lowest_number_names_the_person(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", NULL);
	enrol(w, "b", NULL)->number = 40;
	customer(w, "c", 17);
	scanned(w, "a", "card");
	scanned(w, "b", "card");
	scanned(w, "c", "card");
	assert_true(one_person(w, "a", "c"));
	assert_int_equal(w->f->person[place_of(w, "a")], place_of(w, "c"));
	assert_int_equal(w->f->person[place_of(w, "b")], place_of(w, "c"));
}

static void two_customers_whom_hq_vouches_for_are_never_joined_by_a_rule(void **state)
{
	struct fold_world *w = *state;
	customer(w, "c", 17);
	customer(w, "d", 18);
	enrol(w, "a", NULL);
	scanned(w, "c", "card1");
	scanned(w, "a", "card1");
	scanned(w, "a", "card2");
	scanned(w, "d", "card2");
	assert_false(one_person(w, "a", "d"));
	assert_true(one_person(w, "a", "c"));
	assert_refused(w->f->join[1].verdict, FOLD_TWO_CONFIRMED);
	link_two(w, "c", "d");
	assert_true(one_person(w, "a", "d"));
}

static void a_limit_is_that_of_the_person_not_of_the_pair(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", NULL);
	enrol(w, "b", NULL);
	enrol(w, "c", NULL);
	typed(w, "a", "+1");
	typed(w, "b", "+2");
	typed(w, "c", "+3");
	scanned(w, "a", "card1");
	scanned(w, "b", "card1");
	scanned(w, "b", "card2");
	scanned(w, "c", "card2");
	assert_true(one_person(w, "a", "b"));
	assert_false(one_person(w, "b", "c"));
	assert_refused(w->f->join[1].verdict, FOLD_LIMIT);
}

static void an_identifier_that_both_have_takes_room_once(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "anna");
	typed(w, "a", "+1");
	typed(w, "a", "+2");
	scanned(w, "a", "card");
	typed(w, "b", "+2")->verified = true;
	scanned(w, "b", "card");
	typed(w, "b", "+1");
	assert_true(one_person(w, "a", "b"));
	struct fold_op *third = typed(w, "b", "+3");
	assert_true(one_person(w, "a", "b"));
	assert_refused(verdict_of(w, third), FOLD_LIMIT);
}

static void an_undo_lets_in_what_the_limit_had_refused(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", NULL);
	typed(w, "a", "+1");
	struct fold_op *second = typed(w, "a", "+2"), *third = typed(w, "a", "+3");
	fold_world_run(w);
	assert_refused(verdict_of(w, third), FOLD_LIMIT);
	undo(w, second);
	fold_world_run(w);
	assert_holds(verdict_of(w, third));
	assert_int_equal(verdict_of(w, second).fate, FOLD_UNDONE);
}

static void an_undo_counts_wherever_it_stands(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "anna");
	say(w, FOLD_UNDO, "", NULL)->left = numbered('#', 2);
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_false(one_person(w, "a", "b"));
	assert_int_equal(ident_of(w, "+49")->person_count, 1);
}

static void an_undo_of_an_undo_changes_nothing(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", NULL);
	enrol(w, "b", NULL);
	struct fold_op *l = link_two(w, "a", "b");
	undo(w, l);
	undo(w, &w->op[1]);
	assert_false(one_person(w, "a", "b"));
	assert_holds(verdict_of(w, &w->op[1]));
	link_two(w, "a", "b");
	assert_true(one_person(w, "a", "b"));
}

static void a_join_is_taken_back_by_its_two_claims(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "anna");
	struct fold_op *a = typed(w, "a", "+49"), *b = typed(w, "b", "+49");
	undo_join(w, a, b);
	assert_false(one_person(w, "a", "b"));
	assert_int_equal(the_join(w).fate, FOLD_UNDONE);
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_SEVERAL);
}

static void who_is_kept_apart_is_joined_by_no_rule_but_by_a_person(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", NULL);
	enrol(w, "b", NULL);
	enrol(w, "c", NULL);
	scanned(w, "a", "card");
	scanned(w, "b", "card");
	scanned(w, "c", "card");
	struct fold_op *apart = say(w, FOLD_APART, "c", "a");
	assert_false(one_person(w, "a", "c"));
	assert_true(one_person(w, "a", "b"));
	assert_refused(w->f->join[1].verdict, FOLD_KEPT_APART);
	struct fold_op *l = link_two(w, "b", "c");
	assert_true(one_person(w, "a", "c"));
	undo(w, l);
	assert_false(one_person(w, "a", "c"));
	undo(w, apart);
	assert_true(one_person(w, "a", "c"));
}

static void blocking_a_value_unlinks_what_it_had_linked(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "anna");
	struct fold_op *a = typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_true(one_person(w, "a", "b"));
	struct fold_op *block = say(w, FOLD_BLOCK, "+49", NULL);
	assert_false(one_person(w, "a", "b"));
	assert_refused(verdict_of(w, a), FOLD_BLOCKED);
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_BLOCKED);
	undo(w, block);
	assert_true(one_person(w, "a", "b"));
}

static void a_mark_shared_counts_from_its_place_on(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "anna");
	enrol(w, "c", "anna");
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	say(w, FOLD_SHARE, "+49", NULL);
	typed(w, "c", "+49");
	assert_true(one_person(w, "a", "b"));
	assert_false(one_person(w, "a", "c"));
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_SHARED);
	assert_int_equal(ident_of(w, "+49")->person_count, 2);
}

static void an_identifier_of_more_than_three_persons_is_shared(void **state)
{
	struct fold_world *w = *state;
	const char *name[] = {"a", "b", "c", "d", "e"};
	for (uint32_t i = 0; i < 5; i++) {
		customer(w, name[i], 10 + i);
		scanned(w, name[i], "card");
		fold_world_run(w);
		assert_int_equal(ident_of(w, "card")->state, i == 0  ? FOLD_IDENT_ONE
		                                             : i < 3 ? FOLD_IDENT_SEVERAL
		                                                     : FOLD_IDENT_SHARED);
	}
	assert_int_equal(w->f->join_count, 1 + 2 + 1 + 1);
	assert_refused(w->f->join[2].verdict, FOLD_TWO_CONFIRMED);
	assert_refused(w->f->join[3].verdict, FOLD_SHARED);
}

static void a_conflict_deep_inside_two_persons_is_found(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", NULL);
	enrol(w, "c", NULL);
	enrol(w, "d", "bob");
	link_two(w, "a", "b");
	link_two(w, "c", "d");
	typed(w, "b", "+49")->verified = true;
	typed(w, "c", "+49")->verified = true;
	assert_false(one_person(w, "a", "d"));
	assert_refused(the_join(w), FOLD_FIRST_NAMES);
}

static void what_a_person_made_one_is_not_tested_again(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "bob");
	enrol(w, "c", NULL);
	enrol(w, "d", "anna");
	link_two(w, "a", "b");
	typed(w, "a", "+49");
	typed(w, "c", "+49");
	assert_true(one_person(w, "a", "c"));
	typed(w, "d", "+49");
	assert_false(one_person(w, "a", "d"));
}

static void a_company_is_never_one_with_anybody(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", NULL);
	enrol(w, "k", NULL)->company = true;
	scanned(w, "a", "card");
	scanned(w, "k", "card");
	struct fold_op *l = link_two(w, "a", "k");
	assert_false(one_person(w, "a", "k"));
	assert_refused(the_join(w), FOLD_COMPANY);
	assert_refused(verdict_of(w, l), FOLD_COMPANY);
}

static void an_erased_unit_is_nobody_and_takes_its_links_with_it(void **state)
{
	struct fold_world *w = *state;
	customer(w, "a", 1);
	enrol(w, "b", NULL)->number = 2;
	enrol(w, "c", NULL)->number = 3;
	struct fold_op *card = scanned(w, "a", "card");
	struct fold_op *l = link_two(w, "a", "b");
	link_two(w, "b", "c");
	assert_true(one_person(w, "a", "c"));
	say(w, FOLD_ERASE, "a", NULL);
	assert_true(one_person(w, "b", "c"));
	assert_int_equal(w->f->person[place_of(w, "a")], FOLD_NOBODY);
	assert_int_equal(w->f->person[place_of(w, "c")], place_of(w, "b"));
	assert_refused(verdict_of(w, card), FOLD_ERASED);
	assert_refused(verdict_of(w, l), FOLD_ERASED);
}

static void a_link_that_a_rule_proposed_obeys_all_limits(void **state)
{
	struct fold_world *w = *state;
	customer(w, "a", 1);
	customer(w, "b", 2);
	enrol(w, "c", "anna");
	enrol(w, "d", "bob");
	struct fold_op *l = link_two(w, "a", "b"), *m = link_two(w, "c", "d");
	l->by_person = m->by_person = false;
	fold_world_run(w);
	assert_refused(verdict_of(w, l), FOLD_TWO_CONFIRMED);
	assert_refused(verdict_of(w, m), FOLD_FIRST_NAMES);
}

static void what_names_nobody_here_is_refused_as_unknown(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", NULL);
	struct fold_op *l = link_two(w, "a", "nobody"), *c = scanned(w, "nobody", "card");
	struct fold_op *e = say(w, FOLD_ERASE, "nobody", NULL);
	fold_world_run(w);
	assert_refused(verdict_of(w, l), FOLD_UNKNOWN);
	assert_refused(verdict_of(w, c), FOLD_UNKNOWN);
	assert_refused(verdict_of(w, e), FOLD_UNKNOWN);
	assert_int_equal(ident_of(w, "card")->person_count, 0);
}

static void a_person_has_no_more_units_than_the_hard_limit(void **state)
{
	struct fold_world *w = *state;
	char name[16], before[16] = "";
	struct fold_op *l = NULL;
	for (int i = 0; i <= FOLD_UNITS_MAX; i++) {
		(void)snprintf(name, sizeof name, "u%d", i);
		enrol(w, name, NULL);
		if (i > 0)
			l = link_two(w, before, name);
		strcpy(before, name);
	}
	fold_world_run(w);
	assert_refused(verdict_of(w, l), FOLD_LIMIT);
	assert_holds(verdict_of(w, l - 1));
	assert_true(one_person(w, "u0", "u255"));
}

/* The halves are people's doing; that both have one card does not make them too large a whole. */
static void a_rule_makes_nobody_larger_than_the_hard_limit(void **state)
{
	struct fold_world *w = *state;
	char name[2][16];
	for (int i = 0; i < FOLD_UNITS_MAX + 2; i++) {
		(void)snprintf(name[0], sizeof name[0], "u%d", i);
		(void)snprintf(name[1], sizeof name[1], "u%d", i - 2);
		enrol(w, name[0], NULL);
		if (i > 1)
			link_two(w, name[1], name[0]);
	}
	scanned(w, "u0", "card");
	scanned(w, "u1", "card");
	assert_false(one_person(w, "u0", "u1"));
	assert_refused(the_join(w), FOLD_LIMIT);
	say(w, FOLD_ERASE, "u256", NULL);
	say(w, FOLD_ERASE, "u257", NULL);
	assert_true(one_person(w, "u0", "u1"));
	assert_true(one_person(w, "u254", "u255"));
}

static void the_same_input_in_another_order_of_units_gives_the_same_persons(void **state)
{
	struct fold_world *w = *state;
	customer(w, "c", 17);
	enrol(w, "a", NULL)->number = 20;
	scanned(w, "c", "card");
	scanned(w, "a", "card");
	assert_true(one_person(w, "a", "c"));
	struct fold_unit first = w->unit[0];
	w->unit[0] = w->unit[1];
	w->unit[1] = first;
	assert_true(one_person(w, "a", "c"));
	assert_int_equal(w->f->person[place_of(w, "a")], place_of(w, "c"));
}

static void nothing_folds_to_nothing(void **state)
{
	const struct fold *f = fold_world_run(*state);
	assert_int_equal(f->join_count, 0);
	assert_int_equal(f->ident_count, 0);
	fold_free(NULL);
}

static void an_identifier_that_thousands_claim_is_folded_in_order(void **state)
{
	struct fold_world *w = *state;
	char name[16];
	for (int i = 0; i < FOLD_WORLD_MAX; i++) {
		(void)snprintf(name, sizeof name, "u%d", i);
		customer(w, name, (uint32_t)i + 1);
		typed(w, name, "+49");
	}
	fold_world_run(w);
	assert_int_equal(ident_of(w, "+49")->person_count, FOLD_WORLD_MAX);
	assert_int_equal(w->f->join_count, 1 + 2 + FOLD_WORLD_MAX - 3);
}

#define T(test) cmocka_unit_test_setup_teardown(test, fold_world_start, fold_world_stop)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(two_enrolments_with_one_phone_and_first_name_are_one_person),
	    T(a_missing_first_name_contradicts_nobody),
	    T(two_enrolments_with_other_names_are_two_and_the_phone_is_shared),
	    T(another_conflict_of_two_enrolments_makes_the_phone_shared_too),
	    T(a_typed_phone_never_joins_a_customer_of_hqs),
	    T(a_card_that_both_have_scanned_joins_and_the_lowest_number_names_the_person),
	    T(two_customers_whom_hq_vouches_for_are_never_joined_by_a_rule),
	    T(a_limit_is_that_of_the_person_not_of_the_pair),
	    T(an_identifier_that_both_have_takes_room_once),
	    T(an_undo_lets_in_what_the_limit_had_refused),
	    T(an_undo_counts_wherever_it_stands),
	    T(an_undo_of_an_undo_changes_nothing),
	    T(a_join_is_taken_back_by_its_two_claims),
	    T(who_is_kept_apart_is_joined_by_no_rule_but_by_a_person),
	    T(blocking_a_value_unlinks_what_it_had_linked),
	    T(a_mark_shared_counts_from_its_place_on),
	    T(an_identifier_of_more_than_three_persons_is_shared),
	    T(a_conflict_deep_inside_two_persons_is_found),
	    T(what_a_person_made_one_is_not_tested_again),
	    T(a_company_is_never_one_with_anybody),
	    T(an_erased_unit_is_nobody_and_takes_its_links_with_it),
	    T(a_link_that_a_rule_proposed_obeys_all_limits),
	    T(what_names_nobody_here_is_refused_as_unknown),
	    T(a_person_has_no_more_units_than_the_hard_limit),
	    T(a_rule_makes_nobody_larger_than_the_hard_limit),
	    T(the_same_input_in_another_order_of_units_gives_the_same_persons),
	    T(nothing_folds_to_nothing),
	    T(an_identifier_that_thousands_claim_is_folded_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
