/* Member tokens in wallet codes: opaque, with a prefix that the configuration declares. */
#include <string.h>

#include "identity/ident_internal.h"

/* What a token is made of: enough for base64url, UUIDs and links; no quotes, no '@'. */
static const char token_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/+=?&";

static bool all_digits(const char *text)
{
	return !text[strspn(text, "0123456789")];
}

/* The check is made over the digits behind a prefix that is none itself, else over the whole. */
static enum ident_reason judge(const struct ident_scheme *s, const char *token)
{
	const char *rest = token + strlen(s->prefix);
	if (rest[strspn(rest, token_chars)])
		return IDENT_LETTERS;
	if (s->check == IDENT_CHECK_NONE)
		return IDENT_OK;
	if (!all_digits(rest))
		return IDENT_LETTERS;
	return ident_check_ok(s->check, all_digits(s->prefix) ? token : rest) ? IDENT_OK
	                                                                      : IDENT_CHECK_DIGIT;
}

static bool begins(const struct ident_scheme *s, const char *value)
{
	return strncmp(value, s->prefix, strlen(s->prefix)) == 0;
}

/* Whatever else may claim it. */
static bool rotates(const struct ident_rules *rules, const char *value, size_t len)
{
	for (int i = 0; i < rules->wallet_count; i++) {
		const struct ident_scheme *s = &rules->wallets[i];
		if (s->rotating && begins(s, value) && (s->length == 0 || len == (size_t)s->length))
			return true;
	}
	return false;
}

enum ident_reason ident_wallet(const struct ident_rules *rules, const char *value,
                               char out[IDENT_VALUE_SIZE])
{
	char token[IDENT_WALLET_LENGTH_MAX + 1];
	enum ident_reason reason = IDENT_SCHEME;
	value += strspn(value, " ");
	size_t len = strlen(value);
	while (len > 0 && value[len - 1] == ' ')
		len--;
	if (rotates(rules, value, len))
		return IDENT_ROTATING;
	if (len >= sizeof token)
		return IDENT_SCHEME;
	memcpy(token, value, len);
	token[len] = 0;
	for (int i = 0; i < rules->wallet_count; i++) {
		const struct ident_scheme *s = &rules->wallets[i];
		if (s->rotating || len != (size_t)s->length || !begins(s, token))
			continue;
		reason = judge(s, token);
		if (reason == IDENT_OK) {
			memcpy(out, token, len + 1);
			return IDENT_OK;
		}
	}
	return reason;
}
