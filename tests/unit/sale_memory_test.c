/* Memory runs out at every allocation of a call in turn: nothing changed, no event added, and the
 * same call succeeds afterwards.
 *
 * The files that allocate are compiled into this test, so that their allocations can be counted
 * down.
 */
#include "counted_memory.h"

#include "base/buf.c"
#include "base/memory.c"
#include "event/entry.c"
#include "sale/sale.c"
#undef malloc
#undef calloc
#undef realloc

#include "sale_world.h"

typedef int step_fn(struct world *w, struct entry *e);

static int with_message(struct world *w, struct entry *e, enum till_type type, const char *json)
{
	struct answer chosen;
	json_t *body = json_loads(json, 0, NULL);
	struct till_message m = {
	    .type = type, .till = w->till, .lane = w->lane, .source = "till:T3", .body = body};
	world_answer_for("Carla", &chosen);
	int rc = sale_till(w->s, e, &w->now, &m, &chosen, &w->err);
	json_decref(body);
	if (rc)
		assert_string_equal(w->err.code, "no_memory");
	return rc;
}

static int step_scan(struct world *w, struct entry *e)
{
	struct answer a;
	world_answer_for("Berta", &a);
	return sale_scan(w->s, e, &w->now, w->lane, "scan-3", "scan", NULL, &a);
}
static int step_opened(struct world *w, struct entry *e)
{
	return with_message(w, e, TILL_BASKET_OPENED, "{\"basket\":\"B9\"}");
}
static int step_line(struct world *w, struct entry *e)
{
	return with_message(w, e, TILL_LINE_ADDED,
	                    "{\"basket\":\"B2\",\"line\":\"1\",\"sku\":\"1\",\"name\":\"x\","
	                    "\"quantity\":\"1\",\"unit\":\"kg\",\"price\":\"1.00\","
	                    "\"entry_method\":\"scan\"}");
}
static int step_changed(struct world *w, struct entry *e)
{
	return with_message(
	    w, e, TILL_LINE_CHANGED,
	    "{\"basket\":\"B2\",\"line\":\"1\",\"price\":\"2.00\",\"reason\":\"x\"}");
}
static int step_chosen(struct world *w, struct entry *e)
{
	return with_message(w, e, TILL_CUSTOMER_CHOSEN,
	                    "{\"basket\":\"B2\",\"kind\":\"loyalty\",\"value\":\"x\"}");
}
static int step_order(struct world *w, struct entry *e)
{
	return with_message(
	    w, e, TILL_ORDER_COMPLETED,
	    "{\"basket\":\"B2\",\"receipt_number\":\"1\",\"business_date\":"
	    "\"2026-11-20\",\"subtotal\":\"1.00\",\"discount\":\"0.00\","
	    "\"tax\":\"0.00\",\"rounding\":\"0.00\",\"total\":\"1.00\","
	    "\"revenue\":\"1.00\",\"prices_include_tax\":true,\"sale_kind\":\"sale\","
	    "\"products\":[],\"tenders\":[],\"change\":\"0.00\"}");
}
static int step_voided(struct world *w, struct entry *e)
{
	return with_message(w, e, TILL_BASKET_VOIDED, "{\"basket\":\"B2\"}");
}
static int step_choose(struct world *w, struct entry *e)
{
	return sale_choose(w->s, e, &w->now, w->lane, look(w)->question_id, "next", &w->err);
}
static struct sale_early kept_before;
static int step_tie(struct world *w, struct entry *e)
{
	struct answer a;
	world_answer_for("Berta", &a);
	return sale_tie(w->s, e, &w->now, &kept_before, true, &a);
}
static int step_wrong(struct world *w, struct entry *e)
{
	return sale_wrong_customer(w->s, e, &w->now, w->lane, &w->err);
}

/* Everything a screen can see of a lane. Room comes before the limit: a view allocates nothing. */
static void seen_of(struct world *w, struct lane_view *v, struct lane_line *line, struct buf *tills)
{
	*v = *look(w);
	memset(line, 0, sizeof *line);
	if (v->line_count)
		*line = v->lines[0];
	v->lines = NULL;
	buf_reset(tills);
	sale_till_baskets(w->s, "T3", tills);
}

static const char born_with[3500];

