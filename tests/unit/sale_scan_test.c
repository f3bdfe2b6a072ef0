/* Scans before, in and after baskets, and the questions they ask. */
#include "sale_world.h"

static void a_scan_in_an_open_basket_is_its_customer(void **state)
{
	struct world *w = *state;
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened");
	assert_string_equal(scan(w, "Anna"), "Identifier Presented, Customer Attached");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "matched");
	assert_string_equal(of(w, "Identifier Presented", "method"), "scan");
	assert_string_equal(of(w, "Identifier Presented", "symbology"), "]C1");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Anna");
	assert_string_equal(of(w, "Identifier Presented", "ident_ref"), "Anna..................");
	assert_string_equal(of(w, "Customer Attached", "by"), "scan");
	assert_string_equal(of(w, "Customer Attached", "reason"), "scan");
	assert_string_equal(of(w, "Customer Attached", "replaces"), "null");
	assert_string_equal(of(w, "Customer Attached", "customer_id"), "C-Anna");
	assert_string_equal(of(w, "Customer Attached", "status"), "provisional");
	assert_string_equal(of(w, "Customer Attached", "as_of"), "2026-11-20T00:00:00.000Z");
	assert_string_equal(of(w, "Customer Attached", "source"), "scan-3");
	assert_string_equal(of(w, "Customer Attached", "staff_ref"), "staff-7");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(question(w), "");
}

