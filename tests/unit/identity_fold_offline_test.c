/* Who shares a phone and is one person: two enrolments of which neither store could know of the
 * other, and people who are alike. */
#include "fold_world.h"

static void enrolments_that_could_know_of_each_other_are_two_and_nothing_is_shared(void **state)
{
	struct fold_world *w = *state;
	enrol_at(w, "a", 1, 0, 0);
	enrol_at(w, "b", 2, 8, 8);
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_false(one_person(w, "a", "b"));
	assert_refused(the_join(w), FOLD_NOT_OFFLINE);
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_SEVERAL);
	w->unit[1].made = (struct fold_made){2, 7 * DAY_US, 7 * DAY_US};
	assert_true(one_person(w, "a", "b"));
	w->unit[1].made.store = 1;
	assert_false(one_person(w, "a", "b"));
	assert_refused(the_join(w), FOLD_NOT_OFFLINE);
}

static void of_an_uncertain_time_the_worst_counts(void **state)
{
	struct fold_world *w = *state;
	enrol_at(w, "a", 1, 0, 3);
	enrol_at(w, "b", 2, 2, 7);
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_true(one_person(w, "a", "b"));
	w->unit[1].made.to_us++;
	assert_false(one_person(w, "a", "b"));
	/* Known to be within some time of all times: nobody's clock was trusted. */
	w->unit[1].made = (struct fold_made){2, INT64_MIN, INT64_MAX};
	assert_false(one_person(w, "a", "b"));
}

static void what_no_store_enrolled_was_not_made_offline(void **state)
{
	struct fold_world *w = *state;
	enrol_at(w, "a", 1, 0, 0);
	enrol_at(w, "b", 0, 0, 0);
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_false(one_person(w, "a", "b"));
	assert_refused(the_join(w), FOLD_NOT_OFFLINE);
}

/* Each pair of neighbours is near enough, and of two stores. */
static void the_window_and_the_stores_are_those_of_the_whole_persons(void **state)
{
	struct fold_world *w = *state;
	enrol_at(w, "a", 1, 0, 0);
	enrol_at(w, "b", 2, 6, 6);
	enrol_at(w, "c", 3, 12, 12);
	for (int i = 0; i < 3; i++)
		strcpy(w->unit[i].first_name, "anna");
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	typed(w, "c", "+49");
	assert_true(one_person(w, "a", "b"));
	assert_false(one_person(w, "b", "c"));
	assert_refused(w->f->join[1].verdict, FOLD_NOT_OFFLINE);
	w->unit[2].made = (struct fold_made){3, 6 * DAY_US, 6 * DAY_US};
	assert_true(one_person(w, "b", "c"));
	w->unit[2].made.store = 1;
	assert_false(one_person(w, "b", "c"));
}

static void taking_back_what_made_it_too_wide_lets_it_in(void **state)
{
	struct fold_world *w = *state;
	enrol_at(w, "a", 1, 0, 0);
	enrol_at(w, "b", 2, 6, 6);
	enrol_at(w, "c", 3, 300, 300);
	struct fold_op *link = link_two(w, "a", "c");
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_false(one_person(w, "a", "b"));
	undo(w, link);
	assert_true(one_person(w, "a", "b"));
}

static void enrolments_with_other_last_names_are_two_and_the_phone_is_shared(void **state)
{
	struct fold_world *w = *state;
	strcpy(enrol(w, "a", "anna")->last_name, "berg");
	strcpy(enrol(w, "b", "anna")->last_name, "lind");
	struct fold_op *a = typed(w, "a", "+49"), *b = typed(w, "b", "+49");
	assert_false(one_person(w, "a", "b"));
	assert_refused(the_join(w), FOLD_LAST_NAMES);
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_SHARED);
	/* Who has married has proven the same phone. */
	a->verified = b->verified = true;
	assert_true(one_person(w, "a", "b"));
	a->verified = b->verified = false;
	w->unit[1].last_name[0] = 0;
	assert_true(one_person(w, "a", "b"));
	/* First and last name have changed places. */
	strcpy(w->unit[1].first_name, "berg");
	strcpy(w->unit[1].last_name, "anna");
	assert_false(one_person(w, "a", "b"));
}

