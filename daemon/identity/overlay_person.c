/* What is said of one person: facts, choices and the profile that a lane is told. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "identity/overlay_internal.h"

static bool is_of(const struct gathered *g, const struct ref *unit, size_t person)
{
	size_t at = overlay_fold_unit(g, unit);
	return at < g->unit_count && g->fold->person[at] == person;
}

static void add_fact(struct gathered *g, const struct field_fact *fact)
{
	struct field_fact *f =
	    gather_room(g, (void **)&g->fact, &g->fact_count, &g->fact_cap, sizeof *f);
	if (f)
		*f = *fact;
}

/* What HQ's line has already, though it does not say that it includes the event, is there once. */
static bool has_fact(const struct gathered *g, const struct field_fact *fact)
{
	for (size_t i = 0; i < g->fact_count; i++)
		if (ref_same(&g->fact[i].id, &fact->id))
			return true;
	return false;
}

static void add_facts(struct gathered *g, const struct field_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (!has_fact(g, &l->fact[i]))
			add_fact(g, &l->fact[i]);
}

/* Of a line whose units are not one person here, each has its own. */
static void add_line_facts(struct gathered *g, const struct overlay_known *l, size_t person)
{
	for (size_t i = 0; i < l->facts.count; i++) {
		const struct ref *unit = &l->facts.fact[i].unit;
		bool known = overlay_fold_unit(g, unit) < g->unit_count;
		if (is_of(g, known ? unit : &l->unit[0].ref, person))
			add_fact(g, &l->facts.fact[i]);
	}
}

/* What this store said is trusted as it is configured now, not as it was when it was said. */
static void trust_from(struct gathered *g, size_t first)
{
	for (size_t i = first; i < g->fact_count; i++)
		g->fact[i].trust = field_trust(g->o->trust, g->fact[i].field, g->fact[i].source);
}

static bool has_choice(const struct gathered *g, const struct ref *id)
{
	for (size_t i = 0; i < g->choice_count; i++)
		if (ref_same(&g->choice[i].id, id))
			return true;
	return false;
}

static void add_choices(struct gathered *g, const struct consent_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (has_choice(g, &l->choice[i].id))
			continue;
		struct consent_choice *c = gather_room(g, (void **)&g->choice, &g->choice_count,
		                                       &g->choice_cap, sizeof *c);
		if (c)
			*c = l->choice[i];
	}
}

void overlay_facts(struct gathered *g, size_t person)
{
	g->fact_count = 0;
	for (size_t l = 0; l < g->line_count; l++)
		add_line_facts(g, &g->line[l], person);
	for (size_t i = g->index.first[person]; i < g->pending.len; i = g->index.next[i]) {
		const struct pending *p = g->pending.at[i];
		size_t first = g->fact_count;
		add_facts(g, &p->facts);
		trust_from(g, first);
	}
}

/* A choice names the claim that it was given for; what it means is the identifier. */
static void identify(const struct gathered *g, struct ref *address)
{
	for (size_t i = 0; i < g->op_count; i++) {
		if (g->op[i].kind != FOLD_CLAIM || !ref_same(&g->op[i].id, address))
			continue;
		*address = g->op[i].right;
		return;
	}
}

/* Everybody's within reach: what another one said of an address that this one has too may bind
 * both, and who is meant is consent_evaluate's to tell. With a line that cannot be read a no may be
 * missing: then nothing counts. */
void overlay_choices(struct gathered *g)
{
	bool unreadable = false;
	g->choice_count = 0;
	for (size_t l = 0; l < g->line_count; l++) {
		unreadable = unreadable || g->line[l].choices_unreadable;
		add_choices(g, &g->line[l].choices);
	}
	for (size_t i = 0; i < g->pending.len; i++) {
		const struct pending *p = g->pending.at[i];
		if (!p->included)
			add_choices(g, &p->choices);
	}
	if (unreadable)
		g->choice_count = 0;
	for (size_t i = 0; i < g->choice_count; i++)
		identify(g, &g->choice[i].address);
}

/* ---- the profile ---- */

static void add_points(struct profile *p, int64_t points)
{
	int64_t sum;
	if (!__builtin_add_overflow(p->points, points, &sum))
		p->points = sum;
	p->has_points = true;
}

