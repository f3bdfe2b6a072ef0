/* Texts kept once, each with a number and a count of uses. */
#ifndef LANEWAY_HQ_INTERN_H
#define LANEWAY_HQ_INTERN_H

#include <stddef.h>
#include <stdint.h>

#define HQ_INTERN_NONE UINT32_MAX

struct hq_intern {
	char *text; /* one behind the other, with NUL; that of number 0 is empty */
	size_t text_len, text_room;
	uint32_t *at, *uses; /* per number: where it stands, how often it was added */
	uint32_t *slot;      /* hash: number + 1; 0: free */
	uint32_t count, room;
};

/* All zero is an empty one. The text's number; HQ_INTERN_NONE: out of memory. "" is 0. */
uint32_t hq_intern_add(struct hq_intern *in, const char *text);
const char *hq_intern_text(const struct hq_intern *in, uint32_t number);
void hq_intern_free(struct hq_intern *in);

#endif
