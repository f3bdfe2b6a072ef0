/* HQ's import is held to the same vectors as the store's scanners. */
#include "vectors.h"

#include "hq/identity/hq_import.h"

static enum hq_import_column column_of(const char *kind)
{
	static const struct {
		const char *kind;
		enum hq_import_column column;
	} columns[] = {
	    {"loyalty", HQ_IMPORT_LOYALTY}, {"phone", HQ_IMPORT_PHONE},
	    {"email", HQ_IMPORT_EMAIL},     {"gsrn", HQ_IMPORT_GSRN},
	    {"wallet", HQ_IMPORT_WALLET},   {"account", HQ_IMPORT_ACCOUNT},
	    {"vat_id", HQ_IMPORT_VAT_ID},
	};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (strcmp(kind, columns[i].kind) == 0)
			return columns[i].column;
	return HQ_IMPORT_COLUMN_COUNT;
}

static size_t checked;

static void check(const json_t *vectors, const json_t *vector)
{
	const char *in = text_of(vector, "in"), *out = text_of(vector, "out");
	struct hq_import_header header = {.count = 2, .column = {HQ_IMPORT_CUSTOMER_ID}};
	static struct hq_csv_row row;
	static struct hq_import_row person;
	struct ident_rules rules;
	header.column[1] = column_of(text_of(vector, "kind"));
	if (header.column[1] == HQ_IMPORT_COLUMN_COUNT || !in[0])
		return; /* a file names the kind; an empty cell says nothing */
	rules_of(vectors, vector, &rules);
	row = (struct hq_csv_row){.count = 2, .line = 2};
	row.cell[0] = "key-1";
	row.cell[1] = (char *)in;
	bool ok = hq_import_person(&header, &row, &rules, &person) == 0;
	bool foreign = json_is_true(json_object_get(vector, "foreign"));
	if (ok != (out && !foreign))
		fail_msg("%s \"%s\": %s", text_of(vector, "kind"), in, ok ? "taken" : person.why);
	checked++;
	if (!ok) {
		/* Never in full; "@example.com" is a word of the reason. */
		assert_true(strlen(in) <= 12 || !strstr(person.why, in));
		return;
	}
	assert_int_equal(person.person.ident_count, 1);
	assert_string_equal(person.person.ident[0].value, out);
	assert_string_equal(ident_kind_name(person.person.ident[0].kind), text_of(vector, "kind"));
}

static void an_import_knows_the_same_forms_as_a_store(void **state)
{
	(void)state;
	checked = 0;
	each_vector(check);
	assert_true(checked > 350);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_import_knows_the_same_forms_as_a_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
