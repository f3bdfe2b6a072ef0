/* Groups: persons that were made together, and how they are made anew when something changes. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "identity/overlay_internal.h"

/* ---- a group and what it holds ---- */

static void unhook(struct overlay *o, struct group *grp)
{
	if (o->groups == grp)
		o->groups = grp->next;
	if (o->groups_last == grp)
		o->groups_last = grp->prev;
	if (grp->prev)
		grp->prev->next = grp->next;
	if (grp->next)
		grp->next->prev = grp->prev;
	o->group_count--;
	for (size_t i = 0; i < grp->nodes.len; i++) {
		struct node *n = grp->nodes.at[i];
		n->group = NULL;
		n->person = FOLD_NOBODY;
	}
	for (size_t i = 0; i < grp->idens.len; i++) {
		struct iden *iden = grp->idens.at[i];
		iden->group = NULL;
		free(iden->hit);
		iden->hit = NULL;
		iden->hit_count = 0;
	}
}

/* What is unhooked: its nodes and identifiers leave the tables unless something holds them there.
 */
static void drop(struct overlay *o, struct group *grp)
{
	for (size_t i = 0; i < grp->nodes.len; i++)
		overlay_node_settle(o, grp->nodes.at[i]);
	for (size_t i = 0; i < grp->idens.len; i++)
		overlay_iden_settle(o, grp->idens.at[i]);
	overlay_list_free(&grp->nodes);
	overlay_list_free(&grp->idens);
	free(grp->person);
	free(grp);
}

void group_free(struct overlay *o, struct group *grp)
{
	unhook(o, grp);
	drop(o, grp);
}

/* ---- filling one ---- */

static bool fill_persons(struct gathered *g, struct group *grp)
{
	for (size_t u = 0; u < g->unit_count; u++)
		grp->person_count += g->fold->person[u] == u;
	grp->person = memory_zeroed(grp->person_count + 1, sizeof *grp->person);
	for (size_t u = 0, n = 0; grp->person && u < g->unit_count; u++)
		if (g->fold->person[u] == u)
			overlay_profile_of(g, u, &grp->person[n++]);
	return grp->person && !g->failed;
}

static bool fill_nodes(struct overlay *o, struct gathered *g, struct group *grp)
{
	for (size_t i = 0; i < g->reach_units; i++) {
		struct node *n = overlay_node_make(o, &g->units[i].ref);
		if (!n || !overlay_list_push(&grp->nodes, n))
			return false;
		size_t at = overlay_fold_unit(g, &n->ref);
		size_t person = at < g->unit_count ? g->fold->person[at] : FOLD_NOBODY;
		n->group = grp;
		n->person = person == FOLD_NOBODY ? FOLD_NOBODY : g->index.place[person];
		if (g->units[i].customer_id[0])
			memcpy(n->customer_id, g->units[i].customer_id, sizeof n->customer_id);
	}
	return true;
}

static bool add_hit(struct iden *iden, const struct iden_hit *hit)
{
	struct iden_hit *grown;
	for (size_t i = 0; i < iden->hit_count; i++) {
		if (iden->hit[i].person != hit->person)
			continue;
		iden->hit[i].verified |= hit->verified;
		return true;
	}
	grown = memory_more(iden->hit, (iden->hit_count + 1) * sizeof *grown);
	if (!grown)
		return false;
	iden->hit = grown;
	iden->hit[iden->hit_count++] = *hit;
	return true;
}

static int by_ident(const void *ref, const void *ident)
{
	const struct fold_ident *i = ident;
	return memcmp(ref, &i->ident, sizeof i->ident);
}

static const struct fold_ident *ident_of(const struct gathered *g, const struct ref *ref)
{
	return bsearch(ref, g->fold->ident, g->fold->ident_count, sizeof *g->fold->ident, by_ident);
}

/* When HQ saw the claim's identifier last. */
static const char *seen_of(const struct gathered *g, const struct ref *claim)
{
	for (size_t l = 0; l < g->line_count; l++)
		for (size_t i = 0; i < g->line[l].claim_count; i++)
			if (ref_same(&g->line[l].claim[i].ref, claim) && g->line[l].claim[i].seen)
				return g->line[l].claim[i].seen;
	return "";
}

