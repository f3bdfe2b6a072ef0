/* The rule table: what an identifier of each kind may decide, and what the guards count to.
 *
 * The same table runs in the store and at HQ. It comes from the configuration; one from HQ takes
 * its place. Who wrote it and why stands in it, and its version stands in every decision.
 */
#ifndef LANEWAY_IDENTITY_RULE_H
#define LANEWAY_IDENTITY_RULE_H

#include <stdbool.h>

#include "identity/ident.h"

/* When two persons who have the same identifier become one without being asked. */
enum rule_join {
	RULE_JOIN_NEVER,    /* it finds, it never joins */
	RULE_JOIN_VERIFIED, /* when both have it verified */
	RULE_JOIN_NAMED, /* that, or when both are mere enrolments with the same or no first name */
};

struct rule {
	enum ident_kind kind;
	char name[33]; /* stands in decisions: "loyalty_exact" */
	int priority;  /* rises down the table; the first that fits decides */
	int limit;     /* identifiers of this kind that one person may have; 0: any number */
	bool unique;   /* one person's at a time; false: a household may share it */
	enum rule_join join;
	int trust;      /* of what it finds, 0 to 100; 100: certain when verified */
	int stale_days; /* unseen for so long it asks instead of finding; 0: never */
};

struct rule_guard {
	int persons_max;     /* more persons than this on one identifier: shared. 3 */
	int day_baskets_max; /* more baskets than this in one store in a day: shared. 5 */
	int lane_baskets;    /* so many baskets on one lane with one operator ... 3 */
	int lane_window_s;   /* ... within this time: shared. 1800 */
	int clean_days;      /* so many days without a reason: no longer shared. 90 */
};

struct rule_set {
	char version[33], author[65], reason[129];
	struct rule rule[IDENT_KIND_COUNT];
	int rule_count;
	struct rule_guard guard;
	/* Values that are nobody's, beside those that rule_blocked knows by their shape: normal
	 * forms, sorted by (kind, value); and the chain's own e-mail domains. Owned by the set. */
	struct rule_value {
		enum ident_kind kind;
		char value[IDENT_VALUE_SIZE];
	} * blocked;
	int blocked_count;
};

/* The table as it is when nothing is configured. */
void rule_defaults(struct rule_set *out);

/* The row of this kind, or NULL: such an identifier finds nobody. */
const struct rule *rule_of(const struct rule_set *rules, enum ident_kind kind);

/* Why this value is nobody's ("all digits the same", "the chain's own number", ...; static text),
 * or NULL. nf: normal form. */
const char *rule_blocked(const struct rule_set *rules, enum ident_kind kind, const char *nf);

#endif
