/* The box was gone: people who were not tied yet, and baskets whose till is silent. */
#include "sale_restart_world.h"

/* ---- who waited ---- */

static void who_waited_still_waits_after_a_restart_and_gets_the_basket(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	char visit[64], ref[64], key[64];
	scan(w, "Anna");
	strcpy(visit, of(w, "Visit Started", "visit_id"));
	strcpy(ref, of(w, "Identifier Presented", "profile_ref"));
	strcpy(key, of(w, "Identifier Presented", "k"));
	w->now.wall_us += 30000000;
	restart(w, "power", &from);
	assert_string_equal(w->said, "");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(opened(w, "B1"), "Basket Opened, Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "visit_id"), visit);
	assert_string_equal(of(w, "Customer Attached", "profile_ref"), ref);
	assert_string_equal(of(w, "Customer Attached", "k"), key);
	assert_string_equal(of(w, "Customer Attached", "assurance"), "-"); /* a card was read */
	restart(w, "power", &from);
	assert_string_equal(w->said, "");
}

static void who_waited_too_long_is_let_go_and_the_visit_ends(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	char visit[64];
	scan(w, "Anna");
	strcpy(visit, of(w, "Visit Started", "visit_id"));
	w->now.wall_us += 181000000;
	restart(w, "power", &from);
	assert_string_equal(w->said, "Identifier Presented, Visit Ended");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Anna");
	assert_string_equal(of(w, "Visit Ended", "visit_id"), visit);
	assert_string_equal(of(w, "Visit Ended", "reason"), "timeout");
	assert_string_equal(shown(w), "-");
	restart(w, "power", &from);
	assert_string_equal(w->said, "");
}

static void the_rest_of_the_wait_is_what_was_left_of_it(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	scan(w, "Anna");
	later(w, 100);
	restart(w, "crash", &from);
	assert_string_equal(later(w, 79), "");
	assert_string_equal(later(w, 1), "Identifier Presented, Visit Ended");
}

/* A box without a clock of its own begins where it ended: hours look like seconds. */
static void across_boots_an_untrusted_clock_lets_go(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	scan(w, "Anna");
	w->now.trust = CLOCK_NONE;
	restart(w, "crash", &from);
	assert_string_equal(shown(w), "Anna"); /* the same boot: its own clock tells */
	restart(w, "power", &from);
	assert_string_equal(w->said, "Identifier Presented, Visit Ended");
	scan(w, "Ben");
	w->now.trust = CLOCK_KERNEL;
	restart(w, "power", &from);
	assert_string_equal(w->said, "Identifier Presented, Visit Ended");
}

static void an_order_long_ago_by_an_untrusted_clock_is_not_the_last(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	order(w, "B1");
	w->now.trust = CLOCK_NONE;
	restart(w, "power", &from);
	assert_string_equal(scan(w, "Anna"), "Visit Started, Identifier Presented");
}

static void who_waited_and_was_erased_leaves_an_ended_visit(void **state)
{
	struct world *w = *state;
	struct sources from = {.no_keys = true};
	scan(w, "Anna");
	restart(w, "crash", &from);
	assert_string_equal(w->said, "Visit Ended");
	assert_string_equal(shown(w), "-");
}

static void who_the_shard_has_lost_does_not_wait(void **state)
{
	struct world *w = *state;
	struct sources from = {.no_profiles = true};
	scan(w, "Anna");
	restart(w, "crash", &from);
	assert_string_equal(w->said, "Identifier Presented, Visit Ended");
}

static void who_took_the_place_of_who_waited_waits(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	scan(w, "Anna");
	scan(w, "Ben");
	choose(w, "replace");
	restart(w, "crash", &from);
	assert_string_equal(shown(w), "Ben");
	assert_string_equal(question(w), "");
	assert_string_equal(opened(w, "B1"), "Basket Opened, Customer Attached");
}

static void who_was_said_to_be_next_waits(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	tender(w, "B1");
	scan(w, "Anna");
	assert_string_equal(choose(w, "next"), "Visit Started");
	order(w, "B1");
	restart(w, "crash", &from);
	assert_string_equal(w->said, "");
	opened(w, "B2");
	assert_string_equal(shown(w), "Anna");
}

/* ---- who was held ---- */

static void a_question_about_a_basket_is_asked_again(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	tender(w, "B1");
	scan(w, "Anna");
	restart(w, "power", &from);
	assert_string_equal(w->said, "");
	assert_string_equal(question(w), "Anna: this customer or next?");
	assert_string_equal(choose(w, "this"), "Customer Attached");
	restart(w, "power", &from);
	assert_string_equal(w->said, "");
	assert_string_equal(question(w), "");
	assert_string_equal(shown(w), "Anna");
}

static void a_question_who_is_to_be_replaced_is_asked_again(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	scan(w, "Anna");
	scan(w, "Ben");
	restart(w, "power", &from);
	assert_string_equal(question(w), "Replace Anna?");
	assert_string_equal(choose(w, "keep"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	restart(w, "power", &from);
	assert_string_equal(question(w), "");
	w->lane = "4";
	scan(w, "Cleo");
	scan(w, "Dora");
	restart(w, "crash", &from);
	assert_string_equal(question(w), "Replace Cleo?");
}

static void a_question_after_an_order_is_asked_for_the_rest_of_its_minute(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	later(w, 30);
	restart(w, "crash", &from);
	assert_string_equal(question(w), "Anna: last customer?");
	assert_string_equal(later(w, 29), "");
	assert_string_equal(later(w, 1), "Identifier Presented");
	scan(w, "Ben");
	restart(w, "crash", &from);
	assert_string_equal(w->said, "");
}

static void who_was_held_on_what_is_gone_is_let_go(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	w->now.wall_us += 61000000;
	restart(w, "power", &from);
	assert_string_equal(w->said, "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(question(w), "");
	restart(w, "power", &from);
	assert_string_equal(w->said, "");
}

static void who_was_held_and_got_the_next_basket_is_not_asked_about_again(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	opened(w, "B2");
	line(w, "B2", "1");
	assert_string_equal(shown(w), "Anna");
	restart(w, "crash", &from);
	assert_string_equal(w->said, "");
	assert_string_equal(question(w), "");
	assert_string_equal(shown(w), "Anna");
}

/* ---- baskets and their till's word ---- */

static void a_restored_basket_the_till_does_not_confirm_ends(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	line(w, "B1", "1");
	opened(w, "B2");
	restart(w, "power", &from);
	later(w, 300);
	line(w, "B1", "2");
	assert_string_equal(later(w, 300), "Basket Abandoned, Visit Ended");
	assert_string_equal(of(w, "Basket Abandoned", "reason"), "power");
	assert_string_equal(of(w, "Basket Abandoned", "source"), "box");
	assert_string_equal(of(w, "Visit Ended", "reason"), "timeout");
	assert_string_equal(look(w)->till_basket, "B1");
	assert_string_equal(later(w, 3600), "");
	assert_int_equal(restart(w, "power", &from), 1);
}

static void a_message_that_is_repeated_confirms_too(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	restart(w, "power", &from);
	later(w, 599);
	sale_confirmed(w->s, "T3", "B1", &w->now);
	sale_confirmed(w->s, "T3", "B9", &w->now);
	assert_string_equal(later(w, 3600), "");
}

static void an_end_that_was_refused_is_tried_again(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	restart(w, "power", &from);
	w->journal = REFUSES;
	assert_string_equal(later(w, 600), "Basket Abandoned, Visit Ended");
	w->journal = KEEPS;
	assert_string_equal(later(w, 599), "");
	assert_string_equal(later(w, 1), "Basket Abandoned, Visit Ended");
}

static void the_ten_minutes_go_on_across_restarts_of_one_boot(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	for (int i = 0; i < 3; i++) {
		restart(w, "crash", &from);
		assert_string_equal(later(w, 180), "");
	}
	restart(w, "crash", &from);
	assert_string_equal(later(w, 59), "");
	assert_string_equal(later(w, 1), "Basket Abandoned, Visit Ended");
}

static void a_box_that_reboots_every_nine_minutes_does_not_keep_it_open_for_ever(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(restart(w, "power", &from), 1);
		assert_string_equal(later(w, 540), "");
	}
	restart(w, "power", &from);
	assert_string_equal(later(w, 0), "Basket Abandoned, Visit Ended");
	assert_string_equal(of(w, "Basket Abandoned", "reason"), "power");
}

static void a_till_that_spoke_starts_the_count_anew(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	for (int i = 0; i < 6; i++) {
		assert_int_equal(restart(w, "power", &from), 1);
		assert_string_equal(later(w, 540), "");
		line(w, "B1", "1");
	}
	restart(w, "power", &from);
	assert_string_equal(later(w, 599), "");
}

static void nothing_ends_before_tills_are_heard(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	restart(w, "power", &from);
	/* as it is while the window is still read */
	sale_free(w->s);
	w->s = sale_new(&world_params);
	replay(w, &(struct sale_spot){0}, &from);
	struct entry *e = world_begin(w);
	const struct sale_start start = {w->boot, "power"};
	assert_int_equal(sale_replayed(w->s, e, &w->now, &start), 1);
	world_end(w, e, 0);
	assert_string_equal(later(w, 3600), "");
	sale_tills_heard(w->s, &w->now);
	assert_string_equal(later(w, 0), "Basket Abandoned, Visit Ended");
}

static void the_time_shown_is_that_of_the_cut_the_till_has_not_heard_of(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	later(w, 60);
	line(w, "B1", "1");
	int64_t cut_us = w->now.wall_us / 1000 * 1000;
	w->now.wall_us += 3600000000;
	restart(w, "power", &from);
	assert_string_equal(look(w)->restored, "power");
	assert_true(look(w)->restored_wall_us == cut_us);
	w->now.wall_us += 60000000;
	restart(w, "crash", &from); /* nobody has spoken since */
	assert_string_equal(look(w)->restored, "power");
	assert_true(look(w)->restored_wall_us == cut_us);
	line(w, "B1", "2");
	cut_us = w->now.wall_us / 1000 * 1000;
	restart(w, "upgrade", &from);
	assert_string_equal(look(w)->restored, "upgrade");
	assert_true(look(w)->restored_wall_us == cut_us);
}

static void a_basket_of_which_a_till_says_nothing_for_a_day_ends(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	later(w, 86000);
	line(w, "B1", "1");
	assert_string_equal(later(w, 86399), "");
	assert_string_equal(later(w, 1), "Basket Abandoned, Visit Ended");
	assert_string_equal(of(w, "Basket Abandoned", "reason"), "idle");
}

/* ---- where a rebuild begins ---- */

static void a_rebuild_from_the_oldest_open_event_brings_back_the_same(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	struct sale_spot spot = {.seq = 0};
	assert_false(sale_oldest(w->s, &spot));
	opened(w, "B1");
	line(w, "B1", "1");
	order(w, "B1");
	later(w, 21);
	opened(w, "B2");
	opened(w, "B3");
	line(w, "B2", "1");
	order(w, "B2");
	scan(w, "Anna");
	assert_string_equal(question(w), "Anna: last customer?");
	assert_true(sale_oldest(w->s, &spot));
	assert_int_equal(restart_from(w, "crash", &from, &spot), 1);
	assert_string_equal(look(w)->till_basket, "B3");
	assert_string_equal(question(w), "Anna: last customer?");
	assert_string_equal(choose(w, "last"), "Order Claimed");
}

static void the_oldest_is_who_waits_or_is_held_if_no_basket_is_open(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	struct sale_spot spot = {.seq = 0};
	voided(w, (opened(w, "B1"), "B1"));
	scan(w, "Anna");
	line(w, "B9", "1");
	assert_true(sale_oldest(w->s, &spot));
	assert_int_equal(spot.seq, 5);
	restart_from(w, "crash", &from, &spot);
	assert_string_equal(shown(w), "Anna");
	later(w, 180);
	assert_false(sale_oldest(w->s, &spot));
}

static void the_oldest_is_in_the_older_epoch(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	struct sale_spot spot = {.seq = 0};
	opened(w, "B0");
	voided(w, "B0");
	opened(w, "B1");
	restart(w, "crash", &from);
	w->lane = "4";
	opened(w, "B2");
	assert_true(sale_oldest(w->s, &spot));
	assert_int_equal(spot.epoch[7], 0);
	assert_int_equal(spot.seq, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    world_test(who_waited_still_waits_after_a_restart_and_gets_the_basket),
	    world_test(who_waited_too_long_is_let_go_and_the_visit_ends),
	    world_test(the_rest_of_the_wait_is_what_was_left_of_it),
	    world_test(across_boots_an_untrusted_clock_lets_go),
	    world_test(an_order_long_ago_by_an_untrusted_clock_is_not_the_last),
	    world_test(who_waited_and_was_erased_leaves_an_ended_visit),
	    world_test(who_the_shard_has_lost_does_not_wait),
	    world_test(who_took_the_place_of_who_waited_waits),
	    world_test(who_was_said_to_be_next_waits),
	    world_test(a_question_about_a_basket_is_asked_again),
	    world_test(a_question_who_is_to_be_replaced_is_asked_again),
	    world_test(a_question_after_an_order_is_asked_for_the_rest_of_its_minute),
	    world_test(who_was_held_on_what_is_gone_is_let_go),
	    world_test(who_was_held_and_got_the_next_basket_is_not_asked_about_again),
	    world_test(a_restored_basket_the_till_does_not_confirm_ends),
	    world_test(a_message_that_is_repeated_confirms_too),
	    world_test(an_end_that_was_refused_is_tried_again),
	    world_test(the_ten_minutes_go_on_across_restarts_of_one_boot),
	    world_test(a_box_that_reboots_every_nine_minutes_does_not_keep_it_open_for_ever),
	    world_test(a_till_that_spoke_starts_the_count_anew),
	    world_test(nothing_ends_before_tills_are_heard),
	    world_test(the_time_shown_is_that_of_the_cut_the_till_has_not_heard_of),
	    world_test(a_basket_of_which_a_till_says_nothing_for_a_day_ends),
	    world_test(a_rebuild_from_the_oldest_open_event_brings_back_the_same),
	    world_test(the_oldest_is_who_waits_or_is_held_if_no_basket_is_open),
	    world_test(the_oldest_is_in_the_older_epoch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