static bool fill_hit(struct overlay *o, const struct gathered *g, const struct group *grp,
                     const struct fold_op *op)
{
	const struct reach_iden *r = &g->idens[overlay_iden_place(&op->right)];
	const struct fold_ident *state = ident_of(g, &op->right);
	struct iden *iden = overlay_iden(o, r->kind, r->value);
	size_t unit = overlay_fold_unit(g, &op->left);
	struct iden_hit hit = {.verified = op->verified};
	if (!iden || iden->group != grp || unit == g->unit_count ||
	    g->fold->person[unit] == FOLD_NOBODY)
		return true;
	hit.person = g->index.place[g->fold->person[unit]];
	hit.shared = state && state->state == FOLD_IDENT_SHARED;
	hit.blocked = state && state->state == FOLD_IDENT_BLOCKED;
	text_b64(op->id.byte, sizeof op->id.byte, hit.ref);
	text_copy(hit.seen, sizeof hit.seen, seen_of(g, &op->id));
	return add_hit(iden, &hit);
}

/* Everybody who has an identifier: by the claims that hold, and by those that a block alone keeps
 * from it. */
static bool fill_hits(struct overlay *o, const struct gathered *g, const struct group *grp)
{
	for (size_t i = 0; i < g->op_count; i++) {
		const struct fold_verdict *v = &g->fold->verdict[i];
		bool counts =
		    v->fate == FOLD_HOLDS || (v->fate == FOLD_REFUSED && v->reason == FOLD_BLOCKED);
		if (g->op[i].kind == FOLD_CLAIM && counts && !fill_hit(o, g, grp, &g->op[i]))
			return false;
	}
	return true;
}

/* Only what bears on something pending is held here: of HQ's other persons nothing. */
static bool fill_idens(struct overlay *o, struct gathered *g, struct group *grp)
{
	for (size_t i = 0; i < g->followed; i++) {
		struct iden *iden = overlay_iden_make(o, g->idens[i].kind, g->idens[i].value);
		if (!iden || !overlay_list_push(&grp->idens, iden))
			return false;
		iden->group = grp;
	}
	for (size_t l = 0; l < g->line_count; l++) {
		const struct overlay_known *line = &g->line[l];
		struct iden *iden;
		size_t unit = overlay_fold_unit(g, &line->unit[0].ref);
		if (!line->whole || g->fold->person[unit] == FOLD_NOBODY)
			continue;
		iden = overlay_iden_make(o, "customer_id", line->profile.customer_id);
		if (iden && iden->group)
			continue; /* another group's, which was not reached: it stays there */
		if (!iden || !overlay_list_push(&grp->idens, iden))
			return false;
		iden->group = grp;
		if (!add_hit(iden,
		             &(struct iden_hit){.person = g->index.place[g->fold->person[unit]],
		                                .verified = true}))
			return false;
	}
	return fill_hits(o, g, grp);
}

/* Too many to be told apart: nobody in particular. */
static bool blur(const struct gathered *g, struct group *grp)
{
	for (size_t i = 0; g->over && i < grp->idens.len; i++) {
		struct iden *iden = grp->idens.at[i];
		struct iden_hit *two =
		    iden->hit_count == 1 && strcmp(iden->kind, "customer_id") != 0
		        ? memory_more(iden->hit, 2 * sizeof *two)
		        : NULL;
		if (!two)
			continue;
		iden->hit = two;
		iden->hit[1] = iden->hit[0];
		iden->hit_count = 2;
	}
	return true;
}

/* ---- giving way ---- */

/* Events that HQ includes are over. */
static void let_go(struct overlay *o, const struct gathered *g)
{
	for (size_t i = 0; i < g->pending.len; i++) {
		const struct pending *p = g->pending.at[i];
		if (p->included)
			overlay_compare(o, g, p);
	}
	for (size_t i = 0; i < g->pending.len; i++) {
		struct pending *p = g->pending.at[i];
		if (!p->included)
			continue;
		overlay_let_go(o, p);
		o->let_go++;
	}
}

/* ---- making ---- */

/* At the end: those that are to be made anew stand in front. */
static void hook(struct overlay *o, struct group *grp)
{
	grp->prev = o->groups_last;
	if (grp->prev)
		grp->prev->next = grp;
	else
		o->groups = grp;
	o->groups_last = grp;
	o->group_count++;
}

