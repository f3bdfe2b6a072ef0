/* The path of an event, from a scanner or a till to screen, journal and answer. */
#include "flow_world.h"

static void a_scan_is_on_the_screen_before_it_is_kept(void **state)
{
	struct world *w = *state;
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, strcmp(text_of(shown(w, "1"), "state"), "basket") == 0);
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Anna");
	assert_true(is(person(w, "1"), "provisional"));
	WAIT_FOR(w, strcmp(text_of(told(w), "state"), "known") == 0);
	assert_true(is(told(w), "provisional"));
	assert_int_equal(w->kept_count, 0);
	assert_null(said(w, 0, "kept", NULL));

	keep(w);
	WAIT_FOR(w, person_is(w, "1", "known") && !is(person(w, "1"), "provisional"));
	assert_int_equal(kept_times(w, "Customer Attached"), 1);
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	WAIT_FOR(w, !is(told(w), "provisional"));
	assert_string_equal(text_of(told(w), "first_name"), "Anna");
	assert_string_equal(text_of(told(w), "basket"), "B1");
}

static void an_unknown_card_is_said_so(void **state)
{
	struct world *w = *state;
	keep(w);
	scan(w, "2600000000999");
	WAIT_FOR(w, person_is(w, "1", "unknown"));
	assert_string_equal(text_of(shown(w, "1"), "notice"), "Card not known");
	assert_true(person_is(w, "2", "none"));
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
}

/* ---- answers ---- */

static void a_till_message_is_answered_with_where_it_stands(void **state)
{
	struct world *w = *state;
	struct journal_state s;
	char epoch[EVENT_EPOCH_SIZE];
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	json_t *answer, *line = NULL;
	WAIT_FOR(w, (answer = said(w, 0, "kept", "a:1")));
	journal_state(w->p->journal, &s);
	text_hex(s.epoch, EVENT_EPOCH_BYTES, epoch);
	assert_string_equal(text_of(answer, "epoch"), epoch);
	assert_int_equal(json_integer_value(json_object_get(answer, "count")), 2);
	line = kept(w, "Visit Started", 0);
	json_t *context = json_object_get(json_object_get(line, "context"), "laneway");
	assert_int_equal(json_integer_value(json_object_get(answer, "seq")),
	                 json_integer_value(json_object_get(context, "seq")));
	assert_string_equal(text_of(context, "source_message_id"), "a:1");
	assert_string_equal(text_of(context, "source"), "till:T1");
	json_decref(line);
}

static void a_message_sent_again_is_answered_alike_and_kept_once(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said_times(w, "kept", "a:1") == 2);
	assert_true(
	    json_equal(said(w, 0, "kept", "a:1"), json_array_get(w->said, said_count(w) - 1)));
	assert_int_equal(kept_times(w, "Basket Opened"), 1);
	assert_int_equal(counted(w, COUNTER_POS_REPEATED), 1);
	assert_int_equal(counted(w, COUNTER_POS_MESSAGES), 3); /* with the hello */
}

static void a_copy_that_comes_before_the_commit_waits_for_it(void **state)
{
	struct world *w = *state;
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, counted(w, COUNTER_POS_REPEATED) == 1);
	till_connect(w, "T2", "1");
	assert_null(said(w, 0, "kept", NULL));
	keep(w);
	WAIT_FOR(w, kept_times(w, "Basket Opened") == 1);
	turn(w);
	assert_int_equal(kept_times(w, "Basket Opened"), 1);
}

static void a_till_that_came_back_hears_of_the_copy_it_sends_again(void **state)
{
	struct world *w = *state;
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, counted(w, COUNTER_POS_MESSAGES) == 2);
	shutdown(w->till, SHUT_RDWR);
	WAIT_FOR(w, pos_connections(w->flow->pos) == 0);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, counted(w, COUNTER_POS_REPEATED) == 1);
	keep(w);
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	assert_int_equal(said_times(w, "kept", "a:1"), 1);
}

static void an_id_with_another_body_is_an_error_and_nothing_is_kept(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	till_open(w, "a:1", "B2");
	json_t *error;
	WAIT_FOR(w, (error = said(w, 0, "error", "a:1")));
	assert_string_equal(text_of(error, "code"), "id_reused");
	assert_string_equal(text_of(error, "field"), "source_message_id");
	till_open(w, "a:2", "B3");
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
	assert_int_equal(kept_times(w, "Basket Opened"), 2);
	assert_int_equal(counted(w, COUNTER_POS_REFUSED), 1);
}

static void what_the_sale_refuses_is_counted_once_and_may_be_sent_right_under_a_new_id(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:1\",\"basket\":\"B9\"}");
	json_t *error;
	WAIT_FOR(w, (error = said(w, 0, "error", "a:1")));
	assert_string_equal(text_of(error, "code"), "unknown_basket");
	assert_int_equal(counted(w, COUNTER_POS_REFUSED), 1);
	till_open(w, "a:1", "B9");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
}

