/* A power cut: what the journal's lines bring back. */
#include "sale_restart_world.h"

static void an_open_basket_is_continued_whole(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	char basket[64], visit[64], ref[64];
	opened(w, "B1");
	line(w, "B1", "1");
	line(w, "B1", "2");
	line(w, "B1", "3");
	till(w, "line_removed", "{'basket':'B1','line':'2','reason':'void'}");
	till(w, "line_changed",
	     "{'basket':'B1','line':'3','quantity':'4','price':'1.00','reason':'x'}");
	scan(w, "Anna");
	strcpy(basket, of(w, "Customer Attached", "basket_id"));
	strcpy(visit, of(w, "Customer Attached", "visit_id"));
	strcpy(ref, of(w, "Customer Attached", "profile_ref"));
	assert_int_equal(restart(w, "power", &from), 1);
	assert_string_equal(shown(w), "Anna");
	assert_string_equal(look(w)->restored, "power");
	assert_false(look(w)->person_provisional);
	assert_string_equal(look(w)->basket_id, basket);
	assert_int_equal(look(w)->line_count, 2);
	assert_string_equal(look(w)->lines[1].quantity, "4");
	assert_int_equal(look(w)->value, 900);
	order(w, "B1");
	assert_string_equal(of(w, "Order Completed", "basket_id"), basket);
	assert_string_equal(of(w, "Order Completed", "visit_id"), visit);
	assert_string_equal(of(w, "Order Completed", "profile_ref"), ref);
	assert_string_equal(of(w, "Order Completed", "rule"), "loyalty_exact");
	assert_string_equal(of(w, "Order Completed", "staff_ref"), "staff-7");
	assert_string_equal(of(w, "Order Completed", "identified_at"), "during");
}

static void a_restored_customers_card_keeps_reference_and_key(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	char ref[64], key[64];
	opened(w, "B1");
	scan(w, "Anna");
	strcpy(ref, of(w, "Customer Attached", "profile_ref"));
	strcpy(key, of(w, "Customer Attached", "k"));
	restart(w, "power", &from);
	assert_string_equal(scan(w, "Anna"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "profile_ref"), ref);
	assert_string_equal(of(w, "Identifier Presented", "k"), key);
}

static void what_was_closed_stays_closed(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	order(w, "B1");
	opened(w, "B2");
	voided(w, "B2");
	opened(w, "B3");
	tender(w, "B3");
	assert_int_equal(restart(w, "power", &from), 1);
	assert_string_equal(look(w)->till_basket, "B3");
	assert_int_equal(look(w)->state, LANE_TENDER);
	assert_string_equal(order(w, "B1"), "unknown_basket");
}

static void a_detached_customer_does_not_come_back(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	scan(w, "Anna");
	wrong(w);
	restart(w, "power", &from);
	assert_string_equal(shown(w), "-");
}

static void a_card_after_a_restart_may_still_mean_the_last_customer(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	char order_id[129];
	opened(w, "B1");
	order(w, "B1");
	strcpy(order_id, of(w, "Order Completed", "order_id"));
	later(w, 15);
	assert_int_equal(restart(w, "power", &from), 0);
	later(w, 5);
	assert_string_equal(scan(w, "Anna"), "Identifier Presented");
	assert_string_equal(question(w), "Anna: last customer?");
	assert_string_equal(choose(w, "last"), "Order Claimed");
	assert_string_equal(of(w, "Order Claimed", "order_id"), order_id);
}

static void an_order_long_ago_or_with_a_line_after_it_is_not_the_last_after_a_restart(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	order(w, "B1");
	later(w, 21);
	restart(w, "power", &from);
	assert_string_equal(scan(w, "Anna"), "Visit Started, Identifier Presented");
	w->lane = "4";
	opened(w, "B2");
	order(w, "B2");
	opened(w, "B3");
	line(w, "B3", "1");
	voided(w, "B3");
	restart(w, "power", &from);
	scan(w, "Ben");
	assert_string_equal(shown(w), "Ben");
	assert_string_equal(question(w), "");
}

