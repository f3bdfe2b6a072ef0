/* More of a customer on a tap: what the identification is good for, told before it is shown. */
#include "flow_form_world.h"

#include "fault_vfs.h"

#define NEW_CARD "2600000000999"

static json_t *got; /* what was shown last */
static bool asked;

static void on_shown(void *ctx, const struct sale_error *err, const struct buf *json)
{
	struct world *w = ctx;
	asked = true;
	json_decref(got);
	got = NULL;
	if (err) {
		refused = *err;
		return;
	}
	/* Whoever is shown something finds it in the journal. */
	assert_true(kept_times(w, "Profile Viewed") > 0);
	got = json_loadb((const char *)json->data, json->len, 0, NULL);
	assert_non_null(got);
}

static int look_at(struct world *w, const char *lane, const char *id)
{
	json_t *body = json_pack("{s:s?}", "details", id);
	const struct flow_ask ask = {.lane = lane, .body = body, .done = on_shown, .ctx = w};
	asked = false;
	refused = (struct sale_error){0};
	int rc = flow_details(w->flow, &ask, &refused);
	json_decref(body);
	if (rc == 0)
		WAIT_FOR(w, asked);
	return rc;
}

static const char *offered(struct world *w, const char *lane)
{
	return json_string_value(json_object_get(person(w, lane), "details"));
}

static void shows(struct world *w, const char *lane)
{
	assert_non_null(offered(w, lane));
	if (look_at(w, lane, offered(w, lane)) != 0)
		fail_msg("%s: %s", refused.code, refused.message);
	assert_non_null(got);
}

static bool has(const char *list, const char *key, const char *value)
{
	const json_t *l = json_object_get(got, list);
	for (size_t i = 0; i < json_array_size(l); i++)
		if (strcmp(text_of(json_array_get(l, i), key), value) == 0)
			return true;
	return false;
}

static size_t count_of(const char *list)
{
	return json_array_size(json_object_get(got, list));
}

static void fill(struct world *w, enum flow_form_kind kind, const char *body)
{
	if (form(w, kind, "1", body) != 0)
		fail_msg("%s: %s", refused.code, refused.message);
	WAIT_FOR(w, answered.done);
	pass(w, SECOND_US);
}

static void anna_is_here(struct world *w)
{
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known") && !is(person(w, "1"), "provisional"));
}

/* Enrolled with a card on lane 1: found by it, and by the number that she gave. */
static void mia_is_enrolled(struct world *w)
{
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	scan(w, NEW_CARD);
	WAIT_FOR(w, is(shown(w, "1"), "new_card"));
	fill(w, FLOW_ENROL,
	     "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\",\"email\":\"Mia@Example.org\"}");
	WAIT_FOR(w, person_is(w, "1", "known"));
}

static void chosen(struct world *w, const char *id, const char *basket, const char *value)
{
	char line[256];
	snprintf(line, sizeof line,
	         "{\"type\":\"customer_chosen\",\"source_message_id\":\"%s\",\"basket\":\"%s\","
	         "\"kind\":\"phone\",\"value\":\"%s\"}",
	         id, basket, value);
	till_say(w, line);
	WAIT_FOR(w, said(w, 0, "kept", id));
}

static void notes_that_stand_are_shown_with_their_day_and_the_look_is_kept_first(void **state)
{
	struct world *w = *state;
	anna_is_here(w);
	fill(w, FLOW_CORRECT, "{\"note\":\"large_print\"}");
	fill(w, FLOW_CORRECT, "{\"note\":\"invoice\"}");
	fill(w, FLOW_CORRECT, "{\"no_note\":\"invoice\"}");
	fill(w, FLOW_NOTE, "{\"text\":\"rings twice\"}");
	shows(w, "1");
	assert_int_equal(count_of("notes"), 2);
	assert_true(has("notes", "code", "large_print"));
	assert_true(has("notes", "words", "Needs large print"));
	assert_true(has("notes", "words", "rings twice"));
	char today[CLOCK_ISO8601_SIZE];
	clock_iso8601(w->p->wall_us, today);
	today[10] = '\0';
	assert_true(has("notes", "since", today));
	assert_int_equal(count_of("choices"), 6);
	assert_true(has("choices", "code", "deliveries"));
	assert_int_equal(json_integer_value(json_object_get(got, "seconds")), 10);
	json_t *line = kept(w, "Profile Viewed", 0), *p = json_object_get(line, "properties");
	assert_string_equal(text_of(p, "role"), "cashier");
	assert_string_equal(text_of(p, "purpose"), "sale");
	assert_true(text_of(p, "basket_id")[0]);
	assert_string_equal(json_string_value(json_array_get(json_object_get(p, "fields"), 0)),
	                    "note");
	const json_t *context = json_object_get(json_object_get(line, "context"), "laneway");
	assert_string_equal(text_of(json_object_get(context, "identity"), "profile_ref"),
	                    offered(w, "1"));
	json_decref(line);
	assert_null(memmem(w->kept.data, w->kept.len, "rings twice", 11));
}