static void other_names_months_apart_are_a_conflict_that_shares_nothing(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", "bob")->made.to_us = 100 * DAY_US;
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_false(one_person(w, "a", "b"));
	assert_refused(the_join(w), FOLD_FIRST_NAMES);
	assert_int_equal(ident_of(w, "+49")->state, FOLD_IDENT_SEVERAL);
}

static void what_both_have_verified_joins_who_are_alike_however_far_apart_it_was_said(void **state)
{
	struct fold_world *w = *state;
	enrol_at(w, "a", 1, 0, 0);
	enrol_at(w, "b", 1, 900, 900);
	typed(w, "a", "+49")->verified = true;
	typed(w, "b", "+49")->verified = true;
	assert_false(one_person(w, "a", "b"));
	assert_refused(the_join(w), FOLD_NOT_ALIKE);
	strcpy(w->unit[0].first_name, "anna");
	assert_false(one_person(w, "a", "b"));
	strcpy(w->unit[1].first_name, "anna");
	assert_true(one_person(w, "a", "b"));
	w->unit[1].first_name[0] = 0;
	w->unit[0].born = w->unit[1].born = 19900228;
	assert_true(one_person(w, "a", "b"));
	/* Of a card it is enough: it is one person's. */
	w->unit[0].born = w->unit[1].born = 0;
	w->op_count = 0;
	scanned(w, "a", "card");
	scanned(w, "b", "card");
	assert_true(one_person(w, "a", "b"));
}

static void without_a_name_one_is_the_only_other_who_has_the_phone(void **state)
{
	struct fold_world *w = *state;
	enrol(w, "a", "anna");
	enrol(w, "b", NULL);
	enrol(w, "c", "carl");
	typed(w, "a", "+49");
	typed(w, "b", "+49");
	assert_true(one_person(w, "a", "b"));
	/* Whoever has it before or after them, it is a household's. */
	struct fold_op *c = typed(w, "c", "+49");
	assert_false(one_person(w, "a", "b"));
	assert_refused(w->f->join[0].verdict, FOLD_NOT_ALIKE);
	undo(w, c);
	assert_true(one_person(w, "a", "b"));
	typed(w, "c", "+49");
	assert_false(one_person(w, "a", "b"));
	say(w, FOLD_ERASE, "c", NULL);
	assert_true(one_person(w, "a", "b"));
}

static void a_store_is_a_number_that_is_the_same_everywhere(void **state)
{
	(void)state;
	struct fold_made made = {fold_store("berlin1"), 5, 7};
	assert_int_equal(fold_store(""), 0);
	assert_int_not_equal(fold_store("berlin1"), fold_store("berlin2"));
	fold_made_also(&made, &(struct fold_made){fold_store("berlin1"), 3, 6});
	assert_int_equal(made.store, fold_store("berlin1"));
	assert_int_equal(made.from_us, 3);
	assert_int_equal(made.to_us, 7);
	fold_made_also(&made, &(struct fold_made){fold_store("berlin2"), 3, 9});
	assert_int_equal(made.store, 0);
	assert_int_equal(made.to_us, 9);
}

#define T(test) cmocka_unit_test_setup_teardown(test, fold_world_start, fold_world_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(enrolments_that_could_know_of_each_other_are_two_and_nothing_is_shared),
	    T(of_an_uncertain_time_the_worst_counts),
	    T(what_no_store_enrolled_was_not_made_offline),
	    T(the_window_and_the_stores_are_those_of_the_whole_persons),
	    T(taking_back_what_made_it_too_wide_lets_it_in),
	    T(enrolments_with_other_last_names_are_two_and_the_phone_is_shared),
	    T(other_names_months_apart_are_a_conflict_that_shares_nothing),
	    T(what_both_have_verified_joins_who_are_alike_however_far_apart_it_was_said),
	    T(without_a_name_one_is_the_only_other_who_has_the_phone),
	    T(a_store_is_a_number_that_is_the_same_everywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
