/* What is within reach of a pending event: units, identifiers, and HQ's persons who have them.
 *
 * HQ's own word on who is one person stands, so its persons are followed only where something
 * pending bears on them: through a unit that it names, or an identifier that it claims. Of the
 * others on such a person's identifiers it is enough to know that they are there. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "identity/overlay_internal.h"

#define REACH_MAX 1024 /* identifiers of one group */

void *gather_room(struct gathered *g, void **array, size_t *len, size_t *cap, size_t size)
{
	if (*len == *cap) {
		size_t want = *cap ? *cap * 2 : 16;
		void *grown = memory_more(*array, want * size);
		if (!grown) {
			g->failed = true;
			return NULL;
		}
		*array = grown;
		*cap = want;
	}
	return (char *)*array + (*len)++ * size;
}

void gather_begin(struct gathered *g, const struct overlay *o, const struct overlay_hq *hq)
{
	*g = (struct gathered){.o = o, .hq = hq};
}

void gather_unit(struct gathered *g, const struct ref *ref, const char *customer_id)
{
	struct reach_unit *u;
	if (ref_none(ref))
		return;
	for (size_t i = 0; g->units && i < g->reach_units; i++) {
		u = &g->units[i];
		if (!ref_same(&u->ref, ref))
			continue;
		/* A choice names a unit alone, a correction says whose it is. */
		if (!u->customer_id[0])
			text_copy(u->customer_id, sizeof u->customer_id, customer_id);
		return;
	}
	if (g->reach_units >= FOLD_UNITS_MAX) {
		g->over = true;
		return;
	}
	u = gather_room(g, (void **)&g->units, &g->reach_units, &g->units_cap, sizeof *u);
	if (!u)
		return;
	*u = (struct reach_unit){.ref = *ref};
	text_copy(u->customer_id, sizeof u->customer_id, customer_id);
}

size_t gather_iden(struct gathered *g, const char *kind, const char *value)
{
	struct reach_iden *r;
	for (size_t i = 0; g->idens && i < g->reach_idens; i++)
		if (!strcmp(g->idens[i].kind, kind) && !strcmp(g->idens[i].value, value))
			return i;
	if (g->reach_idens >= REACH_MAX) {
		g->over = true;
		return SIZE_MAX;
	}
	r = gather_room(g, (void **)&g->idens, &g->reach_idens, &g->idens_cap, sizeof *r);
	if (!r)
		return SIZE_MAX;
	*r = (struct reach_iden){.value = memory_text(value)};
	if (!r->value || !text_copy(r->kind, sizeof r->kind, kind)) {
		free(r->value);
		g->reach_idens--;
		g->failed = true;
		return SIZE_MAX;
	}
	return g->reach_idens - 1;
}

/* ---- HQ's persons ---- */

static struct overlay_known *line_of(struct gathered *g, const char *customer_id)
{
	for (size_t i = 0; i < g->line_count; i++)
		if (!strcmp(g->line[i].profile.customer_id, customer_id))
			return &g->line[i];
	return NULL;
}

/* Its other identifiers and units are in reach. */
static void line_whole(struct gathered *g, struct overlay_known *l)
{
	if (l->whole)
		return;
	l->whole = true;
	for (size_t i = 0; i < l->unit_count; i++)
		gather_unit(g, &l->unit[i].ref, l->profile.customer_id);
	for (size_t i = 0; i < l->claim_count; i++)
		if (l->claim[i].kind != IDENT_NONE)
			gather_iden(g, l->claim[i].kind_name, l->claim[i].value);
}

static bool line_touched(const struct gathered *g, const struct overlay_known *l)
{
	for (size_t i = 0; i < l->unit_count; i++) {
		const struct node *n = overlay_node(g->o, &l->unit[i].ref);
		if (n && n->pending.len)
			return true;
	}
	return false;
}

static void on_line(void *ctx, const struct profile *p, const char *line, size_t len)
{
	struct gathered *g = ctx;
	struct overlay_known *l = line_of(g, p->customer_id);
	if (!l && g->line_count == OVERLAY_LINES_MAX) {
		g->over = true;
		return;
	}
	if (!l) {
		l = &g->line[g->line_count];
		if (overlay_known_read(l, p, line, len) < 0) {
			g->failed = true;
			return;
		}
		g->line_count++;
	}
	if (g->whole || line_touched(g, l))
		line_whole(g, l);
}

