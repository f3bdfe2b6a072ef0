/* A CSV file as somebody's export wrote it: every row is a person or a reason, line numbers rise,
 * and reading it in pieces gives the same rows as reading it whole. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "hq/identity/hq_import.h"

static void need(bool right)
{
	if (!right)
		abort();
}

static const struct ident_rules rules = {
    .schemes = {{"club", "26", 13, IDENT_CHECK_EAN}},
    .scheme_count = 1,
    .region = "DE",
    .ruleset = "1",
};

static struct hq_csv_row row, again;
static struct hq_import_row person;

static void check_person(const struct hq_import_header *header)
{
	if (hq_import_person(header, &row, &rules, &person) != 0) {
		need(person.why[0] != '\0' && text_utf8_ok(person.why, strlen(person.why)));
		return;
	}
	need(person.person.external || person.person.ident_count > 0);
	for (int i = 0; i < row.count; i++)
		need(!pan_find(row.cell[i], false));
	if (person.person.name)
		need(text_utf8_ok(person.person.name, strlen(person.person.name)));
}

/* The row alone, as a piece of its own. */
static void check_alone(int rc)
{
	struct hq_csv csv;

	hq_csv_open(&csv, row.begin, row.len);
	need(hq_csv_next(&csv, &again) == rc);
	need(rc < 0 || (again.count == row.count && strcmp(again.cell[0], row.cell[0]) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hq_import_header header;
	const char *end = (const char *)data + size;
	struct hq_csv csv;
	unsigned line = 0;
	bool has_header = false;
	char err[300];
	int rc;

	hq_csv_open(&csv, (const char *)data, size);
	while ((rc = hq_csv_next(&csv, &row)) != 0) {
		need(row.line > line && row.begin + row.len == csv.at && csv.at <= end);
		line = row.line;
		need(rc < 0 ? row.fault != NULL : row.count >= 1 && row.count <= HQ_CSV_CELLS_MAX);
		if (memcmp(row.begin, "\xef\xbb\xbf", row.len < 3 ? row.len : 3) != 0)
			check_alone(rc);
		if (rc > 0 && has_header)
			check_person(&header);
		else if (rc > 0 && hq_import_header(&row, &header, err, sizeof err) == 0)
			has_header = true;
	}
	return 0;
}
