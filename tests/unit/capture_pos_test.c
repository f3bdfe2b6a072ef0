/* What a till says and how it is answered. */
#include "capture_pos_world.h"

#include <inttypes.h>

/* ---- hello ---- */

static void hello_is_answered_with_welcome_and_the_open_baskets(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	say_hello(b, t, "T3", "3", "secret");
	json_t *json = answer(b, t);
	json_t *want = json_pack("{s:s,s:i,s:s,s:s,s:s,s:[s]}", "type", "welcome", "protocol", 1,
	                         "store", "s1", "till", "T3", "lane", "3", "baskets", "B-T3");
	assert_true(json_equal(json, want));
	assert_int_equal(b->ups, 1);
	json_decref(json);
	json_decref(want);
	hang_up(t);
	wait_for(b, NULL, &b->downs, 1);
	assert_int_equal(pos_connections(b->pos), 0);
}

static void what_is_said_when_a_till_comes_up_follows_its_welcome(void **state)
{
	struct bench *b = *state;
	b->greets = true;
	struct till *t = hello(b, "T3");
	json_t *json = answer(b, t);
	assert_member(json, "type", "customer");
	json_decref(json);
	hang_up(t);
}

static void a_failed_hello_says_why_and_ends_the_connection(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *till, *lane, *token, *code, *field;
	} cases[] = {{"T3", "3", "secreT", "bad_token", "token"},
	             {"T3", "3", "secret2", "bad_token", "token"},
	             {"T3", "3", "secre", "bad_token", "token"},
	             {"T3", "4", "secret", "unknown_lane", "lane"},
	             {"T/3", "3", "secret", "bad_field", "till"},
	             {"T3", "3", "", "bad_field", "token"},
	             {"T3456789012345678901234567890", "3", "secret", "bad_field", "till"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct till *t = dial(b);
		say_hello(b, t, cases[i].till, cases[i].lane, cases[i].token);
		expect_error(b, t, cases[i].code, cases[i].field);
		expect_end(b, t);
		hang_up(t);
	}
	struct till *t = dial(b);
	say(b, t,
	    "{\"type\":\"hello\",\"protocol\":2,\"till\":\"T\",\"lane\":\"3\",\"token\":\"x\"}");
	expect_error(b, t, "bad_protocol", "protocol");
	expect_end(b, t);
	hang_up(t);
	assert_int_equal(b->ups, 0);
	assert_int_equal(b->downs, 0);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_REFUSED), 8);
}

static void the_last_answer_arrives_although_the_till_goes_on_sending(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	say_hello(b, t, "T3", "3", "wrong");
	/* More than the kernel's buffers and one line hold. */
	size_t much = 16 * 1024 * 1024;
	char *rest = malloc(much);
	memset(rest, 'x', much);
	say_n(b, t, rest, much);
	free(rest);
	expect_error(b, t, "bad_token", "token");
	expect_end(b, t);
	assert_int_equal(b->messages, 0);
	hang_up(t);
}

static void a_second_connection_for_a_till_is_refused_while_the_first_lives(void **state)
{
	struct bench *b = *state;
	struct till *first = hello(b, "T3"), *second = dial(b), *other = hello(b, "T4");
	say_hello(b, second, "T3", "3", "secret");
	expect_error(b, second, "till_busy", "till");
	expect_end(b, second);
	say_void(b, first, 1);
	wait_for(b, first, &b->messages, 1);
	hang_up(first);
	wait_for(b, NULL, &b->downs, 1);
	struct till *again = hello(b, "T3");
	hang_up(again);
	hang_up(second);
	hang_up(other);
}

static void a_message_before_hello_is_refused(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	say_void(b, t, 7);
	json_t *json = answer(b, t);
	assert_member(json, "code", "no_hello");
	assert_member(json, "source_message_id", "s:7");
	json_decref(json);
	say(b, t, "{\"type\":\"basket_voided\"}");
	expect_error(b, t, "no_hello", "type");
	say_hello(b, t, "T3", "3", "secret");
	json_decref(answer(b, t));
	assert_int_equal(b->ups, 1);
	say_hello(b, t, "T3", "3", "secret");
	expect_error(b, t, "already_hello", "type");
	assert_int_equal(b->messages, 0);
	hang_up(t);
}

