#include "identity/consent.h"

#include <string.h>

/* One evaluation: the choices, and the question with one channel of its own. */
struct asking {
	const struct consent_choice *choice;
	size_t n;
	const struct consent_question *q;
	enum consent_channel channel;
};

static bool among(const struct ref *refs, size_t n, const struct ref *r)
{
	for (size_t i = 0; i < n; i++) {
		if (ref_same(&refs[i], r))
			return true;
	}
	return false;
}

static bool is_stop(const struct consent_choice *c)
{
	return c->method == CONSENT_STOP || c->method == CONSENT_COMPLAINT;
}

static bool forbids(const struct consent_choice *c)
{
	return is_stop(c) || c->value == CONSENT_REFUSED || c->value == CONSENT_WITHDRAWN;
}

static bool is_confirmed(const struct consent_choice *c)
{
	return c->method == CONSENT_CONFIRMED && c->value == CONSENT_GRANTED;
}

/* Rule 7. */
static bool cannot_raise(const struct consent_choice *c)
{
	return c->method == CONSENT_IMPORT && !c->has_text && !forbids(c);
}

static bool about_address(const struct asking *a, const struct consent_choice *c)
{
	return !ref_none(&c->address) && ref_same(&c->address, &a->q->address);
}

/* Is it about what is asked, whoever chose? */
static bool concerns(const struct asking *a, const struct consent_choice *c)
{
	if (c->purpose != a->q->purpose || c->value == CONSENT_NOT_ASKED)
		return false;
	if (c->channel != CONSENT_ANY && c->channel != a->channel)
		return false;
	if (!ref_none(&c->address))
		return about_address(a, c);
	return forbids(c) || ref_none(&a->q->address);
}

static bool of_person(const struct asking *a, const struct consent_choice *c)
{
	return among(a->q->unit, a->q->unit_count, &c->unit);
}

/* For the address by itself. Whether a STOP still stands is asked before all records. */
static bool counts_for_address(const struct asking *a, const struct consent_choice *c)
{
	if (!about_address(a, c) || is_stop(c))
		return false;
	return ref_none(&c->unit) || (is_confirmed(c) && of_person(a, c));
}

/* Does it count for this unit? NULL: for the address by itself. */
static bool counts(const struct asking *a, const struct consent_choice *c, const struct ref *unit)
{
	if (!concerns(a, c) || cannot_raise(c))
		return false;
	if (!unit)
		return counts_for_address(a, c);
	if (ref_same(&c->unit, unit))
		return true;
	if (!among(c->covers, c->cover_count, unit))
		return false;
	return forbids(c) || of_person(a, c);
}

/* Rule 8: has the address confirmed, and nothing that forbids can have been said since? */
static bool confirmed(const struct asking *a, const struct ref *unit)
{
	int64_t forbidden_us = INT64_MIN;

	for (size_t i = 0; i < a->n; i++) {
		const struct consent_choice *c = &a->choice[i];
		if (counts(a, c, unit) && forbids(c) && c->to_us > forbidden_us)
			forbidden_us = c->to_us;
	}
	for (size_t i = 0; i < a->n; i++) {
		const struct consent_choice *c = &a->choice[i];
		if (counts(a, c, unit) && is_confirmed(c) && about_address(a, c) &&
		    c->from_us > forbidden_us)
			return true;
	}
	return false;
}

static bool was_typed(const struct consent_choice *c)
{
	return c->method == CONSENT_TILL || c->method == CONSENT_STAFF ||
	       c->method == CONSENT_PAPER;
}

static enum consent_value worth(const struct asking *a, const struct consent_choice *c,
                                const struct ref *unit)
{
	if (is_stop(c))
		return CONSENT_WITHDRAWN;
	if (c->value == CONSENT_GRANTED && c->purpose == CONSENT_MARKETING && was_typed(c) &&
	    !ref_none(&c->address) && !confirmed(a, unit))
		return CONSENT_PENDING;
	return c->value;
}

/* Of equal strictness the later one is named, and of those the greater id. */
static bool named_before(const struct consent_choice *a, const struct consent_choice *b)
{
	if (a->from_us != b->from_us)
		return a->from_us > b->from_us;
	return memcmp(a->id.byte, b->id.byte, sizeof a->id.byte) > 0;
}

static bool takes_over(const struct consent_answer *from, enum consent_value value,
                       const struct consent_choice *c)
{
	if (!from->because || value != from->value)
		return !from->because || value > from->value;
	return named_before(c, from->because);
}

/* Rule 2, for one unit alone. Untouched if it has no record. */
static void evaluate_unit(const struct asking *a, const struct ref *unit,
                          struct consent_answer *out)
{
	int64_t latest_us = INT64_MIN;
	bool differ = false;

