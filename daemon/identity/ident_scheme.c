/* Numbers of the chain's own: which ones are, and which schemes cannot be. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "identity/ident_internal.h"
#include "identity/pan.h"

#define LENGTH_MIN 4 /* shorter numbers are typed by accident */
#define LENGTH_MAX 32
#define WALLET_PREFIX_MIN 2 /* bytes: one alone would claim too much */

_Static_assert(LENGTH_MAX < sizeof((struct ident_scheme *)0)->prefix, "a prefix fits");

static bool scheme_claims(const struct ident_scheme *s, const char *nf)
{
	return strlen(nf) == (size_t)s->length &&
	       strncasecmp(nf, s->prefix, strlen(s->prefix)) == 0;
}

/* Upper case, without what only groups it. */
static enum ident_reason compact(const char *value, char nf[LENGTH_MAX + 1])
{
	size_t n = 0;
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if (c == ' ' || c == '-')
			continue;
		if (c >= 0x80 || !isalnum(c))
			return IDENT_LETTERS;
		if (n == LENGTH_MAX)
			return IDENT_SCHEME;
		nf[n++] = (char)toupper(c);
	}
	nf[n] = 0;
	return n ? IDENT_OK : IDENT_EMPTY;
}

enum ident_reason ident_number(const struct ident_scheme *schemes, int count, const char *value,
                               char out[IDENT_VALUE_SIZE])
{
	char nf[LENGTH_MAX + 1];
	enum ident_reason reason = compact(value, nf);
	if (reason != IDENT_OK)
		return reason;
	reason = IDENT_SCHEME;
	for (int i = 0; i < count; i++) {
		if (!scheme_claims(&schemes[i], nf))
			continue;
		if (ident_check_ok(schemes[i].check, nf)) {
			strcpy(out, nf);
			return IDENT_OK;
		}
		reason = nf[strspn(nf, "0123456789")] ? IDENT_LETTERS : IDENT_CHECK_DIGIT;
	}
	return reason;
}

/* A card number is looked for in the digits alone, whatever stands in front of them. */
static bool hides_card_numbers(const struct ident_scheme *scheme)
{
	size_t prefix = strlen(scheme->prefix);
	const char *tail = scheme->prefix + prefix;
	while (tail > scheme->prefix && isdigit((unsigned char)tail[-1]))
		tail--;
	size_t before = (size_t)(tail - scheme->prefix);
	return (*tail || prefix == 0) && pan_prefix_clash(tail, scheme->length - (int)before);
}

static const char hides_text[] = "prefix: inside a card issuer's range at a length that card "
                                 "numbers have; expected another prefix or length";

const char *ident_scheme_fault(const struct ident_scheme *scheme)
{
	size_t prefix = strlen(scheme->prefix), digits = strspn(scheme->prefix, "0123456789");
	if (scheme->length < LENGTH_MIN || scheme->length > LENGTH_MAX)
		return "length: expected 4 to 32 characters";
	if (prefix > (size_t)scheme->length)
		return "prefix: longer than the whole number; expected at most length";
	for (const char *p = scheme->prefix; *p; p++)
		if (!isascii(*p) || !isalnum((unsigned char)*p))
			return "prefix: expected letters A to Z and digits only";
	if (digits < prefix && scheme->check != IDENT_CHECK_NONE)
		return "prefix: has letters, but the check digit is made for digits only; expected "
		       "check none";
	return hides_card_numbers(scheme) ? hides_text : NULL;
}

const char *ident_wallet_fault(const struct ident_scheme *scheme)
{
	size_t prefix = strlen(scheme->prefix);
	bool any_length = scheme->rotating && scheme->length == 0;
	if (prefix < WALLET_PREFIX_MIN)
		return "prefix: too short to know a code by; expected at least 2 characters";
	if (scheme->prefix[strcspn(scheme->prefix, " \t")])
		return "prefix: has a space; expected none";
	if (any_length)
		return NULL;
	if (scheme->length < LENGTH_MIN || scheme->length > IDENT_WALLET_LENGTH_MAX)
		return "length: expected 4 to 128 characters, or none for a rotating code";
	if (prefix > (size_t)scheme->length)
		return "prefix: longer than the whole code; expected at most length";
	return !scheme->rotating && hides_card_numbers(scheme) ? hides_text : NULL;
}

bool ident_scheme_clash(const struct ident_scheme *a, const struct ident_scheme *b)
{
	size_t n = strlen(a->prefix), m = strlen(b->prefix);
	return (a->length == b->length || a->length == 0 || b->length == 0) &&
	       strncasecmp(a->prefix, b->prefix, n < m ? n : m) == 0;
}