static void a_connection_that_says_nothing_is_closed_after_five_seconds(void **state)
{
	struct bench *b = *state;
	struct till *t = dial(b);
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	expect_end(b, t);
	clock_gettime(CLOCK_MONOTONIC, &to);
	double took_s =
	    (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	assert_true(took_s > 4.5 && took_s < 7);
	hang_up(t);
}

/* ---- messages ---- */

static void a_message_is_handed_over_as_it_was_sent(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	const char *line =
	    "{ \"basket\":\"B\",\"source_message_id\":\"day-1:12\", \"type\":\"basket_voided\"}";
	say_n(b, t, line, 20);
	turn(b, t);
	say(b, t, line + 20);
	wait_for(b, t, &b->messages, 1);
	assert_int_equal(b->last_type, TILL_BASKET_VOIDED);
	assert_string_equal(b->last_session, "day-1");
	assert_int_equal(b->last_counter, 12);
	assert_string_equal(b->last_raw, line);
	assert_string_equal(b->last_till, "T3 3 till:T3");
	hang_up(t);
}

static void a_bad_line_is_answered_by_name_and_the_connection_goes_on(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *line, *code, *field;
	} cases[] = {
	    {"", "not_json", ""},
	    {"nonsense", "not_json", ""},
	    {"{\"type\":\"basket_voided\"", "not_json", ""},
	    {"{\"type\":\"basket_voided\",\"basket\":\"a\",\"basket\":\"b\"}", "not_json", ""},
	    {"{\"basket\":\"a\\u0000b\"}", "not_json", ""},
	    {"[1]", "not_object", ""},
	    {"17", "not_object", ""},
	    {"{\"type\":\"basket_voided\",\"basket\":\"\xff\"}", "not_utf8", ""},
	    {"{}", "no_type", "type"},
	    {"{\"type\":\"dance\"}", "unknown_type", "type"},
	    {"{\"type\":\"basket_voided\",\"basket\":\"B\"}", "no_id", "source_message_id"},
	    {"{\"type\":\"basket_voided\",\"source_message_id\":\"s:1\"}", "missing_field",
	     "basket"},
	    {"{\"type\":\"basket_voided\",\"source_message_id\":\"s:1\",\"basket\":\"B\",\"card\":"
	     "1}",
	     "unknown_field", "card"},
	};
	struct till *t = hello(b, "T3");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(b, t, cases[i].line);
		expect_error(b, t, cases[i].code, cases[i].field);
	}
	say_n(b, t, "{\"type\"\0:1}\n", 12);
	expect_error(b, t, "not_utf8", "");
	assert_int_equal(b->messages, 0);
	say_void(b, t, 1);
	wait_for(b, t, &b->messages, 1);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_REFUSED), 14);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_MESSAGES), 16);
	hang_up(t);
}

static void an_error_names_the_message_it_answers(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	say(b, t, "{\"type\":\"basket_voided\",\"source_message_id\":\"s:5\",\"basket\":7}");
	json_t *json = answer(b, t);
	assert_member(json, "source_message_id", "s:5");
	assert_member(json, "message",
	              "expected text of 1 to 64 bytes without control characters, got a number");
	json_decref(json);
	say(b, t, "{\"type\":\"basket_voided\",\"source_message_id\":\"s\",\"basket\":\"B\"}");
	json = answer(b, t);
	assert_member(json, "code", "bad_id");
	assert_null(json_object_get(json, "source_message_id"));
	json_decref(json);
	hang_up(t);
}

/* A void of exactly n bytes, newline included. */
static char *padded(size_t n)
{
	char *line = malloc(n + 1);
	memset(line, ' ', n);
	const char *body =
	    "{\"type\":\"basket_voided\",\"source_message_id\":\"s:1\",\"basket\":\"B\"}";
	memcpy(line, body, strlen(body));
	line[n - 1] = '\n';
	line[n] = '\0';
	return line;
}

static void the_longest_line_is_taken(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	char *line = padded(TILL_LINE_MAX);
	say_n(b, t, line, TILL_LINE_MAX);
	wait_for(b, t, &b->messages, 1);
	free(line);
	hang_up(t);
}

static void a_longer_line_ends_the_connection_with_a_reason(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	char *line = padded(TILL_LINE_MAX + 1);
	say_n(b, t, line, TILL_LINE_MAX + 1);
	expect_error(b, t, "too_long", "");
	expect_end(b, t);
	assert_int_equal(b->messages, 0);
	assert_int_equal(b->downs, 1);
	free(line);
	hang_up(t);
}

