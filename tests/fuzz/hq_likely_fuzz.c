/* Arbitrary bytes as the pairs that `duplicates --suggest` hands to a running HQ: kept whole, as
 * pages can tell them, or refused with a sentence; nobody is joined. */
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "hq/identity/hq_likely.h"
#include "hq/identity/hq_profile.h"
#include "hq_db_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each line can be read again, with the pairs in it. */
static void check_lines(struct hq_fuzz *f)
{
	for (int64_t n = 1; n <= 3; n++) {
		struct buf line = {0};
		json_t *o;

		hq_profile_line(f->db, n, &line);
		o = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
		if (line.failed || !json_is_object(o))
			abort();
		json_decref(o);
		buf_free(&line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hq_fuzz *f = hq_fuzz_made();
	json_t *ask = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), *answer;
	int64_t before = hq_fuzz_number(f, "SELECT count(*) FROM likely");
	char err[300] = "";

	log_open("fuzz", LOG_LEVEL_ERROR);
	answer = hq_likely_keep(f->db, ask, err, sizeof err);
	if (!answer && (!err[0] || hq_fuzz_number(f, "SELECT count(*) FROM likely") != before))
		abort();
	if (hq_persons_fold(f->db, &f->scope, 2, 0) < 0)
		abort();
	if (hq_fuzz_number(f, "SELECT count(*) FROM likely WHERE unit >= other OR"
	                      " length(because) > 180") != 0 ||
	    hq_fuzz_number(f, "SELECT count(DISTINCT person) FROM profile") != 3)
		abort();
	check_lines(f);
	json_decref(answer);
	json_decref(ask);
	return 0;
}