static void every_event_is_counted_once(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1 && said(w, 0, "kept", "a:1"));
	/* and the journal's own Epoch Opened, which was kept before flow was there */
	assert_int_equal(counted(w, COUNTER_EVENTS_KEPT), w->kept_count + 1);
	assert_int_equal(counted(w, COUNTER_SCANS), 1);
}

#define ORDER(id, basket, receipt)                                                                 \
	"{\"type\":\"order_completed\",\"source_message_id\":\"" id "\",\"basket\":\"" basket      \
	"\",\"receipt_number\":\"" receipt                                                         \
	"\",\"subtotal\":\"1.00\",\"discount\":\"0.00\",\"tax\":\"0.00\",\"rounding\":\"0.00\","   \
	"\"total\":\"1.00\",\"revenue\":\"1.00\",\"prices_include_tax\":true,\"sale_kind\":"       \
	"\"sale\","                                                                                \
	"\"change\":\"0.00\",\"products\":[],\"tenders\":[{\"type\":\"cash\",\"amount\":\"1.00\"}" \
	"]}"

static void an_order_sent_again_is_answered_with_its_number_also_after_a_restart(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	till_say(w, ORDER("a:2", "B1", "17"));
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
	json_t *first = json_deep_copy(said(w, 0, "kept", "a:2"));
	assert_string_equal(text_of(first, "order_id"), "s1/T1/2026-11-21/17");
	till_say(w, ORDER("a:2", "B1", "17"));
	WAIT_FOR(w, said_times(w, "kept", "a:2") == 2);
	assert_true(json_equal(first, json_array_get(w->said, said_count(w) - 1)));
	pass(w, 3 * 86400 * SECOND_US / 2);
	world_close(w);
	world_open(w);
	keep(w);
	size_t from = said_count(w);
	till_connect(w, "T1", "1");
	till_say(w, ORDER("a:2", "B1", "17"));
	WAIT_FOR(w, said(w, from, "kept", "a:2"));
	assert_true(json_equal(first, said(w, from, "kept", "a:2")));
	json_decref(first);
}

static void each_till_of_a_lane_hears_of_its_own_basket(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	scan(w, CARD);
	WAIT_FOR(w, strcmp(text_of(told(w), "state"), "known") == 0 && !is(told(w), "provisional"));
	int first = w->till;
	size_t from = said_count(w);
	w->till = -1;
	till_connect(w, "T2", "1");
	/* who is at the other till is nobody of this one's */
	WAIT_FOR(w, said(w, from, "customer", NULL));
	assert_string_equal(text_of(told(w), "state"), "none");
	till_open(w, "b:1", "B2");
	WAIT_FOR(w, said(w, 0, "kept", "b:1"));
	from = said_count(w);
	int second = w->till;
	w->till = first;
	till_say(w,
	         "{\"type\":\"customer_removed\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, said(w, from, "kept", "a:2"));
	json_t *mine = said(w, from, "customer", NULL);
	assert_non_null(mine); /* though the other till connected last */
	assert_string_equal(text_of(mine, "basket"), "B1");
	assert_string_equal(text_of(mine, "state"), "none");
	w->till = second;
	close(first);
}

/* ---- devices ---- */

static void a_lost_scanner_is_journaled_and_counted_once_and_comes_back(void **state)
{
	struct world *w = *state;
	keep(w);
	WAIT_FOR(w, kept_times(w, "Device Connected") == 1);
	world_unplug(w, 0);
	WAIT_FOR(w, kept_times(w, "Device Lost") == 1);
	json_t *lost = kept(w, "Device Lost", 0);
	json_t *properties = json_object_get(lost, "properties");
	assert_string_equal(text_of(properties, "source"), "scan-1");
	assert_string_equal(text_of(properties, "cause"), "unplugged");
	json_decref(lost);
	assert_int_equal(counted(w, COUNTER_DEVICE_LOST), 1);
	assert_false(scanner_is_up(w->flow->scanners[0]));
	world_plug(w, 0);
	WAIT_FOR(w, kept_times(w, "Device Connected") == 2);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
}

static void noise_at_a_scanner_is_journaled_without_its_bytes(void **state)
{
	struct world *w = *state;
	keep(w);
	scan(w, "26\x01\x02QUARK");
	WAIT_FOR(w, kept_times(w, "Input Refused") == 1);
	json_t *line = kept(w, "Input Refused", 0), *p = json_object_get(line, "properties");
	assert_string_equal(text_of(p, "reason"), "control");
	assert_string_equal(text_of(p, "source"), "scan-1");
	assert_int_equal(json_integer_value(json_object_get(p, "count")), 1);
	json_decref(line);
	assert_null(memmem(w->kept.data, w->kept.len, "QUARK", 5));
	assert_int_equal(counted(w, COUNTER_SCAN_BAD), 1);
	assert_string_equal(text_of(shown(w, "1"), "notice"),
	                    "Not readable: scan it again, or type it");
	assert_true(person_is(w, "1", "none"));
}

/* ---- reload ---- */

static void a_reload_swaps_scanners_and_schemes_and_says_so(void **state)
{
	struct world *w = *state;
	char more[512];
	keep(w);
	snprintf(more, sizeof more,
	         "scanner \"scan-2\" { lane = 2 port = \"%s\" terminator = cr prefix = \"~\" }\n"
	         "prompt { ask = \"Card?\" greet = \"Hello!\" }\n"
	         "loyalty \"other\" { prefix = 99 length = 6 }\n",
	         w->port[1]);
	w->next = world_conf(w, more);
	flow_reload(w->flow, w->next);
	struct conf *old = w->conf;
	w->conf = w->next;
	w->next = NULL;
	conf_free(old);
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
	assert_string_equal(text_of(shown(w, "1"), "prompt"), "Card?");
	assert_int_equal(w->flow->scanner_count, 1);
	/* the old port is nobody's; the new one is lane 2's, with its prefix */
	scan(w, CARD);
	assert_int_equal(write(w->master[1], "~991234\r", 8), 8);
	WAIT_FOR(w, person_is(w, "2", "unknown"));
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
	assert_true(person_is(w, "1", "none"));
	json_t *line = kept(w, "Identifier Presented", 0);
	assert_string_equal(text_of(json_object_get(line, "properties"), "kind"), "loyalty");
	json_decref(line);
}

static void a_reload_keeps_open_baskets_and_the_tills(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	struct conf *old = w->conf;
	w->conf = world_conf(w, "");
	flow_reload(w->flow, w->conf);
	conf_free(old);
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:2"));
}

/* ---- stop and start ---- */

static void what_is_queued_at_the_stop_is_still_answered(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, counted(w, COUNTER_POS_MESSAGES) == 2);
	flow_stop(w->flow);
	till_open(w, "a:2", "B2"); /* too late: not read, so the till sends it again */
	journal_stop(w->p->journal);
	flow_drained(w->flow);
	flow_drained(w->flow);
	read_till(w);
	assert_non_null(said(w, 0, "kept", "a:1"));
	assert_null(said(w, 0, "refused", "a:2"));
	assert_null(said(w, 0, "kept", "a:2"));
	flow_free(w->flow);
	w->flow = NULL;
}

