/* After a start: scans on a lane whose till has not said again what it was not answered. */
#include "flow_world.h"

#define LINE(id, basket)                                                                           \
	"{\"type\":\"line_added\",\"source_message_id\":\"" id "\",\"basket\":\"" basket           \
	"\",\"line\":\"1\",\"sku\":\"4001\",\"name\":\"Bread\",\"quantity\":\"1\",\"unit\":"       \
	"\"piece\",\"price\":\"1.00\",\"entry_method\":\"scan\"}"
#define ORDER(id, basket)                                                                          \
	"{\"type\":\"order_completed\",\"source_message_id\":\"" id "\",\"basket\":\"" basket      \
	"\",\"receipt_number\":\"17\",\"subtotal\":\"1.00\",\"discount\":\"0.00\",\"tax\":"        \
	"\"0.00\",\"rounding\":\"0.00\",\"total\":\"1.00\",\"revenue\":\"1.00\","                  \
	"\"prices_include_tax\":true,\"sale_kind\":\"sale\",\"change\":\"0.00\",\"products\":[],"  \
	"\"tenders\":[{\"type\":\"cash\",\"amount\":\"1.00\"}]}"
#define MADE(ms) "{\"type\":\"made\",\"before_ms\":" #ms "}"

/* The box sold with this till, is gone, and is back. */
static void back(struct world *w)
{
	world_close(w);
	w->in_len = 0;
	close(w->till);
	w->till = -1;
	world_open(w);
	keep(w);
	WAIT_FOR(w, w->flow->in_flight == 0);
}

static void basket_left_open(struct world *w)
{
	if (!w->running)
		keep(w);
	till_connect(w, "T1", "1");
	till_say(w, MADE(0));
	till_open(w, "a:1", "B1");
	till_say(w, LINE("a:2", "B1"));
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
	back(w);
}

static void scan_kept(struct world *w)
{
	int n = kept_times(w, "Identifier Presented") + 1;
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == n);
}

/* The till's own name of the basket that the n-th event of this name is of. */
static void is_of(struct world *w, const char *event, int n, const char *basket)
{
	json_t *line = kept(w, event, n), *opened = NULL;
	assert_non_null(line);
	const char *id =
	    text_of(json_object_get(json_object_get(line, "context"), "laneway"), "basket_id");
	bool found = false;
	for (int i = 0; !found && (opened = kept(w, "Basket Opened", i)) != NULL; i++) {
		const json_t *p = json_object_get(opened, "properties");
		found = strcmp(text_of(p, "basket_id"), id) == 0;
		if (found)
			assert_string_equal(text_of(p, "till_basket"), basket);
		json_decref(opened);
	}
	assert_true(found);
	json_decref(line);
}

/* What the status says of the only till. */
static bool awaited(struct world *w)
{
	struct buf json = {0};
	flow_status_json(w->flow, &json);
	json_t *s = json_loadb((char *)json.data, json.len, 0, NULL);
	bool yes = is(json_array_get(json_object_get(s, "tills"), 0), "awaited");
	json_decref(s);
	buf_free(&json);
	return yes;
}

static void a_scan_waits_for_the_tills_word(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	scan_kept(w);
	assert_int_equal(kept_times(w, "Customer Attached"), 0);
	WAIT_FOR(w, *text_of(shown(w, "1"), "notice"));
	assert_string_equal(text_of(shown(w, "1"), "notice"), "Card kept: waiting for the till");
	assert_true(person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "A\u2026");
	assert_true(is(person(w, "1"), "masked"));
	assert_true(is(person(w, "1"), "provisional"));
	assert_true(json_is_object(json_object_get(shown(w, "1"), "basket")));
	assert_true(awaited(w));
	till_connect(w, "T1", "1");
	assert_string_equal(text_of(told(w), "state"), "none");
	till_say(w, MADE(0));
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	assert_false(awaited(w));
	is_of(w, "Customer Attached", 0, "B1");
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Anna");
	WAIT_FOR(w, strcmp(text_of(told(w), "state"), "known") == 0);
}

static void the_next_customers_card_is_not_tied_to_the_basket_that_was_paid(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	pass(w, 5 * SECOND_US);
	scan_kept(w);
	till_connect(w, "T1", "1");
	till_say(w, MADE(6500));
	till_say(w, ORDER("a:3", "B1"));
	till_say(w, MADE(0));
	WAIT_FOR(w, said(w, 0, "kept", "a:3"));
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2);
	assert_int_equal(kept_times(w, "Customer Attached"), 0);
	json_t *order = kept(w, "Order Completed", 0);
	assert_string_equal(text_of(json_object_get(order, "properties"), "identified_at"), "none");
	json_decref(order);
	till_open(w, "a:4", "B2");
	till_say(w, LINE("a:5", "B2"));
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	is_of(w, "Customer Attached", 0, "B2");
}

