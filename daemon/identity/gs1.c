/* Element strings. */
#include "identity/gs1.h"

#include <ctype.h>
#include <string.h>

#include "identity/gs1_internal.h"

static const char digits10[] = "0123456789";

bool gs1_symbology(const char *aim)
{
	static const char *const ids[] = {"]C1", "]e0", "]e1", "]d2", "]d5",
	                                  "]Q3", "]Q4", "]J1", "]z1"};
	for (size_t i = 0; aim && i < sizeof ids / sizeof *ids; i++)
		if (strcmp(aim, ids[i]) == 0)
			return true;
	return false;
}

/* By the first two digits of an AI: how many digits it has, and how many bytes its value where no
 * separator ends it. */
static const struct {
	char first[3], last[3];
	unsigned char ai, value;
} forms[] = {
    {"00", "00", 2, 18}, {"01", "03", 2, 14}, {"04", "04", 2, 16}, {"10", "10", 2, 0},
    {"11", "19", 2, 6},  {"20", "20", 2, 2},  {"21", "22", 2, 0},  {"23", "25", 3, 0},
    {"30", "30", 2, 0},  {"31", "36", 4, 6},  {"37", "37", 2, 0},  {"39", "39", 4, 0},
    {"40", "40", 3, 0},  {"41", "41", 3, 13}, {"42", "42", 3, 0},  {"43", "43", 4, 0},
    {"70", "70", 4, 0},  {"71", "71", 3, 0},  {"72", "72", 4, 0},  {"80", "82", 4, 0},
    {"90", "99", 2, 0},
};

size_t gs1_ai(const char *digits, size_t *value)
{
	size_t n = strspn(digits, digits10);
	for (size_t i = 0; n >= 2 && i < sizeof forms / sizeof *forms; i++) {
		if (memcmp(digits, forms[i].first, 2) < 0 || memcmp(digits, forms[i].last, 2) > 0)
			continue;
		*value = forms[i].value;
		return forms[i].ai <= n ? forms[i].ai : 0;
	}
	return 0;
}

bool gs1_add(struct gs1_code *code, const char *ai, size_t ai_len, const char *value, size_t len)
{
	struct gs1_element *e = &code->element[code->count];
	if (code->count == GS1_AIS_MAX || len == 0 || len > GS1_VALUE_BYTES_MAX ||
	    ai_len > GS1_AI_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] >= 0x7f)
			return false;
	memcpy(e->ai, ai, ai_len);
	e->ai[ai_len] = 0;
	memcpy(e->value, value, len);
	e->value[len] = 0;
	code->count++;
	return true;
}

/* AI and value after each other; a separator ends a value whose length the AI does not fix. */
static bool read_plain(const char *p, struct gs1_code *code)
{
	while (*p) {
		size_t fixed, ai = gs1_ai(p, &fixed), rest;
		if (*p == GS1_SEPARATOR) {
			p++;
			continue;
		}
		if (ai == 0)
			return false;
		rest = strcspn(p + ai, "\x1d");
		if (fixed > rest || !gs1_add(code, p, ai, p + ai, fixed ? fixed : rest))
			return false;
		p += ai + (fixed ? fixed : rest);
	}
	return code->count > 0;
}

/* "(8018)": its length, 0 if there is none. */
static size_t bracket(const char *p)
{
	size_t n = *p == '(' ? strspn(p + 1, digits10) : 0;
	return n >= 2 && n <= GS1_AI_DIGITS_MAX && p[n + 1] == ')' ? n + 2 : 0;
}

static bool read_bracketed(const char *p, struct gs1_code *code)
{
	size_t b, fixed;
	while ((b = bracket(p)) > 0) {
		const char *value = p + b, *end = value;
		while (*end && bracket(end) == 0)
			end++;
		if (gs1_ai(p + 1, &fixed) != b - 2 || (fixed && (size_t)(end - value) != fixed) ||
		    !gs1_add(code, p + 1, b - 2, value, (size_t)(end - value)))
			return false;
		p = end;
	}
	return *p == 0 && code->count > 0;
}

bool gs1_gsrn_ok(const char *value)
{
	return strlen(value) == GS1_GSRN_SIZE - 1 && ident_mod10(value);
}

bool gs1_text(const char *value)
{
	char gsrn[GS1_GSRN_SIZE];
	if (bracket(value) || strchr(value, GS1_SEPARATOR))
		return true;
	if (strncmp(value, "8018", 4) != 0 && strncmp(value, "8017", 4) != 0)
		return false;
	if (strnlen(value, 4 + sizeof gsrn) != 4 + sizeof gsrn - 1)
		return false;
	return gs1_gsrn_ok(value + 4);
}

enum ident_reason gs1_read(const char *value, char gsrn[GS1_GSRN_SIZE])
{
	struct gs1_code code;
	char found[GS1_GSRN_SIZE];
	code.count = 0;
	bool ok = bracket(value) ? read_bracketed(value, &code) : read_plain(value, &code);
	/* What could not be read to its end is looked at for card numbers as far as it was, too. */
	enum ident_reason reason = code.count ? gs1_judge(&code, found) : IDENT_GS1_FORM;
	if (reason == IDENT_CARD_NUMBER)
		return reason;
	if (!ok)
		return IDENT_GS1_FORM;
	if (reason == IDENT_OK)
		memcpy(gsrn, found, sizeof found);
	return reason;
}