/* What HQ says of all that the line was, a part of it must heed, too. */
static void heed(struct profile *p, const struct profile *line)
{
	p->confidential |= line->confidential;
	p->restricted |= line->restricted;
}

/* Has this person some of the line's units and somebody else the others? */
static bool is_parted(const struct gathered *g, const struct overlay_known *l, size_t person,
                      bool *has)
{
	size_t n = 0;
	for (size_t u = 0; u < l->unit_count; u++)
		n += is_of(g, &l->unit[u].ref, person);
	*has = n > 0;
	return n > 0 && n < l->unit_count;
}

/* What the line shows is of all its units: of some of them only their own facts are. */
static void forget_plain(struct profile *p)
{
	p->first_name[0] = p->name[0] = p->language[0] = p->tier[0] = '\0';
}

/* A line has one figure of points: where its units are two persons here, nobody knows whose. */
static void hq_profile(const struct gathered *g, size_t person, struct group_person *out)
{
	bool parted = false, has;
	out->provisional = true;
	for (size_t l = 0; l < g->line_count; l++) {
		const struct profile *p = &g->line[l].profile;
		parted |= is_parted(g, &g->line[l], person, &has);
		if (!has)
			continue;
		heed(&out->profile, p);
		if (!is_of(g, &g->line[l].unit[0].ref, person))
			continue;
		if (out->provisional) {
			struct profile before = out->profile;
			out->profile = *p;
			heed(&out->profile, &before);
		} else if (p->has_points) {
			add_points(&out->profile, p->points);
		}
		out->provisional = false;
	}
	if (out->provisional)
		text_b64(g->unit[person].ref.byte, sizeof g->unit[person].ref.byte,
		         out->profile.customer_id);
	if (parted)
		forget_plain(&out->profile);
	out->points_unknown = parted;
}

/* Is it the person of one of HQ's lines, with all of its units and no other? */
static bool is_one_line(const struct gathered *g, size_t person)
{
	size_t units = 0, of_lines = 0, lines = 0;
	for (size_t u = 0; u < g->unit_count; u++)
		units += g->fold->person[u] == person;
	for (size_t l = 0; l < g->line_count; l++) {
		if (!is_of(g, &g->line[l].unit[0].ref, person))
			continue;
		of_lines += g->line[l].unit_count;
		lines++;
	}
	return lines == 1 && units == of_lines;
}

static bool said_here(const struct gathered *g, size_t person)
{
	for (size_t i = g->index.first[person]; i < g->pending.len; i = g->index.next[i]) {
		const struct pending *p = g->pending.at[i];
		if (p->facts.count)
			return true;
	}
	return false;
}

static void fields(struct gathered *g, struct profile *p)
{
	size_t win[FIELD_COUNT];
	const char *value[FIELD_COUNT];

	field_choose(g->fact, g->fact_count, win);
	for (size_t f = 0; f < FIELD_COUNT; f++)
		value[f] = win[f] < g->fact_count ? g->fact[win[f]].value : NULL;
	if (win[FIELD_FIRST_NAME] < g->fact_count)
		text_fit(p->first_name, sizeof p->first_name,
		         value[FIELD_FIRST_NAME] ? value[FIELD_FIRST_NAME] : "");
	if (value[FIELD_LANGUAGE])
		text_fit(p->language, sizeof p->language, value[FIELD_LANGUAGE]);
	if (value[FIELD_TIER])
		text_fit(p->tier, sizeof p->tier, value[FIELD_TIER]);
	if (win[FIELD_LAST_NAME] < g->fact_count || win[FIELD_NAME] < g->fact_count)
		field_whole_name(value, p->name, sizeof p->name);
}

void overlay_profile_of(struct gathered *g, size_t person, struct group_person *out)
{
	*out = (struct group_person){0};
	hq_profile(g, person, out);
	if (said_here(g, person) || !is_one_line(g, person)) {
		overlay_facts(g, person);
		fields(g, &out->profile);
	}
	for (size_t i = g->index.first[person]; i < g->pending.len; i = g->index.next[i]) {
		const struct pending *p = g->pending.at[i];
		if (p->kind == EVENT_POINTS_CHANGED)
			add_points(&out->profile, p->points);
	}
	if (out->points_unknown) {
		out->profile.has_points = false;
		out->profile.points = 0;
	}
}
