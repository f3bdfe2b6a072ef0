/* Other ways of choosing whom a store holds, over the same month and by the same rules: each night
 * it holds so many, and whoever it asked for stays until the next. What it sees of itself alone
 * (who came last, who came most), and three that nobody can have: one knows by what law customers
 * are made and guesses from their visits, one everybody's habits but not the dice, one who will
 * come tomorrow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/month.h"

struct past {
	int visits, last_day; /* here; last_day from 1 */
};

struct peers {
	const struct month_world *m;
	struct past *past[MONTH_STORES];
	bool *held[MONTH_STORES];
	int *last_anywhere;
	double (*guess)[MONTH_STORES]; /* by the law */
	struct rank {
		double score;
		int customer;
	} * ranks;
	int room, known, presented;
};

enum { RECENCY, FREQUENCY, LAW, HABITS, TOMORROW, WAYS };
static const char *const names[WAYS] = {
    [RECENCY] = "who came last", [FREQUENCY] = "who came most", [LAW] = "law known",
    [HABITS] = "habits known",   [TOMORROW] = "tomorrow known",
};

static int best_first(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return y->customer - x->customer;
}

static void guess_by_law(struct peers *p, int day)
{
	for (int i = 0; i < p->m->count; i++) {
		int visits[MONTH_STORES], joined = p->m->who[i].joins;

		for (int s = 0; s < MONTH_STORES; s++)
			visits[s] = p->past[s][i].visits;
		month_law(visits, day + 1 - (joined > 0 ? joined : 0), p->guess[i]);
	}
}

/* Ties, and what is left of the room, go to who came last anywhere. */
static double score(const struct peers *p, int way, int store, int i)
{
	const struct past *past = &p->past[store][i];
	double seen = p->last_anywhere[i] / 1000.0;

	if (way == LAW)
		return p->guess[i][store];
	if (way == HABITS)
		return p->m->who[i].rate * month_habit(&p->m->who[i], store);
	if (way == TOMORROW)
		return seen;
	return (way == RECENCY ? past->last_day : past->visits) + seen;
}

static void night(struct peers *p, int way, int store, int day)
{
	const struct month_world *m = p->m;
	int n = 0;

	for (int i = 0; i < m->count; i++)
		p->ranks[i] = (struct rank){score(p, way, store, i), i};
	for (int v = m->first[day + 1];
	     way == TOMORROW && day + 1 < MONTH_DAYS && v < m->first[day + 2]; v++)
		if (m->visits[v].store == store)
			p->ranks[m->visits[v].customer].score += 1;
	qsort(p->ranks, (size_t)m->count, sizeof *p->ranks, best_first);
	memset(p->held[store], 0, (size_t)m->count * sizeof *p->held[store]);
	for (int k = 0; k < m->count && n < p->room; k++) {
		int i = p->ranks[k].customer;
		bool there = m->who[i].joins <= day;

		p->held[store][i] = there;
		n += there;
	}
}

static void sell(struct peers *p, int day)
{
	const struct month_world *m = p->m;

	for (int v = m->first[day]; v < m->first[day + 1]; v++) {
		int i = m->visits[v].customer, store = m->visits[v].store;
		struct past *past = &p->past[store][i];

		if (day >= MONTH_LATE_DAY) {
			p->presented++;
			p->known += p->held[store][i];
		}
		p->held[store][i] = true;
		past->visits++;
		past->last_day = p->last_anywhere[i] = day + 1;
	}
}

static void live(struct peers *p, int way)
{
	size_t n = (size_t)p->m->count;

	p->known = p->presented = 0;
	memset(p->last_anywhere, 0, n * sizeof *p->last_anywhere);
	for (int s = 0; s < MONTH_STORES; s++)
		memset(p->past[s], 0, n * sizeof *p->past[s]);
	for (int day = -1; day < MONTH_DAYS; day++) {
		if (day >= 0)
			sell(p, day);
		if (way == LAW && day >= MONTH_LATE_DAY - 1)
			guess_by_law(p, day);
		/* Only visits are learned from, not what was held. */
		for (int s = 0; day >= MONTH_LATE_DAY - 1 && s < MONTH_STORES; s++)
			night(p, way, s, day);
	}
}

int month_peers(const struct month_world *m, int room)
{
	struct peers p = {.m = m, .room = room};
	size_t n = (size_t)m->count;
	bool ok;

	p.last_anywhere = calloc(n, sizeof *p.last_anywhere);
	p.ranks = calloc(n, sizeof *p.ranks);
	p.guess = calloc(n, sizeof *p.guess);
	ok = p.last_anywhere && p.ranks && p.guess;
	for (int s = 0; s < MONTH_STORES; s++) {
		p.past[s] = calloc(n, sizeof *p.past[s]);
		p.held[s] = calloc(n, sizeof *p.held[s]);
		ok = ok && p.past[s] && p.held[s];
	}
	for (int way = 0; ok && way < WAYS; way++) {
		live(&p, way);
		printf(",\"%s\":%.4f", names[way], (double)p.known / p.presented);
	}
	for (int s = 0; s < MONTH_STORES; s++) {
		free(p.past[s]);
		free(p.held[s]);
	}
	free(p.last_anywhere);
	free(p.ranks);
	free(p.guess);
	return ok ? 0 : -1;
}
