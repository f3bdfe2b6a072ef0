#include "hq_world.h"

#include "hq/identity/hq_profile.h"
#include "hq/intake/hq_epoch.h"

#define PERSON(id) "{\"customer_id\":\"" id "\",\"ident_ref\":\"r\"}"
#define BASKET(b)                                                                                  \
	"{\"basket_id\":\"" b "\",\"profile_ref\":\"p\",\"by\":\"scan\",\"reason\":\"scan\"}"

static void customer(struct world *w, const char *external)
{
	struct hq_person p = {.external = external, .first_name = "Anna"};

	assert_int_equal(hq_db_begin(w->db), 0);
	assert_int_equal(hq_profile_upsert(w->db, &p, &(int64_t){0}), HQ_UPSERT_NEW);
	assert_int_equal(hq_db_commit(w->db), 0);
}

static void attach(struct store *s, const char *basket_json, const char *person)
{
	store_say(s, &(struct said){.event = "Customer Attached",
	                            .properties = basket_json,
	                            .visit = "v",
	                            .person = person});
}

struct bill {
	const char *basket, *number, *total, *visit;
	bool training;
};

static void order_of_kind(struct store *s, const struct bill *b, const char *kind)
{
	char properties[600];

	snprintf(properties, sizeof properties,
	         "{\"cart_id\":\"%s\",\"currency\":\"EUR\",\"order_id\":\"%s/T1/2026-11-21/"
	         "%s\",\"products\":["
	         "{\"line_id\":\"1\",\"name\":\"Bread "
	         "%s\",\"quantity\":\"1\",\"sku\":\"%s\"}],\"sale_kind\":\"%s\",\"total\":\"%s\"}",
	         b->basket, s->name, b->number, b->number, b->number, kind, b->total);
	s->world->wall_us += 1000000;
	store_say(s, &(struct said){.event = "Order Completed",
	                            .properties = properties,
	                            .visit = b->visit ? b->visit : "v",
	                            .training = b->training});
}

static void order(struct store *s, const struct bill *b)
{
	order_of_kind(s, b, "sale");
}

static void speak(struct store *s, const char *event, const char *properties, const char *person)
{
	store_say(s, &(struct said){
	                 .event = event, .properties = properties, .visit = "v", .person = person});
}

/* visits, spend and last items of everybody, as one text. */
static const char *people(struct world *w)
{
	return world_text(
	    w, "SELECT id || ' ' || visits || ' ' || spend || ' ' || coalesce(last_seen_us, '-')"
	       " || ' ' || coalesce(last_items, '[]') FROM profile ORDER BY id");
}

static void an_identified_order_counts_for_its_customer(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "12.10", NULL, false});
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_string_equal(world_text(w, "SELECT owner FROM sale"), "C000001");
	assert_string_equal(world_text(w, "SELECT visits || ' ' || spend FROM profile"), "1 1210");
	assert_string_equal(world_text(w, "SELECT last_items FROM profile"),
	                    "[{\"name\":\"Bread 1\",\"quantity\":\"1\",\"sku\":\"1\"}]");
	assert_int_equal(world_number(w, "SELECT last_seen_us FROM profile"),
	                 WORLD_WALL_US + 1000000);
	assert_int_equal(world_number(w, "SELECT version FROM profile"), 2);
	store_free(s);
}

static void nobodys_order_counts_for_nobody(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	order(s, &(struct bill){"b1", "1", "12.10", NULL, false});
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM sale WHERE owner IS NULL"), 1);
	assert_int_equal(world_number(w, "SELECT visits FROM profile"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM outbox"), 0);
	store_free(s);
}

static void the_last_word_on_a_basket_says_whose_it_is(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	customer(w, "B");
	attach(s, BASKET("b1"), PERSON("C000001"));
	attach(s, BASKET("b1"), PERSON("C000002"));
	order(s, &(struct bill){"b1", "1", "1.00", NULL, false});
	attach(s, BASKET("b2"), PERSON("C000001"));
	speak(s, "Customer Detached", BASKET("b2"), NULL);
	order(s, &(struct bill){"b2", "2", "2.00", NULL, false});
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_string_equal(
	    world_text(w, "SELECT coalesce(owner, '-') FROM sale ORDER BY order_id"), "C000002,-");
	store_free(s);
}

static void wrong_customer_after_the_sale_takes_the_order_away_again(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "1.00", NULL, false});
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT visits FROM profile"), 1);
	speak(s, "Customer Detached", BASKET("b1"), NULL);
	store_send(s, s->seq, s->seq);
	world_fold(w);
	assert_string_equal(
	    world_text(w, "SELECT visits || ' ' || spend || ' ' || last_items FROM profile"),
	    "0 0 []");
	assert_int_equal(world_number(w, "SELECT last_seen_us IS NULL FROM profile"), 1);
	assert_int_equal(world_number(w, "SELECT version FROM profile"), 3);
	store_free(s);
}

