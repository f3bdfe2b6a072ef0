#include "base/text.h"

#include <string.h>
#include <unistd.h>

void text_hex(const void *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;
	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_unhex(const char *hex, void *out, size_t n)
{
	uint8_t *to = out;
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(hex[2 * i]);
		int low = high < 0 ? -1 : hex_value(hex[2 * i + 1]);
		if (low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return hex[2 * n] == 0;
}

static const char b64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void text_b64(const void *bytes, size_t n, char *out)
{
	const uint8_t *p = bytes;
	uint32_t bits = 0;
	int have = 0;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = b64_alphabet[bits >> (have - 6) & 63];
	}
	if (have > 0)
		*out++ = b64_alphabet[bits << (6 - have) & 63];
	*out = 0;
}

static int b64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

ssize_t text_unb64(const char *b64, size_t len, void *out, size_t max)
{
	uint8_t *to = out;
	size_t n = len / 4 * 3 + (len % 4) * 3 / 4;
	if (len % 4 == 1 || n > max)
		return -1;
	uint32_t bits = 0;
	int have = 0;
	for (size_t i = 0; i < len; i++) {
		int v = b64_value(b64[i]);
		if (v < 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*to++ = (uint8_t)(bits >> have);
		}
	}
	/* Bits left over must be zero, so that each value has one text. */
	return bits & ((1U << have) - 1) ? -1 : (ssize_t)n;
}

/* Length of the well-formed sequence at p, 0 if there is none. */
static size_t utf8_sequence(const uint8_t *p, size_t n)
{
	static const struct {
		uint8_t first_min, first_max, second_min, second_max, len;
	} forms[] = {
	    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
	    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
		if (p[0] < forms[f].first_min || p[0] > forms[f].first_max)
			continue;
		if (n < forms[f].len || p[1] < forms[f].second_min || p[1] > forms[f].second_max)
			return 0;
		for (size_t i = 2; i < forms[f].len; i++)
			if ((p[i] & 0xc0) != 0x80)
				return 0;
		return forms[f].len;
	}
	return 0;
}

bool text_utf8_ok(const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s;
	while (n > 0) {
		size_t len = p[0] > 0 && p[0] < 0x80 ? 1 : utf8_sequence(p, n);
		if (len == 0)
			return false;
		p += len;
		n -= len;
	}
	return true;
}

bool text_has_control(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	return false;
}

bool text_has_hidden(const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s;
	for (size_t i = 0; i + 1 < n; i++) {
		uint8_t third = i + 2 < n ? p[i + 2] : 0;
		if (p[i] == 0xc2 && p[i + 1] >= 0x80 && p[i + 1] <= 0x9f)
			return true; /* U+0080 to U+009F */
		if (p[i] == 0xe2 && p[i + 1] == 0x80 && third >= 0xa8 && third <= 0xae)
			return true; /* U+2028 to U+202E */
		if (p[i] == 0xe2 && p[i + 1] == 0x81 && third >= 0xa6 && third <= 0xa9)
			return true; /* U+2066 to U+2069 */
	}
	return text_has_control(s, n);
}

size_t text_fit(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size);
	if (n == size)
		for (n--; n > 0 && ((unsigned char)src[n] & 0xc0) == 0x80;)
			n--;
	memcpy(dst, src, n);
	dst[n] = 0;
	return n;
}

bool text_copy(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size);
	if (n == size) {
		if (size > 0)
			dst[0] = 0;
		return false;
	}
	memcpy(dst, src, n + 1);
	return true;
}

ssize_t text_one_line(FILE *in, char *out, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = getc(in)) != EOF && c != '\n' && c != '\0' && n + 1 < size)
		out[n++] = (char)c;
	if (n > 0 && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	if (c == '\n')
		c = isatty(fileno(in)) ? EOF : getc(in);
	return c == EOF ? (ssize_t)n : -1;
}
