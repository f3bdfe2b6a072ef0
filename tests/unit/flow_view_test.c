/* What screens, tills and tools are told, and how old the data may be for it. */
#include "flow_world.h"
#include "store/journal_internal.h"

#define MINUTE (60 * SECOND_US)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static json_t *lane_view(struct world *w, const char *lane)
{
	struct buf json = {0};
	assert_true(flow_lane_json(w->flow, lane, &json));
	json_t *view = json_loadb((char *)json.data, json.len, 0, NULL);
	assert_non_null(view);
	buf_free(&json);
	return view;
}

/* The lane's data was synced so long ago, by a clock that is trusted or not. */
static json_t *fresh_at(struct world *w, int64_t age_us)
{
	w->sync.synced_mono_us = world_mono(w) - age_us;
	json_t *view = lane_view(w, "1");
	json_t *fresh = json_incref(json_object_get(view, "fresh"));
	json_decref(view);
	return fresh;
}

static void attach_anna(struct world *w)
{
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, strcmp(text_of(shown(w, "1"), "state"), "basket") == 0);
	scan(w, CARD);
	WAIT_FOR(w, strcmp(text_of(told(w), "state"), "known") == 0 && !is(told(w), "provisional"));
}

static void the_age_of_the_data_is_told_by_its_bounds(void **state)
{
	struct world *w = *state;
	static const struct {
		int64_t age_us;
		const char *level, *text;
	} ages[] = {
	    {0, "now", ""},
	    {15 * MINUTE - 1, "now", ""},
	    {15 * MINUTE, "as_of", "as of 16:47"},
	    {DAY - 1, "as_of", "as of 17:02"},
	    {DAY, "amber", "as of 17:02, 1 d ago"},
	    {7 * DAY - 1, "amber", "as of 17:02, 6 d ago"},
	    {7 * DAY, "no_prompts", "data 7 days old"},
	    {14 * DAY - 1, "no_prompts", "data 13 days old"},
	    {14 * DAY, "no_points", "data 14 days old"},
	    {90 * DAY - 1, "no_points", "data 89 days old"},
	    {90 * DAY, "locked", "data too old: names are locked"},
	};
	pass(w, 200 * DAY);
	/* 17:02:03 of its day */
	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
		json_t *fresh = fresh_at(w, ages[i].age_us);
		assert_string_equal(text_of(fresh, "level"), ages[i].level);
		assert_string_equal(text_of(fresh, "text"), ages[i].text);
		assert_int_equal(json_integer_value(json_object_get(fresh, "age_s")),
		                 ages[i].age_us / SECOND_US);
		json_decref(fresh);
	}
}

static void slow_since(struct world *w, int64_t end_us, int64_t busy_us)
{
	struct journal *j = w->p->journal;
	pthread_mutex_lock(&j->lock);
	j->state.slow_end_us = end_us;
	j->state.busy_since_us = busy_us;
	pthread_mutex_unlock(&j->lock);
}

static void alarm_is(struct world *w, const char *word)
{
	json_t *view = lane_view(w, "1");
	const char *alarm = json_string_value(json_object_get(view, "alarm"));
	if (word)
		assert_non_null(strstr(alarm, word));
	else
		assert_true(json_is_null(json_object_get(view, "alarm")));
	json_decref(view);
}

static void a_disk_that_is_slow_shows_on_the_strip(void **state)
{
	struct world *w = *state;
	pass(w, DAY);
	alarm_is(w, NULL);
	slow_since(w, world_mono(w) - MINUTE, 0);
	alarm_is(w, "slow");
	slow_since(w, world_mono(w) - 15 * MINUTE, 0);
	alarm_is(w, NULL);
	slow_since(w, 0, world_mono(w) - 3 * SECOND_US); /* and it has not answered yet */
	alarm_is(w, "slow");
	slow_since(w, 0, world_mono(w) - 1 * SECOND_US);
	alarm_is(w, NULL);
}

static void data_that_never_came_is_not_called_fresh(void **state)
{
	struct world *w = *state;
	w->sync = (struct sync_state){0};
	json_t *view = lane_view(w, "1"), *fresh = json_object_get(view, "fresh");
	assert_string_equal(text_of(fresh, "level"), "no_prompts");
	assert_string_equal(text_of(fresh, "text"), "no customer data yet");
	assert_true(json_is_null(json_object_get(fresh, "age_s")));
	assert_false(is(json_object_get(view, "hq"), "reachable"));
	json_decref(view);
}

