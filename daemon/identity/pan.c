/* Card numbers in text.
 *
 * A run is digits, contiguous or in groups split by one space or hyphen. A candidate starts where a
 * group starts and ends where a group ends: windows inside a group would find a "card number" in
 * almost every long number.
 */
#include "identity/pan.h"

#include <string.h>

#include "identity/ident.h"

#define PAN_DIGITS_MAX 19
#define PAN_SHOWN_DIGITS 4  /* what may be shown of a card number */
#define PHONE_DIGITS_MAX 13 /* longest of the common international phone numbers */

#define LEN(n) (1U << (n))
#define LEN_FROM_TO(a, b) (LEN((b) + 1) - LEN(a))

struct issuer {
	int first, last; /* of the leading digits */
	int digits;      /* how many those are */
	unsigned lengths;
};

static const struct issuer issuers[] = {
    {.first = 4, .last = 4, .digits = 1, .lengths = LEN(13) | LEN(16) | LEN(19)}, /* Visa */
    {.first = 51, .last = 55, .digits = 2, .lengths = LEN(16)},                   /* Mastercard */
    {.first = 2221, .last = 2720, .digits = 4, .lengths = LEN(16)},               /* Mastercard */
    {.first = 34, .last = 34, .digits = 2, .lengths = LEN(15)},                   /* Amex */
    {.first = 37, .last = 37, .digits = 2, .lengths = LEN(15)},                   /* Amex */
    {.first = 300, .last = 305, .digits = 3, .lengths = LEN_FROM_TO(14, 19)},     /* Diners */
    {.first = 36, .last = 36, .digits = 2, .lengths = LEN_FROM_TO(14, 19)},       /* Diners */
    {.first = 38, .last = 39, .digits = 2, .lengths = LEN_FROM_TO(14, 19)},       /* Diners */
    {.first = 6011, .last = 6011, .digits = 4, .lengths = LEN_FROM_TO(16, 19)},   /* Discover */
    {.first = 644, .last = 649, .digits = 3, .lengths = LEN_FROM_TO(16, 19)},     /* Discover */
    {.first = 65, .last = 65, .digits = 2, .lengths = LEN_FROM_TO(16, 19)},       /* Discover */
    {.first = 3528, .last = 3589, .digits = 4, .lengths = LEN_FROM_TO(16, 19)},   /* JCB */
    {.first = 62, .last = 62, .digits = 2, .lengths = LEN_FROM_TO(16, 19)},       /* UnionPay */
    {.first = 50, .last = 50, .digits = 2, .lengths = LEN_FROM_TO(12, 19)},       /* Maestro */
    {.first = 56, .last = 58, .digits = 2, .lengths = LEN_FROM_TO(12, 19)},       /* Maestro */
    {.first = 63, .last = 63, .digits = 2, .lengths = LEN_FROM_TO(12, 19)},       /* Maestro */
    {.first = 67, .last = 67, .digits = 2, .lengths = LEN_FROM_TO(12, 19)},       /* Maestro */
};
#define ISSUER_COUNT (sizeof issuers / sizeof *issuers)

/* Do numbers that start with these digits (n of them) meet the issuer's range? */
static bool meets(const struct issuer *issuer, const char *digits, size_t n)
{
	int low = 0, high = 0;
	for (int i = 0; i < issuer->digits; i++) {
		low = low * 10 + ((size_t)i < n ? digits[i] - '0' : 0);
		high = high * 10 + ((size_t)i < n ? digits[i] - '0' : 9);
	}
	return low <= issuer->last && high >= issuer->first;
}

bool pan_prefix_clash(const char *prefix, int length)
{
	if (length < 0 || length > PAN_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < ISSUER_COUNT; i++)
		if (issuers[i].lengths & LEN(length) && meets(&issuers[i], prefix, strlen(prefix)))
			return true;
	return false;
}

/* Bytes of the decimal digit at p, 0 if there is none: ASCII, full-width and the two Arabic sets,
 * as phone keyboards write them. */
static size_t digit_at(const char *p, char *digit)
{
	static const struct {
		const char *lead;
		unsigned char zero;
	} scripts[] = {{"\xef\xbc", 0x90}, {"\xd9", 0xa0}, {"\xdb", 0xb0}};
	if (*p >= '0' && *p <= '9') {
		*digit = *p;
		return 1;
	}
	if ((unsigned char)*p < 0x80)
		return 0;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		size_t n = strlen(scripts[i].lead);
		if (strncmp(p, scripts[i].lead, n) != 0)
			continue;
		unsigned value = (unsigned)(unsigned char)p[n] - scripts[i].zero;
		if (value < 10) {
			*digit = (char)('0' + value);
			return n + 1;
		}
	}
	return 0;
}

