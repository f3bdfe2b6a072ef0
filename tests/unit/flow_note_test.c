/* Notes at a lane: several of the list, and a manager's own words. */
#include "flow_form_world.h"

static const char *explained(struct world *w, const char *customer_id)
{
	static char text[4096];
	struct buf out = {0};
	assert_int_equal(flow_profile_why(w->flow, customer_id, &out), 1);
	snprintf(text, sizeof text, "%.*s", (int)out.len, (const char *)out.data);
	buf_free(&out);
	return text;
}

static void several_notes_stand_and_one_is_taken_back(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	static const char *const forms[] = {"{\"note\":\"large_print\"}", "{\"note\":\"invoice\"}",
	                                    "{\"no_note\":\"invoice\"}"};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		assert_int_equal(form(w, FLOW_CORRECT, "1", forms[i]), 0);
		WAIT_FOR(w, answered.done);
		pass(w, SECOND_US);
		if (i == 1)
			assert_non_null(strstr(explained(w, "C000017"), "note: invoice; till "));
	}
	assert_non_null(strstr(explained(w, "C000017"), "note: large_print; till "));
	assert_non_null(strstr(explained(w, "C000017"), "note: (taken back); till "));
}

static void a_managers_text_is_said_as_a_managers_and_is_over_after_ninety_days(void **state)
{
	struct world *w = *state;
	char text[400];
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	refuses(w, FLOW_NOTE, "{\"text\":\"rings twice\"}", "no_customer", "");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	refuses(w, FLOW_NOTE, "{}", "missing_field", "text");
	refuses(w, FLOW_NOTE, "{\"text\":\"a\",\"note\":\"quiet\"}", "missing_field", "text");
	refuses(w, FLOW_NOTE, "{\"text\":\"pays with " PAN "\"}", "card_number", "text");
	snprintf(text, sizeof text, "{\"text\":\"%0201d\"}", 0);
	refuses(w, FLOW_NOTE, text, "bad_field", "text");
	assert_int_equal(form(w, FLOW_NOTE, "1", "{\"text\":\"rings twice\"}"), 0);
	WAIT_FOR(w, answered.done);
	json_t *line = kept(w, "Customer Corrected", 0);
	assert_string_equal(text_of(json_object_get(line, "properties"), "by"), "manager");
	assert_null(memmem(w->kept.data, w->kept.len, "rings twice", 11)); /* it is sealed */
	json_decref(line);
	assert_non_null(strstr(explained(w, "C000017"), "note: text:rings twice; manager "));
	pass(w, 91 * 86400 * SECOND_US);
	assert_null(strstr(explained(w, "C000017"), "rings twice"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(several_notes_stand_and_one_is_taken_back),
	    T(a_managers_text_is_said_as_a_managers_and_is_over_after_ninety_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
