#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "identity/score_learn_internal.h"

#define ROUNDS_MAX 500
#define CHANGE_MAX 1e-4    /* of a share, in a round that is the last */
#define SEED_PAIRS 20.0    /* as many pairs as a seed counts */
#define RANDOM_SEED 0.5    /* random pairs that a level has been seen in before any was */
#define STRANGE_LEAST 0.05 /* of what was seen: at least so much of it is strangers' */
#define RARE_RECORDS 0.5   /* strangers who have a value that nobody else seems to have */
#define MOVED_MIN 0.002
#define MOVED_MAX 0.4
#define PRIOR_LEAST 1e-9 /* where a change of a prior is no longer looked at in proportion */
#define CORRECTIONS 3    /* times that matches are taken out of what is seen of strangers */

enum kind {
	STAYED,
	MOVED,
	HOUSEHOLD,
	PARTED,
	STRANGERS,
	KIND_COUNT
}; /* PARTED: a household of two addresses */

struct run {
	const struct score_learn *l;
	struct score_model *m;
	double prior[SCORE_LEARN_PASSES_MAX + 1][KIND_COUNT];
	/* what is seen of any two records, and the seeds */
	double seen[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	double seed_same[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX],
	    seed_house[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	double pairs_beside; /* pairs that are no candidates: strangers', all of them */
	/* of the round */
	double sum_same[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX],
	    sum_house[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	double sum_prior[SCORE_LEARN_PASSES_MAX + 1][KIND_COUNT];
};

/* Birth dates and first names of a household are not learned: that is what keeps it from being
 * taken for a person. */
static bool house_learns(enum score_field f)
{
	return f == SCORE_LAST || f == SCORE_PHONE || f == SCORE_MAIL;
}

static void see_strangers(struct run *r)
{
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		double records = r->l->value[f].records, others = 0, same;
		same = records > 1 ? r->l->value[f].pairs / (records * (records - 1)) : 0;
		same = fmax(same, 1 / (1 + records * records)); /* a value each, as far as seen */
		if (records < 2)
			same = r->m->strange[f][SCORE_SAME];
		for (int l = 2; l < score_level_count(f); l++)
			others += r->l->random[f][l] + RANDOM_SEED;
		r->seen[f][SCORE_SAME] = same;
		for (int l = 2; l < score_level_count(f); l++)
			r->seen[f][l] = (1 - same) * (r->l->random[f][l] + RANDOM_SEED) / others;
	}
	r->seen[SCORE_FIRST][SCORE_FIRST_SWAPPED] = fmax(r->seen[SCORE_FIRST][SCORE_SAME], 1e-6) *
	                                            fmax(r->seen[SCORE_LAST][SCORE_SAME], 1e-6);
}

/* What is seen of any two records without what matches and households add to it. */
static void take_out_matches(struct run *r)
{
	struct score_model *m = r->m;

	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		double sum = 0;
		for (int l = 1; l < score_level_count(f); l++) {
			double left = r->seen[f][l] - m->match * m->same[f][l] -
			              (f == SCORE_FIRST ? 0 : m->houses * m->house[f][l]);
			m->strange[f][l] = fmax(left, r->seen[f][l] * STRANGE_LEAST);
			sum += m->strange[f][l];
		}
		for (int l = 1; l < score_level_count(f); l++)
			m->strange[f][l] /= sum;
	}
	memcpy(m->house[SCORE_FIRST], m->strange[SCORE_FIRST], sizeof m->house[SCORE_FIRST]);
}

static void shares_of(const struct run *r, const struct score_pattern *p, double out[KIND_COUNT])
{
	const struct score_model *m = r->m;
	double sum = 0;

	for (int k = 0; k < KIND_COUNT; k++)
		out[k] = r->prior[p->pass][k];
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		int l = p->level[f];
		if (l == SCORE_UNSAID)
			continue;
		out[STAYED] *= m->same[f][l];
		out[MOVED] *= score_is_address(f) ? m->strange[f][l] : m->same[f][l];
		out[HOUSEHOLD] *= m->house[f][l];
		out[PARTED] *= score_is_address(f) ? m->strange[f][l] : m->house[f][l];
		out[STRANGERS] *= m->strange[f][l];
	}
	for (int k = 0; k < KIND_COUNT; k++)
		sum += out[k];
	for (int k = 0; k < KIND_COUNT; k++)
		out[k] = sum > 0 ? out[k] / sum : 0;
}

