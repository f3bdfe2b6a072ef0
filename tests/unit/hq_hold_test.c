/* Which customers a store holds, and its own feed of them. */
#include "hq_world.h"

#include "hq/identity/hq_hold.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_profile.h"

#define DAY INT64_C(86400000000)
#define BUDGET(n) ((int64_t)(n)*HQ_HOLD_PROFILE_BYTES)

static int set_up(void **state)
{
	*state = world_new();
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

static void sql(struct world *w, const char *text)
{
	if (sqlite3_exec(hq_db_handle(w->db), text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(hq_db_handle(w->db)));
}

/* Customers 1 to n, and stores s1 to s3. */
static void people(struct world *w, int n)
{
	char email[64];

	assert_int_equal(hq_db_begin(w->db), 0);
	for (int i = 1; i <= n; i++) {
		struct hq_person p = {.first_name = "Anna", .ident_count = 1};
		snprintf(email, sizeof email, "a%d@example.com", i);
		p.ident[0].kind = IDENT_EMAIL;
		text_copy(p.ident[0].value, sizeof p.ident[0].value, email);
		assert_int_equal(hq_profile_upsert(w->db, &p, &(int64_t){0}), HQ_UPSERT_NEW);
	}
	assert_int_equal(hq_persons_fold(w->db, &w->scope, w->wall_us, 0), 0);
	assert_int_equal(hq_db_commit(w->db), 0);
	sql(w, "INSERT OR IGNORE INTO store(id, name) VALUES(1, 's1'), (2, 's2'), (3, 's3')");
}

/* Customer n buys at a store, so many days after the world began. */
static void buys(struct world *w, int64_t n, const char *store, int day)
{
	static int number;
	char text[400];

	snprintf(text, sizeof text,
	         "INSERT INTO sale(order_id, owner, visit, time_us, amount, refunded, cancelled,"
	         " training, currency, items) VALUES('%s/T1/2026-11-21/%d', 'C%06" PRId64
	         "', 'v', %" PRId64 ", 100, 0, 0, 0, 'EUR', '[]')",
	         store, ++number, n, WORLD_WALL_US + day * DAY);
	sql(w, text);
	snprintf(text, sizeof text,
	         "UPDATE profile SET last_seen_us = max(coalesce(last_seen_us, 0), %" PRId64
	         ") WHERE n = %" PRId64,
	         WORLD_WALL_US + day * DAY, n);
	sql(w, text);
	assert_int_equal(hq_db_begin(w->db), 0);
	hq_hold_weigh(w->db, n);
	assert_int_equal(hq_db_commit(w->db), 0);
}

static int64_t choose(struct world *w, int n, int day)
{
	int64_t store;

	assert_int_equal(hq_db_begin(w->db), 0);
	store = hq_hold_choose(w->db, BUDGET(n), WORLD_WALL_US + day * DAY);
	assert_int_equal(hq_db_commit(w->db), 0);
	return store;
}

static void choose_all(struct world *w, int n, int day)
{
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(choose(w, n, day), 0);
	assert_int_equal(choose(w, n, day), 0);
}

/* The store's feed since a version: "3 -5" in its order. Moves since on. */
static const char *feed(struct world *w, int64_t store, uint64_t *since, int max)
{
	static char said[2000];
	struct hq_profile_page page = {.since = *since, .max = max, .bytes_max = 1 << 20};
	struct buf out = {0};
	bool more;

	said[0] = '\0';
	*since = hq_hold_page(w->db, store, &page, &out, &more);
	buf_byte(&out, '\0');
	for (char *line = strtok((char *)out.data, "\n"); line; line = strtok(NULL, "\n"))
		snprintf(said + strlen(said), sizeof said - strlen(said), "%s%s%d",
		         said[0] ? " " : "", strstr(line, "\"deleted\"") ? "-" : "",
		         atoi(strstr(line, "\"customer_id\":\"C") + 16));
	if (more)
		strcat(said, " ...");
	buf_free(&out);
	return said;
}

static void a_store_whose_budget_takes_all_holds_all(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 5);
	choose_all(w, 5, 0);
	assert_false(hq_hold_fresh(w->db, 1, 3));
	assert_string_equal(feed(w, 1, &since, 500), "1 2 3 4 5");
	assert_int_equal(since, 5);
	assert_int_equal(world_number(w, "SELECT count(*) FROM holding"), 0);
}

static void its_own_customers_come_first_and_the_best_of_them_first_of_all(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 9);
	buys(w, 4, "s1", 0);
	buys(w, 7, "s1", 0);
	buys(w, 7, "s1", 1);
	buys(w, 2, "s2", 1);
	choose_all(w, 3, 2);
	assert_true(hq_hold_fresh(w->db, 1, 9));
	/* 2 shops elsewhere; more than that is not known of anybody else */
	assert_string_equal(feed(w, 1, &since, 500), "7 4 2");
	assert_false(hq_hold_fresh(w->db, 1, since));
	since = 0;
	assert_string_equal(feed(w, 2, &since, 500), "2 7 4");
}

static void a_recent_visit_weighs_more_than_an_old_one(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 4);
	buys(w, 1, "s1", -200);
	buys(w, 2, "s1", 0);
	buys(w, 3, "s1", -100);
	choose_all(w, 2, 0);
	assert_string_equal(feed(w, 1, &since, 500), "2 3");
}

