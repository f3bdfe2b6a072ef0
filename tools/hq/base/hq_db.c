#include "hq/base/hq_db.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hq/base/hq_mark.h"
#include "hq/base/hq_schema.h"
#include "store/db.h"
#include "store/vault.h"

#define HQ_DB_GENERATION_BYTES 8
#define HQ_DB_CACHE                                                                                \
	"-32768" /* KiB, as SQLite wants it: the index pages of a busy day stay in memory */
#define HQ_DB_PATH_SIZE 300
/* Pages in the log before it is copied into the file: each is then written twice in all. */
#define HQ_DB_CHECKPOINT_PAGES 1000

struct hq_db {
	struct sqlite3 *sql;
	int lock_fd;
	bool open;   /* a transaction is */
	bool failed; /* a statement of it failed */
	uint64_t memory_at_begin;
	struct hq_mark *mark;
	int log_pages, checkpoint_at;
	uint64_t turn;
	int changes_at_begin;
	char generation[TEXT_HEX_SIZE(HQ_DB_GENERATION_BYTES)];
	struct sqlite3_stmt *stmt[HQ_SQL_COUNT]; /* prepared at first use */
};

static const char *const sql_text[HQ_SQL_COUNT] = {
#define HQ_SQL(symbol, text) [HQ_SQL_##symbol] = text,
#include "hq/base/hq_sql.def"
};

/* After a write or a sync that failed, pages that the file layer takes for written may be lost, and
 * a later sync succeeds without them. Only ending here, and recovering from the log at the next
 * start, is safe; nobody has been told of what was not committed. */
static void end_if_disk_fails(struct hq_db *db, int rc, const char *what)
{
	if ((rc & 0xff) != SQLITE_IOERR)
		return;
	log_error("hq.db: %s failed (%s); whether it is durable is unknown, so nobody is told and "
	          "HQ ends; the next start finds out",
	          what, sqlite3_errmsg(db->sql));
	_exit(HQ_DB_EXIT_UNKNOWN);
}

static int log_grew(void *ctx, sqlite3 *sql, const char *name, int pages)
{
	struct hq_db *db = ctx;

	(void)sql, (void)name;
	db->log_pages = pages;
	return SQLITE_OK;
}

/* Not left to SQLite's own after a COMMIT: that one says nothing of a sync that failed. */
static void checkpoint(struct hq_db *db)
{
	if (db->log_pages < db->checkpoint_at)
		return;
	end_if_disk_fails(
	    db, sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
	    "copying the log into the file");
}

void hq_db_checkpoint_at(struct hq_db *db, int pages)
{
	db->checkpoint_at = pages;
}

static int read_generation(struct hq_db *db)
{
	struct sqlite3_stmt *q = hq_db_query(db, HQ_SQL_META_GET, "t", "generation");
	bool ok = hq_db_row(db, q) &&
	          text_copy(db->generation, sizeof db->generation, hq_db_text(q, 0)) &&
	          strlen(db->generation) == sizeof db->generation - 1;

	hq_db_end(q);
	return ok ? 0 : -1;
}

uint64_t hq_db_turn(const struct hq_db *db)
{
	return db->turn;
}

int hq_db_mark(struct hq_db *db)
{
	return hq_mark_write(db->mark, db->turn, db->generation);
}

int hq_db_renew(struct hq_db *db, const struct hq_db_restored *why)
{
	uint8_t random[HQ_DB_GENERATION_BYTES];
	char text[sizeof db->generation];
	uint64_t before = db->turn;

	vault_random(random, sizeof random);
	text_hex(random, sizeof random, text);
	if (hq_db_begin(db) != 0)
		return -1;
	/* The number never stands twice for different states: it goes on above what was seen. */
	if (why->turn > db->turn)
		db->turn = why->turn;
	hq_db_run(db, HQ_SQL_META_SET, "tt", "generation", text);
	hq_db_run(db, HQ_SQL_GENERATION_ADD, "tttii", text, why->cause, why->detail,
	          (int64_t)before, why->wall_us);
	if (hq_db_commit(db) != 0) {
		db->turn = before;
		return -1;
	}
	log_error("hq.db begins generation %s: %s", text, why->detail);
	memcpy(db->generation, text, sizeof text);
	return hq_db_mark(db);
}

