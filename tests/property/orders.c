/* Seven operations of two stores and HQ arrive in each of their 5,040 orders: after each arrival
 * the state, worked out step by step, is that of what has arrived, whatever came first.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "links.h"

#define ITEMS 7
#define MASKS (1 << ITEMS)
#define PER_ITEM 3
#define DAY_US INT64_C(86400000000)

/* What one event says. */
struct item {
	struct change change[PER_ITEM];
	int count;
};

struct scenario {
	struct item item[ITEMS];
	struct pool pool;
	uint64_t expected[MASKS];
	struct touched touched;
	uint64_t orders, wrong, number;
};

/* Does not go by the order of the units. */
static uint64_t digest(const struct pool *p, const uint64_t *state)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->unit_count; i++) {
		struct chance mix = {buf_get64(p->unit[i].ref.byte) ^ state[i]};
		sum += chance_next(&mix);
	}
	return sum;
}

static void come(struct scenario *s, int item)
{
	for (int i = 0; i < s->item[item].count; i++)
		pool_apply(&s->pool, &s->item[item].change[i], &s->touched);
}

static void go(struct scenario *s, int item)
{
	for (int i = s->item[item].count - 1; i >= 0; i--)
		pool_pop(&s->pool, s->item[item].change[i].kind);
}

static void arrive(struct scenario *s, int mask)
{
	if (mask == MASKS - 1)
		s->orders++;
	for (int i = 0; i < ITEMS; i++) {
		if (mask & (1 << i))
			continue;
		size_t n = s->pool.unit_count;
		uint64_t *before = pool_more(NULL, 0, (n + 1) * sizeof *before);
		memcpy(before, s->pool.state, n * sizeof *before);
		come(s, i);
		if (digest(&s->pool, s->pool.state) != s->expected[mask | (1 << i)] &&
		    s->wrong++ == 0)
			(void)printf("# wrong: scenario %" PRIu64 ", %d behind those of mask %d\n",
			             s->number, i, mask);
		arrive(s, mask | (1 << i));
		go(s, i);
		memcpy(s->pool.state, before, n * sizeof *before);
		free(before);
	}
}

static void put_mask(const struct pool *p, const uint64_t *state, int mask)
{
	char text[TEXT_B64_SIZE(EVENT_ID_BYTES)];
	(void)printf("= %d", mask);
	for (size_t i = 0; i < p->unit_count; i++) {
		text_b64(p->unit[i].ref.byte, EVENT_ID_BYTES, text);
		(void)printf(" %s:%016" PRIx64, text, state[i]);
	}
	(void)putchar('\n');
}

static void expect(struct scenario *s)
{
	for (int mask = 0; mask < MASKS; mask++) {
		for (int i = 0; i < ITEMS; i++)
			if (mask & (1 << i))
				come(s, i);
		uint64_t *state = pool_more(NULL, 0, (s->pool.unit_count + 1) * sizeof *state);
		pool_fold(&s->pool, state);
		s->expected[mask] = digest(&s->pool, state);
		put_mask(&s->pool, state, mask);
		free(state);
		for (int i = ITEMS - 1; i >= 0; i--)
			if (mask & (1 << i))
				go(s, i);
	}
	pool_fold(&s->pool, s->pool.state);
}

static void make_enrolment(struct chance *r, struct pool *all, uint32_t store, const char *name,
                           struct item *out)
{
	struct change *unit = &out->change[0], *claim = &out->change[1];
	*unit = (struct change){.kind = CHANGE_UNIT, .unit = {.ref = chance_ref(r)}};
	(void)snprintf(unit->unit.first_name, sizeof unit->unit.first_name, "%s", name);
	int64_t made_us = (chance_in(r, 90) ? (int64_t)chance_below(r, 3) : 30) * DAY_US;
	unit->unit.made = (struct fold_made){store, made_us, made_us};
	*claim = (struct change){.kind = CHANGE_SAID};
	claim->said.place = (struct place){store, 0, (uint32_t)chance_below(r, 1000), 0};
	claim->said.op = (struct fold_op){.kind = FOLD_CLAIM,
	                                  .id = chance_ref(r),
	                                  .left = unit->unit.ref,
	                                  .right = all->ident[0].ref,
	                                  .ident = IDENT_PHONE};
	out->count = 2;
	all->unit = pool_more(all->unit, all->unit_count, sizeof *all->unit);
	all->unit[all->unit_count++] = unit->unit;
	all->said = pool_more(all->said, all->said_count, sizeof *all->said);
	all->said[all->said_count++] = claim->said;
}

