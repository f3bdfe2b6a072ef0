/* What a till says, and the events it becomes. */
#include "sale_world.h"

struct member {
	const char *name, *is;
};

/* These members of the event, in words as `of` has them. */
static void expect(struct world *w, const char *event, const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(of(w, event, members[i].name), members[i].is) != 0)
			fail_msg("%s: %s is \"%s\", expected \"%s\"", event, members[i].name,
			         of(w, event, members[i].name), members[i].is);
	}
}
#define EXPECT(w, event, ...)                                                                      \
	expect(w, event, (const struct member[]){__VA_ARGS__},                                     \
	       sizeof((const struct member[]){__VA_ARGS__}) / sizeof(struct member))

static void a_basket_opens_with_its_visit(void **state)
{
	struct world *w = *state;
	assert_string_equal(
	    till(w, "basket_opened", "{'basket':'B1','staff_ref':'staff-7','mode':'return'}"),
	    "Visit Started, Basket Opened");
	assert_string_equal(of(w, "Visit Started", "evidence"), "basket");
	assert_string_equal(of(w, "Visit Started", "place"), "lane");
	EXPECT(w, "Basket Opened", {"till", "T3"}, {"till_basket", "B1"}, {"mode", "return"},
	       {"lane", "3"}, {"source", "till:T3"}, {"staff_ref", "staff-7"},
	       {"training", "false"});
	assert_int_equal(strlen(of(w, "Basket Opened", "basket_id")), 22);
	assert_string_equal(of(w, "Basket Opened", "visit_id"), of(w, "Visit Started", "visit_id"));
	assert_string_not_equal(of(w, "Basket Opened", "visit_id"),
	                        of(w, "Basket Opened", "basket_id"));
	assert_int_equal(look(w)->state, LANE_BASKET);
}

static void a_basket_opens_once(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	assert_string_equal(opened(w, "B1"), "basket_exists");
	assert_string_equal(w->err.field, "basket");
	w->till = "T4";
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened");
}

static void a_name_is_free_again_as_soon_as_its_order_is_said(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	w->journal = SILENT;
	order(w, "B1");
	assert_string_equal(opened(w, "B1"), "Visit Started, Basket Opened");
	answer(w, true);
	answer(w, true);
	assert_string_equal(line(w, "B1", "1"), "Product Added");
}

static void a_line_is_told_with_the_customer_once_there_is_one(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	assert_string_equal(line(w, "B1", "1"), "Product Added");
	EXPECT(w, "Product Added", {"line_id", "1"}, {"sku", "4001"}, {"name", "Bread"},
	       {"quantity", "2"}, {"unit", "piece"}, {"price", "2.50"}, {"currency", "EUR"},
	       {"entry_method", "scan"});
	assert_string_equal(of(w, "Product Added", "cart_id"), of(w, "Product Added", "basket_id"));
	assert_string_equal(of(w, "Product Added", "profile_ref"), "-");
	scan(w, "Anna");
	line(w, "B1", "2");
	assert_string_equal(of(w, "Product Added", "rule"), "loyalty_exact");
	assert_string_equal(of(w, "Product Added", "confidence"), "certain");
	assert_string_equal(of(w, "Product Added", "customer_id"), "-");
	assert_int_equal(look(w)->line_count, 2);
	assert_int_equal(look(w)->value, 1000);
}

static void values_are_rounded_half_up_line_by_line(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	const char *fmt = "{'basket':'B1','line':'%s','sku':'7','name':'Nuts','quantity':'%s',"
	                  "'unit':'kg','price':'%s','entry_method':'scan'}";
	till(w, "line_added", fmt, "1", "0.125", "0.20"); /* 2.5 cents */
	assert_int_equal(look(w)->value, 3);
	till(w, "line_added", fmt, "2", "0.124", "0.20"); /* 2.48 */
	assert_int_equal(look(w)->value, 5);
	assert_int_equal(look(w)->lines[0].total, 3);
	assert_int_equal(look(w)->lines[1].total, 2);
	till(w, "line_added", fmt, "1", "3", "1.00");
	assert_int_equal(look(w)->line_count, 2);
	assert_int_equal(look(w)->value, 302);
}

