#include <stdio.h>
#include <string.h>

#include "store/db.h"
#include "store/journal_internal.h"

/* The file's format is the number of steps it has seen. A step only adds, so that what an older
 * release wrote stays where it is; none is ever changed, and one that is no longer read from (older
 * than the release before last) may go only with all before it. */
static const char *const steps[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE epoch(ordinal INTEGER PRIMARY KEY, epoch BLOB UNIQUE, opened_us INTEGER,"
    " cause TEXT, hq_key BLOB, confirmed INTEGER, ranges BLOB, deleted INTEGER, deleted_h BLOB,"
    " closed INTEGER);"
    "CREATE TABLE pack(id INTEGER PRIMARY KEY, ordinal INTEGER, first INTEGER, count INTEGER,"
    " wall_us INTEGER, h BLOB, keys BLOB, ids BLOB, body BLOB);"
    "CREATE TABLE visit_key(id BLOB PRIMARY KEY, wrapped BLOB) WITHOUT ROWID;"
    "CREATE TABLE urgent(ordinal INTEGER, seq INTEGER, PRIMARY KEY(ordinal, seq)) WITHOUT ROWID;",

    "ALTER TABLE pack ADD COLUMN link BLOB;"
    "ALTER TABLE visit_key ADD COLUMN rescue BLOB;"
    "CREATE TABLE awaited(ordinal INTEGER, seq INTEGER, event TEXT, PRIMARY KEY(ordinal, seq))"
    " WITHOUT ROWID;"
    "CREATE TABLE hole(ordinal INTEGER, first INTEGER, last INTEGER, PRIMARY KEY(ordinal, first))"
    " WITHOUT ROWID;"
    "CREATE TABLE salvage(file TEXT PRIMARY KEY, result TEXT) WITHOUT ROWID;",

    "ALTER TABLE epoch ADD COLUMN heard INTEGER NOT NULL DEFAULT 1;"
    "CREATE TABLE past(ordinal INTEGER PRIMARY KEY, epoch BLOB UNIQUE, last INTEGER, h BLOB,"
    " heard INTEGER NOT NULL);"
    "CREATE TABLE noted(epoch BLOB, kind TEXT, first INTEGER, last INTEGER, reason TEXT,"
    " wall_us INTEGER, PRIMARY KEY(epoch, kind, first)) WITHOUT ROWID;"
    "CREATE TABLE urgent_done(ordinal INTEGER, seq INTEGER, PRIMARY KEY(ordinal, seq))"
    " WITHOUT ROWID;",

    "CREATE TABLE taken(id INTEGER PRIMARY KEY, ordinal INTEGER, last INTEGER, ids BLOB);",
};
#define STEP_COUNT ((int)(sizeof(steps) / sizeof(steps[0])))
_Static_assert(sizeof(steps) / sizeof(steps[0]) == JOURNAL_FORMAT, "a step is a format");

#define TABLES 5 /* of the first step: without one of them the file is none of ours */
#define COUNT_OURS                                                                                 \
	"SELECT count(*) FROM sqlite_master WHERE type = 'table'"                                  \
	" AND name IN ('meta', 'epoch', 'pack', 'visit_key', 'urgent')"

/* A full disk or a missing right says nothing about the file: only what reading says sets it aside.
 */
enum journal_opened journal_format_blame(int rc)
{
	int primary = rc & 0xff;
	bool bad = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ||
	           rc == SQLITE_IOERR_READ || rc == SQLITE_IOERR_SHORT_READ ||
	           rc == SQLITE_IOERR_CORRUPTFS;
	return bad ? JOURNAL_UNREADABLE : JOURNAL_FAILED;
}

/* The first column of the first row; false: an error. A missing row is empty text and 0. */
static bool ask(sqlite3 *db, const char *sql, char *text, size_t text_size, int64_t *number)
{
	sqlite3_stmt *stmt = db_prepare(db, sql);
	if (!stmt)
		return false;
	int rc = sqlite3_step(stmt);
	const char *s = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (text)
		snprintf(text, text_size, "%s", s ? s : "");
	if (number)
		*number = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

static int put_meta(struct journal *j, const char *name, const char *value)
{
	sqlite3_stmt *stmt = db_prepare(j->db, "INSERT INTO meta(name, value) VALUES(?1, ?2)");
	if (!stmt)
		return -1;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
	int rc = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : -1;
}

static enum journal_opened check_meta(struct journal *j, const char *name, const char *want,
                                      char *err, size_t err_size)
{
	char have[EVENT_NAME_SIZE * 4], sql[96];
	snprintf(sql, sizeof(sql), "SELECT value FROM meta WHERE name = '%s'", name);
	if (!ask(j->db, sql, have, sizeof(have), NULL))
		return journal_format_blame(sqlite3_extended_errcode(j->db));
	if (strcmp(have, want) == 0)
		return JOURNAL_OPENED;
	snprintf(err, err_size,
	         "%s: belongs to %s \"%s\", the configuration says \"%s\"; correct it, or move the "
	         "file away",
	         j->path, name, have, want);
	return JOURNAL_FAILED;
}

/* All steps that the file has not seen, in one transaction: it is of the old format or of ours. */
static enum journal_opened bring_up(struct journal *j, int from, char *err, size_t err_size)
{
	char version[48];
	int rc = db_exec(j->db, "BEGIN IMMEDIATE");
	for (int i = from; rc == 0 && i < STEP_COUNT; i++)
		rc = db_exec(j->db, steps[i]);
	snprintf(version, sizeof(version), "PRAGMA user_version=%d", STEP_COUNT);
	if (rc == 0 && from == 0)
		rc = put_meta(j, "store", j->store) || put_meta(j, "device", j->device);
	if (rc == 0 && db_exec(j->db, version) == 0 && db_exec(j->db, "COMMIT") == 0)
		return JOURNAL_OPENED;
	enum journal_opened blame = journal_format_blame(sqlite3_extended_errcode(j->db));
	snprintf(err, err_size, "%s: cannot be %s: %s", j->path,
	         from == 0 ? "made" : "brought to this release's format", sqlite3_errmsg(j->db));
	sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
	return blame;
}

static enum journal_opened check_ours(struct journal *j, int64_t version, char *err,
                                      size_t err_size)
{
	int64_t ours = 0;
	if (version < 1 || version > JOURNAL_FORMAT) {
		snprintf(err, err_size, "its format is %lld, this program reads 1 to %d",
		         (long long)version, JOURNAL_FORMAT);
		return JOURNAL_UNREADABLE;
	}
	if (!ask(j->db, COUNT_OURS, NULL, 0, &ours)) {
		snprintf(err, err_size, "%s", sqlite3_errmsg(j->db));
		return journal_format_blame(sqlite3_extended_errcode(j->db));
	}
	if (ours < TABLES) {
		snprintf(err, err_size, "tables are missing");
		return JOURNAL_UNREADABLE;
	}
	enum journal_opened rc = check_meta(j, "store", j->store, err, err_size);
	return rc == JOURNAL_OPENED ? check_meta(j, "device", j->device, err, err_size) : rc;
}

enum journal_opened journal_format_check(struct journal *j, char *err, size_t err_size)
{
	int64_t version = 0, tables = 0;

	if (!ask(j->db, "PRAGMA user_version", NULL, 0, &version) ||
	    !ask(j->db, "SELECT count(*) FROM sqlite_master", NULL, 0, &tables)) {
		snprintf(err, err_size, "%s", sqlite3_errmsg(j->db));
		return journal_format_blame(sqlite3_extended_errcode(j->db));
	}
	if (version == 0 && tables == 0)
		return bring_up(j, 0, err, err_size);
	enum journal_opened rc = check_ours(j, version, err, err_size);
	if (rc == JOURNAL_OPENED && version < JOURNAL_FORMAT)
		rc = bring_up(j, (int)version, err, err_size);
	return rc;
}
