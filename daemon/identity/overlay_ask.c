/* One person with all that is known of it, touched or not. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "identity/overlay_internal.h"

/* The person who was asked for, by its place in the fold; FOLD_NOBODY. */
static size_t asked(const struct gathered *g, const char *kind, const char *value)
{
	struct ref ref;
	for (size_t l = 0; l < g->line_count; l++) {
		const struct overlay_known *line = &g->line[l];
		if (!strcmp(kind, "customer_id") && !strcmp(line->profile.customer_id, value))
			return g->fold->person[overlay_fold_unit(g, &line->unit[0].ref)];
	}
	if (text_unb64(value, strlen(value), ref.byte, sizeof ref.byte) != (ssize_t)sizeof ref.byte)
		return FOLD_NOBODY;
	size_t unit = overlay_fold_unit(g, &ref);
	return unit < g->unit_count ? g->fold->person[unit] : FOLD_NOBODY;
}

static bool copy_units(const struct gathered *g, size_t person, struct overlay_person *out)
{
	out->unit = memory_zeroed(g->unit_count + 1, sizeof *out->unit);
	if (!out->unit)
		return false;
	out->unit[out->unit_count++] = g->unit[person].ref;
	for (size_t u = 0; u < g->unit_count; u++)
		if (u != person && g->fold->person[u] == person)
			out->unit[out->unit_count++] = g->unit[u].ref;
	return true;
}

static bool copy_claims(const struct gathered *g, size_t person, struct overlay_person *out)
{
	out->claim = memory_zeroed(g->op_count + 1, sizeof *out->claim);
	for (size_t i = 0; out->claim && i < g->op_count; i++) {
		const struct fold_op *op = &g->op[i];
		size_t unit;
		if (op->kind != FOLD_CLAIM || g->fold->verdict[i].fate != FOLD_HOLDS)
			continue;
		unit = overlay_fold_unit(g, &op->left);
		if (unit == g->unit_count || g->fold->person[unit] != person)
			continue;
		const struct reach_iden *r = &g->idens[overlay_iden_place(&op->right)];
		struct overlay_claim *c = &out->claim[out->claim_count++];
		*c = (struct overlay_claim){
		    .ref = op->id, .unit = op->left, .ident = op->right, .verified = op->verified};
		text_copy(c->kind, sizeof c->kind, r->kind);
		text_copy(c->value, sizeof c->value, r->value);
	}
	return out->claim != NULL;
}

/* ---- why they are one ---- */

static bool is_of(const struct gathered *g, const struct ref *unit, size_t person, uint32_t *number)
{
	size_t at = overlay_fold_unit(g, unit);
	if (at == g->unit_count || g->fold->person[at] != person)
		return false;
	*number = g->unit[at].number;
	return true;
}

static void add_match(const struct gathered *g, size_t person, struct overlay_match m,
                      struct overlay_person *out)
{
	if (!ref_same(&m.left, &m.right) && is_of(g, &m.left, person, &m.left_number) &&
	    is_of(g, &m.right, person, &m.right_number))
		out->match[out->match_count++] = m;
}

/* Has this store taken it back? HQ's own ones stand in front. */
static bool is_undone(const struct gathered *g, const struct ref *id)
{
	for (size_t i = 0; i < g->hq_op_count; i++)
		if (g->op[i].kind == FOLD_LINK && ref_same(&g->op[i].id, id))
			return g->fold->verdict[i].fate == FOLD_UNDONE;
	return false;
}

static void told_matches(const struct gathered *g, const json_t *list, size_t person,
                         struct overlay_person *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		const char *kind = json_string_value(json_object_get(o, "kind"));
		const char *rules = json_string_value(json_object_get(o, "rules"));
		struct overlay_match m = {.kind = kind ? ident_kind_of(kind) : IDENT_NONE};
		if (json_part_ref(json_object_get(o, "id"), &m.id) &&
		    json_part_ref(json_object_get(o, "left"), &m.left) &&
		    json_part_ref(json_object_get(o, "right"), &m.right) && !is_undone(g, &m.id)) {
			text_copy(m.rules, sizeof m.rules, rules ? rules : "");
			add_match(g, person, m, out);
		}
	}
}

/* What this store said, or what follows from it by the rules: also of two claims of HQ's, when
 * what made their units one was taken back here. */
static void own_matches(const struct gathered *g, size_t person, struct overlay_person *out)
{
	const struct fold *f = g->fold;
	for (size_t i = g->hq_op_count; i < g->op_count; i++) {
		const struct fold_op *op = &g->op[i];
		struct overlay_match m = {
		    .id = op->id, .left = op->left, .right = op->right, .pending = true};
		if (op->kind == FOLD_LINK && f->verdict[i].fate == FOLD_HOLDS)
			add_match(g, person, m, out);
	}
	for (size_t i = 0; i < f->join_count; i++) {
		const struct fold_join *j = &f->join[i];
		const struct fold_op *a = &g->op[j->claim[0]], *b = &g->op[j->claim[1]];
		struct overlay_match m = {.id = j->id,
		                          .left = a->left,
		                          .right = b->left,
		                          .kind = b->ident,
		                          .pending = true};
		if (j->verdict.fate == FOLD_HOLDS)
			add_match(g, person, m, out);
	}
}

