#include "hq/hint/hq_evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hq/hint/hq_pairs.h"
#include "identity/rule.h"
#include "identity/score_learn.h"

#define BIN_MBIT 500 /* of the curve: half a bit */
#define BINS 200     /* from -40 to 60 bits; what is beyond stands in the last */
#define BIN_ZERO 80
#define KINDS_MAX 64 /* words of the column `kind` that are told apart */

struct kind {
	char word[32];
	uint64_t pairs, identifier, linked, candidates, likely, sure; /* of true pairs */
	uint64_t false_linked, false_likely, false_sure;
	uint64_t persons, false_merged, missed; /* who have a record of this kind */
};

struct work {
	struct hq_labelled *l;
	struct score_model *model;
	uint32_t *linked;   /* clusters by the rules */
	uint32_t *accepted; /* clusters if every hint that is sure were followed: a forest */
	uint64_t right[BINS], wrong[BINS];
	uint8_t *became; /* by the rules, for each person */
	struct hq_evaluate_joins joins;
	struct kind kind[KINDS_MAX];
	int kinds;
};

static uint32_t root(uint32_t *forest, uint32_t at)
{
	while (forest[at] != at) {
		forest[at] = forest[forest[at]];
		at = forest[at];
	}
	return at;
}

static void unite(uint32_t *forest, uint32_t a, uint32_t b)
{
	uint32_t x = root(forest, a), y = root(forest, b);

	if (x < y)
		forest[y] = x;
	else
		forest[x] = y;
}

static struct kind *kind_named(struct work *w, const char *word, size_t n)
{
	for (int i = 1; i < w->kinds; i++) { /* the first is of all of them */
		if (strlen(w->kind[i].word) == n && memcmp(w->kind[i].word, word, n) == 0)
			return &w->kind[i];
	}
	if (w->kinds == KINDS_MAX || n >= sizeof w->kind[0].word)
		return NULL;
	memcpy(w->kind[w->kinds].word, word, n);
	return &w->kind[w->kinds++];
}

/* The words that a record has: a bit for each of w->kind. */
static uint64_t kinds_of(struct work *w, size_t at)
{
	const char *p = hq_intern_text(&w->l->kind, w->l->row[at].kind);
	uint64_t set = 0;

	while (*p) {
		size_t n = strcspn(p, " ");
		const struct kind *k = n ? kind_named(w, p, n) : NULL;
		if (k)
			set |= UINT64_C(1) << (k - w->kind);
		p += n;
		p += *p == ' ';
	}
	return set;
}

/* Calls add for each of them; for "none" where there is none. */
static void each_of(struct work *w, uint64_t set, void (*add)(struct kind *k, void *ctx), void *ctx)
{
	struct kind *none = set ? NULL : kind_named(w, "none", 4);

	if (none)
		add(none, ctx);
	for (int i = 0; i < w->kinds; i++) {
		if (set >> i & 1)
			add(&w->kind[i], ctx);
	}
}

/* Every word that one of the two records has, once. */
static void each_kind(struct work *w, size_t a, size_t b, void (*add)(struct kind *k, void *ctx),
                      void *ctx)
{
	each_of(w, kinds_of(w, a) | kinds_of(w, b), add, ctx);
}

struct true_pair {
	bool identifier, linked;
};

static void add_true(struct kind *k, void *ctx)
{
	const struct true_pair *p = ctx;

	k->pairs++;
	k->identifier += p->identifier;
	k->linked += p->linked;
}

static bool share_identifier(const struct hq_label *a, const struct hq_label *b)
{
	for (int k = 0; k < IDENT_KIND_COUNT; k++) {
		if (a->ident[k] && a->ident[k] == b->ident[k])
			return true;
	}
	return false;
}

static void add_false_link(struct kind *k, void *ctx)
{
	(void)ctx;
	k->false_linked++;
}

/* Records in order of a number that each has. */
struct order {
	uint32_t number, at;
};

