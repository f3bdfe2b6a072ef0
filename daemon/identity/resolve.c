#include "identity/resolve.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define DAY_US (86400 * INT64_C(1000000))

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = {
	    [OUTCOME_MATCHED] = "matched",   [OUTCOME_UNKNOWN] = "unknown",
	    [OUTCOME_SHARED] = "shared",     [OUTCOME_BLOCKED] = "blocked",
	    [OUTCOME_CONFLICT] = "conflict", [OUTCOME_HELD] = "held",
	    [OUTCOME_DROPPED] = "dropped",   [OUTCOME_REFUSED_PAN] = "refused_pan",
	    [OUTCOME_REFUSED] = "refused",   [OUTCOME_STALE] = "stale",
	    [OUTCOME_STAFF] = "staff",
	};
	return names[o];
}

static void say(struct answer *out, enum outcome outcome, const char *why, const char *words)
{
	out->outcome = outcome;
	text_copy(out->why, sizeof out->why, why);
	text_copy(out->words, sizeof out->words, words);
}

/* What the kind is called at a till. */
static const char *kind_words(enum ident_kind kind)
{
	switch (kind) {
	case IDENT_PHONE:
		return "phone number";
	case IDENT_EMAIL:
		return "e-mail address";
	case IDENT_ACCOUNT:
		return "account";
	case IDENT_VAT_ID:
		return "VAT number";
	default:
		return "card";
	}
}

/* "This", the kind, and what is to be said of it. */
static void say_of_kind(struct answer *out, enum outcome outcome, const char *why, const char *rest)
{
	say(out, outcome, why, "");
	snprintf(out->words, sizeof out->words, "This %s %s", kind_words(out->kind), rest);
}

/* ---- what stands before any looking up ---- */

static void refuse(struct answer *out)
{
	bool card = out->reason == IDENT_CARD_NUMBER;

	say(out, card ? OUTCOME_REFUSED_PAN : OUTCOME_REFUSED, ident_reason_name(out->reason),
	    ident_reason_text(out->reason));
	text_copy(out->rule, sizeof out->rule, card ? "card_number" : "no_rule");
}

/* Is it nobody's, or the card of who serves here? true: that has been said. */
static bool barred(const struct resolver *r, enum guard_state guard, struct answer *out)
{
	const char *why = rule_blocked(r->rules, out->kind, out->value);
	const struct rule_value *staff = rule_staff(r->rules, out->kind, out->value);
	bool own = staff && r->staff_ref && strcmp(staff->staff_ref, r->staff_ref) == 0;

	out->staff = staff != NULL;
	if (why) {
		say(out, OUTCOME_BLOCKED, "nobodys", "");
		snprintf(out->words, sizeof out->words, "Ask for another: %s", why);
	} else if (guard == GUARD_BLOCKED) {
		say(out, OUTCOME_BLOCKED, "blocked", "Ask for another: a manager blocked it");
	} else if (own) {
		say(out, OUTCOME_STAFF, "own_card",
		    "Your own staff card: ask a colleague to serve you");
	} else {
		return false;
	}
	return true;
}

/* ---- what was found ---- */

/* Unseen for so long that the number may be somebody else's by now. Who was never seen has not been
 * away. */
static bool is_stale(const struct resolver *r, const struct rule *rule, const struct shard_hit *hit)
{
	const char *seen = hit->seen[0] ? hit->seen : hit->profile.last_seen;
	int64_t seen_us;

	if (!rule->stale_days || !r->now_us || clock_parse_iso8601(seen, &seen_us) != 0)
		return false;
	return r->now_us - seen_us > rule->stale_days * DAY_US;
}

static void carry(struct answer *out, struct shard_hit *hits)
{
	out->candidate_count =
	    out->found < RESOLVE_CANDIDATES_MAX ? out->found : RESOLVE_CANDIDATES_MAX;
	memcpy(out->candidate, hits, (size_t)out->candidate_count * sizeof *hits);
}

static void several(const struct resolver *r, struct answer *out, struct shard_hit *hits,
                    bool shared)
{
	carry(out, hits);
	if (out->found > r->rules->guard.persons_max)
		say_of_kind(out, OUTCOME_SHARED, "many_customers",
		            "is used by several: ask who it is");
	else if (shared)
		say_of_kind(out, OUTCOME_SHARED, "shared", "is used by several: ask who it is");
	else
		say_of_kind(out, OUTCOME_CONFLICT, "several_customers",
		            "belongs to more than one customer: ask who it is");
}

