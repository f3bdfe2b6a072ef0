/* Who is this: an identifier as presented, the rule table, the cached shard -> one answer.
 *
 * Pure over a lookup interface; allocates nothing but what libphonenumber and libidn2 do for an
 * address. The kind's rule decides; what cannot be decided without a guess is answered with its
 * reason, and with whom it could mean, so that a person can be asked.
 */
#ifndef LANEWAY_IDENTITY_RESOLVE_H
#define LANEWAY_IDENTITY_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "identity/ident.h"
#include "identity/rule.h"
#include "store/shard.h"

#define RESOLVE_CANDIDATES_MAX 4

enum outcome {
	OUTCOME_MATCHED,
	OUTCOME_UNKNOWN,
	OUTCOME_SHARED, /* several people's: it earns, it links nothing, it hides what is personal
	                 */
	OUTCOME_BLOCKED,
	OUTCOME_CONFLICT,
	OUTCOME_HELD,
	OUTCOME_DROPPED,
	OUTCOME_REFUSED_PAN,
	OUTCOME_REFUSED, /* it has no normal form: answer.reason says why */
	OUTCOME_STALE,   /* it may be somebody else's by now: ask */
	/* The card of who serves here (why "own_card"): a colleague has to. Or one of the staff
	 * list that is no customer's ("staff_card"): nobody's, but the sale is a staff sale. */
	OUTCOME_STAFF,
};
const char *outcome_name(enum outcome o); /* as in the event: "matched", "refused_pan", ... */

/* What this store's guards know of an identifier. */
enum guard_state { GUARD_CLEAR, GUARD_SHARED, GUARD_BLOCKED };

struct lookup {
	/* Like shard_find. */
	int (*find)(void *ctx, const char *kind, const char *nf, struct shard_hit *out, int max);
	void *ctx;
	/* NULL: there are none. */
	enum guard_state (*guard)(void *ctx, enum ident_kind kind, const char *nf);
};

struct resolver {
	const struct ident_rules *forms;
	const struct rule_set *rules;
	const struct lookup *lookup;
	int64_t now_us;        /* wall clock; 0: not trusted, then nothing is stale */
	const char *staff_ref; /* who serves where it is presented, or NULL */
};

struct answer {
	enum outcome outcome;
	enum ident_reason reason; /* IDENT_OK unless refused */
	enum ident_kind kind;
	char value[IDENT_VALUE_SIZE]; /* as in struct ident_form */
	char region[4];               /* likewise */
	bool foreign;                 /* likewise */
	char rule[33]; /* "loyalty_exact", "phone_exact", "email_exact", "no_rule", "card_number" */
	char ruleset[33];
	char confidence[17]; /* "certain" (verified identifier), "probable" (typed), "shared",
	                        "none" */
	char why[33];        /* a stable word: "exact", "not_known", "check_digit", ... */
	char words[97];      /* the same in one plain sentence */
	bool verified;
	bool scanned;         /* read from the card or wallet of who stands here */
	bool staff;           /* of the staff list */
	struct shard_hit hit; /* valid when matched, and when shared and one person's */
	/* Whom it could mean, when conflict, stale or shared among several. */
	struct shard_hit candidate[RESOLVE_CANDIDATES_MAX];
	int candidate_count; /* of those carried */
	int found;           /* of all */
};

/* A payment account reference is refused before it is looked up or kept: only a consent of the
 * customer's would allow it (reason IDENT_CONSENT). */
void resolve(const struct resolver *r, const struct ident_given *given, struct answer *out);

/* Is somebody meant whose basket it can be, without asking? */
static inline bool answer_is_somebody(const struct answer *a)
{
	return (a->outcome == OUTCOME_MATCHED || a->outcome == OUTCOME_SHARED) &&
	       a->hit.profile.customer_id[0];
}

/* Does this store know nobody who has it, while HQ may? Whose staff card it is may be a customer of
 * another store's shard. */
static inline bool answer_is_asked(const struct answer *a)
{
	return a->outcome == OUTCOME_UNKNOWN ||
	       (a->outcome == OUTCOME_STAFF && strcmp(a->why, "staff_card") == 0);
}

#endif
