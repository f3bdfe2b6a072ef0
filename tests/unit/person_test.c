#include "fold_world.h"

#include "../property/person.h"

#define SAID_MAX 8

struct world {
	struct fold_world *w;
	struct field_fact fact[SAID_MAX];
	size_t fact_count;
	struct consent_choice choice[SAID_MAX];
	size_t choice_count;
	struct person_points points[SAID_MAX];
	size_t points_count;
	struct fold_input in;
	struct buf text;
};

static int start(void **state)
{
	struct world *p = calloc(1, sizeof *p);
	void *w;
	if (!p || fold_world_start(&w) != 0)
		return -1;
	p->w = w;
	*state = p;
	return 0;
}

static int stop(void **state)
{
	struct world *p = *state;
	void *w = p->w;
	fold_world_stop(&w);
	buf_free(&p->text);
	free(p);
	return 0;
}

static struct field_fact *say_fact(struct world *p, const char *unit, enum field f,
                                   const char *value, int trust)
{
	struct field_fact *x = &p->fact[p->fact_count];
	*x = (struct field_fact){.field = f,
	                         .id = numbered('f', p->fact_count),
	                         .unit = named(unit),
	                         .value = value,
	                         .source = "till",
	                         .trust = trust};
	p->fact_count++;
	return x;
}

static struct person_points *earn(struct world *p, const char *unit, int64_t points)
{
	struct person_points *e = &p->points[p->points_count];
	*e = (struct person_points){.id = numbered('p', p->points_count),
	                            .unit = named(unit),
	                            .points = points,
	                            .time_us = (int64_t)p->points_count};
	p->points_count++;
	return e;
}

static struct person_world around(struct world *p)
{
	const struct fold *f = fold_world_run(p->w);
	p->in = (struct fold_input){&p->w->rules, p->w->unit, p->w->unit_count, p->w->op,
	                            p->w->op_count};
	return (struct person_world){
	    &p->in,          f,         p->fact,        p->fact_count, p->choice,
	    p->choice_count, p->points, p->points_count};
}

static const char *text_of(struct world *p, const char *unit)
{
	struct person_world w = around(p);
	buf_reset(&p->text);
	person_text(&w, w.fold->person[place_of(p->w, unit)], &p->text);
	buf_byte(&p->text, 0);
	assert_false(p->text.failed);
	return (const char *)p->text.data;
}

static struct person_balance balance_of(struct world *p, const char *unit)
{
	struct person_world w = around(p);
	struct person_balance b;
	assert_int_equal(person_balance(&w, w.fold->person[place_of(p->w, unit)], &b), 0);
	return b;
}

static void a_persons_text_says_who_it_is_and_nothing_else(void **state)
{
	struct world *p = *state;
	customer(p->w, "c", 17);
	assert_string_equal(
	    text_of(p, "c"),
	    "{\"blocked\":[],\"consents\":[],\"customer_id\":\"C000017\",\"fields\":[],"
	    "\"identifiers\":[],\"joins\":[],\"links\":[],\"points\":{\"balance\":0,\"earned\":0,"
	    "\"shortfall\":0,\"spent\":0},\"refused\":[],\"units\":[{\"company\":false,"
	    "\"confirmed\":true,\"number\":17,\"ref\":\"OqFx-Y0BewQQD47Hpb5ECw\"}]}");
}

static void an_unlinked_person_is_byte_for_byte_as_if_never_linked(void **state)
{
	struct world *p = *state;
	customer(p->w, "c", 17);
	enrol(p->w, "a", "anna");
	earn(p, "a", 20);
	say_fact(p, "a", FIELD_CITY, "Ulm", 30);
	char *before = strdup(text_of(p, "a"));
	struct fold_op *l = link_two(p->w, "c", "a");
	assert_string_not_equal(text_of(p, "a"), before);
	assert_non_null(strstr(text_of(p, "a"), "C000017"));
	undo(p->w, l);
	assert_string_equal(text_of(p, "a"), before);
	free(before);
}

static void points_spent_while_linked_stay_spent_and_are_a_shortfall_after(void **state)
{
	struct world *p = *state;
	customer(p->w, "c", 17);
	enrol(p->w, "a", NULL);
	struct fold_op *l = link_two(p->w, "c", "a");
	earn(p, "c", 100);
	earn(p, "a", 50);
	earn(p, "a", -120);
	assert_int_equal(balance_of(p, "a").balance, 30);
	assert_int_equal(balance_of(p, "a").shortfall, 0);
	undo(p->w, l);
	assert_int_equal(balance_of(p, "c").balance, 100);
	assert_int_equal(balance_of(p, "a").balance, 0);
	assert_int_equal(balance_of(p, "a").shortfall, 70);
	earn(p, "a", 20); /* and nothing of it is taken for what was missing */
	assert_int_equal(balance_of(p, "a").balance, 20);
	assert_int_equal(balance_of(p, "a").shortfall, 70);
}