static void a_claimed_order_goes_to_who_claims_it(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	order(s, &(struct bill){"b1", "1", "1.00", NULL, false});
	speak(s, "Order Claimed",
	      "{\"order_id\":\"s1/T1/2026-11-21/"
	      "1\",\"claim_id\":\"c\",\"method\":\"last\",\"age_days\":0,"
	      "\"profile_ref\":\"p\"}",
	      "{\"customer_id\":\"C000001\"}");
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_string_equal(world_text(w, "SELECT owner FROM sale"), "C000001");
	assert_int_equal(world_number(w, "SELECT count(*) FROM outbox"), 1);
	store_free(s);
}

static void refunds_and_cancellations_lower_the_spend_of_the_orders_person(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	const char *refund = "{\"refund_id\":\"s1/T1/2026-11-21/R1\",\"original_order_id\":"
	                     "\"s1/T1/2026-11-21/1\",\"currency\":\"EUR\",\"total\":\"0.40\"}";

	customer(w, "A");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "1.00", NULL, false});
	attach(s, BASKET("b2"), PERSON("C000001"));
	order(s, &(struct bill){"b2", "2", "5.00", "v2", false});
	speak(s, "Order Refunded", refund, NULL);
	speak(s, "Order Refunded", refund, NULL);
	speak(s, "Order Cancelled", "{\"order_id\":\"s1/T1/2026-11-21/2\",\"reason\":\"void\"}",
	      NULL);
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_string_equal(world_text(w, "SELECT visits || ' ' || spend FROM profile"), "2 60");
	assert_string_equal(world_text(w, "SELECT last_items FROM profile"),
	                    "[{\"name\":\"Bread 1\",\"quantity\":\"1\",\"sku\":\"1\"}]");
	store_free(s);
}

static void training_is_kept_and_never_counted_or_told(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "1.00", NULL, true});
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM sale"), 1);
	assert_int_equal(world_number(w, "SELECT visits + spend FROM profile"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM outbox"), 0);
	store_free(s);
}

static void visits_are_distinct_visits_with_an_order(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "1.00", "v1", false});
	attach(s, BASKET("b2"), PERSON("C000001"));
	order(s, &(struct bill){"b2", "2", "1.00", "v1", false});
	attach(s, BASKET("b3"), PERSON("C000001"));
	order(s, &(struct bill){"b3", "3", "1.00", "v3", false});
	attach(s, BASKET("b4"), PERSON("C000001"));
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT visits FROM profile"), 2);
	store_free(s);
}

static void a_staff_sale_is_an_order_but_in_no_customers_habits(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "1.00", "v1", false});
	attach(s, BASKET("b2"), PERSON("C000001"));
	order_of_kind(s, &(struct bill){"b2", "2", "7.00", "v2", false}, "staff");
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_string_equal(
	    world_text(w, "SELECT kind || ' ' || owner FROM sale ORDER BY order_id"),
	    "sale C000001,staff C000001");
	assert_string_equal(world_text(w, "SELECT visits || ' ' || spend FROM profile"), "1 100");
	assert_null(strstr(world_text(w, "SELECT last_items FROM profile"), "Bread 2"));
	assert_int_equal(world_number(w, "SELECT last_seen_us = (SELECT max(time_us) FROM sale)"
	                                 " FROM profile"),
	                 1);
	store_free(s);
}

static void a_second_receipt_under_one_number_counts_once(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "1.00", NULL, false});
	order(s, &(struct bill){"b1", "1", "9.00", NULL, false});
	store_send(s, 4, 4);
	world_fold(w);
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT spend FROM profile"), 100);
	assert_int_equal(world_number(w, "SELECT count(*) FROM outbox"), 1);
	store_free(s);
}

