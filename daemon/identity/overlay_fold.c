/* Who is one person, out of HQ's word and what is pending. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "identity/overlay_internal.h"

/* An identifier's reference within one run: its place. */
static void iden_ref(size_t place, struct ref *out)
{
	*out = (struct ref){0};
	for (size_t i = 0; i < 4; i++)
		out->byte[i] = (uint8_t)((place + 1) >> (8 * (3 - i)));
}

size_t overlay_iden_place(const struct ref *iden)
{
	size_t n = 0;
	for (size_t i = 0; i < 4; i++)
		n = n << 8 | iden->byte[i];
	return n - 1;
}

/* A reference that is nobody else's in this run. */
static void own_ref(uint8_t what, size_t a, size_t b, struct ref *out)
{
	*out = (struct ref){.byte = {0, 0, 0, 0, what}};
	for (size_t i = 0; i < 4; i++) {
		out->byte[8 + i] = (uint8_t)(a >> (8 * i));
		out->byte[12 + i] = (uint8_t)(b >> (8 * i));
	}
}

/* ---- whose units are whose ---- */

static bool named_later(const struct gathered *g, size_t line, const struct ref *unit)
{
	for (size_t k = 0; k < g->line_count; k++)
		if (k != line && g->line[k].profile.version > g->line[line].profile.version &&
		    overlay_known_unit(&g->line[k], unit) < g->line[k].unit_count)
			return true;
	return false;
}

/* Between two pages of one change a unit stands on the line that has it and on the one that had it.
 */
static void part_lines(struct gathered *g)
{
	for (size_t l = 0; l < g->line_count; l++)
		for (size_t u = g->line[l].unit_count; u-- > 0;)
			if (named_later(g, l, &g->line[l].unit[u].ref))
				overlay_known_drop(&g->line[l], u);
	for (size_t l = g->line_count; l-- > 0;) {
		if (g->line[l].unit_count)
			continue;
		overlay_known_free(&g->line[l]);
		g->line[l] = g->line[--g->line_count];
	}
}

/* ---- what HQ includes already ---- */

/* A correction of a customer of whom HQ told no units then: it is about the one that HQ tells now.
 */
static void name_about(struct gathered *g)
{
	for (size_t i = 0; i < g->pending.len; i++) {
		struct pending *p = g->pending.at[i];
		p->about = p->unit;
		for (size_t l = 0; l < g->line_count && p->customer_id[0]; l++) {
			const struct overlay_known *line = &g->line[l];
			if (!strcmp(line->profile.customer_id, p->customer_id) &&
			    overlay_known_unit(line, &p->unit) == line->unit_count)
				p->about = line->unit[0].ref;
		}
	}
}

static void mark_included(struct gathered *g)
{
	for (size_t i = 0; i < g->pending.len; i++) {
		struct pending *p = g->pending.at[i];
		if (g->o->asks_held && !p->held)
			continue;
		for (size_t l = 0; l < g->line_count && !p->included; l++)
			p->included =
			    overlay_known_unit(&g->line[l], &p->about) < g->line[l].unit_count &&
			    overlay_known_includes(&g->line[l], p->epoch, p->seq);
	}
}

/* ---- units ---- */

static struct fold_made made_by(const struct pending *p)
{
	return (struct fold_made){p->store, p->from_us, p->to_us};
}

static void add_units(struct gathered *g)
{
	for (size_t l = 0; l < g->line_count; l++)
		for (size_t i = 0; i < g->line[l].unit_count; i++)
			overlay_index_unit(g, &g->line[l].unit[i]);
	for (size_t i = 0; i < g->pending.len; i++) {
		const struct pending *p = g->pending.at[i];
		if (p->kind == EVENT_CUSTOMER_ENROLLED && !p->included)
			overlay_index_unit(g,
			                   &(struct fold_unit){.ref = p->unit, .made = made_by(p)});
	}
}

/* Where and when it was made is also where and when its identifiers were corrected. */
static void made_also(struct gathered *g)
{
	for (size_t i = 0; i < g->pending.len; i++) {
		const struct pending *p = g->pending.at[i];
		size_t at = p->included ? g->unit_count : overlay_fold_unit(g, &p->about);
		struct fold_made made = made_by(p);
		if (at < g->unit_count && p->kind == EVENT_CUSTOMER_CORRECTED && p->claim_count)
			fold_made_also(&g->unit[at].made, &made);
	}
}

