#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

static void whole_numbers_are_read_within_their_bounds(void **state)
{
	(void)state;
	uint64_t v = 0;
	assert_true(num_u64("0", 0, 10, &v));
	assert_true(v == 0);
	assert_true(num_u64("18446744073709551615", 0, UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	v = 7;
	assert_false(num_u64("18446744073709551616", 0, UINT64_MAX, &v));
	assert_false(num_u64("99999999999999999999999", 0, UINT64_MAX, &v));
	static const char *const bad[] = {"",
	                                  "-1",
	                                  "+1",
	                                  " 1",
	                                  "1 ",
	                                  "1.0",
	                                  "0x1",
	                                  "1e3",
	                                  "101",
	                                  "4",
	                                  "18446744073709551616",
	                                  "99999999999999999999999"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(num_u64(bad[i], 5, 100, &v));
	assert_true(v == 7);
}

static void signed_numbers_reach_both_ends(void **state)
{
	(void)state;
	int64_t v = 0;
	assert_true(num_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MIN);
	assert_true(num_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MAX);
	assert_true(num_i64("-5", -5, 5, &v));
	assert_true(v == -5);
	assert_false(num_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v));
	assert_false(num_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &v));
	assert_false(num_i64("-6", -5, 5, &v));
	assert_false(num_i64("--5", -5, 5, &v));
	assert_false(num_i64("-", -5, 5, &v));
	assert_false(num_i64("", -5, 5, &v));
}

static void currencies_have_their_digits(void **state)
{
	(void)state;
	assert_int_equal(num_currency_digits("EUR"), 2);
	assert_int_equal(num_currency_digits("ZWL"), 2);
	assert_int_equal(num_currency_digits("JPY"), 0);
	assert_int_equal(num_currency_digits("KWD"), 3);
	assert_int_equal(num_currency_digits("CLF"), 4);
	static const char *const unknown[] = {"", "EU", "EURO", "eur", "XXX", "UR ", "   ", "R U"};
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		assert_int_equal(num_currency_digits(unknown[i]), -1);
}

static void money_has_exactly_its_currencys_digits(void **state)
{
	(void)state;
	int64_t v = 0;
	assert_true(num_money("12.10", 2, &v));
	assert_true(v == 1210);
	assert_true(num_money("0.00", 2, &v));
	assert_true(v == 0);
	assert_true(num_money("-0.05", 2, &v));
	assert_true(v == -5);
	assert_true(num_money("1210", 0, &v));
	assert_true(v == 1210);
	assert_true(num_money("9999999999999.99", 2, &v));
	assert_true(v == 999999999999999);
	v = 42;
	static const char *const bad[] = {"",       "12",    "12.",      "12.1",
	                                  "12.100", ".10",   "1,10",     "+1.10",
	                                  " 1.10",  "1.10 ", "1e2",      "--1.00",
	                                  "-",      "1.1x",  "01.10",    "00.10",
	                                  "-0.00",  "-.10",  "1 000.00", "10000000000000.00"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(num_money(bad[i], 2, &v));
	assert_false(num_money("1.", 0, &v));
	assert_false(num_money("1.0", 0, &v));
	assert_false(num_money("1.0", -1, &v));
	assert_true(v == 42);
}

static void an_amount_has_one_text(void **state)
{
	(void)state;
	static const int64_t amounts[] = {0, 1, 9, 10, 99, 100, 1210, 100000, 999999999999999};
	for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
		for (int digits = 0; digits <= 4; digits++)
			for (int sign = -1; sign <= 1; sign += 2) {
				int64_t in = sign * amounts[i], back = 77;
				char text[NUM_MONEY_SIZE];
				num_money_text(in, digits, text);
				assert_true(num_money(text, digits, &back));
				assert_true(back == in);
			}
	char text[NUM_MONEY_SIZE];
	num_money_text(-5, 2, text);
	assert_string_equal(text, "-0.05");
	num_money_text(1210, 0, text);
	assert_string_equal(text, "1210");
	num_money_text(INT64_MIN, 3, text);
	assert_string_equal(text, "-9223372036854775.808");
}

static void quantities_have_at_most_three_places(void **state)
{
	(void)state;
	int64_t v = 0;
	assert_true(num_quantity("1", &v));
	assert_true(v == 1000);
	assert_true(num_quantity("0.420", &v));
	assert_true(v == 420);
	assert_true(num_quantity("0.5", &v));
	assert_true(v == 500);
	assert_true(num_quantity("999999999.999", &v));
	assert_true(v == 999999999999);
	v = 42;
	static const char *const bad[] = {"",   "0",  "0.000",  "-1",        "+1",
	                                  "1.", ".5", "1.0000", "1,5",       " 1",
	                                  "1 ", "1x", "1.5.5",  "1000000000"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(num_quantity(bad[i], &v));
	assert_true(v == 42);
}

static void hex_goes_out_and_comes_back(void **state)
{
	(void)state;
	uint8_t bytes[256], back[256];
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	char hex[TEXT_HEX_SIZE(256)];
	text_hex(bytes, 256, hex);
	assert_int_equal(strlen(hex), 512);
	assert_memory_equal(hex + 2 * 0xab, "abacad", 6);
	assert_true(text_unhex(hex, back, 256));
	assert_memory_equal(bytes, back, 256);
	assert_true(text_unhex("aAfF", back, 2));
	assert_memory_equal(back, "\xaa\xff", 2);
	static const char *const bad[] = {"", "a", "aaf", "aaffa", "aagf", "aaf ", "aaff0"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(text_unhex(bad[i], back, 2));
}

static void base64url_goes_out_and_comes_back_at_every_length(void **state)
{
	(void)state;
	uint8_t bytes[64], back[64];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 251);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		char text[TEXT_B64_SIZE(64)];
		text_b64(bytes, n, text);
		assert_true(strlen(text) < TEXT_B64_SIZE(n));
		assert_int_equal(text_unb64(text, strlen(text), back, n), n);
		assert_memory_equal(bytes, back, n);
		if (n > 0)
			assert_int_equal(text_unb64(text, strlen(text), back, n - 1), -1);
	}
	char text[TEXT_B64_SIZE(3)];
	text_b64("\xfb\xff\xfe", 3, text);
	assert_string_equal(text, "-__-");
}

static void what_is_not_base64url_is_refused(void **state)
{
	(void)state;
	uint8_t out[8];
	static const char *const bad[] = {"A",    "AAAAA", "AA==", "A+AA",
	                                  "A/AA", "AB",    "AAB",  "A AA"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(text_unb64(bad[i], strlen(bad[i]), out, sizeof out), -1);
}

static void only_well_formed_utf8_is_text(void **state)
{
	(void)state;
	static const char *const good[] = {"",
	                                   "plain",
	                                   "\xc3\xa9",
	                                   "\xe2\x82\xac",
	                                   "\xf0\x9f\x98\x80",
	                                   "\xed\x9f\xbf",
	                                   "\xee\x80\x80",
	                                   "\xf4\x8f\xbf\xbf",
	                                   "\x7f"};
	static const char *const bad[] = {"\x80",
	                                  "\xc3",
	                                  "\xc0\x80",
	                                  "\xc1\xbf",
	                                  "\xe0\x9f\xbf",
	                                  "\xed\xa0\x80",
	                                  "\xf0\x8f\xbf\xbf",
	                                  "\xf4\x90\x80\x80",
	                                  "\xf5\x80\x80\x80",
	                                  "\xff",
	                                  "a\xe2\x82",
	                                  "\xe2\x82g",
	                                  "\xf0\x9f\x98"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(text_utf8_ok(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(text_utf8_ok(bad[i], strlen(bad[i])));
	assert_false(text_utf8_ok("a\0b", 3));
}

static void control_characters_are_seen(void **state)
{
	(void)state;
	assert_false(text_has_control("a \xc3\xa9~", 5));
	assert_true(text_has_control("a\tb", 3));
	assert_true(text_has_control("a\x7f", 2));
	assert_true(text_has_control("\0", 1));
	assert_false(text_has_control("ab\n", 2));
}

static void a_text_is_cut_between_characters(void **state)
{
	char out[5];
	(void)state;
	assert_int_equal(text_fit(out, sizeof out, "abc"), 3);
	assert_int_equal(text_fit(out, sizeof out, "abcd"), 4);
	assert_int_equal(text_fit(out, sizeof out, "abcde"), 4);
	assert_string_equal(out, "abcd");
	assert_int_equal(text_fit(out, sizeof out, "abc\xc3\xa9"), 3);
	assert_string_equal(out, "abc");
	assert_int_equal(text_fit(out, sizeof out, "\xc3\xa9\xe5\xb1\xb1"), 2);
	assert_int_equal(text_fit(out, 1, "\xc3\xa9"), 0);
	assert_string_equal(out, "");
}

static void what_does_not_show_as_what_it_is_is_found(void **state)
{
	static const char *const hidden[] = {"a\x1b[2J",
	                                     "a\x7f",
	                                     "\xc2\x9b"
	                                     "2J",
	                                     "\xc2\x80",
	                                     "a\xe2\x80\xa8"
	                                     "b",
	                                     "\xe2\x80\xae"
	                                     "annA",
	                                     "\xe2\x80\xaa",
	                                     "\xe2\x81\xa6"
	                                     "a",
	                                     "\xe2\x81\xa9"};
	static const char *const plain[] = {
	    "Zo\xc3\xab",
	    "\xc2\xa0",
	    "\xd7\x90\xd7\x91",
	    "\xe2\x80\x8f\xd7\x90",         /* RLM */
	    "\xd9\x86\xe2\x80\x8c\xd9\x87", /* a joiner between letters */
	    "O\xe2\x80\x99Neill",
	    "\xe2\x81\xaa",
	    "\xe2\x80",
	    "\xe2",
	    ""};
	(void)state;
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
		assert_true(text_has_hidden(hidden[i], strlen(hidden[i])));
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		assert_false(text_has_hidden(plain[i], strlen(plain[i])));
}

static void a_copy_is_whole_or_empty(void **state)
{
	(void)state;
	char out[4] = "xyz";
	assert_true(text_copy(out, sizeof out, "abc"));
	assert_string_equal(out, "abc");
	assert_false(text_copy(out, sizeof out, "abcd"));
	assert_string_equal(out, "");
	assert_true(text_copy(out, sizeof out, ""));
}

static ssize_t one_line(const void *bytes, size_t n, char out[8])
{
	FILE *in = tmpfile();
	assert_int_equal(fwrite(bytes, 1, n, in), n);
	rewind(in);
	ssize_t len = text_one_line(in, out, 8);
	fclose(in);
	return len;
}

static void a_line_is_taken_alone_and_whole_or_not_at_all(void **state)
{
	(void)state;
	char out[8];
	assert_int_equal(one_line("", 0, out), 0);
	assert_int_equal(one_line("\n", 1, out), 0);
	assert_int_equal(one_line("1234567", 7, out), 7);
	assert_string_equal(out, "1234567");
	assert_int_equal(one_line("12\r\n", 4, out), 2);
	assert_string_equal(out, "12");
	assert_int_equal(one_line("1234567\n", 8, out), 7);
	assert_int_equal(one_line("12345678", 8, out), -1);
	assert_int_equal(one_line("12\n34", 5, out), -1);
	assert_int_equal(one_line("12\n\n", 4, out), -1);
	assert_int_equal(one_line("12\00034\n", 6, out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_numbers_are_read_within_their_bounds),
	    cmocka_unit_test(signed_numbers_reach_both_ends),
	    cmocka_unit_test(currencies_have_their_digits),
	    cmocka_unit_test(money_has_exactly_its_currencys_digits),
	    cmocka_unit_test(an_amount_has_one_text),
	    cmocka_unit_test(quantities_have_at_most_three_places),
	    cmocka_unit_test(hex_goes_out_and_comes_back),
	    cmocka_unit_test(base64url_goes_out_and_comes_back_at_every_length),
	    cmocka_unit_test(what_is_not_base64url_is_refused),
	    cmocka_unit_test(only_well_formed_utf8_is_text),
	    cmocka_unit_test(control_characters_are_seen),
	    cmocka_unit_test(a_text_is_cut_between_characters),
	    cmocka_unit_test(what_does_not_show_as_what_it_is_is_found),
	    cmocka_unit_test(a_copy_is_whole_or_empty),
	    cmocka_unit_test(a_line_is_taken_alone_and_whole_or_not_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