static void a_text_that_is_over_is_not_shown(void **state)
{
	struct world *w = *state;
	anna_is_here(w);
	fill(w, FLOW_NOTE, "{\"text\":\"rings twice\"}");
	shows(w, "1");
	assert_int_equal(count_of("notes"), 1);
	atomic_fetch_add(&w->p->wall_us, 91 * 86400 * SECOND_US); /* the basket stays open */
	shows(w, "1");
	assert_int_equal(count_of("notes"), 0);
}

static void a_note_is_there_on_every_lane_at_once_and_after_a_restart(void **state)
{
	struct world *w = *state;
	anna_is_here(w);
	fill(w, FLOW_CORRECT, "{\"note\":\"quiet\"}");
	fill(w, FLOW_NOTE, "{\"text\":\"rings twice\"}");
	till_connect(w, "T2", "2");
	till_open(w, "b:1", "C1");
	till_say(w, "{\"type\":\"customer_chosen\",\"source_message_id\":\"b:2\",\"basket\":\"C1\","
	            "\"kind\":\"loyalty\",\"value\":\"" CARD "\"}");
	WAIT_FOR(w, person_is(w, "2", "known") && offered(w, "2"));
	shows(w, "2");
	assert_int_equal(count_of("notes"), 2);
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, person_is(w, "1", "known") && offered(w, "1"));
	shows(w, "1");
	assert_int_equal(count_of("notes"), 2);
	assert_true(has("notes", "words", "rings twice"));
}

static void contact_is_for_who_showed_the_card_and_notes_for_who_said_the_number(void **state)
{
	struct world *w = *state;
	mia_is_enrolled(w);
	fill(w, FLOW_CORRECT, "{\"note\":\"no_bag\"}");
	shows(w, "1");
	assert_int_equal(count_of("contact"), 2);
	assert_true(has("contact", "value", "+491728394057"));
	assert_true(has("contact", "kind", "email"));
	assert_true(json_is_null(json_object_get(got, "contact_refused")));
	till_connect(w, "T2", "2");
	till_open(w, "b:1", "C1");
	chosen(w, "b:2", "C1", "+491728394057");
	WAIT_FOR(w, person_is(w, "2", "known") && offered(w, "2"));
	shows(w, "2");
	assert_int_equal(count_of("contact"), 0);
	assert_non_null(strstr(text_of(got, "contact_refused"), "card or wallet"));
	assert_true(has("notes", "code", "no_bag"));
	json_t *line = kept(w, "Profile Viewed", 1);
	const json_t *fields = json_object_get(json_object_get(line, "properties"), "fields");
	assert_int_equal(json_array_size(fields), 1); /* what was not shown is not told */
	json_decref(line);
}

/* A whole sale of whoever has the card, served by one cashier. */
static void serve(struct world *w, int n, bool pays)
{
	char line[512], id[16];
	snprintf(id, sizeof id, "a:%d", 2 * n);
	snprintf(line, sizeof line,
	         "{\"type\":\"basket_opened\",\"source_message_id\":\"%s\",\"basket\":\"B%d\","
	         "\"staff_ref\":\"K1\"}",
	         id, n);
	till_say(w, line);
	WAIT_FOR(w, said(w, 0, "kept", id));
	int attached = kept_times(w, "Customer Attached");
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Customer Attached") > attached);
	if (!pays)
		return;
	fill(w, FLOW_CORRECT, "{\"note\":\"no_bag\"}");
	snprintf(
	    line, sizeof line,
	    "{\"type\":\"order_completed\",\"source_message_id\":\"a:%d\",\"basket\":\"B%d\","
	    "\"receipt_number\":\"%d\",\"subtotal\":\"1.00\",\"discount\":\"0.00\",\"tax\":"
	    "\"0.00\",\"rounding\":\"0.00\",\"total\":\"1.00\",\"revenue\":\"1.00\","
	    "\"prices_include_tax\":true,\"sale_kind\":\"sale\",\"products\":[],\"tenders\":[],"
	    "\"change\":\"0.00\"}",
	    2 * n + 1, n, n);
	till_say(w, line);
	WAIT_FOR(w, kept_times(w, "Order Completed") == n);
	pass(w, 90 * SECOND_US);
}

static void by_what_several_people_use_neither_notes_nor_contact_are_shown(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	for (int i = 1; i <= 3; i++)
		serve(w, i, true);
	serve(w, 4, false);
	WAIT_FOR(w, is(person(w, "1"), "shared") && offered(w, "1"));
	shows(w, "1");
	assert_int_equal(count_of("notes"), 0);
	assert_int_equal(count_of("choices"), 0);
	assert_non_null(strstr(text_of(got, "notes_refused"), "several people"));
	assert_int_equal(count_of("contact"), 0);
	assert_non_null(strstr(text_of(got, "contact_refused"), "several people"));
}

