#include "hq/prove/hq_trust.h"

#include <sqlite3.h>
#include <string.h>

#include "base/log.h"

static void read_stored(struct hq_db *db, struct field_trust *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_TRUST_ALL, "");

	field_trust_defaults(out);
	while (hq_db_row(db, q)) {
		enum field f = field_named(hq_db_text(q, 0));
		enum field_source s = field_source_named(hq_db_text(q, 1));
		if (f < FIELD_COUNT && s < FIELD_SOURCE_COUNT)
			out->trust[f][s] = (uint8_t)sqlite3_column_int(q, 2);
	}
}

/* Only what differs from the defaults stands in the table. */
static void store(struct hq_db *db, const struct field_trust *trust)
{
	hq_db_run(db, HQ_SQL_TRUST_CLEAR, "");
	for (int f = 0; f < FIELD_COUNT; f++) {
		for (int s = 0; s < FIELD_SOURCE_COUNT; s++) {
			const char *source = field_source_name((enum field_source)s);
			if (trust->trust[f][s] != field_trust(NULL, (enum field)f, source))
				hq_db_run(db, HQ_SQL_TRUST_ADD, "tti", field_name((enum field)f),
				          source, (int64_t)trust->trust[f][s]);
		}
	}
}

int hq_trust_take(struct hq_db *db, const struct field_trust *trust)
{
	struct field_trust stored;

	if (hq_db_begin(db) != 0)
		return -1;
	read_stored(db, &stored);
	if (memcmp(&stored, trust, sizeof stored) != 0) {
		store(db, trust);
		hq_db_run(db, HQ_SQL_DIRTY_ALL_LATER, "");
		log_info("the trust in sources has changed: every customer is folded again");
	}
	return hq_db_commit(db);
}
