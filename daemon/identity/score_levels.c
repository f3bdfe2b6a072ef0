/* The comparators: two records, field by field, as levels. */
#include <stdio.h>
#include <string.h>

#include "identity/score_internal.h"

#define AREA_LETTERS 2     /* of a postcode: what a region has in common */
#define PART_LETTERS_MIN 3 /* of a word that two last names share */

static bool same(const char *a, const char *b)
{
	return a == b || strcmp(a, b) == 0;
}

static size_t word_len(const char *p)
{
	return strcspn(p, " ");
}

static const char *next_word(const char *p)
{
	p += word_len(p);
	return *p ? p + 1 : p;
}

static bool particle(const char *word, size_t n)
{
	static const char *const words[] = {"von", "van", "der", "den", "del", "dos",
	                                    "das", "zur", "zum", "mac", "bin", "ben"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (n == 3 && memcmp(words[i], word, 3) == 0)
			return true;
	}
	return false;
}

/* Do they share a word of at least so many letters? One of them has several words, or they were
 * the same. */
static bool share_word(const char *a, const char *b, size_t letters_min)
{
	if (!strchr(a, ' ') && !strchr(b, ' '))
		return false;
	for (const char *p = a; *p; p = next_word(p)) {
		size_t n = word_len(p);
		if (n < letters_min || particle(p, n))
			continue;
		for (const char *q = b; *q; q = next_word(q)) {
			if (word_len(q) == n && memcmp(p, q, n) == 0)
				return true;
		}
	}
	return false;
}

static bool nick(const char *a, const char *b)
{
	char one[SCORE_TEXT_SIZE], other[SCORE_TEXT_SIZE];

	if (!strchr(a, ' ') && !strchr(b, ' '))
		return score_nick_same(a, b);
	snprintf(one, sizeof one, "%.*s", (int)word_len(a), a);
	snprintf(other, sizeof other, "%.*s", (int)word_len(b), b);
	return score_nick_same(one, other);
}

static int alike(const char *a, const char *b, int close, int like, int other)
{
	double s = score_text_alike(a, b);

	return s >= SCORE_ALIKE_CLOSE ? close : s >= SCORE_ALIKE_LIKE ? like : other;
}

static int first_level(const char *a, const char *b)
{
	if (!*a || !*b)
		return SCORE_UNSAID;
	if (same(a, b))
		return SCORE_SAME;
	if (word_len(a) == 1 || word_len(b) == 1)
		return *a == *b ? SCORE_FIRST_INITIAL : SCORE_FIRST_OTHER;
	if (share_word(a, b, 2) || nick(a, b))
		return SCORE_FIRST_SHORT;
	return alike(a, b, SCORE_FIRST_CLOSE, SCORE_FIRST_LIKE, SCORE_FIRST_OTHER);
}

static int last_level(const char *a, const char *b)
{
	if (!*a || !*b)
		return SCORE_UNSAID;
	if (same(a, b))
		return SCORE_SAME;
	if (share_word(a, b, PART_LETTERS_MIN))
		return SCORE_LAST_PART;
	return alike(a, b, SCORE_LAST_CLOSE, SCORE_LAST_LIKE, SCORE_LAST_OTHER);
}

static bool near_same(const char *a, const char *b)
{
	return same(a, b) || score_text_alike(a, b) >= SCORE_ALIKE_CLOSE;
}

static bool swapped(const struct score_record *a, const struct score_record *b)
{
	return *a->first && *a->last && *b->first && *b->last && near_same(a->first, b->last) &&
	       near_same(a->last, b->first);
}

static void name_levels(const struct score_record *a, const struct score_record *b,
                        uint8_t level[SCORE_FIELD_COUNT])
{
	int first = first_level(a->first, b->first), last = last_level(a->last, b->last);

	if ((first == SCORE_FIRST_OTHER || first == SCORE_FIRST_LIKE) && last != SCORE_SAME &&
	    last != SCORE_LAST_CLOSE && swapped(a, b)) {
		first = SCORE_FIRST_SWAPPED;
		last = SCORE_UNSAID;
	}
	level[SCORE_FIRST] = (uint8_t)first;
	level[SCORE_LAST] = (uint8_t)last;
}