static void nothing_is_offered_or_shown_but_of_who_is_in_an_open_sale(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	scan(w, CARD); /* waits for a basket: masked */
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_null(offered(w, "1"));
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, offered(w, "1"));
	char id[64];
	snprintf(id, sizeof id, "%s", offered(w, "1"));
	assert_int_equal(look_at(w, "1", "AAAAAAAAAAAAAAAAAAAAAA"), FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "no_customer");
	assert_int_equal(look_at(w, "1", NULL), FLOW_FORM_WRONG);
	assert_string_equal(refused.field, "details");
	assert_int_equal(look_at(w, "2", id), FLOW_FORM_REFUSED); /* another lane's */
	till_say(w,
	         "{\"type\":\"customer_removed\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, person_is(w, "1", "none"));
	assert_null(offered(w, "1"));
	assert_int_equal(look_at(w, "1", id), FLOW_FORM_REFUSED);
	assert_int_equal(kept_times(w, "Profile Viewed"), 0);
}

/* One more customer of HQ's, with this card and state. */
static void hq_has(struct world *w, int n, const char *card, const char *state)
{
	const struct shard_mark mark = {.generation = "00000000000000aa",
	                                .version = 812 + (uint64_t)n};
	char line[512], path[96], err[256] = "";
	struct shard *s;
	bool made;
	snprintf(
	    line, sizeof line,
	    "{\"customer_id\":\"C00003%d\",\"first_name\":\"Ophelia\",\"identifiers\":[{"
	    "\"kind\":\"loyalty\",\"ref\":\"AQECAwQFBgcICQoLDA0O%dQ\",\"value\":\"%s\","
	    "\"verified\":true}],\"includes\":{},\"points\":40,\"state\":\"%s\",\"version\":%d,"
	    "\"visits\":7}\n",
	    n, n, card, state, 812 + n);
	snprintf(path, sizeof path, "%s/shard.db", w->p->dir);
	if (shard_open(&s, path, w->p->vault, &made, err, sizeof err) ||
	    shard_apply(s, line, strlen(line), &mark, false, err, sizeof err) != 1)
		fail_msg("%s", err);
	shard_free(s);
}

static void of_the_confidential_and_the_restricted_nothing_more_is_shown(void **state)
{
	static const char *const cards[] = {"2600000000187", "2600000000194"}, *const states[] = {
	                                                                           "confidential",
	                                                                           "restricted"};
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	for (int i = 0; i < 2; i++) {
		hq_has(w, i + 1, cards[i], states[i]);
		char line[128], ref[64];
		scan(w, cards[i]);
		WAIT_FOR(w, person_is(w, "1", "known") && !is(person(w, "1"), "provisional"));
		assert_null(offered(w, "1"));
		struct lane_view v;
		assert_true(sale_view(w->flow->sale, "1", &v));
		snprintf(ref, sizeof ref, "%s", v.profile_ref);
		assert_true(ref[0]);
		assert_int_equal(look_at(w, "1", ref), FLOW_FORM_REFUSED);
		snprintf(line, sizeof line,
		         "{\"type\":\"customer_removed\",\"source_message_id\":\"a:%d\",\"basket\":"
		         "\"B1\"}",
		         i + 2);
		till_say(w, line);
		WAIT_FOR(w, person_is(w, "1", "none"));
	}
	assert_int_equal(kept_times(w, "Profile Viewed"), 0);
}

static void of_data_that_is_too_old_nothing_is_shown(void **state)
{
	struct world *w = *state;
	anna_is_here(w);
	char id[64];
	snprintf(id, sizeof id, "%s", offered(w, "1"));
	atomic_fetch_add(&w->mono_us, 91 * 86400 * SECOND_US);
	assert_int_equal(look_at(w, "1", id), FLOW_FORM_REFUSED);
	assert_int_equal(kept_times(w, "Profile Viewed"), 0);
}

static void a_look_that_cannot_be_kept_shows_nothing(void **state)
{
	struct world *w = *state;
	anna_is_here(w);
	fill(w, FLOW_NOTE, "{\"text\":\"rings twice\"}");
	shows(w, "1");
	atomic_store(&fault.log_write_full, true);
	assert_int_equal(look_at(w, "1", offered(w, "1")), 0);
	assert_string_equal(refused.code, "disk_full");
	assert_null(got);
	assert_int_equal(kept_times(w, "Profile Viewed"), 1);
}

static int set_up(void **state)
{
	memset(&fault, 0, sizeof fault);
	return world_set_up(state);
}

static int tear_down(void **state)
{
	memset(&fault, 0, sizeof fault);
	return world_tear_down(state);
}

int main(void)
{
	fault_install();
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(notes_that_stand_are_shown_with_their_day_and_the_look_is_kept_first),
	    T(a_text_that_is_over_is_not_shown),
	    T(a_note_is_there_on_every_lane_at_once_and_after_a_restart),
	    T(contact_is_for_who_showed_the_card_and_notes_for_who_said_the_number),
	    T(by_what_several_people_use_neither_notes_nor_contact_are_shown),
	    T(nothing_is_offered_or_shown_but_of_who_is_in_an_open_sale),
	    T(of_the_confidential_and_the_restricted_nothing_more_is_shown),
	    T(of_data_that_is_too_old_nothing_is_shown),
	    T(a_look_that_cannot_be_kept_shows_nothing),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(got);
	return rc;
}
