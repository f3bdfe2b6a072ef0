/* The event path over a machine whose clocks jump: trusted points, their mark, message ids, dates,
 * the age of the data. */
#include "flow_world.h"

#define DAY (86400 * SECOND_US)
#define YEAR (365 * DAY)

static struct {
	bool kernel;
	int64_t jumped_us; /* of the machine's wall clock against the test's */
} machine;

static int64_t raw_mono(void *ctx)
{
	return world_mono(ctx);
}

static int64_t raw_wall(void *ctx)
{
	return world_wall(ctx) + machine.jumped_us;
}

static bool raw_kernel(void *ctx, int64_t *error_us)
{
	(void)ctx;
	*error_us = 20000;
	return machine.kernel;
}

static bool raw_rtc(void *ctx, int64_t wall_us)
{
	(void)ctx;
	(void)wall_us;
	return false;
}

static struct clock_raw raw = {raw_mono, raw_wall, raw_kernel, raw_rtc, NULL};

static json_t *lines; /* read in a test; go with it */

static void begin_anew(struct world *w, bool kernel, int64_t jumped_us)
{
	machine.kernel = kernel;
	machine.jumped_us = jumped_us;
	w->keep = clock_keep_new(&raw, w->p->wall_us - 30 * DAY, &w->p->counters);
	w->p->params.clock = clock_keep_clock(w->keep);
	world_open(w);
	keep(w);
}

static void begin(struct world *w, bool kernel, int64_t jumped_us)
{
	raw.ctx = w;
	lines = json_array();
	world_close(w);
	begin_anew(w, kernel, jumped_us);
}

static int tear_down(void **state)
{
	struct world *w = *state;
	struct clock_keep *k = w->keep;
	world_tear_down(state);
	clock_keep_free(k);
	json_decref(lines);
	lines = NULL;
	return 0;
}

/* Another run of the daemon over the same folder. */
static void again(struct world *w, bool kernel, int64_t jumped_us)
{
	char path[96];
	struct clock_keep *old = w->keep;
	world_close(w);
	snprintf(path, sizeof path, "%s/journal.db", w->p->dir);
	machine.kernel = kernel;
	machine.jumped_us = jumped_us;
	w->keep = clock_keep_new(&raw, w->p->wall_us - 30 * DAY, &w->p->counters);
	flow_clock_recall(w->keep, path, "s1", w->p->vault);
	w->p->params.clock = clock_keep_clock(w->keep);
	world_open(w);
	keep(w);
	clock_keep_free(old);
}

static json_t *kept_line(struct world *w, const char *event, int n)
{
	json_t *line = kept(w, event, n);
	json_array_append_new(lines, line);
	return line;
}

static json_t *point(struct world *w, int n)
{
	WAIT_FOR(w, kept_times(w, "Clock Repaired") > n);
	return json_object_get(kept_line(w, "Clock Repaired", n), "properties");
}

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void hq_says(struct world *w, int64_t wall_us)
{
	const struct clock_point p = {w->mono_us, wall_us, 5000, CLOCK_HQ};
	clock_keep_hq(w->keep, &p);
	flow_clock_look(w->flow);
}

static void the_first_trusted_point_is_journaled_and_says_how_far_off_the_clock_was(void **state)
{
	struct world *w = *state;
	int64_t off = w->p->wall_us;
	begin(w, false, -off); /* 1970 */
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
	assert_int_equal(kept_times(w, "Clock Repaired"), 0);
	int64_t now = w->p->wall_us;
	hq_says(w, now);
	json_t *p = point(w, 0);
	assert_string_equal(text_of(p, "source"), "hq");
	assert_string_equal(text_of(p, "reason"), "first");
	assert_true(number(p, "wall_us") == now);
	assert_true(number(p, "offset") == off);
	assert_true(number(p, "mono_us") == w->mono_us && number(p, "error") == 5000);
	for (int i = 0; i < 20; i++)
		flow_clock_look(w->flow);
	pass(w, 3601 * SECOND_US);
	flow_clock_look(w->flow);
	assert_string_equal(text_of(point(w, 1), "reason"), "hourly");
	assert_int_equal(kept_times(w, "Clock Repaired"), 2);
}

static void the_next_run_of_the_same_boot_goes_on_with_it(void **state)
{
	struct world *w = *state;
	begin(w, false, -w->p->wall_us);
	hq_says(w, w->p->wall_us);
	clock_keep_floor(w->keep, w->p->wall_us);
	point(w, 0);
	pass(w, 3601 * SECOND_US);
	flow_clock_look(w->flow);
	point(w, 1); /* with the floor */
	again(w, false, -w->p->wall_us);
	struct clock_state s;
	clock_keep_state(w->keep, &s);
	assert_int_equal(s.trust, CLOCK_HQ);
	assert_true(s.wall_us == w->p->wall_us);
	assert_true(s.floor_us == w->p->wall_us - 3601 * SECOND_US);
}