static void to_front(struct overlay *o, struct group *grp)
{
	grp->stale = true;
	if (!grp->prev)
		return;
	grp->prev->next = grp->next;
	if (grp->next)
		grp->next->prev = grp->prev;
	else
		o->groups_last = grp->prev;
	grp->prev = NULL;
	grp->next = o->groups;
	o->groups->prev = grp;
	o->groups = grp;
}

static bool holds(const struct group *grp)
{
	for (size_t i = 0; i < grp->nodes.len; i++)
		if (((const struct node *)grp->nodes.at[i])->pending.len)
			return true;
	for (size_t i = 0; i < grp->idens.len; i++)
		if (((const struct iden *)grp->idens.at[i])->pending.len)
			return true;
	return false;
}

/* In the place of the groups that were reached. */
static int make(struct overlay *o, struct gathered *g)
{
	struct group *grp = memory_zeroed(1, sizeof *grp);
	bool filled;
	if (!grp || !fill_persons(g, grp)) {
		free(grp ? grp->person : NULL);
		free(grp);
		return -1;
	}
	for (size_t i = 0; i < g->groups.len; i++)
		unhook(o, g->groups.at[i]);
	hook(o, grp);
	filled = fill_nodes(o, g, grp) && fill_idens(o, g, grp) && blur(g, grp);
	for (size_t i = 0; i < g->groups.len; i++)
		drop(o, g->groups.at[i]);
	if (!filled) {
		group_free(o, grp);
		return -1;
	}
	let_go(o, g);
	if (!holds(grp))
		group_free(o, grp);
	return 0;
}

static int gather_and_make(struct overlay *o, struct gathered *g)
{
	gather_all(g);
	int rc = overlay_fold(g) ? make(o, g) : -1;
	if (rc < 0)
		o->unmade = true;
	gather_free(g);
	free(g);
	return rc;
}

int group_make(struct overlay *o, const struct overlay_hq *hq, const struct pending *p)
{
	struct gathered *g = memory_alloc(sizeof *g);
	if (!g) {
		o->unmade = true;
		return -1;
	}
	gather_begin(g, o, hq);
	gather_unit(g, &p->unit, p->customer_id);
	for (size_t i = 0; i < p->claim_count; i++)
		gather_iden(g, ident_kind_name(p->claim[i].kind), p->claim[i].value);
	return gather_and_make(o, g);
}

/* A pending event without a group, or NULL. */
static const struct pending *unmade(const struct overlay *o)
{
	for (size_t i = 0; i < o->pending.len; i++) {
		const struct pending *p = o->pending.at[i];
		const struct node *n = overlay_node(o, &p->unit);
		const struct iden *iden =
		    p->claim_count
		        ? overlay_iden(o, ident_kind_name(p->claim[0].kind), p->claim[0].value)
		        : NULL;
		if ((n && !n->group) || (!n && iden && !iden->group))
			return p;
	}
	return NULL;
}

/* What a group was made of, by name: the things themselves go while it is made anew. */
struct seeds {
	struct ref *unit;
	struct reach_iden *iden;
	size_t unit_count, iden_count;
};

static void seeds_free(struct seeds *s)
{
	for (size_t i = 0; i < s->iden_count; i++)
		free(s->iden[i].value);
	free(s->iden);
	free(s->unit);
}

static bool seeds_of(const struct group *grp, struct seeds *s)
{
	*s = (struct seeds){.unit = memory_zeroed(grp->nodes.len + 1, sizeof *s->unit),
	                    .iden = memory_zeroed(grp->idens.len + 1, sizeof *s->iden)};
	if (!s->unit || !s->iden)
		return false;
	for (size_t i = 0; i < grp->nodes.len; i++) {
		const struct node *n = grp->nodes.at[i];
		if (n->pending.len)
			s->unit[s->unit_count++] = n->ref;
	}
	for (size_t i = 0; i < grp->idens.len; i++) {
		const struct iden *iden = grp->idens.at[i];
		struct reach_iden *r = &s->iden[s->iden_count];
		if (!iden->pending.len)
			continue;
		r->value = memory_text(iden->value);
		if (!r->value)
			return false;
		memcpy(r->kind, iden->kind, sizeof r->kind);
		s->iden_count++;
	}
	return true;
}

