/* The start: scans before the baskets are back, tills that wait, why the box was gone. */
#include "flow_world.h"

#include "base/version.h"

/* The thread has read everything back, but nobody has taken it yet. */
static void begin_held(struct world *w)
{
	world_begin(w);
	event_del(w->flow->rebuild_event);
	assert_int_equal(flow_stage(w->flow), FLOW_STARTING);
}

static void release(struct world *w)
{
	event_add(w->flow->rebuild_event, NULL);
	WAIT_FOR(w, flow_stage(w->flow) == FLOW_READY);
}

static json_t *lane_view(struct world *w, const char *lane)
{
	struct buf json = {0};
	assert_true(flow_lane_json(w->flow, lane, &json));
	json_t *view = json_loadb((char *)json.data, json.len, 0, NULL);
	assert_non_null(view);
	buf_free(&json);
	return view;
}

/* The n-th Identifier Presented has this outcome; and its context.laneway. */
static json_t *presented(struct world *w, int n, const char *outcome)
{
	json_t *line = kept(w, "Identifier Presented", n);
	assert_non_null(line);
	assert_string_equal(text_of(json_object_get(line, "properties"), "outcome"), outcome);
	json_t *context = json_incref(json_object_get(json_object_get(line, "context"), "laneway"));
	json_decref(line);
	return context;
}

static void a_scan_of_the_start_is_kept_at_once_and_told_with_its_visit_later(void **state)
{
	struct world *w = *state;
	world_close(w);
	begin_held(w);
	keep(w);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
	json_t *first = presented(w, 0, "held");
	assert_null(json_object_get(first, "visit_id"));
	json_t *view = lane_view(w, "1");
	assert_string_equal(text_of(view, "state"), "starting");
	assert_string_equal(text_of(view, "prompt"), "Cards are kept, names in a moment");
	assert_string_equal(text_of(view, "notice"), "Card kept");
	assert_string_equal(text_of(json_object_get(view, "person"), "state"), "none");
	json_decref(view);

	release(w);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2);
	json_t *second = presented(w, 1, "matched");
	assert_non_null(json_object_get(second, "visit_id"));
	assert_true(
	    json_equal(json_object_get(first, "mono_us"), json_object_get(second, "mono_us")));
	assert_string_equal(text_of(first, "source"), text_of(second, "source"));
	assert_true(person_is(w, "1", "known"));
	assert_string_equal(text_of(shown(w, "1"), "state"), "idle");
	json_decref(first);
	json_decref(second);
}

static void a_scan_of_the_start_belongs_to_the_basket_that_was_open(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	world_close(w);
	begin_held(w);
	keep(w);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
	release(w);
	assert_int_equal(kept_times(w, "Customer Attached"), 0);
	till_connect(w, "T1", "1");
	till_say(w, "{\"type\":\"made\",\"before_ms\":0}");
	WAIT_FOR(w, kept_times(w, "Customer Attached") == 1);
	json_t *opened = kept(w, "Basket Opened", 0), *attached = kept(w, "Customer Attached", 0);
	assert_string_equal(text_of(json_object_get(opened, "properties"), "basket_id"),
	                    text_of(json_object_get(attached, "properties"), "basket_id"));
	json_decref(opened);
	json_decref(attached);
	assert_string_equal(text_of(person(w, "1"), "first_name"), "Anna");
	assert_string_equal(text_of(shown(w, "1"), "restored_cause"), "restart");
}

static void a_card_number_in_the_start_is_refused_at_once_and_only_once(void **state)
{
	struct world *w = *state;
	world_close(w);
	begin_held(w);
	keep(w);
	scan(w, PAN);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
	json_decref(presented(w, 0, "refused_pan"));
	assert_int_equal(counted(w, COUNTER_PAN_REFUSED), 1);
	release(w);
	WAIT_FOR(w, kept_times(w, "Box Started") == 1);
	assert_int_equal(kept_times(w, "Identifier Presented"), 1);
}