/* ---- operations ---- */

static void add_op(struct gathered *g, const struct fold_op *op)
{
	struct fold_op *at = gather_room(g, (void **)&g->op, &g->op_count, &g->op_cap, sizeof *at);
	if (at)
		*at = *op;
}

/* By the names that HQ gives for it, which this store may take back; where it gives none it is so.
 */
static void hq_mark(struct gathered *g, const struct hq_claim *c, size_t place)
{
	struct fold_op op = {.kind = c->blocked ? FOLD_BLOCK : FOLD_SHARE};
	size_t named = 0;
	iden_ref(place, &op.left);
	for (size_t i = 0; i < json_array_size(c->by); i++) {
		if (!json_part_ref(json_array_get(c->by, i), &op.id))
			continue;
		add_op(g, &op);
		named++;
	}
	if (named)
		return;
	own_ref(c->blocked ? 2 : 3, place, 0, &op.id);
	add_op(g, &op);
}

static void hq_claim(struct gathered *g, const struct overlay_known *l, const struct hq_claim *c)
{
	struct fold_op op = {.kind = FOLD_CLAIM,
	                     .id = c->ref,
	                     .left = l->unit[c->unit].ref,
	                     .ident = c->kind,
	                     .verified = c->verified};
	size_t place = gather_iden(g, c->kind_name, c->value);
	if (c->kind == IDENT_NONE || place >= g->reach_idens)
		return;
	iden_ref(place, &op.right);
	add_op(g, &op);
	if (c->shared || c->blocked)
		hq_mark(g, c, place);
}

/* The first unit's part of those that HQ's reasons connect; `to` is of the line's units. */
static size_t part_of(const uint8_t *to, size_t unit)
{
	while (to[unit] != unit)
		unit = to[unit];
	return unit;
}

/* Why HQ takes them for one, each by its name: taking one back parts them here, too. */
static void hq_matches(struct gathered *g, const struct overlay_known *l, uint8_t *to)
{
	const json_t *list = json_object_get(l->json, "matches");
	struct fold_op op = {.kind = FOLD_LINK, .by_person = true};
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		if (!json_part_ref(json_object_get(o, "id"), &op.id) ||
		    !json_part_ref(json_object_get(o, "left"), &op.left) ||
		    !json_part_ref(json_object_get(o, "right"), &op.right))
			continue;
		size_t left = overlay_known_unit(l, &op.left),
		       right = overlay_known_unit(l, &op.right);
		if (left == l->unit_count || right == l->unit_count)
			continue;
		to[part_of(to, right)] = (uint8_t)part_of(to, left);
		add_op(g, &op);
	}
}

/* HQ's units of one person: by HQ's reasons, and where those say too little because HQ says so. */
static void hq_links(struct gathered *g, size_t line)
{
	const struct overlay_known *l = &g->line[line];
	uint8_t to[OVERLAY_UNITS_MAX];
	struct fold_op op = {.kind = FOLD_LINK, .left = l->unit[0].ref, .by_person = true};
	for (size_t i = 0; i < l->unit_count; i++)
		to[i] = (uint8_t)i;
	hq_matches(g, l, to);
	for (size_t i = 1; i < l->unit_count; i++) {
		if (part_of(to, i) == part_of(to, 0))
			continue;
		to[part_of(to, i)] = (uint8_t)part_of(to, 0);
		op.right = l->unit[i].ref;
		own_ref(1, line, i, &op.id);
		add_op(g, &op);
	}
}

/* HQ's persons are one as HQ says, and no rule of ours makes one of two of them. */
static void hq_ops(struct gathered *g)
{
	struct fold_op op = {.kind = FOLD_APART};
	for (size_t l = 0; l < g->line_count; l++) {
		hq_links(g, l);
		for (size_t k = 0; k < l; k++) {
			op.left = g->line[k].unit[0].ref;
			op.right = g->line[l].unit[0].ref;
			own_ref(4, k, l, &op.id);
			add_op(g, &op);
		}
	}
	for (size_t l = 0; l < g->line_count; l++)
		for (size_t i = 0; i < g->line[l].claim_count; i++)
			hq_claim(g, &g->line[l], &g->line[l].claim[i]);
}

