/* Arbitrary bytes as the body of POST /v1/links: what a steward asks for is tried out and rolled
 * back, or refused with a sentence; HQ is as it was. */
#include <jansson.h>
#include <string.h>

#include "hq/identity/hq_links.h"
#include "hq_db_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hq_fuzz *f = hq_fuzz_made();
	const struct hq_links links = {f->db, &f->scope, 2000000};
	json_t *ask = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), *answer;
	char err[300] = "";

	if (json_is_object(ask)) /* not done, or the next input would meet another HQ */
		json_object_set_new(ask, "yes", json_false());
	answer = hq_links_do(&links, ask, err, sizeof err);
	if (!answer && !err[0])
		abort();
	if (answer && json_is_true(json_object_get(answer, "done")))
		abort();
	if (hq_fuzz_number(f, "SELECT count(*) FROM op") != 0 ||
	    hq_fuzz_number(f, "SELECT count(*) FROM profile") != 3)
		abort();
	json_decref(answer);
	json_decref(ask);
	return 0;
}
