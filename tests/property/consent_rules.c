#include "consent_rules.h"

#include <stddef.h>

#define ITSELF 0 /* the address, in the place of a unit */
#define UNIT_MAX 30

struct log {
	const struct rules_choice *c;
	int n;
	const struct rules_ask *ask;
};

static bool in(unsigned set, int unit)
{
	return unit > 0 && (set >> unit & 1);
}

static bool speaks_of_it(const struct log *l, const struct rules_choice *c)
{
	return c->purpose == l->ask->purpose &&
	       (c->channel == EVERY || c->channel == l->ask->channel);
}

static bool from_the_address(const struct rules_choice *c)
{
	return c->way == STOP || c->way == COMPLAINT;
}

static bool is_no(const struct rules_choice *c)
{
	return c->word == NO || from_the_address(c);
}

/* Rule 8: it waits for the address's owner. */
static bool typed(const struct rules_choice *c)
{
	return !is_no(c) && c->purpose == MARKETING && c->address &&
	       (c->way == TILL || c->way == PAPER || c->way == STAFF);
}

/* Rules 4, 7 and 8: a yes that is one, for this very address. */
static bool is_yes(const struct log *l, const struct rules_choice *c)
{
	return !is_no(c) && !typed(c) && speaks_of_it(l, c) && c->address == l->ask->address &&
	       (c->way != IMPORT || c->text);
}

/* Whom a yes speaks for: a merged profile's only while the one who said it belongs to it. */
static bool grants_to(const struct log *l, const struct rules_choice *c, int unit)
{
	if (unit == ITSELF)
		return c->address && c->address == l->ask->address &&
		       (c->unit == 0 || (c->way == CONFIRMED && in(l->ask->person, c->unit)));
	return c->unit == unit || (in(c->covers, unit) && in(l->ask->person, c->unit));
}

/* Whom a no speaks for: all whom it met, for ever (rule 6). */
static bool denies_to(const struct log *l, const struct rules_choice *c, int unit)
{
	if (c->address && c->address != l->ask->address)
		return false;
	if (unit == ITSELF)
		return c->address && c->unit == 0 && !from_the_address(c);
	return c->unit == unit || in(c->covers, unit);
}

static bool yes_after(const struct log *l, int unit, long moment)
{
	for (int i = 0; i < l->n; i++) {
		if (is_yes(l, &l->c[i]) && grants_to(l, &l->c[i], unit) && l->c[i].from > moment)
			return true;
	}
	return false;
}

/* Rule 1: forbidden where nobody said yes. */
static bool nobody_said_yes(const struct log *l)
{
	for (int i = 0; i < l->n; i++) {
		const struct rules_choice *c = &l->c[i];
		bool own = in(l->ask->person, c->unit) || (c->unit == 0 && c->address);
		if (is_yes(l, c) && own)
			return false;
	}
	return true;
}

/* Rules 2, 3 and 6: forbidden where one of the units has a no that no yes to it came surely after.
 */
static bool a_no_stands(const struct log *l, int unit)
{
	for (int i = 0; i < l->n; i++) {
		const struct rules_choice *c = &l->c[i];
		if (is_no(c) && speaks_of_it(l, c) && denies_to(l, c, unit) &&
		    !yes_after(l, unit, c->to))
			return true;
	}
	return false;
}

/* Rule 5: forbidden by a STOP on the address, whoever has it, unless the address itself and this
 * person said yes surely after it. */
static bool a_stop_stands(const struct log *l)
{
	for (int i = 0; i < l->n; i++) {
		const struct rules_choice *s = &l->c[i];
		bool lifted = false;
		if (!from_the_address(s) || !speaks_of_it(l, s) || !s->address ||
		    s->address != l->ask->address)
			continue;
		for (int k = 0; k < l->n; k++) {
			const struct rules_choice *c = &l->c[k];
			lifted =
			    lifted || (c->way == CONFIRMED && is_yes(l, c) && c->from > s->to &&
			               (c->unit == 0 || in(l->ask->person, c->unit)));
		}
		if (!lifted)
			return true;
	}
	return false;
}

/* The address said yes to this unit, surely after every no. */
static bool confirmed(const struct log *l, int unit)
{
	long last_no = -1;
	for (int i = 0; i < l->n; i++) {
		const struct rules_choice *c = &l->c[i];
		if (is_no(c) && speaks_of_it(l, c) && denies_to(l, c, unit) && c->to > last_no)
			last_no = c->to;
	}
	for (int i = 0; i < l->n; i++) {
		const struct rules_choice *c = &l->c[i];
		if (c->way == CONFIRMED && is_yes(l, c) && grants_to(l, c, unit) &&
		    c->from > last_no)
			return true;
	}
	return false;
}

/* Rule 8: forbidden while what was typed waits. */
static bool a_typed_one_waits(const struct log *l, int unit)
{
	for (int i = 0; i < l->n; i++) {
		const struct rules_choice *c = &l->c[i];
		if (typed(c) && speaks_of_it(l, c) && c->address == l->ask->address &&
		    grants_to(l, c, unit) && !yes_after(l, unit, c->to) && !confirmed(l, unit))
			return true;
	}
	return false;
}

static const char *forbid_on_one_channel(const struct log *l)
{
	if (a_stop_stands(l))
		return "5: a STOP on the address";
	if (nobody_said_yes(l))
		return "1: nobody said yes";
	for (int unit = 0; unit <= UNIT_MAX; unit++) {
		if (unit != ITSELF && !in(l->ask->person, unit))
			continue;
		if (a_no_stands(l, unit))
			return "2, 3, 6: a no that no yes came surely after";
		if (a_typed_one_waits(l, unit))
			return "8: it waits for the address";
	}
	return NULL;
}

const char *rules_forbid(const struct rules_choice *c, int n, const struct rules_ask *ask)
{
	struct rules_ask one = *ask;
	struct log l = {c, n, &one};
	const char *why = NULL;

	if (ask->restricted && ask->purpose != LOYALTY)
		return "restricted";
	if (ask->channel != EVERY)
		return forbid_on_one_channel(&l);
	for (int channel = EMAIL; channel < CHANNEL_COUNT && !why; channel++) {
		one.channel = (enum rules_channel)channel;
		why = forbid_on_one_channel(&l);
	}
	return why;
}
