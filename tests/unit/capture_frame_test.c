#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture/scanner.h"

static struct scanner_params plain(enum scan_terminator terminator)
{
	struct scanner_params p = {
	    .baud = 9600, .terminator = terminator, .length_min = 1, .length_max = 20};
	return p;
}

static struct frame_scan found;
static size_t dropped;

static enum frame_result frame_n(const struct scanner_params *p, const char *in, size_t n,
                                 bool idle)
{
	return scan_frame(p, (const uint8_t *)in, n, idle, &found, &dropped);
}

static enum frame_result frame(const struct scanner_params *p, const char *in)
{
	return frame_n(p, in, strlen(in), false);
}

static void assert_value(const char *want)
{
	assert_int_equal(found.len, strlen(want));
	assert_memory_equal(found.value, want, found.len);
}

static void each_terminator_ends_a_scan(void **state)
{
	(void)state;
	static const struct {
		enum scan_terminator t;
		const char *in;
		size_t drop;
	} cases[] = {{SCAN_CR, "123\r45", 4},    {SCAN_LF, "123\n45", 4},
	             {SCAN_TAB, "123\t45", 4},   {SCAN_ANY, "123\n45", 4},
	             {SCAN_ANY, "123\r\n45", 4}, {SCAN_CRLF, "123\r\n45", 5}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scanner_params p = plain(cases[i].t);
		assert_int_equal(frame(&p, cases[i].in), FRAME_SCAN);
		assert_value("123");
		assert_int_equal(dropped, cases[i].drop);
		assert_string_equal(found.symbology, "");
	}
}

static void a_scan_without_its_terminator_waits_and_drops_nothing(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CRLF);
	assert_int_equal(frame(&p, ""), FRAME_NEED_MORE);
	assert_int_equal(frame(&p, "123"), FRAME_NEED_MORE);
	assert_int_equal(dropped, 0);
	assert_int_equal(frame(&p, "123\r"), FRAME_NEED_MORE);
	assert_int_equal(dropped, 0);
}

static void a_scan_whose_terminator_never_comes_is_incomplete(void **state)
{
	(void)state;
	for (int t = SCAN_CR; t <= SCAN_ANY; t++) {
		struct scanner_params p = plain((enum scan_terminator)t);
		assert_int_equal(frame_n(&p, "123", 3, true), FRAME_INCOMPLETE);
		assert_int_equal(dropped, 3);
		assert_int_equal(frame_n(&p, "", 0, true), FRAME_NEED_MORE);
	}
	assert_string_equal(scan_frame_reason(FRAME_INCOMPLETE), "incomplete");
}

static void line_ends_in_front_of_a_scan_are_nothing(void **state)
{
	(void)state;
	for (int t = SCAN_CR; t <= SCAN_ANY; t++) {
		struct scanner_params p = plain((enum scan_terminator)t);
		assert_int_equal(frame(&p, "\r\n\n7"), FRAME_EMPTY);
		assert_int_equal(dropped, 3);
		assert_null(scan_frame_reason(FRAME_EMPTY));
	}
	struct scanner_params tab = plain(SCAN_TAB);
	assert_int_equal(frame(&tab, "\t\t7"), FRAME_EMPTY);
	assert_int_equal(dropped, 2);
	struct scanner_params cr = plain(SCAN_CR);
	assert_int_equal(frame(&cr, "\t7\r"), FRAME_CONTROL);
}

static void the_prefix_stands_in_front_of_the_aim_identifier(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CR);
	strcpy(p.prefix, "\x02S:");
	p.aim = true;
	assert_int_equal(frame(&p, "\x02S:]E02600000000170\r"), FRAME_SCAN);
	assert_value("2600000000170");
	assert_string_equal(found.symbology, "]E0");
	assert_int_equal(frame(&p, "]E0\x02S:2600000000170\r"), FRAME_PREFIX);
	assert_int_equal(frame(&p, "\x02S\r"), FRAME_PREFIX);
	assert_int_equal(dropped, 3);
	assert_int_equal(frame(&p, "\x02S:2600000000170\r"), FRAME_SYMBOLOGY);
}

static void a_prefix_may_begin_with_a_line_feed(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CR);
	strcpy(p.prefix, "\n#");
	assert_int_equal(frame(&p, "\n#77\r"), FRAME_SCAN);
	assert_value("77");
}

static void an_aim_identifier_is_bracket_letter_modifier(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CR);
	p.aim = true;
	assert_int_equal(frame(&p, "]C1421\r"), FRAME_SCAN);
	assert_string_equal(found.symbology, "]C1");
	assert_int_equal(frame(&p, "]e0x\r"), FRAME_SCAN);
	assert_int_equal(frame(&p, "]11x\r"), FRAME_SYMBOLOGY);
	assert_int_equal(frame(&p, "]E-x\r"), FRAME_SYMBOLOGY);
	assert_int_equal(frame(&p, "]E\r"), FRAME_SYMBOLOGY);
	assert_int_equal(frame(&p, "]E0\r"), FRAME_TOO_SHORT);
	p.aim = false;
	assert_int_equal(frame(&p, "]E0x\r"), FRAME_SCAN);
	assert_value("]E0x");
}

