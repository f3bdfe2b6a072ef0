/* Who is one person: claims and links, taken in one order, become persons.
 *
 * Persons are a pure function of units, operations and rules; nothing here remembers anything. The
 * order of the operations is canonical, not that of arrival: HQ's own by HQ's sequence, then the
 * stores' by (store, epoch order, seq, place in the event). What stands first takes the room under
 * a limit. So every order of arrival gives one result, and taking back an operation gives what
 * would have been without it.
 *
 *   unit    a customer's record that is never taken apart: a row of HQ's, an enrolment
 *   claim   a unit has an identifier
 *   link    two units are one person
 *   join    a link that the rules make by themselves, out of two claims on one identifier. Its id
 * is the two claims' ids, XORed: it can be taken back by name like any other person  units that
 * live links and joins connect. Limits are tested on what would become one person, never on the
 * pair
 *
 * Hard limits: FOLD_UNITS_MAX units of one person. Runs in O(n log n) of the operations; the same
 * bytes come out on every machine.
 */
#ifndef LANEWAY_IDENTITY_FOLD_H
#define LANEWAY_IDENTITY_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/ref.h"
#include "identity/rule.h"

#define FOLD_UNITS_MAX 256
#define FOLD_NAME_SIZE 65

struct fold_unit {
	struct ref ref;
	uint32_t number; /* HQ's: 17 for C000017; 0: none yet, a store's own enrolment */
	bool confirmed;  /* HQ's master data or a steward vouches for this customer */
	bool company;    /* never one person with somebody */
	/* What its own facts say, for conflicts (identity/field.h): the first name's form for
	 * comparing, or empty; the birth date as yyyymmdd, or 0. */
	char first_name[FOLD_NAME_SIZE];
	uint32_t born;
};

enum fold_kind {
	FOLD_CLAIM, /* left: unit, right: identifier */
	FOLD_LINK,  /* left, right: units */
	FOLD_UNDO,  /* left: the id of a claim, link, join, apart, block or share that never was */
	FOLD_APART, /* left, right: units that no rule ever joins ("that is not me") */
	FOLD_BLOCK, /* left: an identifier that is nobody's: its claims do not hold */
	FOLD_SHARE, /* left: an identifier that finds but no longer joins */
	FOLD_ERASE, /* left: a unit that is forgotten, with all that names it */
};

struct fold_op {
	enum fold_kind kind;
	struct ref id; /* random; what an undo names */
	struct ref left, right;
	enum ident_kind ident; /* of a claim */
	bool verified;         /* of a claim */
	bool by_person; /* of a link: a steward or a manager decided; only what can never be stands
	                   against it (a company, itself erased, FOLD_UNITS_MAX) */
};

enum fold_fate { FOLD_HOLDS, FOLD_UNDONE, FOLD_REFUSED };
enum fold_reason {
	FOLD_NO_REASON,
	FOLD_LIMIT,         /* too many identifiers of a kind, or units */
	FOLD_TWO_CONFIRMED, /* two customers whom HQ vouches for: a steward's to decide */
	FOLD_BIRTH_DATES,   /* differ */
	FOLD_FIRST_NAMES,   /* differ, on one phone */
	FOLD_NOT_VERIFIED,  /* a typed identifier finds, it does not join */
	FOLD_KEPT_APART,    /* a person said so */
	FOLD_COMPANY,       /* a company and a person */
	FOLD_SHARED,        /* the identifier is several people's */
	FOLD_BLOCKED,       /* the identifier is nobody's */
	FOLD_ERASED,        /* a unit is forgotten */
	FOLD_UNKNOWN,       /* names a unit that is not here */
	FOLD_REASON_COUNT
};
const char *fold_reason_name(enum fold_reason reason); /* "limit", "two_confirmed", ... */

struct fold_verdict {
	enum fold_fate fate;
	enum fold_reason reason;
};

/* Two claims on one identifier of which the rules would make one person. */
struct fold_join {
	struct ref id;
	size_t claim[2]; /* places of the claims in the operations, rising */
	struct fold_verdict verdict;
};

enum fold_ident_state { FOLD_IDENT_ONE, FOLD_IDENT_SEVERAL, FOLD_IDENT_SHARED, FOLD_IDENT_BLOCKED };
struct fold_ident {
	struct ref ident;
	enum ident_kind kind;
	enum fold_ident_state state; /* SEVERAL: up to guard.persons_max persons; a conflict */
	size_t person_count;
};

struct fold {
	/* Per unit: the place of the unit that names its person (the lowest HQ number; of those
	 * without one the first in `units`), or FOLD_NOBODY when it is erased. */
	size_t *person;
	struct fold_verdict *verdict; /* per operation */
	struct fold_join *join;       /* in order of their second claim */
	size_t join_count;
	struct fold_ident *ident; /* sorted by ident */
	size_t ident_count;
};
#define FOLD_NOBODY SIZE_MAX

struct fold_input {
	const struct rule_set *rules;
	const struct fold_unit *unit; /* any order that does not depend on arrival */
	size_t unit_count;
	const struct fold_op *op; /* in canonical order */
	size_t op_count;
};
/* NULL: out of memory. */
struct fold *fold_run(const struct fold_input *in);
void fold_free(struct fold *f);

#endif
