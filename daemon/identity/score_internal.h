/* What the files of score share. */
#ifndef LANEWAY_IDENTITY_SCORE_INTERNAL_H
#define LANEWAY_IDENTITY_SCORE_INTERNAL_H

#include "base/clock.h"
#include "identity/score.h"

#define SCORE_ALIKE_CLOSE 0.92
#define SCORE_ALIKE_LIKE 0.80

struct score_often {
	uint64_t key; /* score_often_key */
	double share; /* of all records that say this field */
};

/* Probabilities of each level of each field where both records say it (they sum to 1), between two
 * records of: one person; two people of one household; strangers. The address of a household is
 * one address: house[PLACE, STREET, HOUSE] equal same[]. Level 0 is not used. */
struct score_model {
	char version[33], made[CLOCK_ISO8601_SIZE];
	uint64_t records;     /* it was learned from; 0: defaults */
	double match, houses; /* pairs of one person, and of one household, to one of strangers */
	double moved;         /* share of one person's pairs that have two addresses */
	double same[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	double house[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	double strange[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	double rest[SCORE_FIELD_COUNT]; /* share of a value that is not in often; 0: not used */
	struct score_often *often;      /* sorted by key */
	int often_count;
};

static inline bool score_is_address(enum score_field f)
{
	return f == SCORE_PLACE || f == SCORE_STREET || f == SCORE_HOUSE;
}

static inline uint64_t score_often_key(enum score_field f, uint64_t hash)
{
	return (hash & ~UINT64_C(15)) | (uint64_t)f;
}

/* A first name's short form, or that of another: "bob", "robert". */
bool score_nick_same(const char *a, const char *b);

#endif
