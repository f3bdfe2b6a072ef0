/* The rule table: what an identifier of each kind may decide, and what the guards count to.
 *
 * The same table runs in the store and at HQ. It comes from the configuration; one from HQ takes
 * its place. Who wrote it and why stands in it, and its version stands in every decision.
 */
#ifndef LANEWAY_IDENTITY_RULE_H
#define LANEWAY_IDENTITY_RULE_H

#include <stdbool.h>

#include "base/buf.h"
#include "identity/ident.h"

#define RULE_VALUES_MAX 4096 /* blocked values and own numbers of one table */
#define RULE_FAULTS_MAX 50   /* named one by one */

/* When two persons who have the same identifier become one without being asked. */
enum rule_join {
	RULE_JOIN_NEVER,    /* it finds, it never joins */
	RULE_JOIN_VERIFIED, /* when both have it verified */
	RULE_JOIN_NAMED,    /* that, or when both are mere enrolments that two stores made offline,
	                       with    the same or no names (identity/fold.h) */
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
	int lane_baskets;    /* so many baskets (2 to 8) on one lane with one operator ... 3 */
	int lane_window_s;   /* ... within this time: shared. 1800 */
	int clean_days;      /* so many days without a reason: no longer shared. 90 */
	int lookups_max;     /* of one cashier within an hour, by phone or e-mail. 20 */
	int offline_days;    /* enrolments of two stores within so many days: neither could know of
	                        the other. 0: never. 7 */
};

/* A value of the table's own lists, in its normal form; an e-mail domain is "@shop.example" and
 * stands for all its addresses and those of its subdomains. */
enum rule_list {
	RULE_LIST_BLOCKED, /* nobody's: a default card, a number that was printed on a poster */
	RULE_LIST_OWN,     /* the chain's own number or domain */
	RULE_LIST_STAFF,   /* a staff member's card */
	RULE_LIST_COUNT
};
const char *rule_list_name(enum rule_list list); /* "blocked", "own", "staff" */
struct rule_value {
	enum ident_kind kind;
	enum rule_list list;
	char value[IDENT_VALUE_SIZE];
	char staff_ref[33]; /* whose staff card it is, as tills name operators; or empty */
};

struct rule_set {
	char version[33], author[65], reason[129];
	struct rule rule[IDENT_KIND_COUNT];
	int rule_count;
	struct rule_guard guard;
	/* Sorted by (list, kind, value). Owned by the set. */
	struct rule_value *value;
	int value_count;
	/* The chain's card schemes, by which a default card is told; NULL: none. Not owned. */
	const struct ident_rules *forms;
};

/* The table as it is when nothing is configured. Nothing of it needs rule_free until values are
 * added. */
void rule_defaults(struct rule_set *out);
/* A table in JSON (WIRE.md, "Rules"); what it leaves out is as delivered. `forms` must live as long
 * as the table. 0, or -1 with its first fault as one line in err that repeats no value; out has no
 * values then. */
int rule_read(const char *json, size_t len, const struct ident_rules *forms, struct rule_set *out,
              char *err, size_t err_size);
/* The same out of a file; err names it. */
int rule_read_file(const char *path, const struct ident_rules *forms, struct rule_set *out,
                   char *err, size_t err_size);
/* The version that a table gives itself, also one that cannot be read; "?" where it gives none. */
void rule_version(const char *json, size_t len, char out[33]);
/* A table of which it is said elsewhere who wrote it and why: version (empty where it has none: the
 * one that it was made from), author and reason may be missing. How many faults it has, a line for
 * each in faults, without any value; out has no values then. */
int rule_draft(const char *json, size_t len, const struct ident_rules *forms, struct rule_set *out,
               struct buf *faults);
int rule_draft_file(const char *path, const struct ident_rules *forms, struct rule_set *out,
                    struct buf *faults);
/* Append the whole table as canonical JSON. */
void rule_write(struct buf *b, const struct rule_set *rules);

/* 0, or -1: out of memory (out has no values then). */
int rule_copy(struct rule_set *out, const struct rule_set *from);
/* Free the values; the struct itself is the caller's. NULL is allowed. */
void rule_free(struct rule_set *rules);

/* Add one value, which stands once in each list: one that stands there already stays. 0, or -1: out
 * of memory, or RULE_VALUES_MAX. */
int rule_add(struct rule_set *rules, const struct rule_value *value);

/* The row of a list for exactly this value, or NULL. */
const struct rule_value *rule_listed(const struct rule_set *rules, enum rule_list list,
                                     enum ident_kind kind, const char *value);

/* The row of this kind, or NULL: such an identifier finds nobody. */
const struct rule *rule_of(const struct rule_set *rules, enum ident_kind kind);

/* Why this value is nobody's ("all digits the same", "the chain's own number", ...; static text),
 * or NULL. nf: normal form. */
const char *rule_blocked(const struct rule_set *rules, enum ident_kind kind, const char *nf);

/* The staff list's row for this card, or NULL: it is no staff member's. */
const struct rule_value *rule_staff(const struct rule_set *rules, enum ident_kind kind,
                                    const char *nf);

#endif