	for (size_t i = 0; i < a->n; i++) {
		if (counts(a, &a->choice[i], unit) && a->choice[i].from_us > latest_us)
			latest_us = a->choice[i].from_us;
	}
	for (size_t i = 0; i < a->n; i++) {
		const struct consent_choice *c = &a->choice[i];
		if (!counts(a, c, unit) || c->to_us < latest_us)
			continue;
		enum consent_value value = worth(a, c, unit);
		differ = differ || (out->because && value != out->value);
		if (takes_over(out, value, c)) {
			out->value = value;
			out->because = c;
		}
	}
	out->rule = differ ? "overlap" : "latest";
}

/* Rule 3. */
static void join(struct consent_answer *all, const struct consent_answer *unit)
{
	if (!unit->because)
		return;
	/* Once they differed they do, in whatever order they come. */
	bool differ =
	    all->because && (all->value != unit->value || strcmp(all->rule, "strictest") == 0);
	if (takes_over(all, unit->value, unit->because))
		*all = *unit;
	if (differ)
		all->rule = "strictest";
}

/* Rule 5: does M's own grant, confirmed from the address, lie wholly after this STOP? */
static bool lifted(const struct asking *a, const struct consent_choice *stop)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct consent_choice *c = &a->choice[i];
		if (is_confirmed(c) && concerns(a, c) && about_address(a, c) &&
		    c->from_us > stop->to_us && (ref_none(&c->unit) || of_person(a, c)))
			return true;
	}
	return false;
}

static void evaluate_stops(const struct asking *a, struct consent_answer *out)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct consent_choice *c = &a->choice[i];
		if (!is_stop(c) || !concerns(a, c) || !about_address(a, c) || lifted(a, c))
			continue;
		if (!out->because || named_before(c, out->because)) {
			out->because = c;
			out->value = CONSENT_WITHDRAWN;
			out->rule = "stop";
		}
	}
}

/* Nobody chose; was there an import that would have? */
static void evaluate_nothing(const struct asking *a, struct consent_answer *out)
{
	out->rule = "nothing_recorded";
	for (size_t i = 0; i < a->n; i++) {
		const struct consent_choice *c = &a->choice[i];
		if (!concerns(a, c) || !cannot_raise(c) || !of_person(a, c))
			continue;
		if (!out->because || named_before(c, out->because))
			out->because = c;
		out->rule = "import";
	}
}

/* Was something chosen about the address by itself? */
static bool address_has_record(const struct asking *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct consent_choice *c = &a->choice[i];
		if (ref_none(&c->unit) && counts(a, c, NULL))
			return true;
	}
	return false;
}

static void evaluate_channel(const struct asking *a, struct consent_answer *out)
{
	memset(out, 0, sizeof *out);
	evaluate_stops(a, out);
	if (out->because)
		return;
	size_t units = a->q->unit_count, records = units + address_has_record(a);
	for (size_t i = 0; i < records; i++) {
		struct consent_answer unit = {.value = CONSENT_NOT_ASKED};
		evaluate_unit(a, i < units ? &a->q->unit[i] : NULL, &unit);
		join(out, &unit);
	}
	if (!out->because)
		evaluate_nothing(a, out);
	else if (out->value == CONSENT_PENDING)
		out->rule = "pending";
}

/* What stands against "every channel" first: what forbids or pends, then what nobody was asked. */
static int weight(enum consent_value v)
{
	if (v == CONSENT_NOT_ASKED)
		return CONSENT_GRANTED;
	return v == CONSENT_GRANTED ? CONSENT_NOT_ASKED : (int)v;
}

bool consent_plain_yes(const struct consent_choice *c)
{
	return c->value == CONSENT_GRANTED &&
	       (c->method == CONSENT_CUSTOMER || c->method == CONSENT_CONFIRMED ||
	        (c->method == CONSENT_IMPORT && c->has_text));
}

void consent_evaluate(const struct consent_choice *choices, size_t n,
                      const struct consent_question *q, struct consent_answer *out)
{
	struct asking a = {choices, n, q, q->channel};

	if (q->channel != CONSENT_ANY) {
		evaluate_channel(&a, out);
	} else {
		a.channel = CONSENT_EMAIL;
		evaluate_channel(&a, out);
		for (int c = CONSENT_EMAIL + 1; c < CONSENT_CHANNEL_COUNT; c++) {
			struct consent_answer one;
			a.channel = (enum consent_channel)c;
			evaluate_channel(&a, &one);
			if (weight(one.value) > weight(out->value))
				*out = one;
		}
	}
	out->allowed = out->value == CONSENT_GRANTED;
	if (q->restricted && q->purpose != CONSENT_LOYALTY) {
		out->allowed = false;
		out->rule = "restricted";
	}
}
