/* Arbitrary bytes as the body of POST /v1/rules: a table is tried out on all customers and rolled
 * back, or refused with a sentence; HQ is as it was. */
#include <jansson.h>
#include <string.h>

#include "hq/identity/hq_publish.h"
#include "hq_db_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hq_fuzz *f = hq_fuzz_made();
	struct hq_rules rules = {.version = HQ_RULES_DELIVERED};
	const struct hq_publish p = {f->db, &rules, 2000000, false};
	json_t *ask = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), *answer;
	const char *action = json_string_value(json_object_get(ask, "action"));
	char err[600] = "";

	rule_defaults(&rules.table);
	rules.scope = (struct hq_scope){&f->forms, &rules.table, "EUR"};
	if (action && strcmp(action, "publish") == 0) /* or the next input would meet another HQ */
		json_object_set_new(ask, "action", json_string("preview"));
	answer = hq_publish_do(&p, ask, err, sizeof err);
	if (!answer && !err[0])
		abort();
	if (json_object_get(answer, "version") ||
	    hq_fuzz_number(f, "SELECT count(*) FROM rule_table") != 0 ||
	    hq_fuzz_number(f, "SELECT count(*) FROM dirty") != 0 ||
	    hq_fuzz_number(f, "SELECT count(*) FROM profile") != 3)
		abort();
	json_decref(answer);
	json_decref(ask);
	rule_free(&rules.table);
	return 0;
}
