/* Scans that are kept before it is known whose basket they mean. */
#include "sale_restart_world.h"

static const char *early_as(struct world *w, const char *who, bool named)
{
	struct answer a;
	struct entry *e = world_begin(w);
	world_answer_for(who, &a);
	if (!named && a.outcome != OUTCOME_REFUSED_PAN)
		a.outcome = OUTCOME_HELD;
	assert_int_equal(sale_early(w->s, e, &w->now, w->lane, "scan-3", "scan", "]C1", &a), 0);
	return world_end(w, e, 0);
}

static const char *early(struct world *w, const char *who)
{
	return early_as(w, who, true);
}

/* The oldest of the lane finds its place. "": there is none. */
static const char *tie(struct world *w, bool ordered)
{
	struct sale_early early;
	struct answer a;
	struct entry *e = world_begin(w);
	if (!sale_early_next(w->s, w->lane, INT64_MAX, &early))
		return world_end(w, e, 0);
	world_answer_for(early.value + 3, &a);
	assert_int_equal(early.kind, IDENT_LOYALTY);
	assert_int_equal(sale_tie(w->s, e, &w->now, &early, ordered, &a), 0);
	return world_end(w, e, 0);
}

static int64_t moment_of(struct world *w)
{
	return atoll(of(w, "Identifier Presented", "mono_us"));
}

/* ---- kept ---- */

static void it_is_held_and_belongs_to_no_visit(void **state)
{
	struct world *w = *state;
	assert_string_equal(early_as(w, "Anna", false), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Anna");
	assert_string_equal(of(w, "Identifier Presented", "visit_id"), "-");
	assert_string_equal(of(w, "Identifier Presented", "profile_ref"), "-");
	assert_string_equal(shown(w), "-");
	early(w, "pan");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "refused_pan");
	assert_int_equal(sale_early_count(w->s, "3"), 1);
	assert_int_equal(sale_early_count(w->s, "4"), 0);
}

/* HQ's reference of the card would tie the two lines of an erased person together. */
static void its_first_line_has_a_reference_of_its_own(void **state)
{
	struct world *w = *state;
	char first[64];
	early(w, "Anna");
	strcpy(first, of(w, "Identifier Presented", "ident_ref"));
	assert_string_not_equal(first, "Anna..................");
	early(w, "Anna");
	assert_string_not_equal(of(w, "Identifier Presented", "ident_ref"), first);
}

static void the_screen_names_whom_it_knows_but_never_in_anothers_place(void **state)
{
	struct world *w = *state;
	early(w, "Anna");
	assert_string_equal(shown(w), "Anna");
	assert_true(look(w)->person_early);
	assert_true(look(w)->person_provisional);
	assert_string_equal(look(w)->profile_ref, "");
	assert_string_equal(look(w)->notice, "Card kept: waiting for the till");
	early(w, "?");
	assert_string_equal(look(w)->notice, "Card not known");
	w->lane = "4";
	opened(w, "B1");
	scan(w, "Ben");
	early(w, "Cleo");
	assert_string_equal(shown(w), "Ben");
	assert_false(look(w)->person_early);
	assert_string_equal(look(w)->notice, "Card kept: waiting for the till");
}

static void a_till_hears_of_nobody_who_is_not_tied(void **state)
{
	struct world *w = *state;
	struct lane_view v;
	early(w, "Anna");
	assert_true(sale_view_till(w->s, "3", "T3", &v));
	assert_int_equal(v.person, PERSON_NONE);
}

static void what_the_journal_refused_is_forgotten(void **state)
{
	struct world *w = *state;
	w->journal = REFUSES;
	early(w, "Anna");
	w->journal = KEEPS;
	assert_string_equal(shown(w), "-");
	assert_string_equal(tie(w, true), "");
}

static void kept_is_said_when_it_is_kept(void **state)
{
	struct world *w = *state;
	w->journal = SILENT;
	early(w, "Anna");
	assert_string_equal(look(w)->notice, "");
	assert_int_equal(sale_early_count(w->s, "3"), 0);
	answer(w, true);
	assert_string_equal(look(w)->notice, "Card kept: waiting for the till");
}

static void more_than_can_be_remembered_are_kept_all_the_same(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < SALE_EARLY_MAX + 2; i++)
		assert_string_equal(early(w, "Anna"), "Identifier Presented");
	assert_int_equal(sale_early_lost(w->s), 2);
	for (int i = 0; i < SALE_EARLY_MAX; i++)
		assert_string_not_equal(tie(w, true), "");
	assert_string_equal(tie(w, true), "");
}

