/* What a till counted against what was received; gaps in its receipt numbers. */
#include "hq_day_world.h"

#include "hq/intake/hq_till.h"

/* ---- gaps ---- */

/* "41 42 44" with the closes "41-45;..." gives "43:1 45:1"; numbers without digits behind a "?". */
static const char *gaps(const char *numbers, const char *closes)
{
	static char out[1000];
	char copy[2][500], *save = NULL, *text[64];
	struct hq_till_number n[64];
	struct hq_till_close c[8];
	size_t count = 0, closed = 0;
	int64_t not_numeric;
	json_t *list = json_array();
	text_copy(copy[0], sizeof copy[0], numbers);
	text_copy(copy[1], sizeof copy[1], closes);
	for (char *t = strtok_r(copy[0], " ", &save); t; t = strtok_r(NULL, " ", &save))
		n[count++].text = t;
	for (char *t = strtok_r(copy[1], ";", &save); t; t = strtok_r(NULL, ";", &save)) {
		text[closed] = strchr(t, ':');
		*text[closed] = '\0';
		c[closed] = (struct hq_till_close){t, text[closed] + 1};
		closed++;
	}
	hq_till_gaps(n, count, c, closed, list, &not_numeric);
	out[0] = '\0';
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *g = json_array_get(list, i);
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s-%s", i ? " " : "",
		         json_string_value(json_object_get(g, "from")),
		         json_string_value(json_object_get(g, "to")));
	}
	if (not_numeric)
		snprintf(out + strlen(out), sizeof out - strlen(out), "?%d", (int)not_numeric);
	json_decref(list);
	return out;
}

static void a_number_that_did_not_come_is_a_gap(void **state)
{
	(void)state;
	assert_string_equal(gaps("0041 0042 0044", ""), "0043-0043");
	assert_string_equal(gaps("0041 0042 0043", ""), "");
	assert_string_equal(gaps("0044 0041 0042", ""), "0043-0043"); /* late, not lost */
	assert_string_equal(gaps("7 12", ""), "8-11");
	assert_string_equal(gaps("0041 0041 0042", ""), "");
	assert_string_equal(gaps("", ""), "");
}

static void the_tills_own_first_and_last_number_bound_the_day(void **state)
{
	(void)state;
	assert_string_equal(gaps("0042 0043", "0041:0045"), "0041-0041 0044-0045");
	assert_string_equal(gaps("0042 0099", "0041:0043"), "0041-0041 0043-0043");
	assert_string_equal(gaps("", "0001:0003"), "0001-0003");
	assert_string_equal(gaps("0001 0002 0011 0013", "0001:0002;0011:0013"), "0012-0012");
}

static void numbers_that_begin_anew_are_no_gap(void **state)
{
	(void)state;
	assert_string_equal(gaps("9998 9999 0001 0002", ""), "");
	assert_string_equal(gaps("9997 9999 0001 0003", ""), "9998-9998 0002-0002");
	assert_string_equal(gaps("9997 9999 0001 0003", "9997:0003"), "9998-9998 0002-0002");
	assert_string_equal(gaps("0001 0002 0003 0001 0002", ""), "");
	assert_string_equal(gaps("0150 0151 0049 0050 0052", ""), "0051-0051");
}

static void what_stands_in_front_of_the_digits_is_a_series_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(gaps("A1 B7 A3 B8", ""), "A2-A2");
	assert_string_equal(gaps("0001 R0001 0002 R0003", ""), "R0002-R0002");
	assert_string_equal(gaps("2026-11-21/7 2026-11-21/9", ""), "2026-11-21/8-2026-11-21/8");
}

static void numbers_without_digits_at_their_end_are_said_to_have_none(void **state)
{
	(void)state;
	assert_string_equal(gaps("A B C", ""), "?3");
	assert_string_equal(gaps("1 2x 3", ""), "2-2?1");
}

static void a_huge_gap_is_named_and_not_counted_up(void **state)
{
	(void)state;
	assert_string_equal(gaps("1 999999999999999", ""), "2-999999999999998");
	assert_string_equal(gaps("1 12345678901234567890123456789012", ""), "");
}

