/* Guards at work: cards that are used by many, values that a manager blocks, and the list of both;
 * over a restart too. */
#include "flow_world.h"

static int number; /* of messages and baskets */

/* A basket with this card, from opening to order, by an operator (empty: the till names none). */
static void serve(struct world *w, const char *card, const char *staff)
{
	char line[512], id[16];
	int orders = kept_times(w, "Order Completed");
	snprintf(
	    line, sizeof line,
	    "{\"type\":\"basket_opened\",\"source_message_id\":\"a:%d\",\"basket\":\"B%d\"%s%s%s}",
	    number + 1, number, *staff ? ",\"staff_ref\":\"" : "", staff, *staff ? "\"" : "");
	till_say(w, line);
	snprintf(id, sizeof id, "a:%d", number + 1);
	WAIT_FOR(w, said(w, 0, "kept", id));
	pass(w, 60 * SECOND_US);
	int presented = kept_times(w, "Identifier Presented");
	scan(w, card);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") > presented);
	snprintf(
	    line, sizeof line,
	    "{\"type\":\"order_completed\",\"source_message_id\":\"a:%d\",\"basket\":\"B%d\","
	    "\"receipt_number\":\"%d\",\"subtotal\":\"1.00\",\"discount\":\"0.00\",\"tax\":"
	    "\"0.00\",\"rounding\":\"0.00\",\"total\":\"1.00\",\"revenue\":\"1.00\","
	    "\"prices_include_tax\":true,\"sale_kind\":\"sale\",\"products\":[],\"tenders\":[],"
	    "\"change\":\"0.00\"}",
	    number + 2, number, number);
	till_say(w, line);
	WAIT_FOR(w, kept_times(w, "Order Completed") > orders);
	number += 2;
	pass(w, 30 * SECOND_US);
}

static void served(struct world *w)
{
	keep(w);
	number = 1;
	till_connect(w, "T1", "1");
}

static json_t *review(struct world *w)
{
	struct buf json = {0};
	flow_review_json(w->flow, &json);
	json_t *root = json_loadb((char *)json.data, json.len, 0, NULL);
	assert_non_null(root);
	json_t *list = json_incref(json_object_get(root, "review"));
	json_decref(root);
	buf_free(&json);
	return list;
}

static const char *property(struct world *w, const char *event, int n, const char *key)
{
	static char text[64];
	json_t *line = kept(w, event, n);
	assert_non_null(line);
	snprintf(text, sizeof text, "%s", text_of(json_object_get(line, "properties"), key));
	json_decref(line);
	return text;
}

static void a_card_on_six_baskets_of_a_day_is_shared_earns_and_says_so(void **state)
{
	struct world *w = *state;
	served(w);
	for (int i = 0; i < 5; i++) {
		serve(w, CARD, "");
		pass(w, 1800 * SECOND_US);
	}
	assert_int_equal(kept_times(w, "Identifier Blocked"), 0);
	serve(w, CARD, "");
	WAIT_FOR(w, kept_times(w, "Identifier Blocked") == 1);
	assert_string_equal(property(w, "Identifier Blocked", 0, "scope"), "shared");
	assert_string_equal(property(w, "Identifier Blocked", 0, "reason"), "day_baskets");
	json_t *list = review(w);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_of(json_array_get(list, 0), "state"), "shared");
	assert_string_equal(text_of(json_array_get(list, 0), "value"), "…170");
	json_decref(list);
	serve(w, CARD, "");
	assert_string_equal(property(w, "Identifier Presented", 6, "outcome"), "shared");
	assert_string_equal(property(w, "Identifier Presented", 6, "reason"), "shared");
	json_t *attached = kept(w, "Customer Attached", 6); /* it earns */
	assert_string_equal(
	    text_of(
	        json_object_get(json_object_get(json_object_get(attached, "context"), "laneway"),
	                        "identity"),
	        "confidence"),
	    "shared");
	json_decref(attached);
	assert_int_equal(kept_times(w, "Identifier Blocked"), 1);
}

/* It proves nothing about who stands here. */
static void on_a_shared_card_no_phone_is_changed(void **state)
{
	struct world *w = *state;
	json_t *body = json_pack("{s:s}", "phone", "0172 8394057");
	const struct flow_form form = {.kind = FLOW_CORRECT, .lane = "1", .body = body};
	struct flow_known known;
	struct sale_error err = {0};
	served(w);
	for (int i = 0; i < 3; i++)
		serve(w, CARD, "K1");
	till_say(w,
	         "{\"type\":\"basket_opened\",\"source_message_id\":\"a:90\",\"basket\":\"B90\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:90"));
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known") && is(person(w, "1"), "shared"));
	assert_int_equal(flow_form(w->flow, &form, &known, &err), FLOW_FORM_REFUSED);
	assert_string_equal(err.code, "not_verified");
	json_decref(body);
}

