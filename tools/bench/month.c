/* How often a store knows who stands there without asking, over its first month: HQ's own choice
 * (hq_hold.h) in a real hq.db, visits invented. One store's shard is taken to be what its feed
 * holds at the end of each day, and whoever it met since.
 *
 * Who comes where: each customer has a store next door (75 of 100 visits), one on the way (18 of
 * 100), and goes anywhere at all else; how often is lognormal (sigma 1), six visits in the month on
 * average. Three of 100 customers join within the month. All stores are new on the first day:
 * nothing is known of who comes where.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "hq/identity/hq_hold.h"
#include "hq/identity/hq_unit.h"

#define DAYS 28
#define STORES 10
#define DAY_US INT64_C(86400000000)
#define BEGAN_US INT64_C(1767225600000000)
#define VISITS_A_MONTH 6.0
#define NEXT_DOOR 0.75
#define ON_THE_WAY 0.18
#define JOINING 0.03

struct customer {
	int home, way, joins; /* joins: the day, -1: was always there */
	double rate;          /* visits a day */
	int64_t unit;
};

struct month {
	struct hq_db *db;
	struct customer *who;
	int count;
	bool room_for_all;
	uint64_t state, orders, presented, known;
};

/* splitmix64: the same month from the same seed on every machine. */
static double chance(struct month *m)
{
	uint64_t z = m->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double normal(struct month *m)
{
	return sqrt(-2 * log(chance(m) + 1e-300)) * cos(2 * M_PI * chance(m));
}

static int people(struct month *m)
{
	char name[16];

	if (hq_db_begin(m->db) != 0)
		return -1;
	for (int i = 0; i < m->count; i++) {
		struct customer *c = &m->who[i];
		c->home = (int)(chance(m) * STORES);
		c->way = (c->home + 1 + (int)(chance(m) * 3)) % STORES;
		/* the mean of exp(normal) is sqrt(e) */
		c->rate = VISITS_A_MONTH / sqrt(M_E) * exp(normal(m)) / DAYS;
		c->joins = chance(m) < JOINING ? (int)(chance(m) * DAYS) : -1;
		c->unit = hq_unit_new(m->db, &(struct hq_unit){.confirmed = true});
	}
	for (int s = 1; s <= STORES; s++) {
		snprintf(name, sizeof name, "s%d", s);
		hq_db_run(m->db, HQ_SQL_STORE_ADD, "t", name);
	}
	return hq_db_commit(m->db);
}

static int store_of(struct month *m, const struct customer *c)
{
	double where = chance(m);

	if (where < NEXT_DOOR)
		return c->home;
	return where < NEXT_DOOR + ON_THE_WAY ? c->way : (int)(chance(m) * STORES);
}

/* Somebody whom the store does not hold is asked for, and kept. */
static void visit(struct month *m, const struct customer *c, int64_t time_us)
{
	int store = store_of(m, c) + 1;
	char order[48], owner[24];

	snprintf(order, sizeof order, "s%d/T/2026-01-01/%" PRIu64, store, ++m->orders);
	snprintf(owner, sizeof owner, "C%06" PRId64, c->unit);
	m->presented++;
	if (m->room_for_all ||
	    hq_db_int(m->db, 0, HQ_SQL_HOLDS, "ii", (int64_t)store, c->unit) == 1)
		m->known++;
	else
		hq_hold_met(m->db, store, c->unit, time_us);
	hq_db_run(m->db, HQ_SQL_SALE_PUT, "tttiiiiitt", order, owner, "v", time_us, INT64_C(100),
	          INT64_C(0), INT64_C(0), INT64_C(0), "EUR", "[]");
}

static void sell(struct month *m, int day)
{
	for (int i = 0; i < m->count; i++) {
		const struct customer *c = &m->who[i];
		double left = c->rate, wait = -log(chance(m) + 1e-300);
		bool came = false;
		while (c->joins <= day && wait < left) {
			visit(m, c, BEGAN_US + day * DAY_US);
			came = true;
			left -= wait;
			wait = -log(chance(m) + 1e-300);
		}
		if (came)
			hq_hold_weigh(m->db, c->unit);
	}
}

/* The night: every store is chosen for, and fetches what it holds. */
static void night(struct month *m, int day, int64_t budget)
{
	for (int s = 0; s < STORES; s++)
		hq_hold_choose(m->db, budget, BEGAN_US + (day + 1) * DAY_US);
}

static int live(struct month *m, int day, int64_t budget)
{
	if (hq_db_begin(m->db) != 0)
		return -1;
	m->presented = m->known = 0;
	if (day >= 0)
		sell(m, day);
	night(m, day, budget);
	return hq_db_commit(m->db);
}

int bench_month(const struct bench_params *p)
{
	struct month m = {.count = (int)p->events, .room_for_all = p->count >= 100, .state = 1};
	int64_t budget = (int64_t)p->count * m.count / 100 * HQ_HOLD_PROFILE_BYTES;
	char err[300];
	bool held;
	int rc = 1;

	m.who = calloc((size_t)m.count, sizeof *m.who);
	if (!m.who || hq_db_open(&m.db, p->dir, &held, err, sizeof err) != 0 || people(&m) != 0)
		goto out;
	/* The feed was there before the first customer came. */
	if (live(&m, -1, budget) != 0)
		goto out;
	printf("{\"days\":[");
	for (int day = 0; day < DAYS; day++) {
		if (live(&m, day, budget) != 0)
			goto out;
		printf("%s[%" PRIu64 ",%" PRIu64 "]", day ? "," : "", m.known, m.presented);
	}
	printf("]}\n");
	rc = 0;
out:
	hq_db_close(m.db);
	free(m.who);
	return rc;
}