static void length_limits_are_those_of_the_value(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CR);
	strcpy(p.prefix, "##");
	p.aim = true;
	p.length_min = 3;
	p.length_max = 4;
	assert_int_equal(frame(&p, "##]E012\r"), FRAME_TOO_SHORT);
	assert_int_equal(frame(&p, "##]E0123\r"), FRAME_SCAN);
	assert_int_equal(frame(&p, "##]E01234\r"), FRAME_SCAN);
	assert_int_equal(frame(&p, "##]E012345\r77"), FRAME_TOO_LONG);
	assert_int_equal(dropped, 11);
	assert_false(found.unended);
}

static void input_that_cannot_end_in_time_is_too_long_and_skipped_to_its_end(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CRLF);
	p.length_max = 4;
	assert_int_equal(frame(&p, "1234\r"), FRAME_NEED_MORE);
	assert_int_equal(frame(&p, "12345\r"), FRAME_TOO_LONG);
	assert_true(found.unended);
	assert_int_equal(dropped, 5); /* the CR may be half of the terminator */
	assert_true(scan_frame_skip(&p, (const uint8_t *)"\r\n77", 4, &dropped));
	assert_int_equal(dropped, 2);
	assert_false(scan_frame_skip(&p, (const uint8_t *)"6789", 4, &dropped));
	assert_int_equal(dropped, 4);
	p.terminator = SCAN_CR;
	assert_int_equal(frame(&p, "1234"), FRAME_NEED_MORE);
	assert_int_equal(frame(&p, "12345"), FRAME_TOO_LONG);
	assert_true(found.unended);
	assert_int_equal(dropped, 5);
}

static void the_group_separator_survives_and_other_controls_do_not(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CR);
	assert_int_equal(frame(&p, "8018\x1d"
	                           "12\r"),
	                 FRAME_SCAN);
	assert_value("8018\x1d"
	             "12");
	assert_int_equal(frame(&p, "12\x1e"
	                           "3\r"),
	                 FRAME_CONTROL);
	assert_int_equal(frame(&p, "12\x7f\r"), FRAME_CONTROL);
	assert_int_equal(frame(&p, "12\n3\r"), FRAME_CONTROL);
	assert_int_equal(frame_n(&p, "1\0002\r", 4, false), FRAME_CONTROL);
	assert_int_equal(frame(&p, "M\x9aller\r"), FRAME_CONTROL);     /* C1 in Latin-1 */
	assert_int_equal(frame(&p, "M\xc2\x9aller\r"), FRAME_CONTROL); /* C1 in UTF-8 */
	assert_int_equal(frame(&p, "\xe2\x82\xac\r"), FRAME_SCAN);     /* 0x82 inside a euro sign */
}

static void text_that_is_not_utf8_is_read_as_latin1(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CR);
	char text[16];
	assert_int_equal(frame(&p, "M\xfcller\r"), FRAME_SCAN);
	assert_int_equal(scan_frame_text(&found, text, sizeof(text)), 7);
	assert_string_equal(text, "M\xc3\xbcller");
	assert_int_equal(frame(&p, "M\xc3\xbcller\r"), FRAME_SCAN);
	assert_int_equal(scan_frame_text(&found, text, sizeof(text)), 7);
	assert_string_equal(text, "M\xc3\xbcller");
	assert_int_equal(frame(&p, "\xff\xff\xff\r"), FRAME_SCAN);
	assert_int_equal(scan_frame_text(&found, text, 7), 6);
	assert_int_equal(scan_frame_text(&found, text, 6), 0);
}

static void the_longest_scan_there_is_comes_through(void **state)
{
	(void)state;
	struct scanner_params p = plain(SCAN_CR);
	p.length_max = CAPTURE_SCAN_MAX;
	static char in[CAPTURE_SCAN_MAX + 2];
	memset(in, '7', CAPTURE_SCAN_MAX);
	assert_int_equal(frame_n(&p, in, CAPTURE_SCAN_MAX, false), FRAME_NEED_MORE);
	in[CAPTURE_SCAN_MAX] = '\r';
	assert_int_equal(frame_n(&p, in, CAPTURE_SCAN_MAX + 1, false), FRAME_SCAN);
	assert_int_equal(found.len, CAPTURE_SCAN_MAX);
	in[CAPTURE_SCAN_MAX] = '7';
	assert_int_equal(frame_n(&p, in, CAPTURE_SCAN_MAX + 1, false), FRAME_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_terminator_ends_a_scan),
	    cmocka_unit_test(a_scan_without_its_terminator_waits_and_drops_nothing),
	    cmocka_unit_test(a_scan_whose_terminator_never_comes_is_incomplete),
	    cmocka_unit_test(line_ends_in_front_of_a_scan_are_nothing),
	    cmocka_unit_test(the_prefix_stands_in_front_of_the_aim_identifier),
	    cmocka_unit_test(a_prefix_may_begin_with_a_line_feed),
	    cmocka_unit_test(an_aim_identifier_is_bracket_letter_modifier),
	    cmocka_unit_test(length_limits_are_those_of_the_value),
	    cmocka_unit_test(input_that_cannot_end_in_time_is_too_long_and_skipped_to_its_end),
	    cmocka_unit_test(the_group_separator_survives_and_other_controls_do_not),
	    cmocka_unit_test(text_that_is_not_utf8_is_read_as_latin1),
	    cmocka_unit_test(the_longest_scan_there_is_comes_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
