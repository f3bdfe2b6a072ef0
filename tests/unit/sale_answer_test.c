/* What the journal answers, what time does, and what the screen then shows. */
#include "sale_world.h"

static void who_is_attached_is_provisional_until_kept(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	w->journal = SILENT;
	scan(w, "Anna");
	assert_true(look(w)->person_provisional);
	line(w, "B1", "1");
	assert_true(look(w)->lines[0].provisional);
	answer(w, true);
	assert_false(look(w)->person_provisional);
	assert_true(look(w)->lines[0].provisional);
	answer(w, true);
	assert_false(look(w)->lines[0].provisional);
}

static void a_refused_attachment_is_struck_out(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	w->journal = REFUSES;
	scan(w, "Anna");
	assert_string_equal(shown(w), "(struck) Anna");
	w->journal = KEEPS;
	line(w, "B1", "1");
	assert_string_equal(of(w, "Product Added", "profile_ref"), "-");
	assert_string_equal(scan(w, "Anna"), "Identifier Presented, Customer Attached");
	assert_string_equal(shown(w), "Anna");
}

static void a_refused_early_scan_does_not_wait(void **state)
{
	struct world *w = *state;
	w->journal = REFUSES;
	scan(w, "Anna");
	assert_string_equal(shown(w), "(struck) Anna");
	w->journal = KEEPS;
	later(w, 10);
	assert_string_equal(shown(w), "-");
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened");
}

static void a_refused_second_card_asks_nothing(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	w->journal = REFUSES;
	scan(w, "Berta");
	assert_string_equal(question(w), "");
	assert_string_equal(shown(w), "Anna");
}

static void who_was_to_replace_a_refused_one_is_let_go(void **state)
{
	struct world *w = *state;
	w->journal = SILENT;
	scan(w, "Anna");
	scan(w, "Berta");
	answer(w, false);
	answer(w, true);
	w->journal = KEEPS;
	assert_string_equal(later(w, 0), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(question(w), "");
}

static void a_refused_order_leaves_the_basket_open(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	scan(w, "Anna");
	tender(w, "B1");
	w->journal = REFUSES;
	order(w, "B1");
	assert_int_equal(look(w)->state, LANE_TENDER);
	assert_int_equal(look(w)->line_count, 1);
	assert_string_equal(shown(w), "Anna");
	w->journal = KEEPS;
	assert_string_equal(order(w, "B1"), "Order Completed, Visit Ended");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "during");
	assert_int_equal(look(w)->state, LANE_DONE);
}

static void a_refused_order_is_no_last_order(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	w->journal = REFUSES;
	order(w, "B1");
	w->journal = KEEPS;
	assert_string_equal(wrong(w), "Customer Detached");
	assert_string_equal(wrong(w), "no_customer");
}

static void a_refused_claim_is_struck_out_and_can_be_made_again(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	order(w, "B1");
	later(w, 6);
	scan(w, "Anna");
	w->journal = REFUSES;
	choose(w, "last");
	assert_string_equal(shown(w), "(struck) Anna");
	w->journal = KEEPS;
	assert_string_equal(wrong(w), "no_customer");
	scan(w, "Anna");
	assert_string_equal(choose(w, "last"), "Order Claimed");
	assert_string_equal(wrong(w), "Customer Detached");
}

static void a_refused_wrong_customer_after_the_order_can_be_pressed_again(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	order(w, "B1");
	w->journal = REFUSES;
	wrong(w);
	assert_string_equal(shown(w), "-");
	assert_string_equal(look(w)->notice, "Could not be kept: press again");
	w->journal = KEEPS;
	assert_string_equal(wrong(w), "Customer Detached");
	assert_string_equal(wrong(w), "no_customer");
}