static void a_line_that_is_told_again_replaces_itself(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	assert_string_equal(line(w, "B1", "1"), "Product Added");
	assert_int_equal(look(w)->line_count, 1);
}

static void a_line_whose_total_cannot_be_written_is_refused(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	const char *fmt = "{'basket':'B1','line':'%s','sku':'7','name':'x','quantity':'%s',"
	                  "'unit':'kg','price':'%s','entry_method':'scan'}";
	assert_string_equal(till(w, "line_added", fmt, "1", "999999999", "9999999999999.99"),
	                    "bad_field");
	assert_string_equal(w->err.field, "quantity");
	till(w, "line_added", fmt, "1", "1", "9999999999999.99");
	assert_string_equal(till(w, "line_added", fmt, "2", "1", "0.01"), "bad_field");
	assert_string_equal(w->err.field, "price");
	assert_int_equal(look(w)->line_count, 1);
}

static void a_removed_line_is_told_whole(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	line(w, "B1", "2");
	assert_string_equal(till(w, "line_removed", "{'basket':'B1','line':'1','reason':'void'}"),
	                    "Product Removed");
	EXPECT(w, "Product Removed", {"sku", "4001"}, {"quantity", "2"}, {"price", "2.50"},
	       {"reason", "void"});
	assert_int_equal(look(w)->line_count, 1);
	assert_string_equal(look(w)->lines[0].line_id, "2");
	assert_string_equal(till(w, "line_removed", "{'basket':'B1','line':'1','reason':'void'}"),
	                    "unknown_line");
	assert_string_equal(w->err.field, "line");
}

static void a_changed_line_gives_one_event_for_each_member(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	assert_string_equal(till(w, "line_changed",
	                         "{'basket':'B1','line':'1','quantity':'3','price':'2.00',"
	                         "'reason':'markdown','approver_ref':'boss'}"),
	                    "Basket Line Changed, Basket Line Changed");
	EXPECT(w, "Basket Line Changed", {"field", "quantity"}, {"from", "2"}, {"to", "3"},
	       {"approver_ref", "boss"});
	assert_int_equal(look(w)->value, 600);
	assert_string_equal(till(w, "line_changed",
	                         "{'basket':'B1','line':'1','price':'1.99','reason':'override'}"),
	                    "Basket Line Changed");
	assert_string_equal(of(w, "Basket Line Changed", "field"), "price");
	assert_string_equal(of(w, "Basket Line Changed", "from"), "2.00");
	assert_string_equal(of(w, "Basket Line Changed", "approver_ref"), "null");
	assert_int_equal(look(w)->value, 597);
	assert_string_equal(
	    till(w, "line_changed", "{'basket':'B1','line':'9','price':'1.99','reason':'x'}"),
	    "unknown_line");
	assert_string_equal(till(w, "line_changed", "{'basket':'B1','line':'1','reason':'x'}"),
	                    "missing_field");
}

static void a_message_for_a_basket_that_was_never_opened_is_an_error(void **state)
{
	struct world *w = *state;
	assert_string_equal(line(w, "B1", "1"), "unknown_basket");
	assert_string_equal(w->err.field, "basket");
	assert_string_equal(tender(w, "B1"), "unknown_basket");
	assert_string_equal(order(w, "B1"), "unknown_basket");
	assert_string_equal(voided(w, "B1"), "unknown_basket");
	w->lane = "9";
	assert_string_equal(opened(w, "B1"), "unknown_lane");
}

static void the_subtotal_starts_checkout(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	line(w, "B1", "2");
	assert_string_equal(tender(w, "B1"), "Checkout Started");
	assert_string_equal(of(w, "Checkout Started", "value"), "5.00");
	assert_string_equal(of(w, "Checkout Started", "lines"), "2");
	assert_int_equal(look(w)->state, LANE_TENDER);
}

