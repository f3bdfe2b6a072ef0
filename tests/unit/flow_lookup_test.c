/* Look-ups by phone or e-mail: so many an hour for each cashier, each one told, found or not. */
#include "flow_world.h"

#define LIMIT 20

static int number; /* of messages and baskets */

static void open_as(struct world *w, const char *staff)
{
	char line[256], id[16];
	number++;
	snprintf(
	    line, sizeof line,
	    "{\"type\":\"basket_opened\",\"source_message_id\":\"a:%d\",\"basket\":\"B%d\"%s%s%s}",
	    number, number, *staff ? ",\"staff_ref\":\"" : "", staff, *staff ? "\"" : "");
	till_say(w, line);
	snprintf(id, sizeof id, "a:%d", number);
	WAIT_FOR(w, said(w, 0, "kept", id));
}

/* In the basket that `open_as` opened when `number` was `basket`. */
static void look_up(struct world *w, int basket, const char *kind, const char *value)
{
	char line[256], id[16];
	number++;
	snprintf(line, sizeof line,
	         "{\"type\":\"customer_chosen\",\"source_message_id\":\"a:%d\",\"basket\":\"B%d\","
	         "\"kind\":\"%s\",\"value\":\"%s\"}",
	         number, basket, kind, value);
	till_say(w, line);
	snprintf(id, sizeof id, "a:%d", number);
	WAIT_FOR(w, said(w, 0, "kept", id));
}

static void look_up_often(struct world *w, int basket, int times)
{
	char value[32];
	for (int i = 0; i < times; i++) {
		snprintf(value, sizeof value, "+49172839%04d", 4000 + i);
		look_up(w, basket, "phone", value);
	}
}

static void begin(struct world *w)
{
	keep(w);
	number = 0;
	till_connect(w, "T1", "1");
}

static const char *presented(struct world *w, int n, const char *key)
{
	static char text[64];
	json_t *line = kept(w, "Identifier Presented", n);
	assert_non_null(line);
	snprintf(text, sizeof text, "%s", text_of(json_object_get(line, "properties"), key));
	json_decref(line);
	return text;
}

static void the_twenty_first_of_an_hour_is_refused_whoever_has_the_number(void **state)
{
	struct world *w = *state;
	begin(w);
	open_as(w, "K1");
	look_up_often(w, 1, LIMIT);
	assert_string_equal(presented(w, LIMIT - 1, "outcome"), "unknown");
	look_up(w, 1, "email", "anna@example.com");
	assert_string_equal(presented(w, LIMIT, "outcome"), "blocked");
	assert_string_equal(presented(w, LIMIT, "reason"), "look_ups");
	WAIT_FOR(w, person_is(w, "1", "blocked"));
	const char *notice = text_of(shown(w, "1"), "notice");
	assert_non_null(strstr(notice, "20 look-ups in an hour: ask for the card, or again at "));
	assert_int_equal(counter_get(&w->p->counters, COUNTER_LOOKUPS), LIMIT);
	assert_int_equal(counter_get(&w->p->counters, COUNTER_LOOKUPS_REFUSED), 1);
	assert_int_equal(flow_lookup_refused(w->flow).count, 1);
	struct buf json = {0};
	flow_review_json(w->flow, &json);
	buf_byte(&json, '\0');
	assert_non_null(strstr((char *)json.data, "1 look-up refused: the hour's were used up"));
	buf_free(&json);
}

static void a_card_and_another_cashier_go_on_and_after_the_hour_so_does_the_first(void **state)
{
	struct world *w = *state;
	begin(w);
	open_as(w, "K1");
	look_up_often(w, 1, LIMIT);
	look_up(w, 1, "loyalty", CARD);
	assert_string_equal(presented(w, LIMIT, "outcome"), "matched");
	int two = number + 1;
	open_as(w, "K2");
	look_up(w, two, "phone", "+491728390001");
	assert_string_equal(presented(w, LIMIT + 1, "outcome"), "unknown");
	pass(w, 3600 * SECOND_US);
	int three = number + 1;
	open_as(w, "K1");
	look_up(w, three, "phone", "+491728390002");
	assert_string_equal(presented(w, LIMIT + 2, "outcome"), "unknown");
}

