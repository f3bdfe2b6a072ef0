/* A value as one kind, and the kind of a value that nobody named. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "identity/gs1.h"
#include "identity/ident_internal.h"
#include "identity/phone.h"

static const char digits10[] = "0123456789";

_Static_assert(PHONE_E164_SIZE <= IDENT_VALUE_SIZE, "a phone number fits");
_Static_assert(IDENT_WALLET_LENGTH_MAX < IDENT_VALUE_SIZE, "a token fits");

/* --- each kind -------------------------------------------------------------------------------- */

static enum ident_reason phone(const struct ident_rules *rules, const char *value,
                               struct ident_form *out)
{
	static const enum ident_reason reasons[] = {
	    [PHONE_OK] = IDENT_OK,
	    [PHONE_EMPTY] = IDENT_EMPTY,
	    [PHONE_LETTERS] = IDENT_LETTERS,
	    [PHONE_EXTENSION] = IDENT_EXTENSION,
	    [PHONE_REGION] = IDENT_PHONE_REGION,
	    [PHONE_INVALID] = IDENT_PHONE_FORM,
	};
	struct phone number;
	enum phone_result result = phone_read(value, rules->region, &number);
	if (result == PHONE_OK) {
		text_copy(out->value, sizeof out->value, number.e164);
		text_copy(out->region, sizeof out->region, number.region);
		out->foreign = number.foreign;
	}
	return reasons[result];
}

static enum ident_reason email(const char *value, char out[IDENT_VALUE_SIZE])
{
	return ident_email(value, out) ? IDENT_OK : IDENT_EMAIL_FORM;
}

static enum ident_reason loyalty(const struct ident_rules *rules, const char *value,
                                 char out[IDENT_VALUE_SIZE])
{
	return ident_number(rules->schemes, rules->scheme_count, value, out);
}

static enum ident_reason account(const struct ident_rules *rules, const char *value,
                                 char out[IDENT_VALUE_SIZE])
{
	return ident_number(rules->accounts, rules->account_count, value, out);
}

/* A GSRN by itself. */
enum ident_reason ident_gsrn(const char *value, char out[IDENT_VALUE_SIZE])
{
	size_t n = strspn(value, digits10);
	if (value[n])
		return IDENT_LETTERS;
	if (n != GS1_GSRN_SIZE - 1)
		return IDENT_GS1_FORM;
	if (!gs1_gsrn_ok(value))
		return IDENT_CHECK_DIGIT;
	memcpy(out, value, GS1_GSRN_SIZE);
	return IDENT_OK;
}

/* --- whose kind nobody said ------------------------------------------------------------------- */

/* A number of nobody knows what kind is a phone number only when it says so itself: else every
 * unknown card would be one. */
static bool says_it_is_a_phone(const char *value)
{
	return *value == '+' || strncmp(value, "\xef\xbc\x8b", 3) == 0 ||
	       strncasecmp(value, "tel:", 4) == 0;
}

static bool has_own_gs1_prefix(const struct ident_rules *rules, const char *value)
{
	for (int i = 0; i < rules->gs1_prefix_count; i++)
		if (strncmp(value, rules->gs1_prefixes[i], strlen(rules->gs1_prefixes[i])) == 0)
			return strlen(value) == GS1_GSRN_SIZE - 1;
	return false;
}

/* GTIN-8, -12, -13 and -14. */
static bool is_product(const char *value)
{
	size_t n = strlen(value);
	return (n == 8 || (n >= 12 && n <= 14)) && ident_mod10(value);
}

/* One kind after the other until one fits. Otherwise the reason that helps most: that of a number
 * which nearly was one. */
static enum ident_reason find_number(const struct ident_rules *rules, const char *value,
                                     struct ident_form *out)
{
	static const struct {
		enum ident_kind kind;
		enum ident_reason (*read)(const struct ident_rules *rules, const char *value,
		                          char out[IDENT_VALUE_SIZE]);
	} kinds[] = {
	    {IDENT_LOYALTY, loyalty}, {IDENT_WALLET, ident_wallet}, {IDENT_ACCOUNT, account}};
	enum ident_reason best = IDENT_SCHEME;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		enum ident_reason reason = kinds[i].read(rules, value, out->value);
		if (reason == IDENT_OK) {
			out->kind = kinds[i].kind;
			return IDENT_OK;
		}
		bool near = best == IDENT_ROTATING || best == IDENT_CHECK_DIGIT;
		if (i == 0 || (!near && (reason == IDENT_ROTATING || reason == IDENT_CHECK_DIGIT)))
			best = reason;
	}
	return best;
}

/* UPC-A comes with a zero in front. */
enum ident_reason ident_in_ean(const struct ident_rules *rules, const char *value,
                               struct ident_form *out)
{
	enum ident_reason reason = find_number(rules, value, out);
	if (reason != IDENT_OK && *value == '0' && strlen(value) == 13)
		reason = find_number(rules, value + 1, out);
	return reason == IDENT_OK || reason == IDENT_CHECK_DIGIT ? reason : IDENT_PRODUCT;
}

/* Of a scan nobody can be asked whether the country was guessed right. */
static enum ident_reason find_phone(const struct ident_rules *rules, const char *value,
                                    struct ident_form *out)
{
	enum ident_reason reason = phone(rules, value, out);
	out->kind = IDENT_PHONE;
	if (!out->foreign)
		return reason;
	*out = (struct ident_form){.kind = IDENT_PHONE};
	return IDENT_PHONE_REGION;
}

static enum ident_reason find(const struct ident_rules *rules, const char *value,
                              struct ident_form *out)
{
	enum ident_reason number = find_number(rules, value, out);
	if (number == IDENT_OK || number == IDENT_ROTATING)
		return number;
	if (says_it_is_a_phone(value))
		return find_phone(rules, value, out);
	if (gs1_link(value))
		return number == IDENT_CHECK_DIGIT ? number : IDENT_LINK;
	if (strchr(value, '@')) {
		out->kind = IDENT_EMAIL;
		return email(value, out->value);
	}
	if (has_own_gs1_prefix(rules, value)) {
		out->kind = IDENT_GSRN;
		return ident_gsrn(value, out->value);
	}
	return number != IDENT_CHECK_DIGIT && is_product(value) ? IDENT_PRODUCT : number;
}

enum ident_reason ident_as_kind(const struct ident_rules *rules, const char *value,
                                struct ident_form *out)
{
	switch (out->kind) {
	case IDENT_LOYALTY:
		return loyalty(rules, value, out->value);
	case IDENT_PHONE:
		return phone(rules, value, out);
	case IDENT_EMAIL:
		return email(value, out->value);
	case IDENT_GSRN:
		return ident_gsrn(value, out->value);
	case IDENT_WALLET:
		return ident_wallet(rules, value, out->value);
	case IDENT_PAR:
		return ident_par(value, out->value);
	case IDENT_ACCOUNT:
		return account(rules, value, out->value);
	case IDENT_VAT_ID:
		return ident_vat(value, out->value);
	default:
		return find(rules, value, out);
	}
}