static void the_same_card_again_says_only_that_it_was_presented(void **state)
{
	struct world *w = *state;
	char ref[64], key[64];
	opened(w, "B1");
	scan(w, "Anna");
	strcpy(ref, of(w, "Customer Attached", "profile_ref"));
	strcpy(key, of(w, "Customer Attached", "k"));
	assert_string_equal(scan(w, "Anna"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "matched");
	assert_string_equal(of(w, "Identifier Presented", "profile_ref"), ref);
	assert_string_equal(of(w, "Identifier Presented", "k"), key);
}

static void an_unknown_card_is_said_and_kept_under_a_key_of_its_own(void **state)
{
	struct world *w = *state;
	char key[64], ref[64];
	opened(w, "B1");
	assert_string_equal(scan(w, "?"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "unknown");
	assert_string_equal(of(w, "Identifier Presented", "profile_ref"), "-");
	strcpy(key, of(w, "Identifier Presented", "k"));
	strcpy(ref, of(w, "Identifier Presented", "ident_ref"));
	assert_string_equal(shown(w), "unknown");
	assert_string_equal(look(w)->notice, "Card not known");
	scan(w, "?");
	assert_string_not_equal(of(w, "Identifier Presented", "k"), key);
	assert_string_not_equal(of(w, "Identifier Presented", "ident_ref"), ref);
}

static void a_payment_card_is_refused_and_of_no_kind(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	assert_string_equal(scan(w, "pan"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "refused_pan");
	assert_string_equal(of(w, "Identifier Presented", "kind"), "none");
	assert_string_equal(shown(w), "refused");
}

static void a_card_of_two_customers_attaches_nobody(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	assert_string_equal(scan(w, "both"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "conflict");
	assert_string_equal(shown(w), "conflict");
}

static void an_unknown_card_does_not_take_away_who_is_attached(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	scan(w, "?");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(look(w)->notice, "Card not known");
}

static void an_early_scan_waits_and_is_the_next_baskets_customer(void **state)
{
	struct world *w = *state;
	char visit[64], ref[64];
	assert_string_equal(scan(w, "Anna"), "Visit Started, Identifier Presented");
	assert_string_equal(of(w, "Visit Started", "evidence"), "scan");
	assert_string_equal(of(w, "Visit Started", "place"), "lane");
	assert_string_equal(of(w, "Visit Started", "basket_id"), "-");
	strcpy(visit, of(w, "Identifier Presented", "visit_id"));
	strcpy(ref, of(w, "Identifier Presented", "profile_ref"));
	assert_string_equal(shown(w), "Anna");
	assert_int_equal(look(w)->state, LANE_IDLE);
	later(w, 170);
	assert_string_equal(opened(w, "B1"), "Basket Opened, Customer Attached");
	assert_string_equal(of(w, "Basket Opened", "visit_id"), visit);
	assert_string_equal(of(w, "Basket Opened", "profile_ref"), "-");
	assert_string_equal(of(w, "Customer Attached", "profile_ref"), ref);
	assert_string_equal(of(w, "Customer Attached", "reason"), "waiting");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(opened(w, "B2"), "Visit Started, Basket Opened");
}

static void an_early_scan_waits_at_most_three_minutes(void **state)
{
	struct world *w = *state;
	char visit[64];
	scan(w, "Anna");
	strcpy(visit, of(w, "Visit Started", "visit_id"));
	assert_string_equal(later(w, 179.9), "");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(later(w, 0.1), "Identifier Presented, Visit Ended");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Anna");
	assert_string_equal(of(w, "Identifier Presented", "source"), "box");
	assert_string_equal(of(w, "Visit Ended", "reason"), "timeout");
	assert_string_equal(of(w, "Visit Ended", "visit_id"), visit);
	assert_string_equal(shown(w), "-");
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened");
}

static void an_unknown_early_card_makes_nobody_wait(void **state)
{
	struct world *w = *state;
	assert_string_equal(scan(w, "?"), "Identifier Presented");
	assert_string_not_equal(of(w, "Identifier Presented", "visit_id"), "-");
	assert_string_equal(look(w)->notice, "Card not known");
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened");
}

static void a_second_early_card_asks_before_it_replaces(void **state)
{
	struct world *w = *state;
	scan(w, "Anna");
	assert_string_equal(scan(w, "Berta"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(question(w), "Replace Anna?");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(choose(w, "replace"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Anna");
	assert_string_equal(shown(w), "Berta");
	assert_string_equal(opened(w, "B1"), "Basket Opened, Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "customer_id"), "C-Berta");
}

static void the_question_of_two_early_cards_goes_with_the_basket(void **state)
{
	struct world *w = *state;
	scan(w, "Anna");
	scan(w, "Berta");
	opened(w, "B1");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(question(w), "Replace Anna?");
	assert_string_equal(choose(w, "replace"), "Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "customer_id"), "C-Berta");
	assert_string_equal(shown(w), "Berta");
}

static void a_second_customer_never_replaces_silently(void **state)
{
	struct world *w = *state;
	char anna[64], key[64];
	opened(w, "B1");
	scan(w, "Anna");
	strcpy(anna, of(w, "Customer Attached", "profile_ref"));
	strcpy(key, of(w, "Customer Attached", "k"));
	assert_string_equal(scan(w, "Berta"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(question(w), "Replace Anna?");
	assert_string_equal(look(w)->question_kind, "replace");
	assert_string_equal(look(w)->choices[0].key, "replace");
	assert_string_equal(look(w)->choices[1].key, "keep");
	assert_string_equal(choose(w, "replace"), "Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "replaces"), anna);
	assert_string_equal(of(w, "Customer Attached", "by"), "cashier");
	assert_string_equal(of(w, "Customer Attached", "reason"), "replaced");
	assert_string_not_equal(of(w, "Customer Attached", "k"), key);
	assert_string_equal(shown(w), "Berta");
	assert_string_equal(question(w), "");
}

static void keep_lets_the_second_card_go(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	scan(w, "Berta");
	assert_string_equal(choose(w, "keep"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Berta");
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(question(w), "");
}

static void a_person_scanned_again_in_a_visit_keeps_reference_and_key(void **state)
{
	struct world *w = *state;
	char anna[64], key[64];
	opened(w, "B1");
	scan(w, "Anna");
	strcpy(anna, of(w, "Customer Attached", "profile_ref"));
	strcpy(key, of(w, "Customer Attached", "k"));
	scan(w, "Berta");
	choose(w, "replace");
	scan(w, "Anna");
	choose(w, "replace");
	assert_string_equal(of(w, "Customer Attached", "profile_ref"), anna);
	assert_string_equal(of(w, "Customer Attached", "k"), key);
	opened(w, "B2");
	scan(w, "Anna");
	assert_string_not_equal(of(w, "Customer Attached", "profile_ref"), anna);
	assert_string_not_equal(of(w, "Customer Attached", "k"), key);
}

static void a_third_card_lets_the_second_go(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	scan(w, "Berta");
	assert_string_equal(scan(w, "Carla"), "Identifier Presented, Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Berta");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	choose(w, "replace");
	assert_string_equal(shown(w), "Carla");
}

static void the_held_card_again_changes_nothing(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	scan(w, "Berta");
	assert_string_equal(scan(w, "Berta"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(question(w), "Replace Anna?");
}

static void a_scan_after_the_subtotal_asks_whose_it_is(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	tender(w, "B1");
	assert_string_equal(scan(w, "Anna"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(question(w), "Anna: this customer or next?");
	assert_string_equal(shown(w), "-");
	assert_string_equal(choose(w, "this"), "Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "reason"), "this");
	assert_string_equal(shown(w), "Anna");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "end");
}

static void next_customer_waits_for_the_next_basket(void **state)
{
	struct world *w = *state;
	char first[64];
	opened(w, "B1");
	scan(w, "Anna");
	strcpy(first, of(w, "Customer Attached", "visit_id"));
	tender(w, "B1");
	scan(w, "Berta");
	assert_string_equal(choose(w, "next"), "Visit Started");
	assert_string_not_equal(of(w, "Visit Started", "visit_id"), first);
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(scan(w, "Berta"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "matched");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "profile_ref"),
	                    of(w, "Visit Ended", "profile_ref"));
	assert_string_equal(shown(w), "Anna");
	later(w, 5);
	assert_string_equal(shown(w), "Berta");
	assert_string_equal(opened(w, "B2"), "Basket Opened, Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "customer_id"), "C-Berta");
}

static void the_customers_own_card_after_the_subtotal_asks_nothing(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	tender(w, "B1");
	assert_string_equal(scan(w, "Anna"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "matched");
	assert_string_equal(question(w), "");
}

static void an_open_question_moves_with_the_basket(void **state)
{
	struct world *w = *state;
	char id[EVENT_ID_SIZE];
	opened(w, "B1");
	scan(w, "Anna");
	scan(w, "Berta");
	strcpy(id, look(w)->question_id);
	tender(w, "B1");
	assert_string_equal(question(w), "Berta: this customer or next?");
	assert_string_not_equal(look(w)->question_id, id);
	order(w, "B1");
	assert_string_equal(question(w), "Berta: last customer?");
	assert_string_equal(choose(w, "last"), "Order Claimed");
	assert_string_equal(of(w, "Order Claimed", "customer_id"), "C-Berta");
}

static void a_scan_soon_after_the_order_may_claim_it(void **state)
{
	struct world *w = *state;
	char visit[64], basket[64];
	opened(w, "B1");
	line(w, "B1", "1");
	order(w, "B1");
	strcpy(visit, of(w, "Order Completed", "visit_id"));
	strcpy(basket, of(w, "Order Completed", "basket_id"));
	later(w, 19.9);
	assert_string_equal(scan(w, "Anna"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(question(w), "Anna: last customer?");
	assert_string_equal(choose(w, "last"), "Order Claimed");
	assert_string_equal(of(w, "Order Claimed", "order_id"), "s1/T3/2026-11-21/R-B1");
	assert_string_equal(of(w, "Order Claimed", "method"), "scan");
	assert_string_equal(of(w, "Order Claimed", "age_days"), "0");
	assert_string_equal(of(w, "Order Claimed", "visit_id"), visit);
	assert_string_equal(of(w, "Order Claimed", "basket_id"), basket);
	assert_string_equal(of(w, "Order Claimed", "customer_id"), "C-Anna");
	assert_string_equal(question(w), "");
	assert_string_equal(wrong(w), "Customer Detached");
}

static void a_scan_longer_after_the_order_is_early(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	order(w, "B1");
	later(w, 20.1);
	assert_string_equal(scan(w, "Anna"), "Visit Started, Identifier Presented");
	assert_string_equal(question(w), "");
}

static void the_orders_own_customer_is_not_asked_again(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	order(w, "B1");
	assert_string_equal(scan(w, "Anna"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "matched");
	assert_string_equal(question(w), "");
}

static void who_is_held_is_the_next_customer_with_the_first_line(void **state)
{
	struct world *w = *state;
	char visit[64];
	opened(w, "B1");
	line(w, "B1", "1");
	order(w, "B1");
	scan(w, "Anna");
	assert_string_equal(opened(w, "B2"), "Visit Started, Basket Opened");
	strcpy(visit, of(w, "Visit Started", "visit_id"));
	assert_string_equal(shown(w), "-");
	assert_string_equal(question(w), "Anna: last customer?");
	assert_string_equal(line(w, "B2", "1"), "Customer Attached, Product Added");
	assert_string_equal(of(w, "Customer Attached", "reason"), "held_next");
	assert_string_equal(of(w, "Customer Attached", "visit_id"), visit);
	assert_string_equal(of(w, "Product Added", "profile_ref"),
	                    of(w, "Customer Attached", "profile_ref"));
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(question(w), "");
	order(w, "B2");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "start");
}

static void a_till_that_sends_only_orders_still_gets_the_held_customer(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	opened(w, "B2");
	assert_string_equal(order(w, "B2"), "Customer Attached, Order Completed, Visit Ended");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "start");
}

static void who_is_held_is_let_go_after_a_minute_without_a_line(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	opened(w, "B2");
	later(w, 59.9);
	assert_string_equal(question(w), "Anna: last customer?");
	assert_string_equal(later(w, 0.1), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(question(w), "");
	assert_string_equal(line(w, "B2", "1"), "Product Added");
}

static void a_tap_on_next_after_the_order_attaches_to_the_basket_in_front(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	opened(w, "B2");
	assert_string_equal(choose(w, "next"), "Customer Attached");
	assert_string_equal(of(w, "Customer Attached", "reason"), "next");
	assert_string_equal(shown(w), "Anna");
}

static void a_basket_that_has_a_customer_lets_the_held_one_go(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	opened(w, "B2");
	chosen(w, "B2", "Berta");
	assert_string_equal(line(w, "B2", "1"), "Identifier Presented, Product Added");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(shown(w), "Berta");
}

static void a_question_cannot_be_answered_twice_or_with_another_word(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	assert_string_equal(choose(w, "keep"), "question_gone");
	scan(w, "Berta");
	assert_string_equal(choose(w, "last"), "unknown_choice");
	assert_string_equal(question(w), "Replace Anna?");
	w->lane = "4";
	assert_string_equal(choose(w, "keep"), "question_gone");
}

static void wrong_customer_detaches_and_blanks(void **state)
{
	struct world *w = *state;
	char anna[64];
	opened(w, "B1");
	assert_string_equal(wrong(w), "no_customer");
	scan(w, "Anna");
	strcpy(anna, of(w, "Customer Attached", "profile_ref"));
	assert_string_equal(wrong(w), "Customer Detached");
	assert_string_equal(of(w, "Customer Detached", "profile_ref"), anna);
	assert_string_equal(of(w, "Customer Detached", "by"), "cashier");
	assert_string_equal(of(w, "Customer Detached", "reason"), "wrong_customer");
	assert_string_equal(shown(w), "-");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "none");
	assert_string_equal(of(w, "Order Completed", "profile_ref"), "-");
}

static void wrong_customer_asks_again_about_who_is_held(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	scan(w, "Berta");
	wrong(w);
	assert_string_equal(shown(w), "-");
	assert_string_equal(question(w), "Berta: this customer or next?");
	choose(w, "this");
	assert_string_equal(shown(w), "Berta");
}

static void wrong_customer_sends_away_who_waits(void **state)
{
	struct world *w = *state;
	scan(w, "Anna");
	assert_string_equal(wrong(w), "Identifier Presented, Visit Ended");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(of(w, "Visit Ended", "reason"), "wrong_customer");
	assert_string_equal(shown(w), "-");
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened");
}

static void wrong_customer_reaches_the_last_order_until_the_next_line(void **state)
{
	struct world *w = *state;
	char basket[64];
	opened(w, "B1");
	scan(w, "Anna");
	order(w, "B1");
	strcpy(basket, of(w, "Order Completed", "basket_id"));
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(wrong(w), "Customer Detached");
	assert_string_equal(of(w, "Customer Detached", "basket_id"), basket);
	assert_string_equal(shown(w), "-");
	opened(w, "B2");
	scan(w, "Berta");
	order(w, "B2");
	opened(w, "B3");
	line(w, "B3", "1");
	assert_string_equal(wrong(w), "no_customer");
}

static void lanes_do_not_know_of_each_other(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	w->lane = "4";
	w->till = "T4";
	assert_string_equal(shown(w), "-");
	opened(w, "B1");
	assert_string_equal(scan(w, "Anna"), "Identifier Presented, Customer Attached");
	w->lane = "3";
	assert_string_equal(shown(w), "Anna");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    world_test(a_scan_in_an_open_basket_is_its_customer),
	    world_test(the_same_card_again_says_only_that_it_was_presented),
	    world_test(an_unknown_card_is_said_and_kept_under_a_key_of_its_own),
	    world_test(a_payment_card_is_refused_and_of_no_kind),
	    world_test(a_card_of_two_customers_attaches_nobody),
	    world_test(an_unknown_card_does_not_take_away_who_is_attached),
	    world_test(an_early_scan_waits_and_is_the_next_baskets_customer),
	    world_test(an_early_scan_waits_at_most_three_minutes),
	    world_test(an_unknown_early_card_makes_nobody_wait),
	    world_test(a_second_early_card_asks_before_it_replaces),
	    world_test(the_question_of_two_early_cards_goes_with_the_basket),
	    world_test(a_second_customer_never_replaces_silently),
	    world_test(keep_lets_the_second_card_go),
	    world_test(a_person_scanned_again_in_a_visit_keeps_reference_and_key),
	    world_test(a_third_card_lets_the_second_go),
	    world_test(the_held_card_again_changes_nothing),
	    world_test(a_scan_after_the_subtotal_asks_whose_it_is),
	    world_test(next_customer_waits_for_the_next_basket),
	    world_test(the_customers_own_card_after_the_subtotal_asks_nothing),
	    world_test(an_open_question_moves_with_the_basket),
	    world_test(a_scan_soon_after_the_order_may_claim_it),
	    world_test(a_scan_longer_after_the_order_is_early),
	    world_test(the_orders_own_customer_is_not_asked_again),
	    world_test(who_is_held_is_the_next_customer_with_the_first_line),
	    world_test(a_till_that_sends_only_orders_still_gets_the_held_customer),
	    world_test(who_is_held_is_let_go_after_a_minute_without_a_line),
	    world_test(a_tap_on_next_after_the_order_attaches_to_the_basket_in_front),
	    world_test(a_basket_that_has_a_customer_lets_the_held_one_go),
	    world_test(a_question_cannot_be_answered_twice_or_with_another_word),
	    world_test(wrong_customer_detaches_and_blanks),
	    world_test(wrong_customer_asks_again_about_who_is_held),
	    world_test(wrong_customer_sends_away_who_waits),
	    world_test(wrong_customer_reaches_the_last_order_until_the_next_line),
	    world_test(lanes_do_not_know_of_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
