/* What a score says to people. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "identity/score_internal.h"

struct level_words {
	const char *name, *words;
};
static const struct field_words {
	const char *name;
	int count;
	struct level_words level[SCORE_LEVELS_MAX];
} fields[SCORE_FIELD_COUNT] = {
    [SCORE_FIRST] = {"first_name",
                     8,
                     {{"unsaid", "first name: not said"},
                      {"same", "first name: the same"},
                      {"close", "first name: nearly the same"},
                      {"like", "first name: alike"},
                      {"short", "first name: a short form, or one of several"},
                      {"initial", "first name: the initial fits"},
                      {"swapped", "first and last name exchanged"},
                      {"other", "first name: another"}}},
    [SCORE_LAST] = {"last_name",
                    6,
                    {{"unsaid", "last name: not said"},
                     {"same", "last name: the same"},
                     {"close", "last name: nearly the same"},
                     {"like", "last name: alike"},
                     {"part", "last name: one of a double name"},
                     {"other", "last name: another"}}},
    [SCORE_BORN] = {"birth_date",
                    6,
                    {{"unsaid", "birth date: not said"},
                     {"same", "birth date: the same"},
                     {"swapped", "birth date: day and month exchanged"},
                     {"slip", "birth date: one slip apart"},
                     {"part", "birth date: two of day, month and year"},
                     {"other", "birth date: another"}}},
    [SCORE_PLACE] = {"place",
                     6,
                     {{"unsaid", "postcode: not said"},
                      {"same", "postcode: the same"},
                      {"slip", "postcode: one slip apart"},
                      {"city", "city: the same, another postcode"},
                      {"area", "postcode: the same area"},
                      {"other", "postcode: another"}}},
    [SCORE_STREET] = {"street",
                      5,
                      {{"unsaid", "street: not said"},
                       {"same", "street: the same"},
                       {"close", "street: nearly the same"},
                       {"like", "street: alike"},
                       {"other", "street: another"}}},
    [SCORE_HOUSE] = {"house",
                     4,
                     {{"unsaid", "house number: not said"},
                      {"same", "house number: the same"},
                      {"close", "house number: nearly the same"},
                      {"other", "house number: another"}}},
    [SCORE_PHONE] = {"phone",
                     3,
                     {{"unsaid", "telephone: not said"},
                      {"same", "telephone: the same"},
                      {"other", "telephone: another"}}},
    [SCORE_MAIL] = {"email",
                    4,
                    {{"unsaid", "e-mail: not said"},
                     {"same", "e-mail: the same"},
                     {"folded", "e-mail: the same mailbox, written differently"},
                     {"other", "e-mail: another"}}},
};

const char *score_field_name(enum score_field field)
{
	return fields[field].name;
}

int score_level_count(enum score_field field)
{
	return fields[field].count;
}

const char *score_level_name(enum score_field field, int level)
{
	return level >= 0 && level < fields[field].count ? fields[field].level[level].name : "";
}

const char *score_reason_words(const struct score_reason *reason)
{
	switch (reason->why) {
	case SCORE_WHY_ODDS:
		return "any two records, before anything is compared";
	case SCORE_WHY_MOVED:
		return "people move: street, house and postcode change together";
	case SCORE_WHY_HOUSEHOLD:
		return "people of one household share these";
	default:
		return fields[reason->field].level[reason->level].words;
	}
}

/* The first letter, whole, with dots; nothing for a name that is not said. */
static void mask_word(const char *word, struct buf *out)
{
	size_t n = 1;

	while (*word == ' ')
		word++;
	if (!*word)
		return;
	while (((unsigned char)word[n] & 0xc0) == 0x80)
		n++;
	if (out->len > 0)
		buf_byte(out, ' ');
	buf_add(out, word, n);
	buf_str(out, "...");
}

void score_mask(const struct score_plain *who, char *out, size_t size)
{
	const char *last = who->last_name && *who->last_name ? who->last_name : NULL;
	const char *space = !last && who->name ? strrchr(who->name, ' ') : NULL;
	struct buf text = {0};

	if (who->first_name && *who->first_name)
		mask_word(who->first_name, &text);
	else if (who->name)
		mask_word(who->name, &text);
	if (last || space)
		mask_word(last ? last : space, &text);
	if (who->postcode && *who->postcode)
		buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", who->postcode);
	buf_byte(&text, '\0');
	text_fit(out, size, text.failed ? "" : (const char *)text.data);
	buf_free(&text);
}