static void more_scans_than_a_start_remembers_are_kept_all_the_same(void **state)
{
	struct world *w = *state;
	char card[32];
	world_close(w);
	begin_held(w);
	keep(w);
	for (int i = 0; i < SALE_EARLY_MAX + 5; i++) {
		snprintf(card, sizeof card, "26%011d", i);
		scan(w, card);
		WAIT_FOR(w, counted(w, COUNTER_SCANS) == (uint64_t)i + 1);
	}
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == SALE_EARLY_MAX + 5);
	release(w);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2 * SALE_EARLY_MAX + 5);
	assert_int_equal(counted(w, COUNTER_CAPTURE_GAPS), 0);
}

static void a_scan_of_the_start_that_cannot_be_kept_is_a_gap_and_tied_to_nobody(void **state)
{
	struct world *w = *state;
	world_close(w);
	begin_held(w);
	while (w->flow->in_flight < FLOW_QUEUE_MAX)
		assert_true(
		    flow_put(w->flow, flow_box_entry(w->flow, EVENT_DEVICE_CONNECTED, "1",
		                                     "{\"cause\":\"test\",\"source\":\"x\"}")));
	scan(w, CARD);
	WAIT_FOR(w, counted(w, COUNTER_CAPTURE_GAPS) == 1);
	keep(w);
	WAIT_FOR(w, kept_times(w, "Capture Gap") == 1);
	release(w);
	WAIT_FOR(w, kept_times(w, "Box Started") == 1);
	assert_int_equal(kept_times(w, "Identifier Presented"), 0);
}

/* ---- tills ---- */

static void a_till_is_greeted_when_its_baskets_are_known(void **state)
{
	struct world *w = *state;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	world_close(w);
	close(w->till);
	w->till = -1;
	begin_held(w);
	keep(w);
	to.sin_port = htons((uint16_t)pos_port(w->flow->pos));
	w->till = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(w->till, (struct sockaddr *)&to, sizeof to), 0);
	size_t from = said_count(w);
	till_say(
	    w,
	    "{\"type\":\"hello\",\"protocol\":1,\"till\":\"T1\",\"lane\":\"1\",\"token\":\"" TOKEN
	    "\"}");
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	for (int i = 0; i < 20; i++)
		turn(w);
	assert_int_equal(said_count(w), from);
	release(w);
	WAIT_FOR(w, said(w, from, "kept", "a:2"));
	json_t *welcome = said(w, from, "welcome", NULL);
	assert_int_equal(json_array_size(json_object_get(welcome, "baskets")), 1);
}

static void a_till_message_waits_until_it_is_known_what_was_taken(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	struct window *window = w->flow->window;
	w->flow->window = NULL; /* as between the baskets and the window */
	till_open(w, "a:1", "B1");
	till_open(w, "a:1", "B1");
	scan(w, CARD); /* scans go on */
	WAIT_FOR(w, person_is(w, "1", "known"));
	for (int i = 0; i < 20; i++)
		turn(w);
	assert_null(said(w, 0, "kept", NULL));
	w->flow->window = window;
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	WAIT_FOR(w, counted(w, COUNTER_POS_REPEATED) == 1);
	assert_int_equal(kept_times(w, "Basket Opened"), 1);
}

static void taps_are_refused_while_the_box_starts(void **state)
{
	struct world *w = *state;
	struct sale_error err;
	const struct flow_tap tap = {.lane = "1"};
	world_close(w);
	begin_held(w);
	assert_int_equal(flow_tap(w->flow, &tap, &err), -1);
	assert_string_equal(err.code, "starting");
	release(w);
}

static void a_reload_in_the_start_is_taken(void **state)
{
	struct world *w = *state;
	world_close(w);
	begin_held(w);
	keep(w);
	struct conf *old = w->conf;
	w->conf = world_conf(w, "loyalty \"card\" { prefix = 26 length = 13 }\n");
	flow_reload(w->flow, w->conf);
	conf_free(old);
	release(w);
	WAIT_FOR(w, kept_times(w, "Configuration Changed") == 1);
}

