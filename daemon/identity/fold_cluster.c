#include <string.h>

#include "identity/fold_internal.h"

#define DAY_US INT64_C(86400000000)

void fold_cluster_begin(struct fold_work *w)
{
	for (uint32_t i = 0; i < w->in->unit_count; i++) {
		const struct fold_unit *u = &w->in->unit[i];
		w->parent[i] = i;
		w->member_next[i] = i;
		w->apart_first[i] = FOLD_NONE;
		w->cluster[i] =
		    (struct fold_cluster){.size = 1,
		                          .born = u->born,
		                          .first_name = u->first_name[0] ? i : FOLD_NONE,
		                          .last_name = u->last_name[0] ? i : FOLD_NONE,
		                          .made = u->made,
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

/* Of two units that have one, or FOLD_MIXED. */
static bool same_first(const struct fold_work *w, uint32_t a, uint32_t b)
{
	const struct fold_unit *u = w->in->unit;
	return a != FOLD_MIXED && b != FOLD_MIXED &&
	       strncmp(u[a].first_name, u[b].first_name, FOLD_NAME_SIZE) == 0;
}

static bool same_last(const struct fold_work *w, uint32_t a, uint32_t b)
{
	const struct fold_unit *u = w->in->unit;
	return a != FOLD_MIXED && b != FOLD_MIXED &&
	       strncmp(u[a].last_name, u[b].last_name, FOLD_NAME_SIZE) == 0;
}

/* What both have in common, or what one of them has. */
static void unite_said(const struct fold_work *w, struct fold_cluster *a,
                       const struct fold_cluster *b)
{
	if (a->born == 0)
		a->born = b->born;
	else if (b->born != 0 && b->born != a->born)
		a->born = FOLD_MIXED;
	if (a->first_name == FOLD_NONE)
		a->first_name = b->first_name;
	else if (b->first_name != FOLD_NONE && !same_first(w, a->first_name, b->first_name))
		a->first_name = FOLD_MIXED;
	if (a->last_name == FOLD_NONE)
		a->last_name = b->last_name;
	else if (b->last_name != FOLD_NONE && !same_last(w, a->last_name, b->last_name))
		a->last_name = FOLD_MIXED;
	uint32_t store = a->made.store;
	fold_made_also(&a->made, &b->made);
	if (store && b->made.store && store != b->made.store)
		a->made.store = FOLD_MIXED;
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
	unite_said(w, a, b);
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

static bool known(uint32_t a, uint32_t b)
{
	return a != FOLD_NONE && b != FOLD_NONE;
}

/* The tests are between the two: what a person made one within either of them stands. */
enum fold_reason fold_cluster_conflict(struct fold_work *w, uint32_t p, uint32_t q,
                                       enum fold_names names)
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
	if (names >= FOLD_NAMES_FIRST && known(a->first_name, b->first_name) &&
	    !same_first(w, a->first_name, b->first_name))
		return FOLD_FIRST_NAMES;
	if (names == FOLD_NAMES_BOTH && known(a->last_name, b->last_name) &&
	    !same_last(w, a->last_name, b->last_name))
		return FOLD_LAST_NAMES;
	return over_limit(w, p, q) ? FOLD_LIMIT : FOLD_NO_REASON;
}

bool fold_cluster_alike(const struct fold_work *w, uint32_t p, uint32_t q)
{
	const struct fold_cluster *a = &w->cluster[p], *b = &w->cluster[q];
	return (known(a->first_name, b->first_name) &&
	        same_first(w, a->first_name, b->first_name)) ||
	       (a->born && a->born == b->born && a->born != FOLD_MIXED);
}

static bool have_a_store_in_common(const struct fold_work *w, uint32_t p, uint32_t q)
{
	uint32_t a = w->cluster[p].made.store, b = w->cluster[q].made.store;
	uint32_t unit = p, other = q;
	if (a != FOLD_MIXED && b != FOLD_MIXED)
		return a == b;
	do {
		do {
			if (w->in->unit[unit].made.store == w->in->unit[other].made.store)
				return true;
			other = w->member_next[other];
		} while (other != q);
		unit = w->member_next[unit];
	} while (unit != p);
	return false;
}

static bool within(int64_t from_us, int64_t to_us, int64_t window_us)
{
	int64_t apart_us;
	return !__builtin_sub_overflow(to_us, from_us, &apart_us) && apart_us <= window_us;
}

bool fold_cluster_offline(const struct fold_work *w, uint32_t p, uint32_t q)
{
	const struct fold_made *a = &w->cluster[p].made, *b = &w->cluster[q].made;
	int64_t window_us = w->in->rules->guard.offline_days * DAY_US;
	return window_us > 0 && a->store && b->store && within(a->from_us, b->to_us, window_us) &&
	       within(b->from_us, a->to_us, window_us) && !have_a_store_in_common(w, p, q);
}