static void an_order_carries_every_field_and_ends_the_visit(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	line(w, "B1", "1");
	assert_string_equal(order(w, "B1"), "Order Completed, Visit Ended");
	const char *const fields[][2] = {
	    {"order_id", "s1/T3/2026-11-21/R-B1"},
	    {"receipt_number", "R-B1"},
	    {"currency", "EUR"},
	    {"subtotal", "5.00"},
	    {"discount", "0.00"},
	    {"tax", "0.33"},
	    {"rounding", "-0.01"},
	    {"total", "4.99"},
	    {"revenue", "4.67"},
	    {"prices_include_tax", "true"},
	    {"sale_kind", "sale"},
	    {"identified_at", "start"},
	    {"change", "5.01"},
	    {"tenders", "[{\"amount\":\"10.00\",\"type\":\"cash\"}]"},
	    {"products",
	     "[{\"discount\":\"0.00\",\"line_id\":\"1\",\"line_kind\":\"goods\","
	     "\"line_total\":\"5.00\",\"name\":\"Bread\",\"price\":\"2.50\","
	     "\"quantity\":\"2\",\"sku\":\"4001\",\"tax_rate\":\"7\",\"unit\":\"piece\"}]"},
	    {"business_date", "2026-11-21"},
	};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		assert_string_equal(of(w, "Order Completed", fields[i][0]), fields[i][1]);
	assert_string_equal(of(w, "Order Completed", "cart_id"), of(w, "Visit Ended", "basket_id"));
	assert_string_equal(of(w, "Visit Ended", "reason"), "sale");
	assert_true(w->entry->first->urgent);
	assert_int_equal(look(w)->state, LANE_DONE);
	assert_string_equal(order(w, "B1"), "unknown_basket");
}

static void identified_at_says_when_the_customer_was_known(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	scan(w, "Anna");
	tender(w, "B1");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "during");
	opened(w, "B2");
	line(w, "B2", "1");
	tender(w, "B2");
	chosen(w, "B2", "Anna");
	order(w, "B2");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "end");
	opened(w, "B3");
	line(w, "B3", "1");
	order(w, "B3");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "none");
	assert_false(w->entry->first->urgent);
}

static void the_tills_own_business_date_stands_in_the_order(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	till(
	    w, "order_completed",
	    "{'basket':'B1','receipt_number':'0042','business_date':'2026-11-20','subtotal':'1.00',"
	    "'discount':'0.00','tax':'0.00','rounding':'0.00','total':'1.00','revenue':'1.00',"
	    "'prices_include_tax':false,'sale_kind':'sale','products':[],'tenders':[],"
	    "'change':'0.00'}");
	EXPECT(w, "Order Completed", {"order_id", "s1/T3/2026-11-20/0042"},
	       {"business_date", "2026-11-20"}, {"prices_include_tax", "false"},
	       {"products", "[]"});
}

static void training_is_marked_and_never_urgent(void **state)
{
	struct world *w = *state;
	till(w, "basket_opened", "{'basket':'B1','training':true}");
	assert_string_equal(of(w, "Basket Opened", "training"), "true");
	scan(w, "Anna");
	assert_string_equal(of(w, "Customer Attached", "training"), "true");
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "training"), "true");
	assert_false(w->entry->first->urgent);
}

static void a_void_ends_basket_and_visit(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	line(w, "B1", "1");
	line(w, "B1", "2");
	scan(w, "Anna");
	scan(w, "Berta");
	assert_string_equal(voided(w, "B1"), "Identifier Presented, Basket Abandoned, Visit Ended");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "dropped");
	assert_string_equal(of(w, "Basket Abandoned", "reason"), "void");
	assert_string_equal(of(w, "Basket Abandoned", "lines"), "2");
	assert_string_equal(of(w, "Basket Abandoned", "value"), "10.00");
	assert_string_equal(of(w, "Visit Ended", "reason"), "void");
	assert_int_equal(look(w)->state, LANE_IDLE);
	assert_string_equal(shown(w), "-");
	assert_string_equal(question(w), "");
}

static void the_tills_choice_wins(void **state)
{
	struct world *w = *state;
	char anna[64];
	opened(w, "B1");
	scan(w, "Anna");
	strcpy(anna, of(w, "Customer Attached", "profile_ref"));
	scan(w, "Berta");
	assert_string_equal(chosen(w, "B1", "Carla"),
	                    "Identifier Presented, Identifier Presented, Customer Attached");
	assert_string_equal(of(w, "Identifier Presented", "method"), "till");
	assert_string_equal(of(w, "Identifier Presented", "symbology"), "null");
	assert_string_equal(of(w, "Identifier Presented", "value"), "26-Carla");
	assert_string_equal(of(w, "Customer Attached", "by"), "till");
	assert_string_equal(of(w, "Customer Attached", "reason"), "chosen");
	assert_string_equal(of(w, "Customer Attached", "replaces"), anna);
	assert_string_equal(shown(w), "Carla");
	assert_string_equal(question(w), "");
}