void gather_hq(struct gathered *g, const char *kind, const char *value, bool whole)
{
	g->whole = whole;
	if (g->hq->lines(g->hq->ctx, kind, value, on_line, g) < 0)
		g->failed = true;
}

/* ---- following ---- */

static void take_pending(struct gathered *g, struct pending *p)
{
	if (p->gathered)
		return;
	if (!overlay_list_push(&g->pending, p)) {
		g->failed = true;
		return;
	}
	p->gathered = true;
	gather_unit(g, &p->unit, p->customer_id);
	gather_unit(g, &p->other, "");
	for (size_t i = 0; i < p->claim_count; i++)
		gather_iden(g, ident_kind_name(p->claim[i].kind), p->claim[i].value);
}

/* What was one group with this stays in reach: it is made anew with it. */
static void take_group(struct gathered *g, struct group *grp)
{
	if (!grp || overlay_list_has(&g->groups, grp))
		return;
	if (!overlay_list_push(&g->groups, grp))
		g->failed = true;
	if (grp == g->renewed)
		return;
	for (size_t i = 0; i < grp->nodes.len; i++) {
		const struct node *n = grp->nodes.at[i];
		if (n->pending.len)
			gather_unit(g, &n->ref, n->customer_id);
	}
	for (size_t i = 0; i < grp->idens.len; i++) {
		const struct iden *iden = grp->idens.at[i];
		if (iden->pending.len)
			gather_iden(g, iden->kind, iden->value);
	}
}

static void follow_unit(struct gathered *g, size_t place)
{
	char name[EVENT_ID_SIZE];
	struct reach_unit u = g->units[place];
	const struct node *n = overlay_node(g->o, &u.ref);
	bool here = false;
	for (size_t i = 0; n && i < n->pending.len; i++)
		take_pending(g, n->pending.at[i]);
	if (n)
		take_group(g, n->group);
	u = g->units[place]; /* what is pending may have said more of it */
	for (size_t i = 0; i < g->line_count && !here; i++)
		here = overlay_known_unit(&g->line[i], &u.ref) < g->line[i].unit_count;
	if (here)
		return;
	text_b64(u.ref.byte, sizeof u.ref.byte, name);
	gather_hq(g, "unit", name, true);
	if (u.customer_id[0])
		gather_hq(g, "customer_id", u.customer_id, true);
}

static void follow_iden(struct gathered *g, size_t at)
{
	const char *value = g->idens[at].value;
	char kind[17];
	text_copy(kind, sizeof kind, g->idens[at].kind);
	const struct iden *iden = overlay_iden(g->o, kind, value);
	for (size_t i = 0; iden && i < iden->pending.len; i++)
		take_pending(g, iden->pending.at[i]);
	if (iden)
		take_group(g, iden->group);
	gather_hq(g, kind, value, iden && iden->pending.len);
}

static int by_order(const void *a, const void *b)
{
	const struct pending *p = *(struct pending *const *)a, *q = *(struct pending *const *)b;
	if (p->ordinal != q->ordinal)
		return p->ordinal < q->ordinal ? -1 : 1;
	return p->seq < q->seq ? -1 : p->seq > q->seq;
}

void gather_all(struct gathered *g)
{
	size_t units = 0, idens = 0;
	while (!g->failed && (units < g->reach_units || idens < g->reach_idens)) {
		if (units < g->reach_units)
			follow_unit(g, units++);
		else
			follow_iden(g, idens++);
	}
	g->followed = idens;
	for (size_t i = 0; i < g->pending.len; i++)
		((struct pending *)g->pending.at[i])->gathered = false;
	if (g->pending.len)
		qsort(g->pending.at, g->pending.len, sizeof *g->pending.at, by_order);
}

void gather_free(struct gathered *g)
{
	for (size_t i = 0; i < g->line_count; i++)
		overlay_known_free(&g->line[i]);
	for (size_t i = 0; i < g->reach_idens; i++)
		free(g->idens[i].value);
	overlay_list_free(&g->pending);
	overlay_list_free(&g->groups);
	free(g->units);
	free(g->idens);
	free(g->unit);
	free(g->op);
	free(g->fact);
	free(g->choice);
	fold_free(g->fold);
	overlay_index_free(&g->index);
}