static void a_mark_of_another_boot_says_only_what_has_passed(void **state)
{
	uint8_t mark[1 + 16 + 1 + 32] = {1};
	struct clock_past past;
	(void)state;
	memset(mark + 1, 0xab, 16);
	mark[17] = CLOCK_HQ;
	mark[25] = 7;
	mark[33] = 8;
	mark[41] = 9;
	mark[49] = 10;
	assert_true(flow_clock_past(mark, sizeof mark, "abababababababababababababababab", &past));
	assert_true(past.same_boot && past.point.source == CLOCK_HQ && past.point.mono_us == 7);
	assert_true(past.point.wall_us == 8 && past.point.error_us == 9 && past.floor_us == 10);
	assert_true(flow_clock_past(mark, sizeof mark, "abababababababababababababababac", &past));
	assert_false(past.same_boot);
	assert_false(flow_clock_past(mark, sizeof mark - 1, "", &past));
	mark[17] = 4;
	assert_false(flow_clock_past(mark, sizeof mark, "", &past));
	mark[17] = 1;
	mark[0] = 2;
	assert_false(flow_clock_past(mark, sizeof mark, "", &past));
}

/* The same message again, over a new connection: it must be known. */
static void ask_again(struct world *w)
{
	size_t kept = said_times(w, "kept", "a:1");
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said_times(w, "kept", "a:1") > kept || said(w, 0, "error", NULL));
	assert_null(said(w, 0, "error", NULL));
}

static void open_basket(struct world *w)
{
	till_connect(w, "T1", "1");
	till_open(w, "a:1", "B1");
	WAIT_FOR(w, said_times(w, "kept", "a:1") == 1);
}

static void a_jump_ages_no_message_id(void **state)
{
	struct world *w = *state;
	begin(w, true, 0);
	open_basket(w);
	machine.kernel = false;
	machine.jumped_us = 10 * YEAR;
	pass(w, 20 * SECOND_US);
	flow_tick(w->flow);
	turn(w);
	ask_again(w);
	again(w, false, 10 * YEAR);
	ask_again(w);
}

static void a_boot_ten_years_ahead_ages_no_message_id(void **state)
{
	struct world *w = *state;
	begin(w, true, 0);
	open_basket(w);
	struct clock_keep *k = w->keep;
	world_close(w);
	begin_anew(w, false, 10 * YEAR); /* knows nothing of the run before, as another boot */
	clock_keep_free(k);
	assert_int_equal(clock_trusted(clock_keep_clock(w->keep)), CLOCK_NONE);
	ask_again(w);
}

static void an_id_of_1970_is_still_known_when_the_time_is(void **state)
{
	struct world *w = *state;
	begin(w, false, 3600 * SECOND_US - w->p->wall_us);
	open_basket(w);
	hq_says(w, w->p->wall_us);
	point(w, 0);
	again(w, true, 0);
	ask_again(w);
}

static const char *date_of(struct world *w, const char *event, int n)
{
	json_t *line = kept_line(w, event, n);
	return text_of(json_object_get(json_object_get(line, "context"), "laneway"),
	               "business_date");
}

static void an_impossible_clock_gives_the_last_business_date_known(void **state)
{
	struct world *w = *state;
	begin(w, true, 0);
	point(w, 0);
	char today[CLOCK_DATE_SIZE];
	clock_business_date(w->p->wall_us, w->conf->day_cut_min, today);
	/* Another boot would be the same machine here; a floor from before stands for it. */
	again(w, false, -w->p->wall_us);
	scan(w, CARD);
	WAIT_FOR(w, kept_times(w, "Identifier Presented") == 1);
	assert_string_equal(date_of(w, "Identifier Presented", 0), today);
}

static void the_age_of_the_data_does_not_follow_a_clock_that_nobody_trusts(void **state)
{
	struct world *w = *state;
	w->has_sync = true;
	w->sync.synced_mono_us = 0; /* not in this run */
	w->sync.synced_wall_us = w->p->wall_us - 3600 * SECOND_US;
	begin(w, false, 10 * YEAR);
	json_t *fresh = json_object_get(shown(w, "1"), "fresh");
	assert_string_equal(text_of(fresh, "level"), "amber");
	machine.jumped_us = -50 * YEAR;
	pass(w, 16 * SECOND_US);
	flow_publish_all(w->flow);
	assert_string_equal(text_of(json_object_get(shown(w, "1"), "fresh"), "level"), "amber");
	/* At least a day is assumed until it is known; then it is an hour. */
	hq_says(w, w->p->wall_us);
	flow_publish_all(w->flow);
	assert_string_equal(text_of(json_object_get(shown(w, "1"), "fresh"), "level"), "as_of");
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, world_set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(the_first_trusted_point_is_journaled_and_says_how_far_off_the_clock_was),
	    T(the_next_run_of_the_same_boot_goes_on_with_it),
	    cmocka_unit_test(a_mark_of_another_boot_says_only_what_has_passed),
	    T(a_jump_ages_no_message_id),
	    T(a_boot_ten_years_ahead_ages_no_message_id),
	    T(an_id_of_1970_is_still_known_when_the_time_is),
	    T(an_impossible_clock_gives_the_last_business_date_known),
	    T(the_age_of_the_data_does_not_follow_a_clock_that_nobody_trusts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
