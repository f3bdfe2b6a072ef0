/* A labelled CSV file out of anybody's hands, and the comparing of what stands in it. */
#include <stdint.h>
#include <stdlib.h>

#include "hq/hint/hq_label.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ident_rules rules = {.region = "DE"};
	struct score_model *model = score_model_defaults();
	struct hq_labelled l;
	char err[200];

	if (hq_labelled_read((const char *)data, size, &rules, &l, err, sizeof err) == 0) {
		for (size_t i = 1; i < l.count; i++) {
			struct score_record a, b;
			struct score s, turned;
			hq_people_record(l.people, i - 1, &a);
			hq_people_record(l.people, i, &b);
			score_pair(model, &a, &b, &s);
			score_pair(model, &b, &a, &turned);
			if (s.mbit != turned.mbit)
				abort();
		}
	}
	hq_labelled_free(&l);
	score_model_free(model);
	return 0;
}
