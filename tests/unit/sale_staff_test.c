/* Staff sales: a card of the staff list, whether it is a customer's or nobody's. */
#include "sale_restart_world.h"

/* In the basket in front, or before one. */
static const char *staff_card(struct world *w)
{
	struct answer a = {.outcome = OUTCOME_STAFF,
	                   .kind = IDENT_LOYALTY,
	                   .value = "26-staff",
	                   .why = "staff_card",
	                   .rule = "loyalty_exact",
	                   .ruleset = "1",
	                   .confidence = "none",
	                   .staff = true};
	struct entry *e = world_begin(w);
	assert_int_equal(sale_scan(w->s, e, &w->now, w->lane, "scan-3", "scan", "]C1", &a), 0);
	return world_end(w, e, 0);
}

static void a_staff_card_that_is_nobodys_makes_a_staff_sale_of_nobody(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	assert_string_equal(staff_card(w), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "staff");
	assert_string_equal(of(w, "Identifier Presented", "reason"), "staff_card");
	assert_true(look(w)->person_staff);
	assert_string_equal(shown(w), "staff");
	assert_string_equal(look(w)->notice, "Staff sale");
	later(w, 60); /* it stands as long as the basket */
	assert_string_equal(shown(w), "staff");
	assert_string_equal(order(w, "B1"), "Order Completed, Visit Ended");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "staff");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "none");
}

static void nobody_can_be_enrolled_with_a_staff_card(void **state)
{
	struct world *w = *state;
	struct sale_early missed;
	opened(w, "B1");
	staff_card(w);
	/* HQ may be asked whose it is; a form looks at the flag */
	assert_true(sale_missed(w->s, w->lane, &missed));
	assert_true(missed.staff);
}

static void a_staff_card_before_the_basket_waits_for_it(void **state)
{
	struct world *w = *state;
	staff_card(w);
	assert_string_equal(shown(w), "staff");
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened, Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "again"), "early");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "staff");
	opened(w, "B2");
	assert_string_equal(shown(w), "-");
	order(w, "B2");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "sale");
}

static void a_staff_card_after_a_sale_says_nothing_of_who_has_paid(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	order(w, "B1");
	staff_card(w);
	assert_string_equal(shown(w), "Anna");
	assert_false(look(w)->person_staff);
	assert_string_equal(look(w)->notice, "Staff card: the next sale is a staff sale");
	later(w, 6);
	assert_string_equal(shown(w), "staff");
	opened(w, "B2");
	assert_true(look(w)->person_staff);
	order(w, "B2");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "staff");
}

static void a_staff_card_does_not_wait_for_ever(void **state)
{
	struct world *w = *state;
	staff_card(w);
	later(w, 181);
	assert_string_equal(shown(w), "-");
	opened(w, "B1");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "sale");
}

static void the_big_key_takes_a_staff_card_back(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	staff_card(w);
	assert_string_equal(wrong(w), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(shown(w), "-");
	assert_string_equal(wrong(w), "no_customer");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "sale");
}

static void a_customer_beside_a_staff_card_has_a_staff_sale(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	staff_card(w);
	assert_string_equal(scan(w, "Anna"), "Identifier Presented, Customer Attached");
	assert_string_equal(shown(w), "Anna");
	assert_true(look(w)->person_staff);
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "staff");
}

static void a_power_cut_does_not_forget_a_staff_sale(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	line(w, "B1", "1");
	staff_card(w);
	assert_int_equal(restart(w, "power", &from), 1);
	assert_true(look(w)->person_staff);
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "staff");
}

static void a_staff_card_that_was_taken_back_stays_so_after_a_power_cut(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	line(w, "B1", "1");
	staff_card(w);
	wrong(w);
	assert_int_equal(restart(w, "power", &from), 1);
	assert_false(look(w)->person_staff);
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "sale");
}

