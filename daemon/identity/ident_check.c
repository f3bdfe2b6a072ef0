/* Check digits. */
#include <string.h>

#include "identity/ident.h"

/* A number of at least one digit and its check digit. */
static bool is_number(const char *digits)
{
	size_t n = strspn(digits, "0123456789");
	return n >= 2 && digits[n] == 0;
}

bool ident_luhn(const char *digits)
{
	if (!is_number(digits))
		return false;
	int sum = 0, i = 0;
	for (const char *p = digits + strlen(digits); p-- > digits; i++) {
		int v = (*p - '0') << (i & 1);
		sum += v > 9 ? v - 9 : v;
	}
	return sum % 10 == 0;
}

bool ident_mod10(const char *digits)
{
	if (!is_number(digits))
		return false;
	int sum = 0, i = 0;
	for (const char *p = digits + strlen(digits); p-- > digits; i++)
		sum += (*p - '0') * (i & 1 ? 3 : 1);
	return sum % 10 == 0;
}

bool ident_mod11(const char *digits)
{
	if (!is_number(digits))
		return false;
	const char *p = digits + strlen(digits) - 1;
	int sum = *p - '0', weight = 2;
	while (p-- > digits) {
		sum = (sum + (*p - '0') * weight) % 11;
		weight = weight == 7 ? 2 : weight + 1;
	}
	return sum % 11 == 0;
}

bool ident_check_ok(enum ident_check check, const char *digits)
{
	switch (check) {
	case IDENT_CHECK_NONE:
		return true;
	case IDENT_CHECK_LUHN:
		return ident_luhn(digits);
	case IDENT_CHECK_EAN:
		return ident_mod10(digits);
	case IDENT_CHECK_MOD11:
		return ident_mod11(digits);
	}
	return false;
}

enum ident_check ident_check_named(const char *name)
{
	static const char *const names[] = {
	    [IDENT_CHECK_NONE] = "none",
	    [IDENT_CHECK_LUHN] = "luhn",
	    [IDENT_CHECK_EAN] = "ean",
	    [IDENT_CHECK_MOD11] = "mod11",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return (enum ident_check)i;
	return IDENT_CHECK_NONE;
}