static void many_messages_in_one_burst_are_taken_in_order_also_when_the_till_leaves(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	for (int i = 1; i <= 500; i++)
		say_void(b, t, i);
	hang_up(t);
	wait_for(b, NULL, &b->downs, 1);
	assert_int_equal(b->messages, 500);
	assert_int_equal(b->last_counter, 500);
}

static void a_full_journal_makes_the_till_wait_and_loses_nothing(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	b->waits = 5;
	for (int i = 1; i <= 3; i++)
		say_void(b, t, i);
	wait_for(b, t, &b->messages, 3);
	assert_int_equal(b->waits, 0);
	assert_int_equal(b->last_counter, 3);
	assert_int_equal(counter_get(&b->counters, COUNTER_POS_MESSAGES), 4);
	hang_up(t);
}

static void a_till_that_leaves_while_it_waits_is_still_heard(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	b->waits = 5;
	say_void(b, t, 1);
	say_void(b, t, 2);
	hang_up(t);
	wait_for(b, NULL, &b->downs, 1);
	assert_int_equal(b->messages, 2);
}

static void say_made(struct bench *b, struct till *t, int64_t before_ms)
{
	char line[96];
	snprintf(line, sizeof(line), "{\"type\":\"made\",\"before_ms\":%" PRId64 "}", before_ms);
	say(b, t, line);
}

static void how_old_a_message_is_is_said_in_front_of_it(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	say_made(b, t, 5321);
	say_void(b, t, 1);
	wait_for(b, t, &b->messages, 1);
	assert_int_equal(b->mades, 1);
	assert_int_equal(b->last_made_us, 5321000);
	say_made(b, t, INT64_C(9007199254740992));
	wait_for(b, t, &b->mades, 2);
	assert_true(b->last_made_us > 0);
	assert_int_equal(b->words, 0);
	hang_up(t);
}

static void the_tills_word_is_said_when_all_of_it_is_taken(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	b->waits = 3;
	say_made(b, t, 0);
	while (b->waits == 3)
		turn(b, t);
	b->waits = 10; /* nothing is read now: what follows is left in the kernel */
	for (int i = 1; i <= 5; i++)
		say_void(b, t, i);
	wait_for(b, t, &b->words, 1);
	assert_int_equal(b->messages_at_word, 5);
	say_void(b, t, 6);
	wait_for(b, t, &b->messages, 6);
	assert_int_equal(b->words, 1);
	hang_up(t);
}

static void a_till_that_leaves_in_the_middle_has_not_given_its_word(void **state)
{
	struct bench *b = *state;
	struct till *t = hello(b, "T3");
	say_made(b, t, 7);
	say_void(b, t, 1);
	hang_up(t);
	wait_for(b, NULL, &b->downs, 1);
	assert_int_equal(b->mades, 1);
	assert_int_equal(b->words, 0);
	t = dial(b);
	say_made(b, t, 0);
	expect_error(b, t, "no_hello", "type");
	assert_int_equal(b->mades, 1);
	hang_up(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_BENCH(hello_is_answered_with_welcome_and_the_open_baskets),
	    WITH_BENCH(what_is_said_when_a_till_comes_up_follows_its_welcome),
	    WITH_BENCH(a_failed_hello_says_why_and_ends_the_connection),
	    WITH_BENCH(the_last_answer_arrives_although_the_till_goes_on_sending),
	    WITH_BENCH(a_second_connection_for_a_till_is_refused_while_the_first_lives),
	    WITH_BENCH(a_message_before_hello_is_refused),
	    WITH_BENCH(a_connection_that_says_nothing_is_closed_after_five_seconds),
	    WITH_BENCH(a_message_is_handed_over_as_it_was_sent),
	    WITH_BENCH(a_bad_line_is_answered_by_name_and_the_connection_goes_on),
	    WITH_BENCH(an_error_names_the_message_it_answers),
	    WITH_BENCH(the_longest_line_is_taken),
	    WITH_BENCH(a_longer_line_ends_the_connection_with_a_reason),
	    WITH_BENCH(many_messages_in_one_burst_are_taken_in_order_also_when_the_till_leaves),
	    WITH_BENCH(a_full_journal_makes_the_till_wait_and_loses_nothing),
	    WITH_BENCH(a_till_that_leaves_while_it_waits_is_still_heard),
	    WITH_BENCH(how_old_a_message_is_is_said_in_front_of_it),
	    WITH_BENCH(the_tills_word_is_said_when_all_of_it_is_taken),
	    WITH_BENCH(a_till_that_leaves_in_the_middle_has_not_given_its_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