/* ---- a till's day ---- */

static json_t *till_of(struct day_world *d, const char *name)
{
	prove(d, DAY);
	const json_t *list = json_object_get(d->proof, "tills");
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *t = json_array_get(list, i);
		if (strcmp(json_string_value(json_object_get(t, "till")), name) == 0)
			return t;
	}
	fail_msg("there is no till %s", name);
	return NULL;
}

/* "counted counted_sum / received received_sum" */
static const char *side(const json_t *till, const char *kind)
{
	static char out[4][100];
	static unsigned turn;
	const json_t *s = json_object_get(till, kind);
	const char *sum = json_string_value(json_object_get(s, "counted_sum"));
	char *text = out[turn++ % 4];
	snprintf(text, 100, "%d %s / %d %s", (int)json_integer_value(json_object_get(s, "counted")),
	         sum ? sum : "-", (int)json_integer_value(json_object_get(s, "received")),
	         json_string_value(json_object_get(s, "received_sum")));
	return text;
}

static void a_till_that_counted_more_than_came_is_found(void **state)
{
	struct day_world *d = *state;
	order(d->s, "T3", "0041", "10.00");
	order(d->s, "T3", "0043", "2.50");
	till_closed(d->s, "T3", "3 15.00 0 0.00 0 0.00", "0041", "0043");
	close_day(d);
	send_all(d);
	const json_t *t = till_of(d, "T3");
	assert_string_equal(side(t, "orders"), "3 15.00 / 2 12.50");
	assert_true(json_is_false(json_object_get(t, "agrees")));
	assert_string_equal(reasons(d), "till T3 counted other sales than were received");
	const json_t *gap = json_array_get(json_object_get(t, "gaps"), 0);
	assert_string_equal(json_string_value(json_object_get(gap, "from")), "0042");
	const json_t *capture = json_object_get(d->proof, "capture");
	assert_int_equal(json_integer_value(json_object_get(capture, "counted")), 3);
	assert_int_equal(json_integer_value(json_object_get(capture, "received")), 2);
}

static void the_same_count_with_another_sum_does_not_agree(void **state)
{
	struct day_world *d = *state;
	order(d->s, "T3", "0041", "10.00");
	till_closed(d->s, "T3", "1 10.01 0 0.00 0 0.00", "0041", "0041");
	close_day(d);
	send_all(d);
	assert_true(json_is_false(json_object_get(till_of(d, "T3"), "agrees")));
}

static void counts_that_no_till_can_have_do_not_turn_over(void **state)
{
	struct day_world *d = *state;
	for (const char *till = "T3\0T4\0"; *till; till += 3)
		till_closed(d->s, till, "9223372036854775807 0.00 -9223372036854775807 0.00 0 0.00",
		            "0041", "0041");
	close_day(d);
	send_all(d);
	assert_true(json_is_false(json_object_get(till_of(d, "T4"), "agrees")));
	const json_t *counted = json_object_get(json_object_get(d->proof, "capture"), "counted");
	assert_int_equal(json_integer_value(counted), 2000000000000);
}

static void a_till_that_did_not_close_leaves_the_rate_unknown(void **state)
{
	struct day_world *d = *state;
	order(d->s, "T3", "0041", "10.00");
	close_day(d);
	send_all(d);
	const json_t *t = till_of(d, "T3");
	assert_string_equal(side(t, "orders"), "0 - / 1 10.00");
	assert_true(json_is_null(json_object_get(t, "agrees")));
	assert_true(json_is_true(json_object_get(d->proof, "proven")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(d->proof, "capture"),
	                                                    "tills_not_closed")),
	                 1);
}

static void a_receipt_that_came_under_two_events_counts_once(void **state)
{
	struct day_world *d = *state;
	order(d->s, "T3", "0041", "10.00");
	order(d->s, "T3", "0041", "10.00");
	till_closed(d->s, "T3", "1 10.00 0 0.00 0 0.00", "0041", "0041");
	close_day(d);
	send_all(d);
	const json_t *t = till_of(d, "T3");
	assert_string_equal(side(t, "orders"), "1 10.00 / 1 10.00");
	assert_int_equal(json_integer_value(json_object_get(t, "doubled")), 1);
	assert_true(json_is_true(json_object_get(d->proof, "proven")));
}

