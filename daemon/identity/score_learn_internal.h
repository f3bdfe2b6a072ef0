/* What is counted (score_learn.c) and what is made of it (score_learn_run.c). */
#ifndef LANEWAY_IDENTITY_SCORE_LEARN_INTERNAL_H
#define LANEWAY_IDENTITY_SCORE_LEARN_INTERNAL_H

#include "identity/score_internal.h"
#include "identity/score_learn.h"

#define SCORE_LEARN_OFTEN 3200                  /* frequent values kept of a field */
#define SCORE_LEARN_ONCE SCORE_LEARN_PASSES_MAX /* the pattern counts each pair once, whole */
_Static_assert(SCORE_LEARN_OFTEN * 5 <= SCORE_OFTEN_MAX, "five fields' values fit into a model");

/* Pairs that have the same levels, of one pass. */
struct score_pattern {
	uint8_t pass;
	uint8_t level[SCORE_FIELD_COUNT];
	uint64_t count;
};

struct score_value {
	uint64_t hash, records;
};

struct score_learn {
	struct score_pattern *pattern; /* open hash; count 0: free */
	size_t pattern_count, pattern_room;
	bool failed; /* out of memory */
	double random[SCORE_FIELD_COUNT][SCORE_LEVELS_MAX];
	struct {
		/* of all values: records, and ordered pairs of records that have the same */
		double records, pairs;
		struct score_value *top; /* heap, the rarest first */
		int count;
	} value[SCORE_FIELD_COUNT];
};

#endif