/* What the till did before the scan, and after it: each basket gets its own. */
static void a_scan_finds_its_place_between_what_the_till_did(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	scan_kept(w);
	pass(w, 10 * SECOND_US);
	till_connect(w, "T1", "1");
	till_say(w, MADE(4000));
	till_say(w, ORDER("a:3", "B1"));
	till_say(w, MADE(3000));
	till_open(w, "a:4", "B2");
	till_say(w, LINE("a:5", "B2"));
	till_say(w, MADE(0));
	WAIT_FOR(w, said(w, 0, "kept", "a:5"));
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	is_of(w, "Customer Attached", 0, "B1");
	assert_int_equal(kept_times(w, "Identifier Presented"), 2);
}

/* Shown after the welcome, but before the till was through: it did nothing since. */
static void a_scan_after_the_welcome_is_behind_all_that_was_unsent(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	till_connect(w, "T1", "1");
	till_say(w, MADE(4000));
	till_say(w, ORDER("a:3", "B1"));
	till_say(w, MADE(3000));
	till_open(w, "a:4", "B2");
	scan_kept(w);
	till_say(w, LINE("a:5", "B2"));
	till_say(w, MADE(0));
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	is_of(w, "Customer Attached", 0, "B2");
	assert_true(json_is_null(json_object_get(shown(w, "1"), "question")));
}

/* ... or it did, and nobody can tell on which side of the scan. */
static void a_scan_beside_what_the_till_did_since_its_welcome_asks(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	till_connect(w, "T1", "1");
	scan_kept(w);
	till_say(w, MADE(0) "\n" ORDER(
	                "a:3", "B1") "\n{\"type\":\"basket_opened\","
	                             "\"source_message_id\":\"a:4\",\"basket\":\"B2\"}\n" LINE(
	                                 "a:5", "B2"));
	WAIT_FOR(w, said(w, 0, "kept", "a:5"));
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2);
	assert_int_equal(kept_times(w, "Customer Attached"), 0);
	assert_string_equal(text_of(json_object_get(shown(w, "1"), "question"), "kind"), "held");
}

static void a_till_that_says_no_ages_is_through_when_it_is_silent(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	scan_kept(w);
	till_connect(w, "T1", "1");
	pass(w, SECOND_US);
	till_say(w, ORDER("a:3", "B1"));
	till_open(w, "a:4", "B2");
	till_say(w, LINE("a:5", "B2"));
	WAIT_FOR(w, said(w, 0, "kept", "a:5"));
	pass(w, SECOND_US);
	flow_tick(w->flow);
	WAIT_FOR(w, w->flow->in_flight == 0);
	assert_int_equal(kept_times(w, "Identifier Presented"), 1);
	pass(w, SECOND_US);
	flow_tick(w->flow);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2);
	assert_int_equal(kept_times(w, "Customer Attached"), 0);
	assert_string_equal(text_of(json_object_get(shown(w, "1"), "question"), "kind"), "held");
}

/* A whole sale may be unsent: nothing of it stands in the journal. */
static void a_lane_where_nothing_was_open_waits_too(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_say(w, "{\"type\":\"till_opened\",\"source_message_id\":\"a:1\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	back(w);
	scan_kept(w);
	assert_int_equal(kept_times(w, "Visit Started"), 0);
	pass(w, 5 * SECOND_US);
	till_connect(w, "T1", "1");
	till_say(w, MADE(20000));
	till_open(w, "a:2", "B1");
	till_say(w, LINE("a:3", "B1"));
	till_say(w, ORDER("a:4", "B1"));
	till_say(w, MADE(0));
	till_open(w, "a:5", "B2");
	till_say(w, LINE("a:6", "B2"));
	WAIT_FOR(w, said(w, 0, "kept", "a:6"));
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	is_of(w, "Customer Attached", 0, "B2");
}

static void the_other_lane_does_not_wait(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T2", "2");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	back(w);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Visit Started") == 2);
	assert_true(person_is(w, "1", "known"));
}

