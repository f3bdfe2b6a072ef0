#include "capture/scanner.h"

#include <string.h>

#include "base/text.h"

#define AIM_BYTES 3 /* ']', code letter, modifier */
#define GS 0x1D     /* FNC1 inside GS1 data */

const char *scan_frame_reason(enum frame_result result)
{
	switch (result) {
	case FRAME_TOO_LONG:
		return "too_long";
	case FRAME_TOO_SHORT:
		return "too_short";
	case FRAME_CONTROL:
		return "control";
	case FRAME_PREFIX:
		return "prefix";
	case FRAME_SYMBOLOGY:
		return "symbology";
	case FRAME_INCOMPLETE:
		return "incomplete";
	default:
		return NULL;
	}
}

static bool is_end(enum scan_terminator t, uint8_t c)
{
	switch (t) {
	case SCAN_CR:
		return c == '\r';
	case SCAN_LF:
		return c == '\n';
	case SCAN_TAB:
		return c == '\t';
	default:
		return c == '\r' || c == '\n';
	}
}

/* *len: bytes in front of the terminator; *next: where the next frame starts. */
static bool find_end(const struct scanner_params *p, const uint8_t *data, size_t n, size_t *len,
                     size_t *next)
{
	if (p->terminator == SCAN_CRLF) {
		const uint8_t *at = n > 0 ? memmem(data, n, "\r\n", 2) : NULL;
		if (at == NULL)
			return false;
		*len = (size_t)(at - data);
		*next = *len + 2;
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (is_end(p->terminator, data[i])) {
			*len = i;
			*next = i + 1;
			return true;
		}
	}
	return false;
}

/* Line ends in front of a frame. A prefix may begin with one. */
static size_t leading_ends(const struct scanner_params *p, const uint8_t *data, size_t n)
{
	size_t i = 0;
	while (i < n && data[i] != (uint8_t)p->prefix[0] &&
	       (data[i] == '\r' || data[i] == '\n' || is_end(p->terminator, data[i])))
		i++;
	return i;
}

static bool is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_aim(const uint8_t *data, size_t n)
{
	return n >= AIM_BYTES && data[0] == ']' && is_letter(data[1]) &&
	       (is_letter(data[2]) || (data[2] >= '0' && data[2] <= '9'));
}

/* C1 controls (0x80 to 0x9F) count as well: no code carries them, and Latin-1 would let them in. */
static bool has_control(const uint8_t *s, size_t n)
{
	bool utf8 = text_utf8_ok((const char *)s, n);
	for (size_t i = 0; i < n; i++) {
		if ((s[i] < 0x20 && s[i] != GS) || s[i] == 0x7F)
			return true;
		bool c1 = s[i] >= 0x80 && s[i] <= 0x9F;
		if (c1 && (!utf8 || s[i - 1] == 0xC2))
			return true;
	}
	return false;
}

static enum frame_result take_frame(const struct scanner_params *p, const uint8_t *data, size_t n,
                                    struct frame_scan *out)
{
	size_t prefix = strlen(p->prefix);
	if (n < prefix || memcmp(data, p->prefix, prefix) != 0)
		return FRAME_PREFIX;
	data += prefix;
	n -= prefix;
	if (p->aim) {
		if (!is_aim(data, n))
			return FRAME_SYMBOLOGY;
		memcpy(out->symbology, data, AIM_BYTES);
		data += AIM_BYTES;
		n -= AIM_BYTES;
	}
	if (n > (size_t)p->length_max)
		return FRAME_TOO_LONG;
	if (n < (size_t)p->length_min)
		return FRAME_TOO_SHORT;
	if (has_control(data, n))
		return FRAME_CONTROL;
	out->value = (const char *)data;
	out->len = n;
	return FRAME_SCAN;
}

bool scan_frame_skip(const struct scanner_params *p, const uint8_t *data, size_t n, size_t *drop)
{
	size_t len;
	if (find_end(p, data, n, &len, drop))
		return true;
	/* The CR may be the first half of the terminator. */
	bool half = p->terminator == SCAN_CRLF && n > 0 && data[n - 1] == '\r';
	*drop = half ? n - 1 : n;
	return false;
}

enum frame_result scan_frame(const struct scanner_params *p, const uint8_t *data, size_t n,
                             bool idle, struct frame_scan *out, size_t *drop)
{
	memset(out, 0, sizeof(*out));
	*drop = leading_ends(p, data, n);
	if (*drop > 0)
		return FRAME_EMPTY;
	size_t len;
	if (find_end(p, data, n, &len, drop))
		return take_frame(p, data, len, out);
	size_t longest = strlen(p->prefix) + (p->aim ? AIM_BYTES : 0) + (size_t)p->length_max +
	                 (p->terminator == SCAN_CRLF ? 1 : 0);
	if (n > longest) {
		out->unended = true;
		(void)scan_frame_skip(p, data, n, drop);
		return FRAME_TOO_LONG;
	}
	if (!idle || n == 0)
		return FRAME_NEED_MORE;
	*drop = n;
	return FRAME_INCOMPLETE;
}

size_t scan_frame_text(const struct frame_scan *scan, char *out, size_t size)
{
	bool utf8 = text_utf8_ok(scan->value, scan->len);
	size_t n = 0;
	for (size_t i = 0; i < scan->len; i++) {
		uint8_t c = (uint8_t)scan->value[i];
		bool wide = !utf8 && c >= 0x80;
		if (n + (wide ? 2 : 1) >= size)
			return 0;
		if (wide) {
			out[n++] = (char)(0xC0 | (c >> 6));
			out[n++] = (char)(0x80 | (c & 0x3F));
		} else {
			out[n++] = (char)c;
		}
	}
	out[n] = '\0';
	return n;
}
