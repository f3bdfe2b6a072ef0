/* A rule table from a file or from HQ, and the guards' snapshot. A table that is read must be
 * written and read the same again. */
#include <stdlib.h>
#include <string.h>

#include "identity/rule.h"
#include "identity/ward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ident_rules forms = {
    .schemes = {{.name = "card", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN}},
    .scheme_count = 1,
    .region = "DE",
};

static void must(bool right)
{
	if (!right)
		abort();
}

static void table(const uint8_t *data, size_t size)
{
	struct rule_set rules, again;
	struct buf one = {0}, two = {0};
	char err[256] = "";

	if (rule_read((const char *)data, size, &forms, &rules, err, sizeof err) < 0) {
		must(err[0] && !rules.value);
		return;
	}
	rule_write(&one, &rules);
	must(rule_read((const char *)one.data, one.len, &forms, &again, err, sizeof err) == 0);
	rule_write(&two, &again);
	must(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	rule_blocked(&rules, IDENT_PHONE, "+493022446600");
	rule_free(&rules);
	rule_free(&again);
	buf_free(&one);
	buf_free(&two);
}

static void snapshot(const uint8_t *data, size_t size)
{
	struct ward *w = ward_new();
	struct buf saved = {0};
	const struct ward_row *row;

	must(w != NULL);
	ward_load(w, data, size);
	for (size_t at = 0; (row = ward_next(w, &at));)
		must(row->mask[0] && ward_cause_name(row->cause));
	for (size_t set = 0; set < WARD_SETS; set++) {
		buf_reset(&saved);
		ward_save(w, set, &saved);
		must(ward_load(w, saved.data, saved.len));
	}
	buf_free(&saved);
	ward_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 1)
		snapshot(data, size);
	else
		table(data, size);
	return 0;
}
