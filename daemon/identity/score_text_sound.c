/* Cologne phonetics (Postel, 1969): made for German names, and no worse than Soundex for English
 * ones, because it knows ph, ck, tz, x and keeps a name's first vowel. */
#include <string.h>

#include "identity/score_text.h"

static bool one_of(char c, const char *set)
{
	return c && strchr(set, c) != NULL;
}

static char sound_of_c(bool first, char before, char next)
{
	if (first)
		return one_of(next, "ahkloqrux") ? '4' : '8';
	return one_of(next, "ahkoqux") && !one_of(before, "sz") ? '4' : '8';
}

/* What the letter c sounds like between its neighbours; x is two sounds. */
static const char *sound(bool first, char before, char c, char next, char one[2])
{
	one[1] = '\0';
	if (one_of(c, "aeijouy"))
		return "0";
	if (c == 'b' || (c == 'p' && next != 'h'))
		return "1";
	if (one_of(c, "dt"))
		return one_of(next, "csz") ? "8" : "2";
	if (one_of(c, "fvwp"))
		return "3";
	if (one_of(c, "gkq"))
		return "4";
	if (c == 'x')
		return one_of(before, "ckq") ? "8" : "48";
	if (one_of(c, "sz"))
		return "8";
	if (c == 'c') {
		one[0] = sound_of_c(first, before, next);
		return one;
	}
	return c == 'l' ? "5" : c == 'r' ? "7" : one_of(c, "mn") ? "6" : "";
}

void score_text_sound(const char *form, char out[SCORE_TEXT_CODE_SIZE])
{
	char letters[SCORE_TEXT_SIZE], one[2], last = '\0';
	size_t n = 0, used = 0;

	for (size_t i = 0; form[i] && n < sizeof letters - 1; i++) {
		if (form[i] >= 'a' && form[i] <= 'z')
			letters[n++] = form[i];
	}
	letters[n] = '\0';
	for (size_t i = 0; i < n; i++) {
		const char *s =
		    sound(i == 0, i ? letters[i - 1] : '\0', letters[i], letters[i + 1], one);
		for (; *s; s++) {
			if (*s != last && (*s != '0' || used == 0) &&
			    used < SCORE_TEXT_CODE_SIZE - 1)
				out[used++] = *s;
			last = *s;
		}
	}
	out[used] = '\0';
}