static void stores_that_share_customers_share_their_guesses(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 8);
	buys(w, 1, "s1", 0); /* s1 and s2 have 1 and 2 in common, s3 nobody */
	buys(w, 2, "s1", 0);
	buys(w, 1, "s2", 0);
	buys(w, 2, "s2", 0);
	buys(w, 5, "s2", 0);
	buys(w, 6, "s3", 0);
	buys(w, 6, "s3", 0);
	choose_all(w, 3, 0);
	feed(w, 1, &since, 500);
	assert_int_equal(
	    world_number(w, "SELECT count(*) FROM holding WHERE store = 1 AND unit IN (1, 2, 5)"),
	    3);
}

static void a_neighbours_best_customers_do_not_displace_the_stores_own(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 9);
	for (int i = 1; i <= 3; i++) { /* both stores have them */
		buys(w, i, "s1", 0);
		buys(w, i, "s2", 0);
	}
	buys(w, 4, "s1", -400);
	for (int i = 0; i < 10; i++) {
		buys(w, 5, "s2", 0);
		buys(w, 6, "s2", 0);
	}
	choose_all(w, 4, 1);
	assert_string_equal(feed(w, 1, &since, 500), "1 2 3 4");
}

static void who_falls_out_comes_as_a_tombstone_and_who_comes_in_as_a_line(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 6);
	buys(w, 1, "s1", 0);
	buys(w, 2, "s1", 0);
	choose_all(w, 2, 0);
	feed(w, 1, &since, 500);
	buys(w, 5, "s1", 1);
	buys(w, 5, "s1", 1);
	choose_all(w, 2, 1);
	const char *said = feed(w, 1, &since, 500);
	assert_true(!strcmp(said, "-1 5") || !strcmp(said, "-2 5"));
	assert_string_equal(feed(w, 1, &since, 500), "");
}

static void who_is_met_is_held_at_once(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 6);
	buys(w, 1, "s1", 0);
	buys(w, 2, "s1", 0);
	choose_all(w, 2, 0);
	feed(w, 1, &since, 500);
	assert_int_equal(hq_db_begin(w->db), 0);
	hq_hold_met(w->db, 1, 4, WORLD_WALL_US);
	assert_int_equal(hq_db_commit(w->db), 0);
	assert_string_equal(feed(w, 1, &since, 500), "4");
	assert_int_equal(choose(w, 2, 0), 0); /* not before tomorrow */
}

static void a_change_goes_to_those_who_hold_it_and_to_nobody_else(void **state)
{
	struct world *w = *state;
	uint64_t one = 0, two = 0;

	people(w, 6);
	buys(w, 1, "s1", 0);
	buys(w, 2, "s2", 0);
	choose_all(w, 1, 0);
	feed(w, 1, &one, 500);
	feed(w, 2, &two, 500);
	assert_int_equal(hq_db_begin(w->db), 0);
	hq_db_meta_set(w->db, "version", hq_db_meta(w->db, "version") + 1);
	hq_hold_changed(w->db, 1, 0, hq_profile_version(w->db));
	assert_int_equal(hq_db_commit(w->db), 0);
	assert_string_equal(feed(w, 1, &one, 500), "1");
	assert_string_equal(feed(w, 2, &two, 500), "");
	assert_int_equal(two, hq_profile_version(w->db)); /* it does not ask again for others' */
}

static void who_holds_a_part_of_a_person_holds_the_person(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 6);
	buys(w, 4, "s1", 0);
	choose_all(w, 1, 0);
	feed(w, 1, &since, 500);
	assert_int_equal(hq_db_begin(w->db), 0);
	hq_db_meta_set(w->db, "version", hq_db_meta(w->db, "version") + 1);
	hq_hold_changed(w->db, 4, 2, hq_profile_version(w->db));
	assert_int_equal(hq_db_commit(w->db), 0);
	assert_string_equal(feed(w, 1, &since, 500), "4 2");
}

static void pages_go_on_where_they_ended(void **state)
{
	struct world *w = *state;
	uint64_t since = 0;

	people(w, 9);
	buys(w, 3, "s1", 0);
	choose_all(w, 4, 0);
	assert_string_equal(feed(w, 1, &since, 2), "3 9 ...");
	assert_false(hq_hold_fresh(w->db, 1, since));
	assert_string_equal(feed(w, 1, &since, 2), "8 7");
	assert_string_equal(feed(w, 1, &since, 2), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_store_whose_budget_takes_all_holds_all),
	    TEST(its_own_customers_come_first_and_the_best_of_them_first_of_all),
	    TEST(a_recent_visit_weighs_more_than_an_old_one),
	    TEST(stores_that_share_customers_share_their_guesses),
	    TEST(a_neighbours_best_customers_do_not_displace_the_stores_own),
	    TEST(who_falls_out_comes_as_a_tombstone_and_who_comes_in_as_a_line),
	    TEST(who_is_met_is_held_at_once),
	    TEST(a_change_goes_to_those_who_hold_it_and_to_nobody_else),
	    TEST(who_holds_a_part_of_a_person_holds_the_person),
	    TEST(pages_go_on_where_they_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
