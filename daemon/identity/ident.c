#include "identity/ident.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "identity/pan.h"
#include "identity/phone.h"

#define LOYALTY_LENGTH_MIN 4 /* shorter numbers are typed by accident */
#define LOYALTY_LENGTH_MAX 32

_Static_assert(LOYALTY_LENGTH_MAX < sizeof((struct loyalty_scheme *)0)->prefix, "a prefix fits");
_Static_assert(PHONE_E164_SIZE <= IDENT_VALUE_SIZE, "a phone number fits");

static const char *const kind_names[IDENT_KIND_COUNT] = {[IDENT_NONE] = "none",
                                                         [IDENT_LOYALTY] = "loyalty",
                                                         [IDENT_PHONE] = "phone",
                                                         [IDENT_EMAIL] = "email"};

const char *ident_kind_name(enum ident_kind kind)
{
	return kind_names[kind];
}

enum ident_kind ident_kind_of(const char *name)
{
	for (int kind = IDENT_NONE; kind < IDENT_KIND_COUNT; kind++)
		if (strcmp(kind_names[kind], name) == 0)
			return (enum ident_kind)kind;
	return IDENT_NONE;
}

/* --- check digits ----------------------------------------------------------------------------- */

/* A number of at least one digit and its check digit. */
static bool is_number(const char *digits)
{
	size_t n = strspn(digits, "0123456789");
	return n >= 2 && digits[n] == 0;
}

bool ident_luhn(const char *digits)
{
	if (!is_number(digits))
		return false;
	int sum = 0, i = 0;
	for (const char *p = digits + strlen(digits); p-- > digits; i++) {
		int v = (*p - '0') << (i & 1);
		sum += v > 9 ? v - 9 : v;
	}
	return sum % 10 == 0;
}

bool ident_mod10(const char *digits)
{
	if (!is_number(digits))
		return false;
	int sum = 0, i = 0;
	for (const char *p = digits + strlen(digits); p-- > digits; i++)
		sum += (*p - '0') * (i & 1 ? 3 : 1);
	return sum % 10 == 0;
}

bool ident_mod11(const char *digits)
{
	if (!is_number(digits))
		return false;
	const char *p = digits + strlen(digits) - 1;
	int sum = *p - '0', weight = 2;
	while (p-- > digits) {
		sum = (sum + (*p - '0') * weight) % 11;
		weight = weight == 7 ? 2 : weight + 1;
	}
	return sum % 11 == 0;
}

/* --- loyalty cards ---------------------------------------------------------------------------- */

static bool check_ok(enum loyalty_check check, const char *nf)
{
	switch (check) {
	case LOYALTY_CHECK_NONE:
		return true;
	case LOYALTY_CHECK_LUHN:
		return ident_luhn(nf);
	case LOYALTY_CHECK_EAN:
		return ident_mod10(nf);
	case LOYALTY_CHECK_MOD11:
		return ident_mod11(nf);
	}
	return false;
}

static bool scheme_accepts(const struct loyalty_scheme *s, const char *nf)
{
	return strlen(nf) == (size_t)s->length &&
	       strncasecmp(nf, s->prefix, strlen(s->prefix)) == 0 && check_ok(s->check, nf);
}

bool ident_loyalty(const struct ident_rules *rules, const char *value, char out[IDENT_VALUE_SIZE])
{
	char nf[LOYALTY_LENGTH_MAX + 1];
	size_t n = 0;
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if (c == ' ' || c == '-')
			continue;
		if (c >= 0x80 || !isalnum(c) || n == LOYALTY_LENGTH_MAX)
			return false;
		nf[n++] = (char)toupper(c);
	}
	nf[n] = 0;
	for (int i = 0; i < rules->scheme_count; i++)
		if (scheme_accepts(&rules->schemes[i], nf)) {
			memcpy(out, nf, n + 1);
			return true;
		}
	return false;
}

enum loyalty_check ident_check_named(const char *name)
{
	static const char *const names[] = {
	    [LOYALTY_CHECK_NONE] = "none",
	    [LOYALTY_CHECK_LUHN] = "luhn",
	    [LOYALTY_CHECK_EAN] = "ean",
	    [LOYALTY_CHECK_MOD11] = "mod11",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return (enum loyalty_check)i;
	return LOYALTY_CHECK_NONE;
}

const char *ident_scheme_fault(const struct loyalty_scheme *scheme)
{
	size_t prefix = strlen(scheme->prefix), digits = strspn(scheme->prefix, "0123456789");
	if (scheme->length < LOYALTY_LENGTH_MIN || scheme->length > LOYALTY_LENGTH_MAX)
		return "length: expected 4 to 32 characters";
	if (prefix > (size_t)scheme->length)
		return "prefix: longer than the whole number; expected at most length";
	for (const char *p = scheme->prefix; *p; p++)
		if (!isascii(*p) || !isalnum((unsigned char)*p))
			return "prefix: expected letters A to Z and digits only";
	if (digits < prefix && scheme->check != LOYALTY_CHECK_NONE)
		return "prefix: has letters, but the check digit is made for digits only; expected "
		       "check none";
	/* A card number is looked for in the digits alone, whatever letters stand in front of them.
	 */
	const char *tail = scheme->prefix + prefix;
	while (tail > scheme->prefix && isdigit((unsigned char)tail[-1]))
		tail--;
	size_t letters = (size_t)(tail - scheme->prefix);
	if ((*tail || prefix == 0) && pan_prefix_clash(tail, scheme->length - (int)letters))
		return "prefix: inside a card issuer's range at a length that card numbers have; "
		       "expected "
		       "another prefix or length";
	return NULL;
}

/* --- any kind --------------------------------------------------------------------------------- */

static bool phone(const struct ident_rules *rules, const char *value, char out[IDENT_VALUE_SIZE])
{
	return strnlen(value, IDENT_VALUE_SIZE) < IDENT_VALUE_SIZE &&
	       phone_e164(value, rules->region, out);
}

/* A number of nobody knows what kind is a phone number only when it says so itself: else every
 * unknown card would be one. */
static bool says_it_is_a_phone(const char *value)
{
	value += strspn(value, " \t");
	return *value == '+' || strncmp(value, "\xef\xbc\x8b", 3) == 0;
}

static enum ident_kind find_kind(const struct ident_rules *rules, const char *value,
                                 char out[IDENT_VALUE_SIZE])
{
	if (ident_loyalty(rules, value, out))
		return IDENT_LOYALTY;
	if (says_it_is_a_phone(value) && phone(rules, value, out))
		return IDENT_PHONE;
	return ident_email(value, out) ? IDENT_EMAIL : IDENT_NONE;
}

bool ident_normalise(const struct ident_rules *rules, enum ident_kind *kind, const char *value,
                     char out[IDENT_VALUE_SIZE])
{
	switch (*kind) {
	case IDENT_LOYALTY:
		return ident_loyalty(rules, value, out);
	case IDENT_PHONE:
		return phone(rules, value, out);
	case IDENT_EMAIL:
		return ident_email(value, out);
	default:
		*kind = find_kind(rules, value, out);
		return *kind != IDENT_NONE;
	}
}
