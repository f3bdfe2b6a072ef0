/* What element strings and Digital Links share. */
#ifndef LANEWAY_IDENTITY_GS1_INTERNAL_H
#define LANEWAY_IDENTITY_GS1_INTERNAL_H

#include "identity/gs1.h"

#define GS1_AI_DIGITS_MAX 4

struct gs1_element {
	char ai[GS1_AI_DIGITS_MAX + 1];
	char value[GS1_VALUE_BYTES_MAX + 1];
};
struct gs1_code {
	struct gs1_element element[GS1_AIS_MAX];
	int count;
};

/* How many digits the AI that begins here has, 0 if there is no such AI; *value: bytes of its value
 * where that is fixed by its first digits, else 0. */
size_t gs1_ai(const char *digits, size_t *value);

/* One more element. false: too many, too long, empty, or with characters that no value has. */
bool gs1_add(struct gs1_code *code, const char *ai, size_t ai_len, const char *value, size_t len);

/* What the whole means. */
enum ident_reason gs1_judge(const struct gs1_code *code, char gsrn[GS1_GSRN_SIZE]);

#endif