/* Says in detail why this is not the database that the mark was written for, or "". */
static void compare_mark(const struct hq_db *db, char *detail, size_t size)
{
	uint64_t seen = hq_mark_turn(db->mark);

	detail[0] = '\0';
	if (seen > db->turn)
		snprintf(detail, size,
		         "it is an older copy: hq.mark has seen turn %" PRIu64
		         ", this file stands at %" PRIu64,
		         seen, db->turn);
	/* Also after a power cut between a renewal and its mark: one more does no harm. */
	else if (strcmp(hq_mark_generation(db->mark), db->generation) != 0)
		snprintf(detail, size,
		         "it is a copy of generation %s; hq.mark was written for generation %s",
		         db->generation, hq_mark_generation(db->mark));
}

static int check_mark(struct hq_db *db)
{
	char detail[200];
	struct hq_db_restored why = {.detail = detail, .wall_us = clock_wall_us(clock_system())};

	db->turn = (uint64_t)hq_db_meta(db, "turn");
	if (hq_mark_known(db->mark)) {
		why.cause = "mark";
		why.turn = hq_mark_turn(db->mark);
		compare_mark(db, detail, sizeof detail);
		return detail[0] != '\0' ? hq_db_renew(db, &why) : hq_db_mark(db);
	}
	if (db->turn > 0) {
		why.cause = "no_mark";
		snprintf(detail, sizeof detail,
		         "hq.mark is missing or spoilt, so nobody can tell whether this file is an "
		         "older copy");
		return hq_db_renew(db, &why);
	}
	return hq_db_mark(db);
}

int hq_db_open(struct hq_db **out, const char *dir, bool *held, char *err, size_t err_size)
{
	char path[HQ_DB_PATH_SIZE];
	struct hq_db *db = memory_zeroed(1, sizeof *db);

	*held = false;
	if (!db || (size_t)snprintf(path, sizeof path, "%s/hq.db", dir) >= sizeof path) {
		snprintf(err, err_size, "%s", db ? "data: the path is too long" : "out of memory");
		goto err_free;
	}
	if (db_open_writer(&db->sql, &db->lock_fd, path, DB_SYNC_FULL, held, err, err_size) != 0)
		goto err_free;
	sqlite3_wal_hook(db->sql, log_grew, db);
	db->checkpoint_at = HQ_DB_CHECKPOINT_PAGES;
	if (hq_schema_bring(db->sql, path, err, err_size) != 0)
		goto err_close;
	if (db_exec(db->sql, "PRAGMA cache_size=" HQ_DB_CACHE) != 0 || read_generation(db) != 0) {
		snprintf(err, err_size, "%s: not a database of laneway-hq", path);
		goto err_close;
	}
	if (hq_mark_open(&db->mark, dir, err, err_size) != 0)
		goto err_close;
	if (check_mark(db) != 0) {
		snprintf(err, err_size, "%s/hq.mark or %s cannot be written", dir, path);
		goto err_close;
	}
	*out = db;
	return 0;
err_close:
	hq_db_close(db);
	return -1;
err_free:
	free(db);
	return -1;
}

void hq_db_close(struct hq_db *db)
{
	if (!db)
		return;
	for (int i = 0; i < HQ_SQL_COUNT; i++)
		sqlite3_finalize(db->stmt[i]);
	db_close_writer(db->sql, db->lock_fd);
	hq_mark_close(db->mark);
	free(db);
}

struct sqlite3 *hq_db_handle(struct hq_db *db)
{
	return db->sql;
}

const char *hq_db_generation(const struct hq_db *db)
{
	return db->generation;
}

int hq_db_begin(struct hq_db *db)
{
	db->failed = false;
	db->memory_at_begin = memory_failures();
	db->changes_at_begin = sqlite3_total_changes(db->sql);
	db->open = db_exec(db->sql, "BEGIN IMMEDIATE") == 0;
	return db->open ? 0 : -1;
}

void hq_db_rollback(struct hq_db *db)
{
	if (!sqlite3_get_autocommit(db->sql)) /* else SQLite has done it by itself */
		db_exec(db->sql, "ROLLBACK");
	db->open = db->failed = false;
}

/* What could not be read for want of memory looked like nothing, and what was made of it is wrong.
 */
static void check_memory(struct hq_db *db)
{
	if (memory_failures() == db->memory_at_begin)
		return;
	log_error("hq.db: out of memory; nothing of this transaction is kept");
	db->failed = true;
}

int hq_db_commit(struct hq_db *db)
{
	bool turned = sqlite3_total_changes(db->sql) != db->changes_at_begin;

	check_memory(db);
	if (turned && !db->failed)
		hq_db_meta_set(db, "turn", (int64_t)db->turn + 1);
	if (!db->failed && db_exec(db->sql, "COMMIT") == 0) {
		db->turn += turned;
		db->open = false;
		checkpoint(db);
		return 0;
	}
	end_if_disk_fails(db, sqlite3_extended_errcode(db->sql), "a commit");
	hq_db_rollback(db);
	return -1;
}

