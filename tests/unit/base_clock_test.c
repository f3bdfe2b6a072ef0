#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void assert_iso(int64_t us, const char *expected)
{
	char text[CLOCK_ISO8601_SIZE];
	clock_iso8601(us, text);
	assert_string_equal(text, expected);
}

static void iso8601_is_utc_with_milliseconds(void **state)
{
	(void)state;
	assert_iso(0, "1970-01-01T00:00:00.000Z");
	assert_iso(1795280523123999, "2026-11-21T17:02:03.123Z");
	assert_iso(951782400000000, "2000-02-29T00:00:00.000Z");
	assert_iso(-1, "1969-12-31T23:59:59.999Z");
}

static void times_outside_four_digit_years_are_clamped(void **state)
{
	(void)state;
	assert_iso(INT64_MIN, "0001-01-01T00:00:00.000Z");
	assert_iso(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	for (int64_t us = -62135596800000000; us < 253402300799000000; us += 7919 * 1000000000007) {
		char text[CLOCK_ISO8601_SIZE];
		int64_t back = 1, floor_ms = us - ((us % 1000) + 1000) % 1000;
		clock_iso8601(us, text);
		assert_int_equal(clock_parse_iso8601(text, &back), 0);
		assert_true(back == floor_ms);
	}
	int64_t us;
	assert_int_equal(clock_parse_iso8601("2026-11-21T17:02:03Z", &us), 0);
	assert_true(us == 1795280523000000);
}

static void what_is_no_time_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
	                                  "2026",
	                                  "2026-11-21",
	                                  "2026-11-21T17:02:03",
	                                  "2026-11-21T17:02:03.123",
	                                  "2026-11-21T17:02:03.12Z",
	                                  "2026-11-21 17:02:03Z",
	                                  "2026-11-21T17:02:03+00:00",
	                                  "2026-02-29T00:00:00Z",
	                                  "2026-13-01T00:00:00Z",
	                                  "2026-00-01T00:00:00Z",
	                                  "2026-11-00T00:00:00Z",
	                                  "2026-11-21T24:00:00Z",
	                                  "2026-11-21T17:60:03Z",
	                                  "2026-11-21T17:02:60Z",
	                                  "0000-01-01T00:00:00Z",
	                                  "2026-11-21T17:02:03.123Zx",
	                                  "+026-11-21T17:02:03Z",
	                                  "2026-11-21T17:02:03.123z"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t us = 42;
		errno = 0;
		assert_int_equal(clock_parse_iso8601(bad[i], &us), -1);
		assert_int_equal(errno, EINVAL);
		assert_true(us == 42);
	}
}

static void in_zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static void assert_business_date(const char *utc, int cut_min, const char *expected)
{
	int64_t us;
	char date[CLOCK_DATE_SIZE];
	assert_int_equal(clock_parse_iso8601(utc, &us), 0);
	clock_business_date(us, cut_min, date);
	assert_string_equal(date, expected);
}

static void the_business_day_ends_at_the_cut_not_at_midnight(void **state)
{
	(void)state;
	in_zone("Europe/Berlin");
	assert_business_date("2026-11-21T22:59:59Z", 0, "2026-11-21");
	assert_business_date("2026-11-21T23:00:00Z", 0, "2026-11-22");
	assert_business_date("2026-11-22T02:59:59Z", 240, "2026-11-21");
	assert_business_date("2026-11-22T03:00:00Z", 240, "2026-11-22");
	assert_business_date("1969-12-31T23:59:59Z", 120, "1969-12-31");
}

/* On 2026-03-29 Berlin's clocks go from 2 to 3, on 2026-10-25 from 3 back to 2. */
static void the_day_is_cut_by_the_local_clock_also_when_it_is_changed(void **state)
{
	(void)state;
	in_zone("Europe/Berlin");
	assert_business_date("2026-03-29T01:59:59Z", 240, "2026-03-28");
	assert_business_date("2026-03-29T02:00:00Z", 240, "2026-03-29"); /* 23 hours */
	assert_business_date("2026-10-25T02:59:59Z", 240, "2026-10-24");
	assert_business_date("2026-10-25T03:00:00Z", 240, "2026-10-25"); /* 25 hours */
}