static void claims_of(struct gathered *g, const struct pending *p)
{
	struct fold_op op = {0};
	for (size_t i = 0; i < p->claim_count; i++) {
		const struct pending_claim *c = &p->claim[i];
		size_t place = gather_iden(g, ident_kind_name(c->kind), c->value);
		op = (struct fold_op){.kind = FOLD_CLAIM,
		                      .id = c->ref,
		                      .left = p->unit,
		                      .ident = c->kind,
		                      .verified = c->verified};
		iden_ref(place, &op.right);
		if (place < g->reach_idens)
			add_op(g, &op);
	}
	for (size_t i = 0; i < p->drop_count; i++) {
		op = (struct fold_op){.kind = FOLD_UNDO, .id = p->id, .left = p->drop[i]};
		op.id.byte[0] ^= (uint8_t)(i + 1);
		add_op(g, &op);
	}
}

static void link_of(struct gathered *g, const struct pending *p)
{
	struct fold_op op = {.kind = FOLD_LINK,
	                     .id = p->id,
	                     .left = p->unit,
	                     .right = p->other,
	                     .by_person = p->by_person};
	if (p->proposed)
		return;
	if (p->apart) {
		op.kind = FOLD_APART;
	} else if (p->kind == EVENT_IDENTITY_UNLINKED) {
		op = (struct fold_op){.kind = FOLD_UNDO, .left = p->id};
		own_ref(5, (size_t)p->seq, (size_t)p->ordinal, &op.id);
	}
	add_op(g, &op);
}

/* A block that is not HQ's yet. */
static bool is_pending_block(const struct gathered *g, const struct ref *id)
{
	for (size_t i = 0; i < g->pending.len; i++) {
		const struct pending *p = g->pending.at[i];
		if (p->kind == EVENT_IDENTIFIER_BLOCKED && !p->included && ref_same(&p->id, id))
			return true;
	}
	return false;
}

static void block_of(struct gathered *g, const struct pending *p)
{
	size_t place = gather_iden(g, ident_kind_name(p->claim[0].kind), p->claim[0].value);
	struct fold_op op = {.kind = p->share ? FOLD_SHARE : FOLD_BLOCK, .id = p->id};
	iden_ref(place, &op.left);
	if (p->nameless && !is_pending_block(g, &p->id))
		return;
	if (p->kind == EVENT_IDENTIFIER_UNBLOCKED) {
		op = (struct fold_op){.kind = FOLD_UNDO, .left = p->id};
		own_ref(6, (size_t)p->seq, (size_t)p->ordinal, &op.id);
	}
	if (place < g->reach_idens)
		add_op(g, &op);
}

static void pending_ops(struct gathered *g)
{
	for (size_t i = 0; i < g->pending.len; i++) {
		const struct pending *p = g->pending.at[i];
		if (p->included)
			continue;
		switch (p->kind) {
		case EVENT_CUSTOMER_ENROLLED:
		case EVENT_CUSTOMER_CORRECTED:
			claims_of(g, p);
			break;
		case EVENT_IDENTITY_LINKED:
		case EVENT_IDENTITY_UNLINKED:
			link_of(g, p);
			break;
		case EVENT_IDENTIFIER_BLOCKED:
		case EVENT_IDENTIFIER_UNBLOCKED:
			block_of(g, p);
			break;
		default:
			break;
		}
	}
}

static int by_number(const void *a, const void *b)
{
	const struct overlay_known *x = a, *y = b;
	if (x->unit[0].number != y->unit[0].number)
		return x->unit[0].number < y->unit[0].number ? -1 : 1;
	return strcmp(x->profile.customer_id, y->profile.customer_id);
}

bool overlay_fold(struct gathered *g)
{
	if (g->failed)
		return false;
	part_lines(g);
	qsort(g->line, g->line_count, sizeof *g->line, by_number);
	name_about(g);
	mark_included(g);
	add_units(g);
	made_also(g);
	overlay_describe(g);
	hq_ops(g);
	g->hq_op_count = g->op_count;
	pending_ops(g);
	if (g->failed)
		return false;
	const struct fold_input in = {.rules = g->o->rules,
	                              .unit = g->unit,
	                              .unit_count = g->unit_count,
	                              .op = g->op,
	                              .op_count = g->op_count};
	g->fold = fold_run(&in);
	return g->fold && overlay_index_persons(g);
}