static void fails_clean(struct world *w, step_fn *step)
{
	struct lane_view before, after;
	struct lane_line line_before, line_after;
	struct buf tills_before = {0}, tills_after = {0};
	long n;
	for (n = 0;; n++) {
		struct entry *e = entry_new();
		/* Use up what an entry is born with, so that its events need memory. */
		assert_non_null(entry_text_n(e, born_with, sizeof born_with));
		seen_of(w, &before, &line_before, &tills_before);
		buf_free(&w->s->scratch);
		allocations_left = n;
		int rc = step(w, e);
		bool enough = allocations_left >= 0;
		allocations_left = -1;
		if (enough) {
			assert_int_equal(rc, 0);
			assert_true(e->count > 0);
			entry_free(e);
			break;
		}
		assert_int_equal(rc, -1);
		assert_int_equal(e->count, 0);
		assert_null(e->first);
		assert_null(e->last);
		seen_of(w, &after, &line_after, &tills_after);
		assert_memory_equal(&before, &after, sizeof before);
		assert_memory_equal(&line_before, &line_after, sizeof line_before);
		assert_int_equal(tills_before.len, tills_after.len);
		assert_memory_equal(tills_before.data, tills_after.data, tills_before.len);
		entry_free(e);
	}
	assert_true(n > 1);
	buf_free(&tills_before);
	buf_free(&tills_after);
}

/* An order just closed, an empty basket in front, Anna held with a question. */
static void busy_lane(struct world *w)
{
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	opened(w, "B2");
}

static void an_early_scan_fails_clean(void **state)
{
	fails_clean(*state, step_scan);
}
static void a_scan_that_finds_its_place_fails_clean(void **state)
{
	struct world *w = *state;
	struct answer a;
	opened(w, "B1");
	struct entry *e = world_begin(w);
	world_answer_for("Berta", &a);
	assert_int_equal(sale_early(w->s, e, &w->now, "3", "scan-3", "scan", NULL, &a), 0);
	world_end(w, e, 0);
	assert_true(sale_early_next(w->s, "3", INT64_MAX, &kept_before));
	fails_clean(w, step_tie);
}
static void a_held_scan_fails_clean(void **state)
{
	busy_lane(*state);
	fails_clean(*state, step_scan);
}
static void an_opening_fails_clean(void **state)
{
	scan(*state, "Anna");
	fails_clean(*state, step_opened);
}
static void a_first_line_fails_clean(void **state)
{
	busy_lane(*state);
	fails_clean(*state, step_line);
	assert_string_equal(shown(*state), "Anna");
}
static void a_changed_line_fails_clean(void **state)
{
	busy_lane(*state);
	line(*state, "B2", "1");
	fails_clean(*state, step_changed);
}
static void a_tills_choice_fails_clean(void **state)
{
	busy_lane(*state);
	fails_clean(*state, step_chosen);
}
static void an_order_fails_clean(void **state)
{
	busy_lane(*state);
	fails_clean(*state, step_order);
}
static void a_void_fails_clean(void **state)
{
	busy_lane(*state);
	chosen(*state, "B2", "Berta");
	fails_clean(*state, step_voided);
}
static void a_tap_fails_clean(void **state)
{
	busy_lane(*state);
	fails_clean(*state, step_choose);
}
static void the_big_key_fails_clean(void **state)
{
	busy_lane(*state);
	chosen(*state, "B2", "Berta");
	fails_clean(*state, step_wrong);
}

static void a_tick_without_memory_is_done_a_second_later(void **state)
{
	struct world *w = *state;
	scan(w, "Anna");
	w->now.mono_us += 200 * INT64_C(1000000);
	struct entry *e = entry_new();
	assert_non_null(entry_text_n(e, born_with, sizeof born_with));
	allocations_left = 0;
	int64_t next = sale_tick(w->s, e, &w->now);
	allocations_left = -1;
	assert_int_equal(e->count, 0);
	assert_true(next == w->now.mono_us + 1000000);
	assert_string_equal(shown(w), "Anna");
	entry_free(e);
	assert_string_equal(later(w, 1), "Identifier Presented, Visit Ended");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    world_test(an_early_scan_fails_clean),
	    world_test(a_scan_that_finds_its_place_fails_clean),
	    world_test(a_held_scan_fails_clean),
	    world_test(an_opening_fails_clean),
	    world_test(a_first_line_fails_clean),
	    world_test(a_changed_line_fails_clean),
	    world_test(a_tills_choice_fails_clean),
	    world_test(an_order_fails_clean),
	    world_test(a_void_fails_clean),
	    world_test(a_tap_fails_clean),
	    world_test(the_big_key_fails_clean),
	    world_test(a_tick_without_memory_is_done_a_second_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