static void the_next_start_knows_what_was_taken_and_what_is_open(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1 && said(w, 0, "kept", "a:1"));
	json_t *first = json_deep_copy(said(w, 0, "kept", "a:1"));
	world_close(w);

	world_open(w);
	keep(w);
	WAIT_FOR(w, kept_times(w, "Box Started") == 2);
	json_t *line = kept(w, "Box Started", 1), *p = json_object_get(line, "properties");
	assert_int_equal(json_integer_value(json_object_get(p, "restored_baskets")), 1);
	json_decref(line);
	size_t from = said_count(w);
	till_connect(w, "T1", "1");
	assert_string_equal(json_string_value(json_array_get(
	                        json_object_get(said(w, from, "welcome", NULL), "baskets"), 0)),
	                    "B1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, from, "kept", "a:1"));
	assert_true(json_equal(first, said(w, from, "kept", "a:1")));
	json_decref(first);
	struct buf json = {0};
	assert_true(flow_lane_json(w->flow, "1", &json));
	json_t *view = json_loadb((char *)json.data, json.len, 0, NULL);
	assert_string_equal(text_of(json_object_get(view, "person"), "first_name"), "Anna");
	assert_true(json_is_string(json_object_get(view, "restored")));
	json_decref(view);
	buf_free(&json);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_scan_is_on_the_screen_before_it_is_kept),
	    T(an_unknown_card_is_said_so),
	    T(a_till_message_is_answered_with_where_it_stands),
	    T(a_message_sent_again_is_answered_alike_and_kept_once),
	    T(a_copy_that_comes_before_the_commit_waits_for_it),
	    T(a_till_that_came_back_hears_of_the_copy_it_sends_again),
	    T(an_id_with_another_body_is_an_error_and_nothing_is_kept),
	    T(what_the_sale_refuses_is_counted_once_and_may_be_sent_right_under_a_new_id),
	    T(every_event_is_counted_once),
	    T(an_order_sent_again_is_answered_with_its_number_also_after_a_restart),
	    T(each_till_of_a_lane_hears_of_its_own_basket),
	    T(a_lost_scanner_is_journaled_and_counted_once_and_comes_back),
	    T(noise_at_a_scanner_is_journaled_without_its_bytes),
	    T(a_reload_swaps_scanners_and_schemes_and_says_so),
	    T(a_reload_keeps_open_baskets_and_the_tills),
	    T(what_is_queued_at_the_stop_is_still_answered),
	    T(the_next_start_knows_what_was_taken_and_what_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