static void a_cut_in_the_changed_hour_comes_once(void **state)
{
	(void)state;
	in_zone("Europe/Berlin");
	assert_business_date("2026-03-29T00:59:59Z", 150, "2026-03-28");
	assert_business_date("2026-03-29T01:00:00Z", 150, "2026-03-29"); /* 2:30 does not come */
	assert_business_date("2026-10-25T00:29:59Z", 150, "2026-10-24");
	assert_business_date("2026-10-25T00:30:00Z", 150, "2026-10-25");
	assert_business_date("2026-10-25T01:00:00Z", 150, "2026-10-25"); /* 2:00 once more */
	assert_business_date("2026-10-25T01:45:00Z", 150, "2026-10-25");
	assert_business_date("2026-07-01T00:29:59Z", 150, "2026-06-30");
	assert_business_date("2026-01-01T01:29:59Z", 150, "2025-12-31");
}

static void business_dates_stay_inside_four_digit_years(void **state)
{
	(void)state;
	char date[CLOCK_DATE_SIZE];
	in_zone("Pacific/Kiritimati");
	clock_business_date(INT64_MAX, 0, date);
	assert_string_equal(date, "9999-12-31");
	clock_business_date(INT64_MIN, 1439, date);
	/* Local mean time, ten hours behind, reaches back to the first. */
	assert_string_equal(date, "0001-01-01");
}

static void the_offset_follows_summer_time(void **state)
{
	(void)state;
	int64_t winter, summer;
	assert_int_equal(clock_parse_iso8601("2026-01-15T12:00:00Z", &winter), 0);
	assert_int_equal(clock_parse_iso8601("2026-07-15T12:00:00Z", &summer), 0);
	in_zone("Europe/Berlin");
	assert_int_equal(clock_utc_offset_min(winter), 60);
	assert_int_equal(clock_utc_offset_min(summer), 120);
	in_zone("America/St_Johns");
	assert_int_equal(clock_utc_offset_min(winter), -210);
	in_zone("UTC");
	assert_int_equal(clock_utc_offset_min(summer), 0);
}

static void the_boot_id_is_32_hex_digits_and_stays(void **state)
{
	(void)state;
	char a[CLOCK_BOOT_ID_SIZE], b[CLOCK_BOOT_ID_SIZE];
	clock_boot_id(a);
	clock_boot_id(b);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_equal(a, b);
}

static int64_t ctx_time(void *ctx)
{
	return *(int64_t *)ctx;
}

static enum clock_trust ctx_trust(void *ctx)
{
	(void)ctx;
	return CLOCK_HQ;
}

static void a_test_can_turn_the_clock(void **state)
{
	(void)state;
	int64_t now = 5;
	struct clock c = {
	    .mono_us = ctx_time, .wall_us = ctx_time, .trust = ctx_trust, .ctx = &now};
	assert_true(clock_mono_us(&c) == 5);
	now = 9;
	assert_true(clock_wall_us(&c) == 9);
	assert_int_equal(clock_trusted(&c), CLOCK_HQ);
}

static void the_machines_clock_runs_forward_and_is_of_our_time(void **state)
{
	(void)state;
	const struct clock *c = clock_system();
	int64_t before = clock_mono_us(c);
	assert_true(before > 0);
	assert_true(clock_mono_us(c) >= before);
	assert_true(clock_wall_us(c) / 1000000 >= time(NULL) - 1);
	enum clock_trust trust = clock_trusted(c);
	assert_true(trust == CLOCK_NONE || trust == CLOCK_KERNEL);
}

static void each_trust_has_its_word(void **state)
{
	(void)state;
	assert_string_equal(clock_trust_name(CLOCK_NONE), "none");
	assert_string_equal(clock_trust_name(CLOCK_KERNEL), "kernel");
	assert_string_equal(clock_trust_name(CLOCK_RTC), "rtc");
	assert_string_equal(clock_trust_name(CLOCK_HQ), "hq");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(iso8601_is_utc_with_milliseconds),
	    cmocka_unit_test(times_outside_four_digit_years_are_clamped),
	    cmocka_unit_test(what_is_written_is_read_back),
	    cmocka_unit_test(what_is_no_time_is_refused),
	    cmocka_unit_test(the_business_day_ends_at_the_cut_not_at_midnight),
	    cmocka_unit_test(the_day_is_cut_by_the_local_clock_also_when_it_is_changed),
	    cmocka_unit_test(a_cut_in_the_changed_hour_comes_once),
	    cmocka_unit_test(business_dates_stay_inside_four_digit_years),
	    cmocka_unit_test(the_offset_follows_summer_time),
	    cmocka_unit_test(the_boot_id_is_32_hex_digits_and_stays),
	    cmocka_unit_test(a_test_can_turn_the_clock),
	    cmocka_unit_test(the_machines_clock_runs_forward_and_is_of_our_time),
	    cmocka_unit_test(each_trust_has_its_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
