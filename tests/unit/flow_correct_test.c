/* What a lane's form corrects of a customer who is known. */
#include "flow_form_world.h"

static void a_corrected_name_is_shown_at_once_and_after_a_restart(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"first_name\":\"Hanna\"}"), 0);
	WAIT_FOR(w, answered.done);
	WAIT_FOR(w, strcmp(text_of(person(w, "1"), "first_name"), "Hanna") == 0);
	assert_false(is(person(w, "1"), "new"));
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Hanna");
}

static void a_phone_is_changed_only_of_who_showed_a_card(void **state)
{
	struct world *w = *state;
	struct answer a;
	const struct ident_given given = {.kind = IDENT_PHONE, .value = PHONE};
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	refuses(w, FLOW_CORRECT, "{\"phone\":\"0172 8394057\"}", "no_customer", "");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"phone\":\"0172 8394057\"}"), 0);
	WAIT_FOR(w, answered.done);
	flow_resolve(w->flow, NULL, &given, &a);
	assert_int_equal(a.outcome, OUTCOME_MATCHED);
	assert_string_equal(a.hit.profile.customer_id, "C000017");
	enrols(w, "2", "{\"first_name\":\"Ben\",\"email\":\"ben@example.net\"}");
	WAIT_FOR(w, person_is(w, "2", "known"));
	assert_int_equal(form(w, FLOW_CORRECT, "2", "{\"phone\":\"0172 5530918\"}"),
	                 FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "not_verified");
}

static enum outcome outcome_of_number(struct world *w, const char *number)
{
	struct answer a;
	const struct ident_given given = {.kind = IDENT_PHONE, .value = number};
	flow_resolve(w->flow, NULL, &given, &a);
	return a.outcome;
}

/* Its next owner must not be greeted as them. */
static void a_number_that_was_given_up_finds_nobody_any_more(void **state)
{
	static const char old[] = "+491725530918";
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	refuses(w, FLOW_CORRECT, "{\"no_phone\":\"yes\"}", "bad_field", "no_phone");
	refuses(w, FLOW_CORRECT, "{\"no_phone\":true}", "not_known", "");
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"phone\":\"0172 5530918\"}"), 0);
	WAIT_FOR(w, answered.done);
	/* a new one takes its place */
	assert_int_equal(
	    form(w, FLOW_CORRECT, "1", "{\"phone\":\"0172 8394057\",\"no_phone\":true}"), 0);
	WAIT_FOR(w, answered.done);
	assert_int_equal(outcome_of_number(w, old), OUTCOME_UNKNOWN);
	assert_int_equal(outcome_of_number(w, PHONE), OUTCOME_MATCHED);
	/* and goes without another one, after a restart too */
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"no_phone\":true}"), 0);
	WAIT_FOR(w, answered.done);
	assert_int_equal(outcome_of_number(w, PHONE), OUTCOME_UNKNOWN);
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_int_equal(outcome_of_number(w, old), OUTCOME_UNKNOWN);
	assert_int_equal(outcome_of_number(w, PHONE), OUTCOME_UNKNOWN);
	/* not for the asking: who only says a number of theirs lets nothing go */
	enrols(w, "2", "{\"first_name\":\"Ben\",\"phone\":\"0172 5530918\"}");
	assert_int_equal(form(w, FLOW_CORRECT, "2", "{\"no_phone\":true}"), FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "not_verified");
	assert_int_equal(form(w, FLOW_ENROL, "1",
	                      "{\"phone\":\"0172 5530918\",\"known\":\"attach\","
	                      "\"no_phone\":true}"),
	                 FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "not_verified");
	assert_int_equal(outcome_of_number(w, old), OUTCOME_MATCHED);
}

static void a_note_is_one_of_the_list(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	refuses(w, FLOW_CORRECT, "{\"note\":\"a bore\"}", "bad_field", "note");
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"note\":\"large_print\"}"), 0);
	WAIT_FOR(w, answered.done);
	assert_int_equal(kept_times(w, "Customer Corrected"), 1);
	refuses(w, FLOW_CORRECT, "{}", "missing_field", "first_name");
	refuses(w, FLOW_CORRECT, "{\"no_note\":\"a bore\"}", "bad_field", "no_note");
	refuses(w, FLOW_CORRECT, "{\"note\":\"text:a bore\"}", "bad_field", "note");
	refuses(w, FLOW_CORRECT, "{\"note\":\"quiet\",\"no_note\":\"invoice\"}", "bad_field",
	        "no_note");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_corrected_name_is_shown_at_once_and_after_a_restart),
	    T(a_phone_is_changed_only_of_who_showed_a_card),
	    T(a_number_that_was_given_up_finds_nobody_any_more),
	    T(a_note_is_one_of_the_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
