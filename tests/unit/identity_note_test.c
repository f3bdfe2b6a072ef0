/* Notes: of the list or a manager's text, each one of its own, and the text is over after 90 days.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "identity/note.h"

#define SAID_US (INT64_C(1795280523) * 1000000)

static struct field_fact note(const char *value, int64_t at_us, uint8_t id)
{
	return (struct field_fact){.field = FIELD_NOTE,
	                           .id = {{id}},
	                           .value = value,
	                           .source = "till",
	                           .trust = 50,
	                           .from_us = at_us,
	                           .to_us = at_us};
}

static void what_is_not_of_the_list_is_not_listed(void **state)
{
	(void)state;
	assert_true(note_listed("assistance"));
	assert_true(note_listed("deliveries"));
	assert_false(note_listed("grumpy"));
	assert_false(note_listed("assistance:"));
	assert_false(note_listed("text:assistance"));
	assert_false(note_listed(""));
}

static void each_note_says_something_to_the_staff(void **state)
{
	(void)state;
	size_t n = 0;
	for (; note_code(n); n++) {
		assert_true(note_listed(note_code(n)));
		assert_string_not_equal(note_words(note_code(n)), note_code(n));
	}
	assert_int_equal(n, 6);
	assert_string_equal(note_words("text:rings twice"), "rings twice");
	assert_string_equal(note_words("of_a_later_release"), "of_a_later_release");
}

static void each_note_stands_for_itself_and_is_taken_back_by_itself(void **state)
{
	(void)state;
	const struct field_fact facts[] = {
	    note("assistance", SAID_US, 1), note("invoice", SAID_US + 1, 2),
	    note("text:rings twice", SAID_US, 3), note("assistance:", SAID_US + 2, 4),
	    note("text:rings once", SAID_US + 3, 5)};
	struct field_stand stand[5];
	assert_int_equal(field_stand(facts, 5, stand), 3);
	assert_int_equal(stand[0].fact, 3); /* assistance: taken back */
	assert_true(field_taken_back(&facts[3]));
	assert_int_equal(stand[0].before, 0);
	assert_int_equal(stand[1].fact, 1);
	assert_false(field_taken_back(&facts[1]));
	assert_int_equal(stand[2].fact, 4);
	assert_int_equal(stand[2].before, 2);
}

static void a_text_is_over_after_ninety_days_and_a_code_never(void **state)
{
	(void)state;
	const struct field_fact text = note("text:rings twice", SAID_US, 1),
	                        code = note("assistance", SAID_US, 2);
	struct field_fact name = text;
	name.field = FIELD_FIRST_NAME;
	assert_false(note_over(&text, SAID_US + NOTE_US - 1));
	assert_true(note_over(&text, SAID_US + NOTE_US));
	assert_false(note_over(&text, 0)); /* it is not known what time it is */
	assert_false(note_over(&code, SAID_US + 10 * NOTE_US));
	assert_false(note_over(&name, SAID_US + 10 * NOTE_US));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_not_of_the_list_is_not_listed),
	    cmocka_unit_test(each_note_says_something_to_the_staff),
	    cmocka_unit_test(each_note_stands_for_itself_and_is_taken_back_by_itself),
	    cmocka_unit_test(a_text_is_over_after_ninety_days_and_a_code_never),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
