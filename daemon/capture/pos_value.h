/* The types of till.def as values of JSON: is it one, and what is one in words. Pure. */
#ifndef LANEWAY_CAPTURE_POS_VALUE_H
#define LANEWAY_CAPTURE_POS_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#define POS_INTEGER_MAX (UINT64_C(1) << 53) /* what every JSON reader holds exactly */
#define POS_VALUE_WORDS_SIZE 128

struct json_t;

enum pos_type {
	POS_TEXT,
	POS_MONEY,
	POS_SIGNED,
	POS_QUANTITY,
	POS_BOOL,
	POS_INTEGER,
	POS_DATE,
	POS_LINES,
	POS_TENDERS,
	POS_KIND,
	POS_RATE,
	POS_LINE_KIND,
	POS_TENDER_TYPE,
	POS_TYPE_COUNT
};

/* What a member's value has to be. digits: of the currency, for money. */
struct pos_value_rule {
	enum pos_type type;
	size_t max; /* bytes of text, elements of a list */
	int digits;
};

/* Of a list only that it is one and not too long. */
bool pos_value_ok(const struct pos_value_rule *rule, const struct json_t *v);
/* "decimal text with 2 digits after the point, not negative". */
void pos_value_expected(const struct pos_value_rule *rule, char out[POS_VALUE_WORDS_SIZE]);
/* "a number": what stands there, never the value. */
const char *pos_value_found(const struct json_t *v);

#endif
