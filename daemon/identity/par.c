/* Payment account references (EMV): 4 characters that name who gave it, 25 that are unique. */
#include <string.h>

#include "identity/ident_internal.h"

#define PAR_BYTES 29
#define PAN_DIGITS_MIN 12
#define PAN_DIGITS_MAX 19

/* Is a whole run of digits in it as long as a card number, and Luhn right? Whatever the issuer: no
 * reference is worth keeping one. */
static bool holds_card_number(const char *text)
{
	char run[PAN_DIGITS_MAX + 1];
	while (*text) {
		size_t n = strspn(text, "0123456789");
		if (n >= PAN_DIGITS_MIN && n <= PAN_DIGITS_MAX) {
			memcpy(run, text, n);
			run[n] = 0;
			if (ident_luhn(run))
				return true;
		}
		text += n ? n : 1;
	}
	return false;
}

enum ident_reason ident_par(const char *value, char out[IDENT_VALUE_SIZE])
{
	if (holds_card_number(value))
		return IDENT_CARD_NUMBER;
	if (strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != PAR_BYTES || value[PAR_BYTES])
		return IDENT_PAR_FORM;
	memcpy(out, value, PAR_BYTES + 1);
	return IDENT_OK;
}
