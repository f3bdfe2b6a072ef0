/* The n-th publish fails, n rising until a whole drain passes untouched. */
#include "sync_uplink_world.h"

#define PACKS 30
#define TURNS_MAX 2000
#define N_MAX 500

struct drain {
	struct fixture *f;
	int calls, n; /* publishes and asks; which of them fails */
	bool lasting; /* and all behind it, until the connection is made anew */
	bool broken;
};

static bool fails(void *ctx)
{
	struct drain *d = ctx;
	d->calls++;
	if (d->calls == d->n)
		d->broken = true;
	return d->calls == d->n || (d->lasting && d->broken);
}

/* A drain in which call n fails; how many calls it took. */
static int drain(int n, bool lasting)
{
	void *state;
	struct drain d = {.n = n, .lasting = lasting};

	assert_int_equal(set_up(&state), 0);
	d.f = state;
	d.f->fails = fails;
	d.f->fails_ctx = &d;
	uplink_up(d.f->uplink);
	uint64_t last = 1;
	for (int turns = 0; turns < PACKS || now(d.f).unconfirmed > 0; turns++) {
		if (turns < PACKS)
			fill_pack(d.f, 1 + turns % 7, turns % 9 == 0);
		last = place_state(d.f->place).last_seq;
		if (turns > TURNS_MAX)
			fail_msg("call %d failed, and %llu events never arrive", n,
			         (unsigned long long)now(d.f).unconfirmed);
		int from = d.f->sent_count;
		uplink_step(d.f->uplink);
		arrive(d.f, from);
		confirm_got(d.f);
		later(d.f, S);
		if (d.broken && turns % 20 == 19) { /* the connection is made anew */
			d.broken = false;
			uplink_down(d.f->uplink);
			uplink_up(d.f->uplink);
		}
	}
	for (uint64_t seq = 1; seq <= last; seq++)
		assert_true(d.f->seen[seq] > 0);
	await_confirmed(d.f, last);
	tear_down(&state);
	return d.calls;
}

static void each_publish_in_turn(bool lasting)
{
	int n = 1;

	while (n <= N_MAX && drain(n, lasting) >= n)
		n++;
	assert_true(n > 5);
	assert_true(n <= N_MAX);
}

static void whichever_publish_fails_every_event_arrives(void **state)
{
	(void)state;
	each_publish_in_turn(false);
}

static void from_whichever_publish_on_nothing_goes_out_every_event_arrives_later(void **state)
{
	(void)state;
	each_publish_in_turn(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whichever_publish_fails_every_event_arrives),
	    cmocka_unit_test(from_whichever_publish_on_nothing_goes_out_every_event_arrives_later),
	};
	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
