#include "hq/identity/hq_watch.h"

#include <jansson.h>
#include <sqlite3.h>

#include "store/db.h"

#define HQ_WATCH_FIRST_MAX 5 /* customers that are named of each figure */

static const char begin[] =
    "CREATE TEMP TABLE IF NOT EXISTS was(n INTEGER PRIMARY KEY, person INTEGER);"
    "CREATE TEMP TABLE IF NOT EXISTS had(claim INTEGER PRIMARY KEY, fate TEXT);"
    "CREATE TEMP TABLE IF NOT EXISTS stood(ident INTEGER PRIMARY KEY, state TEXT);"
    "CREATE TEMP TABLE IF NOT EXISTS lined(n INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE IF NOT EXISTS listed(id INTEGER PRIMARY KEY, unit INTEGER);"
    "CREATE TEMP TABLE IF NOT EXISTS unlisted(id INTEGER PRIMARY KEY, unit INTEGER);"
    "DELETE FROM was; DELETE FROM had; DELETE FROM stood; DELETE FROM lined; DELETE FROM listed;"
    "DELETE FROM unlisted;"
    "CREATE TEMP TRIGGER IF NOT EXISTS watch_person AFTER UPDATE OF person ON main.profile"
    " BEGIN INSERT OR IGNORE INTO was VALUES(OLD.n, OLD.person); END;"
    "CREATE TEMP TRIGGER IF NOT EXISTS watch_line AFTER UPDATE OF version ON main.profile"
    " BEGIN INSERT OR IGNORE INTO lined VALUES(OLD.n); END;"
    "CREATE TEMP TRIGGER IF NOT EXISTS watch_fate AFTER UPDATE OF fate ON main.claim"
    " BEGIN INSERT OR IGNORE INTO had VALUES(OLD.id, OLD.fate); END;"
    "CREATE TEMP TRIGGER IF NOT EXISTS watch_state AFTER UPDATE OF state ON main.ident"
    " BEGIN INSERT OR IGNORE INTO stood VALUES(OLD.id, OLD.state); END;"
    "CREATE TEMP TRIGGER IF NOT EXISTS watch_listed AFTER INSERT ON main.review"
    " BEGIN INSERT OR IGNORE INTO listed VALUES(NEW.id, NEW.unit); END;"
    "CREATE TEMP TRIGGER IF NOT EXISTS watch_unlisted AFTER DELETE ON main.review"
    " BEGIN INSERT OR IGNORE INTO unlisted VALUES(OLD.id, OLD.unit); END;";
static const char end[] =
    "DROP TRIGGER IF EXISTS temp.watch_person; DROP TRIGGER IF EXISTS temp.watch_line;"
    "DROP TRIGGER IF EXISTS temp.watch_fate; DROP TRIGGER IF EXISTS temp.watch_state;"
    "DROP TRIGGER IF EXISTS temp.watch_listed; DROP TRIGGER IF EXISTS temp.watch_unlisted;";

/* Each row is one, and says a customer's id. What was written down comes first (CROSS JOIN): for
 * the order, SQLite would rather walk all of hq.db. */
#define IDENT_STATE(from, to)                                                                      \
	"SELECT (SELECT u.id FROM claim c JOIN profile u ON u.n = c.unit WHERE c.ident = i.id"     \
	" ORDER BY c.unit LIMIT 1) FROM temp.stood s CROSS JOIN ident i ON i.id = s.ident "        \
	"WHERE " to " AND NOT " from " ORDER BY i.id"
