/* The n-th publish fails, n rising until a whole drain passes untouched. */
#include "sync_uplink_world.h"

#define PACKS 30
#define TURNS_MAX 2000
#define N_MAX 500
#define SEQS_MAX 1000

struct drain {
	struct fixture *f;
	int calls, n; /* publishes and asks; which of them fails */
	bool lasting; /* and all behind it, until the connection is made anew */
	bool broken;
};

static bool fails(struct drain *d)
{
	d->calls++;
	if (d->calls == d->n)
		d->broken = true;
	return d->calls == d->n || (d->lasting && d->broken);
}

static bool publish(void *ctx, const void *payload, size_t len)
{
	struct drain *d = ctx;
	return !fails(d) && take(d->f, payload, len);
}

static bool ask(void *ctx, const void *payload, size_t len)
{
	struct drain *d = ctx;
	return !fails(d) && take_ask(d->f, payload, len);
}

static void start(struct drain *d)
{
	struct fixture *f = d->f;
	char err[200] = "";
	const struct uplink_params params = {.store = "s1",
	                                     .device = "d1",
	                                     .ask = ask,
	                                     .vault = f->place->vault,
	                                     .clock = &f->place->clock,
	                                     .counters = &f->place->counters,
	                                     .journal = f->place->journal,
	                                     .reader = place_reader(f->place),
	                                     .codec = f->codec,
	                                     .publish = publish,
	                                     .ctx = d};
	uplink_free(f->uplink);
	f->uplink = uplink_new(&params, err, sizeof(err));
	assert_string_equal(err, "");
}

/* HQ holds what it was sent, and says so: through the first gap, and the runs above it. */
static void hear(struct drain *d, bool *held, uint64_t last)
{
	struct fixture *f = d->f;
	uint64_t through = 0;

	for (int i = 0; i < f->sent_count; i++) {
		for (uint64_t seq = f->sent[i].first; seq < f->sent[i].first + f->sent[i].count;
		     seq++)
			held[seq] = true;
	}
	while (through < last && held[through + 1])
		through++;
	struct confirm_epoch *e = word(f, through);
	for (uint64_t seq = through + 2; seq <= last && e->range_count < CONFIRM_RANGES_MAX;
	     seq++) {
		if (!held[seq])
			continue;
		struct confirm_range *r = &e->ranges[e->range_count++];
		r->first = seq;
		while (seq <= last && held[seq])
			r->last = seq++;
	}
	uplink_confirm(f->uplink, f->confirm);
}

/* A drain in which call n fails; how many calls it took. */
static int drain(int n, bool lasting)
{
	void *state;
	struct drain d = {.n = n, .lasting = lasting};

	assert_int_equal(set_up(&state), 0);
	d.f = state;
	bool *held = calloc(SEQS_MAX, sizeof(*held));
	assert_non_null(held);
	start(&d);
	uplink_up(d.f->uplink);
	uint64_t last = 1;
	for (int turns = 0; turns < PACKS || now(d.f).unconfirmed > 0; turns++) {
		if (turns < PACKS)
			fill_pack(d.f, 1 + turns % 7, turns % 9 == 0);
		last = place_state(d.f->place).last_seq;
		if (turns > TURNS_MAX)
			fail_msg("call %d failed, and %llu events never arrive", n,
			         (unsigned long long)now(d.f).unconfirmed);
		uplink_step(d.f->uplink);
		hear(&d, held, last);
		later(d.f, S);
		if (d.broken && turns % 20 == 19) { /* the connection is made anew */
			d.broken = false;
			uplink_down(d.f->uplink);
			uplink_up(d.f->uplink);
		}
	}
	for (uint64_t seq = 1; seq <= last; seq++)
		assert_true(held[seq]);
	await_confirmed(d.f, last);
	free(held);
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