static void who_claimed_or_left_the_last_order_is_known_after_a_restart(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	char ref[64];
	opened(w, "B1");
	order(w, "B1");
	scan(w, "Anna");
	choose(w, "last");
	strcpy(ref, of(w, "Order Claimed", "profile_ref"));
	restart(w, "power", &from);
	assert_string_equal(scan(w, "Anna"), "Identifier Presented");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "matched");
	assert_string_equal(of(w, "Identifier Presented", "profile_ref"), ref);
	assert_string_equal(wrong(w), "Customer Detached");
	restart(w, "power", &from);
	scan(w, "Anna");
	assert_string_equal(of(w, "Identifier Presented", "outcome"), "held");
}

static void an_erased_customer_does_not_come_back(void **state)
{
	struct world *w = *state;
	struct sources from = {.no_keys = true};
	opened(w, "B1");
	scan(w, "Anna");
	assert_int_equal(restart(w, "power", &from), 1);
	assert_string_equal(shown(w), "-");
}

static void a_customer_the_shard_has_lost_is_attached_without_a_name(void **state)
{
	struct world *w = *state;
	struct sources from = {.no_profiles = true};
	char ref[64];
	opened(w, "B1");
	scan(w, "Anna");
	strcpy(ref, of(w, "Customer Attached", "profile_ref"));
	restart(w, "power", &from);
	assert_string_equal(shown(w), "");
	assert_string_equal(look(w)->profile_ref, ref);
}

static void a_basket_on_a_lane_that_is_gone_waits_for_its_till(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	w->lane = "4";
	opened(w, "B1");
	opened(w, "B2");
	buf_byte(&w->lines, '\0');
	for (char *at = (char *)w->lines.data; (at = strstr(at, "\"lane\":\"4\""));)
		at[8] = '9';
	w->lines.len--;
	assert_int_equal(restart(w, "power", &from), 2);
	w->lane = "3";
	assert_int_equal(look(w)->state, LANE_IDLE);
	assert_string_equal(line(w, "B1", "1"), "Product Added");
	assert_int_equal(look(w)->line_count, 1);
	assert_string_equal(later(w, 600), "Basket Abandoned, Visit Ended");
	assert_string_equal(of(w, "Basket Abandoned", "lane"), "-");
}

/* More than is noted of a basket before it is worked in. */
static void many_words_on_a_basket_come_back_as_they_were(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	struct lane_line before[40];
	bool there[40] = {false};
	opened(w, "B1");
	line(w, "B1", "0");
	for (unsigned i = 0, dice = 7; i < 900; i++) {
		dice = dice * 1103515245u + 12345u;
		unsigned n = 1 + (dice >> 16) % 39;
		char id[12];
		snprintf(id, sizeof id, "%u", n);
		if (!there[n])
			line(w, "B1", id);
		else if (dice >> 30)
			till(w, "line_changed",
			     "{'basket':'B1','line':'%u','quantity':'%u','price':'%u.00','reason':'"
			     "x'}",
			     n, 1 + i % 9, i % 50);
		else
			till(w, "line_removed", "{'basket':'B1','line':'%u','reason':'void'}", n);
		there[n] = !there[n] || dice >> 30;
	}
	size_t count = look(w)->line_count;
	int64_t value = look(w)->value;
	assert_true(count > 10 && count <= 40 && w->lines.len > 300000);
	memcpy(before, look(w)->lines, count * sizeof *before);
	assert_int_equal(restart(w, "power", &from), 1);
	assert_int_equal(look(w)->line_count, count);
	assert_int_equal(look(w)->value, value);
	for (size_t i = 0; i < count; i++) {
		const struct lane_line *line = &look(w)->lines[i];
		assert_string_equal(line->line_id, before[i].line_id);
		assert_string_equal(line->quantity, before[i].quantity);
		assert_int_equal(line->price, before[i].price);
		assert_int_equal(line->total, before[i].total);
		assert_string_equal(line->name, before[i].name);
	}
}

