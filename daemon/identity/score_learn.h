/* Weights learned from the records themselves, without anybody saying which of them are one person:
 * expectation-maximisation.
 *
 * How it does not run away:
 *   - what strangers have in common is not guessed: it comes from pairs drawn at random, and from
 *     how frequent each value is
 *   - candidate pairs come in passes, each of pairs that agree in something; what a pass demands
 *     is left out of what is learned from it, for there it always agrees
 *   - five kinds of pairs share parameters: one person, one person who moved, two people of one
 *     household, the same of whom one has moved, strangers. First names and birth dates of a
 * household are as those of strangers (but for twins), so a household cannot be taken for a person
 *   - every share begins at a seed that counts as some pairs (score_model_defaults), so that a
 *     level that is never seen has a weight with bounds
 * What remains of dependence between fields (a typist's bad day, a family's names) is named in
 * DESIGN.md. Deterministic: same pairs, same model.
 */
#ifndef LANEWAY_IDENTITY_SCORE_LEARN_H
#define LANEWAY_IDENTITY_SCORE_LEARN_H

#include "identity/score.h"

#define SCORE_LEARN_PASSES_MAX 16

struct score_learn;
struct score_learn *score_learn_new(void); /* NULL: out of memory */
void score_learn_free(struct score_learn *l);

/* A pair drawn at random among all records. */
void score_learn_random(struct score_learn *l, const uint8_t level[SCORE_FIELD_COUNT]);

/* A candidate pair of a pass. demands: bit f is set for each field that the pass demands agreement
 * in, wholly or in part. first: no earlier pass has given this pair. */
struct score_learn_pass {
	int pass; /* 0 to SCORE_LEARN_PASSES_MAX - 1 */
	unsigned demands;
	bool first;
};
void score_learn_pair(struct score_learn *l, const struct score_learn_pass *pass,
                      const uint8_t level[SCORE_FIELD_COUNT]);

/* This many records have this value of a field (of FIRST, LAST, BORN, PLACE, STREET; of PHONE and
 * MAIL, too, where it counts but is not kept in the model). hash: score_text_hash of the form; of a
 * birth date's eight digits. Each value once. */
void score_learn_value(struct score_learn *l, enum score_field field, uint64_t hash,
                       uint64_t records);

struct score_learn_in {
	uint64_t records;
	double sampled;      /* share of the candidate pairs that were given: 1 for all of them */
	const char *made;    /* UTC time, for the model */
	const char *version; /* a word for the model */
};
struct score_learn_report {
	bool converged;
	int rounds;
	double change;        /* of a share, at most, in the last round */
	uint64_t pairs;       /* candidate pairs that were learned from, each once */
	double persons_pairs; /* expected pairs of one person among all candidates */
};
/* NULL: out of memory, or fewer than SCORE_RECORDS_MIN records (rounds is 0 then). */
struct score_model *score_learn_run(struct score_learn *l, const struct score_learn_in *in,
                                    struct score_learn_report *report);

#endif
