#include "identity/resolve.h"

#include <string.h>

#include "base/text.h"

#define PRESENTED_BYTES_MAX 8191 /* longest value a source may hand in */

/* One row per kind, in the order in which ident_normalise tries them. */
static const struct rule {
	const char *name;
	bool scan_verifies; /* who holds the card is its owner; a printed address proves nothing */
} rules_by_kind[IDENT_KIND_COUNT] = {
    [IDENT_NONE] = {.name = "no_rule"},
    [IDENT_LOYALTY] = {.name = "loyalty_exact", .scan_verifies = true},
    [IDENT_PHONE] = {.name = "phone_exact"},
    [IDENT_EMAIL] = {.name = "email_exact"},
};

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = {
	    [OUTCOME_MATCHED] = "matched",   [OUTCOME_UNKNOWN] = "unknown",
	    [OUTCOME_SHARED] = "shared",     [OUTCOME_BLOCKED] = "blocked",
	    [OUTCOME_CONFLICT] = "conflict", [OUTCOME_HELD] = "held",
	    [OUTCOME_DROPPED] = "dropped",   [OUTCOME_REFUSED_PAN] = "refused_pan",
	};
	return names[o];
}

/* At most size - 1 bytes of src, never half a character. */
static void cut(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size);
	if (n == size)
		for (n--; n > 0 && ((unsigned char)src[n] & 0xc0) == 0x80;)
			n--;
	memcpy(dst, src, n);
	dst[n] = 0;
}

/* The value as it came, without any card number: masked before the cut, which could leave the front
 * of one, and after it, because a cut makes a long number a short one. */
static void present(struct answer *out, const char *value)
{
	char whole[PRESENTED_BYTES_MAX + 1];
	cut(whole, sizeof whole, value);
	pan_mask(whole);
	cut(out->value, sizeof out->value, whole);
	pan_mask(out->value);
	explicit_bzero(whole, sizeof whole);
}

static void match(struct answer *out, const struct rule *rule, const struct lookup *lookup,
                  bool scanned)
{
	int found = lookup->find(lookup->ctx, ident_kind_name(out->kind), out->value, &out->hit, 1);
	if (found == 1) {
		out->outcome = OUTCOME_MATCHED;
		out->verified = out->hit.verified || (scanned && rule->scan_verifies);
		text_copy(out->confidence, sizeof out->confidence,
		          out->verified ? "certain" : "probable");
		return;
	}
	memset(&out->hit, 0, sizeof out->hit);
	if (found > 1)
		out->outcome = OUTCOME_CONFLICT;
}

void resolve(const struct ident_rules *rules, const struct lookup *lookup, enum ident_kind kind,
             const char *value, bool scanned, struct answer *out)
{
	*out = (struct answer){.outcome = OUTCOME_UNKNOWN, .kind = kind, .confidence = "none"};
	text_copy(out->ruleset, sizeof out->ruleset, rules->ruleset);
	if (pan_find(value, false)) {
		out->outcome = OUTCOME_REFUSED_PAN;
		out->kind = IDENT_NONE;
		text_copy(out->rule, sizeof out->rule, "card_number");
		present(out, value);
		return;
	}
	if (!ident_normalise(rules, &out->kind, value, out->value)) {
		text_copy(out->rule, sizeof out->rule, rules_by_kind[IDENT_NONE].name);
		present(out, value);
		return;
	}
	const struct rule *rule = &rules_by_kind[out->kind];
	text_copy(out->rule, sizeof out->rule, rule->name);
	match(out, rule, lookup, scanned);
}