static void a_refused_wrong_customer_in_the_basket_can_be_pressed_again(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	w->journal = REFUSES;
	assert_string_equal(wrong(w), "Customer Detached");
	assert_string_equal(shown(w), "-");
	assert_string_equal(look(w)->notice, "Could not be kept: remove the customer again");
	w->journal = SILENT;
	assert_string_equal(wrong(w), "Customer Detached");
	assert_string_equal(wrong(w), "no_customer");
	answer(w, true);
	w->journal = KEEPS;
	assert_string_equal(wrong(w), "no_customer");
}

static void a_question_about_a_refused_order_is_about_its_basket_again(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	w->journal = SILENT;
	order(w, "B1");
	scan(w, "Anna");
	assert_string_equal(question(w), "Anna: last customer?");
	answer(w, false);
	assert_string_equal(question(w), "Anna: this customer or next?");
	answer(w, true);
	w->journal = KEEPS;
	assert_string_equal(choose(w, "this"), "Customer Attached");
}

static void a_refused_opening_is_told_again_with_the_same_basket(void **state)
{
	struct world *w = *state;
	char basket[64];
	struct buf names = {0};
	scan(w, "Anna");
	w->journal = REFUSES;
	opened(w, "B1");
	strcpy(basket, of(w, "Basket Opened", "basket_id"));
	assert_string_equal(shown(w), "(struck) Anna");
	sale_till_baskets(w->s, "T3", &names);
	buf_byte(&names, '\0');
	assert_string_equal((const char *)names.data, "[]");
	buf_free(&names);
	w->journal = KEEPS;
	assert_string_equal(line(w, "B1", "1"), "Product Added");
	assert_string_equal(opened(w, "B1"), "Basket Opened, Customer Attached");
	assert_string_equal(of(w, "Basket Opened", "basket_id"), basket);
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(opened(w, "B1"), "basket_exists");
}

static void a_refused_opening_that_is_never_told_again_is_forgotten(void **state)
{
	struct world *w = *state;
	w->journal = REFUSES;
	opened(w, "B1");
	w->journal = KEEPS;
	assert_string_equal(later(w, 599), "");
	assert_int_equal(look(w)->state, LANE_BASKET);
	assert_string_equal(later(w, 1), "");
	assert_int_equal(look(w)->state, LANE_IDLE);
}

static void a_refused_line_can_be_told_again(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	w->journal = REFUSES;
	line(w, "B1", "1");
	assert_true(look(w)->lines[0].provisional);
	w->journal = KEEPS;
	line(w, "B1", "1");
	assert_int_equal(look(w)->line_count, 1);
	assert_false(look(w)->lines[0].provisional);
}

static void a_refused_removal_brings_the_line_back(void **state)
{
	struct world *w = *state;
	const char *remove = "{'basket':'B1','line':'1','reason':'void'}";
	opened(w, "B1");
	line(w, "B1", "1");
	w->journal = SILENT;
	till(w, "line_removed", "%s", remove);
	assert_int_equal(look(w)->line_count, 0);
	answer(w, false);
	assert_int_equal(look(w)->line_count, 1);
	w->journal = KEEPS;
	assert_string_equal(till(w, "line_removed", "%s", remove), "Product Removed");
	assert_int_equal(look(w)->line_count, 0);
}

static void a_refused_change_is_undone(void **state)
{
	struct world *w = *state;
	const char *change =
	    "{'basket':'B1','line':'1','quantity':'5','price':'1.00','reason':'x'}";
	opened(w, "B1");
	line(w, "B1", "1");
	w->journal = SILENT;
	till(w, "line_changed", "%s", change);
	assert_int_equal(look(w)->value, 500);
	assert_true(look(w)->lines[0].provisional);
	answer(w, false);
	assert_string_equal(look(w)->lines[0].quantity, "2");
	assert_int_equal(look(w)->value, 500);
	assert_int_equal(look(w)->lines[0].price, 250);
	w->journal = KEEPS;
	till(w, "line_changed", "%s", change);
	assert_string_equal(of(w, "Basket Line Changed", "from"), "2");
	assert_int_equal(look(w)->lines[0].price, 100);
}