static void points_go_with_the_claim_that_they_came_with(void **state)
{
	struct world *p = *state;
	enrol(p->w, "a", NULL);
	struct fold_op *c = scanned(p->w, "a", "card");
	earn(p, "a", 5);
	earn(p, "a", 50)->claim = c->id;
	assert_int_equal(balance_of(p, "a").balance, 55);
	struct fold_op *block = say(p->w, FOLD_BLOCK, "card", NULL);
	assert_int_equal(balance_of(p, "a").balance, 55);
	undo(p->w, block);
	undo(p->w, c);
	assert_int_equal(balance_of(p, "a").balance, 5);
}

static void sums_of_points_do_not_turn_over(void **state)
{
	struct world *p = *state;
	enrol(p->w, "a", NULL);
	earn(p, "a", INT64_MIN);
	earn(p, "a", INT64_MIN);
	assert_int_equal(balance_of(p, "a").shortfall, INT64_MAX);
	earn(p, "a", INT64_MAX);
	earn(p, "a", INT64_MAX);
	assert_int_equal(balance_of(p, "a").shortfall, INT64_MAX);
	assert_int_equal(balance_of(p, "a").balance, INT64_MAX);
}

static void a_value_names_the_fact_that_it_is_from_and_the_one_behind_it(void **state)
{
	struct world *p = *state;
	enrol(p->w, "a", NULL);
	say_fact(p, "a", FIELD_CITY, "Ulm", 30);
	assert_null(strstr(text_of(p, "a"), "before"));
	say_fact(p, "a", FIELD_CITY, "Bonn", 70);
	const char *text = text_of(p, "a");
	assert_non_null(strstr(text, "\"value\":\"Bonn\""));
	assert_null(strstr(text, "Ulm"));
	assert_non_null(strstr(text, "\"before\":"));
	p->fact_count = 1;
	assert_non_null(strstr(text_of(p, "a"), "\"value\":\"Ulm\""));
}

static void consent_is_asked_for_each_address_that_the_person_holds(void **state)
{
	struct world *p = *state;
	enrol(p->w, "a", NULL);
	struct fold_op *c = typed(p->w, "a", "+49");
	p->choice[p->choice_count++] = (struct consent_choice){.id = named("yes"),
	                                                       .purpose = CONSENT_MARKETING,
	                                                       .channel = CONSENT_SMS,
	                                                       .value = CONSENT_GRANTED,
	                                                       .method = CONSENT_CONFIRMED,
	                                                       .unit = named("a"),
	                                                       .address = named("+49")};
	assert_non_null(strstr(text_of(p, "a"), "\"allowed\":true"));
	undo(p->w, c);
	assert_null(strstr(text_of(p, "a"), "\"allowed\":true"));
}

static void a_restricted_person_is_sent_nothing(void **state)
{
	struct world *p = *state;
	enrol(p->w, "a", NULL);
	p->choice[p->choice_count++] = (struct consent_choice){.id = named("yes"),
	                                                       .purpose = CONSENT_PROFILING,
	                                                       .value = CONSENT_GRANTED,
	                                                       .method = CONSENT_CUSTOMER,
	                                                       .unit = named("a")};
	assert_non_null(strstr(text_of(p, "a"), "\"allowed\":true"));
	say_fact(p, "a", FIELD_STATE, "restricted", 90);
	assert_null(strstr(text_of(p, "a"), "\"allowed\":true"));
	assert_non_null(strstr(text_of(p, "a"), "\"rule\":\"restricted\""));
}

static void what_does_not_hold_is_told_with_its_reason(void **state)
{
	struct world *p = *state;
	customer(p->w, "c", 17);
	enrol(p->w, "a", NULL);
	typed(p->w, "c", "+49");
	typed(p->w, "a", "+49");
	const char *text = text_of(p, "a");
	assert_non_null(strstr(text, "\"kind\":\"join\""));
	assert_non_null(strstr(text, "\"reason\":\"not_verified\""));
	assert_non_null(strstr(text, "\"state\":\"several\""));
	say(p->w, FOLD_BLOCK, "+49", NULL);
	text = text_of(p, "a");
	assert_non_null(strstr(text, "\"reason\":\"blocked\""));
	assert_null(strstr(text, "\"blocked\":[]"));
}

#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_persons_text_says_who_it_is_and_nothing_else),
	    T(an_unlinked_person_is_byte_for_byte_as_if_never_linked),
	    T(points_spent_while_linked_stay_spent_and_are_a_shortfall_after),
	    T(points_go_with_the_claim_that_they_came_with),
	    T(sums_of_points_do_not_turn_over),
	    T(a_value_names_the_fact_that_it_is_from_and_the_one_behind_it),
	    T(consent_is_asked_for_each_address_that_the_person_holds),
	    T(a_restricted_person_is_sent_nothing),
	    T(what_does_not_hold_is_told_with_its_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
