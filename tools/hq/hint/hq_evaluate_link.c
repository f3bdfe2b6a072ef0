/* What the rules alone make of labelled records. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hq/hint/hq_evaluate.h"
#include "identity/fold.h"
#include "identity/rule.h"

/* References are random in earnest; here they only have to differ. */
static struct ref ref_of(uint8_t what, uint64_t number)
{
	struct ref r = {{what}};

	for (int i = 0; i < 8; i++)
		r.byte[15 - i] = (uint8_t)(number >> (8 * i));
	return r;
}

static uint64_t number_of(const struct ref *r)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | r->byte[8 + i];
	return number;
}

static void set_unit(const struct hq_label *row, size_t at, struct fold_unit *out)
{
	*out = (struct fold_unit){.ref = ref_of(1, at), .born = row->born, .made = row->made};
	memcpy(out->first_name, row->first_name, sizeof row->first_name);
	memcpy(out->last_name, row->last_name, sizeof row->last_name);
}

/* An identifier that is nobody's by its shape makes no claim, as in the store. */
static size_t set_claims(const struct hq_labelled *l, size_t at, const struct rule_set *rules,
                         struct fold_op *op)
{
	size_t n = 0;

	for (enum ident_kind k = IDENT_NONE + 1; k < IDENT_KIND_COUNT; k++) {
		uint32_t ident = l->row[at].ident[k];
		if (!ident || rule_blocked(rules, k, hq_intern_text(&l->ident[k], ident)))
			continue;
		op[n++] = (struct fold_op){.kind = FOLD_CLAIM,
		                           .id = ref_of(2, at * IDENT_KIND_COUNT + k),
		                           .left = ref_of(1, at),
		                           .right = ref_of((uint8_t)(16 + k), ident),
		                           .ident = k,
		                           .verified = l->row[at].verified[k]};
	}
	return n;
}

static void count_joins(const struct hq_labelled *l, const struct fold *f, const struct fold_op *op,
                        struct hq_evaluate_joins *out)
{
	*out = (struct hq_evaluate_joins){0};
	for (size_t i = 0; i < f->join_count; i++) {
		const struct fold_op *a = &op[f->join[i].claim[0]], *b = &op[f->join[i].claim[1]];
		bool verified = a->verified && b->verified;
		if (f->join[i].verdict.fate != FOLD_HOLDS)
			continue;
		out->made[a->ident][verified]++;
		out->wrong[a->ident][verified] +=
		    l->row[number_of(&a->left)].person != l->row[number_of(&b->left)].person;
	}
}

int hq_evaluate_link(const struct hq_labelled *l, const struct rule_set *rules, uint32_t *cluster,
                     struct hq_evaluate_joins *joins)
{
	struct fold_unit *unit = memory_zeroed(l->count + 1, sizeof *unit);
	struct fold_op *op = memory_zeroed(l->count * 3 + 1, sizeof *op);
	struct fold *f = NULL;
	size_t ops = 0;

	if (unit && op) {
		for (size_t i = 0; i < l->count; i++) {
			set_unit(&l->row[i], i, &unit[i]);
			ops += set_claims(l, i, rules, op + ops);
		}
		f = fold_run(&(struct fold_input){rules, unit, l->count, op, ops});
	}
	for (size_t i = 0; f && i < l->count; i++)
		cluster[i] = (uint32_t)f->person[i];
	if (f)
		count_joins(l, f, op, joins);
	free(unit);
	free(op);
	if (!f)
		return -1;
	fold_free(f);
	return 0;
}

void hq_evaluate_wilson(uint64_t k, uint64_t n, double *low, double *high)
{
	double z = 1.959964, share = n ? (double)k / (double)n : 0, of = n ? (double)n : 1;
	double middle = share + z * z / (2 * of);
	double reach = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of));

	*low = k ? (middle - reach) / (1 + z * z / of) : 0;
	*high = n ? fmin((middle + reach) / (1 + z * z / of), 1) : 1;
}

struct item {
	uint32_t person, cluster;
};

static int by_person(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->person != y->person)
		return x->person < y->person ? -1 : 1;
	return x->cluster < y->cluster ? -1 : x->cluster > y->cluster;
}

static int by_cluster(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->cluster != y->cluster)
		return x->cluster < y->cluster ? -1 : 1;
	return x->person < y->person ? -1 : x->person > y->person;
}

static uint64_t pairs_of(size_t n)
{
	return (uint64_t)n * (n - 1) / 2;
}

/* items by person, then cluster. */
static void count_persons(const struct item *v, size_t n, uint8_t *became, struct hq_clusters *out)
{
	for (size_t i = 0, end; i < n; i = end) {
		bool pieces = false;
		size_t from = i;
		for (end = i; end < n && v[end].person == v[i].person; end++) {
			if (v[end].cluster == v[from].cluster)
				continue;
			out->found_pairs += pairs_of(end - from);
			from = end;
			pieces = true;
		}
		out->found_pairs += pairs_of(end - from);
		out->true_pairs += pairs_of(end - i);
		out->persons++;
		out->several += end - i > 1;
		out->missed += pieces;
		if (pieces)
			became[v[i].person] |= HQ_EVALUATE_MISSED;
	}
}

/* items by cluster, then person: mark who shares one with somebody else. */
static void count_clusters(const struct item *v, size_t n, uint8_t *became, struct hq_clusters *out)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && v[end].cluster == v[i].cluster; end++)
			;
		out->joined_pairs += pairs_of(end - i);
		for (size_t k = i; k < end && v[i].person != v[end - 1].person; k++)
			became[v[k].person] |= HQ_EVALUATE_FALSE;
	}
}

int hq_evaluate_clusters(const struct hq_labelled *l, const uint32_t *cluster, uint8_t *became,
                         struct hq_clusters *out)
{
	struct item *v = memory_alloc((l->count + 1) * sizeof *v);
	uint8_t *own = memory_zeroed(l->person.count + 1, sizeof *own);
	int rc = v && own ? 0 : -1;

	*out = (struct hq_clusters){0};
	if (rc == 0) {
		for (size_t i = 0; i < l->count; i++)
			v[i] = (struct item){l->row[i].person, cluster[i]};
		qsort(v, l->count, sizeof *v, by_person);
		count_persons(v, l->count, own, out);
		qsort(v, l->count, sizeof *v, by_cluster);
		count_clusters(v, l->count, own, out);
		for (uint32_t p = 0; p < l->person.count; p++)
			out->false_merged += own[p] & HQ_EVALUATE_FALSE;
	}
	if (rc == 0 && became)
		memcpy(became, own, l->person.count);
	free(v);
	free(own);
	return rc;
}