static void a_refused_removal_of_the_customer_can_be_told_again(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	w->journal = REFUSES;
	removed(w, "B1");
	assert_string_equal(shown(w), "-");
	w->journal = KEEPS;
	assert_string_equal(removed(w, "B1"), "Customer Detached");
	assert_string_equal(removed(w, "B1"), "no_customer");
}

static void the_panel_blanks_five_seconds_after_the_sale(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	order(w, "B1");
	assert_int_equal(look(w)->state, LANE_DONE);
	later(w, 4.9);
	assert_string_equal(shown(w), "Anna");
	assert_int_equal(w->next_us, w->now.mono_us + 100000);
	later(w, 0.1);
	assert_int_equal(look(w)->state, LANE_IDLE);
	assert_string_equal(shown(w), "-");
	assert_string_equal(look(w)->profile_ref, "");
}

static void the_next_basket_ends_the_panel_at_once(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	order(w, "B1");
	opened(w, "B2");
	assert_int_equal(look(w)->state, LANE_BASKET);
	assert_string_equal(shown(w), "-");
}

static void a_notice_goes_after_ten_seconds_or_with_the_next_change(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "?");
	later(w, 9.9);
	assert_string_equal(look(w)->notice, "Card not known");
	later(w, 0.1);
	assert_string_equal(look(w)->notice, "");
	assert_string_equal(shown(w), "-");
	scan(w, "?");
	scan(w, "Anna");
	assert_string_equal(look(w)->notice, "");
}

static void a_confidential_customer_is_a_member(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Vip");
	assert_string_equal(shown(w), "Member");
	assert_string_equal(look(w)->profile.name, "");
	scan(w, "Anna");
	assert_string_equal(question(w), "Replace Member?");
}

static void a_lane_that_changed_is_named_once_and_its_number_rises(void **state)
{
	struct world *w = *state;
	uint64_t rev = look(w)->rev;
	assert_null(sale_changed(w->s));
	opened(w, "B1");
	assert_string_equal(sale_changed(w->s), "3");
	assert_null(sale_changed(w->s));
	assert_true(look(w)->rev > rev);
	assert_false(sale_view(w->s, "9", &w->view));
}

static void nothing_waits_when_nothing_is_open(void **state)
{
	struct world *w = *state;
	later(w, 1);
	assert_true(w->next_us == INT64_MAX);
	scan(w, "Anna");
	later(w, 1);
	assert_true(w->next_us == w->now.mono_us + 179 * INT64_C(1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    world_test(who_is_attached_is_provisional_until_kept),
	    world_test(a_refused_attachment_is_struck_out),
	    world_test(a_refused_early_scan_does_not_wait),
	    world_test(a_refused_second_card_asks_nothing),
	    world_test(who_was_to_replace_a_refused_one_is_let_go),
	    world_test(a_refused_order_leaves_the_basket_open),
	    world_test(a_refused_order_is_no_last_order),
	    world_test(a_refused_claim_is_struck_out_and_can_be_made_again),
	    world_test(a_refused_wrong_customer_after_the_order_can_be_pressed_again),
	    world_test(a_refused_wrong_customer_in_the_basket_can_be_pressed_again),
	    world_test(a_question_about_a_refused_order_is_about_its_basket_again),
	    world_test(a_refused_opening_is_told_again_with_the_same_basket),
	    world_test(a_refused_opening_that_is_never_told_again_is_forgotten),
	    world_test(a_refused_line_can_be_told_again),
	    world_test(a_refused_removal_brings_the_line_back),
	    world_test(a_refused_change_is_undone),
	    world_test(a_refused_removal_of_the_customer_can_be_told_again),
	    world_test(the_panel_blanks_five_seconds_after_the_sale),
	    world_test(the_next_basket_ends_the_panel_at_once),
	    world_test(a_notice_goes_after_ten_seconds_or_with_the_next_change),
	    world_test(a_confidential_customer_is_a_member),
	    world_test(a_lane_that_changed_is_named_once_and_its_number_rises),
	    world_test(nothing_waits_when_nothing_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