static void a_shared_card_shows_on_screen_and_till_what_it_is_good_for(void **state)
{
	struct world *w = *state;
	served(w);
	for (int i = 0; i < 3; i++)
		serve(w, CARD, "K1");
	WAIT_FOR(w, kept_times(w, "Identifier Blocked") == 1);
	assert_string_equal(property(w, "Identifier Blocked", 0, "reason"), "lane_baskets");
	till_say(w,
	         "{\"type\":\"basket_opened\",\"source_message_id\":\"a:90\",\"basket\":\"B90\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:90"));
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known") && is(person(w, "1"), "shared"));
	WAIT_FOR(w, is(told(w), "shared"));
	assert_string_equal(text_of(told(w), "assurance"), "typed"); /* good for earning alone */
	assert_string_equal(text_of(told(w), "first_name"), "Anna");
}

static void what_the_guards_know_survives_a_restart(void **state)
{
	struct world *w = *state;
	served(w);
	for (int i = 0; i < 5; i++) {
		serve(w, CARD, "");
		pass(w, 1800 * SECOND_US);
	}
	world_close(w);
	world_open(w);
	keep(w);
	till_connect(w, "T1", "1");
	serve(w, CARD, "");
	WAIT_FOR(w, kept_times(w, "Identifier Blocked") == 1);
	world_close(w);
	world_open(w);
	json_t *list = review(w);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
}

static void enrolled(void *ctx, const struct sale_error *err)
{
	assert_null(err);
	*(bool *)ctx = true;
}

static void till_says(struct world *w, int number_of_it, const char *more)
{
	char line[256], id[16];
	snprintf(line, sizeof line, "{\"source_message_id\":\"a:%d\",\"basket\":\"B1\",%s}",
	         number_of_it, more);
	till_say(w, line);
	snprintf(id, sizeof id, "a:%d", number_of_it);
	WAIT_FOR(w, said(w, 0, "kept", id));
}

/* The basket in which somebody is enrolled is the first of the six. */
static void the_basket_of_an_enrolment_counts(void **state)
{
	struct world *w = *state;
	json_t *body = json_pack("{s:s,s:s}", "first_name", "Mia", "phone", "0172 8394057");
	bool is_kept = false;
	const struct flow_form form = {
	    .kind = FLOW_ENROL, .lane = "1", .body = body, .done = enrolled, .ctx = &is_kept};
	struct flow_known known;
	struct sale_error err = {0};
	served(w);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(kept_times(w, "Identifier Blocked"), 0);
		till_says(w, 3 * i + 1, "\"type\":\"basket_opened\"");
		if (i > 0)
			till_says(w, 3 * i + 2,
			          "\"type\":\"customer_chosen\",\"kind\":\"phone\","
			          "\"value\":\"0172 8394057\"");
		else
			assert_int_equal(flow_form(w->flow, &form, &known, &err), 0);
		WAIT_FOR(w, kept_times(w, "Customer Attached") == i + 1);
		till_says(w, 3 * i + 3, "\"type\":\"basket_voided\"");
		pass(w, 1800 * SECOND_US);
	}
	assert_true(is_kept);
	assert_int_equal(kept_times(w, "Identifier Blocked"), 1);
	json_decref(body);
}

static bool done, at_hq;
static char refused[33];

static void on_done(void *ctx, const struct sale_error *err)
{
	(void)ctx;
	done = true;
	snprintf(refused, sizeof refused, "%s", err ? err->code : "");
}

static const char *say(struct world *w, bool block, const char *kind, const char *value,
                       const char *reason)
{
	struct sale_error err;
	const struct flow_block b = {.block = block,
	                             .kind = kind,
	                             .value = value,
	                             .reason = reason,
	                             .at_hq = &at_hq,
	                             .done = on_done};
	done = at_hq = false;
	if (flow_block(w->flow, &b, &err) < 0) {
		snprintf(refused, sizeof refused, "%s", err.code);
		return refused;
	}
	WAIT_FOR(w, done);
	return refused;
}