static void add_pattern(struct run *r, const struct score_pattern *p)
{
	double part[KIND_COUNT];

	shares_of(r, p, part);
	for (int k = 0; k < KIND_COUNT; k++)
		r->sum_prior[p->pass][k] += part[k] * (double)p->count;
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		int l = p->level[f];
		double person =
		    part[STAYED] + (score_is_address(f) ? part[HOUSEHOLD] : part[MOVED]);
		if (l == SCORE_UNSAID)
			continue;
		r->sum_same[f][l] += person * (double)p->count;
		r->sum_house[f][l] += (part[HOUSEHOLD] + part[PARTED]) * (double)p->count;
	}
}

static double set_shares(const double sums[SCORE_LEVELS_MAX], const double seed[SCORE_LEVELS_MAX],
                         double share[SCORE_LEVELS_MAX], int levels)
{
	double sum = SEED_PAIRS, change = 0;

	for (int l = 1; l < levels; l++)
		sum += sums[l];
	for (int l = 1; l < levels; l++) {
		double was = share[l];
		share[l] = (sums[l] + SEED_PAIRS * seed[l]) / sum;
		change = fmax(change, fabs(share[l] - was));
	}
	return change;
}

static double set_priors(struct run *r, int pass)
{
	double sum = 0, change = 0;

	for (int k = 0; k < KIND_COUNT; k++)
		sum += r->sum_prior[pass][k] + 1;
	for (int k = 0; k < KIND_COUNT; k++) {
		double was = r->prior[pass][k];
		r->prior[pass][k] = (r->sum_prior[pass][k] + 1) / sum;
		change = fmax(change, fabs(r->prior[pass][k] - was) / (was + PRIOR_LEAST));
	}
	return change;
}

/* One round over the patterns of the passes, or (once) of the pairs as a whole, of which only the
 * odds are learned. The greatest change. */
static double one_round(struct run *r, bool once)
{
	double change = 0;

	memset(r->sum_same, 0, sizeof r->sum_same);
	memset(r->sum_house, 0, sizeof r->sum_house);
	memset(r->sum_prior, 0, sizeof r->sum_prior);
	for (size_t i = 0; i < r->l->pattern_room; i++) {
		const struct score_pattern *p = &r->l->pattern[i];
		if (p->count > 0 && (p->pass == SCORE_LEARN_ONCE) == once)
			add_pattern(r, p);
	}
	if (once) {
		r->sum_prior[SCORE_LEARN_ONCE][STRANGERS] += r->pairs_beside;
		return set_priors(r, SCORE_LEARN_ONCE);
	}
	for (int pass = 0; pass < SCORE_LEARN_PASSES_MAX; pass++)
		change = fmax(change, set_priors(r, pass));
	for (enum score_field f = 0; f < SCORE_FIELD_COUNT; f++) {
		int levels = score_level_count(f);
		change = fmax(change,
		              set_shares(r->sum_same[f], r->seed_same[f], r->m->same[f], levels));
		if (house_learns(f))
			set_shares(r->sum_house[f], r->seed_house[f], r->m->house[f], levels);
		if (score_is_address(f))
			memcpy(r->m->house[f], r->m->same[f], sizeof r->m->house[f]);
	}
	return change;
}

static void settle(struct run *r, bool once, struct score_learn_report *report)
{
	report->change = 1;
	report->converged = false;
	for (int i = 0; i < ROUNDS_MAX && !report->converged; i++) {
		report->change = one_round(r, once);
		report->converged = report->change <= CHANGE_MAX;
		report->rounds++;
	}
}

static double pairs_once(const struct score_learn *l)
{
	double n = 0;

	for (size_t i = 0; i < l->pattern_room; i++)
		n += l->pattern[i].pass == SCORE_LEARN_ONCE ? (double)l->pattern[i].count : 0;
	return n;
}

/* The odds among all pairs there are. */
static void set_odds(struct run *r, const struct score_learn_in *in,
                     struct score_learn_report *report)
{
	double all = (double)in->records * ((double)in->records - 1) / 2;
	const double *p = r->prior[SCORE_LEARN_ONCE];