static void a_lane_of_two_tills_waits_for_both(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T2", "1");
	till_open(w, "b:1", "B9");
	WAIT_FOR(w, said(w, 0, "kept", "b:1"));
	basket_left_open(w);
	scan_kept(w);
	till_connect(w, "T2", "1");
	till_say(w, MADE(0));
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"b:2\",\"basket\":\"B9\"}");
	WAIT_FOR(w, said(w, 0, "kept", "b:2"));
	assert_int_equal(kept_times(w, "Identifier Presented"), 1);
	till_connect(w, "T1", "1");
	till_say(w, MADE(0));
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	is_of(w, "Customer Attached", 0, "B1");
}

static void another_restart_loses_no_scan_and_ties_none_wrongly(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	scan_kept(w);
	for (int i = 0; i < 2; i++) {
		back(w);
		assert_int_equal(kept_times(w, "Identifier Presented"), 1);
		assert_string_equal(text_of(person(w, "1"), "first_name"), "A\u2026");
	}
	pass(w, SECOND_US);
	till_connect(w, "T1", "1");
	till_say(w, MADE(3000));
	till_say(w, ORDER("a:3", "B1"));
	back(w); /* before it was through */
	till_connect(w, "T1", "1");
	till_say(w, MADE(3000));
	till_say(w, ORDER("a:3", "B1"));
	till_say(w, MADE(0));
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2);
	till_open(w, "a:4", "B2");
	till_say(w, LINE("a:5", "B2"));
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	is_of(w, "Customer Attached", 0, "B2");
	back(w);
	assert_int_equal(kept_times(w, "Identifier Presented"), 2);
}

static void a_till_that_does_not_come_is_waited_for_ten_minutes_once(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	scan_kept(w);
	pass(w, 500 * SECOND_US);
	scan_kept(w);
	pass(w, 97 * SECOND_US);
	flow_tick(w->flow);
	WAIT_FOR(w, w->flow->in_flight == 0);
	assert_int_equal(kept_times(w, "Identifier Presented"), 2);
	pass(w, 2 * SECOND_US);
	flow_tick(w->flow);
	/* The basket ended; the first card waited too long, the second is the next customer's. */
	WAIT_FOR(w, kept_times(w, "Basket Abandoned") == 1);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 4);
	assert_int_equal(kept_times(w, "Customer Attached"), 0);
	assert_true(person_is(w, "1", "known"));
	back(w);
	pass(w, 300 * SECOND_US);
	flow_tick(w->flow);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Visit Started") == 3);
}

/* It spoke of its basket, and was gone before it was through. */
static void no_time_out_ties_a_scan_to_a_basket_that_came_back(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	till_connect(w, "T1", "1");
	size_t from = said_count(w);
	till_say(w, MADE(3000));
	till_say(w, LINE("a:2", "B1"));
	WAIT_FOR(w, said(w, from, "kept", "a:2"));
	close(w->till);
	w->till = -1;
	WAIT_FOR(w, !w->flow->tills[0].link);
	pass(w, 500 * SECOND_US);
	scan_kept(w);
	pass(w, 100 * SECOND_US);
	flow_tick(w->flow);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2);
	assert_int_equal(kept_times(w, "Basket Abandoned"), 0);
	assert_int_equal(kept_times(w, "Customer Attached"), 0);
	assert_string_equal(text_of(json_object_get(shown(w, "1"), "question"), "kind"), "held");
}

static void a_card_number_is_refused_at_once(void **state)
{
	struct world *w = *state;
	basket_left_open(w);
	scan(w, PAN);
	WAIT_FOR(w, counted(w, COUNTER_PAN_REFUSED) == 1);
	WAIT_FOR(w, *text_of(shown(w, "1"), "notice"));
	assert_string_equal(text_of(shown(w, "1"), "notice"), "Payment card: not read");
	till_connect(w, "T1", "1");
	till_say(w, MADE(0));
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:3\",\"basket\":\"B1\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:3"));
	assert_int_equal(kept_times(w, "Identifier Presented"), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_scan_waits_for_the_tills_word),
	    T(the_next_customers_card_is_not_tied_to_the_basket_that_was_paid),
	    T(a_scan_finds_its_place_between_what_the_till_did),
	    T(a_scan_after_the_welcome_is_behind_all_that_was_unsent),
	    T(a_scan_beside_what_the_till_did_since_its_welcome_asks),
	    T(a_till_that_says_no_ages_is_through_when_it_is_silent),
	    T(a_lane_where_nothing_was_open_waits_too),
	    T(the_other_lane_does_not_wait),
	    T(a_lane_of_two_tills_waits_for_both),
	    T(another_restart_loses_no_scan_and_ties_none_wrongly),
	    T(a_till_that_does_not_come_is_waited_for_ten_minutes_once),
	    T(no_time_out_ties_a_scan_to_a_basket_that_came_back),
	    T(a_card_number_is_refused_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
