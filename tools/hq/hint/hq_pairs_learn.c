/* Weights from the records: which pairs they are learned from. */
#include <stdio.h>
#include <stdlib.h>

#include "hq/hint/hq_pairs.h"
#include "identity/score_learn.h"

#define RANDOM_PAIRS 1000000
#define RECORDS_WHOLE 200000 /* with more, blocks are sampled: enough to learn from */

static void take(void *ctx, const struct hq_pair *pair)
{
	uint8_t level[SCORE_FIELD_COUNT];

	score_levels(&pair->left, &pair->right, level);
	score_learn_pair(ctx,
	                 &(struct score_learn_pass){.pass = (int)pair->pass,
	                                            .demands = pair->demands,
	                                            .first = pair->first},
	                 level);
}

/* Always the same ones: nobody wants weights that change from run to run. */
static void random_pairs(const struct hq_people *p, struct score_learn *learn)
{
	uint64_t state = UINT64_C(0x853c49e6748fea9b), n = hq_people_count(p);

	for (int i = 0; i < RANDOM_PAIRS; i++) {
		uint8_t level[SCORE_FIELD_COUNT];
		struct score_record a, b;
		uint64_t at[2];
		for (int k = 0; k < 2; k++) {
			state =
			    state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			at[k] = (state >> 33) % n;
		}
		if (at[0] == at[1])
			continue;
		hq_people_record(p, at[0], &a);
		hq_people_record(p, at[1], &b);
		score_levels(&a, &b, level);
		score_learn_random(learn, level);
	}
}

struct score_model *hq_pairs_learn(struct hq_people *p, const char *made, const char *what,
                                   struct score_learn_report *report)
{
	struct score_learn *learn = score_learn_new();
	struct score_model *model = NULL;
	unsigned sample = (unsigned)(hq_people_count(p) / RECORDS_WHOLE) + 1;
	struct hq_pairs_ask ask = {
	    .sample = sample, .all = true, .what = what, .take = take, .ctx = learn};
	struct hq_pairs_report walked;
	char version[33];

	snprintf(version, sizeof version, "%.10s-%zu", made, hq_people_count(p));
	*report = (struct score_learn_report){0};
	if (!learn || hq_people_count(p) < SCORE_RECORDS_MIN)
		goto out;
	random_pairs(p, learn);
	if (hq_pairs_walk(p, &ask, &walked) != 0 || hq_people_values(p, learn) != 0)
		goto out;
	model = score_learn_run(learn,
	                        &(struct score_learn_in){.records = hq_people_count(p),
	                                                 .sampled = 1.0 / sample,
	                                                 .made = made,
	                                                 .version = version},
	                        report);
out:
	score_learn_free(learn);
	return model;
}