static void a_store_cannot_speak_for_another_stores_tills(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	speak(s, "Order Completed",
	      "{\"cart_id\":\"b\",\"currency\":\"EUR\",\"order_id\":\"s2/T1/2026-11-21/"
	      "1\",\"products\":[],"
	      "\"total\":\"1.00\"}",
	      NULL);
	store_send(s, 1, s->seq);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM sale"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 2);
	store_free(s);
}

static void a_fact_whose_key_is_missing_waits_and_is_folded_when_it_comes(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);
	struct buf payload = {0};

	customer(w, "A");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "1.00", NULL, false});
	store_batch_of(s, 1, s->seq, false, &payload);
	world_up(w, "s1", payload.data, payload.len);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT visits FROM profile"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM waiting"), 1);
	store_send(s, 2, 2);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT visits FROM profile"), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM waiting"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM outbox"), 1);
	buf_free(&payload);
	store_free(s);
}

static void the_webhook_is_told_of_an_order_once(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	customer(w, "A");
	customer(w, "B");
	attach(s, BASKET("b1"), PERSON("C000001"));
	order(s, &(struct bill){"b1", "1", "1.00", NULL, false});
	store_send(s, 1, s->seq);
	world_fold(w);
	attach(s, BASKET("b1"), PERSON("C000002"));
	store_send(s, s->seq, s->seq);
	world_fold(w);
	assert_string_equal(world_text(w, "SELECT body FROM outbox"),
	                    "{\"type\":\"suppress\",\"customer_id\":\"C000001\",\"order_id\":"
	                    "\"s1/T1/2026-11-21/1\",\"time\":\"2026-11-21T17:02:04.123Z\"}");
	store_free(s);
}

/* A crash or a full disk between an event's mark and its fold would lose the order for ever. */
static void a_fold_that_cannot_be_kept_moves_no_mark(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	order(s, &(struct bill){"b1", "1", "1.00", NULL, false});
	store_send(s, 1, s->seq);
	sqlite3_exec(
	    hq_db_handle(w->db),
	    "CREATE TEMP TRIGGER t BEFORE INSERT ON sale BEGIN SELECT RAISE(FAIL, 'no room'); "
	    "END",
	    NULL, NULL, NULL);
	assert_int_equal(hq_apply_step(w->apply), -1);
	assert_int_equal(world_number(w, "SELECT value FROM meta WHERE name = 'applied'"), 0);
	assert_int_equal(world_number(w, "SELECT count(*) FROM fact"), 0);
	world_close(w); /* and the process that meant to try again is gone */
	world_open(w);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT amount FROM sale"), 100);
	store_free(s);
}

static void a_store_is_told_what_is_included_only_when_it_is_folded(void **state)
{
	struct world *w = *state;
	struct store *s = store_new(w, "s1", 1);

	store_chatter(s, 1100);
	store_send(s, 1, 900);
	store_send(s, 902, 1000);
	assert_int_equal(hq_apply_step(w->apply), 1);
	assert_int_equal(world_number(w, "SELECT included FROM epoch"), 500);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT included FROM epoch"), 900);
	store_send(s, 901, 901);
	assert_int_equal(world_number(w, "SELECT included FROM epoch"), 900);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT included FROM epoch"), 1000);
	store_free(s);
}

/* A day with a restart in the middle of a basket, written down once and brought in in any order. */
struct day {
	struct store *first, *second, *third;
};

static struct day a_day(struct world *w)
{
	struct day d = {.first = store_new(w, "s1", 9)};

	attach(d.first, BASKET("b1"), PERSON("C000001"));
	order(d.first, &(struct bill){"b1", "1", "10.00", "v1", false});
	attach(d.first, BASKET("b2"), PERSON("C000001"));
	attach(d.first, BASKET("b4"), PERSON("C000001"));
	d.second = store_after(w, "s1", 5, d.first);
	attach(d.second, BASKET("b2"), PERSON("C000002"));
	speak(d.second, "Order Refunded",
	      "{\"refund_id\":\"r1\",\"original_order_id\":\"s1/T1/2026-11-21/"
	      "1\",\"currency\":\"EUR\","
	      "\"total\":\"4.00\"}",
	      NULL);
	d.third = store_after(w, "s1", 7, d.second);
	order(d.third, &(struct bill){"b2", "2", "3.00", "v2", false});
	attach(d.third, BASKET("b4"), PERSON("C000002"));
	order(d.third, &(struct bill){"b4", "4", "8.00", "v4", false});
	return d;
}