/* ---- tied ---- */

static void it_belongs_to_the_basket_that_is_still_open(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	early(w, "Anna");
	int64_t moment = moment_of(w);
	later(w, 5);
	line(w, "B1", "1");
	assert_string_equal(tie(w, false), "Identifier Presented, Customer Attached");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "matched");
	assert_string_equal(of(w, "Identifier Presented", "source"), "scan-3");
	assert_int_equal(moment_of(w), moment);
	assert_string_equal(shown(w), "Anna");
	assert_false(look(w)->person_early);
}

static void the_next_customers_card_is_not_the_completed_baskets(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	early(w, "Anna");
	order(w, "B1"); /* sent again: it was completed before the card was shown */
	assert_string_equal(of(w, "Order Completed", "profile_ref"), "-");
	assert_string_equal(tie(w, true), "Identifier Presented");
	assert_string_equal(question(w), "Anna: last customer?");
	opened(w, "B2");
	assert_string_equal(line(w, "B2", "1"), "Customer Attached, Product Added");
	assert_string_equal(shown(w), "Anna");
}

static void where_nobody_can_tell_the_cashier_is_asked(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	early(w, "Anna");
	order(w, "B1");
	opened(w, "B2");
	line(w, "B2", "1");
	assert_string_equal(tie(w, false), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(question(w), "Anna: this customer or next?");
	assert_string_equal(choose(w, "this"), "Customer Attached");
}

static void in_order_nobody_is_asked(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	early(w, "Anna");
	order(w, "B1");
	opened(w, "B2");
	line(w, "B2", "1");
	assert_string_equal(tie(w, true), "Identifier Presented, Customer Attached");
}

static void only_what_was_scanned_before_a_moment_is_taken(void **state)
{
	struct world *w = *state;
	struct sale_early first;
	int64_t then = w->now.mono_us;
	early(w, "Anna");
	later(w, 1);
	early(w, "Ben");
	assert_false(sale_early_next(w->s, "3", then, &first));
	assert_false(sale_early_next(w->s, "4", INT64_MAX, &first));
	assert_true(sale_early_next(w->s, "3", then + 1, &first));
	assert_string_equal(first.value, "26-Anna");
	assert_false(sale_early_next(w->s, "3", then + 1, &first));
	assert_string_equal(shown(w), "Ben");
}

/* What the till did a while ago and says now is not too late for who was scanned in between. */
static void nobody_waits_in_vain_while_the_till_is_awaited(void **state)
{
	struct world *w = *state;
	sale_await(w->s, "3", true);
	early(w, "Anna");
	later(w, 300);
	assert_string_equal(tie(w, true), "Visit Started, Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "again"), "early");
	assert_string_equal(later(w, 1), "");
	assert_string_equal(opened(w, "B1"), "Basket Opened, Customer Attached");
	line(w, "B1", "1");
	early(w, "Ben");
	later(w, 70);
	order(w, "B1");
	tie(w, true);
	assert_string_equal(question(w), "Ben: last customer?");
	assert_string_equal(later(w, 1), "");
	sale_await(w->s, "3", false);
	assert_string_equal(later(w, 0), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
}

/* ---- not tied ---- */

static void after_ten_minutes_it_is_told_as_dropped(void **state)
{
	struct world *w = *state;
	early(w, "Anna");
	assert_string_equal(later(w, 599), "");
	assert_string_equal(later(w, 1), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Anna");
	assert_string_equal(of(w, "Identifier Presented", "visit_id"), "-");
	assert_string_equal(shown(w), "-");
	assert_string_equal(tie(w, true), "");
}

static void the_wrong_customer_key_takes_it_back(void **state)
{
	struct world *w = *state;
	early(w, "Anna");
	w->lane = "4";
	early(w, "Ben");
	w->lane = "3";
	assert_string_equal(wrong(w), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(shown(w), "-");
	assert_string_equal(wrong(w), "no_customer");
	w->lane = "4";
	assert_string_equal(shown(w), "Ben");
}

/* ---- the box is gone again ---- */

static void it_waits_on_across_restarts_of_a_boot(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	early(w, "Anna");
	int64_t moment = moment_of(w);
	for (int i = 0; i < 3; i++) {
		later(w, 60);
		restart(w, "crash", &from);
		assert_string_equal(w->said, "");
	}
	assert_string_equal(tie(w, false), "Identifier Presented, Customer Attached");
	assert_int_equal(moment_of(w), moment);
	assert_string_equal(tie(w, false), "");
	restart(w, "crash", &from);
	assert_string_equal(w->said, "");
	assert_string_equal(tie(w, false), "");
	assert_string_equal(shown(w), "Anna");
}

static void a_restart_does_not_make_the_next_customer_the_last_one(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	line(w, "B1", "1");
	early(w, "Anna");
	restart(w, "crash", &from);
	order(w, "B1");
	restart(w, "crash", &from);
	opened(w, "B2");
	line(w, "B2", "1");
	assert_string_equal(tie(w, false), "Identifier Presented");
	assert_string_equal(question(w), "Anna: this customer or next?");
}

static void across_boots_its_moment_means_nothing(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	early(w, "Anna");
	restart(w, "power", &from);
	assert_string_equal(w->said, "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Anna");
	restart(w, "power", &from);
	assert_string_equal(w->said, "");
}

static void whose_key_is_gone_is_not_told_of(void **state)
{
	struct world *w = *state;
	struct sources from = {.no_keys = true};
	early(w, "Anna");
	restart(w, "crash", &from);
	assert_string_equal(w->said, "");
	assert_string_equal(tie(w, true), "");
}

static void the_rebuild_begins_before_it(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	struct sale_spot spot = {.seq = 0};
	voided(w, (opened(w, "B1"), "B1"));
	early(w, "Anna");
	voided(w, (opened(w, "B2"), "B2"));
	assert_true(sale_oldest(w->s, &spot));
	assert_int_equal(spot.seq, 5);
	restart_from(w, "crash", &from, &spot);
	assert_true(sale_oldest(w->s, &spot));
	assert_int_equal(spot.seq, 5);
	assert_string_not_equal(tie(w, true), "");
}

/* The room of the start gives way: what the journal held waits in front of what came since. */
static void the_room_that_comes_back_takes_over(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	struct sale_spot spot = {.seq = 0};
	opened(w, "B1");
	early(w, "Anna");
	struct sale *start = sale_new(&world_params), *back;
	restart(w, "crash", &from);
	back = w->s;
	w->s = start;
	later(w, 1);
	early_as(w, "Ben", false);
	assert_string_equal(shown(w), "-");
	w->s = back;
	sale_early_take(back, start, &w->now, source_resolve, &from);
	sale_free(start);
	assert_true(sale_oldest(w->s, &spot));
	assert_int_equal(spot.seq, 2); /* Basket Opened */
	assert_int_equal(spot.epoch[7], 0);
	assert_string_equal(shown(w), "Ben");
	assert_string_equal(tie(w, false), "Identifier Presented, Customer Attached");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(tie(w, false), "Identifier Presented");
	assert_string_equal(question(w), "Replace Anna?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    world_test(it_is_held_and_belongs_to_no_visit),
	    world_test(its_first_line_has_a_reference_of_its_own),
	    world_test(the_screen_names_whom_it_knows_but_never_in_anothers_place),
	    world_test(a_till_hears_of_nobody_who_is_not_tied),
	    world_test(what_the_journal_refused_is_forgotten),
	    world_test(kept_is_said_when_it_is_kept),
	    world_test(more_than_can_be_remembered_are_kept_all_the_same),
	    world_test(it_belongs_to_the_basket_that_is_still_open),
	    world_test(the_next_customers_card_is_not_the_completed_baskets),
	    world_test(where_nobody_can_tell_the_cashier_is_asked),
	    world_test(in_order_nobody_is_asked),
	    world_test(only_what_was_scanned_before_a_moment_is_taken),
	    world_test(nobody_waits_in_vain_while_the_till_is_awaited),
	    world_test(after_ten_minutes_it_is_told_as_dropped),
	    world_test(the_wrong_customer_key_takes_it_back),
	    world_test(it_waits_on_across_restarts_of_a_boot),
	    world_test(a_restart_does_not_make_the_next_customer_the_last_one),
	    world_test(across_boots_its_moment_means_nothing),
	    world_test(whose_key_is_gone_is_not_told_of),
	    world_test(the_rebuild_begins_before_it),
	    world_test(the_room_that_comes_back_takes_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
