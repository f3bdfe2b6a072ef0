/* Streets: how they are written differs more than what they are called. */
#include <string.h>

#include "identity/score_text.h"

#define WORDS_MAX 16

struct words {
	char text[SCORE_TEXT_SIZE];
	char *word[WORDS_MAX];
	int count;
};

static void split(const char *form, struct words *w)
{
	char *save = NULL;

	w->count = 0;
	memcpy(w->text, form, strlen(form) + 1);
	for (char *p = strtok_r(w->text, " ", &save); p && w->count < WORDS_MAX;
	     p = strtok_r(NULL, " ", &save))
		w->word[w->count++] = p;
}

static bool is_number(const char *word)
{
	size_t digits = strspn(word, "0123456789");

	return digits > 0 && digits <= 5 && (!word[digits] || !word[digits + 1]);
}

/* Words from..to joined: "12" "a" -> "12a", "12" "14" -> "12-14". */
static void put_house(const struct words *w, int from, int to, char out[SCORE_TEXT_SIZE])
{
	out[0] = '\0';
	for (int i = from; i < to; i++) {
		if (i > from && strspn(w->word[i], "0123456789") > 0)
			strcat(out, "-"); /* as long as what was between the words */
		strcat(out, w->word[i]);
	}
}

/* The last words when they are a number, and the letters behind it; where they begin. */
static int house_at_end(const struct words *w)
{
	int at = w->count;

	while (at > 1 && (is_number(w->word[at - 1]) || strlen(w->word[at - 1]) == 1))
		at--;
	while (at < w->count && !is_number(w->word[at]))
		at++;
	return at;
}

static const char *last_word(const char *word)
{
	static const char *const table[][2] = {
	    {"st", "street"},    {"rd", "road"},        {"ave", "avenue"},    {"av", "avenue"},
	    {"ln", "lane"},      {"dr", "drive"},       {"ct", "court"},      {"pl", "place"},
	    {"cl", "close"},     {"cr", "crescent"},    {"cres", "crescent"}, {"cct", "circuit"},
	    {"cir", "circle"},   {"sq", "square"},      {"ter", "terrace"},   {"tce", "terrace"},
	    {"pde", "parade"},   {"gr", "grove"},       {"gdns", "gardens"},  {"hwy", "highway"},
	    {"pkwy", "parkway"}, {"blvd", "boulevard"},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (strcmp(table[i][0], word) == 0)
			return table[i][1];
	}
	return NULL;
}

static const char *first_word(const char *word)
{
	static const char *const table[][2] = {
	    {"sankt", "st"},      {"saint", "st"},  {"sainte", "st"}, {"bd", "boulevard"},
	    {"bld", "boulevard"}, {"av", "avenue"}, {"r", "ru"},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (strcmp(table[i][0], word) == 0)
			return table[i][1];
	}
	return NULL;
}

static bool ends_in(const char *word, const char *end)
{
	size_t n = strlen(word), m = strlen(end);

	return n >= m && strcmp(word + n - m, end) == 0;
}

static void put_word(char out[SCORE_TEXT_SIZE], const char *word, const char *more)
{
	size_t used = strlen(out);

	if (used + strlen(word) + strlen(more) >= SCORE_TEXT_SIZE)
		return;
	strcat(out, word);
	strcat(out, more);
}

/* Without spaces: whether a street's name is written in one word is nobody's secret. */
static void put_street(const struct words *w, int from, int to, char out[SCORE_TEXT_SIZE])
{
	out[0] = '\0';
	for (int i = from; i < to; i++) {
		const char *whole = i == from && to - from > 1 ? first_word(w->word[i]) : NULL;
		if (!whole && i == to - 1 && i > from)
			whole = last_word(w->word[i]);
		if (whole)
			put_word(out, whole, "");
		else if (ends_in(w->word[i], "str"))
			put_word(out, w->word[i], "asse");
		else if (ends_in(w->word[i], "pl") && strlen(w->word[i]) > 4)
			put_word(out, w->word[i], "atz");
		else
			put_word(out, w->word[i], "");
	}
}

void score_text_street(const char *text, char street[SCORE_TEXT_SIZE], char house[SCORE_TEXT_SIZE])
{
	struct words w;
	int from = 0, to;

	score_text_form(text, street);
	split(street, &w);
	to = house_at_end(&w);
	put_house(&w, to, w.count, house);
	if (to == w.count && w.count > 1 && is_number(w.word[0])) {
		from = 1;
		put_house(&w, 0, 1, house);
	}
	put_street(&w, from, to, street);
}