static void every_order_of_arrival_gives_the_same_profiles(void **state)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
	                                {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	char expected[1024] = "";

	(void)state;
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		for (int backwards = 0; backwards < 2; backwards++) {
			struct world *w = world_new();
			struct day d = a_day(w);
			struct store *part[] = {d.first, d.second, d.third};

			customer(w, "A");
			customer(w, "B");
			for (int k = 0; k < 3; k++) {
				struct store *s = part[orders[i][k]];
				for (uint64_t n = 1; n <= s->seq; n++) {
					uint64_t seq = backwards ? s->seq + 1 - n : n;
					store_send(s, seq, seq);
					world_fold(w);
				}
			}
			if (!expected[0]) {
				snprintf(expected, sizeof expected, "%s", people(w));
				assert_non_null(strstr(expected, "C000001 1 600 "));
				assert_non_null(strstr(expected, "C000002 2 1100 "));
			}
			assert_string_equal(people(w), expected);
			assert_string_equal(
			    world_text(w, "SELECT lower(hex(epoch)) FROM epoch ORDER BY rank"),
			    "0909090909090909,0505050505050505,0707070707070707");
			for (int k = 0; k < 3; k++)
				store_free(part[k]);
			world_free(w);
		}
	}
}

static void epochs_stand_by_predecessor_within_a_device_then_by_device(void **state)
{
	struct hq_epoch_node n[5] = {
	    {.id = 1, .epoch = {3}, .prev = {2}, .has_prev = true, .device = "b"},
	    {.id = 2, .epoch = {9}, .device = ""},
	    {.id = 3, .epoch = {1}, .device = "b"},
	    {.id = 4, .epoch = {7}, .device = "a"},
	    {.id = 5, .epoch = {2}, .prev = {1}, .has_prev = true, .device = "b"},
	};
	const uint8_t expected[5] = {7, 1, 2, 3, 9};

	(void)state;
	assert_int_equal(hq_epoch_sort(n, 5), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(n[i].epoch[0], expected[i]);
}

static void an_epoch_that_follows_itself_ends_the_sort(void **state)
{
	struct hq_epoch_node n[3] = {
	    {.id = 1, .epoch = {1}, .prev = {2}, .has_prev = true, .device = "a"},
	    {.id = 2, .epoch = {2}, .prev = {1}, .has_prev = true, .device = "a"},
	    {.id = 3, .epoch = {3}, .prev = {3}, .has_prev = true, .device = "a"},
	};

	(void)state;
	assert_int_equal(hq_epoch_sort(n, 3), 0);
	assert_int_equal(n[0].id + n[1].id + n[2].id, 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_identified_order_counts_for_its_customer),
	    TEST(nobodys_order_counts_for_nobody),
	    TEST(the_last_word_on_a_basket_says_whose_it_is),
	    TEST(wrong_customer_after_the_sale_takes_the_order_away_again),
	    TEST(a_claimed_order_goes_to_who_claims_it),
	    TEST(refunds_and_cancellations_lower_the_spend_of_the_orders_person),
	    TEST(training_is_kept_and_never_counted_or_told),
	    TEST(visits_are_distinct_visits_with_an_order),
	    TEST(a_staff_sale_is_an_order_but_in_no_customers_habits),
	    TEST(a_second_receipt_under_one_number_counts_once),
	    TEST(a_store_cannot_speak_for_another_stores_tills),
	    TEST(a_fact_whose_key_is_missing_waits_and_is_folded_when_it_comes),
	    TEST(the_webhook_is_told_of_an_order_once),
	    TEST(a_fold_that_cannot_be_kept_moves_no_mark),
	    TEST(a_store_is_told_what_is_included_only_when_it_is_folded),
	    cmocka_unit_test(every_order_of_arrival_gives_the_same_profiles),
	    cmocka_unit_test(epochs_stand_by_predecessor_within_a_device_then_by_device),
	    cmocka_unit_test(an_epoch_that_follows_itself_ends_the_sort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
