#include "hq/identity/hq_import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hq/base/hq_secret.h"
#include "hq/identity/hq_review.h"
#include "hq/identity/hq_unit.h"

#define HQ_IMPORT_DETAIL_SIZE 200

void hq_import_report_free(struct hq_import_report *r)
{
	buf_free(&r->problems);
}

static void problem(struct hq_import_report *report, unsigned line, const char *why)
{
	report->bad++;
	buf_printf(&report->problems, "line %u: %s\n", line, why);
}

/* For a steward: which line, whose, and by what, so that the row can be found and not read. */
static void list_conflict(struct hq_db *db, const struct hq_import_row *row, unsigned line)
{
	const struct hq_person *p = &row->person;
	char detail[HQ_IMPORT_DETAIL_SIZE], key[HQ_IMPORT_DETAIL_SIZE], shown[HQ_SECRET_SIZE] = "";
	struct hq_conflict c;
	int64_t ident = 0;

	hq_profile_conflict(db, p, &c);
	if (c.ident >= 0) {
		hq_secret_mask(p->ident[c.ident].value, shown);
		ident = hq_unit_ident(db, p->ident[c.ident].kind, p->ident[c.ident].value);
	}
	snprintf(detail, sizeof detail, "import, line %u: %s%.64s%s%s %.40s of %s", line,
	         p->external ? "key " : "", p->external ? p->external : "",
	         p->external ? " and " : "",
	         c.ident >= 0 ? ident_kind_name(p->ident[c.ident].kind) : "identifiers", shown,
	         c.other ? "another customer" : "several customers");
	snprintf(key, sizeof key, "import:%" PRId64 ":%" PRId64, c.unit, ident);
	hq_review_add(db, &(struct hq_review){.cause = "import",
	                                      .key = key,
	                                      .detail = detail,
	                                      .unit = c.unit,
	                                      .other = c.other,
	                                      .ident = ident,
	                                      .wall_us = p->as_of_us});
}

/* A file that names one customer twice: the later line stands, and a steward sees both. */
static void list_twice(struct hq_db *db, const struct hq_import_row *row, unsigned line,
                       int64_t unit, struct hq_import_report *report)
{
	int64_t before = hq_db_int(db, 0, HQ_SQL_IMPORT_LINE, "ii", unit, row->began_us);
	char detail[HQ_IMPORT_DETAIL_SIZE], key[HQ_IMPORT_DETAIL_SIZE];

	if (before == 0)
		return;
	snprintf(detail, sizeof detail,
	         "import, line %u: the customer of line %" PRId64 " again, with other values", line,
	         before);
	snprintf(key, sizeof key, "import:%" PRId64 ":twice", unit);
	hq_review_add(db, &(struct hq_review){.cause = "import",
	                                      .key = key,
	                                      .detail = detail,
	                                      .unit = unit,
	                                      .wall_us = row->person.as_of_us});
	buf_printf(&report->problems,
	           "line %u: the customer of line %" PRId64
	           " again, with other values; it is in `laneway-hq review`\n",
	           line, before);
}

static void bring_in(struct hq_db *db, const struct hq_import_row *row, unsigned line,
                     struct hq_import_report *report)
{
	int64_t unit;
	enum hq_upsert done = hq_profile_upsert(db, &row->person, &unit);

	if (done == HQ_UPSERT_CHANGED && unit > 0)
		list_twice(db, row, line, unit, report);
	if (unit > 0)
		hq_db_run(db, HQ_SQL_IMPORT_MARK, "iii", unit, row->began_us, (int64_t)line);
	switch (done) {
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
		list_conflict(db, row, line);
		problem(report, line,
		        "it names more than one customer, expected one; it is in `laneway-hq "
		        "review`");
		break;
	case HQ_UPSERT_OTHER:
		problem(report, line,
		        "a person and a company are one customer by it, expected a row for each");
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
	int64_t as_of_us, began_us;
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
		s->person.now_us = s->as_of_us;
		if (rc < 0) {
			problem(report, s->row.line, s->row.fault);
		} else if (hq_import_person(&s->header, &s->row, rules, &s->person) != 0) {
			problem(report, s->row.line, s->person.why);
		} else {
			/* A row comes after the one above it. */
			s->person.person.as_of_us = s->as_of_us++;
			s->person.began_us = s->began_us;
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
	s->began_us = piece->began_us;
	read_rows(s, db, scope->forms, report);
	if (hq_persons_fold(db, scope, piece->as_of_us, 0) < 0)
		hq_db_rollback(db);
	else
		rc = hq_db_commit(db);
out:
	free(s);
	return rc;
}