static void the_till_may_choose_who_is_held(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	scan(w, "Berta");
	assert_string_equal(chosen(w, "B1", "Berta"), "Identifier Presented, Customer Attached");
	assert_string_equal(question(w), "");
	assert_string_equal(chosen(w, "B1", "Berta"), "Identifier Presented");
}

static void whose_country_was_guessed_waits_for_a_tap(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	assert_string_equal(chosen(w, "B1", "Renee"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
	assert_string_equal(question(w),
	                    "\U0001f1eb\U0001f1f7 FR number: Renee: this customer or next?");
	assert_string_equal(choose(w, "this"), "Customer Attached");
	assert_string_equal(shown(w), "Renee");
	chosen(w, "B1", "Renee"); /* who is attached is not asked for again */
	assert_string_equal(question(w), "");
}

static void a_choice_that_is_nobody_changes_nothing(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	assert_string_equal(chosen(w, "B1", "?"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "unknown");
	assert_string_equal(shown(w), "unknown");
	chosen(w, "B1", "both");
	assert_string_equal(shown(w), "conflict");
	scan(w, "Anna");
	chosen(w, "B1", "?");
	assert_string_equal(shown(w), "Anna");
}

static void the_till_can_remove_the_customer_once(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	assert_string_equal(removed(w, "B1"), "no_customer");
	scan(w, "Anna");
	assert_string_equal(removed(w, "B1"), "Customer Detached");
	assert_string_equal(of(w, "Customer Detached", "by"), "till");
	assert_string_equal(shown(w), "-");
	assert_string_equal(removed(w, "B1"), "no_customer");
}

static void the_newest_open_basket_is_in_front(void **state)
{
	struct world *w = *state;
	struct buf names = {0};
	opened(w, "B1");
	scan(w, "Anna");
	opened(w, "B2");
	assert_string_equal(shown(w), "-");
	scan(w, "Berta");
	sale_till_baskets(w->s, "T3", &names);
	buf_byte(&names, '\0');
	assert_string_equal((const char *)names.data, "[\"B1\",\"B2\"]");
	buf_free(&names);
	order(w, "B2");
	assert_string_equal(of(w, "Order Completed", "profile_ref"),
	                    of(w, "Visit Ended", "profile_ref"));
	assert_int_equal(look(w)->state, LANE_BASKET);
	assert_string_equal(look(w)->till_basket, "B1");
	assert_string_equal(shown(w), "Anna");
}

static void a_till_that_moves_takes_its_baskets_along(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	w->lane = "4";
	line(w, "B1", "1");
	assert_string_equal(of(w, "Product Added", "lane"), "4");
	assert_string_equal(shown(w), "Anna");
	w->lane = "3";
	assert_string_equal(shown(w), "-");
}

static void a_message_that_was_wrong_leaves_no_trace(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	w->lane = "4";
	assert_string_equal(till(w, "line_removed", "{'basket':'B1','line':'7','reason':'x'}"),
	                    "unknown_line");
	assert_int_equal(look(w)->state, LANE_IDLE);
	w->lane = "3";
	assert_int_equal(look(w)->state, LANE_BASKET);
}

static void an_order_behind_the_basket_in_front_shows_no_panel(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	opened(w, "B2");
	order(w, "B1");
	voided(w, "B2");
	assert_int_equal(look(w)->state, LANE_IDLE);
	assert_string_equal(shown(w), "-");
}

static void a_till_has_at_most_sixteen_open_baskets(void **state)
{
	struct world *w = *state;
	char name[16];
	for (int i = 0; i < 16; i++) {
		snprintf(name, sizeof name, "B%d", i);
		assert_string_equal(opened(w, name), "Visit Started, Basket Opened");
	}
	assert_string_equal(opened(w, "B16"), "too_many");
	voided(w, "B0");
	assert_string_equal(opened(w, "B16"), "Visit Started, Basket Opened");
}

static void a_basket_has_at_most_a_thousand_lines(void **state)
{
	struct world *w = *state;
	char id[16];
	opened(w, "B1");
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof id, "%d", i);
		line(w, "B1", id);
	}
	assert_string_equal(line(w, "B1", "1000"), "too_many");
	assert_string_equal(line(w, "B1", "999"), "Product Added");
	assert_int_equal(look(w)->line_count, 1000);
}

static void a_refund_is_nobodys_visit(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	scan(w, "Anna");
	assert_string_equal(
	    till(w, "refund",
	         "{'refund_number':'F1','original_order_id':'s1/T3/2026-11-01/"
	         "7','products':[{'line':'1',"
	         "'original_line':'4','sku':'4001','name':'Bread','quantity':'1','unit':'piece',"
	         "'price':'2.50','line_total':'2.50','discount':'0.00','tax_rate':'7',"
	         "'line_kind':'goods'}],'total':'2.50','tax':'0.16',"
	         "'tenders':[{'type':'cash','amount':'2.50'}]}"),
	    "Order Refunded");
	EXPECT(w, "Order Refunded", {"refund_id", "s1/T3/2026-11-21/F1"},
	       {"original_order_id", "s1/T3/2026-11-01/7"}, {"no_receipt_reason", "null"},
	       {"profile_ref", "-"}, {"basket_id", "-"});
	assert_int_equal(strlen(of(w, "Order Refunded", "visit_id")), 22);
	assert_non_null(strstr(of(w, "Order Refunded", "products"), "\"original_line_id\":\"4\""));
	assert_string_equal(shown(w), "Anna");
}

static void a_cancelled_order_has_no_visit(void **state)
{
	struct world *w = *state;
	assert_string_equal(
	    till(w, "order_cancelled", "{'order_id':'s1/T3/2026-11-21/7','reason':'error'}"),
	    "Order Cancelled");
	assert_string_equal(of(w, "Order Cancelled", "order_id"), "s1/T3/2026-11-21/7");
	assert_string_equal(of(w, "Order Cancelled", "approver_ref"), "null");
	assert_string_equal(of(w, "Order Cancelled", "visit_id"), "-");
}

static void a_till_closes_with_its_own_count(void **state)
{
	struct world *w = *state;
	assert_string_equal(till(w, "till_closed",
	                         "{'orders':3,'orders_sum':'7.50','refunds':1,'refunds_sum':'2.50',"
	                         "'voids':0,'voids_sum':'0.00','business_date':'2026-11-20',"
	                         "'tenders':[{'type':'cash','amount':'7.50'}],"
	                         "'first_receipt_number':'0040','last_receipt_number':'0042'}"),
	                    "Till Closed");
	EXPECT(w, "Till Closed", {"till", "T3"}, {"business_date", "2026-11-20"}, {"orders", "3"},
	       {"orders_sum", "7.50"}, {"refunds", "1"}, {"refunds_sum", "2.50"}, {"voids", "0"},
	       {"voids_sum", "0.00"}, {"currency", "EUR"}, {"first_receipt_number", "0040"},
	       {"last_receipt_number", "0042"}, {"source", "till:T3"});
}

static void a_till_that_keeps_no_day_of_its_own_has_the_stores(void **state)
{
	struct world *w = *state;
	assert_string_equal(till(w, "till_opened", "{'staff_ref':'staff-7'}"), "Till Opened");
	assert_string_equal(of(w, "Till Opened", "business_date"), "2026-11-21");
	assert_string_equal(of(w, "Till Opened", "staff_ref"), "staff-7");
	till(w, "till_closed",
	     "{'orders':0,'orders_sum':'0.00','refunds':0,'refunds_sum':'0.00','voids':0,"
	     "'voids_sum':'0.00'}");
	assert_string_equal(of(w, "Till Closed", "business_date"), "2026-11-21");
	assert_string_equal(of(w, "Till Closed", "first_receipt_number"), "null");
}

static void a_void_keeps_the_tills_own_reason(void **state)
{
	struct world *w = *state;
	opened(w, "B1");
	till(w, "basket_voided", "{'basket':'B1','reason':'customer left'}");
	assert_string_equal(of(w, "Basket Abandoned", "reason"), "void");
	assert_string_equal(of(w, "Basket Abandoned", "till_reason"), "customer left");
	opened(w, "B2");
	voided(w, "B2");
	assert_string_equal(of(w, "Basket Abandoned", "till_reason"), "-");
}

static const char *seen_by(struct world *w, const char *till)
{
	static char text[256];
	struct lane_view v;
	assert_true(sale_view_till(w->s, w->lane, till, &v));
	snprintf(text, sizeof text, "%s %s%s", v.till_basket[0] ? v.till_basket : "-",
	         v.person == PERSON_KNOWN ? v.profile.first_name : "-",
	         v.question_id[0] ? " ?" : "");
	return text;
}

static void of_two_tills_on_a_lane_each_is_told_of_its_own_basket(void **state)
{
	struct world *w = *state;
	scan(w, "Anna");
	assert_string_equal(seen_by(w, "T3"), "- Anna");
	assert_string_equal(seen_by(w, "T4"), "- Anna");
	opened(w, "B1");
	assert_string_equal(seen_by(w, "T3"), "B1 Anna");
	assert_string_equal(seen_by(w, "T4"), "- -");
	w->till = "T4";
	opened(w, "B2");
	scan(w, "Ben");
	assert_string_equal(seen_by(w, "T3"), "B1 Anna");
	assert_string_equal(seen_by(w, "T4"), "B2 Ben");
	scan(w, "Cleo"); /* a question about the basket in front */
	assert_string_equal(seen_by(w, "T3"), "B1 Anna");
	assert_string_equal(seen_by(w, "T4"), "B2 Ben ?");
	choose(w, "keep");
	order(w, "B2");
	assert_string_equal(seen_by(w, "T3"), "B1 Anna");
	assert_string_equal(seen_by(w, "T4"), "- -");
	w->till = "T3";
	order(w, "B1");
	assert_string_equal(seen_by(w, "T3"), "- Anna");
	assert_string_equal(seen_by(w, "T4"), "- -");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    world_test(a_till_closes_with_its_own_count),
	    world_test(a_till_that_keeps_no_day_of_its_own_has_the_stores),
	    world_test(a_basket_opens_with_its_visit),
	    world_test(a_basket_opens_once),
	    world_test(a_name_is_free_again_as_soon_as_its_order_is_said),
	    world_test(a_line_is_told_with_the_customer_once_there_is_one),
	    world_test(values_are_rounded_half_up_line_by_line),
	    world_test(a_line_that_is_told_again_replaces_itself),
	    world_test(a_line_whose_total_cannot_be_written_is_refused),
	    world_test(a_removed_line_is_told_whole),
	    world_test(a_changed_line_gives_one_event_for_each_member),
	    world_test(a_message_for_a_basket_that_was_never_opened_is_an_error),
	    world_test(the_subtotal_starts_checkout),
	    world_test(an_order_carries_every_field_and_ends_the_visit),
	    world_test(identified_at_says_when_the_customer_was_known),
	    world_test(the_tills_own_business_date_stands_in_the_order),
	    world_test(training_is_marked_and_never_urgent),
	    world_test(a_void_ends_basket_and_visit),
	    world_test(the_tills_choice_wins),
	    world_test(the_till_may_choose_who_is_held),
	    world_test(whose_country_was_guessed_waits_for_a_tap),
	    world_test(a_choice_that_is_nobody_changes_nothing),
	    world_test(the_till_can_remove_the_customer_once),
	    world_test(the_newest_open_basket_is_in_front),
	    world_test(a_till_that_moves_takes_its_baskets_along),
	    world_test(a_message_that_was_wrong_leaves_no_trace),
	    world_test(an_order_behind_the_basket_in_front_shows_no_panel),
	    world_test(a_till_has_at_most_sixteen_open_baskets),
	    world_test(a_basket_has_at_most_a_thousand_lines),
	    world_test(a_refund_is_nobodys_visit),
	    world_test(a_cancelled_order_has_no_visit),
	    world_test(a_void_keeps_the_tills_own_reason),
	    world_test(of_two_tills_on_a_lane_each_is_told_of_its_own_basket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
