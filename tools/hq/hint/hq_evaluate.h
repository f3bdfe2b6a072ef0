/* How good linking and hints are, on records of which somebody has said who is who.
 *
 * Linking: each record is an enrolment that claims its identifiers, in the file's order, folded by
 * the rules as everywhere (identity/fold.h). Of which the file does not say where and when it was
 * made, nothing typed joins it. Hints: candidate pairs and their scores, with weights
 * learned from the records as they are; who is who is not looked at for that. */
#ifndef LANEWAY_HQ_EVALUATE_H
#define LANEWAY_HQ_EVALUATE_H

#include <jansson.h>
#include <stdio.h>

#include "hq/hint/hq_label.h"

/* A measured clustering: what was joined against what is one person. */
struct hq_clusters {
	uint64_t persons;      /* who are in the file */
	uint64_t several;      /* of them, with two records or more */
	uint64_t false_merged; /* persons of whom a record was joined with somebody else's */
	uint64_t missed;       /* persons whose records were left in several pieces */
	uint64_t true_pairs, found_pairs; /* pairs of records of one person; of them, joined */
	uint64_t joined_pairs;            /* pairs of records that were joined */
};
/* What became of a person: some of these. */
#define HQ_EVALUATE_FALSE 1  /* joined with somebody else */
#define HQ_EVALUATE_MISSED 2 /* left in several pieces */
/* cluster: a number for each record; records of one cluster have the same. became: room for each
 * person's number (l->person.count), or NULL. 0, or -1: no memory. */
int hq_evaluate_clusters(const struct hq_labelled *l, const uint32_t *cluster, uint8_t *became,
                         struct hq_clusters *out);

/* Wilson's 95 % interval of k in n. */
void hq_evaluate_wilson(uint64_t k, uint64_t n, double *low, double *high);

/* Joins of two claims that the rules made, by the identifier's kind and by whether both were
 * verified; wrong: their two records are not of one person. */
struct hq_evaluate_joins {
	uint64_t made[IDENT_KIND_COUNT][2], wrong[IDENT_KIND_COUNT][2];
};
/* What the rules make of the records: the first record's number for each one of a cluster. 0, or
 * -1: out of memory. */
struct rule_set;
int hq_evaluate_link(const struct hq_labelled *l, const struct rule_set *rules, uint32_t *cluster,
                     struct hq_evaluate_joins *joins);

struct hq_evaluate_ask {
	const char *made; /* UTC time */
	bool defaults;    /* weigh with the defaults, learn nothing */
	FILE *curve;      /* the curve as CSV goes there; NULL: nowhere */
	const char *what; /* progress is told under this name; NULL: not at all */
};
/* All of it as an object (WIRE.md section 15); NULL: out of memory. */
json_t *hq_evaluate(struct hq_labelled *l, const struct hq_evaluate_ask *ask);
void hq_evaluate_print(const json_t *answer);

#endif