static void one(const struct resolver *r, const struct rule *rule, bool scanned, bool shared,
                struct answer *out, struct shard_hit *hit)
{
	/* Who holds a card is its owner; a printed address proves nothing. */
	bool proves = scanned && rule->trust == 100;

	if (!shared && is_stale(r, rule, hit)) {
		carry(out, hit);
		say_of_kind(out, OUTCOME_STALE, "long_unseen",
		            "was not used for a long time: ask who it is");
		return;
	}
	out->hit = *hit;
	out->scanned = proves;
	if (shared) {
		text_copy(out->confidence, sizeof out->confidence, "shared");
		say_of_kind(out, OUTCOME_SHARED, "shared",
		            "is used by several people: points only");
		return;
	}
	out->verified = hit->verified || proves;
	text_copy(out->confidence, sizeof out->confidence, out->verified ? "certain" : "probable");
	say_of_kind(out, OUTCOME_MATCHED, "exact", "is one customer's");
}

static void match(const struct resolver *r, const struct rule *rule, bool scanned,
                  enum guard_state guard, struct answer *out)
{
	struct shard_hit hits[RESOLVE_CANDIDATES_MAX] = {0};
	int found = r->lookup->find(r->lookup->ctx, ident_kind_name(out->kind), out->value, hits,
	                            RESOLVE_CANDIDATES_MAX);
	bool shared = guard == GUARD_SHARED, blocked = false;

	if (found == 0 && out->staff) {
		say(out, OUTCOME_STAFF, "staff_card",
		    "A staff card, and no customer's: the sale is a staff sale");
		return;
	}
	if (found <= 0) {
		say_of_kind(out, OUTCOME_UNKNOWN, found < 0 ? "unreadable" : "not_known",
		            found < 0 ? "cannot be looked up now" : "is not known here");
		return;
	}
	out->found = found;
	for (int i = 0; i < found && i < RESOLVE_CANDIDATES_MAX; i++) {
		shared |= hits[i].shared;
		blocked |= hits[i].blocked;
	}
	if (blocked)
		say(out, OUTCOME_BLOCKED, "blocked_at_hq",
		    "Ask for another: head office blocked it");
	else if (found > 1)
		several(r, out, hits, shared);
	else
		one(r, rule, scanned, shared, out, hits);
	explicit_bzero(hits, sizeof hits);
}

/* false: it has none, and that has been said. */
static bool normal_form(const struct resolver *r, const struct ident_given *given,
                        struct answer *out)
{
	struct ident_form form;

	ident_normalise(r->forms, given, &form);
	if (form.reason == IDENT_OK && form.kind == IDENT_PAR) {
		form.reason = IDENT_CONSENT;
		explicit_bzero(form.value, sizeof form.value);
	}
	*out = (struct answer){.reason = form.reason,
	                       .kind = form.kind,
	                       .foreign = form.foreign,
	                       .confidence = "none"};
	text_copy(out->ruleset, sizeof out->ruleset, r->rules->version);
	memcpy(out->value, form.value, sizeof out->value);
	memcpy(out->region, form.region, sizeof out->region);
	if (form.reason != IDENT_OK)
		refuse(out);
	return form.reason == IDENT_OK;
}

void resolve(const struct resolver *r, const struct ident_given *given, struct answer *out)
{
	const struct lookup *lookup = r->lookup;
	enum guard_state guard = GUARD_CLEAR;

	if (!normal_form(r, given, out))
		return;
	const struct rule *rule = rule_of(r->rules, out->kind);
	if (!rule) {
		text_copy(out->rule, sizeof out->rule, "no_rule");
		say_of_kind(out, OUTCOME_UNKNOWN, "no_rule", "finds nobody by the rules in force");
		return;
	}
	text_copy(out->rule, sizeof out->rule, rule->name);
	if (lookup->guard)
		guard = lookup->guard(lookup->ctx, out->kind, out->value);
	if (!barred(r, guard, out))
		match(r, rule, given->scanned, guard, out);
}
