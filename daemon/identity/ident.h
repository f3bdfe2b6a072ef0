/* Identifiers: (kind, normal form), and how a value becomes its normal form.
 *
 * The three forms below are final: what HQ and every store hold is keyed by them.
 *   loyalty  the digits or letters of the card, upper case, as printed with prefix and check digit,
 *            accepted by one of the configured schemes
 *   phone    E.164, '+' and at most 15 digits (libphonenumber; national numbers by the default
 * region) email    trimmed, lower case, domain in its IDNA 2008 ASCII form A card number (PAN) is
 * none of these: pan_find comes before everything else.
 */
#ifndef LANEWAY_IDENTITY_IDENT_H
#define LANEWAY_IDENTITY_IDENT_H

#include <stdbool.h>
#include <stddef.h>

#define IDENT_VALUE_SIZE 321 /* longest normal form (an e-mail address) and NUL */

enum ident_kind { IDENT_NONE, IDENT_LOYALTY, IDENT_PHONE, IDENT_EMAIL, IDENT_KIND_COUNT };

const char *ident_kind_name(enum ident_kind kind); /* "none", "loyalty", "phone", "email" */
enum ident_kind ident_kind_of(const char *name);   /* IDENT_NONE if unknown */

enum loyalty_check {
	LOYALTY_CHECK_NONE,
	LOYALTY_CHECK_LUHN,
	LOYALTY_CHECK_EAN,
	LOYALTY_CHECK_MOD11
};

/* One scheme of the chain's cards: every value that starts with prefix, has this many characters in
 * all, and passes the check. */
struct loyalty_scheme {
	char name[33];
	char prefix[33];
	int length; /* 4 to 32 */
	enum loyalty_check check;
};

struct ident_rules {
	struct loyalty_scheme schemes[16];
	int scheme_count;
	char region[3];   /* ISO 3166 code for phone numbers without '+': "DE" */
	char ruleset[33]; /* version that stands in every decision */
};

/* Why a scheme cannot be used, or NULL: bad length, or a prefix inside a card issuer's range at a
 * length a card number can have (it would hide card numbers). Static text. */
const char *ident_scheme_fault(const struct loyalty_scheme *scheme);

/* As a configuration names it: none, luhn, ean or mod11; none for any other word. */
enum loyalty_check ident_check_named(const char *name);

bool ident_loyalty(const struct ident_rules *rules, const char *value, char out[IDENT_VALUE_SIZE]);
bool ident_email(const char *value, char out[IDENT_VALUE_SIZE]);

/* The normal form of a value whose kind is known, or whose kind must be found (IDENT_NONE: tried in
 * the rule table's order: loyalty, phone, email; without a kind only a number with '+' is taken for
 * a phone, or every unknown card would be one). false: it is none of them. */
bool ident_normalise(const struct ident_rules *rules, enum ident_kind *kind, const char *value,
                     char out[IDENT_VALUE_SIZE]);

/* Check digits, right-most digit checked. Digits only. */
bool ident_luhn(const char *digits);
bool ident_mod10(const char *digits); /* GS1, weights 3 1 3 1 from the right */
bool ident_mod11(const char *digits); /* weights 2 to 7 from the right, X not allowed */

/* Is there a card number in this text: 12 to 19 digits, possibly in groups split by single spaces
 * or hyphens, in an issuer's range with an issuer's length, Luhn right, and not a valid GTIN-13/14
 * where `product` says that a product code is expected. A '+' in front of 12 or 13 digits makes a
 * phone number of them. Full-width and Arabic digits count as digits. */
bool pan_find(const char *text, bool product);
/* The same, masked in place: every digit but the last four becomes '*'. How many were masked. */
int pan_mask(char *text);

#endif
