/* Looking somebody up by phone or address: in an open sale, or for a reason that is written. */
#include "flow_form_world.h"

#define LIMIT 20

static json_t *got;
static bool asked;
static int viewed_before;

static void on_found(void *ctx, const struct sale_error *err, const struct buf *json)
{
	struct world *w = ctx;
	asked = true;
	json_decref(got);
	got = NULL;
	if (err) {
		refused = *err;
		return;
	}
	assert_int_equal(kept_times(w, "Profile Viewed"), viewed_before + 1);
	got = json_loadb((const char *)json->data, json->len, 0, NULL);
	assert_non_null(got);
}

static int find(struct world *w, const char *text)
{
	json_t *body = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const struct flow_ask ask = {.lane = "1", .body = body, .done = on_found, .ctx = w};
	assert_non_null(body);
	asked = false;
	refused = (struct sale_error){0};
	viewed_before = kept_times(w, "Profile Viewed");
	int rc = flow_search(w->flow, &ask, &refused);
	json_decref(body);
	if (rc == 0)
		WAIT_FOR(w, asked);
	return rc;
}

static void refuses_search(struct world *w, const char *body, const char *code, const char *field)
{
	int presented = kept_times(w, "Identifier Presented");
	assert_true(find(w, body) < 0);
	assert_string_equal(refused.code, code);
	assert_string_equal(refused.field, field);
	assert_true(refused.message[0]);
	assert_int_equal(kept_times(w, "Identifier Presented"), presented);
}

/* Mia is known in the store, and no sale is open. */
static void mia_is_known(struct world *w)
{
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	assert_int_equal(
	    form(w, FLOW_ENROL, "1", "{\"first_name\":\"Mia\",\"phone\":\"" PHONE "\"}"), 0);
	WAIT_FOR(w, answered.done);
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, kept_times(w, "Basket Abandoned") == 1);
}

static json_t *properties(struct world *w, const char *event)
{
	json_t *line = kept(w, event, kept_times(w, event) - 1);
	assert_non_null(line);
	json_t *p = json_incref(json_object_get(line, "properties"));
	json_decref(line);
	return p;
}

static void without_a_sale_a_reason_is_needed_and_the_name_is_masked(void **state)
{
	struct world *w = *state;
	mia_is_known(w);
	refuses_search(w, "{\"phone\":\"" PHONE "\"}", "reason_needed", "reason");
	refuses_search(w, "{\"phone\":\"" PHONE "\",\"reason\":\"   \"}", "reason_needed",
	               "reason");
	assert_int_equal(find(w, "{\"phone\":\"0172 8394057\",\"reason\":\"lost umbrella\"}"), 0);
	assert_string_equal(text_of(got, "state"), "known");
	assert_string_equal(text_of(got, "first_name"), "M\u2026");
	assert_true(is(got, "masked"));
	json_t *p = properties(w, "Profile Viewed");
	assert_string_equal(text_of(p, "purpose"), "look_up");
	assert_string_equal(text_of(p, "reason_code"), "written");
	assert_null(json_object_get(p, "basket_id"));
	assert_int_equal(json_integer_value(json_object_get(p, "hits")), 1);
	json_decref(p);
	p = properties(w, "Identifier Presented");
	assert_string_equal(text_of(p, "method"), "form");
	assert_string_equal(text_of(p, "outcome"), "matched");
	json_decref(p);
	assert_null(memmem(w->kept.data, w->kept.len, "umbrella", 8)); /* it is sealed */
	assert_null(memmem(w->kept.data, w->kept.len, "8394057", 7));
}

/* Both events of a look-up, under one key: who destroys it forgets value and reason. */
static void the_reason_is_sealed_under_the_key_of_what_was_asked_for(void **state)
{
	struct world *w = *state;
	mia_is_known(w);
	assert_int_equal(find(w, "{\"phone\":\"" PHONE "\",\"reason\":\"lost umbrella\"}"), 0);
	json_t *view = kept(w, "Profile Viewed", 0),
	       *asked_for =
	           kept(w, "Identifier Presented", kept_times(w, "Identifier Presented") - 1);
	const json_t *a = json_object_get(json_object_get(view, "context"), "laneway"),
	             *b = json_object_get(json_object_get(asked_for, "context"), "laneway");
	assert_string_equal(text_of(a, "visit_id"), text_of(b, "visit_id"));
	assert_string_equal(text_of(json_object_get(a, "sealed"), "k"),
	                    text_of(json_object_get(b, "sealed"), "k"));
	assert_true(text_of(json_object_get(a, "sealed"), "k")[0]);
	json_decref(view);
	json_decref(asked_for);
}

