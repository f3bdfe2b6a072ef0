/* Of whom somebody has said what they are to each other: the same, or not; whom HQ holds to be the
 * same; and who was enrolled here lately. What a hint must not repeat, and where it looks. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "identity/overlay_internal.h"

static bool tells_pair(const struct pending *p)
{
	return p->apart || p->proposed;
}

static bool of_person(const struct gathered *g, size_t person, const struct ref *unit)
{
	size_t at = overlay_fold_unit(g, unit);

	return at < g->unit_count && g->fold->person[at] == person;
}

static bool add(struct overlay_person *out, size_t *cap, const struct overlay_pair *pair)
{
	if (out->pair_count == *cap) {
		size_t want = *cap ? *cap * 2 : 8;
		struct overlay_pair *grown = memory_more(out->pair, want * sizeof *grown);
		if (!grown)
			return false;
		out->pair = grown;
		*cap = want;
	}
	out->pair[out->pair_count++] = *pair;
	return true;
}

/* Both ends may be the person's by now: then there is nobody else to tell of. */
static bool add_pending(const struct gathered *g, size_t person, const struct pending *p,
                        struct overlay_person *out, size_t *cap)
{
	bool left = of_person(g, person, &p->unit), right = of_person(g, person, &p->other);
	const struct overlay_pair pair = {.unit = left ? p->unit : p->other,
	                                  .other = left ? p->other : p->unit,
	                                  .apart = p->apart};

	return left == right || add(out, cap, &pair);
}

bool overlay_pairs_of(const struct gathered *g, size_t person, struct overlay_person *out)
{
	struct overlay_pair pair;
	size_t cap = 0;

	for (size_t i = 0; i < g->pending.len; i++) {
		const struct pending *p = g->pending.at[i];
		if (tells_pair(p) && !add_pending(g, person, p, out, &cap))
			return false;
	}
	for (size_t l = 0; l < g->line_count; l++)
		for (size_t n = 0; overlay_known_pair(&g->line[l], n, &pair); n++)
			if (of_person(g, person, &pair.unit) && !add(out, &cap, &pair))
				return false;
	return true;
}

/* ---- what HQ suggests ---- */

static size_t likely_most(const struct gathered *g)
{
	size_t n = 0;

	for (size_t l = 0; l < g->line_count; l++)
		n += json_array_size(json_object_get(g->line[l].json, "likely"));
	return n;
}

/* Who is one person here by now is nobody to suggest. */
bool overlay_likely_of(const struct gathered *g, size_t person, struct overlay_person *out)
{
	struct overlay_likely one;
	size_t most = likely_most(g);
	int rc;

	if (!most)
		return true;
	out->likely = memory_zeroed(most, sizeof *out->likely);
	for (size_t l = 0; out->likely && l < g->line_count; l++)
		for (size_t n = 0; (rc = overlay_known_likely(&g->line[l], n, &one)) != 0; n++)
			if (rc > 0 && of_person(g, person, &one.unit) &&
			    !of_person(g, person, &one.other))
				out->likely[out->likely_count++] = one;
	return out->likely != NULL;
}

/* ---- who was enrolled here ---- */

static const char *fact_of(const struct pending *p, enum field f)
{
	for (size_t i = 0; i < p->facts.count; i++)
		if (p->facts.fact[i].field == f)
			return p->facts.fact[i].value;
	return NULL;
}

static const char *claim_of(const struct pending *p, enum ident_kind kind)
{
	for (size_t i = 0; i < p->claim_count; i++)
		if (p->claim[i].kind == kind)
			return p->claim[i].value;
	return NULL;
}

void overlay_typed(const struct overlay *o, size_t max, overlay_typed_fn *fn, void *ctx)
{
	for (size_t i = o->pending.len; i > 0 && max > 0; i--) {
		const struct pending *p = o->pending.at[i - 1];
		if (p->kind != EVENT_CUSTOMER_ENROLLED)
			continue;
		const struct overlay_typed e = {.unit = &p->unit,
		                                .first_name = fact_of(p, FIELD_FIRST_NAME),
		                                .last_name = fact_of(p, FIELD_LAST_NAME),
		                                .phone = claim_of(p, IDENT_PHONE),
		                                .email = claim_of(p, IDENT_EMAIL)};
		max--;
		if (!fn(ctx, &e))
			return;
	}
}
