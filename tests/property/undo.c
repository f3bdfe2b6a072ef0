/* What was taken back is as if it had never been: two worlds, one in which some operations came and
 * were undone later, while other things went on, and one in which they and all that came with them
 * never came.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "links.h"

#define CHANGES 40

struct history {
	struct change change[CHANGES];
	size_t count;
	size_t taken[3]; /* which of them are undone */
	size_t taken_count;
};

static bool can_be_taken(const struct change *c)
{
	return c->kind == CHANGE_SAID && c->said.op.kind != FOLD_UNDO &&
	       c->said.op.kind != FOLD_ERASE;
}

static bool is_taken(const struct history *h, size_t at)
{
	for (size_t i = 0; i < h->taken_count; i++)
		if (h->taken[i] == at)
			return true;
	return false;
}

static bool came_with(const struct change *c, const struct ref *claim)
{
	char text[TEXT_B64_SIZE(EVENT_ID_BYTES)];
	if (c->kind == CHANGE_POINTS)
		return ref_same(&c->points.claim, claim);
	text_b64(claim->byte, sizeof claim->byte, text);
	return c->kind == CHANGE_FACT && c->fact.fact.field == FIELD_CONTACT &&
	       strncmp(c->fact.value, text, strlen(text)) == 0;
}

static bool never_came(const struct history *h, size_t at)
{
	if (is_taken(h, at))
		return true;
	for (size_t i = 0; i < h->taken_count; i++)
		if (came_with(&h->change[at], &h->change[h->taken[i]].said.op.id))
			return true;
	return false;
}

static void make_history(struct chance *r, struct pool *all, struct touched *t, struct history *h)
{
	for (h->count = 0; h->count < CHANGES; h->count++) {
		struct change *c = &h->change[h->count];
		do
			generate_change(r, all, c);
		while (c->kind == CHANGE_UNSAY);
		pool_apply(all, c, t);
	}
	h->taken_count = 0;
	for (int tries = 0; tries < 20 && h->taken_count < 3; tries++) {
		size_t at = chance_below(r, h->count);
		if (can_be_taken(&h->change[at]) && !is_taken(h, at))
			h->taken[h->taken_count++] = at;
	}
}

/* all and the undos, somewhere among what came after it. */
static void play_with(struct chance *r, const struct history *h, struct pool *p, struct touched *t)
{
	struct change undo = {.kind = CHANGE_SAID};
	size_t when[3];
	for (size_t i = 0; i < h->taken_count; i++)
		when[i] = h->taken[i] + chance_below(r, h->count - h->taken[i]);
	for (size_t at = 0; at < h->count; at++) {
		pool_apply(p, &h->change[at], t);
		for (size_t i = 0; i < h->taken_count; i++) {
			if (when[i] != at)
				continue;
			undo.said.op = (struct fold_op){.kind = FOLD_UNDO,
			                                .id = chance_ref(r),
			                                .left = h->change[h->taken[i]].said.op.id};
			undo.said.place.store = (uint32_t)chance_below(r, 3);
			undo.said.place.seq = (uint32_t)chance_below(r, 1U << 30);
			pool_apply(p, &undo, t);
		}
	}
}

static void play_without(const struct history *h, struct pool *p, struct touched *t)
{
	for (size_t at = 0; at < h->count; at++)
		if (!never_came(h, at))
			pool_apply(p, &h->change[at], t);
}

static void put_world(const struct history *h, const struct pool *with, const struct pool *without,
                      size_t unit)
{
	struct buf text = {0};
	pool_text(with, unit, &text);
	(void)printf("with and undone: %.*s\n", (int)text.len, (const char *)text.data);
	buf_reset(&text);
	pool_text(without, unit, &text);
	(void)printf("never: %.*s\n", (int)text.len, (const char *)text.data);
	buf_free(&text);
	for (size_t i = 0; i < h->count; i++) {
		(void)printf(never_came(h, i) ? "- " : "  ");
		world_put_change(stdout, with, &h->change[i]);
	}
}

static bool same(const struct history *h, const struct pool *with, const struct pool *without)
{
	for (size_t i = 0; i < with->unit_count; i++) {
		if (with->state[i] == without->state[i])
			continue;
		(void)printf("# wrong: unit %zu\n", i);
		put_world(h, with, without, i);
		return false;
	}
	return true;
}

static bool one_scenario(struct chance *r, const struct rule_set *rules, struct touched *t,
                         uint64_t *taken)
{
	struct history h;
	struct pool all, with, without;
	generate_pool(r, rules, 0, false, &all);
	with = without = all;
	make_history(r, &all, t, &h);
	play_with(r, &h, &with, t);
	play_without(&h, &without, t);
	bool good = same(&h, &with, &without);
	*taken += h.taken_count;
	/* Covers and identifiers are shared by the three. */
	with.choice_count = without.choice_count = 0;
	with.ident = without.ident = NULL;
	pool_free(&all);
	pool_free(&with);
	pool_free(&without);
	return good;
}

int links_undo(const struct links_options *o)
{
	struct rule_set rules[RULES_COUNT];
	struct chance r = {o->seed};
	struct touched t = {0};
	uint64_t taken = 0, n = 0;
	bool good = true;
	generate_rules(rules);
	for (; n < o->scenarios && good; n++)
		good = one_scenario(&r, &rules[n % RULES_COUNT], &t, &taken);
	free(t.unit);
	if (good)
		(void)printf("# scenarios %" PRIu64 " taken back %" PRIu64 "\n", n, taken);
	return !good;
}