	report->persons_pairs = (p[STAYED] + p[MOVED]) * all;
	r->m->match = fmin(fmax(report->persons_pairs, 0.5) / all, 0.5);
	r->m->houses = fmin(fmax((p[HOUSEHOLD] + p[PARTED]) * all, 0.5) / all, 0.5);
	r->m->moved = fmin(fmax(p[MOVED] / (p[STAYED] + p[MOVED]), MOVED_MIN), MOVED_MAX);
}

static int by_key(const void *a, const void *b)
{
	const struct score_often *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* Of the records that have a value, how many others have it who are strangers: a rare value is
 * often had by nobody else, but a sample cannot know that. */
static double share_of_strangers(const struct run *r, enum score_field f, double share)
{
	double left = share - r->m->match * r->m->same[f][SCORE_SAME] -
	              r->m->houses * r->m->house[f][SCORE_SAME];

	return fmax(left, RARE_RECORDS / r->l->value[f].records);
}

static void set_often_of(struct run *r, enum score_field f)
{
	double records = r->l->value[f].records, rest = records, pairs = r->l->value[f].pairs;
	struct score_model *m = r->m;

	if (records < 2)
		return;
	for (int i = 0; i < r->l->value[f].count; i++) {
		const struct score_value *v = &r->l->value[f].top[i];
		double n = (double)v->records;
		rest -= n;
		pairs -= n * (n - 1);
		m->often[m->often_count++] = (struct score_often){
		    score_often_key(f, v->hash), share_of_strangers(r, f, (n - 1) / (records - 1))};
	}
	/* A value that nobody else has yet: as if half a record more had it. */
	m->rest[f] = share_of_strangers(
	    r, f, (fmax(pairs, 0) / fmax(rest, 1) + RARE_RECORDS) / (records - 1));
}

static int set_often(struct run *r)
{
	struct score_model *m = r->m;
	int kept = 0;

	m->often = memory_zeroed(SCORE_OFTEN_MAX, sizeof *m->often);
	if (!m->often)
		return -1;
	for (enum score_field f = 0; f <= SCORE_STREET; f++)
		set_often_of(r, f);
	qsort(m->often, (size_t)m->often_count, sizeof *m->often, by_key);
	for (int i = 0; i < m->often_count; i++) {
		if (kept == 0 || m->often[kept - 1].key != m->often[i].key)
			m->often[kept++] = m->often[i];
	}
	m->often_count = kept;
	return 0;
}

static void begin(struct run *r, const struct score_learn_in *in)
{
	static const double priors[KIND_COUNT] = {0.1, 0.02, 0.1, 0.02, 0.76};

	snprintf(r->m->version, sizeof r->m->version, "%s", in->version);
	snprintf(r->m->made, sizeof r->m->made, "%s", in->made);
	r->m->records = in->records;
	for (int p = 0; p <= SCORE_LEARN_PASSES_MAX; p++)
		memcpy(r->prior[p], priors, sizeof priors);
	memcpy(r->seed_same, r->m->same, sizeof r->seed_same);
	memcpy(r->seed_house, r->m->house, sizeof r->seed_house);
	see_strangers(r);
	memcpy(r->m->strange, r->seen, sizeof r->seen);
	memcpy(r->m->house[SCORE_FIRST], r->seen[SCORE_FIRST], sizeof r->seen[SCORE_FIRST]);
}

struct score_model *score_learn_run(struct score_learn *l, const struct score_learn_in *in,
                                    struct score_learn_report *report)
{
	struct run *r = memory_zeroed(1, sizeof *r);
	struct score_model *m = score_model_defaults();
	bool done = false;

	*report = (struct score_learn_report){0};
	if (!r || !m || l->failed || in->records < SCORE_RECORDS_MIN)
		goto out;
	r->l = l;
	r->m = m;
	begin(r, in);
	report->pairs = (uint64_t)pairs_once(l);
	r->pairs_beside =
	    fmax(0, in->sampled * (double)in->records * ((double)in->records - 1) / 2 -
	                (double)report->pairs);
	for (int i = 0; i < CORRECTIONS; i++) {
		struct score_learn_report odds = {0};
		settle(r, false, report);
		settle(r, true, &odds);
		report->converged = report->converged && odds.converged;
		set_odds(r, in, report);
		take_out_matches(r);
	}
	done = set_often(r) == 0;
out:
	free(r);
	if (done)
		return m;
	score_model_free(m);
	return NULL;
}