static void a_void_is_worth_what_its_order_was(void **state)
{
	struct day_world *d = *state;
	order(d->s, "T3", "0041", "10.00");
	cancel(d->s, "T3", "0041");
	till_closed(d->s, "T3", "1 10.00 0 0.00 1 10.00", "0041", "0041");
	close_day(d);
	send_all(d);
	assert_string_equal(side(till_of(d, "T3"), "voids"), "1 10.00 / 1 10.00");
	assert_true(json_is_true(json_object_get(d->proof, "proven")));
}

static void training_counts_for_nothing(void **state)
{
	struct day_world *d = *state;
	static const char training[] =
	    "{\"cart_id\":\"B\",\"change\":\"0.00\",\"currency\":\"EUR\",\"order_id\":\"s1/T3/" DAY
	    "/0041\",\"products\":[],\"receipt_number\":\"0041\",\"tenders\":[],\"total\":\"9."
	    "00\"}";
	store_say(d->s, &(struct said){.event = "Order Completed",
	                               .properties = training,
	                               .till = "T3",
	                               .training = true});
	cancel(d->s, "T3", "0041");
	order(d->s, "T3", "0042", "1.00");
	till_closed(d->s, "T3", "1 1.00 0 0.00 0 0.00", "0041", "0042");
	close_day(d);
	send_all(d);
	const json_t *t = till_of(d, "T3");
	assert_string_equal(side(t, "orders"), "1 1.00 / 1 1.00");
	assert_string_equal(side(t, "voids"), "0 0.00 / 0 0.00");
	assert_int_equal(json_array_size(json_object_get(t, "gaps")), 0);
}

static void what_a_till_tells_of_yesterday_counts_for_yesterday(void **state)
{
	struct day_world *d = *state;
	order(d->s, "T3", "0041", "10.00");
	struct statement *st = new_statement(d->s, "2026-11-20", "2026-11-20");
	count_journal(st, d->s, 1, d->s->seq);
	d->covered = d->s->seq;
	say_statement(d, d->s, st);
	store_chatter(d->s, 1);
	close_day(d);
	send_all(d);
	assert_int_equal(
	    json_array_size(json_object_get((prove(d, "2026-11-20"), d->proof), "tills")), 0);
	/* the order is of the 21st, in the statement of the 20th */
	assert_int_equal(json_integer_value(json_object_get(till_of(d, "T3"), "late")), 1);
	assert_string_equal(side(till_of(d, "T3"), "orders"), "0 - / 1 10.00");
}

#define DAY_TEST(name) cmocka_unit_test_setup_teardown(name, day_set_up, day_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_number_that_did_not_come_is_a_gap),
	    cmocka_unit_test(the_tills_own_first_and_last_number_bound_the_day),
	    cmocka_unit_test(numbers_that_begin_anew_are_no_gap),
	    cmocka_unit_test(what_stands_in_front_of_the_digits_is_a_series_of_its_own),
	    cmocka_unit_test(numbers_without_digits_at_their_end_are_said_to_have_none),
	    cmocka_unit_test(a_huge_gap_is_named_and_not_counted_up),
	    DAY_TEST(a_till_that_counted_more_than_came_is_found),
	    DAY_TEST(the_same_count_with_another_sum_does_not_agree),
	    DAY_TEST(counts_that_no_till_can_have_do_not_turn_over),
	    DAY_TEST(a_till_that_did_not_close_leaves_the_rate_unknown),
	    DAY_TEST(a_receipt_that_came_under_two_events_counts_once),
	    DAY_TEST(a_void_is_worth_what_its_order_was),
	    DAY_TEST(training_counts_for_nothing),
	    DAY_TEST(what_a_till_tells_of_yesterday_counts_for_yesterday),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