static int by_number(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Every pair of records that have the same number. */
static void each_pair(const struct order *v, size_t n,
                      void (*take)(struct work *w, size_t a, size_t b), struct work *w)
{
	for (size_t from = 0, end; from < n; from = end) {
		for (end = from; end < n && v[end].number == v[from].number; end++)
			;
		for (size_t i = from; i < end; i++) {
			for (size_t k = i + 1; k < end; k++)
				take(w, v[i].at, v[k].at);
		}
	}
}

static uint64_t with_identifier(const struct work *w)
{
	return w->kind[0].identifier;
}

static void take_true(struct work *w, size_t a, size_t b)
{
	struct true_pair p = {share_identifier(&w->l->row[a], &w->l->row[b]),
	                      w->linked[a] == w->linked[b]};

	add_true(&w->kind[0], &p);
	each_kind(w, a, b, add_true, &p);
}

static void take_linked(struct work *w, size_t a, size_t b)
{
	if (w->l->row[a].person == w->l->row[b].person)
		return;
	add_false_link(&w->kind[0], NULL);
	each_kind(w, a, b, add_false_link, NULL);
}

static void add_person(struct kind *k, void *ctx)
{
	const uint8_t *became = ctx;

	k->persons++;
	k->false_merged += (*became & HQ_EVALUATE_FALSE) != 0;
	k->missed += (*became & HQ_EVALUATE_MISSED) != 0;
}

/* v: by person. */
static void count_persons(struct work *w, const struct order *v)
{
	for (size_t from = 0, end; from < w->l->count; from = end) {
		uint64_t set = 0;
		for (end = from; end < w->l->count && v[end].number == v[from].number; end++)
			set |= kinds_of(w, v[end].at);
		add_person(&w->kind[0], &w->became[v[from].number]);
		each_of(w, set, add_person, &w->became[v[from].number]);
	}
}

static int count_pairs(struct work *w)
{
	struct order *v = memory_alloc((w->l->count + 1) * sizeof *v);

	if (!v)
		return -1;
	memcpy(w->kind[0].word, "all", 4);
	w->kinds = 1;
	for (size_t i = 0; i < w->l->count; i++)
		v[i] = (struct order){w->l->row[i].person, (uint32_t)i};
	qsort(v, w->l->count, sizeof *v, by_number);
	count_persons(w, v);
	each_pair(v, w->l->count, take_true, w);
	for (size_t i = 0; i < w->l->count; i++)
		v[i] = (struct order){w->linked[i], (uint32_t)i};
	qsort(v, w->l->count, sizeof *v, by_number);
	each_pair(v, w->l->count, take_linked, w);
	free(v);
	return 0;
}

struct hint {
	bool right, likely, sure;
};

static void add_hint(struct kind *k, void *ctx)
{
	const struct hint *h = ctx;

	k->candidates += h->right;
	k->likely += h->right && h->likely;
	k->sure += h->right && h->sure;
	k->false_likely += !h->right && h->likely;
	k->false_sure += !h->right && h->sure;
}

static int bin_of(int mbit)
{
	int bin = (int)floor((double)mbit / BIN_MBIT) + BIN_ZERO;

	return bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin;
}

static void take_candidate(void *ctx, const struct hq_pair *pair)
{
	struct work *w = ctx;
	struct score s;
	struct hint h = {.right = w->l->row[pair->a].person == w->l->row[pair->b].person};

	score_pair(w->model, &pair->left, &pair->right, &s);
	h.likely = s.mbit >= SCORE_LIKELY_MBIT;
	h.sure = s.mbit >= SCORE_SURE_MBIT;
	(h.right ? w->right : w->wrong)[bin_of(s.mbit)]++;
	if (h.sure)
		unite(w->accepted, pair->a, pair->b);
	if (!h.right && !h.likely)
		return;
	add_hint(&w->kind[0], &h);
	each_kind(w, pair->a, pair->b, add_hint, &h);
}

static json_t *per_10000(uint64_t k, uint64_t n)
{
	double low, high, of = n ? (double)n : 1;

	hq_evaluate_wilson(k, n, &low, &high);
	return json_pack("{s:I,s:f,s:f,s:f}", "persons", (json_int_t)k, "per_10000",
	                 (double)k * 1e4 / of, "low", low * 1e4, "high", high * 1e4);
}

static double share(uint64_t k, uint64_t n)
{
	return n ? (double)k / (double)n : 1.0;
}

static json_t *clusters(const struct work *w, const uint32_t *cluster)
{
	struct hq_clusters c;

	if (hq_evaluate_clusters(w->l, cluster, NULL, &c) != 0)
		return NULL;
	return json_pack(
	    "{s:o,s:o,s:f,s:f,s:I,s:I}", "false_merges", per_10000(c.false_merged, c.persons),
	    "missed_merges", per_10000(c.missed, c.persons), "precision",
	    share(c.found_pairs, c.joined_pairs), "recall", share(c.found_pairs, c.true_pairs),
	    "pairs", (json_int_t)c.joined_pairs, "right", (json_int_t)c.found_pairs);
}

static json_t *curve(const struct work *w, FILE *csv)
{
	uint64_t right = 0, wrong = 0, all = w->kind[0].pairs;
	json_t *list = json_array();

	if (csv)
		fprintf(csv, "bits,right,wrong,precision,recall\n");
	for (int b = BINS - 1; b >= 0; b--) {
		double bits = (b - BIN_ZERO) * (BIN_MBIT / 1000.0);
		right += w->right[b];
		wrong += w->wrong[b];
		if (right + wrong == 0 || (b > 0 && w->right[b] + w->wrong[b] == 0))
			continue;
		json_array_append_new(
		    list, json_pack("{s:f,s:I,s:I,s:f,s:f}", "bits", bits, "right",
		                    (json_int_t)right, "wrong", (json_int_t)wrong, "precision",
		                    share(right, right + wrong), "recall", share(right, all)));
		if (csv)
			fprintf(csv, "%.1f,%llu,%llu,%.6f,%.6f\n", bits, (unsigned long long)right,
			        (unsigned long long)wrong, share(right, right + wrong),
			        share(right, all));
	}
	return list;
}

static json_t *kinds(const struct work *w)
{
	json_t *list = json_array();

	for (int i = 0; i < w->kinds; i++) {
		const struct kind *k = &w->kind[i];
		json_array_append_new(
		    list,
		    json_pack("{s:s,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "kind", k->word,
		              "false_merges", per_10000(k->false_merged, k->persons),
		              "missed_merges", per_10000(k->missed, k->persons), "persons",
		              (json_int_t)k->persons, "pairs", (json_int_t)k->pairs, "identifier",
		              (json_int_t)k->identifier, "linked", (json_int_t)k->linked, "likely",
		              (json_int_t)k->likely, "sure", (json_int_t)k->sure, "false_linked",
		              (json_int_t)k->false_linked, "false_likely",
		              (json_int_t)k->false_likely, "false_sure",
		              (json_int_t)k->false_sure));
	}
	return list;
}

static json_t *joins(const struct work *w)
{
	const struct hq_evaluate_joins *j = &w->joins;
	json_t *list = json_array();

	for (int k = 0; k < IDENT_KIND_COUNT; k++) {
		for (int verified = 1; verified >= 0; verified--) {
			if (j->made[k][verified])
				json_array_append_new(
				    list,
				    json_pack("{s:s,s:b,s:I,s:I}", "kind",
				              ident_kind_name((enum ident_kind)k), "verified",
				              verified, "made", (json_int_t)j->made[k][verified],
				              "wrong", (json_int_t)j->wrong[k][verified]));
		}
	}
	return list;
}

static json_t *weights(const struct score_learn_report *r)
{
	return json_pack("{s:s,s:b,s:i,s:I,s:f}", "from", r->rounds ? "these records" : "defaults",
	                 "converged", r->converged, "rounds", r->rounds, "pairs",
	                 (json_int_t)r->pairs, "expected", r->persons_pairs);
}

static json_t *found(struct work *w, const struct hq_evaluate_ask *ask,
                     const struct score_learn_report *learned, const struct hq_pairs_report *walked)
{
	struct hq_clusters c;
	json_t *linking = clusters(w, w->linked);

	for (uint32_t i = 0; i < w->l->count; i++)
		w->accepted[i] = root(w->accepted, i);
	if (!linking || hq_evaluate_clusters(w->l, w->linked, NULL, &c) != 0) {
		json_decref(linking);
		return NULL;
	}
	return json_pack(
	    "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:I,s:f,s:o,s:o,s:o}", "records",
	    (json_int_t)w->l->count, "persons", (json_int_t)c.persons, "true_pairs",
	    (json_int_t)c.true_pairs, "identifier_in_common", (json_int_t)with_identifier(w),
	    "bad_rows", (json_int_t)w->l->bad, "first_bad_line", (json_int_t)w->l->first_bad_line,
	    "refused_identifiers", (json_int_t)w->l->refused, "linking", linking, "joins", joins(w),
	    "weights", weights(learned), "candidates", (json_int_t)walked->given, "blocking_recall",
	    share(w->kind[0].candidates, w->kind[0].pairs), "hints", clusters(w, w->accepted),
	    "curve", curve(w, ask->curve), "kinds", kinds(w));
}

static json_t *run(struct work *w, const struct hq_evaluate_ask *ask)
{
	struct hq_pairs_ask pairs = {.take = take_candidate, .ctx = w, .what = ask->what};
	struct score_learn_report learned = {0};
	struct hq_pairs_report walked;
	struct hq_clusters c;
	struct rule_set rules;
	int rc;

	rule_defaults(&rules);
	rc = hq_evaluate_link(w->l, &rules, w->linked, &w->joins);
	rule_free(&rules);
	if (rc != 0 || hq_evaluate_clusters(w->l, w->linked, w->became, &c) != 0 ||
	    count_pairs(w) != 0)
		return NULL;
	if (!ask->defaults)
		w->model = hq_pairs_learn(w->l->people, ask->made, ask->what, &learned);
	if (!w->model)
		w->model = score_model_defaults();
	if (!w->model || hq_pairs_walk(w->l->people, &pairs, &walked) != 0)
		return NULL;
	return found(w, ask, &learned, &walked);
}

json_t *hq_evaluate(struct hq_labelled *l, const struct hq_evaluate_ask *ask)
{
	struct work *w = memory_zeroed(1, sizeof *w);
	json_t *answer = NULL;

	if (!w)
		return NULL;
	w->l = l;
	w->linked = memory_alloc((l->count + 1) * sizeof *w->linked);
	w->accepted = memory_alloc((l->count + 1) * sizeof *w->accepted);
	w->became = memory_zeroed(l->person.count + 1, sizeof *w->became);
	if (w->linked && w->accepted && w->became) {
		for (uint32_t i = 0; i < l->count; i++)
			w->accepted[i] = i;
		answer = run(w, ask);
	}
	score_model_free(w->model);
	free(w->linked);
	free(w->accepted);
	free(w->became);
	free(w);
	return answer;
}
