/* Who is this: an identifier as presented, the rule table, the cached shard -> one answer.
 *
 * Pure over a lookup interface; allocates nothing itself (phone numbers and addresses do). The
 * first rule that fits wins; several profiles on one identifier are a conflict with its reason,
 * never a guess.
 */
#ifndef LANEWAY_IDENTITY_RESOLVE_H
#define LANEWAY_IDENTITY_RESOLVE_H

#include <stdbool.h>

#include "identity/ident.h"
#include "store/shard.h"

enum outcome {
	OUTCOME_MATCHED,
	OUTCOME_UNKNOWN,
	OUTCOME_SHARED,
	OUTCOME_BLOCKED,
	OUTCOME_CONFLICT,
	OUTCOME_HELD,
	OUTCOME_DROPPED,
	OUTCOME_REFUSED_PAN,
	OUTCOME_REFUSED, /* it has no normal form: answer.reason says why */
};
const char *outcome_name(enum outcome o); /* as in the event: "matched", "refused_pan", ... */

struct lookup {
	/* Like shard_find. */
	int (*find)(void *ctx, const char *kind, const char *nf, struct shard_hit *out, int max);
	void *ctx;
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
	char confidence[17]; /* "certain" (verified identifier), "probable" (typed), "none" */
	bool verified;
	struct shard_hit hit; /* valid when matched */
};

/* A payment account reference is refused before it is looked up or kept: only a consent of the
 * customer's would allow it (reason IDENT_CONSENT). */
void resolve(const struct ident_rules *rules, const struct lookup *lookup,
             const struct ident_given *given, struct answer *out);

#endif
