#include "hq/base/hq_secret.h"

#include <stdbool.h>
#include <string.h>

#define HQ_SECRET_FRONT 2 /* characters that are shown of a number, and at its end */
#define HQ_SECRET_BEHIND 2

static bool begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* At most a third of its characters are shown, each of them whole. Where it goes on. */
static char *mask(char *to, const char *text, size_t n, size_t front, size_t behind)
{
	size_t count = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		count += begins(text[i]);
	if (count < 3 * (front + behind)) {
		front = count > 2;
		behind = 0;
	}
	for (size_t i = 0; i < n; i++) {
		at += begins(text[i]);
		if (at <= front || at + behind > count)
			*to++ = text[i];
		else if (begins(text[i]))
			*to++ = '*';
	}
	return to;
}

void hq_secret_mask(const char *value, char out[HQ_SECRET_SIZE])
{
	size_t n = strnlen(value, HQ_SECRET_SIZE - 1);
	const char *at = memchr(value, '@', n), *dot = at ? strrchr(at, '.') : NULL;
	char *to = out;

	if (!dot || dot >= value + n) {
		*mask(out, value, n, HQ_SECRET_FRONT, HQ_SECRET_BEHIND) = '\0';
		return;
	}
	to = mask(to, value, (size_t)(at - value), 1, 0);
	*to++ = '@';
	to = mask(to, at + 1, (size_t)(dot - at - 1), 1, 0);
	memcpy(to, dot, (size_t)(value + n - dot));
	to[value + n - dot] = '\0';
}
