/* Weights as a store gets them: refused with a sentence, or good for comparing. */
#include <stdint.h>
#include <stdlib.h>

#include "identity/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What HQ tells of it can be read again, and is not too much. */
static void shortened(struct score_model *m)
{
	struct buf text = {0};
	struct score_model *back;
	char err[200];

	score_model_shorten(m);
	score_model_write(m, &text);
	back = score_model_read((const char *)text.data, text.len, err, sizeof err);
	if (!text.failed && (!back || text.len > SCORE_TOLD_BYTES_MAX))
		abort();
	score_model_free(back);
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct score_plain plain = {.first_name = "Anna",
	                            .last_name = "Müller",
	                            .birth_date = "1990-01-01",
	                            .street = "Ring 1",
	                            .postcode = "04109",
	                            .phone = {"+491"},
	                            .mail = {"a@b.de"}};
	char err[200] = "";
	struct score_model *m = score_model_read((const char *)data, size, err, sizeof err);
	struct score_record r;
	struct score_room room;
	struct score s;

	if (!m) {
		if (!err[0])
			abort();
		return 0;
	}
	shortened(m);
	score_prepare(&plain, &room, &r);
	score_pair(m, &r, &r, &s);
	if (s.mbit < -1000000 || s.mbit > 1000000)
		abort();
	score_model_free(m);
	return 0;
}
