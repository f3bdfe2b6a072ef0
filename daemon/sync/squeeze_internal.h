/* What packing (squeeze.c) and unpacking (squeeze_open.c) must do alike (squeeze_shape.c). Any
 * change of what follows changes bytes on the wire. */
#ifndef LANEWAY_SYNC_SQUEEZE_INTERNAL_H
#define LANEWAY_SYNC_SQUEEZE_INTERNAL_H

#include <stdbool.h>

#include "base/clock.h"
#include "sync/squeeze.h"

#define SQUEEZE_PLACE 0x01     /* stands in a shape where a value stood; in no canonical line */
#define SQUEEZE_BACK_MAX 64    /* lines back that a line may refer to */
#define SQUEEZE_LOOK_MAX 64    /* values looked at for one key */
#define SQUEEZE_DERIVED_MAX 96 /* bytes of a value that is worked out */
#define SQUEEZE_DIGITS_MAX 15  /* of a number that is counted on */
#define SQUEEZE_MS_MAX 253402300799999      /* the end of the year 9999 */
#define SQUEEZE_DAYS_MAX 2932896            /* its last day */
#define SQUEEZE_NUMBERS 1000000000000000000 /* whole numbers are below this */
#define SQUEEZE_DATE_BYTES 10
#define SQUEEZE_DAYS_NEAR 20454 /* 2026-01-01: dates around it take two bytes */
#define SQUEEZE_GTIN_DIGITS 13
#define SQUEEZE_GTIN_BYTES 5 /* of its first 12 digits */

/* In front of a line: the number of its shape + 2, or one of these. */
enum { SQUEEZE_WHOLE = 0, SQUEEZE_NEW_SHAPE = 1, SQUEEZE_OLD_SHAPE = 2 };

/* One byte per value. */
enum {
	SQUEEZE_EXPECTED = 0x00, /* what its role says, else as in the line referred to */
	SQUEEZE_REFERRED,        /* as in the line referred to, whatever its role says */
	SQUEEZE_TEXT,            /* the next text */
	SQUEEZE_ID,              /* 16 raw bytes in base64url */
	SQUEEZE_HEX,             /* u8 n, n raw bytes in hex */
	SQUEEZE_B64,             /* u8 n, n raw bytes in base64url */
	SQUEEZE_NUMBER,          /* raw: signed difference to the latest mono_us */
	SQUEEZE_TIME,            /* raw: signed difference to the expected time, ms */
	SQUEEZE_DATE,            /* raw: days since 1970 */
	SQUEEZE_PREFIX,          /* u8 n: n bytes as in the line referred to, then the next text */
	SQUEEZE_OWN,             /* store/till/business date/, then the next text */
	SQUEEZE_NEAR_DATE,       /* raw: signed difference to 2026-01-01, days */
	SQUEEZE_DAY_TIME,        /* raw: signed difference to noon of the business date, ms */
	SQUEEZE_GTIN,            /* 5 raw bytes: 12 digits, to which the check digit comes */
	SQUEEZE_FIRST_NUMBER,    /* raw: the digits as a number */
	SQUEEZE_ADD = 0x20,      /* ... as in the line referred to, counted on by 1 to 32 */
	SQUEEZE_SLOT = 0x40,     /* ... as value 0 to 63 of this line */
	SQUEEZE_NEAR = 0x80,     /* ... as the value 1 to 64 before it in this line */
	SQUEEZE_NEXT =
	    0xc0, /* ... the latest value of the same key in this line, counted on by 1 to 64 */
};

/* What a key says of its value. */
enum squeeze_role {
	SQUEEZE_PLAIN,
	SQUEEZE_EPOCH,
	SQUEEZE_MESSAGE_ID,
	SQUEEZE_MONO,
	SQUEEZE_SEQ,
	SQUEEZE_STORE,
	SQUEEZE_WALL,
	SQUEEZE_VISIT,   /* as anonymousId */
	SQUEEZE_CART,    /* as basket_id */
	SQUEEZE_RECEIPT, /* the end of order_id */
};

struct squeeze_slot {
	uint32_t at;           /* of its place in the shape's text */
	uint32_t key, key_len; /* in the shape's text */
	enum squeeze_role role;
};
struct squeeze_shape {
	uint32_t text, len; /* in shape_text, without its newline */
	uint32_t first_slot, slots;
	uint32_t sum; /* tells most shapes apart */
};
struct squeeze_value {
	uint32_t at, len; /* in the lines */
};
struct squeeze_line {
	const struct squeeze_shape *shape; /* NULL: travels whole */
	uint32_t first_value;
};