static bool copy_matches(const struct gathered *g, size_t person, struct overlay_person *out)
{
	size_t most = g->op_count + g->fold->join_count;
	for (size_t l = 0; l < g->line_count; l++)
		most += json_array_size(json_object_get(g->line[l].json, "matches"));
	out->match = memory_zeroed(most + 1, sizeof *out->match);
	for (size_t l = 0; out->match && l < g->line_count; l++)
		told_matches(g, json_object_get(g->line[l].json, "matches"), person, out);
	if (out->match)
		own_matches(g, person, out);
	return out->match != NULL;
}

static const char *text(const char *value)
{
	return value ? value : "";
}

/* Texts go behind the facts, covers behind the choices. */
static bool copy_facts(struct gathered *g, size_t person, struct overlay_person *out)
{
	size_t bytes = 0;
	overlay_facts(g, person);
	for (size_t i = 0; i < g->fact_count; i++)
		bytes += strlen(text(g->fact[i].value)) + strlen(g->fact[i].source) + 2;
	out->fact = memory_alloc(g->fact_count * sizeof *out->fact + bytes + 1);
	if (!out->fact || g->failed)
		return false;
	char *at = (char *)(out->fact + g->fact_count);
	for (size_t i = 0; i < g->fact_count; i++) {
		struct field_fact *f = &out->fact[out->fact_count++];
		*f = g->fact[i];
		f->value = strcpy(at, text(g->fact[i].value));
		at += strlen(at) + 1;
		f->source = strcpy(at, g->fact[i].source);
		at += strlen(at) + 1;
	}
	return true;
}

static bool copy_choices(struct gathered *g, struct overlay_person *out)
{
	size_t covers = 0;
	overlay_choices(g);
	for (size_t i = 0; i < g->choice_count; i++)
		covers += g->choice[i].cover_count;
	out->choice =
	    memory_alloc(g->choice_count * sizeof *out->choice + covers * sizeof(struct ref) + 1);
	if (!out->choice || g->failed)
		return false;
	struct ref *at = (struct ref *)(out->choice + g->choice_count);
	for (size_t i = 0; i < g->choice_count; i++) {
		struct consent_choice *c = &out->choice[out->choice_count++];
		*c = g->choice[i];
		if (c->cover_count)
			memcpy(at, c->covers, c->cover_count * sizeof *at);
		c->covers = at;
		at += c->cover_count;
	}
	return true;
}

/* What its points are made of. */
static bool copy_sums(const struct gathered *g, size_t person, struct overlay_person *out)
{
	uint32_t number;

	out->source = memory_zeroed(g->line_count + 1, sizeof *out->source);
	out->entry = memory_zeroed(g->pending.len + 1, sizeof *out->entry);
	if (!out->source || !out->entry)
		return false;
	for (size_t l = 0; l < g->line_count; l++) {
		const struct profile *p = &g->line[l].profile;
		struct overlay_source *s = &out->source[out->source_count];
		if (!is_of(g, &g->line[l].unit[0].ref, person, &number))
			continue;
		*s = (struct overlay_source){
		    .version = p->version, .has_points = p->has_points, .points = p->points};
		text_copy(s->customer_id, sizeof s->customer_id, p->customer_id);
		text_copy(s->points_as_of, sizeof s->points_as_of, p->points_as_of);
		out->source_count++;
	}
	for (size_t i = g->index.first[person]; i < g->pending.len; i = g->index.next[i]) {
		const struct pending *p = g->pending.at[i];
		if (p->kind == EVENT_POINTS_CHANGED)
			out->entry[out->entry_count++] = (struct overlay_entry){p->id, p->points};
	}
	return true;
}

static int answer(struct gathered *g, const char *kind, const char *value,
                  struct overlay_person *out)
{
	struct group_person who;
	size_t person;
	gather_all(g);
	if (!overlay_fold(g))
		return -1;
	person = asked(g, kind, value);
	if (person == FOLD_NOBODY)
		return 0;
	overlay_profile_of(g, person, &who);
	out->profile = who.profile;
	out->provisional = who.provisional;
	for (size_t i = 0; i < g->pending.len && !out->touched; i++)
		out->touched = !((const struct pending *)g->pending.at[i])->included;
	return copy_units(g, person, out) && copy_claims(g, person, out) &&
	               copy_matches(g, person, out) && copy_facts(g, person, out) &&
	               copy_choices(g, out) && copy_sums(g, person, out) &&
	               overlay_pairs_of(g, person, out) && overlay_likely_of(g, person, out)
	           ? 1
	           : -1;
}

int overlay_person(const struct overlay *o, const struct overlay_hq *hq, const char *kind,
                   const char *value, struct overlay_person *out)
{
	struct gathered *g = memory_alloc(sizeof *g);
	struct ref ref;
	int rc;
	*out = (struct overlay_person){0};
	if (!g)
		return -1;
	gather_begin(g, o, hq);
	gather_hq(g, kind, value, true);
	if (text_unb64(value, strlen(value), ref.byte, sizeof ref.byte) == (ssize_t)sizeof ref.byte)
		gather_unit(g, &ref, "");
	rc = answer(g, kind, value, out);
	if (rc != 1)
		overlay_person_free(out);
	gather_free(g);
	free(g);
	return rc;
}

void overlay_person_free(struct overlay_person *p)
{
	free(p->unit);
	free(p->claim);
	free(p->match);
	free(p->fact);
	free(p->choice);
	free(p->pair);
	free(p->likely);
	free(p->source);
	free(p->entry);
	*p = (struct overlay_person){0};
}
