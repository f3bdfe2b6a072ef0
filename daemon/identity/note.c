#include "identity/note.h"

#include <string.h>

static const struct {
	const char *code, *words;
} list[] = {
    {"assistance", "Needs a hand with bags and packing"},
    {"large_print", "Needs large print"},
    {"quiet", "Prefers few words"},
    {"invoice", "Wants an invoice"},
    {"no_bag", "Brings their own bag"},
    {"deliveries", "Has purchases delivered"},
};

bool note_listed(const char *code)
{
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (strcmp(list[i].code, code) == 0)
			return true;
	return false;
}

const char *note_code(size_t i)
{
	return i < sizeof list / sizeof *list ? list[i].code : NULL;
}

const char *note_words(const char *value)
{
	if (note_is_text(value))
		return value + sizeof NOTE_TEXT - 1;
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (strcmp(list[i].code, value) == 0)
			return list[i].words;
	return value;
}

size_t note_subject(const char *value)
{
	return strcspn(value, ":");
}

bool note_taken_back(const char *value)
{
	size_t n = note_subject(value);

	return !value[0] || (value[n] == ':' && !value[n + 1]);
}

bool note_is_text(const char *value)
{
	return strncmp(value, NOTE_TEXT, sizeof NOTE_TEXT - 1) == 0;
}

bool note_over(const struct field_fact *f, int64_t now_us)
{
	return f->field == FIELD_NOTE && f->value && note_is_text(f->value) && now_us &&
	       f->from_us <= now_us - NOTE_US;
}
