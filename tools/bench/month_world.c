/* Who comes where: each customer has a store next door (75 of 100 visits), one on the way (18 of
 * 100), and goes anywhere at all else; how often is lognormal (sigma 1), six visits in the month on
 * average. Three of 100 customers join within the month. */
#include <math.h>
#include <stdlib.h>

#include "bench/month.h"

#define VISITS_A_MONTH 6.0
#define VISITS_ROOM 12 /* for each customer: twice what is to be expected */
#define NEXT_DOOR 0.75
#define ON_THE_WAY 0.18
#define JOINING 0.03
#define WAYS_OFF 3 /* the store on the way is one of the next three */

/* splitmix64 */
static double chance(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double normal(uint64_t *state)
{
	double far = sqrt(-2 * log(chance(state) + 1e-300));

	return far * cos(2 * M_PI * chance(state));
}

static void make_customer(struct month_customer *c, uint64_t *state)
{
	c->home = (int)(chance(state) * MONTH_STORES);
	c->way = (c->home + 1 + (int)(chance(state) * WAYS_OFF)) % MONTH_STORES;
	/* the mean of exp(normal) is sqrt(e) */
	c->rate = VISITS_A_MONTH / sqrt(M_E) * exp(normal(state)) / MONTH_DAYS;
	c->joins = chance(state) < JOINING ? (int)(chance(state) * MONTH_DAYS) : -1;
}

static int store_of(const struct month_customer *c, uint64_t *state)
{
	double where = chance(state);

	if (where < NEXT_DOOR)
		return c->home;
	return where < NEXT_DOOR + ON_THE_WAY ? c->way : (int)(chance(state) * MONTH_STORES);
}

double month_habit(const struct month_customer *c, int store)
{
	return NEXT_DOOR * (store == c->home) + ON_THE_WAY * (store == c->way) +
	       (1 - NEXT_DOOR - ON_THE_WAY) / MONTH_STORES;
}

#define LAW_STEPS 24 /* of the normal distribution, from -LAW_REACH on */
#define LAW_STEP 0.25
#define LAW_REACH 3.0

/* How often, whatever the place. */
static double law_rate(int visits, int days)
{
	double sum = 0, weight = 0;

	for (int i = 0; i <= LAW_STEPS; i++) {
		double x = LAW_STEP * i - LAW_REACH;
		double rate = VISITS_A_MONTH / sqrt(M_E) * exp(x) / MONTH_DAYS;
		double likely = exp(-x * x / 2 - rate * days + visits * log(rate * MONTH_DAYS));

		sum += likely * rate;
		weight += likely;
	}
	return sum / weight;
}

static double law_place(const int visits[MONTH_STORES], const struct month_customer *c)
{
	double likely = 0;

	for (int s = 0; s < MONTH_STORES; s++)
		if (visits[s] > 0)
			likely += visits[s] * log(month_habit(c, s));
	return likely;
}

void month_law(const int visits[MONTH_STORES], int days, double out[MONTH_STORES])
{
	double weight = 0, rate;
	int n = 0;

	for (int s = 0; s < MONTH_STORES; s++) {
		n += visits[s];
		out[s] = 0;
	}
	for (int i = 0; i < MONTH_STORES * WAYS_OFF; i++) {
		const struct month_customer c = {
		    .home = i / WAYS_OFF, .way = (i / WAYS_OFF + 1 + i % WAYS_OFF) % MONTH_STORES};
		double likely = exp(law_place(visits, &c) + n);

		weight += likely;
		for (int s = 0; s < MONTH_STORES; s++)
			out[s] += likely * month_habit(&c, s);
	}
	rate = law_rate(n, days);
	for (int s = 0; s < MONTH_STORES; s++)
		out[s] *= rate / weight;
}

/* The visits of one day behind the nth. Where they end. */
static int make_day(struct month_world *m, int day, int n, uint64_t *state)
{
	for (int i = 0; i < m->count; i++) {
		const struct month_customer *c = &m->who[i];
		double left = c->rate, wait = -log(chance(state) + 1e-300);

		while (c->joins <= day && wait < left && n < m->count * VISITS_ROOM) {
			m->visits[n++] =
			    (struct month_visit){.customer = i, .store = store_of(c, state)};
			left -= wait;
			wait = -log(chance(state) + 1e-300);
		}
	}
	return n;
}

int month_world_make(struct month_world *m, int count, uint64_t seed)
{
	uint64_t state = seed;

	m->count = count;
	m->who = calloc((size_t)count, sizeof *m->who);
	m->visits = calloc((size_t)count * VISITS_ROOM, sizeof *m->visits);
	if (!m->who || !m->visits)
		return -1;
	for (int i = 0; i < count; i++)
		make_customer(&m->who[i], &state);
	for (int day = 0; day < MONTH_DAYS; day++)
		m->first[day + 1] = make_day(m, day, m->first[day], &state);
	return 0;
}

void month_world_free(struct month_world *m)
{
	free(m->who);
	free(m->visits);
}
