/* First names in a form for comparing, by ICU, which libphonenumber brings
 * along. Allocates nothing; ICU loads its tables once, by itself. */
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "identity/field.h"

#define NAME_UNITS_MAX 256    /* UTF-16 units of a name that are looked at */
#define FOLDED_UNITS_MAX 1024 /* of them decomposed; what is longer has no form */
#define CHAR_NAME_SIZE 128
#define DOTLESS_I 0x131

/* Strokes and hooks are no marks to Unicode: the letter's own name knows what it was made of
 * ("LATIN SMALL LETTER O WITH STROKE"). */
static UChar32 plain(UChar32 c)
{
	char name[CHAR_NAME_SIZE];
	UErrorCode status = U_ZERO_ERROR;

	if (c < 0x80)
		return c;
	if (c == DOTLESS_I) /* its capital letter is I, which folds to i */
		return 'i';
	u_charName(c, U_UNICODE_CHAR_NAME, name, sizeof name, &status);
	char *with = U_SUCCESS(status) ? strstr(name, " WITH ") : NULL;
	if (!with)
		return c;
	*with = '\0';
	UChar32 base = u_charFromName(U_UNICODE_CHAR_NAME, name, &status);
	return U_SUCCESS(status) ? base : c;
}

/* Diacritics go. What stands for a vowel in the scripts of India is a mark too, but of no combining
 * class: it stays. */
static bool counts(UChar32 c)
{
	if (u_isalpha(c) || u_isdigit(c))
		return true;
	return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0 && u_getCombiningClass(c) == 0 &&
	       !u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

/* Compatibility forms taken apart and cases folded; characters, or 0 when that is not possible. */
static int32_t fold(const char *name, UChar32 out[FOLDED_UNITS_MAX])
{
	UChar text[NAME_UNITS_MAX], apart[FOLDED_UNITS_MAX], folded[FOLDED_UNITS_MAX];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0;
	const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&status);

	u_strFromUTF8(text, NAME_UNITS_MAX, &n, name, -1, &status);
	n = unorm2_normalize(nfkd, text, n, apart, FOLDED_UNITS_MAX, &status);
	n = u_strFoldCase(folded, FOLDED_UNITS_MAX, apart, n, U_FOLD_CASE_DEFAULT, &status);
	u_strToUTF32(out, FOLDED_UNITS_MAX, &n, folded, n, &status);
	return U_SUCCESS(status) ? n : 0;
}

static size_t encode(UChar32 c, char utf8[8])
{
	UChar units[2];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0;

	u_strFromUTF32(units, 2, &n, &c, 1, &status);
	u_strToUTF8(utf8, 8, &n, units, n, &status);
	return U_SUCCESS(status) ? (size_t)n : 0;
}

void field_compare_form(const char *first_name, char *out, size_t size)
{
	UChar32 folded[FOLDED_UNITS_MAX];
	char utf8[8];
	size_t len = 0;
	int32_t n = fold(first_name, folded);

	for (int32_t i = 0; i < n; i++) {
		if (u_isUWhiteSpace(folded[i]) && len > 0)
			break;
		UChar32 c = plain(folded[i]);
		if (!counts(c))
			continue;
		size_t bytes = encode(c, utf8);
		if (len + bytes >= size)
			break;
		memcpy(out + len, utf8, bytes);
		len += bytes;
	}
	out[len] = '\0';
}

bool field_same_letters(const char *a, const char *b)
{
	UChar left[NAME_UNITS_MAX], right[NAME_UNITS_MAX];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0, m = 0;

	u_strFromUTF8(left, NAME_UNITS_MAX, &n, a, -1, &status);
	u_strFromUTF8(right, NAME_UNITS_MAX, &m, b, -1, &status);
	int32_t differ = u_strCaseCompare(left, n, right, m, U_FOLD_CASE_DEFAULT, &status);
	return U_SUCCESS(status) && differ == 0;
}