static void the_box_may_be_stopped_while_it_starts(void **state)
{
	struct world *w = *state;
	world_close(w);
	begin_held(w);
	keep(w);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
	world_close(w);
	world_open(w);
	keep(w);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 2);
	json_decref(presented(w, 1, "matched"));
}

static void a_message_sent_again_is_the_tills_word_on_its_basket(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	for (int confirmed = 1; confirmed >= 0; confirmed--) {
		world_close(w);
		world_open(w);
		keep(w);
		size_t from = said_count(w);
		till_connect(w, "T1", "1");
		if (confirmed) {
			till_open(w, "a:1", "B1");
			WAIT_FOR(w, said(w, from, "kept", "a:1"));
		}
		pass(w, 601 * SECOND_US);
		flow_tick(w->flow);
		WAIT_FOR(w, w->flow->in_flight == 0);
		assert_int_equal(kept_times(w, "Basket Abandoned"), !confirmed);
	}
}

/* ---- Box Started ---- */

static void why_the_box_was_gone_is_told_by_boot_and_end(void **state)
{
	struct flow_before before = {.any = true, .boot = "a"};
	(void)state;
	assert_string_equal(flow_cause(&(struct flow_before){0}, "a", true), "new");
	assert_string_equal(flow_cause(&before, "b", false), "power");
	assert_string_equal(flow_cause(&before, "a", false), "crash");
	assert_string_equal(flow_cause(&before, "a", true), "restart");
	assert_string_equal(flow_cause(&before, "b", true), "restart");
	strcpy(before.version, "an older one");
	assert_string_equal(flow_cause(&before, "a", true), "upgrade");
	assert_string_equal(flow_cause(&before, "a", false), "crash");
	snprintf(before.version, sizeof before.version, "%s", version_text());
	assert_string_equal(flow_cause(&before, "a", true), "restart");
}

static void sql(struct world *w, const char *text)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(w->p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void each_start_is_told_once_with_its_cause(void **state)
{
	static const char *const causes[] = {"new", "restart", "crash", "upgrade"};
	struct world *w = *state;
	keep(w);
	WAIT_FOR(w, kept_times(w, "Box Started") == 1);
	for (int i = 1; i < 4; i++) {
		world_close(w);
		if (i == 2)
			sql(w, "UPDATE epoch SET closed = 0");
		if (i == 3)
			sql(w, "UPDATE meta SET value = CAST(value || 'x' AS BLOB) WHERE name = "
			       "'mark.started'");
		world_open(w);
		keep(w);
		WAIT_FOR(w, kept_times(w, "Box Started") == i + 1);
	}
	for (int i = 0; i < 4; i++) {
		json_t *line = kept(w, "Box Started", i), *p = json_object_get(line, "properties");
		assert_string_equal(text_of(p, "cause"), causes[i]);
		assert_int_equal(is(p, "clean"), i != 2);
		assert_string_equal(text_of(p, "version"), version_text());
		json_decref(line);
	}
}

static atomic_bool ids_fail; /* sqlite has no place for a context */

/* Whatever reads message ids breaks off. */
static int on_statement(unsigned what, void *ctx, void *stmt, void *sql)
{
	(void)what;
	(void)sql;
	const char *text = sqlite3_sql(stmt);
	if (atomic_load(&ids_fail) && strstr(text, "SELECT") == text && strstr(text, " ids "))
		sqlite3_interrupt(ctx);
	return 0;
}

static int watch_statements(sqlite3 *db, const char **err, const void *api)
{
	(void)err;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, db);
}

static void message_ids_that_cannot_be_read_do_not_keep_the_tills_waiting(void **state)
{
	struct world *w = *state;
	keep(w);
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said(w, 0, "kept", "a:1"));
	world_close(w);
	assert_int_equal(sqlite3_auto_extension((void (*)(void))watch_statements), SQLITE_OK);
	atomic_store(&ids_fail, true);
	world_open(w); /* waits for the end of the start */
	atomic_store(&ids_fail, false);
	sqlite3_reset_auto_extension();
	keep(w);
	till_connect(w, "T1", "1");
	size_t from = said_count(w);
	till_open(w, "a:2", "B2");
	WAIT_FOR(w, said(w, from, "kept", "a:2"));
}