static void a_miss_is_kept_like_a_hit(void **state)
{
	struct world *w = *state;
	mia_is_known(w);
	assert_int_equal(find(w, "{\"email\":\"vera@example.org\",\"reason\":\"found keys\"}"), 0);
	assert_string_equal(text_of(got, "state"), "unknown");
	assert_true(text_of(got, "words")[0]);
	assert_null(json_object_get(got, "first_name"));
	json_t *p = properties(w, "Profile Viewed");
	assert_int_equal(json_integer_value(json_object_get(p, "hits")), 0);
	assert_int_equal(json_array_size(json_object_get(p, "fields")), 0);
	json_decref(p);
	assert_int_equal(counted(w, COUNTER_LOOKUPS), 1);
}

static void in_an_open_sale_no_reason_is_needed_and_the_name_is_whole(void **state)
{
	struct world *w = *state;
	mia_is_known(w);
	till_open(w, "a:3", "B2");
	WAIT_FOR(w, said(w, 0, "kept", "a:3"));
	assert_int_equal(find(w, "{\"phone\":\"" PHONE "\"}"), 0);
	assert_string_equal(text_of(got, "first_name"), "Mia");
	assert_false(is(got, "masked"));
	json_t *p = properties(w, "Profile Viewed");
	assert_true(text_of(p, "basket_id")[0]);
	assert_null(json_object_get(p, "reason_code"));
	json_decref(p);
	/* To attach who was found is no second look-up. */
	assert_int_equal(form(w, FLOW_ENROL, "1", "{\"phone\":\"" PHONE "\",\"known\":\"attach\"}"),
	                 0);
	WAIT_FOR(w, answered.done && person_is(w, "1", "known"));
	assert_int_equal(counted(w, COUNTER_LOOKUPS), 1);
}

static void what_is_wrong_with_it_is_said_and_nobody_is_looked_up(void **state)
{
	struct world *w = *state;
	char body[1200];
	mia_is_known(w);
	refuses_search(w, "{\"reason\":\"keys\"}", "missing_field", "phone");
	refuses_search(w,
	               "{\"phone\":\"" PHONE "\",\"email\":\"a@example.org\",\"reason\":\"keys\"}",
	               "missing_field", "phone");
	refuses_search(w, "{\"phone\":\"12\",\"reason\":\"keys\"}", "bad_field", "phone");
	refuses_search(w, "{\"phone\":\"" PHONE "\",\"reason\":\"a\\u202eb\"}", "bad_field",
	               "reason");
	refuses_search(w, "{\"phone\":\"" PHONE "\",\"reason\":\"a\\u0007b\"}", "bad_field",
	               "reason");
	refuses_search(w, "{\"phone\":\"" PHONE "\",\"reason\":7}", "bad_field", "reason");
	refuses_search(w, "{\"phone\":\"" PHONE "\",\"reason\":\"paid with " PAN "\"}",
	               "card_number", "reason");
	refuses_search(w, "{\"phone\":\"" PHONE "\",\"why\":\"keys\"}", "unknown_field", "why");
	snprintf(body, sizeof body, "{\"phone\":\"" PHONE "\",\"reason\":\"%0201d\"}", 0);
	refuses_search(w, body, "bad_field", "reason");
	snprintf(body, sizeof body, "{\"phone\":\"" PHONE "\",\"reason\":\"x%0199d\"}", 1);
	assert_int_equal(find(w, body), 0);
	assert_int_equal(counted(w, COUNTER_LOOKUPS), 1);
}

static void it_counts_with_all_other_look_ups_of_the_hour(void **state)
{
	struct world *w = *state;
	char body[128];
	mia_is_known(w);
	for (int i = 0; i < LIMIT; i++) {
		snprintf(body, sizeof body, "{\"phone\":\"+49172839%04d\",\"reason\":\"keys\"}",
		         4000 + i);
		assert_int_equal(find(w, body), 0);
	}
	refuses_search(w, "{\"phone\":\"" PHONE "\",\"reason\":\"keys\"}", "too_many_look_ups", "");
	assert_int_equal(flow_lookup_refused(w->flow).count, 1);
	assert_int_equal(
	    form(w, FLOW_ENROL, "1", "{\"first_name\":\"Mia\",\"phone\":\"" PHONE "\"}"),
	    FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "too_many_look_ups");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(without_a_sale_a_reason_is_needed_and_the_name_is_masked),
	    T(the_reason_is_sealed_under_the_key_of_what_was_asked_for),
	    T(a_miss_is_kept_like_a_hit),
	    T(in_an_open_sale_no_reason_is_needed_and_the_name_is_whole),
	    T(what_is_wrong_with_it_is_said_and_nobody_is_looked_up),
	    T(it_counts_with_all_other_look_ups_of_the_hour),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(got);
	return rc;
}
