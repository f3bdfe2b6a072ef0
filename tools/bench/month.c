/* How often a store knows who stands there without asking, over its first month: HQ's own choice
 * (hq_hold.h) in a real hq.db, visits invented. One store's shard is taken to be what its feed
 * holds at the end of each day, and whoever it met since. All stores are new on the first day:
 * nothing is known of who comes where.
 */
#include "bench/month.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bench/bench.h"
#include "hq/identity/hq_hold.h"
#include "hq/identity/hq_unit.h"

#define DAY_US INT64_C(86400000000)
#define BEGAN_US INT64_C(1767225600000000)

struct month {
	struct month_world world;
	struct hq_db *db;
	bool room_for_all;
	uint64_t orders, presented, known;
};

static int people(struct month *m)
{
	char name[16];

	if (hq_db_begin(m->db) != 0)
		return -1;
	for (int i = 0; i < m->world.count; i++)
		m->world.who[i].unit = hq_unit_new(m->db, &(struct hq_unit){.confirmed = true});
	for (int s = 1; s <= MONTH_STORES; s++) {
		snprintf(name, sizeof name, "s%d", s);
		hq_db_run(m->db, HQ_SQL_STORE_ADD, "t", name);
	}
	return hq_db_commit(m->db);
}

/* Somebody whom the store does not hold is asked for, and kept. */
static void visit(struct month *m, const struct month_visit *v, int64_t time_us)
{
	int64_t unit = m->world.who[v->customer].unit, store = v->store + 1;
	char order[48], owner[24];

	snprintf(order, sizeof order, "s%" PRId64 "/T/2026-01-01/%" PRIu64, store, ++m->orders);
	snprintf(owner, sizeof owner, "C%06" PRId64, unit);
	m->presented++;
	if (m->room_for_all || hq_db_int(m->db, 0, HQ_SQL_HOLDS, "ii", store, unit) == 1)
		m->known++;
	else
		hq_hold_met(m->db, store, unit, time_us);
	hq_db_run(m->db, HQ_SQL_SALE_PUT, "tttiiiiitt", order, owner, "v", time_us, INT64_C(100),
	          INT64_C(0), INT64_C(0), INT64_C(0), "EUR", "[]");
}

/* A customer's visits of a day stand together. */
static void sell(struct month *m, int day)
{
	const struct month_visit *v = m->world.visits;

	for (int n = m->world.first[day]; n < m->world.first[day + 1]; n++) {
		visit(m, &v[n], BEGAN_US + day * DAY_US);
		if (n + 1 == m->world.first[day + 1] || v[n + 1].customer != v[n].customer)
			hq_hold_weigh(m->db, m->world.who[v[n].customer].unit);
	}
}

/* The night: every store is chosen for, and fetches what it holds. */
static void night(struct month *m, int day, int64_t budget)
{
	for (int s = 0; s < MONTH_STORES; s++)
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

static int run(struct month *m, int64_t budget)
{
	/* The feed was there before the first customer came. */
	if (people(m) != 0 || live(m, -1, budget) != 0)
		return -1;
	printf("{\"days\":[");
	for (int day = 0; day < MONTH_DAYS; day++) {
		if (live(m, day, budget) != 0)
			return -1;
		printf("%s[%" PRIu64 ",%" PRIu64 "]", day ? "," : "", m->known, m->presented);
	}
	printf("]");
	return 0;
}

int bench_month(const struct bench_params *p)
{
	struct month m = {.room_for_all = p->count >= 100};
	int room = (int)(p->count * p->events / 100);
	char err[300];
	bool held;
	int rc = 1;

	log_open("laneway-bench", LOG_LEVEL_WARN);
	if (month_world_make(&m.world, (int)p->events, p->seed) != 0 ||
	    hq_db_open(&m.db, p->dir, &held, err, sizeof err) != 0 ||
	    run(&m, (int64_t)room * HQ_HOLD_PROFILE_BYTES) != 0 || month_peers(&m.world, room) != 0)
		goto out;
	printf("}\n");
	rc = 0;
out:
	hq_db_close(m.db);
	month_world_free(&m.world);
	return rc;
}
