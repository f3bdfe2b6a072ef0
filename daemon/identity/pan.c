/* Card numbers in text.
 *
 * A run is digits, contiguous or in groups split by one space or hyphen. A candidate starts where a
 * group starts and ends where a group ends: windows inside a group would find a "card number" in
 * almost every long number.
 */
#include "identity/pan.h"

#include <ctype.h>
#include <string.h>

#include "identity/ident.h"

#define PAN_DIGITS_MAX 19
#define PAN_SHOWN_DIGITS 4 /* what may be shown of a card number */
#define GTIN_DIGITS_MAX 14
#define PHONE_DIGITS_MAX 13 /* longest of the common international phone numbers */

#define WIDE_PLUS "\xef\xbc\x8b"

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
    {.first = 2200, .last = 2205, .digits = 4, .lengths = LEN_FROM_TO(16, 19)},   /* Mir, Borica */
    {.first = 300, .last = 305, .digits = 3, .lengths = LEN_FROM_TO(14, 19)},     /* Diners */
    {.first = 3095, .last = 3095, .digits = 4, .lengths = LEN_FROM_TO(14, 19)},   /* Diners */
    {.first = 36, .last = 36, .digits = 2, .lengths = LEN_FROM_TO(14, 19)},       /* Diners */
    {.first = 38, .last = 39, .digits = 2, .lengths = LEN_FROM_TO(14, 19)},       /* Diners */
    {.first = 6011, .last = 6011, .digits = 4, .lengths = LEN_FROM_TO(16, 19)},   /* Discover */
    {.first = 644, .last = 649, .digits = 3, .lengths = LEN_FROM_TO(16, 19)},     /* Discover */
    {.first = 65, .last = 65, .digits = 2, .lengths = LEN_FROM_TO(16, 19)},       /* Discover */
    {.first = 3528, .last = 3589, .digits = 4, .lengths = LEN_FROM_TO(16, 19)},   /* JCB */
    {.first = 62, .last = 62, .digits = 2, .lengths = LEN_FROM_TO(16, 19)},       /* UnionPay */
    {.first = 8100, .last = 8171, .digits = 4, .lengths = LEN_FROM_TO(16, 19)},   /* UnionPay */
    {.first = 60, .last = 60, .digits = 2, .lengths = LEN(16)},                   /* RuPay */
    {.first = 81, .last = 82, .digits = 2, .lengths = LEN(16)},                   /* RuPay */
    {.first = 9792, .last = 9792, .digits = 4, .lengths = LEN(16)},               /* Troy */
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

/* GTIN-13 and -14, and a GTIN-13 with an add-on of 2 or 5 digits behind it. */
static bool is_goods(const char *digits, int n)
{
	char gtin[GTIN_DIGITS_MAX + 1] = "";
	if (n == 13 || n == 14)
		return ident_mod10(digits);
	memcpy(gtin, digits, 13);
	return (n == 15 || n == 18) && ident_mod10(gtin);
}

static bool is_pan(const char *digits, int n, bool product)
{
	if (!pan_prefix_clash(digits, n) || !ident_luhn(digits))
		return false;
	return !(product && is_goods(digits, n));
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
	            (before >= 3 && memcmp(group - 3, WIDE_PLUS, 3) == 0);
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

/* Letters and the plus of a phone number stay what they are. */
bool pan_grouped(const char *text, bool product)
{
	char plain[PAN_GROUPED_BYTES_MAX + 1];
	size_t n = 0, len;
	for (const char *p = text; *p && n + 1 < sizeof plain; p += len) {
		bool wide_plus = strncmp(p, WIDE_PLUS, sizeof WIDE_PLUS - 1) == 0;
		char digit;
		len = digit_at(p, &digit);
		if (len > 0) {
			plain[n++] = digit;
		} else if (*p == '+' || wide_plus || isalpha((unsigned char)*p)) {
			plain[n++] = isalpha((unsigned char)*p) ? *p : '+';
			len = wide_plus ? sizeof WIDE_PLUS - 1 : 1;
		} else {
			len = 1;
			if (n > 0 && plain[n - 1] != ' ')
				plain[n++] = ' ';
		}
	}
	plain[n] = 0;
	bool found = pan_find(plain, product);
	explicit_bzero(plain, n);
	return found;
}

void pan_mask_digits(char *text)
{
	mask_range(text, text + strlen(text));
}
