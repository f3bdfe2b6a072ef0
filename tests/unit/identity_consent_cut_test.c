/* A page line has room for so many choices. Whatever is left out as HQ leaves it out (WIRE.md,
 * section 10), nothing is allowed by the rest that all of them together forbid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../property/property.h"
#include "identity/consent.h"

#define CASES 20000
#define CHOICES_MAX 10 /* HQ's */
#define OWN_MAX 3      /* the store's, that HQ does not include yet */
#define UNITS 3

static struct ref named(uint8_t kind, unsigned n)
{
	struct ref r = {{kind, (uint8_t)(n + 1)}};
	return r;
}

struct drawn {
	struct consent_choice choice[CHOICES_MAX + OWN_MAX];
	struct ref covers[CHOICES_MAX + OWN_MAX][UNITS];
	size_t count, own;
};

static void draw(struct property_random *r, struct drawn *d, size_t i)
{
	struct consent_choice *c = &d->choice[i];

	*c = (struct consent_choice){
	    .id = named(1, (unsigned)i),
	    .purpose = CONSENT_MARKETING,
	    .channel = property_below(r, 3) ? CONSENT_EMAIL : CONSENT_ANY,
	    .value = property_below(r, 2)   ? CONSENT_GRANTED
	             : property_below(r, 2) ? CONSENT_REFUSED
	                                    : CONSENT_WITHDRAWN,
	    .method = (enum consent_method)property_below(r, CONSENT_METHOD_COUNT),
	    .has_text = property_below(r, 4) != 0,
	    .from_us = property_below(r, 12)};
	c->to_us = c->from_us + (property_below(r, 4) ? 0 : property_below(r, 4));
	if (c->method == CONSENT_STOP || c->method == CONSENT_COMPLAINT)
		c->value = CONSENT_WITHDRAWN;
	if (property_below(r, 3))
		c->address = named(2, property_below(r, 2));
	if (property_below(r, 8))
		c->unit = named(3, property_below(r, UNITS));
	c->covers = d->covers[i];
	for (unsigned u = 0; u < UNITS; u++) {
		struct ref unit = named(3, u);
		if (ref_same(&unit, &c->unit) || (!ref_none(&c->unit) && property_below(r, 4) == 0))
			d->covers[i][c->cover_count++] = unit;
	}
}

/* As HQ writes them: plain yeses last, of the rest the newest first. */
static int as_written(const void *a, const void *b)
{
	const struct consent_choice *x = a, *y = b;
	int yes = consent_plain_yes(x) - consent_plain_yes(y);

	if (yes)
		return yes;
	if (x->to_us != y->to_us)
		return x->to_us > y->to_us ? -1 : 1;
	return memcmp(&x->id, &y->id, sizeof x->id);
}

static bool allowed(const struct consent_choice *c, size_t n, unsigned units)
{
	const struct ref unit[UNITS] = {named(3, 0), named(3, 1), named(3, 2)};
	const struct consent_question q = {.purpose = CONSENT_MARKETING,
	                                   .channel = CONSENT_EMAIL,
	                                   .address = named(2, 0),
	                                   .unit = unit,
	                                   .unit_count = units};
	struct consent_answer a;

	consent_evaluate(c, n, &q, &a);
	return a.allowed;
}

/* The first k of HQ's, and the store's own; nothing where a no may be missing. */
static bool allowed_by_line(const struct drawn *d, size_t k, unsigned units)
{
	struct consent_choice c[CHOICES_MAX + OWN_MAX];
	size_t hqs = d->count - d->own;
	bool yes = false;

	for (size_t i = 0; i < k; i++)
		yes |= consent_plain_yes(&d->choice[i]);
	if (k < hqs && !yes)
		return false;
	memcpy(c, d->choice, k * sizeof *c);
	memcpy(c + k, d->choice + hqs, d->own * sizeof *c);
	return allowed(c, k + d->own, units);
}

/* HQ leaves out first what others of its own supersede. */
static void drop_superseded(struct drawn *d)
{
	size_t hqs = d->count - d->own, left = 0;
	bool over[CHOICES_MAX];

	consent_supersede(d->choice, hqs, over);
	for (size_t i = 0; i < d->count; i++) {
		if (i >= hqs || !over[i])
			d->choice[left++] = d->choice[i];
	}
	d->count = left;
}

static void what_is_left_out_makes_nothing_allowed(void **state)
{
	struct property p = {"identity_consent_cut_test", 20261122, CASES};
	static struct drawn d;
	unsigned yes = 0, cut_yes = 0;

	(void)state;
	for (uint64_t i = 0; i < p.count; i++) {
		struct property_random r = property_case(&p, i);
		unsigned units = 1 + property_below(&r, UNITS);
		memset(&d, 0, sizeof d);
		d.own = property_below(&r, OWN_MAX + 1);
		d.count = d.own + 1 + property_below(&r, CHOICES_MAX);
		for (size_t k = 0; k < d.count; k++)
			draw(&r, &d, k);
		qsort(d.choice, d.count - d.own, sizeof *d.choice, as_written);
		bool all = allowed(d.choice, d.count, units);
		yes += all;
		drop_superseded(&d);
		assert_int_equal(allowed_by_line(&d, d.count - d.own, units), all);
		for (size_t k = 0; k < d.count - d.own; k++) {
			bool cut = allowed_by_line(&d, k, units);
			cut_yes += cut;
			if (cut && !all)
				fail_msg("case %llu: the first %zu of %zu allow what all forbid",
				         (unsigned long long)i, k, d.count - d.own);
		}
	}
	assert_true(yes > CASES / 100);
	assert_true(cut_yes > CASES / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_left_out_makes_nothing_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
