/* Which choices say nothing any more.
 *
 * A choice may go when another one, said surely later, counts wherever it counts and does whatever
 * else it did. It does up to four things (consent.c): it may be the latest, or overlap the latest,
 * of a unit; what forbids keeps an older confirmation from counting (rule 8); a confirmation lifts
 * what forbids, and a STOP on its address; a STOP stands on its address. Nothing here depends on
 * who is one person with whom, so links and unlinks change nothing. */
#include "identity/consent.h"

static bool among(const struct consent_choice *c, const struct ref *unit)
{
	for (size_t i = 0; i < c->cover_count; i++) {
		if (ref_same(&c->covers[i], unit))
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

static bool confirms(const struct consent_choice *c)
{
	return c->method == CONSENT_CONFIRMED && c->value == CONSENT_GRANTED;
}

static bool cannot_raise(const struct consent_choice *c)
{
	return c->method == CONSENT_IMPORT && !c->has_text && !forbids(c);
}

/* Is everything that c is about what the other is about, too? */
static bool about_all_of(const struct consent_choice *by, const struct consent_choice *c)
{
	if (by->purpose != c->purpose || by->value == CONSENT_NOT_ASKED ||
	    (by->channel != CONSENT_ANY && by->channel != c->channel))
		return false;
	if (ref_same(&by->address, &c->address))
		return forbids(by) || !forbids(c) || !ref_none(&c->address);
	return ref_none(&by->address) && forbids(by);
}

/* Does it speak for this unit whenever c does, whoever is asked about? */
static bool speaks_for(const struct consent_choice *by, const struct consent_choice *c,
                       const struct ref *unit)
{
	if (ref_same(&by->unit, unit))
		return true;
	if (!among(by, unit))
		return false;
	/* A grant speaks for covered units only while its own unit is one of the person. */
	return forbids(by) || (!forbids(c) && ref_same(&by->unit, &c->unit));
}

static bool speaks_for_all_of(const struct consent_choice *by, const struct consent_choice *c)
{
	if (ref_none(&c->unit)) /* the address by itself: a STOP is no record of it */
		return ref_none(&by->unit) && ref_same(&by->address, &c->address) &&
		       is_stop(by) == is_stop(c);
	if (ref_none(&by->unit) || !speaks_for(by, c, &c->unit))
		return false;
	for (size_t i = 0; i < c->cover_count; i++) {
		if (!speaks_for(by, c, &c->covers[i]))
			return false;
	}
	return true;
}

/* What c does beside being the latest, or next to it. */
static bool does_all_of(const struct consent_choice *by, const struct consent_choice *c)
{
	bool same_address = ref_same(&by->address, &c->address);

	if (is_stop(c) && !ref_none(&c->address) && !(is_stop(by) && same_address))
		return false;
	if (confirms(c) && !ref_none(&c->address) &&
	    !(confirms(by) && same_address && ref_same(&by->unit, &c->unit)))
		return false;
	if (!forbids(c) || c->purpose != CONSENT_MARKETING)
		return true;
	return forbids(by) || (confirms(by) && same_address && !ref_none(&c->address));
}

bool consent_superseded(const struct consent_choice *c, const struct consent_choice *by)
{
	if (by->from_us <= c->to_us || c->value == CONSENT_NOT_ASKED)
		return false;
	if (cannot_raise(by) && !(cannot_raise(c) && ref_same(&by->unit, &c->unit)))
		return false;
	return about_all_of(by, c) && speaks_for_all_of(by, c) && does_all_of(by, c);
}

void consent_supersede(const struct consent_choice *choices, size_t n, bool *over)
{
	for (size_t i = 0; i < n; i++) {
		over[i] = false;
		for (size_t k = 0; k < n && !over[i]; k++)
			over[i] = consent_superseded(&choices[i], &choices[k]);
	}
}