/* ---- where a rebuild begins ---- */

static uint64_t marked(struct world *w, uint8_t epoch[EVENT_EPOCH_BYTES])
{
	struct buf mark = {0};
	assert_int_equal(journal_reader_mark(place_reader(w->p), FLOW_MARK_OPEN, &mark), 0);
	assert_int_equal(mark.len, EVENT_EPOCH_BYTES + 8);
	memcpy(epoch, mark.data, EVENT_EPOCH_BYTES);
	uint64_t seq = buf_get64(mark.data + EVENT_EPOCH_BYTES);
	buf_free(&mark);
	return seq;
}

static void many_events(struct world *w, int n)
{
	for (int i = 0; i < n; i++)
		assert_true(
		    flow_put(w->flow, flow_box_entry(w->flow, EVENT_DEVICE_CONNECTED, "1",
		                                     "{\"cause\":\"test\",\"source\":\"x\"}")));
	WAIT_FOR(w, w->flow->in_flight == 0);
}

static void an_open_basket_is_found_however_many_events_follow_it(void **state)
{
	struct world *w = *state;
	uint8_t epoch[EVENT_EPOCH_BYTES], now[EVENT_EPOCH_BYTES];
	struct journal_state s;
	keep(w);
	till_connect(w, "T1", "1");
	WAIT_FOR(w, kept_times(w, "Device Connected") == 1);
	many_events(w, FLOW_MARK_EVERY);
	till_open(w, "a:1", "B1");
	json_t *answer;
	WAIT_FOR(w, (answer = said(w, 0, "kept", "a:1")));
	uint64_t opened = (uint64_t)json_integer_value(json_object_get(answer, "seq"));
	many_events(w, 2 * FLOW_MARK_EVERY);
	many_events(w, 1);
	assert_int_equal(marked(w, epoch), opened);
	world_close(w);
	place_stop(w->p);

	world_open(w);
	keep(w);
	WAIT_FOR(w, w->flow->in_flight == 0);
	json_t *view = lane_view(w, "1");
	assert_true(json_is_object(json_object_get(view, "basket")));
	json_decref(view);
	journal_state(w->p->journal, &s);
	memcpy(now, s.epoch, sizeof now);
	size_t from = said_count(w);
	till_connect(w, "T1", "1");
	till_say(w, "{\"type\":\"basket_voided\",\"source_message_id\":\"a:2\",\"basket\":\"B1\"}");
	WAIT_FOR(w, said(w, from, "kept", "a:2"));
	many_events(w, FLOW_MARK_EVERY);
	many_events(w, 1);
	assert_true(marked(w, epoch) > 1);
	assert_memory_equal(epoch, now, sizeof now);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_scan_of_the_start_is_kept_at_once_and_told_with_its_visit_later),
	    T(a_scan_of_the_start_belongs_to_the_basket_that_was_open),
	    T(a_card_number_in_the_start_is_refused_at_once_and_only_once),
	    T(more_scans_than_a_start_remembers_are_kept_all_the_same),
	    T(a_scan_of_the_start_that_cannot_be_kept_is_a_gap_and_tied_to_nobody),
	    T(a_till_is_greeted_when_its_baskets_are_known),
	    T(a_till_message_waits_until_it_is_known_what_was_taken),
	    T(a_message_sent_again_is_the_tills_word_on_its_basket),
	    T(taps_are_refused_while_the_box_starts),
	    T(a_reload_in_the_start_is_taken),
	    T(the_box_may_be_stopped_while_it_starts),
	    T(why_the_box_was_gone_is_told_by_boot_and_end),
	    T(each_start_is_told_once_with_its_cause),
	    T(message_ids_that_cannot_be_read_do_not_keep_the_tills_waiting),
	    T(an_open_basket_is_found_however_many_events_follow_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
