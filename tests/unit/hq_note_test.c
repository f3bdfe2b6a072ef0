/* Notes at HQ: of the list for ever, a manager's words for 90 days. */
#include "hq_say.h"

#define PHONE "+4915127418395"

#define NINETY_DAYS_US (90 * 86400 * INT64_C(1000000))

static void a_managers_note_is_told_to_stores_for_ninety_days_and_then_forgotten(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	enrol(s, 1, 2, "Anna", PHONE);
	correct(s, 3, 1, "\"fields\":{\"note\":\"invoice\"}");
	correct_by(s, 4, 1, "manager", "\"fields\":{\"note\":\"text:rings twice\"}");
	correct(s, 5, 1, "\"fields\":{\"note\":\"text:not a manager\"}");
	arrive(s);
	assert_true(says(w, 1, "\"value\":\"text:rings twice\""));
	assert_true(says(w, 1, "\"value\":\"invoice\""));
	assert_false(says(w, 1, "not a manager"));
	assert_int_equal(world_number(w, "SELECT count(*) FROM review WHERE detail LIKE"
	                                 " '%free text, and not a manager''s%'"),
	                 1);
	w->wall_us += NINETY_DAYS_US - NINETY_DAYS_US / 90;
	correct(s, 6, 1, "\"fields\":{\"language\":\"de\"}");
	arrive(s);
	assert_true(says(w, 1, "rings twice"));
	w->wall_us += 2 * NINETY_DAYS_US / 90;
	correct(s, 7, 1, "\"fields\":{\"language\":\"fr\"}");
	arrive(s);
	assert_false(says(w, 1, "rings twice"));
	assert_true(says(w, 1, "\"value\":\"invoice\""));
	assert_int_equal(
	    world_number(w, "SELECT count(*) FROM unit_fact WHERE value LIKE 'text:%'"), 0);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        a_managers_note_is_told_to_stores_for_ninety_days_and_then_forgotten, world_set_up,
	        world_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