struct squeeze {
	struct squeeze_head head;
	const uint8_t *lines;  /* where values point into */
	struct buf shape_text; /* the shapes of this batch, each ended by '\n' */
	struct squeeze_shape shapes[SQUEEZE_SHAPES_MAX];
	uint32_t shape_count;
	struct buf slots, values;                       /* of struct squeeze_slot, squeeze_value */
	struct squeeze_line line[SQUEEZE_BACK_MAX + 1]; /* the latest ones, by index modulo */
	uint32_t at;                                    /* the line at work */
	const struct squeeze_line *ref;                 /* NULL: none */
	uint32_t cursor; /* in the line referred to: behind the value found last */
	uint64_t mono;
	bool timed;
	int64_t low, high;                /* wall minus mono is between these, in microseconds */
	struct buf ops, texts, text, raw; /* packing only */
};

/* A new batch. */
void squeeze_begin(struct squeeze *s, const struct squeeze_head *head, const uint8_t *lines);

/* The shape whose text is the last `len` bytes of shape_text but its newline. NULL: too many, or
 * out of memory. */
const struct squeeze_shape *squeeze_add_shape(struct squeeze *s, uint32_t len);
/* The place of the next value; false: SQUEEZE_VALUES_MAX, or out of memory. */
bool squeeze_add_value(struct squeeze *s, uint32_t at, uint32_t len);

static inline struct squeeze_line *squeeze_line(struct squeeze *s, uint32_t i)
{
	return &s->line[i % (SQUEEZE_BACK_MAX + 1)];
}
static inline const struct squeeze_slot *squeeze_slot(const struct squeeze *s,
                                                      const struct squeeze_shape *shape, uint32_t k)
{
	return (const struct squeeze_slot *)(const void *)s->slots.data + shape->first_slot + k;
}
static inline const struct squeeze_value *squeeze_value(const struct squeeze *s,
                                                        const struct squeeze_line *line, uint32_t k)
{
	return (const struct squeeze_value *)(const void *)s->values.data + line->first_value + k;
}

/* The line referred to for the line at work; back 0: none. */
void squeeze_refer(struct squeeze *s, uint32_t back);
/* Its value for the key of value k, or NULL; moves the cursor, so once per value, in order. */
const struct squeeze_value *squeeze_referred(struct squeeze *s, uint32_t k);
/* What value k is expected to be: its length and *p (in out, or in the lines). 0: nothing is. */
size_t squeeze_expected(struct squeeze *s, uint32_t k, const struct squeeze_value *referred,
                        char out[SQUEEZE_DERIVED_MAX], const uint8_t **p);
/* What begins the ids that a till's number makes: "s1/T3/2026-11-21/"; its length, 0: nothing does.
 */
size_t squeeze_own(const struct squeeze *s, uint32_t k, char out[SQUEEZE_DERIVED_MAX]);
/* Noon of the business date that stands in the line at work in front of value k. */
bool squeeze_noon(const struct squeeze *s, uint32_t k, int64_t *ms);
/* The value before k in the line at work with the same key, or NULL. */
const struct squeeze_value *squeeze_latest(const struct squeeze *s, uint32_t k);
/* The number that v ends with, and n more; the length, 0: no such number. */
size_t squeeze_counted(const struct squeeze *s, const struct squeeze_value *v, uint64_t n,
                       char out[SQUEEZE_DERIVED_MAX]);
/* The time that goes with the latest mono_us, ms since 1970; 0 before the first. */
int64_t squeeze_time(const struct squeeze *s);
/* Take in value k as it turned out to be. */
void squeeze_note(struct squeeze *s, uint32_t k, const uint8_t *p, size_t n);

/* "2026-11-21T17:02:03.123Z" and nothing else. */
bool squeeze_parse_time(const uint8_t *p, size_t n, int64_t *ms);
/* "2026-11-21" and nothing else, from 1970 to 9999. */
bool squeeze_parse_date(const uint8_t *p, size_t n, int64_t *days);
void squeeze_put_date(int64_t days, char out[CLOCK_ISO8601_SIZE]);
/* 13 digits of which the last is the check digit of those before it; they as a number. */
bool squeeze_parse_gtin(const uint8_t *p, size_t n, uint64_t *digits);
/* false: more than 12 digits. */
bool squeeze_put_gtin(uint64_t digits, char out[SQUEEZE_GTIN_DIGITS + 1]);
/* A whole number below 10^18 as it is printed. */
bool squeeze_parse_number(const uint8_t *p, size_t n, uint64_t *out);

#endif
