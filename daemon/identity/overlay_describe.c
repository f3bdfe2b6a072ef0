/* What units say of themselves, for conflicts: their own names, as field_choose chooses among HQ's
 * facts and what is pending. Never a birth date: none is said in a store, so none of HQ's could
 * differ from it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "identity/overlay_internal.h"

enum { SAYS_FIRST, SAYS_LAST, SAYS_COUNT };

/* The winner of each so far; trust 0: none. */
struct said {
	struct field_fact fact[SAYS_COUNT];
};

static void consider(struct said *s, const struct field_fact *f, int trust)
{
	struct field_fact fact = *f, *at;
	if (f->field != FIELD_FIRST_NAME && f->field != FIELD_LAST_NAME)
		return;
	at = &s->fact[f->field == FIELD_FIRST_NAME ? SAYS_FIRST : SAYS_LAST];
	fact.trust = trust;
	if (trust > 0 && (!at->trust || field_wins(&fact, at)))
		*at = fact;
}

static void hear_line(const struct gathered *g, const struct overlay_known *l, struct said *said)
{
	for (size_t i = 0; i < l->facts.count; i++) {
		size_t at = overlay_fold_unit(g, &l->facts.fact[i].unit);
		if (at < g->unit_count)
			consider(&said[at], &l->facts.fact[i], l->facts.fact[i].trust);
	}
}

static void hear_pending(const struct gathered *g, const struct pending *p, struct said *said)
{
	size_t at = p->included ? g->unit_count : overlay_fold_unit(g, &p->about);
	for (size_t i = 0; at < g->unit_count && i < p->facts.count; i++) {
		const struct field_fact *f = &p->facts.fact[i];
		consider(&said[at], f, field_trust(g->o->trust, f->field, f->source));
	}
}

static void name_unit(struct fold_unit *u, const struct said *s)
{
	const char *first = s->fact[SAYS_FIRST].value, *last = s->fact[SAYS_LAST].value;
	if (first)
		field_compare_form(first, u->first_name, sizeof u->first_name);
	if (last)
		field_compare_form(last, u->last_name, sizeof u->last_name);
}

void overlay_describe(struct gathered *g)
{
	struct said *said = memory_zeroed(g->unit_count + 1, sizeof *said);
	if (!said) {
		g->failed = true;
		return;
	}
	for (size_t l = 0; l < g->line_count; l++)
		hear_line(g, &g->line[l], said);
	for (size_t i = 0; i < g->pending.len; i++)
		hear_pending(g, g->pending.at[i], said);
	for (size_t u = 0; u < g->unit_count; u++)
		name_unit(&g->unit[u], &said[u]);
	free(said);
}
