/* VAT numbers of companies: the country's letters in front, its form, and its check where that is
 * certain. Accounts are numbers of a scheme: ident_number. */
#include <ctype.h>
#include <string.h>

#include "identity/ident_internal.h"

#define VAT_BYTES_MAX 16 /* CHE, 9 digits, "MWST"; the longest of the EU's has 14 */

/* '#' a digit, '@' a letter, '?' either, else itself. */
struct form {
	char country[4];
	const char *form;
	bool (*check)(const char *number); /* NULL: nothing to be certain of */
};

static int digit(char c)
{
	return c - '0';
}

/* Sum of digits times weights (one character each, '0' + weight). */
static int weighted(const char *number, const char *weights)
{
	int sum = 0;
	for (size_t i = 0; weights[i]; i++)
		sum += digit(number[i]) * (weights[i] - '0');
	return sum;
}

static int first_digits(const char *number, int n)
{
	int value = 0;
	for (int i = 0; i < n; i++)
		value = value * 10 + digit(number[i]);
	return value;
}

/* ISO 7064, MOD 11,10: Germany, Croatia. */
static bool mod_11_10(const char *number)
{
	int product = 10;
	size_t n = strlen(number) - 1;
	for (size_t i = 0; i < n; i++) {
		int sum = (digit(number[i]) + product) % 10;
		product = (sum == 0 ? 10 : sum) * 2 % 11;
	}
	return (product + digit(number[n])) % 10 == 1;
}

static bool austria(const char *number)
{
	int sum = 4;
	for (int i = 1; i <= 7; i++) {
		int v = digit(number[i]) * (i % 2 ? 1 : 2);
		sum += v / 10 + v % 10;
	}
	return (10 - sum % 10) % 10 == digit(number[8]);
}

static bool belgium(const char *number)
{
	return number[0] <= '1' && 97 - first_digits(number, 8) % 97 == first_digits(number + 8, 2);
}

static bool denmark(const char *number)
{
	return number[0] != '0' && weighted(number, "27654321") % 11 == 0;
}

static bool finland(const char *number)
{
	return weighted(number, "79:58421") % 11 == 0; /* ':' is 10 */
}

/* Two characters of key and the nine digits of the SIREN; keys with letters have other sums. */
static bool france(const char *number)
{
	if (!isdigit((unsigned char)number[0]) || !isdigit((unsigned char)number[1]))
		return !strpbrk(number, "IO");
	return (12 + 3 * (first_digits(number + 2, 9) % 97)) % 97 == first_digits(number, 2);
}

static bool britain(const char *number)
{
	int sum = weighted(number, "8765432") + first_digits(number + 7, 2);
	return sum % 97 == 0 || (sum + 55) % 97 == 0;
}

/* The sum of the old numbers, or the remainder of the ones since 2020, letters as 10 to 35. */
static bool netherlands(const char *number)
{
	int remainder = 2321 % 97; /* "NL" */
	int sum = weighted(number, "98765432") % 11;
	if (sum == digit(number[8]))
		return true;
	for (; *number; number++)
		remainder = isdigit((unsigned char)*number)
		                ? (remainder * 10 + digit(*number)) % 97
		                : (remainder * 100 + *number - 'A' + 10) % 97;
	return remainder == 1;
}

static bool greece(const char *number)
{
	int sum = 0;
	for (int i = 0; i < 8; i++)
		sum += digit(number[i]) << (8 - i);
	return sum % 11 % 10 == digit(number[8]);
}

static bool poland(const char *number)
{
	return weighted(number, "657234567") % 11 == digit(number[9]);
}

static bool portugal(const char *number)
{
	int check = 11 - weighted(number, "98765432") % 11;
	return digit(number[8]) == (check > 9 ? 0 : check);
}

static bool luxembourg(const char *number)
{
	return first_digits(number, 6) % 89 == first_digits(number + 6, 2);
}

static bool sweden(const char *number)
{
	char organisation[11];
	memcpy(organisation, number, 10);
	organisation[10] = 0;
	return ident_luhn(organisation) && first_digits(number + 10, 2) > 0;
}

/* Persons: a letter out of the number's remainder. Others: a digit, or the letter in its place. */
static bool spain(const char *number)
{
	static const char person[] = "TRWAGMYFPDXBNJZSQVHLCKE", other[] = "JABCDEFGHI";
	bool national = isdigit((unsigned char)number[0]);
	const char *foreign = strchr("XYZ", number[0]);
	if (national || foreign) {
		int n = national ? first_digits(number, 8)
		                 : (int)(foreign - "XYZ") * 10000000 + first_digits(number + 1, 7);
		return number[8] == person[n % 23];
	}
	if (!strchr("ABCDEFGHJKLMNPQRSUVW", number[0]))
		return false;
	if (strchr("KLM", number[0]))
		return number[8] == person[first_digits(number + 1, 7) % 23];
	int sum = 0;
	for (int i = 1; i <= 7; i++) {
		int v = digit(number[i]) * (i % 2 ? 2 : 1);
		sum += v / 10 + v % 10;
	}
	int check = (10 - sum % 10) % 10;
	return number[8] == '0' + check || number[8] == other[check];
}

