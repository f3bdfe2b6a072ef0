/* What HQ's word makes of what is pending: it gives way only where HQ speaks of this history. */
#include "identity_overlay_world.h"

/* Another copy of this disk wrote on under the same names: HQ speaks of its events. */
static void what_hq_holds_of_another_history_does_not_give_way(void **state)
{
	struct world *w = *state;
	struct shard_hit hit;
	const struct overlay_hq hq = hq_of(w);
	const struct overlay_run ours = {epoch, 1, 1};
	known(w, (struct hq_person){"C000017", "Anna", {"loyalty|" CARD}, ref('u'), NULL});
	enrol(w, 'k', "Bert", "email", "bert@example.org");
	correct(w, 'c', ref('u'), "C000017", "\"fields\":{\"first_name\":\"Anne\"}");
	overlay_held(w->o, &ours, 0);
	overlay_included(w->o, epoch, 1, 9);
	w->hq[0].more = "\"includes\":{\"0102030405060708\":9},";
	refresh(w);
	assert_int_equal(pending(w), 2);
	assert_int_equal(found(w, "loyalty", CARD, &hit), 1);
	assert_int_equal(found(w, "email", "bert@example.org", &hit), 1);
	overlay_held(w->o, &ours, 1);
	overlay_included(w->o, epoch, 1, 9);
	while (overlay_refresh(w->o, &hq, 1) == 1)
		;
	assert_int_equal(pending(w), 1);
	assert_int_equal(found(w, "email", "bert@example.org", &hit), OVERLAY_UNTOUCHED);
	overlay_held(w->o, (const struct overlay_run[]){{epoch, 1, 9}}, 1);
	while (overlay_refresh(w->o, &hq, 1) == 1)
		;
	assert_int_equal(pending(w), 0); /* its line says so */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_hq_holds_of_another_history_does_not_give_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
