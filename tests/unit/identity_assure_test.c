#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "identity/assure.h"

/* The table of the rule book, with a basket open. */
static void an_identification_is_good_for_what_the_table_says(void **state)
{
	(void)state;
	static const struct {
		enum assure_action action;
		enum assure_answer none, shared, typed, scanned, code;
	} table[] = {
	    {ASSURE_EARN, ASSURE_NO, ASSURE_YES, ASSURE_YES, ASSURE_YES, ASSURE_YES},
	    {ASSURE_SEE_NAME, ASSURE_NO, ASSURE_YES, ASSURE_YES, ASSURE_YES, ASSURE_YES},
	    {ASSURE_REDEEM, ASSURE_NO, ASSURE_PIN, ASSURE_PIN, ASSURE_YES, ASSURE_YES},
	    {ASSURE_SEE_EMAIL, ASSURE_NO, ASSURE_PIN, ASSURE_PIN, ASSURE_YES, ASSURE_YES},
	    {ASSURE_SEE_PHONE, ASSURE_NO, ASSURE_PIN, ASSURE_PIN, ASSURE_YES, ASSURE_YES},
	    {ASSURE_SEE_HISTORY, ASSURE_NO, ASSURE_NO, ASSURE_PIN, ASSURE_YES, ASSURE_YES},
	    {ASSURE_SEE_NOTES, ASSURE_NO, ASSURE_NO, ASSURE_YES, ASSURE_YES, ASSURE_YES},
	    {ASSURE_CHANGE_CONTACT, ASSURE_NO, ASSURE_PIN, ASSURE_PIN, ASSURE_YES, ASSURE_YES},
	    {ASSURE_LOOK_UP, ASSURE_YES, ASSURE_YES, ASSURE_YES, ASSURE_YES, ASSURE_YES},
	};
	assert_int_equal(sizeof table / sizeof *table, ASSURE_ACTION_COUNT);
	for (size_t i = 0; i < ASSURE_ACTION_COUNT; i++) {
		enum assure_action action = table[i].action;
		assert_int_equal(assure(ASSURANCE_NONE, action, true), table[i].none);
		assert_int_equal(assure(ASSURANCE_SHARED, action, true), table[i].shared);
		assert_int_equal(assure(ASSURANCE_TYPED, action, true), table[i].typed);
		assert_int_equal(assure(ASSURANCE_SCANNED, action, true), table[i].scanned);
		assert_int_equal(assure(ASSURANCE_CODE, action, true), table[i].code);
	}
}

static void without_a_basket_names_are_masked_and_a_look_up_needs_a_reason(void **state)
{
	(void)state;
	assert_int_equal(assure(ASSURANCE_SCANNED, ASSURE_SEE_NAME, false), ASSURE_MASKED);
	assert_int_equal(assure(ASSURANCE_TYPED, ASSURE_SEE_NAME, false), ASSURE_MASKED);
	assert_int_equal(assure(ASSURANCE_NONE, ASSURE_LOOK_UP, false), ASSURE_REASON);
	assert_int_equal(assure(ASSURANCE_SCANNED, ASSURE_LOOK_UP, false), ASSURE_REASON);
}

static void an_answer_says_how_sure_it_is(void **state)
{
	(void)state;
	struct answer a = {.outcome = OUTCOME_MATCHED, .hit.profile.customer_id = "C000017"};
	assert_string_equal(assurance_name(assurance_of(&a)), "typed");
	a.verified = true; /* HQ knows the number; whoever typed it may be anybody */
	assert_string_equal(assurance_name(assurance_of(&a)), "typed");
	a.scanned = true;
	assert_string_equal(assurance_name(assurance_of(&a)), "scanned");
	a.outcome = OUTCOME_SHARED;
	assert_string_equal(assurance_name(assurance_of(&a)), "shared");
	a.outcome = OUTCOME_CONFLICT;
	assert_string_equal(assurance_name(assurance_of(&a)), "none");
	assert_string_equal(assurance_name(ASSURANCE_CODE), "code");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_identification_is_good_for_what_the_table_says),
	    cmocka_unit_test(without_a_basket_names_are_masked_and_a_look_up_needs_a_reason),
	    cmocka_unit_test(an_answer_says_how_sure_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
