/* Any value becomes its normal form, or a reason. */
#include "identity/ident.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "identity/gs1.h"
#include "identity/ident_internal.h"
#include "identity/pan.h"

#define AIM_BYTES 3 /* "]C1" */
#define CARD_DIGITS_MIN 12
#define PRESENTED_BYTES_MAX 8191 /* longest value a source may hand in */

_Static_assert(PRESENTED_BYTES_MAX <= PAN_GROUPED_BYTES_MAX, "a value is looked at to its end");

/* Is there a card number in one identifier? In a web address each part is another number. */
static bool has_card_number(const char *text, bool product)
{
	return pan_find(text, product) || (!gs1_link(text) && pan_grouped(text, product));
}

static bool has_long_run(const char *text)
{
	for (size_t n; *text; text += n ? n : 1) {
		n = strspn(text, "0123456789");
		if (n >= CARD_DIGITS_MIN)
			return true;
	}
	return false;
}

/* The value as it came, without any card number: masked before the cut, which could leave the front
 * of one, and after it, because a cut makes a long number a short one. Where the digits of a code
 * run on without a gap, no window of them is looked at (pan.c says why): if a card number was seen
 * in one and may still be there, all digits go. */
static void present(struct ident_form *out, const char *value)
{
	char whole[PRESENTED_BYTES_MAX + 1];
	text_fit(whole, sizeof whole, value);
	bool hidden = pan_mask(whole) == 0 || has_long_run(whole);
	if ((out->reason == IDENT_CARD_NUMBER && hidden) || pan_grouped(whole, false))
		pan_mask_digits(whole);
	text_fit(out->value, sizeof out->value, whole);
	pan_mask(out->value);
	explicit_bzero(whole, sizeof whole);
	if (!text_utf8_ok(out->value, strlen(out->value)))
		out->value[0] = 0;
}

/* What is no text at all. */
static enum ident_reason unreadable(const char *text, bool separators)
{
	size_t n = strlen(text);
	if (n == 0)
		return IDENT_EMPTY;
	if (!text_utf8_ok(text, n))
		return IDENT_NOT_TEXT;
	for (const char *p = text; *p; p++)
		if (text_has_control(p, 1) && !(separators && *p == GS1_SEPARATOR))
			return IDENT_CONTROL;
	return IDENT_OK;
}

/* A code that says itself that it is GS1's. IDENT_LINK: a link, but none of those. */
static enum ident_reason read_code(const struct ident_rules *rules, const char *text,
                                   const char *symbology, struct ident_form *out)
{
	enum ident_reason reason = gs1_link(text) && !gs1_symbology(symbology)
	                               ? gs1_link_read(rules, text, out->value)
	                               : gs1_read(text, out->value);
	if (reason == IDENT_OK)
		out->kind = IDENT_GSRN;
	return reason;
}

/* text: trimmed. */
static enum ident_reason normalise(const struct ident_rules *rules, const char *text,
                                   const char *symbology, struct ident_form *out)
{
	bool open = out->kind == IDENT_NONE || out->kind == IDENT_GSRN;
	bool ean = symbology && strncmp(symbology, "]E", 2) == 0;
	bool code = open && !ean && (gs1_symbology(symbology) || gs1_text(text) || gs1_link(text));
	enum ident_reason reason = unreadable(text, open);
	if (reason == IDENT_OK && code) {
		reason = read_code(rules, text, symbology, out);
		if (reason != IDENT_LINK)
			return reason;
	}
	if (out->kind == IDENT_GSRN && gs1_gsrn_ok(text))
		return ident_gsrn(text, out->value);
	if (has_card_number(text, ean))
		return IDENT_CARD_NUMBER;
	if (reason != IDENT_OK && reason != IDENT_LINK)
		return reason;
	if (strlen(text) >= IDENT_VALUE_SIZE)
		return IDENT_TOO_LONG;
	if (reason == IDENT_LINK && out->kind == IDENT_GSRN)
		return reason;
	return ean && out->kind == IDENT_NONE ? ident_in_ean(rules, text, out)
	                                      : ident_as_kind(rules, text, out);
}

/* Without white space around it. false: longer than anything may be. */
static bool trimmed(const char *value, char text[PRESENTED_BYTES_MAX + 1])
{
	static const char space[] = " \t\r\n\v\f";
	value += strspn(value, space);
	size_t n = strnlen(value, PRESENTED_BYTES_MAX + 1);
	if (n > PRESENTED_BYTES_MAX)
		return false;
	while (n > 0 && strchr(space, value[n - 1]))
		n--;
	memcpy(text, value, n);
	text[n] = 0;
	return true;
}

/* A scanner that sends AIM identifiers though the configuration does not know of it. No identifier
 * of any kind begins like one. */
static bool aim_in_front(const char *value, char aim[AIM_BYTES + 1])
{
	if (value[0] != ']' || !isalpha((unsigned char)value[1]) ||
	    !isalnum((unsigned char)value[2]))
		return false;
	memcpy(aim, value, AIM_BYTES);
	aim[AIM_BYTES] = 0;
	return true;
}

enum ident_reason ident_normalise(const struct ident_rules *rules, const struct ident_given *given,
                                  struct ident_form *out)
{
	char text[PRESENTED_BYTES_MAX + 1], aim[AIM_BYTES + 1];
	const char *symbology = given->symbology, *value = given->value;
	text[0] = 0;
	*out = (struct ident_form){.kind = given->kind};
	if (!symbology && given->kind == IDENT_NONE && aim_in_front(value, aim)) {
		symbology = aim;
		value += AIM_BYTES;
	}
	if (trimmed(value, text))
		out->reason = normalise(rules, text, symbology, out);
	else
		out->reason = pan_find(given->value, false) ? IDENT_CARD_NUMBER : IDENT_TOO_LONG;
	explicit_bzero(text, strlen(text));
	if (out->reason == IDENT_OK)
		return IDENT_OK;
	if (out->reason == IDENT_CARD_NUMBER || given->kind == IDENT_NONE)
		out->kind = IDENT_NONE;
	out->value[0] = 0;
	if (given->kind != IDENT_PAR)
		present(out, given->value);
	return out->reason;
}
