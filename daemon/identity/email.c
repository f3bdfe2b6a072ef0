/* E-mail addresses in their normal form. Allocates: libidn2 does. */
#include <idn2.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/text.h"
#include "identity/ident.h"

#define LOCAL_BYTES_MAX 64   /* RFC 5321, 4.5.3.1.1 */
#define DOMAIN_BYTES_MAX 253 /* RFC 1035, in its ASCII form without the root's dot */

_Static_assert(LOCAL_BYTES_MAX + 1 + DOMAIN_BYTES_MAX < IDENT_VALUE_SIZE, "an address fits");

/* Bytes of the white space or invisible character at p, 0 if there is none. */
static size_t space_len(const char *p)
{
	static const char *const spaces[] = {" ",
	                                     "\t",
	                                     "\n",
	                                     "\r",
	                                     "\v",
	                                     "\f",
	                                     "\xc2\x85",
	                                     "\xc2\xa0",
	                                     "\xe1\x9a\x80",
	                                     "\xe2\x80\xa8",
	                                     "\xe2\x80\xa9",
	                                     "\xe2\x80\xaf",
	                                     "\xe2\x81\x9f",
	                                     "\xe3\x80\x80",
	                                     "\xef\xbb\xbf"};
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
		size_t n = strlen(spaces[i]);
		if (strncmp(p, spaces[i], n) == 0)
			return n;
	}
	/* U+2000 to U+200B: the spaces of the typesetters, and the one without width. */
	bool typeset = memcmp(p, "\xe2", 1) == 0 && (unsigned char)p[1] == 0x80 &&
	               (unsigned char)p[2] >= 0x80 && (unsigned char)p[2] <= 0x8b;
	return typeset ? 3 : 0;
}

/* What is left between white space. */
static const char *trim(const char *value, size_t *len)
{
	while (*value && space_len(value) > 0)
		value += space_len(value);
	const char *end = value;
	for (const char *p = value; *p;) {
		size_t n = space_len(p);
		p += n ? n : 1;
		if (n == 0)
			end = p;
	}
	*len = (size_t)(end - value);
	return value;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Lower case and composed (NFC), whatever the script. Bytes, or 0: it does not fit. */
static size_t fold(const char *text, size_t len, char *out, size_t size)
{
	UChar wide[IDENT_VALUE_SIZE], small[2 * IDENT_VALUE_SIZE], composed[2 * IDENT_VALUE_SIZE];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0;
	const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
	u_strFromUTF8(wide, IDENT_VALUE_SIZE, &n, text, (int32_t)len, &status);
	n = u_strToLower(small, 2 * IDENT_VALUE_SIZE, wide, n, "", &status);
	n = unorm2_normalize(nfc, small, n, composed, 2 * IDENT_VALUE_SIZE, &status);
	u_strToUTF8(out, (int32_t)size, &n, composed, n, &status);
	return U_SUCCESS(status) && (size_t)n < size ? (size_t)n : 0;
}

/* Letters, digits and their marks are an address's; pictures, marks of direction and what is not
 * seen are not. */
static bool ordinary(const char *text, size_t len)
{
	UChar wide[IDENT_VALUE_SIZE];
	UChar32 chars[IDENT_VALUE_SIZE];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0;
	u_strFromUTF8(wide, IDENT_VALUE_SIZE, &n, text, (int32_t)len, &status);
	u_strToUTF32(chars, IDENT_VALUE_SIZE, &n, wide, n, &status);
	for (int32_t i = 0; U_SUCCESS(status) && i < n; i++)
		if (chars[i] >= 0x80 &&
		    (u_hasBinaryProperty(chars[i], UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
		     !(U_GET_GC_MASK(chars[i]) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK))))
			return false;
	return U_SUCCESS(status);
}

/* An RFC 5321 dot-string, with UTF-8 as in RFC 6531; quoted local parts are refused. Its bytes in
 * out, or 0. */
static size_t put_local(const char *local, size_t len, char *out)
{
	if (len == 0 || len > LOCAL_BYTES_MAX || local[0] == '.' || local[len - 1] == '.')
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (space_len(local + i) > 0 || strchr("\"(),:;<>@[\\]", local[i]))
			return 0;
		if (local[i] == '.' && local[i + 1] == '.')
			return 0;
	}
	return ordinary(local, len) ? fold(local, len, out, LOCAL_BYTES_MAX + 1) : 0;
}

/* A host name of the public net: labels of letters, digits and inner hyphens, at least two of them,
 * the last one no number. */
static bool public_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *label = name;
	size_t labels = 0;
	for (;; label++) {
		size_t n = strspn(label, allowed);
		if (n == 0 || label[0] == '-' || label[n - 1] == '-')
			return false;
		labels++;
		if (!label[n])
			return labels > 1 && strspn(label, "0123456789") < n;
		if (label[n] != '.')
			return false;
		label += n;
	}
}

/* UTS 46, not transitional. The library's own check of host names (IDN2_USE_STD3_ASCII_RULES) is
 * not used: 2.3.3 removes what it forbids and calls the rest good. */
static bool put_domain(const char *domain, char *out)
{
	uint8_t *ascii = NULL;
	if (idn2_lookup_u8((const uint8_t *)domain, &ascii,
	                   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	char *name = (char *)ascii;
	for (char *p = name; *p; p++)
		*p = lower(*p);
	bool ok = strlen(name) <= DOMAIN_BYTES_MAX && public_name(name);
	if (ok)
		memcpy(out, name, strlen(name) + 1);
	idn2_free(ascii);
	return ok;
}

bool ident_email(const char *value, char out[IDENT_VALUE_SIZE])
{
	char text[IDENT_VALUE_SIZE] = "", nf[IDENT_VALUE_SIZE];
	size_t len;
	value = trim(value, &len);
	if (len >= sizeof text || !text_utf8_ok(value, len) || text_has_control(value, len))
		return false;
	memcpy(text, value, len);
	text[len] = 0;
	const char *at = strchr(text, '@'); /* a second one is no part of a domain */
	if (!at)
		return false;
	size_t local = put_local(text, (size_t)(at - text), nf);
	if (local == 0)
		return false;
	nf[local] = '@';
	if (!put_domain(at + 1, nf + local + 1))
		return false;
	memcpy(out, nf, strlen(nf) + 1);
	return true;
}

void ident_email_typed(const char *value, const char *normal, char out[IDENT_VALUE_SIZE])
{
	char again[IDENT_VALUE_SIZE];
	size_t n;
	const char *typed = trim(value, &n);

	out[0] = '\0';
	if (n >= IDENT_VALUE_SIZE || !ident_email(value, again) || strcmp(again, normal) != 0)
		return;
	memcpy(out, typed, n);
	out[n] = '\0';
	if (strcmp(out, normal) == 0)
		out[0] = '\0';
}

bool ident_email_uid2(const char *value, char out[IDENT_VALUE_SIZE])
{
	char nf[IDENT_VALUE_SIZE], folded[IDENT_VALUE_SIZE];
	size_t len;
	if (!ident_email(value, nf))
		return false;
	value = trim(value, &len);
	if (fold(value, len, folded, sizeof folded) == 0)
		return false;
	char *at = strchr(folded, '@');
	if (strcmp(at, "@gmail.com") == 0) {
		char *to = folded;
		for (const char *p = folded; p < at && *p != '+'; p++)
			if (*p != '.')
				*to++ = *p;
		if (to == folded)
			return false;
		memmove(to, at, strlen(at) + 1);
	}
	memcpy(out, folded, strlen(folded) + 1);
	return true;
}
