/* Changes at random, folded as they arrive; whoever reads the output folds them again.
 *
 *   links steps --seed N --steps N --pools N --big N    lines of JSON: the rules, then for each
 * step the change, and `=` with what each touched unit's person is then: the unit's place in its
 *       pool, a colon, 16 hex digits (0: nobody)
 *   links orders --seed N --scenarios N    all orders of arrival of seven operations
 *   links undo --seed N --scenarios N      taken back is as if it had never been
 *   links text --seed N ... --at STEP --unit PLACE    the text of that unit's person after a step
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "links.h"

static const struct {
	const char *name;
	size_t offset;
} options[] = {
    {"--seed", offsetof(struct links_options, seed)},
    {"--steps", offsetof(struct links_options, steps)},
    {"--pools", offsetof(struct links_options, pools)},
    {"--big", offsetof(struct links_options, big)},
    {"--scenarios", offsetof(struct links_options, scenarios)},
    {"--at", offsetof(struct links_options, at)},
    {"--unit", offsetof(struct links_options, unit)},
};

/* One step in so many goes to the big pools. */
#define BIG_STEPS_PERCENT 5

static struct pool *make_pools(struct chance *r, const struct links_options *o,
                               const struct rule_set *rules)
{
	size_t n = o->pools + o->big;
	struct pool *pools = pool_more(NULL, 0, (n + 1) * sizeof *pools);
	for (size_t i = 0; i < n; i++)
		generate_pool(r, &rules[i % RULES_COUNT], (uint32_t)i, i >= o->pools, &pools[i]);
	return pools;
}

static void put_touched(const struct pool *p, const struct touched *t)
{
	(void)putchar('=');
	for (size_t i = 0; i < p->unit_count; i++)
		if (t->unit[i])
			(void)printf(" %zu:%016" PRIx64, i, p->state[i]);
	(void)putchar('\n');
}

static void put_text(const struct pool *p, size_t unit)
{
	struct buf text = {0};
	if (unit < p->unit_count)
		pool_text(p, unit, &text);
	(void)printf("%.*s\n", (int)text.len, text.data ? (const char *)text.data : "");
	buf_free(&text);
}

/* text: say nothing but the text after step `at`. */
static int run_steps(const struct links_options *o, bool text)
{
	struct rule_set rules[RULES_COUNT];
	struct chance r = {o->seed};
	struct touched t = {0};
	struct change c;
	generate_rules(rules);
	for (int i = 0; i < RULES_COUNT && !text; i++)
		world_put_rules(stdout, &rules[i]);
	struct pool *pools = make_pools(&r, o, rules);
	for (size_t step = 0; step < (text ? o->at : o->steps); step++) {
		bool big = o->big && chance_in(&r, BIG_STEPS_PERCENT);
		struct pool *p =
		    &pools[big ? o->pools + chance_below(&r, o->big) : chance_below(&r, o->pools)];
		generate_change(&r, p, &c);
		pool_apply(p, &c, &t);
		if (text && step + 1 == o->at)
			put_text(p, o->unit);
		if (text)
			continue;
		world_put_change(stdout, p, &c);
		put_touched(p, &t);
	}
	if (!text)
		(void)printf("# largest person %zu\n", t.largest);
	for (size_t i = 0; i < o->pools + o->big; i++)
		pool_free(&pools[i]);
	free(pools);
	free(t.unit);
	return 0;
}

static bool read_options(int argc, char **argv, struct links_options *out)
{
	*out = (struct links_options){.seed = 1, .steps = 1000, .pools = 100, .scenarios = 10};
	for (int i = 2; i + 1 < argc; i += 2) {
		size_t k = 0, n = sizeof options / sizeof *options;
		while (k < n && strcmp(options[k].name, argv[i]) != 0)
			k++;
		if (k == n || !num_u64(argv[i + 1], 0, UINT64_MAX,
		                       (uint64_t *)(void *)((char *)out + options[k].offset)))
			return false;
	}
	return argc % 2 == 0 && out->pools > 0;
}

int main(int argc, char **argv)
{
	struct links_options o;
	if (argc < 2 || !read_options(argc, argv, &o)) {
		(void)fprintf(stderr,
		              "usage: links steps|text|orders|undo [--seed N] [--steps N] "
		              "[--pools N] [--big N] [--scenarios N] [--at N] [--unit N]\n");
		return 2;
	}
	if (strcmp(argv[1], "orders") == 0)
		return links_orders(&o);
	if (strcmp(argv[1], "undo") == 0)
		return links_undo(&o);
	return run_steps(&o, strcmp(argv[1], "text") == 0);
}
