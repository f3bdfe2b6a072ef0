/* What HQ has made of the events, as one number: the same whatever failed on the way there. */
#include <sqlite3.h>

#include "hq/base/hq_db.h"
#include "hqrig.h"

#define OF_EPOCH                                                                                   \
	" JOIN epoch e ON e.id = x.epoch JOIN store s ON s.id = e.store ORDER BY s.name, "         \
	"e.epoch, "

/* Without row numbers and what is counted on the way: they follow from the order in which it came.
 */
static const char *const queries[] = {
    "SELECT * FROM sale ORDER BY order_id",
    "SELECT id, external, first_name, state, visits, spend, last_seen_us, last_items FROM profile"
    " WHERE external IS NOT NULL ORDER BY id",
    /* enrolments by their references: their numbers follow from the order in which they came */
    "SELECT u.ref, (SELECT min(o.ref) FROM profile o WHERE o.person = u.person), u.confirmed"
    " FROM profile u WHERE u.external IS NULL ORDER BY u.ref",
    "SELECT u.ref, f.field, f.ref, f.value, f.source, f.from_us, f.to_us FROM unit_fact f"
    " JOIN profile u ON u.n = f.unit WHERE u.external IS NULL ORDER BY u.ref, f.field, f.ref",
    "SELECT c.ref, i.kind, i.value, i.state, c.verified, c.fate, c.reason FROM claim c"
    " JOIN ident i ON i.id = c.ident ORDER BY c.ref",
    "SELECT kind, left, right, near_left, near_right, fate, reason FROM op"
    " ORDER BY kind, left, right, near_left",
    "SELECT id, fate, reason FROM joined ORDER BY id",
    "SELECT (SELECT count(*) FROM dirty), (SELECT count(*) FROM waiting_unit)",
    "SELECT s.name, e.epoch, x.first, x.last, x.h_prev, x.h_last FROM run x" OF_EPOCH "x.first",
    "SELECT s.name, e.epoch, x.seq, x.leaf, x.line FROM event x" OF_EPOCH "x.seq",
    "SELECT s.name, e.epoch, x.seq, kind, basket, order_id, ref, visit, time_us, amount, currency,"
    " items, profile_ref, customer, training, copy FROM fact x" OF_EPOCH "x.seq",
    "SELECT s.name, epoch, device, prev_epoch, prev_last_seq, prev_h, rank FROM epoch"
    " JOIN store s ON s.id = epoch.store ORDER BY s.name, epoch",
    "SELECT (SELECT count(*) FROM waiting), (SELECT count(*) FROM uncounted),"
    " (SELECT count(*) FROM quarantine), (SELECT count(*) FROM visit_key)",
};

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void add(uint64_t *h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*h = (*h ^ ((const uint8_t *)p)[i]) * FNV_PRIME;
}

static void add_row(uint64_t *h, sqlite3_stmt *q)
{
	for (int i = 0; i < sqlite3_column_count(q); i++) {
		int type = sqlite3_column_type(q, i);
		const void *p = sqlite3_column_blob(q, i);
		int n = sqlite3_column_bytes(q, i);
		add(h, &type, sizeof type);
		add(h, &n, sizeof n);
		add(h, p ? p : "", (size_t)n);
	}
}

uint64_t hqrig_digest(struct hq_db *db)
{
	sqlite3 *sql = hq_db_handle(db);
	uint64_t h = FNV_START;

	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
		sqlite3_stmt *q;
		int rc = sqlite3_prepare_v2(sql, queries[i], -1, &q, NULL);
		if (rc != SQLITE_OK)
			base_wrong("%s: %s", queries[i], sqlite3_errmsg(sql));
		while ((rc = sqlite3_step(q)) == SQLITE_ROW)
			add_row(&h, q);
		if (rc != SQLITE_DONE)
			base_wrong("%s: %s", queries[i], sqlite3_errmsg(sql));
		sqlite3_finalize(q);
	}
	return h;
}
