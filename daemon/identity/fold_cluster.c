#include <string.h>

#include "identity/fold_internal.h"

void fold_cluster_begin(struct fold_work *w)
{
	for (uint32_t i = 0; i < w->in->unit_count; i++) {
		const struct fold_unit *u = &w->in->unit[i];
		w->parent[i] = i;
		w->member_next[i] = i;
		w->apart_first[i] = FOLD_NONE;
		w->cluster[i] = (struct fold_cluster){.size = 1,
		                                      .born = u->born,
		                                      .name = u->first_name[0] ? i : FOLD_NONE,
		                                      .confirmed = u->confirmed,
		                                      .company = u->company,
		                                      .held_first = FOLD_NONE,
		                                      .held_last = FOLD_NONE};
	}
}

uint32_t fold_cluster_root(const struct fold_work *w, uint32_t unit)
{
	while (w->parent[unit] != unit) {
		w->parent[unit] = w->parent[w->parent[unit]];
		unit = w->parent[unit];
	}
	return unit;
}

bool fold_cluster_holds(const struct fold_work *w, uint32_t root, uint32_t group)
{
	uint32_t c = w->cluster[root].held_first;
	while (c != FOLD_NONE && w->right[c] != group)
		c = w->held_next[c];
	return c != FOLD_NONE;
}

void fold_cluster_hold(struct fold_work *w, uint32_t root, uint32_t claim)
{
	struct fold_cluster *c = &w->cluster[root];
	w->held_next[claim] = FOLD_NONE;
	if (c->held_first == FOLD_NONE)
		c->held_first = claim;
	else
		w->held_next[c->held_last] = claim;
	c->held_last = claim;
	c->held[fold_kind_of(w, claim)]++;
}

static bool same_name(const struct fold_work *w, uint32_t a, uint32_t b)
{
	return a == b ||
	       (a != FOLD_MIXED && b != FOLD_MIXED &&
	        strncmp(w->in->unit[a].first_name, w->in->unit[b].first_name, FOLD_NAME_SIZE) == 0);
}

static void mark_held(struct fold_work *w, uint32_t root)
{
	w->stamp++;
	for (uint32_t c = w->cluster[root].held_first; c != FOLD_NONE; c = w->held_next[c])
		w->group[w->right[c]].stamp = w->stamp;
}

/* What q has and p does not goes behind what p has. */
static void unite_held(struct fold_work *w, uint32_t p, uint32_t q)
{
	uint32_t next;
	mark_held(w, p);
	for (uint32_t c = w->cluster[q].held_first; c != FOLD_NONE; c = next) {
		next = w->held_next[c];
		if (w->group[w->right[c]].stamp != w->stamp)
			fold_cluster_hold(w, p, c);
	}
}

void fold_cluster_unite(struct fold_work *w, uint32_t p, uint32_t q)
{
	struct fold_cluster *a = &w->cluster[p], *b = &w->cluster[q];
	if (a->size < b->size) {
		fold_cluster_unite(w, q, p);
		return;
	}
	unite_held(w, p, q);
	w->parent[q] = p;
	uint32_t next = w->member_next[p];
	w->member_next[p] = w->member_next[q];
	w->member_next[q] = next;
	a->size += b->size;
	a->confirmed |= b->confirmed;
	a->company |= b->company;
	if (a->born == 0)
		a->born = b->born;
	else if (b->born != 0 && b->born != a->born)
		a->born = FOLD_MIXED;
	if (a->name == FOLD_NONE)
		a->name = b->name;
	else if (b->name != FOLD_NONE && !same_name(w, a->name, b->name))
		a->name = FOLD_MIXED;
	w->unions++;
}

enum fold_reason fold_cluster_never(const struct fold_work *w, uint32_t p, uint32_t q)
{
	const struct fold_cluster *a = &w->cluster[p], *b = &w->cluster[q];
	if (a->company || b->company)
		return FOLD_COMPANY;
	return a->size + b->size > FOLD_UNITS_MAX ? FOLD_LIMIT : FOLD_NO_REASON;
}

static bool kept_apart(const struct fold_work *w, uint32_t p, uint32_t q)
{
	if (w->cluster[p].size > w->cluster[q].size)
		return kept_apart(w, q, p);
	uint32_t unit = p;
	do {
		for (uint32_t a = w->apart_first[unit]; a != FOLD_NONE;) {
			bool is_left = w->left[a] == unit;
			if (fold_cluster_root(w, is_left ? w->right[a] : w->left[a]) == q)
				return true;
			a = w->apart_next[a][is_left ? 0 : 1];
		}
		unit = w->member_next[unit];
	} while (unit != p);
	return false;
}

static bool over_limit(struct fold_work *w, uint32_t p, uint32_t q)
{
	const struct fold_cluster *a = &w->cluster[p], *b = &w->cluster[q];
	uint32_t held[IDENT_KIND_COUNT];
	bool over = false;
	for (int k = 0; k < IDENT_KIND_COUNT; k++) {
		held[k] = a->held[k] + b->held[k];
		over |= w->rule[k] && w->rule[k]->limit && held[k] > (uint32_t)w->rule[k]->limit;
	}
	if (!over)
		return false;
	mark_held(w, p);
	for (uint32_t c = b->held_first; c != FOLD_NONE; c = w->held_next[c])
		held[fold_kind_of(w, c)] -= w->group[w->right[c]].stamp == w->stamp;
	over = false;
	for (int k = 0; k < IDENT_KIND_COUNT; k++)
		over |= w->rule[k] && w->rule[k]->limit && held[k] > (uint32_t)w->rule[k]->limit;
	return over;
}

/* The tests are between the two: what a person made one within either of them stands. */
enum fold_reason fold_cluster_conflict(struct fold_work *w, uint32_t p, uint32_t q, bool names)
{
	const struct fold_cluster *a = &w->cluster[p], *b = &w->cluster[q];
	enum fold_reason never = fold_cluster_never(w, p, q);
	if (never)
		return never;
	if (kept_apart(w, p, q))
		return FOLD_KEPT_APART;
	if (a->confirmed && b->confirmed)
		return FOLD_TWO_CONFIRMED;
	if (a->born && b->born && (a->born != b->born || a->born == FOLD_MIXED))
		return FOLD_BIRTH_DATES;
	if (names && a->name != FOLD_NONE && b->name != FOLD_NONE &&
	    (a->name == FOLD_MIXED || !same_name(w, a->name, b->name)))
		return FOLD_FIRST_NAMES;
	return over_limit(w, p, q) ? FOLD_LIMIT : FOLD_NO_REASON;
}
