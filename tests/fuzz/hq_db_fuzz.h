/* An HQ of its own for harnesses: made once, and put back to what it was after each input. */
#ifndef LANEWAY_FUZZ_HQ_DB_FUZZ_H
#define LANEWAY_FUZZ_HQ_DB_FUZZ_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/folder.h"
#include "hq/base/hq_db.h"
#include "hq/identity/hq_import.h"
#include "hq/identity/hq_persons.h"

struct hq_fuzz {
	struct hq_db *db;
	struct ident_rules forms;
	struct rule_set rules;
	struct hq_scope scope;
};

static inline struct hq_fuzz *hq_fuzz_made(void)
{
	static const char csv[] =
	    "customer_id,first_name,loyalty,phone,email\n"
	    "K1,Anna,2600000000000,0151 27418395,anna@example.com\n"
	    "K2,Bo,2600000000017,,bo@example.com\nK3,Anna,,,anna@example.com\n";
	static struct hq_fuzz f;
	struct hq_import_piece piece = {
	    .csv = csv, .len = sizeof csv - 1, .first_line = 2, .as_of_us = 1, .began_us = 1};
	struct hq_import_report report = {0};
	char dir[FOLDER_SIZE], err[400];
	bool held;

	if (f.db)
		return &f;
	folder_make(dir, "hq-fuzz");
	f.forms = (struct ident_rules){.scheme_count = 1, .region = "DE", .ruleset = "1"};
	f.forms.schemes[0] = (struct ident_scheme){
	    .name = "club", .prefix = "26", .length = 13, .check = IDENT_CHECK_EAN};
	rule_defaults(&f.rules);
	f.scope = (struct hq_scope){&f.forms, &f.rules, "EUR"};
	if (hq_db_open(&f.db, dir, &held, err, sizeof err) != 0 ||
	    hq_import_rows(f.db, &f.scope, &piece, &report) != 0) {
		fprintf(stderr, "%s%s\n", err, piece.err);
		abort();
	}
	hq_import_report_free(&report);
	return &f;
}

static inline int64_t hq_fuzz_number(struct hq_fuzz *f, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(hq_db_handle(f->db), sql, -1, &q, NULL) != SQLITE_OK)
		abort();
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

#endif
