/* Who is this: an identifier as presented, the rule table, the cached shard -> one answer.
 *
 * Pure over a lookup interface; allocates nothing. The first rule that fits wins; several profiles
 * on one identifier are a conflict with its reason, never a guess.
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
};
const char *outcome_name(enum outcome o); /* as in the event: "matched", "refused_pan", ... */

struct lookup {
	/* Like shard_find. */
	int (*find)(void *ctx, const char *kind, const char *nf, struct shard_hit *out, int max);
	void *ctx;
};

struct answer {
	enum outcome outcome;
	enum ident_kind kind;
	char value[IDENT_VALUE_SIZE]; /* normal form; as presented when there is none; masked for a
	                                 PAN */
	char rule[33]; /* "loyalty_exact", "phone_exact", "email_exact", "no_rule", "card_number" */
	char ruleset[33];
	char confidence[17]; /* "certain" (verified identifier), "probable" (typed), "none" */
	bool verified;
	struct shard_hit hit; /* valid when matched */
};

/* kind: IDENT_NONE when the source does not know it (a scan). scanned: read from a card or wallet,
 * not typed. `value` is UTF-8, at most 8,191 bytes; longer than a normal form can be is unknown. */
void resolve(const struct ident_rules *rules, const struct lookup *lookup, enum ident_kind kind,
             const char *value, bool scanned, struct answer *out);

#endif