static const struct {
	const char *name, *sql;
} figures[] = {
    {"joined", "SELECT u.id FROM temp.was w CROSS JOIN profile u ON u.n = w.n WHERE w.person = w.n"
               " AND u.person <> u.n ORDER BY u.n"},
    {"parted", "SELECT u.id FROM temp.was w CROSS JOIN profile u ON u.n = w.n WHERE w.person <> w.n"
               " AND u.person = u.n ORDER BY u.n"},
    {"moved", "SELECT u.id FROM temp.was w CROSS JOIN profile u ON u.n = w.n WHERE w.person <> w.n"
              " AND u.person <> u.n AND u.person <> w.person ORDER BY u.n"},
    {"blocked", IDENT_STATE("s.state = 'blocked'", "i.state = 'blocked'")},
    {"unblocked", IDENT_STATE("s.state <> 'blocked'", "i.state <> 'blocked'")},
    {"shared", IDENT_STATE("s.state = 'shared'", "i.state = 'shared'")},
    {"unshared", IDENT_STATE("s.state <> 'shared'", "i.state <> 'shared'")},
    {"claims",
     "SELECT u.id FROM temp.had h CROSS JOIN claim c ON c.id = h.claim CROSS JOIN profile u"
     " ON u.n = c.unit WHERE c.fate <> h.fate ORDER BY u.n"},
    {"listed",
     "SELECT u.id FROM temp.listed l CROSS JOIN review r ON r.id = l.id LEFT JOIN profile u"
     " ON u.n = l.unit ORDER BY l.id"},
    {"unlisted", "SELECT u.id FROM temp.unlisted l LEFT JOIN profile u ON u.n = l.unit"
                 " WHERE l.id NOT IN (SELECT id FROM review) ORDER BY l.id"},
    {"lines", "SELECT u.id FROM temp.lined l CROSS JOIN profile u ON u.n = l.n ORDER BY l.n"},
};

int hq_watch_begin(struct hq_db *db)
{
	return db_exec(hq_db_handle(db), begin);
}

void hq_watch_end(struct hq_db *db)
{
	db_exec(hq_db_handle(db), end);
}

json_t *hq_watch_changes(struct hq_db *db, int max)
{
	sqlite3_stmt *q = db_prepare(hq_db_handle(db),
	                             "SELECT u.id, w.id, p.id FROM temp.was CROSS JOIN profile u"
	                             " ON u.n = was.n JOIN profile w ON w.n = was.person"
	                             " JOIN profile p ON p.n = u.person"
	                             " WHERE u.person <> was.person ORDER BY u.n LIMIT ?1");
	json_t *list = json_array();

	if (!q) {
		json_decref(list);
		return NULL;
	}
	sqlite3_bind_int(q, 1, max);
	while (sqlite3_step(q) == SQLITE_ROW)
		json_array_append_new(list,
		                      json_pack("{s:s,s:s,s:s}", "customer_id", hq_db_text(q, 0),
		                                "was", hq_db_text(q, 1), "is", hq_db_text(q, 2)));
	sqlite3_finalize(q);
	return list;
}

int64_t hq_watch_claims(struct hq_db *db)
{
	sqlite3_stmt *q =
	    db_prepare(hq_db_handle(db), "SELECT count(*) FROM temp.had CROSS JOIN claim"
	                                 " ON claim.id = had.claim"
	                                 " WHERE claim.fate <> had.fate");
	int64_t n = q && sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;

	sqlite3_finalize(q);
	return n;
}

static json_t *figure(struct hq_db *db, const char *sql, bool *failed)
{
	sqlite3_stmt *q = db_prepare(hq_db_handle(db), sql);
	json_t *first = json_array();
	json_int_t count = 0;

	*failed = *failed || !q;
	for (; db_row(q, failed); count++) {
		if (count < HQ_WATCH_FIRST_MAX && hq_db_text(q, 0)[0])
			json_array_append_new(first, json_string(hq_db_text(q, 0)));
	}
	sqlite3_finalize(q);
	return json_pack("{s:I,s:o}", "count", count, "first", first);
}

json_t *hq_watch_figures(struct hq_db *db)
{
	json_t *all = json_object();
	bool failed = false;

	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		json_object_set_new(all, figures[i].name, figure(db, figures[i].sql, &failed));
	if (!failed)
		return all;
	json_decref(all);
	return NULL;
}

void hq_watch_add(json_t *sum, const json_t *more)
{
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
		const json_t *part = json_object_get(more, figures[i].name), *ids;
		json_t *total = json_object_get(sum, figures[i].name), *first;
		if (!total) {
			total = json_pack("{s:i,s:[]}", "count", 0, "first");
			json_object_set_new(sum, figures[i].name, total);
		}
		json_object_set_new(
		    total, "count",
		    json_integer(json_integer_value(json_object_get(total, "count")) +
		                 json_integer_value(json_object_get(part, "count"))));
		first = json_object_get(total, "first");
		ids = json_object_get(part, "first");
		for (size_t k = 0; k < json_array_size(ids); k++) {
			if (json_array_size(first) < HQ_WATCH_FIRST_MAX)
				json_array_append(first, json_array_get(ids, k));
		}
	}
}
