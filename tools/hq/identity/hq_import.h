/* Customers out of a CSV file into hq.db: bad rows are told with line and reason, good ones are
 * kept. */
#ifndef LANEWAY_HQ_IMPORT_H
#define LANEWAY_HQ_IMPORT_H

#include <stddef.h>

#include "base/buf.h"
#include "hq/base/hq_csv.h"
#include "hq/base/hq_db.h"
#include "hq/identity/hq_persons.h"
#include "hq/identity/hq_profile.h"
#include "identity/consent.h"
#include "identity/ident.h"

struct hq_import_report {
	unsigned made, changed, same, bad;
	struct buf problems; /* a line of text for each bad row; no value in full */
};
void hq_import_report_free(struct hq_import_report *r);

/* Which column stands where, read from the header row. */
enum hq_import_column {
	HQ_IMPORT_CUSTOMER_ID,
	HQ_IMPORT_FIRST_NAME,
	HQ_IMPORT_NAME,
	HQ_IMPORT_LAST_NAME,
	HQ_IMPORT_LOYALTY,
	HQ_IMPORT_PHONE,
	HQ_IMPORT_EMAIL,
	HQ_IMPORT_GSRN,
	HQ_IMPORT_WALLET,
	HQ_IMPORT_ACCOUNT,
	HQ_IMPORT_VAT_ID,
	HQ_IMPORT_TIER,
	HQ_IMPORT_POINTS,
	HQ_IMPORT_POINTS_AS_OF,
	HQ_IMPORT_LANGUAGE,
	HQ_IMPORT_STATE,
	HQ_IMPORT_BIRTH_DATE,
	HQ_IMPORT_STREET,
	HQ_IMPORT_POSTCODE,
	HQ_IMPORT_CITY,
	HQ_IMPORT_COUNTRY,
	HQ_IMPORT_CONSENT, /* any of those that begin with "consent_" */
	HQ_IMPORT_COLUMN_COUNT
};
struct hq_import_consent {
	enum consent_purpose purpose;
	enum consent_channel channel;
};
struct hq_import_header {
	int count;
	enum hq_import_column column[HQ_CSV_CELLS_MAX];
	struct hq_import_consent consent[HQ_CSV_CELLS_MAX]; /* of HQ_IMPORT_CONSENT */
};
/* "consent_<purpose>" or "consent_<purpose>_<channel>". false: it is none. */
bool hq_import_consent_column(const char *name, struct hq_import_consent *out);
/* "granted", "refused" or "withdrawn", then, as far as it is known, the day, the version of the
 * text, and how it was said: "granted 2026-01-02 2026-1 paper". The cell is taken apart. false: it
 * is none. */
bool hq_import_consent_cell(const struct hq_import_consent *column, char *cell, int64_t now_us,
                            struct hq_person_choice *out);
/* 0, or -1 with a sentence in err: a column that is not known or stands twice, or none that says
 * who. */
int hq_import_header(const struct hq_csv_row *row, struct hq_import_header *out, char *err,
                     size_t err_size);

/* One row as a person. `person` points into the row and into the texts here. */
struct hq_import_row {
	int64_t now_us;   /* in: no choice and no balance is a day or more later */
	int64_t began_us; /* the file's */
	struct hq_person person;
	char points_as_of[25], birth_date[11], country[3];
	char why[200]; /* what was wrong: "phone: not a phone number: expected ..." */
};
/* 0, or -1 with out->why. Pure. */
int hq_import_person(const struct hq_import_header *header, const struct hq_csv_row *row,
                     const struct ident_rules *rules, struct hq_import_row *out);

/* Bring a piece of a file in, one transaction: the header row and rows. first_line: the line of the
 * file on which the first row after the header stands. Adds to the report. 0; -1 with
 * piece->err: nothing of this piece is kept. */
struct hq_import_piece {
	const char *csv;
	size_t len;
	unsigned first_line;
	int64_t as_of_us; /* when what it says was true */
	int64_t began_us; /* the same in all pieces of one file */
	char err[400];
};
int hq_import_rows(struct hq_db *db, const struct hq_scope *scope, struct hq_import_piece *piece,
                   struct hq_import_report *report);

#endif