/* The member states, Great Britain and Northern Ireland, Switzerland, Norway. */
static const struct form forms[] = {
    {"AT", "U########", austria},
    {"BE", "##########", belgium},
    {"BG", "#########", NULL},
    {"BG", "##########", NULL},
    {"CHE", "#########", NULL},
    {"CHE", "#########MWST", NULL},
    {"CHE", "#########TVA", NULL},
    {"CHE", "#########IVA", NULL},
    {"CY", "########@", NULL},
    {"CZ", "########", NULL},
    {"CZ", "#########", NULL},
    {"CZ", "##########", NULL},
    {"DE", "#########", mod_11_10},
    {"DK", "########", denmark},
    {"EE", "#########", NULL},
    {"EL", "#########", greece},
    {"ES", "########@", spain},
    {"ES", "@#######?", spain},
    {"FI", "########", finland},
    {"FR", "??#########", france},
    {"GB", "#########", britain},
    {"GB", "############", britain},
    {"GB", "GD###", NULL},
    {"GB", "HA###", NULL},
    {"HR", "###########", mod_11_10},
    {"HU", "########", NULL},
    {"IE", "#######@", NULL},
    {"IE", "#######@@", NULL},
    {"IE", "#?#####@", NULL},
    {"IT", "###########", ident_luhn},
    {"LT", "#########", NULL},
    {"LT", "############", NULL},
    {"LU", "########", luxembourg},
    {"LV", "###########", NULL},
    {"MT", "########", NULL},
    {"NL", "#########B##", netherlands},
    {"NO", "#########", NULL},
    {"NO", "#########MVA", NULL},
    {"PL", "##########", poland},
    {"PT", "#########", portugal},
    {"RO", "##", NULL},
    {"RO", "###", NULL},
    {"RO", "####", NULL},
    {"RO", "#####", NULL},
    {"RO", "######", NULL},
    {"RO", "#######", NULL},
    {"RO", "########", NULL},
    {"RO", "#########", NULL},
    {"RO", "##########", NULL},
    {"SE", "############", sweden},
    {"SI", "########", NULL},
    {"SK", "##########", NULL},
    {"XI", "#########", britain},
    {"XI", "############", britain},
};

static bool fits(const char *form, const char *number)
{
	for (; *form && *number; form++, number++) {
		bool is_digit = *number >= '0' && *number <= '9';
		bool ok = *form == '#'   ? is_digit
		          : *form == '@' ? !is_digit
		          : *form == '?' ? true
		                         : *form == *number;
		if (!ok)
			return false;
	}
	return *form == *number;
}

/* Letters at a form's end are "VAT" in a language of its country: one company prints several. */
static size_t words(const char *form)
{
	size_t n = strlen(form), from = n;
	while (from > 0 && isalpha((unsigned char)form[from - 1]))
		from--;
	return n - from;
}

/* Upper case, without what only groups it. */
static enum ident_reason compact(const char *value, char nf[VAT_BYTES_MAX + 1])
{
	size_t n = 0;
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if (strchr(" .-/", c))
			continue;
		if (c >= 0x80 || !isalnum(c))
			return IDENT_LETTERS;
		if (n == VAT_BYTES_MAX)
			return IDENT_VAT_FORM;
		nf[n++] = (char)toupper(c);
	}
	nf[n] = 0;
	return n ? IDENT_OK : IDENT_EMPTY;
}

enum ident_reason ident_vat(const char *value, char out[IDENT_VALUE_SIZE])
{
	char nf[VAT_BYTES_MAX + 1];
	enum ident_reason reason = compact(value, nf);
	if (reason != IDENT_OK)
		return reason;
	if (strncmp(nf, "GR", 2) == 0)
		memcpy(nf, "EL", 2);
	reason = IDENT_VAT_FORM;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		size_t country = strlen(forms[i].country);
		const char *number = nf + country;
		if (strncmp(nf, forms[i].country, country) != 0 || !fits(forms[i].form, number))
			continue;
		if (!forms[i].check || forms[i].check(number)) {
			strcpy(out, nf);
			out[strlen(out) - words(forms[i].form)] = 0;
			return IDENT_OK;
		}
		reason = IDENT_CHECK_DIGIT;
	}
	return reason;
}
