#include "identity/resolve.h"

#include <string.h>

#include "base/text.h"

static const struct rule {
	const char *name;
	bool scan_verifies; /* who holds the card is its owner; a printed address proves nothing */
} rules_by_kind[IDENT_KIND_COUNT] = {
    [IDENT_NONE] = {.name = "no_rule"},
    [IDENT_LOYALTY] = {.name = "loyalty_exact", .scan_verifies = true},
    [IDENT_PHONE] = {.name = "phone_exact"},
    [IDENT_EMAIL] = {.name = "email_exact"},
    [IDENT_GSRN] = {.name = "gsrn_exact", .scan_verifies = true},
    [IDENT_WALLET] = {.name = "wallet_exact", .scan_verifies = true},
    [IDENT_PAR] = {.name = "par_exact"},
    [IDENT_ACCOUNT] = {.name = "account_exact", .scan_verifies = true},
    [IDENT_VAT_ID] = {.name = "vat_id_exact"},
};

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = {
	    [OUTCOME_MATCHED] = "matched",   [OUTCOME_UNKNOWN] = "unknown",
	    [OUTCOME_SHARED] = "shared",     [OUTCOME_BLOCKED] = "blocked",
	    [OUTCOME_CONFLICT] = "conflict", [OUTCOME_HELD] = "held",
	    [OUTCOME_DROPPED] = "dropped",   [OUTCOME_REFUSED_PAN] = "refused_pan",
	    [OUTCOME_REFUSED] = "refused",
	};
	return names[o];
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

static void refuse(struct answer *out)
{
	bool card = out->reason == IDENT_CARD_NUMBER;
	out->outcome = card ? OUTCOME_REFUSED_PAN : OUTCOME_REFUSED;
	text_copy(out->rule, sizeof out->rule,
	          card ? "card_number" : rules_by_kind[IDENT_NONE].name);
}

void resolve(const struct ident_rules *rules, const struct lookup *lookup,
             const struct ident_given *given, struct answer *out)
{
	struct ident_form form;
	ident_normalise(rules, given, &form);
	if (form.reason == IDENT_OK && form.kind == IDENT_PAR) {
		form.reason = IDENT_CONSENT;
		explicit_bzero(form.value, sizeof form.value);
	}
	*out = (struct answer){.outcome = OUTCOME_UNKNOWN,
	                       .reason = form.reason,
	                       .kind = form.kind,
	                       .foreign = form.foreign,
	                       .confidence = "none"};
	text_copy(out->ruleset, sizeof out->ruleset, rules->ruleset);
	memcpy(out->value, form.value, sizeof out->value);
	memcpy(out->region, form.region, sizeof out->region);
	if (form.reason != IDENT_OK) {
		refuse(out);
		return;
	}
	const struct rule *rule = &rules_by_kind[out->kind];
	text_copy(out->rule, sizeof out->rule, rule->name);
	match(out, rule, lookup, given->scanned);
}
