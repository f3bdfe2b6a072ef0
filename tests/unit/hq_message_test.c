/* One message of a till in two epochs: a store that was brought back from a backup, or a copy. */
#include "hq_world.h"

/* An order of a till; the store's own day makes part of its number. */
static void order(struct store *s, const char *date, const char *total, uint64_t counter)
{
	char properties[300], line[1500], epoch[EVENT_EPOCH_SIZE], at[CLOCK_ISO8601_SIZE];

	text_hex(s->epoch, EVENT_EPOCH_BYTES, epoch);
	clock_iso8601(s->world->wall_us, at);
	snprintf(
	    properties, sizeof properties,
	    "{\"cart_id\":\"B-%s\",\"currency\":\"EUR\",\"order_id\":\"s1/T1/%s/1\",\"products\":"
	    "[],\"receipt_number\":\"1\",\"total\":\"%s\"}",
	    epoch, date, total);
	snprintf(line, sizeof line,
	         "{\"context\":{\"laneway\":{\"epoch\":\"%s\",\"schema\":1,\"seq\":%" PRIu64
	         ",\"source\":\"till:T1\",\"source_message_id\":\"day:%" PRIu64
	         "\",\"store\":\"%s\",\"training\":false,\"visit_id\":\"V%s\"}},\"event\":\"Order "
	         "Completed\",\"messageId\":\"%s:%s:%" PRIu64
	         "\",\"originalTimestamp\":\"%s\",\"properties\":%s}",
	         epoch, s->seq + 1, counter, s->name, epoch, s->name, epoch, s->seq + 1, at,
	         properties);
	store_raw(s, line);
}

static void later(struct world *w, int64_t s)
{
	w->wall_us += s * 1000000;
}

static void a_message_in_two_epochs_counts_once_whatever_day_it_fell_on(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b;

	b = store_after(w, "s1", 2, a); /* brought back: it does not know the order */
	order(a, "2026-11-21", "5.00", 7);
	later(w, 60);
	order(b, "2026-11-22", "5.00", 7);
	order(b, "2026-11-23", "3.00", 8);
	store_send(a, 1, 2);
	world_fold(w);
	store_send(b, 1, 3);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM event"), 5);
	assert_string_equal(world_text(w, "SELECT order_id FROM sale ORDER BY order_id"),
	                    "s1/T1/2026-11-21/1,s1/T1/2026-11-23/1");
	assert_int_equal(world_number(w, "SELECT count(*) FROM message WHERE same = 1"), 1);
	assert_int_equal(world_number(w, "SELECT count(*) FROM alarm WHERE kind = 'id_reused'"), 0);
	store_free(a);
	store_free(b);
}

static void which_of_the_two_counts_does_not_depend_on_which_came_first(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b;

	b = store_after(w, "s1", 2, a);
	order(a, "2026-11-21", "5.00", 7);
	later(w, 60);
	order(b, "2026-11-22", "5.00", 7);
	store_send(b, 1, 2);
	world_fold(w);
	assert_string_equal(world_text(w, "SELECT order_id FROM sale"), "s1/T1/2026-11-22/1");
	store_send(a, 1, 2);
	world_fold(w);
	assert_string_equal(world_text(w, "SELECT order_id FROM sale"), "s1/T1/2026-11-21/1");
	store_free(a);
	store_free(b);
}

static void the_same_id_with_other_content_counts_twice_and_is_an_alarm(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b;

	b = store_after(w, "s1", 2, a);
	order(a, "2026-11-21", "5.00", 7);
	order(b, "2026-11-22", "6.00", 7);
	store_send(a, 1, 2);
	store_send(b, 1, 2);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT sum(amount) FROM sale"), 1100);
	assert_int_equal(world_number(w, "SELECT count(*) FROM alarm WHERE kind = 'id_reused'"), 1);
	store_free(a);
	store_free(b);
}

static void messages_of_other_tills_and_stores_have_ids_of_their_own(void **state)
{
	struct world *w = *state;
	struct store *a = store_new(w, "s1", 1), *b = store_new(w, "s2", 2);

	order(a, "2026-11-21", "5.00", 7);
	order(a, "2026-11-22", "5.00", 8);
	order(b, "2026-11-21", "5.00", 7);
	store_send(a, 1, 3);
	store_send(b, 1, 2);
	world_fold(w);
	assert_int_equal(world_number(w, "SELECT count(*) FROM message"), 3);
	assert_int_equal(world_number(w, "SELECT count(*) FROM message WHERE same IS NOT NULL"), 0);
	store_free(a);
	store_free(b);
}

static void a_copy_of_a_copy_counts_for_nothing_either(void **state)
{
	struct world *w = *state;
	struct store *s[3];

	s[0] = store_new(w, "s1", 1);
	s[1] = store_after(w, "s1", 2, s[0]);
	s[2] = store_after(w, "s1", 3, s[0]);
	for (int i = 2; i >= 0; i--) {
		char date[] = "2026-11-2x";
		date[9] = (char)('1' + i);
		order(s[i], date, "5.00", 7);
		later(w, 1);
	}
	for (int i = 0; i < 3; i++) {
		store_send(s[i], 1, 2);
		world_fold(w);
	}
	assert_string_equal(world_text(w, "SELECT order_id FROM sale"), "s1/T1/2026-11-23/1");
	for (int i = 0; i < 3; i++)
		store_free(s[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_message_in_two_epochs_counts_once_whatever_day_it_fell_on),
	    TEST(which_of_the_two_counts_does_not_depend_on_which_came_first),
	    TEST(the_same_id_with_other_content_counts_twice_and_is_an_alarm),
	    TEST(messages_of_other_tills_and_stores_have_ids_of_their_own),
	    TEST(a_copy_of_a_copy_counts_for_nothing_either),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
