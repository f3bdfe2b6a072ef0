#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/score_text.h"

#define VECTORS "tests/data/alike.tsv" /* of tests/data/alike.py */

static const char *form(const char *text)
{
	static char out[SCORE_TEXT_SIZE];

	score_text_form(text, out);
	return out;
}

static void names_that_are_read_aloud_alike_have_one_form(void **state)
{
	(void)state;
	assert_string_equal(form("Müller"), "muller");
	assert_string_equal(form("MUELLER"), "muller");
	assert_string_equal(form("Mu\xcc\x88ller"), "muller"); /* u and a mark of its own */
	assert_string_equal(form("Straße"), form("Strasse"));
	assert_string_equal(form("O'Brien"), "obrien");
	assert_string_equal(form("O\xe2\x80\x99"
	                         "Brien"),
	                    "obrien");
	assert_string_equal(form("  von der  Leyen-Albrecht. "), "von der leyen albrecht");
	assert_string_equal(form("Łukasz Bjørn Đorđe"), "lukasz bjorn dorde");
	assert_string_equal(form("\xef\xbc\xa1\xef\xbd\x82\xef\xbc\x91"), "ab1"); /* full width */
	assert_string_equal(form("Иванов"), "иванов");
	assert_string_equal(form("محمد"), "محمد");
	assert_string_equal(form("!?-"), "");
}

static void broken_text_and_long_text_have_a_form_within_its_room(void **state)
{
	char text[1024];

	(void)state;
	assert_string_equal(form("Mu\xffller\xc3"), "muller");
	assert_string_equal(form("\xe2\x80"), "");
	for (size_t i = 0; i + 2 < sizeof text; i += 2)
		memcpy(text + i, "\xd0\xb6", 3);
	assert_int_equal(strlen(form(text)), (SCORE_TEXT_SIZE - 1) / 2 * 2);
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(strlen(form(text)), SCORE_TEXT_SIZE - 1);
}

static void expect_street(const char *text, const char *street, const char *house)
{
	char s[SCORE_TEXT_SIZE], h[SCORE_TEXT_SIZE];

	score_text_street(text, s, h);
	assert_string_equal(s, street);
	assert_string_equal(h, house);
}

static void streets_written_in_any_way_are_one_and_the_number_stands_apart(void **state)
{
	(void)state;
	expect_street("Hauptstr. 12", "hauptstrasse", "12");
	expect_street("Haupt Straße 12 a", "hauptstrasse", "12a");
	expect_street("Hauptstraße 12A", "hauptstrasse", "12a");
	expect_street("HAUPTSTRASSE", "hauptstrasse", "");
	expect_street("Marktpl. 3-5", "marktplatz", "3-5");
	expect_street("Straße des 17. Juni 135", "strassedes17juni", "135");
	expect_street("Main St 7", "mainstreet", "7");
	expect_street("7 Main St.", "mainstreet", "7");
	expect_street("221b Baker Street", "bakerstreet", "221b");
	expect_street("12, rue de la Paix", "rudelapaix", "12");
	expect_street("St. Georgs Rd", "stgeorgsroad", "");
	expect_street("Sankt Georgs Road", "stgeorgsroad", "");
	expect_street("5th Avenue 10", "5thavenu", "10");
	expect_street("", "", "");
	expect_street("12", "12", "");
}

static void birth_dates_are_read_as_people_write_them(void **state)
{
	(void)state;
	assert_int_equal(score_text_born("1990-02-28"), 19900228);
	assert_int_equal(score_text_born(" 28.02.1990 "), 19900228);
	assert_int_equal(score_text_born("28/2/1990"), 19900228);
	assert_int_equal(score_text_born("19900228"), 19900228);
	assert_int_equal(score_text_born("19901328"), 19901328); /* a slip, kept as it is */
	assert_int_equal(score_text_born("90-02-28"), 0);
	assert_int_equal(score_text_born("1990-02-28x"), 0);
	assert_int_equal(score_text_born("1990-02"), 0);
	assert_int_equal(score_text_born("0000-00-00"), 0);
	assert_int_equal(score_text_born(""), 0);
	assert_int_equal(score_text_born("99999999999999999999"), 0);
}

/* Published values (Winkler) and those of another implementation, side by side. */
static void similarity_is_jaro_winklers(void **state)
{
	FILE *in = fopen(VECTORS, "r");
	char a[64], b[64];
	double expected;
	int n = 0;

	(void)state;
	assert_non_null(in);
	while (fscanf(in, "%63s\t%63s\t%lf", a, b, &expected) == 3) {
		if (fabs(score_text_alike(a, b) - expected) > 0.00101)
			fail_msg("%s, %s: %.4f, expected %.3f", a, b, score_text_alike(a, b),
			         expected);
		assert_true(score_text_alike(a, b) == score_text_alike(b, a));
		n++;
	}
	fclose(in);
	assert_true(n > 400);
	assert_true(score_text_alike("anna", "anna") == 1.0);
	assert_true(score_text_alike("", "anna") == 0.0);
	assert_true(score_text_alike("a", "a") == 1.0);
	assert_true(score_text_alike("иванов", "иваноф") > 0.9);
}

static void one_slip_is_one_edit_or_one_exchange(void **state)
{
	(void)state;
	assert_true(score_text_one_slip("04109", "04109"));
	assert_true(score_text_one_slip("04109", "04199"));
	assert_true(score_text_one_slip("04109", "04190"));
	assert_true(score_text_one_slip("04109", "0409"));
	assert_true(score_text_one_slip("", "1"));
	assert_false(score_text_one_slip("04109", "14190"));
	assert_false(score_text_one_slip("04109", "01490")); /* twice */
	assert_false(score_text_one_slip("12", "1234"));
}

/* Postel's own examples, and those that are quoted since. */
static void sounds_are_cologne_phonetics(void **state)
{
	static const char *const expected[][2] = {{"mullerludenscheidt", "65752682"},
	                                          {"wikipedia", "3412"},
	                                          {"breschnew", "17863"},
	                                          {"muller", "657"},
	                                          {"mayer", "67"},
	                                          {"meier", "67"},
	                                          {"schmidt", "862"},
	                                          {"schmitt", "862"},
	                                          {"philipp", "351"},
	                                          {"filip", "351"},
	                                          {"xaver", "4837"},
	                                          {"heinz", "068"},
	                                          {"", ""},
	                                          {"иванов", ""}};
	char out[SCORE_TEXT_CODE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		score_text_sound(expected[i][0], out);
		assert_string_equal(out, expected[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_that_are_read_aloud_alike_have_one_form),
	    cmocka_unit_test(broken_text_and_long_text_have_a_form_within_its_room),
	    cmocka_unit_test(streets_written_in_any_way_are_one_and_the_number_stands_apart),
	    cmocka_unit_test(birth_dates_are_read_as_people_write_them),
	    cmocka_unit_test(similarity_is_jaro_winklers),
	    cmocka_unit_test(one_slip_is_one_edit_or_one_exchange),
	    cmocka_unit_test(sounds_are_cologne_phonetics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