static void a_staff_card_before_its_basket_waits_on_over_a_restart(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	staff_card(w);
	later(w, 100);
	assert_int_equal(restart(w, "crash", &from), 0);
	assert_string_equal(shown(w), "staff");
	later(w, 70); /* 170 s in all */
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened, Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "again"), "early");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "staff");
	assert_int_equal(restart(w, "crash", &from), 1);
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "staff");
	/* It was the one basket's. */
	assert_int_equal(restart(w, "crash", &from), 0);
	opened(w, "B2");
	order(w, "B2");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "sale");
}

static void a_staff_card_waits_no_longer_for_a_restart(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	staff_card(w);
	later(w, 100);
	restart(w, "crash", &from);
	later(w, 81);
	assert_string_equal(shown(w), "-");
	staff_card(w);
	w->now.mono_us += INT64_C(181000000);
	w->now.wall_us += INT64_C(181000000);
	restart(w, "crash", &from);
	assert_string_equal(shown(w), "-");
	opened(w, "B1");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "sale");
}

static void a_staff_card_that_was_taken_back_before_its_basket_stays_so(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	staff_card(w);
	wrong(w);
	restart(w, "crash", &from);
	assert_string_equal(shown(w), "-");
	/* ... and can be taken back after the restart, with its value. */
	staff_card(w);
	restart(w, "crash", &from);
	assert_string_equal(wrong(w), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(shown(w), "-");
}

static void a_staff_card_that_the_journal_refuses_is_shown_again(void **state)
{
	struct world *w = *state;
	w->journal = REFUSES;
	staff_card(w);
	assert_string_equal(shown(w), "-");
	assert_string_equal(look(w)->notice, "Could not be kept: scan again");
	w->journal = KEEPS;
	opened(w, "B1");
	w->journal = REFUSES;
	staff_card(w);
	assert_false(look(w)->person_staff);
	w->journal = KEEPS;
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "sale");
}

static void a_staff_card_waits_for_its_basket_to_be_told_again(void **state)
{
	struct world *w = *state;
	staff_card(w);
	w->journal = REFUSES;
	opened(w, "B1");
	w->journal = KEEPS;
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened, Identifier Presented");
	assert_true(look(w)->person_staff);
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "staff");
	opened(w, "B2");
	order(w, "B2");
	assert_string_equal(of(w, "Order Completed", "sale_kind"), "sale");
}

/* The rebuild begins where the card was shown, not behind it. */
static void a_waiting_staff_card_is_what_a_rebuild_needs(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	struct sale_spot spot = {.seq = 0};
	opened(w, "B1");
	order(w, "B1");
	later(w, 60);
	staff_card(w);
	assert_true(sale_oldest(w->s, &spot));
	restart_from(w, "crash", &from, &spot);
	assert_string_equal(shown(w), "staff");
	assert_true(sale_oldest(w->s, &spot));
	restart_from(w, "crash", &from, &spot);
	assert_string_equal(shown(w), "staff");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_staff_card_that_is_nobodys_makes_a_staff_sale_of_nobody),
	    TEST(nobody_can_be_enrolled_with_a_staff_card),
	    TEST(a_staff_card_before_the_basket_waits_for_it),
	    TEST(a_staff_card_after_a_sale_says_nothing_of_who_has_paid),
	    TEST(a_staff_card_does_not_wait_for_ever),
	    TEST(the_big_key_takes_a_staff_card_back),
	    TEST(a_customer_beside_a_staff_card_has_a_staff_sale),
	    TEST(a_power_cut_does_not_forget_a_staff_sale),
	    TEST(a_staff_card_that_was_taken_back_stays_so_after_a_power_cut),
	    TEST(a_staff_card_before_its_basket_waits_on_over_a_restart),
	    TEST(a_staff_card_waits_no_longer_for_a_restart),
	    TEST(a_staff_card_that_was_taken_back_before_its_basket_stays_so),
	    TEST(a_staff_card_that_the_journal_refuses_is_shown_again),
	    TEST(a_staff_card_waits_for_its_basket_to_be_told_again),
	    TEST(a_waiting_staff_card_is_what_a_rebuild_needs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
