/* Candidate pairs: records that agree in something, so that not everybody is compared with
 * everybody.
 *
 * Each pass has its reason (hq_pairs_reason); a pair is given once, by the first pass that finds
 * it. A block too large is parted by a second key; what is still too large is passed over and
 * counted. A telephone or an address of more records than a block may hold is nobody's.
 */
#ifndef LANEWAY_HQ_PAIRS_H
#define LANEWAY_HQ_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "hq/hint/hq_people.h"

#define HQ_PAIRS_BLOCK_MAX 300 /* records: up to 45,000 pairs */

enum hq_pass {
	HQ_PASS_MAIL,
	HQ_PASS_PHONE,
	HQ_PASS_BORN,
	HQ_PASS_PLACE_LAST,
	HQ_PASS_PLACE_FIRST,
	HQ_PASS_NAMES,
	HQ_PASS_ADDRESS,
	HQ_PASS_COUNT
};
const char *hq_pairs_name(enum hq_pass pass);   /* "mail", ... */
const char *hq_pairs_reason(enum hq_pass pass); /* a sentence */

struct hq_pair {
	uint32_t a, b; /* places of the records; a < b */
	enum hq_pass pass;
	bool first;       /* no earlier pass has it; always, unless all were asked for */
	unsigned demands; /* as score_learn_pass has it */
	struct score_record left, right;
};

struct hq_pairs_ask {
	unsigned sample; /* of so many blocks take one, always the same; 0, 1: all */
	bool all;        /* a pair in every pass that finds it, not only in the first */
	const char
	    *what; /* named in the progress on stderr, which begins after two seconds; NULL: none */
	void (*take)(void *ctx, const struct hq_pair *pair);
	void *ctx;
};
struct hq_pairs_report {
	uint64_t given; /* pairs */
	uint64_t by_pass[HQ_PASS_COUNT];
	uint64_t passed_over[HQ_PASS_COUNT]; /* records in blocks that were too large */
};
/* 0, or -1: out of memory. Takes contacts from records in p that are nobody's. */
int hq_pairs_walk(struct hq_people *p, const struct hq_pairs_ask *ask,
                  struct hq_pairs_report *report);

struct score_model;
struct score_learn_report;
/* Learn weights from the records. made: UTC time. NULL: out of memory, or too few records
 * (report->rounds is 0 then). */
struct score_model *hq_pairs_learn(struct hq_people *p, const char *made, const char *what,
                                   struct score_learn_report *report);

#endif
