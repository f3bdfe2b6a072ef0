/* Where something stands in what was gathered, so that a number which hundreds have been enrolled
 * with costs as much for each of them as any other. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "identity/overlay_internal.h"

#define SLOTS_MIN 64

/* References are random; those that are made up are not. */
static size_t slot_of(const struct overlay_index *x, const struct ref *ref)
{
	uint64_t high, low;

	memcpy(&high, ref->byte, sizeof high);
	memcpy(&low, ref->byte + sizeof high, sizeof low);
	high = (high ^ low * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
	return (size_t)(high >> 32) & (x->slots - 1);
}

static size_t probe(const struct gathered *g, const struct ref *ref)
{
	const struct overlay_index *x = &g->index;
	size_t at = slot_of(x, ref);

	while (x->slot[at] && !ref_same(&g->unit[x->slot[at] - 1].ref, ref))
		at = (at + 1) & (x->slots - 1);
	return at;
}

size_t overlay_fold_unit(const struct gathered *g, const struct ref *ref)
{
	size_t at = g->index.slots ? probe(g, ref) : 0;

	return g->index.slots && g->index.slot[at] ? g->index.slot[at] - 1 : g->unit_count;
}

static bool grow(struct gathered *g)
{
	struct overlay_index *x = &g->index;
	size_t slots = x->slots ? 2 * x->slots : SLOTS_MIN;
	size_t *slot = memory_zeroed(slots, sizeof *slot);

	if (!slot)
		return false;
	free(x->slot);
	x->slot = slot;
	x->slots = slots;
	for (size_t u = 0; u < g->unit_count; u++)
		x->slot[probe(g, &g->unit[u].ref)] = u + 1;
	return true;
}

void overlay_index_unit(struct gathered *g, const struct fold_unit *unit)
{
	struct fold_unit *u;

	if (overlay_fold_unit(g, &unit->ref) < g->unit_count)
		return;
	if (2 * g->unit_count >= g->index.slots && !grow(g)) {
		g->failed = true;
		return;
	}
	u = gather_room(g, (void **)&g->unit, &g->unit_count, &g->unit_cap, sizeof *u);
	if (!u)
		return;
	*u = *unit;
	g->index.slot[probe(g, &unit->ref)] = g->unit_count;
}

bool overlay_index_persons(struct gathered *g)
{
	struct overlay_index *x = &g->index;
	size_t persons = 0;

	x->place = memory_zeroed(g->unit_count + 1, sizeof *x->place);
	x->first = memory_zeroed(g->unit_count + 1, sizeof *x->first);
	x->next = memory_zeroed(g->pending.len + 1, sizeof *x->next);
	if (!x->place || !x->first || !x->next)
		return false;
	for (size_t u = 0; u < g->unit_count; u++) {
		x->first[u] = g->pending.len;
		if (g->fold->person[u] == u)
			x->place[u] = persons++;
	}
	for (size_t i = g->pending.len; i-- > 0;) {
		const struct pending *p = g->pending.at[i];
		size_t unit = overlay_fold_unit(g, &p->about);
		size_t person = unit < g->unit_count ? g->fold->person[unit] : FOLD_NOBODY;
		if (p->included || person == FOLD_NOBODY)
			continue;
		x->next[i] = x->first[person];
		x->first[person] = i;
	}
	return true;
}

void overlay_index_free(struct overlay_index *x)
{
	free(x->slot);
	free(x->place);
	free(x->first);
	free(x->next);
}
