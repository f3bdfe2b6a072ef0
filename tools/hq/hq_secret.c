#include "hq/hq_secret.h"

#include <stdio.h>
#include <string.h>

#define HQ_SECRET_FRONT 2 /* characters that are shown of a number, and at its end */
#define HQ_SECRET_BEHIND 2

/* At most a third of it is shown. */
static void mask(char *text, size_t n, size_t front, size_t behind)
{
	if (n < 3 * (front + behind)) {
		front = n > 2;
		behind = 0;
	}
	for (size_t i = front; i + behind < n; i++)
		text[i] = '*';
}

void hq_secret_mask(const char *value, char out[HQ_SECRET_SIZE])
{
	size_t n = (size_t)snprintf(out, HQ_SECRET_SIZE, "%s", value);
	char *at = strrchr(out, '@'), *dot = at ? strrchr(at, '.') : NULL;

	if (n >= HQ_SECRET_SIZE)
		n = HQ_SECRET_SIZE - 1;
	if (!at || !dot) {
		mask(out, n, HQ_SECRET_FRONT, HQ_SECRET_BEHIND);
		return;
	}
	mask(out, (size_t)(at - out), 1, 0);
	mask(at + 1, (size_t)(dot - at - 1), 1, 0);
}