/* all: a pool that knows everything, so that items can name what comes later. */
static void make_items(struct chance *r, struct pool *all, struct scenario *s)
{
	/* Of the first two every other pair has different names. */
	const char *const name[] = {"anna",
	                            s->number % 2      ? "bob"
	                            : chance_in(r, 50) ? "anna"
	                                               : "",
	                            chance_in(r, 50) ? "anna" : "zoe", ""};
	int enrolments = 2 + (int)chance_below(r, 3);
	all->ident[0].kind = IDENT_PHONE;
	for (int i = 0; i < ITEMS; i++) {
		struct item *item = &s->item[i];
		if (i < enrolments) {
			make_enrolment(r, all, 1 + (uint32_t)i % 2, name[i], item);
			continue;
		}
		item->count = 1;
		do {
			item->change[0] = (struct change){0};
			generate_change(r, all, &item->change[0]);
		} while (item->change[0].kind == CHANGE_AMEND ||
		         item->change[0].kind == CHANGE_UNSAY ||
		         item->change[0].kind == CHANGE_UNIT);
		if (item->change[0].kind != CHANGE_SAID)
			continue;
		all->said = pool_more(all->said, all->said_count, sizeof *all->said);
		all->said[all->said_count++] = item->change[0].said;
	}
}

static void open_scenario(struct chance *r, const struct rule_set *rules, struct scenario *s)
{
	struct pool all;
	struct change c = {.kind = CHANGE_UNIT};
	generate_pool(r, rules, 0, false, &all);
	s->pool = (struct pool){.rules = rules};
	for (size_t i = 0; i < all.ident_count; i++) {
		s->pool.ident = pool_more(s->pool.ident, i, sizeof *s->pool.ident);
		s->pool.ident[i] = all.ident[i];
	}
	s->pool.ident_count = all.ident_count;
	for (size_t n = chance_below(r, 4); n > 0; n--) {
		generate_unit(r, &c.unit);
		pool_apply(&s->pool, &c, &s->touched);
		all.unit = pool_more(all.unit, all.unit_count, sizeof *all.unit);
		all.unit[all.unit_count++] = c.unit;
		world_put_change(stdout, &s->pool, &c);
	}
	make_items(r, &all, s);
	s->pool.ident[0].kind = IDENT_PHONE;
	pool_free(&all);
}

static void close_scenario(struct scenario *s)
{
	for (int i = 0; i < ITEMS; i++)
		for (int k = 0; k < s->item[i].count; k++)
			if (s->item[i].change[k].kind == CHANGE_CHOICE)
				free((void *)s->item[i].change[k].choice.covers);
	pool_free(&s->pool);
	free(s->touched.unit);
}

int links_orders(const struct links_options *o)
{
	struct rule_set rules[RULES_COUNT];
	struct chance r = {o->seed};
	uint64_t orders = 0, wrong = 0;
	generate_rules(rules);
	for (int i = 0; i < RULES_COUNT; i++)
		world_put_rules(stdout, &rules[i]);
	for (uint64_t n = 0; n < o->scenarios; n++) {
		struct scenario *s = calloc(1, sizeof *s);
		if (!s)
			return 2;
		s->number = n;
		(void)printf("# scenario %" PRIu64 "\n", n % RULES_COUNT);
		open_scenario(&r, &rules[n % RULES_COUNT], s);
		for (int i = 0; i < ITEMS; i++) {
			(void)printf("# item %d\n", i);
			for (int k = 0; k < s->item[i].count; k++)
				world_put_change(stdout, &s->pool, &s->item[i].change[k]);
		}
		expect(s);
		arrive(s, 0);
		orders += s->orders;
		wrong += s->wrong;
		close_scenario(s);
		free(s);
	}
	(void)printf("# orders %" PRIu64 " wrong %" PRIu64 "\n", orders, wrong);
	return wrong != 0;
}