/* From one seed, unless it is part of a group made since. */
static int seed_make(struct overlay *o, const struct overlay_hq *hq, const struct group *old,
                     const struct overlay_list *pending, const struct group *now)
{
	struct gathered *g;
	if (!pending->len || (now && now != old))
		return 0;
	g = memory_alloc(sizeof *g);
	if (!g)
		return -1;
	const struct pending *p = pending->at[0];
	gather_begin(g, o, hq);
	g->renewed = old;
	gather_unit(g, &p->unit, p->customer_id);
	for (size_t i = 0; i < p->claim_count; i++)
		gather_iden(g, ident_kind_name(p->claim[i].kind), p->claim[i].value);
	return gather_and_make(o, g);
}

static int seeds_make(struct overlay *o, const struct overlay_hq *hq, const struct group *grp,
                      const struct seeds *s)
{
	const struct group *old = grp;
	size_t made = 0;
	int rc = 0;
	for (size_t i = 0; i < s->unit_count && rc == 0; i++) {
		const struct node *n = overlay_node(o, &s->unit[i]);
		if (!n || !n->pending.len)
			continue;
		rc = seed_make(o, hq, old, &n->pending, n->group);
		old = NULL; /* it is gone, and its address may be another's */
		made++;
	}
	for (size_t i = 0; i < s->iden_count && rc == 0; i++) {
		const struct iden *iden = overlay_iden(o, s->iden[i].kind, s->iden[i].value);
		if (!iden || !iden->pending.len)
			continue;
		rc = seed_make(o, hq, old, &iden->pending, iden->group);
		old = NULL;
		made++;
	}
	return rc < 0 ? -1 : made > 0;
}

int group_again(struct overlay *o, const struct overlay_hq *hq, struct group *grp)
{
	struct seeds s;
	int rc = seeds_of(grp, &s) ? seeds_make(o, hq, grp, &s) : -1;
	if (rc == 0)
		group_free(o, grp);
	seeds_free(&s);
	return rc < 0 ? -1 : 0;
}

/* ---- over time ---- */

void overlay_stale(struct overlay *o)
{
	for (struct group *grp = o->groups; grp; grp = grp->next)
		grp->stale = true;
}

static void stale_of(struct overlay *o, const struct pending *p)
{
	const struct ref *units[] = {&p->unit, &p->other};
	for (size_t i = 0; i < 2; i++) {
		struct node *n = overlay_node(o, units[i]);
		if (n && n->group)
			to_front(o, n->group);
	}
	for (size_t i = 0; i < p->claim_count; i++) {
		struct iden *iden =
		    overlay_iden(o, ident_kind_name(p->claim[i].kind), p->claim[i].value);
		if (iden && iden->group)
			to_front(o, iden->group);
	}
}

void overlay_held(struct overlay *o, const struct overlay_run *runs, size_t n)
{
	o->asks_held = true;
	for (size_t i = 0; i < o->pending.len; i++) {
		struct pending *p = o->pending.at[i];
		bool held = false;
		for (size_t k = 0; k < n && !held; k++)
			held = p->seq >= runs[k].first && p->seq <= runs[k].last &&
			       memcmp(p->epoch, runs[k].epoch, sizeof p->epoch) == 0;
		if (held != p->held)
			stale_of(o, p);
		p->held = held;
	}
}

void overlay_included(struct overlay *o, const uint8_t epoch[EVENT_EPOCH_BYTES], uint64_t first,
                      uint64_t last)
{
	for (size_t i = 0; i < o->pending.len; i++) {
		struct pending *p = o->pending.at[i];
		if (p->included || (o->asks_held && !p->held) || p->seq < first || p->seq > last ||
		    memcmp(p->epoch, epoch, sizeof p->epoch) != 0)
			continue;
		p->included = true;
		stale_of(o, p);
	}
}

int overlay_refresh(struct overlay *o, const struct overlay_hq *hq, int max)
{
	const struct pending *p = o->unmade ? unmade(o) : NULL;
	for (; p && max > 0; max--, p = unmade(o)) {
		if (group_make(o, hq, p) < 0)
			return -1;
	}
	o->unmade = p != NULL;
	for (; o->groups && o->groups->stale && max > 0; max--) {
		if (group_again(o, hq, o->groups) < 0)
			return -1;
	}
	return o->unmade || (o->groups && o->groups->stale);
}