static void a_lane_whose_till_names_no_cashier_is_one(void **state)
{
	struct world *w = *state;
	begin(w);
	open_as(w, "");
	look_up_often(w, 1, LIMIT + 1);
	assert_string_equal(presented(w, LIMIT, "reason"), "look_ups");
}

static void a_restart_gives_nobody_a_new_hour(void **state)
{
	struct world *w = *state;
	begin(w);
	open_as(w, "K1");
	look_up_often(w, 1, LIMIT + 1);
	world_close(w);
	world_open(w);
	keep(w);
	till_connect(w, "T1", "1");
	look_up(w, 1, "phone", "+491728390001");
	assert_string_equal(presented(w, LIMIT + 1, "reason"), "look_ups");
	assert_int_equal(flow_lookup_refused(w->flow).count, 2);
}

/* A box without a clock of its own: it began hours ago by its own reckoning, and knows better now.
 */
static void a_restart_after_the_time_came_gives_nobody_a_new_hour(void **state)
{
	struct world *w = *state;
	w->trust = CLOCK_NONE;
	begin(w);
	world_close(w);
	world_open(w);
	keep(w);
	till_connect(w, "T1", "1");
	open_as(w, "K1");
	look_up_often(w, 1, LIMIT);
	world_close(w);
	w->trust = CLOCK_HQ;
	atomic_fetch_add(&w->p->wall_us, 10 * 3600 * SECOND_US);
	world_open(w);
	keep(w);
	till_connect(w, "T1", "1");
	look_up(w, 1, "phone", "+491728390001");
	assert_string_equal(presented(w, LIMIT, "reason"), "look_ups");
}

static void shift(struct world *w, const char *type, const char *more)
{
	char line[400], id[16];
	number++;
	snprintf(line, sizeof line, "{\"type\":\"%s\",\"source_message_id\":\"a:%d\"%s}", type,
	         number, more);
	till_say(w, line);
	snprintf(id, sizeof id, "a:%d", number);
	WAIT_FOR(w, said(w, 0, "kept", id));
}

static void restart(struct world *w)
{
	world_close(w);
	world_open(w);
	keep(w);
	till_connect(w, "T1", "1");
}

/* The till named the cashier once, when its day began. */
static void who_serves_is_known_after_a_restart_and_so_are_their_look_ups(void **state)
{
	struct world *w = *state;
	begin(w);
	shift(w, "till_opened", ",\"staff_ref\":\"K1\"");
	int one = number + 1;
	open_as(w, "");
	look_up_often(w, one, LIMIT);
	shift(w, "basket_voided", ",\"basket\":\"B2\"");
	restart(w);
	restart(w);
	assert_string_equal(sale_operator(w->flow->sale, "1"), "K1");
	int two = number + 1;
	open_as(w, "");
	look_up(w, two, "phone", "+491728390001");
	assert_string_equal(presented(w, LIMIT, "reason"), "look_ups");
	shift(w, "till_closed",
	      ",\"orders\":0,\"orders_sum\":\"0.00\",\"refunds\":0,\"refunds_sum\":\"0.00\","
	      "\"voids\":0,\"voids_sum\":\"0.00\"");
	restart(w);
	assert_null(sale_operator(w->flow->sale, "1"));
}

/* ---- forms ---- */

static struct sale_error refused;
static struct flow_known known;
static bool done;

static void on_done(void *ctx, const struct sale_error *err)
{
	(void)ctx;
	assert_null(err);
	done = true;
}

static int enrol(struct world *w, const char *body)
{
	json_t *o = json_loads(body, 0, NULL);
	const struct flow_form f = {.kind = FLOW_ENROL, .lane = "1", .body = o, .done = on_done};
	refused = (struct sale_error){0};
	done = false;
	int rc = flow_form(w->flow, &f, &known, &refused);
	json_decref(o);
	if (rc == 0)
		WAIT_FOR(w, done);
	return rc;
}

#define MIA "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\""