static void note_failure(struct hq_db *db, struct sqlite3_stmt *s)
{
	db->failed = true;
	log_error("hq.db: %s: %.48s", sqlite3_errmsg(db->sql), sqlite3_sql(s));
	end_if_disk_fails(db, sqlite3_extended_errcode(db->sql), "a statement");
}

/* A copy that cannot be made would be a null: another question than was asked. */
static void bind_all(struct hq_db *db, struct sqlite3_stmt *s, const char *types, va_list ap,
                     sqlite3_destructor_type keep)
{
	const void *p;
	int at = 1, rc = SQLITE_OK;

	for (const char *t = types; *t && rc == SQLITE_OK; t++, at++) {
		switch (*t) {
		case 'i':
			rc = sqlite3_bind_int64(s, at, va_arg(ap, int64_t));
			break;
		case 't':
			rc = sqlite3_bind_text(s, at, va_arg(ap, const char *), -1, keep);
			break;
		default:
			p = va_arg(ap, const void *);
			rc = sqlite3_bind_blob64(s, at, p, va_arg(ap, size_t), keep);
			break;
		}
	}
	if (rc != SQLITE_OK)
		note_failure(db, s);
}

/* Out of memory or room, SQLite rolls back by itself: what is run behind that would stand alone,
 * each statement a transaction of its own. */
static bool is_over(const struct hq_db *db)
{
	return db->open && db->failed;
}

static struct sqlite3_stmt *statement(struct hq_db *db, enum hq_sql id)
{
	if (is_over(db))
		return NULL;
	if (!db->stmt[id])
		db->stmt[id] = db_prepare(db->sql, sql_text[id]);
	if (!db->stmt[id])
		db->failed = true;
	return db->stmt[id];
}

int hq_db_run(struct hq_db *db, enum hq_sql id, const char *types, ...)
{
	struct sqlite3_stmt *s = statement(db, id);
	va_list ap;
	int rc;

	if (!s)
		return -1;
	va_start(ap, types);
	bind_all(db, s, types, ap, SQLITE_STATIC);
	va_end(ap);
	rc = sqlite3_step(s);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		note_failure(db, s);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? sqlite3_changes(db->sql) : -1;
}

struct sqlite3_stmt *hq_db_query(struct hq_db *db, enum hq_sql id, const char *types, ...)
{
	struct sqlite3_stmt *s = statement(db, id);
	va_list ap;

	if (!s)
		return NULL;
	va_start(ap, types);
	bind_all(db, s, types, ap, SQLITE_TRANSIENT);
	va_end(ap);
	return s;
}

bool hq_db_row(struct hq_db *db, struct sqlite3_stmt *q)
{
	int rc;

	if (!q)
		return false;
	rc = is_over(db) ? SQLITE_DONE : sqlite3_step(q);
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		note_failure(db, q);
	hq_db_end(q);
	return false;
}

void hq_db_end(struct sqlite3_stmt *q)
{
	if (!q)
		return;
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
}

int64_t hq_db_int(struct hq_db *db, int64_t none, enum hq_sql id, const char *types, ...)
{
	struct sqlite3_stmt *s = statement(db, id);
	int64_t value = none;
	va_list ap;

	if (!s)
		return none;
	va_start(ap, types);
	bind_all(db, s, types, ap, SQLITE_TRANSIENT);
	va_end(ap);
	if (hq_db_row(db, s) && sqlite3_column_type(s, 0) != SQLITE_NULL)
		value = sqlite3_column_int64(s, 0);
	hq_db_end(s);
	return value;
}

int64_t hq_db_last_id(struct hq_db *db)
{
	return sqlite3_last_insert_rowid(db->sql);
}

const char *hq_db_text(struct sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	return text ? text : "";
}

const void *hq_db_bytes(struct sqlite3_stmt *q, int column, size_t n)
{
	const void *p = sqlite3_column_blob(q, column);

	return (size_t)sqlite3_column_bytes(q, column) == n ? p : NULL;
}

bool hq_db_ref(struct sqlite3_stmt *q, int column, struct ref *out)
{
	const void *bytes = hq_db_bytes(q, column, sizeof out->byte);

	if (bytes)
		memcpy(out->byte, bytes, sizeof out->byte);
	return bytes != NULL;
}

int64_t hq_db_meta(struct hq_db *db, const char *name)
{
	return hq_db_int(db, 0, HQ_SQL_META_GET, "t", name);
}

void hq_db_meta_set(struct hq_db *db, const char *name, int64_t value)
{
	hq_db_run(db, HQ_SQL_META_SET, "ti", name, value);
}
