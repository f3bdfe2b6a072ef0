/* A file that is imported, in HQ's tests. */
#ifndef LANEWAY_TESTS_HQ_IMPORT_WORLD_H
#define LANEWAY_TESTS_HQ_IMPORT_WORLD_H

#include "hq_world.h"

#include "hq/identity/hq_import.h"

/* What came of it; to be freed. Each call is a file of its own. */
static inline struct hq_import_report world_import_from(struct world *w, const char *csv,
                                                        unsigned first_line, int64_t as_of_us)
{
	static int64_t files;
	struct hq_import_report report = {0};
	struct hq_import_piece piece = {.csv = csv,
	                                .len = strlen(csv),
	                                .first_line = first_line,
	                                .as_of_us = as_of_us,
	                                .began_us = ++files};

	if (hq_import_rows(w->db, &w->scope, &piece, &report) != 0)
		fail_msg("%s", piece.err);
	return report;
}

static inline void world_import_at(struct world *w, const char *csv, int64_t as_of_us)
{
	struct hq_import_report report = world_import_from(w, csv, 2, as_of_us);

	assert_int_equal(report.bad, 0);
	hq_import_report_free(&report);
}

/* A second later than what was before; rows may be refused. */
static inline void world_import(struct world *w, const char *csv)
{
	struct hq_import_report report = world_import_from(w, csv, 2, w->wall_us += 1000000);

	hq_import_report_free(&report);
}

#endif