static void mia_is_known(struct world *w)
{
	begin(w);
	assert_int_equal(enrol(w, MIA "}"), 0);
	open_as(w, "K1"); /* she waited for a basket */
	number++;
	char line[128];
	snprintf(line, sizeof line,
	         "{\"type\":\"basket_voided\",\"source_message_id\":\"a:%d\",\"basket\":\"B1\"}",
	         number);
	till_say(w, line);
	WAIT_FOR(w, kept_times(w, "Basket Abandoned") == 1);
}

static void a_form_that_finds_somebody_is_told_and_counted_once(void **state)
{
	struct world *w = *state;
	mia_is_known(w);
	open_as(w, "K1");
	int before = kept_times(w, "Identifier Presented");
	assert_int_equal(enrol(w, MIA "}"), FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "known_customer");
	assert_string_equal(known.first_name, "M\u2026");
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == before + 1);
	assert_string_equal(presented(w, before, "method"), "form");
	assert_string_equal(presented(w, before, "outcome"), "matched");
	assert_int_equal(enrol(w, MIA ",\"known\":\"attach\"}"), 0);
	assert_int_equal(counter_get(&w->p->counters, COUNTER_LOOKUPS), 1);
}

static void what_was_told_before_a_restart_is_no_second_look_up(void **state)
{
	struct world *w = *state;
	mia_is_known(w);
	open_as(w, "K1");
	assert_int_equal(enrol(w, MIA "}"), FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "known_customer");
	int before = kept_times(w, "Identifier Presented");
	WAIT_FOR(w, kept_times(w, "Identifier Presented") > before || !w->flow->in_flight);
	restart(w);
	WAIT_FOR(w, kept_times(w, "Box Started") == 2);
	before = kept_times(w, "Identifier Presented");
	assert_int_equal(enrol(w, MIA ",\"known\":\"attach\"}"), 0);
	assert_int_equal(counter_get(&w->p->counters, COUNTER_LOOKUPS), 1);
	assert_int_equal(kept_times(w, "Identifier Presented"), before);
	/* Asked again, it is one. */
	assert_int_equal(enrol(w, "{\"first_name\":\"Mia\",\"phone\":\"0172 8394057\"}"),
	                 FLOW_FORM_REFUSED);
	assert_int_equal(counter_get(&w->p->counters, COUNTER_LOOKUPS), 2);
}

static void without_an_open_sale_a_form_does_not_say_who_it_is(void **state)
{
	struct world *w = *state;
	mia_is_known(w);
	assert_int_equal(enrol(w, MIA "}"), FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "no_basket");
	assert_false(known.is);
	assert_int_equal(enrol(w, MIA ",\"known\":\"attach\"}"), FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "no_basket");
	assert_true(counter_get(&w->p->counters, COUNTER_LOOKUPS) >= 1);
}

static void when_they_are_used_up_a_form_takes_no_number_but_a_card(void **state)
{
	struct world *w = *state;
	mia_is_known(w);
	int basket = number + 1;
	open_as(w, "K1");
	look_up_often(w, basket, LIMIT);
	assert_int_equal(enrol(w, MIA "}"), FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "too_many_look_ups");
	assert_int_equal(enrol(w, MIA ",\"known\":\"attach\"}"), FLOW_FORM_REFUSED);
	assert_string_equal(refused.code, "too_many_look_ups");
	scan(w, "2600000000999");
	WAIT_FOR(w, is(shown(w, "1"), "new_card"));
	if (enrol(w, "{\"first_name\":\"Ida\"}") != 0)
		fail_msg("%s: %s", refused.code, refused.message);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(the_twenty_first_of_an_hour_is_refused_whoever_has_the_number),
	    T(a_card_and_another_cashier_go_on_and_after_the_hour_so_does_the_first),
	    T(a_lane_whose_till_names_no_cashier_is_one),
	    T(a_restart_gives_nobody_a_new_hour),
	    T(a_restart_after_the_time_came_gives_nobody_a_new_hour),
	    T(who_serves_is_known_after_a_restart_and_so_are_their_look_ups),
	    T(a_form_that_finds_somebody_is_told_and_counted_once),
	    T(what_was_told_before_a_restart_is_no_second_look_up),
	    T(without_an_open_sale_a_form_does_not_say_who_it_is),
	    T(when_they_are_used_up_a_form_takes_no_number_but_a_card),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
