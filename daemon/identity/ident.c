/* Any value becomes its normal form, or a reason. */
#include "identity/ident.h"

#include <string.h>

#include "base/text.h"
#include "identity/ident_internal.h"
#include "identity/phone.h"

#define PRESENTED_BYTES_MAX 8191 /* longest value a source may hand in */

_Static_assert(PHONE_E164_SIZE <= IDENT_VALUE_SIZE, "a phone number fits");

/* --- what is kept of a refused value ---------------------------------------------------------- */

/* At most size - 1 bytes of src, never half a character. */
static void cut(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size);
	if (n == size)
		for (n--; n > 0 && ((unsigned char)src[n] & 0xc0) == 0x80;)
			n--;
	memcpy(dst, src, n);
	dst[n] = 0;
}

/* The value as it came, without any card number: masked before the cut, which could leave the front
 * of one, and after it, because a cut makes a long number a short one. */
static void present(struct ident_form *out, const char *value)
{
	char whole[PRESENTED_BYTES_MAX + 1];
	cut(whole, sizeof whole, value);
	pan_mask(whole);
	cut(out->value, sizeof out->value, whole);
	pan_mask(out->value);
	explicit_bzero(whole, sizeof whole);
}

/* --- each kind -------------------------------------------------------------------------------- */

static enum ident_reason phone(const struct ident_rules *rules, const char *value,
                               char out[IDENT_VALUE_SIZE])
{
	return strnlen(value, IDENT_VALUE_SIZE) < IDENT_VALUE_SIZE &&
	               phone_e164(value, rules->region, out)
	           ? IDENT_OK
	           : IDENT_PHONE_FORM;
}

static enum ident_reason email(const char *value, char out[IDENT_VALUE_SIZE])
{
	return ident_email(value, out) ? IDENT_OK : IDENT_EMAIL_FORM;
}

/* A number of nobody knows what kind is a phone number only when it says so itself: else every
 * unknown card would be one. */
static bool says_it_is_a_phone(const char *value)
{
	value += strspn(value, " \t");
	return *value == '+' || strncmp(value, "\xef\xbc\x8b", 3) == 0;
}

static enum ident_reason find_kind(const struct ident_rules *rules, const char *value,
                                   struct ident_form *out)
{
	enum ident_reason number =
	    ident_number(rules->schemes, rules->scheme_count, value, out->value);
	out->kind = IDENT_LOYALTY;
	if (number == IDENT_OK)
		return IDENT_OK;
	out->kind = IDENT_PHONE;
	if (says_it_is_a_phone(value))
		return phone(rules, value, out->value);
	out->kind = IDENT_EMAIL;
	if (email(value, out->value) == IDENT_OK)
		return IDENT_OK;
	out->kind = IDENT_NONE;
	return strchr(value, '@') ? IDENT_EMAIL_FORM : number;
}

static enum ident_reason normalise(const struct ident_rules *rules, const char *value,
                                   struct ident_form *out)
{
	if (pan_find(value, false))
		return IDENT_CARD_NUMBER;
	switch (out->kind) {
	case IDENT_LOYALTY:
		return ident_number(rules->schemes, rules->scheme_count, value, out->value);
	case IDENT_PHONE:
		return phone(rules, value, out->value);
	case IDENT_EMAIL:
		return email(value, out->value);
	case IDENT_NONE:
		return find_kind(rules, value, out);
	default:
		return IDENT_SCHEME;
	}
}

enum ident_reason ident_normalise(const struct ident_rules *rules, const struct ident_given *given,
                                  struct ident_form *out)
{
	*out = (struct ident_form){.kind = given->kind};
	out->reason = normalise(rules, given->value, out);
	if (out->reason == IDENT_OK)
		return IDENT_OK;
	if (out->reason == IDENT_CARD_NUMBER || given->kind == IDENT_NONE)
		out->kind = IDENT_NONE;
	present(out, given->value);
	return out->reason;
}
