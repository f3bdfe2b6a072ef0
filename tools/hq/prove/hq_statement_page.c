/* What a device is told of its statements. */
#include <inttypes.h>
#include <sqlite3.h>

#include "base/text.h"
#include "event/event.h"
#include "event/member.h"
#include "hq/prove/hq_statement.h"

#define PAGE_BYTES_MAX (512 * 1024)
#define VERSIONS_MAX 200
#define WAITING_MAX 50 /* statements that are not countersigned; a store has one or two */

static void write_place(struct sqlite3_stmt *q, int epoch_column, struct buf *out)
{
	const void *bytes = hq_db_bytes(q, epoch_column, EVENT_EPOCH_BYTES);
	char epoch[EVENT_EPOCH_SIZE] = "";

	if (bytes)
		text_hex(bytes, EVENT_EPOCH_BYTES, epoch);
	member_text(out, "epoch", epoch);
}

static void write_waiting(struct hq_db *db, int64_t store_row, const char *device, struct buf *out)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_STATEMENT_WAITING, "iti", store_row, device,
	                                     (int64_t)WAITING_MAX);

	while (hq_db_row(db, q)) {
		buf_byte(out, '{');
		member_text(out, "business_date", hq_db_text(q, 2));
		write_place(q, 0, out);
		member_integer(out, "missing", sqlite3_column_int64(q, 4));
		member_text(out, "state", hq_db_text(q, 3));
		member_integer(out, "to", sqlite3_column_int64(q, 1));
		buf_str(out, "}\n");
	}
}

uint64_t hq_statement_page(struct hq_db *db, const struct hq_statement_ask *ask, struct buf *out,
                           bool *more)
{
	int64_t row = hq_db_int(db, -1, HQ_SQL_STORE_ID, "t", ask->store);
	struct sqlite3_stmt *q =
	    hq_db_query(db, HQ_SQL_STATEMENT_VERSIONS, "itii", row, ask->device,
	                (int64_t)ask->since, (int64_t)VERSIONS_MAX);
	uint64_t to = ask->since;
	int n = 0;

	*more = false;
	while (hq_db_row(db, q)) {
		size_t len = (size_t)sqlite3_column_bytes(q, 4);
		*more = n > 0 && out->len + len > PAGE_BYTES_MAX;
		if (*more) {
			hq_db_end(q);
			return to;
		}
		buf_byte(out, '{');
		member_text(out, "business_date", hq_db_text(q, 3));
		member_key(out, "doc");
		buf_add(out, sqlite3_column_blob(q, 4), len);
		write_place(q, 1, out);
		member_integer(out, "to", sqlite3_column_int64(q, 2));
		buf_str(out, "}\n");
		to = (uint64_t)sqlite3_column_int64(q, 0);
		n++;
	}
	*more = n == VERSIONS_MAX;
	if (!*more)
		write_waiting(db, row, ask->device, out);
	return to;
}