/* After a restart only the wall clock knows when the last sync was. */
static void an_untrusted_clock_makes_the_data_older_never_younger(void **state)
{
	struct world *w = *state;
	static const struct {
		int64_t synced_ago_us, booted_ago_us;
		enum clock_trust trust;
		const char *level;
	} cases[] = {
	    {MINUTE, HOUR, CLOCK_KERNEL, "now"},
	    {8 * DAY, HOUR, CLOCK_KERNEL, "no_prompts"},
	    {-DAY, HOUR, CLOCK_KERNEL, "now"}, /* the clock was put back a little */
	    {MINUTE, HOUR, CLOCK_NONE, "amber"},
	    {MINUTE, 8 * DAY, CLOCK_NONE, "no_prompts"},
	    {20 * DAY, HOUR, CLOCK_NONE, "no_points"},
	    {-400 * DAY, HOUR, CLOCK_NONE, "amber"}, /* a clock that began in the past */
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		w->sync =
		    (struct sync_state){.synced_wall_us = world_wall(w) - cases[i].synced_ago_us};
		atomic_store(&w->mono_us, cases[i].booted_ago_us);
		w->trust = cases[i].trust;
		json_t *view = lane_view(w, "1");
		assert_string_equal(text_of(json_object_get(view, "fresh"), "level"),
		                    cases[i].level);
		json_decref(view);
	}
}

static void what_the_lane_says_of_a_customer_fades_with_the_datas_age(void **state)
{
	struct world *w = *state;
	static const struct {
		int64_t age_us;
		const char *first_name, *tier, *prompt;
		bool points, masked;
	} ages[] = {
	    {0, "Anna", "gold", "Greet by name", true, false},
	    {6 * DAY, "Anna", "gold", "Greet by name", true, false},
	    {7 * DAY, "Anna", "gold", "", true, false},
	    {14 * DAY, "Anna", "gold", "", false, false},
	    {90 * DAY, "Member", "", "", false, true},
	};
	pass(w, 200 * DAY);
	attach_anna(w);
	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
		struct buf json = {0};
		struct lane_view v;
		w->sync.synced_mono_us = world_mono(w) - ages[i].age_us;
		json_t *view = lane_view(w, "1"), *p = json_object_get(view, "person");
		assert_string_equal(text_of(p, "first_name"), ages[i].first_name);
		assert_string_equal(text_of(p, "tier"), ages[i].tier);
		assert_int_equal(json_is_integer(json_object_get(p, "points")), ages[i].points);
		assert_int_equal(is(p, "masked"), ages[i].masked);
		assert_string_equal(text_of(view, "prompt"), ages[i].prompt);
		json_decref(view);
		/* and the till is told no more than the screen */
		assert_true(sale_view(w->flow->sale, "1", &v));
		flow_customer_json(w->flow, &v, &json);
		json_t *customer = json_loadb((char *)json.data, json.len, 0, NULL);
		assert_string_equal(text_of(customer, "first_name"), ages[i].first_name);
		assert_string_equal(text_of(customer, "tier"), ages[i].tier);
		assert_int_equal(json_is_integer(json_object_get(customer, "points")),
		                 ages[i].points);
		json_decref(customer);
		buf_free(&json);
	}
}

static void who_has_no_name_is_not_to_be_greeted_by_it(void **state)
{
	struct world *w = *state;
	world_close(w);
	world_page(w,
	           "{\"customer_id\":\"C000018\",\"identifiers\":[{\"kind\":\"loyalty\",\"ref\":"
	           "\"AAECAwQFBgcICQoLDA0ODw\",\"value\":\"" CARD
	           "\",\"verified\":true}],\"includes\":{},\"name\":\"ACME GmbH\",\"state\":"
	           "\"active\",\"version\":813}\n",
	           813);
	world_open(w);
	attach_anna(w);
	json_t *view = lane_view(w, "1");
	assert_string_equal(text_of(json_object_get(view, "person"), "state"), "known");
	assert_string_equal(text_of(view, "prompt"), "");
	json_decref(view);
}

static void a_name_is_masked_until_a_basket_is_open(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	scan(w, CARD);
	WAIT_FOR(w, person_is(w, "1", "known"));
	assert_string_equal(text_of(person(w, "1"), "first_name"), "A…");
	assert_true(is(person(w, "1"), "masked"));
	WAIT_FOR(w, strcmp(text_of(told(w), "first_name"), "A…") == 0);
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, strcmp(text_of(person(w, "1"), "first_name"), "Anna") == 0);
	assert_false(is(person(w, "1"), "masked"));
	WAIT_FOR(w, strcmp(text_of(told(w), "first_name"), "Anna") == 0);
}