static bool on_the_list(struct world *w, const char *reason)
{
	json_t *list = review(w), *row;
	size_t i;
	bool found = false;
	json_array_foreach(list, i, row)
	{
		found |= strcmp(text_of(row, "reason"), reason) == 0;
	}
	json_decref(list);
	return found;
}

/* Do the store's files have these bytes? */
static bool in_files(struct world *w, const char *bytes)
{
	char command[200];
	snprintf(command, sizeof command, "grep -r -q -a -- '%s' '%s'", bytes, w->p->dir);
	return system(command) == 0;
}

static void a_value_that_a_manager_blocks_is_nobodys_at_once_and_after_a_restart(void **state)
{
	struct world *w = *state;
	served(w);
	assert_string_equal(say(w, true, "loyalty", CARD, "stood on a poster"), "");
	assert_string_equal(property(w, "Identifier Blocked", 0, "scope"), "blocked");
	assert_string_equal(property(w, "Identifier Blocked", 0, "reason"), "manager");
	/* A manager's words may name somebody: they are sealed, in the event and beside it. */
	assert_null(memmem(w->kept.data, w->kept.len, "poster", 6));
	assert_true(on_the_list(w, "stood on a poster"));
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "blocked"));
	assert_string_equal(say(w, true, "loyalty", CARD, "again"), "blocked");
	world_close(w);
	assert_false(in_files(w, "poster"));
	world_open(w);
	keep(w);
	assert_true(on_the_list(w, "stood on a poster"));
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "blocked"));
	assert_string_equal(say(w, false, "loyalty", CARD, "a mistake"), "");
	/* Lifted under the name of the block. */
	char block[64];
	snprintf(block, sizeof block, "%s", property(w, "Identifier Blocked", 0, "ident_ref"));
	assert_string_equal(property(w, "Identifier Unblocked", 0, "ident_ref"), block);
	pass(w, 5 * SECOND_US);
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(say(w, false, "loyalty", CARD, "again"), "not_blocked");
}

/* HQ's page says it too, and the store's word has not reached HQ. */
static void what_hq_has_blocked_as_well_is_said_when_it_is_cleared(void **state)
{
	static const char page[] =
	    "{\"customer_id\":\"C000017\",\"first_name\":\"Anna\",\"identifiers\":[{\"kind\":"
	    "\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"state\":\"blocked\",\"value\":\"" CARD
	    "\",\"verified\":true}],\"includes\":{},\"points\":1200,\"state\":\"active\","
	    "\"version\":813,\"visits\":7}\n";
	struct world *w = *state;
	served(w);
	assert_string_equal(say(w, true, "loyalty", CARD, "stood on a poster"), "");
	assert_false(at_hq);
	world_page(w, page, 813);
	assert_string_equal(say(w, false, "loyalty", CARD, "a mistake"), "");
	assert_true(at_hq);
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "blocked"));
}

/* HQ has heard of the block, and of nobody else's: what lifts it lifts it here at once. */
static void a_block_of_this_stores_own_is_not_called_hqs_when_it_is_cleared(void **state)
{
	struct world *w = *state;
	char page[512];
	served(w);
	assert_string_equal(say(w, true, "loyalty", CARD, "stood on a poster"), "");
	snprintf(page, sizeof page,
	         "{\"customer_id\":\"C000017\",\"first_name\":\"Anna\",\"identifiers\":[{\"by\":["
	         "\"%s\"],"
	         "\"kind\":\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"state\":\"blocked\","
	         "\"value\":\"" CARD "\",\"verified\":true}],\"includes\":{},\"points\":1200,"
	         "\"state\":\"active\",\"version\":813,\"visits\":7}\n",
	         property(w, "Identifier Blocked", 0, "ident_ref"));
	world_page(w, page, 813);
	assert_string_equal(say(w, false, "loyalty", CARD, "a mistake"), "");
	assert_false(at_hq);
	pass(w, 5 * SECOND_US);
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
}

static void a_managers_word_on_nothing_is_refused_with_a_code(void **state)
{
	struct world *w = *state;
	served(w);
	assert_string_equal(say(w, true, "shoe", CARD, "r"), "bad_kind");
	assert_string_equal(say(w, true, "phone", "no number", "r"), "bad_value");
	assert_string_equal(say(w, true, "loyalty", CARD, ""), "bad_reason");
	assert_string_equal(say(w, true, "loyalty", CARD, "has " PAN), "bad_reason");
	assert_string_equal(say(w, true, "loyalty", PAN, "r"), "bad_value");
	assert_int_equal(kept_times(w, "Identifier Blocked"), 0);
}

