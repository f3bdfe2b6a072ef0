#include "identity/rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define STALE_DAYS 730 /* numbers are given to somebody else after a while: 24 months */
#define OFFLINE_DAYS                                                                               \
	7 /* a store's line is repaired within a week; until then it hears of nobody               \
	   */
#define LANE_WINDOW_S                                                                              \
	1800 /* a till's colleague serves so long without a change of guard: 30 min                \
	      */

/* Of the kinds that find anybody. A card is one person's; a phone or an address may be a
 * household's, and is typed: it joins only what nobody has vouched for yet. */
static const struct rule defaults[] = {
    {.kind = IDENT_LOYALTY,
     .name = "loyalty_exact",
     .priority = 10,
     .limit = 5,
     .unique = true,
     .join = RULE_JOIN_VERIFIED,
     .trust = 100},
    {.kind = IDENT_GSRN,
     .name = "gsrn_exact",
     .priority = 12,
     .limit = 5,
     .unique = true,
     .join = RULE_JOIN_VERIFIED,
     .trust = 100},
    {.kind = IDENT_WALLET,
     .name = "wallet_exact",
     .priority = 14,
     .limit = 5,
     .unique = true,
     .join = RULE_JOIN_VERIFIED,
     .trust = 100},
    {.kind = IDENT_PHONE,
     .name = "phone_exact",
     .priority = 20,
     .limit = 5,
     .join = RULE_JOIN_NAMED,
     .trust = 60,
     .stale_days = STALE_DAYS},
    {.kind = IDENT_EMAIL,
     .name = "email_exact",
     .priority = 30,
     .limit = 5,
     .join = RULE_JOIN_NAMED,
     .trust = 60},
    /* Several people pay with one card. */
    {.kind = IDENT_PAR, .name = "par_exact", .priority = 40, .limit = 5, .trust = 60},
    /* A company's: never one person with somebody. */
    {.kind = IDENT_ACCOUNT,
     .name = "account_exact",
     .priority = 50,
     .limit = 5,
     .unique = true,
     .trust = 100},
    {.kind = IDENT_VAT_ID,
     .name = "vat_id_exact",
     .priority = 60,
     .limit = 1,
     .unique = true,
     .trust = 60},
};

void rule_defaults(struct rule_set *out)
{
	*out = (struct rule_set){
	    .version = "1",
	    .author = "laneway",
	    .reason = "the table as it is delivered",
	    .guard = {.persons_max = 3,
	              .day_baskets_max = 5,
	              .lane_baskets = 3,
	              .lane_window_s = LANE_WINDOW_S,
	              .clean_days = 90,
	              .lookups_max = 20,
	              .offline_days = OFFLINE_DAYS},
	};
	_Static_assert(sizeof defaults / sizeof *defaults < IDENT_KIND_COUNT, "a row per kind");
	memcpy(out->rule, defaults, sizeof defaults);
	out->rule_count = sizeof defaults / sizeof *defaults;
}

int rule_copy(struct rule_set *out, const struct rule_set *from)
{
	size_t bytes = (size_t)from->value_count * sizeof *from->value;

	*out = *from;
	out->value = bytes ? memory_alloc(bytes) : NULL;
	if (out->value) {
		memcpy(out->value, from->value, bytes);
		return 0;
	}
	out->value_count = 0;
	return bytes ? -1 : 0;
}

void rule_free(struct rule_set *rules)
{
	if (!rules)
		return;
	if (rules->value)
		explicit_bzero(rules->value, (size_t)rules->value_count * sizeof *rules->value);
	free(rules->value);
	rules->value = NULL;
	rules->value_count = 0;
}

const struct rule *rule_of(const struct rule_set *rules, enum ident_kind kind)
{
	for (int i = 0; i < rules->rule_count; i++) {
		if (rules->rule[i].kind == kind)
			return &rules->rule[i];
	}
	return NULL;
}

/* ---- the lists of values ---- */

static int order(const struct rule_value *a, const struct rule_value *b)
{
	if (a->list != b->list)
		return a->list < b->list ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->value, b->value);
}

/* The place of this value, or where it would stand. */
static int place_of(const struct rule_set *rules, const struct rule_value *value)
{
	int low = 0, high = rules->value_count;

	while (low < high) {
		int mid = low + (high - low) / 2;
		if (order(&rules->value[mid], value) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct rule_value *rule_listed(const struct rule_set *rules, enum rule_list list,
                                     enum ident_kind kind, const char *value)
{
	struct rule_value want = {.kind = kind, .list = list};

	if (!rules->value_count || !text_copy(want.value, sizeof want.value, value))
		return NULL;
	int i = place_of(rules, &want);
	if (i == rules->value_count || order(&rules->value[i], &want) != 0)
		return NULL;
	return &rules->value[i];
}

int rule_add(struct rule_set *rules, const struct rule_value *value)
{
	int i = place_of(rules, value), after = rules->value_count - i;

	if (after > 0 && order(&rules->value[i], value) == 0)
		return 0;
	if (rules->value_count == RULE_VALUES_MAX)
		return -1;
	struct rule_value *more =
	    memory_more(rules->value, ((size_t)rules->value_count + 1) * sizeof *more);
	if (!more)
		return -1;
	rules->value = more;
	memmove(more + i + 1, more + i, (size_t)after * sizeof *more);
	more[i] = *value;
	rules->value_count++;
	return 0;
}

const struct rule_value *rule_staff(const struct rule_set *rules, enum ident_kind kind,
                                    const char *nf)
{
	return rule_listed(rules, RULE_LIST_STAFF, kind, nf);
}