static void a_question_names_nobody_when_names_are_locked(void **state)
{
	struct world *w = *state;
	attach_anna(w);
	till_say(w,
	         "{\"type\":\"customer_removed\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	till_say(w, "{\"type\":\"tender_started\",\"source_message_id\":\"a:3\",\"basket\":\"B1\","
	            "\"value\":\"0.00\"}");
	WAIT_FOR(w, said(w, 0, "kept", "a:3"));
	scan(w, CARD);
	WAIT_FOR(w, json_is_object(json_object_get(shown(w, "1"), "question")));
	assert_string_equal(text_of(json_object_get(shown(w, "1"), "question"), "text"),
	                    "Anna: this customer or next?");
	pass(w, 91 * DAY);
	json_t *view = lane_view(w, "1");
	assert_string_equal(text_of(json_object_get(view, "question"), "text"),
	                    "This customer or next?");
	json_decref(view);
}

static void the_strip_says_whether_hq_is_reachable(void **state)
{
	struct world *w = *state;
	static const struct {
		bool connected, heard, reachable;
	} cases[] = {{true, true, true}, {true, false, false}, {false, true, false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		w->sync.connected = cases[i].connected;
		w->sync.hq_heard = cases[i].heard;
		w->sync.hq_heard_mono_us = world_mono(w) - HOUR;
		json_t *view = lane_view(w, "1"), *hq = json_object_get(view, "hq");
		assert_int_equal(is(hq, "reachable"), cases[i].reachable);
		assert_string_equal(text_of(hq, "since"), "16:02");
		json_decref(view);
	}
}

static void the_status_names_devices_tills_and_every_counter(void **state)
{
	struct world *w = *state;
	struct buf json = {0};
	attach_anna(w);
	flow_status_json(w->flow, &json);
	json_t *s = json_loadb((char *)json.data, json.len, 0, NULL);
	assert_non_null(s);
	assert_string_equal(text_of(s, "store"), "s1");
	assert_int_equal(json_integer_value(json_object_get(s, "pos_port")),
	                 pos_port(w->flow->pos));
	json_t *source = json_array_get(json_object_get(s, "sources"), 0);
	assert_string_equal(text_of(source, "name"), "scan-1");
	assert_true(is(source, "up"));
	json_t *till = json_array_get(json_object_get(s, "tills"), 0);
	assert_string_equal(text_of(till, "till"), "T1");
	assert_string_equal(text_of(till, "lane"), "1");
	assert_true(is(till, "up"));
	assert_false(is(till, "awaited"));
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(s, "sync"), "profiles")), 1);
	json_t *counters = json_object_get(s, "counters");
	assert_int_equal(json_object_size(counters), COUNTER_COUNT);
	assert_int_equal(json_integer_value(json_object_get(counters, "laneway_scans_total")), 1);
	json_decref(s);
	buf_free(&json);
}

static void a_profile_is_given_as_cached_and_others_are_not(void **state)
{
	struct world *w = *state;
	struct buf json = {0};
	assert_int_equal(flow_profile_json(w->flow, "C000017", &json), 1);
	json_t *p = json_loadb((char *)json.data, json.len, 0, NULL);
	assert_string_equal(text_of(p, "name"), "Anna Berg");
	json_decref(p);
	buf_reset(&json);
	assert_int_equal(flow_profile_json(w->flow, "C000018", &json), 0);
	assert_int_equal(json.len, 0);
	buf_free(&json);
}

static void a_lane_that_is_not_there_has_no_view(void **state)
{
	struct world *w = *state;
	struct buf json = {0};
	assert_false(flow_lane_json(w->flow, "9", &json));
	assert_int_equal(json.len, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(the_age_of_the_data_is_told_by_its_bounds),
	    T(a_disk_that_is_slow_shows_on_the_strip),
	    T(data_that_never_came_is_not_called_fresh),
	    T(an_untrusted_clock_makes_the_data_older_never_younger),
	    T(what_the_lane_says_of_a_customer_fades_with_the_datas_age),
	    T(who_has_no_name_is_not_to_be_greeted_by_it),
	    T(a_name_is_masked_until_a_basket_is_open),
	    T(a_question_names_nobody_when_names_are_locked),
	    T(the_strip_says_whether_hq_is_reachable),
	    T(the_status_names_devices_tills_and_every_counter),
	    T(a_profile_is_given_as_cached_and_others_are_not),
	    T(a_lane_that_is_not_there_has_no_view),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
