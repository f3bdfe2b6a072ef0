/* tests/data/identity_vectors.json: one file that store and HQ are held to.
 *
 *   {"define": NAME, "loyalty": [...], ...}   rules by name
 *   {kind, region, in, out or null, ...}      a vector. kind "none": it is to be found ("found");
 *       "pan": pan_mask. scheme: the one loyalty scheme there is; rules: those of that name.
 *       symbology: AIM identifier. reason: why it is refused. country, foreign: of a phone.
 *       product: a product code is expected.
 */
#ifndef LANEWAY_TESTS_VECTORS_H
#define LANEWAY_TESTS_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "identity/ident.h"

#define VECTORS "tests/data/identity_vectors.json"

static inline const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static inline struct ident_scheme scheme_of(const json_t *from)
{
	struct ident_scheme s = {.length = (int)json_integer_value(json_object_get(from, "length")),
	                         .rotating = json_is_true(json_object_get(from, "rotating"))};
	const char *check = text_of(from, "check");
	assert_true(text_copy(s.prefix, sizeof s.prefix, text_of(from, "prefix")));
	s.check = check ? ident_check_named(check) : IDENT_CHECK_NONE;
	return s;
}

static inline void schemes_of(const json_t *list, bool wallet, struct ident_scheme *out, int *count)
{
	size_t i;
	json_t *one;
	json_array_foreach((json_t *)list, i, one)
	{
		out[*count] = scheme_of(one);
		const char *fault =
		    wallet ? ident_wallet_fault(&out[*count]) : ident_scheme_fault(&out[*count]);
		if (fault)
			fail_msg("%s: %s", out[*count].prefix, fault);
		(*count)++;
	}
}

static inline void no_clash(const struct ident_scheme *a, int n, const struct ident_scheme *b,
                            int m)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < m; k++)
			if (ident_scheme_clash(&a[i], &b[k]))
				fail_msg("%s and %s claim the same", a[i].prefix, b[k].prefix);
}

static inline void defined(const json_t *vectors, const char *name, struct ident_rules *r)
{
	size_t i, k;
	json_t *d, *one;
	json_array_foreach((json_t *)vectors, i, d)
	{
		if (!text_of(d, "define") || strcmp(text_of(d, "define"), name) != 0)
			continue;
		schemes_of(json_object_get(d, "loyalty"), false, r->schemes, &r->scheme_count);
		schemes_of(json_object_get(d, "wallet"), true, r->wallets, &r->wallet_count);
		schemes_of(json_object_get(d, "account"), false, r->accounts, &r->account_count);
		json_array_foreach(json_object_get(d, "domains"), k, one) text_copy(
		    r->domains[r->domain_count++], sizeof r->domains[0], json_string_value(one));
		json_array_foreach(json_object_get(d, "gs1_prefixes"), k, one)
		    text_copy(r->gs1_prefixes[r->gs1_prefix_count++], sizeof r->gs1_prefixes[0],
		              json_string_value(one));
		no_clash(r->schemes, r->scheme_count, r->wallets, r->wallet_count);
		no_clash(r->schemes, r->scheme_count, r->accounts, r->account_count);
		no_clash(r->wallets, r->wallet_count, r->accounts, r->account_count);
		return;
	}
	fail_msg("no rules of the name %s", name);
}

static inline void rules_of(const json_t *vectors, const json_t *vector, struct ident_rules *r)
{
	const json_t *scheme = json_object_get(vector, "scheme");
	*r = (struct ident_rules){.ruleset = "1"};
	text_copy(r->region, sizeof r->region, text_of(vector, "region"));
	if (scheme)
		r->schemes[r->scheme_count++] = scheme_of(scheme);
	if (text_of(vector, "rules"))
		defined(vectors, text_of(vector, "rules"), r);
}

typedef void vector_fn(const json_t *vectors, const json_t *vector);

/* How many there were. */
static inline size_t each_vector(vector_fn *fn)
{
	json_error_t error;
	json_t *vectors = json_load_file(VECTORS, JSON_ALLOW_NUL, &error), *vector;
	size_t i, n = 0;
	if (!vectors)
		fail_msg("%s:%d: %s", VECTORS, error.line, error.text);
	json_array_foreach(vectors, i, vector)
	{
		if (text_of(vector, "define"))
			continue;
		fn(vectors, vector);
		n++;
	}
	json_decref(vectors);
	return n;
}

#endif
