/* What a code's elements mean together. */
#include <string.h>

#include "identity/gs1_internal.h"
#include "identity/pan.h"

static bool is_one_of(const char *ai, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(ai, *list) == 0)
			return true;
	return false;
}

/* Bytes of a key that is all digits and ends with a check digit; 0: the AI is none. */
static size_t key_digits(const char *ai)
{
	static const char *const gtins[] = {"01", "02", "03", NULL};
	static const char *const eighteen[] = {"00", "8017", "8018", NULL};
	if (is_one_of(ai, gtins))
		return 14;
	if (strncmp(ai, "41", 2) == 0)
		return 13;
	return is_one_of(ai, eighteen) ? 18 : 0;
}

static enum ident_reason judge_value(const struct gs1_element *e)
{
	size_t key = key_digits(e->ai), digits = strspn(e->value, "0123456789");
	bool whole = key && digits == key && !e->value[digits];
	if (whole && ident_mod10(e->value))
		return IDENT_OK;
	if (pan_grouped(e->value, false))
		return IDENT_CARD_NUMBER;
	if (key)
		return whole ? IDENT_CHECK_DIGIT : IDENT_GS1_FORM;
	return IDENT_OK;
}

static const char *value_of(const struct gs1_code *code, const char *ai)
{
	for (int i = 0; i < code->count; i++)
		if (strcmp(code->element[i].ai, ai) == 0)
			return code->element[i].value;
	return NULL;
}

/* The worst of all values: a card number, then what is not well formed. */
static enum ident_reason judge_values(const struct gs1_code *code)
{
	enum ident_reason worst = IDENT_OK;
	for (int i = 0; i < code->count; i++) {
		const struct gs1_element *e = &code->element[i];
		enum ident_reason reason = judge_value(e);
		if (reason == IDENT_CARD_NUMBER)
			return reason;
		if (reason == IDENT_OK && strcmp(value_of(code, e->ai), e->value) != 0)
			reason = IDENT_GS1_FORM; /* twice, and not the same */
		if (worst == IDENT_OK)
			worst = reason;
	}
	return worst;
}

enum ident_reason gs1_judge(const struct gs1_code *code, char gsrn[GS1_GSRN_SIZE])
{
	static const char *const products[] = {"01", "02", "03", "8006", "8026", NULL};
	enum ident_reason reason = judge_values(code);
	const char *customer = value_of(code, "8018"), *provider = value_of(code, "8017");
	if (reason != IDENT_OK)
		return reason;
	if ((customer && provider) || (value_of(code, "8019") && !customer && !provider))
		return IDENT_GS1_FORM;
	if (provider)
		return IDENT_PROVIDER;
	if (customer) {
		memcpy(gsrn, customer, GS1_GSRN_SIZE);
		return IDENT_OK;
	}
	for (int i = 0; i < code->count; i++)
		if (is_one_of(code->element[i].ai, products))
			return IDENT_PRODUCT;
	return IDENT_GS1_OTHER;
}