static uint8_t born_level(uint32_t a, uint32_t b)
{
	char one[16], other[16];
	bool year = a / 10000 == b / 10000, month = a / 100 % 100 == b / 100 % 100,
	     day = a % 100 == b % 100;

	if (!a || !b)
		return SCORE_UNSAID;
	if (a == b)
		return SCORE_SAME;
	if (year && a / 100 % 100 == b % 100 && b / 100 % 100 == a % 100)
		return SCORE_BORN_SWAPPED;
	if (year + month + day == 0)
		return SCORE_BORN_OTHER;
	snprintf(one, sizeof one, "%08u", a);
	snprintf(other, sizeof other, "%08u", b);
	if (score_text_one_slip(one, other))
		return SCORE_BORN_SLIP;
	return year + month + day == 2 ? SCORE_BORN_PART : SCORE_BORN_OTHER;
}

static uint8_t place_level(const struct score_record *a, const struct score_record *b)
{
	bool codes = *a->postcode && *b->postcode, cities = *a->city && *b->city;

	if (!codes && !cities)
		return SCORE_UNSAID;
	if (codes && same(a->postcode, b->postcode))
		return SCORE_SAME;
	if (codes && strlen(a->postcode) == strlen(b->postcode) &&
	    score_text_one_slip(a->postcode, b->postcode))
		return SCORE_PLACE_SLIP;
	if (cities && near_same(a->city, b->city))
		return SCORE_PLACE_CITY;
	if (codes && strncmp(a->postcode, b->postcode, AREA_LETTERS) == 0)
		return SCORE_PLACE_AREA;
	return SCORE_PLACE_OTHER;
}

static uint8_t street_level(const char *a, const char *b)
{
	if (!*a || !*b)
		return SCORE_UNSAID;
	if (same(a, b))
		return SCORE_SAME;
	return (uint8_t)alike(a, b, SCORE_STREET_CLOSE, SCORE_STREET_LIKE, SCORE_STREET_OTHER);
}

static uint8_t house_level(const char *a, const char *b)
{
	size_t digits = strspn(a, "0123456789");

	if (!*a || !*b)
		return SCORE_UNSAID;
	if (same(a, b))
		return SCORE_SAME;
	if (digits == strspn(b, "0123456789") && strncmp(a, b, digits) == 0)
		return SCORE_HOUSE_CLOSE;
	return strlen(a) > 1 && strlen(b) > 1 && score_text_one_slip(a, b) ? SCORE_HOUSE_CLOSE
	                                                                   : SCORE_HOUSE_OTHER;
}

static uint8_t contact_level(const uint64_t a[SCORE_CONTACTS_MAX],
                             const uint64_t b[SCORE_CONTACTS_MAX], uint8_t other)
{
	if (!a[0] || !b[0])
		return SCORE_UNSAID;
	for (int i = 0; i < SCORE_CONTACTS_MAX; i++) {
		for (int k = 0; k < SCORE_CONTACTS_MAX; k++) {
			if (a[i] && a[i] == b[k])
				return SCORE_SAME;
		}
	}
	return other;
}

void score_levels(const struct score_record *a, const struct score_record *b,
                  uint8_t level[SCORE_FIELD_COUNT])
{
	name_levels(a, b, level);
	level[SCORE_BORN] = born_level(a->born, b->born);
	level[SCORE_PLACE] = place_level(a, b);
	level[SCORE_STREET] = street_level(a->street, b->street);
	level[SCORE_HOUSE] = house_level(a->house, b->house);
	level[SCORE_PHONE] = contact_level(a->phone, b->phone, SCORE_PHONE_OTHER);
	level[SCORE_MAIL] = contact_level(a->mail, b->mail, SCORE_MAIL_OTHER);
	if (level[SCORE_MAIL] == SCORE_MAIL_OTHER &&
	    contact_level(a->folded, b->folded, SCORE_MAIL_OTHER) == SCORE_SAME)
		level[SCORE_MAIL] = SCORE_MAIL_FOLDED;
}
