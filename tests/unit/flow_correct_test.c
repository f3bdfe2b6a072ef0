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

/* Between the look at the screen and the tap somebody else has come. */
static void a_form_about_somebody_else_by_now_changes_nobody(void **state)
{
	struct world *w = *state;
	char body[128], here[33];
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known") && !is(person(w, "1"), "provisional"));
	snprintf(here, sizeof here, "%s", text_of(person(w, "1"), "details"));
	snprintf(body, sizeof body, "{\"details\":\"%s\",\"first_name\":\"Hanna\"}", here);
	refuses(w, FLOW_CORRECT,
	        "{\"details\":\"AAECAwQFBgcICQoLDA0ODw\",\"first_name\":\"Berta\"}", "no_customer",
	        "");
	refuses(w, FLOW_CORRECT, "{\"details\":\"\",\"first_name\":\"Berta\"}", "bad_field",
	        "details");
	refuses(w, FLOW_CORRECT, "{\"details\":null,\"first_name\":\"Berta\"}", "bad_field",
	        "details");
	refuses(w, FLOW_ENROL, "{\"details\":\"AAECAwQFBgcICQoLDA0ODw\"}", "unknown_field",
	        "details");
	assert_int_equal(form(w, FLOW_CORRECT, "1", body), 0);
	WAIT_FOR(w, answered.done);
	WAIT_FOR(w, strcmp(text_of(person(w, "1"), "first_name"), "Hanna") == 0);
	/* a name is no reason for another reference; the next visit is */
	assert_string_equal(text_of(person(w, "1"), "details"), here);
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
	till_open(w, "a:3", "B2");
	WAIT_FOR(w, said(w, 0, "kept", "a:3"));
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	refuses(w, FLOW_CORRECT, body, "no_customer", "");
	assert_int_equal(kept_times(w, "Customer Corrected"), 1);
}

static void a_number_of_somebody_else_is_said_at_its_field(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	enrols(w, "2", "{\"first_name\":\"Ben\",\"phone\":\"0172 8394057\"}");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	refuses(w, FLOW_CORRECT, "{\"phone\":\"0172 8394057\"}", "known_customer", "phone");
}

/* 33 letters of two bytes each; 65 of one; the last character is never halved. */
static void a_long_name_is_refused_in_letters(void **state)
{
	struct world *w = *state;
	char body[400], name[200];
	const struct {
		const char *letter;
		int count, fits;
	} names[] = {{"\xd9\x85", 33, 32}, {"a", 65, 64}, {"\xe0\xa4\xb0", 30, 21}};
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		name[0] = '\0';
		for (int k = 0; k < names[i].count; k++)
			strcat(name, names[i].letter);
		snprintf(body, sizeof body, "{\"last_name\":\"%s\"}", name);
		refuses(w, FLOW_CORRECT, body, "bad_field", "last_name");
		snprintf(body, sizeof body, "too long: use at most %d letters of it",
		         names[i].fits);
		assert_string_equal(refused.message, body);
		name[(size_t)names[i].fits * strlen(names[i].letter)] = '\0';
		snprintf(body, sizeof body, "{\"last_name\":\"%s\"}", name);
		assert_int_equal(form(w, FLOW_CORRECT, "1", body), 0);
		WAIT_FOR(w, answered.done);
	}
}

/* Of two numbers one is given up in the same form: the yes is not for that one. */
static void a_yes_is_not_for_a_number_that_goes(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"phone\":\"0172 5530918\"}"), 0);
	WAIT_FOR(w, answered.done);
	assert_int_equal(form(w, FLOW_CORRECT, "1",
	                      "{\"no_phone\":true,\"consents\":[{\"purpose\":\"marketing\","
	                      "\"channel\":\"sms\",\"value\":\"granted\",\"text_version\":"
	                      "\"1\",\"language\":\"en\"}]}"),
	                 0);
	WAIT_FOR(w, answered.done);
	json_t *consent = kept(w, "Consent Changed", 0);
	assert_string_equal(text_of(json_object_get(consent, "properties"), "scope"), "person");
	json_decref(consent);
}

#define NO_MORE                                                                                    \
	"\"consents\":[{\"purpose\":\"marketing\",\"channel\":\"any\",\"value\":\"withdrawn\","    \
	"\"text_version\":\"1\",\"language\":\"en\"}]"

static bool is_withdrawn(struct world *w)
{
	struct buf why = {0};
	assert_int_equal(flow_profile_why(w->flow, "C000017", &why), 1);
	buf_byte(&why, '\0');
	bool is = strstr((char *)why.data, "consent marketing_post: no, latest; withdrawn by till");
	buf_free(&why);
	return is;
}

/* The yes or no comes behind the name in one form: neither hides the other. */
static void a_name_and_a_choice_of_one_form_are_known_at_once(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{\"first_name\":\"Hanna\"," NO_MORE "}"), 0);
	WAIT_FOR(w, answered.done);
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Hanna");
	assert_true(is_withdrawn(w));
}

/* Of HQ's own customer, of whom nothing else was said here; after a restart too. */
static void a_choice_alone_is_known_at_once(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_false(is_withdrawn(w));
	assert_int_equal(form(w, FLOW_CORRECT, "1", "{" NO_MORE "}"), 0);
	WAIT_FOR(w, answered.done);
	assert_true(is_withdrawn(w));
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_true(is_withdrawn(w));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_corrected_name_is_shown_at_once_and_after_a_restart),
	    T(a_phone_is_changed_only_of_who_showed_a_card),
	    T(a_number_that_was_given_up_finds_nobody_any_more),
	    T(a_note_is_one_of_the_list),
	    T(a_form_about_somebody_else_by_now_changes_nobody),
	    T(a_number_of_somebody_else_is_said_at_its_field),
	    T(a_long_name_is_refused_in_letters),
	    T(a_yes_is_not_for_a_number_that_goes),
	    T(a_name_and_a_choice_of_one_form_are_known_at_once),
	    T(a_choice_alone_is_known_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
