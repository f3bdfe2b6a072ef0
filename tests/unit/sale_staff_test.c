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
	assert_false(sale_missed(w->s, w->lane, &missed));
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_staff_card_that_is_nobodys_makes_a_staff_sale_of_nobody),
	    TEST(nobody_can_be_enrolled_with_a_staff_card),
	    TEST(a_staff_card_before_the_basket_waits_for_it),
	    TEST(a_staff_card_does_not_wait_for_ever),
	    TEST(the_big_key_takes_a_staff_card_back),
	    TEST(a_customer_beside_a_staff_card_has_a_staff_sale),
	    TEST(a_power_cut_does_not_forget_a_staff_sale),
	    TEST(a_staff_card_that_was_taken_back_stays_so_after_a_power_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