static void a_product_is_a_word_of_its_till(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	opened(w, "B1");
	line(w, "B1", "1");
	for (int boot = 0; boot < 6; boot++) {
		char id[12];
		assert_int_equal(restart(w, "power", &from), 1);
		assert_string_equal(look(w)->restored, "power");
		snprintf(id, sizeof id, "%d", boot + 2);
		line(w, "B1", id);
	}
	for (int boot = 0; boot < 4; boot++)
		restart(w, "power", &from);
	assert_string_equal(later(w, 0), "Basket Abandoned, Visit Ended");
}

static void an_order_is_known_by_its_id_whatever_its_products_are_called(void **state)
{
	struct world *w = *state;
	struct sources from = {0};
	char order_id[128];
	opened(w, "B1");
	scan(w, "Anna");
	till(w, "order_completed",
	     "{'basket':'B1','receipt_number':'4711','subtotal':'1.00','discount':'0.00','tax':'0."
	     "16',"
	     "'rounding':'0.00','total':'1.00','revenue':'0.84','prices_include_tax':true,"
	     "'sale_kind':'sale','products':[{'line':'1','sku':'1','name':'a \\\"] b\\\\ ] },"
	     "\\\"products\\\":[','quantity':'1','unit':'piece','price':'1.00','line_total':'1.00',"
	     "'discount':'0.00','tax_rate':'19','line_kind':'goods'}],"
	     "'tenders':[{'type':'cash','amount':'1.00'}],'change':'0.00'}");
	assert_int_equal(strcmp(of(w, "Order Completed", "order_id"), "-") != 0, 1);
	strcpy(order_id, of(w, "Order Completed", "order_id"));
	assert_int_equal(restart(w, "crash", &from), 0);
	scan(w, "Bob");
	choose(w, "last");
	assert_string_equal(of(w, "Order Claimed", "order_id"), order_id);
}

static void lines_that_are_not_events_are_skipped(void **state)
{
	struct world *w = *state;
	static const char *const lines[] = {
	    "",
	    "{",
	    "},\"event\":\"",
	    "},\"event\":\"Basket Opened\"",
	    "{\"context\":{\"laneway\":{}},\"event\":\"Basket Opened\"}",
	    "{\"context\":{\"laneway\":{\"basket_id\":7}},\"event\":\"Basket "
	    "Opened\",\"properties\":[]}",
	    "{\"context\":{\"laneway\":{\"basket_id\":\"unknown\"}},\"event\":\"Product Added\"}",
	    "{\"context\":{\"laneway\":{}},\"event\":\"Something New\"}",
	};
	struct sale_sources sources = {source_key, source_open, source_profile, source_resolve,
	                               NULL};
	const struct sale_start start = {w->boot, "power"};
	struct entry *e = entry_new();
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_int_equal(
		    sale_replay(w->s, w->epoch, 1, lines[i], strlen(lines[i]), &sources), 0);
	assert_int_equal(sale_replayed(w->s, e, &w->now, &start), 0);
	assert_int_equal(e->count, 0);
	entry_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    world_test(an_open_basket_is_continued_whole),
	    world_test(a_restored_customers_card_keeps_reference_and_key),
	    world_test(what_was_closed_stays_closed),
	    world_test(a_detached_customer_does_not_come_back),
	    world_test(a_card_after_a_restart_may_still_mean_the_last_customer),
	    world_test(an_order_long_ago_or_with_a_line_after_it_is_not_the_last_after_a_restart),
	    world_test(who_claimed_or_left_the_last_order_is_known_after_a_restart),
	    world_test(an_erased_customer_does_not_come_back),
	    world_test(a_customer_the_shard_has_lost_is_attached_without_a_name),
	    world_test(a_basket_on_a_lane_that_is_gone_waits_for_its_till),
	    world_test(many_words_on_a_basket_come_back_as_they_were),
	    world_test(a_product_is_a_word_of_its_till),
	    world_test(an_order_is_known_by_its_id_whatever_its_products_are_called),
	    world_test(lines_that_are_not_events_are_skipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
