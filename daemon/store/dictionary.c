#include "store/dictionary.h"

#include <stdint.h>

/* The assembler reads the file, as serve/ui.c has it. */
#define EMBED(id)                                                                                  \
	__asm__(".section .rodata\n"                                                               \
	        "dictionary_" #id ":\n.incbin \"daemon/store/dictionary/" #id ".zdict\"\n"         \
	        "dictionary_" #id "_end:\n.byte 0\n.previous\n");                                  \
	extern const uint8_t dictionary_##id[] __asm__("dictionary_" #id)                          \
	    __attribute__((visibility("hidden")));                                                 \
	extern const uint8_t dictionary_##id##_end[] __asm__("dictionary_" #id "_end")             \
	    __attribute__((visibility("hidden")))

EMBED(1);
EMBED(2);
EMBED(3);
EMBED(4);

static const struct {
	const uint8_t *data, *end;
} shipped[DICTIONARIES_MAX] = {
    [DICTIONARY_TEXTS_OLD] = {dictionary_1, dictionary_1_end},
    [DICTIONARY_LINES_OLD] = {dictionary_2, dictionary_2_end},
    [DICTIONARY_TEXTS] = {dictionary_3, dictionary_3_end},
    [DICTIONARY_LINES] = {dictionary_4, dictionary_4_end},
};

bool dictionary_find(unsigned id, struct dictionary *out)
{
	if (id >= DICTIONARIES_MAX || !shipped[id].data)
		return false;
	*out = (struct dictionary){shipped[id].data, (size_t)(shipped[id].end - shipped[id].data)};
	return true;
}
