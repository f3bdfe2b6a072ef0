#include "hq/hq_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void hq_import_report_free(struct hq_import_report *r)
{
	buf_free(&r->problems);
}

static void problem(struct hq_import_report *report, unsigned line, const char *why)
{
	report->bad++;
	buf_printf(&report->problems, "line %u: %s\n", line, why);
}

static void bring_in(struct hq_db *db, const struct hq_import_row *row, unsigned line,
                     struct hq_import_report *report)
{
	switch (hq_profile_upsert(db, &row->person)) {
	case HQ_UPSERT_NEW:
		report->made++;
		break;
	case HQ_UPSERT_CHANGED:
		report->changed++;
		break;
	case HQ_UPSERT_SAME:
		report->same++;
		break;
	case HQ_UPSERT_AMBIGUOUS:
		problem(report, line,
		        "its first known identifier belongs to several customers, expected "
		        "customer_id to say which");
		break;
	case HQ_UPSERT_FULL:
		problem(report, line, "the customer would have more than 16 identifiers");
		break;
	}
}

/* The scratch of one piece: rows are too big for the stack. */
struct scratch {
	struct hq_csv csv;
	struct hq_csv_row row;
	struct hq_import_header header;
	struct hq_import_row person;
	int64_t as_of_us;
};

static int read_header(struct scratch *s, struct hq_import_piece *piece)
{
	int rc;

	hq_csv_open(&s->csv, piece->csv, piece->len);
	rc = hq_csv_next(&s->csv, &s->row);
	if (rc == 1)
		return hq_import_header(&s->row, &s->header, piece->err, sizeof piece->err);
	snprintf(piece->err, sizeof piece->err, "line %u: %s", s->csv.line,
	         rc == 0 ? "no header row, expected one that names the columns" : s->row.fault);
	return -1;
}

static void read_rows(struct scratch *s, struct hq_db *db, const struct ident_rules *rules,
                      struct hq_import_report *report)
{
	int rc;

	while ((rc = hq_csv_next(&s->csv, &s->row)) != 0) {
		if (rc < 0) {
			problem(report, s->row.line, s->row.fault);
		} else if (hq_import_person(&s->header, &s->row, rules, &s->person) != 0) {
			problem(report, s->row.line, s->person.why);
		} else {
			/* A row comes after the one above it. */
			s->person.person.as_of_us = s->as_of_us++;
			bring_in(db, &s->person, s->row.line, report);
		}
	}
}

int hq_import_rows(struct hq_db *db, const struct hq_scope *scope, struct hq_import_piece *piece,
                   struct hq_import_report *report)
{
	struct scratch *s = memory_alloc(sizeof *s);
	int rc = -1;

	snprintf(piece->err, sizeof piece->err, "out of memory");
	if (!s)
		return -1;
	if (read_header(s, piece) != 0)
		goto out;
	s->csv.line = piece->first_line;
	snprintf(piece->err, sizeof piece->err, "hq.db could not be written");
	if (hq_db_begin(db) != 0)
		goto out;
	s->as_of_us = piece->as_of_us;
	read_rows(s, db, scope->forms, report);
	if (hq_persons_fold(db, scope, piece->as_of_us, 0) < 0)
		hq_db_rollback(db);
	else
		rc = hq_db_commit(db);
out:
	free(s);
	return rc;
}
