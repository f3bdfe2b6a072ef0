/* One person with all that is known of it, touched or not. */
#include <stdlib.h>
#include <string.h>

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
	out->unit = calloc(g->unit_count + 1, sizeof *out->unit);
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
	out->claim = calloc(g->op_count + 1, sizeof *out->claim);
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
	out->fact = malloc(g->fact_count * sizeof *out->fact + bytes + 1);
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
	    malloc(g->choice_count * sizeof *out->choice + covers * sizeof(struct ref) + 1);
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
	               copy_facts(g, person, out) && copy_choices(g, out)
	           ? 1
	           : -1;
}

int overlay_person(const struct overlay *o, const struct overlay_hq *hq, const char *kind,
                   const char *value, struct overlay_person *out)
{
	struct gathered *g = malloc(sizeof *g);
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
	free(p->fact);
	free(p->choice);
	*p = (struct overlay_person){0};
}
