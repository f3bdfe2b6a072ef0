#include "hq/identity/hq_points.h"

#include <sqlite3.h>
#include <string.h>

#include "base/text.h"

void hq_points_read(struct hq_db *db, int64_t person, int64_t settled, struct hq_points *out)
{
	/* (points, time, is a balance) of balances and of entries that no balance has in it */
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_POINTS_OF_PERSON, "i", person);
	const char *as_of;

	memset(out, 0, sizeof *out);
	while (hq_db_row(db, q)) {
		out->known = true;
		if (__builtin_add_overflow(out->balance, sqlite3_column_int64(q, 0), &out->balance))
			out->balance = INT64_MAX;
		as_of = hq_db_text(q, 1);
		if (strcmp(as_of, out->as_of) > 0)
			text_copy(out->as_of, sizeof out->as_of, as_of);
		if (out->balance < 0) {
			out->shortfall -= out->balance;
			if (out->shortfall > settled && !out->short_since[0])
				text_copy(out->short_since, sizeof out->short_since, as_of);
			out->balance = 0;
		}
	}
}