static void a_shared_card_is_cleared_by_a_person_and_counts_anew(void **state)
{
	struct world *w = *state;
	served(w);
	for (int i = 0; i < 3; i++)
		serve(w, CARD, "K1");
	WAIT_FOR(w, kept_times(w, "Identifier Blocked") == 1);
	assert_string_equal(say(w, false, "loyalty", CARD, "a family"), "");
	assert_string_equal(property(w, "Identifier Unblocked", 0, "scope"), "shared");
	json_t *list = review(w);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	serve(w, CARD, "K1");
	assert_string_equal(property(w, "Identifier Presented", 3, "outcome"), "matched");
	serve(w, CARD, "K1");
	assert_int_equal(kept_times(w, "Identifier Blocked"), 1);
	serve(w, CARD, "K1");
	WAIT_FOR(w, kept_times(w, "Identifier Blocked") == 2);
}

static void after_ninety_clean_days_a_shared_card_is_one_customers_again(void **state)
{
	struct world *w = *state;
	struct answer a;
	const struct ident_given card = {.kind = IDENT_LOYALTY, .scanned = true, .value = CARD};
	char block[64];
	served(w);
	for (int i = 0; i < 3; i++)
		serve(w, CARD, "K3");
	WAIT_FOR(w, kept_times(w, "Identifier Blocked") == 1);
	snprintf(block, sizeof block, "%s", property(w, "Identifier Blocked", 0, "ident_ref"));
	pass(w, 89 * 86400 * SECOND_US);
	flow_guard_tick(w->flow);
	flow_resolve(w->flow, NULL, &card, &a);
	assert_int_equal(a.outcome, OUTCOME_SHARED);
	assert_int_equal(kept_times(w, "Identifier Unblocked"), 0);
	pass(w, 2 * 86400 * SECOND_US);
	flow_guard_tick(w->flow);
	WAIT_FOR(w, kept_times(w, "Identifier Unblocked") == 1);
	assert_string_equal(property(w, "Identifier Unblocked", 0, "ident_ref"), block);
	assert_string_equal(property(w, "Identifier Unblocked", 0, "reason"), "clean");
	assert_string_equal(property(w, "Identifier Unblocked", 0, "scope"), "shared");
	flow_resolve(w->flow, NULL, &card, &a);
	assert_int_equal(a.outcome, OUTCOME_MATCHED);
	json_t *list = review(w);
	/* What is left is that HQ was not heard in all that time. */
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_of(json_array_get(list, 0), "cause"), "unconfirmed");
	json_decref(list);
}

static void what_hq_calls_shared_is_not_said_again_as_this_stores_word(void **state)
{
	struct world *w = *state;
	struct answer a = {.outcome = OUTCOME_SHARED,
	                   .reason = IDENT_OK,
	                   .kind = IDENT_PHONE,
	                   .value = "+491728394057",
	                   .found = 2,
	                   .candidate_count = 2};
	served(w);
	flow_guard_presented(w->flow, &a);
	json_t *list = review(w);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_of(json_array_get(list, 0), "cause"), "conflict");
	json_decref(list);
	a.found = 4; /* more than any household: now this store knows it by itself */
	flow_guard_presented(w->flow, &a);
	WAIT_FOR(w, kept_times(w, "Identifier Blocked") == 1);
	assert_string_equal(property(w, "Identifier Blocked", 0, "reason"), "persons");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(after_ninety_clean_days_a_shared_card_is_one_customers_again),
	    TEST(a_card_on_six_baskets_of_a_day_is_shared_earns_and_says_so),
	    TEST(a_shared_card_shows_on_screen_and_till_what_it_is_good_for),
	    TEST(on_a_shared_card_no_phone_is_changed),
	    TEST(what_the_guards_know_survives_a_restart),
	    TEST(the_basket_of_an_enrolment_counts),
	    TEST(a_value_that_a_manager_blocks_is_nobodys_at_once_and_after_a_restart),
	    TEST(what_hq_has_blocked_as_well_is_said_when_it_is_cleared),
	    TEST(a_block_of_this_stores_own_is_not_called_hqs_when_it_is_cleared),
	    TEST(a_managers_word_on_nothing_is_refused_with_a_code),
	    TEST(a_shared_card_is_cleared_by_a_person_and_counts_anew),
	    TEST(what_hq_calls_shared_is_not_said_again_as_this_stores_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