static bool is_digit(const char *p)
{
	char digit;
	return digit_at(p, &digit) > 0;
}

/* The next group of the same run after the end of one; NULL: the run ends here. */
static const char *next_group(const char *end)
{
	return (*end == ' ' || *end == '-') && is_digit(end + 1) ? end + 1 : NULL;
}

static const char *group_end(const char *p)
{
	char digit;
	for (size_t n; (n = digit_at(p, &digit)) > 0;)
		p += n;
	return p;
}

static bool is_pan(const char *digits, int n, bool product)
{
	if (!pan_prefix_clash(digits, n) || !ident_luhn(digits))
		return false;
	return !(product && (n == 13 || n == 14) && ident_mod10(digits));
}

/* The end of the longest card number that starts with this group, or NULL. */
static const char *pan_end(const char *group, bool product)
{
	char digits[PAN_DIGITS_MAX + 1];
	const char *found = NULL;
	int n = 0;
	for (const char *p = group; p; p = next_group(p)) {
		char digit;
		for (size_t len; (len = digit_at(p, &digit)) > 0; p += len) {
			if (n == PAN_DIGITS_MAX)
				return found;
			digits[n++] = digit;
		}
		digits[n] = 0;
		if (is_pan(digits, n, product))
			found = p;
	}
	return found;
}

/* "+49 151 23456789" is a phone number even where Luhn happens to be right. Returns the end of the
 * run if it is one, else NULL. */
static const char *phone_run_end(const char *text, const char *group)
{
	size_t before = (size_t)(group - text);
	bool plus = (before >= 1 && group[-1] == '+') ||
	            (before >= 3 && memcmp(group - 3, "\xef\xbc\x8b", 3) == 0);
	if (!plus)
		return NULL;
	const char *end = group;
	int n = 0;
	for (const char *p = group; p; p = next_group(p)) {
		char digit;
		for (size_t len; (len = digit_at(p, &digit)) > 0; p += len)
			if (++n > PHONE_DIGITS_MAX)
				return NULL;
		end = p;
	}
	return end;
}

/* The first group at or after p that starts a card number. */
static const char *next_pan(const char *text, const char *p, bool product, const char **end)
{
	while (*p) {
		if (!is_digit(p)) {
			p++;
			continue;
		}
		const char *phone = phone_run_end(text, p);
		if (phone) {
			p = phone;
			continue;
		}
		*end = pan_end(p, product);
		if (*end)
			return p;
		p = group_end(p);
	}
	return NULL;
}

bool pan_find(const char *text, bool product)
{
	const char *end;
	return next_pan(text, text, product, &end) != NULL;
}

static int count_digits(const char *p, const char *end)
{
	int n = 0;
	char digit;
	while (p < end) {
		size_t len = digit_at(p, &digit);
		n += len > 0;
		p += len ? len : 1;
	}
	return n;
}

/* Masks [start, end) and returns where its end is now: a digit of several bytes becomes one '*'. */
static char *mask_range(char *start, char *end)
{
	int hidden = count_digits(start, end) - PAN_SHOWN_DIGITS;
	for (char *p = start; hidden > 0; p++) {
		char digit;
		size_t len = digit_at(p, &digit);
		if (len == 0)
			continue;
		*p = '*';
		memmove(p + 1, p + len, strlen(p + len) + 1);
		end -= len - 1;
		hidden--;
	}
	return end;
}

/* Card numbers that overlap are masked as one, up to the last four digits of the last. */
static int mask_pass(char *text)
{
	int masked = 0;
	const char *end;
	for (const char *at = text; (at = next_pan(text, at, false, &end));) {
		const char *start = at, *more_end;
		for (at = group_end(at); (at = next_pan(text, at, false, &more_end)) && at < end;
		     at = group_end(at))
			if (more_end > end)
				end = more_end;
		at = mask_range(text + (start - text), text + (end - text));
		masked++;
	}
	return masked;
}

int pan_mask(char *text)
{
	int masked = 0, more;
	/* Again, because the four digits that stay may begin another candidate. */
	while ((more = mask_pass(text)) > 0)
		masked += more;
	return masked;
}
