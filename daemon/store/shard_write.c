#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "store/db.h"
#include "store/shard_internal.h"

#define OPEN_TRIES 2 /* as found, then anew */

static const char *const statement_sql[SHARD_STATEMENTS] = {
    [SHARD_META_GET] = "SELECT value FROM meta WHERE name = ?1",
    [SHARD_META_SET] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
    [SHARD_PROFILE_GET] = "SELECT who, key_id, wrapped, body, id FROM profile WHERE who = ?1",
    [SHARD_PROFILE_ADD] =
        "INSERT INTO profile(who, version, key_id, wrapped, body) VALUES(?1, ?2, ?3, ?4, ?5)",
    [SHARD_PROFILE_SET] =
        "UPDATE profile SET version = ?2, key_id = ?3, wrapped = ?4, body = ?5 WHERE "
        "who = ?1",
    [SHARD_PROFILE_DROP] = "DELETE FROM profile WHERE who = ?1",
    [SHARD_PROFILE_ANY] = "SELECT who, key_id, wrapped, body FROM profile LIMIT 1",
    [SHARD_IDENT_ADD] =
        "INSERT OR REPLACE INTO ident(blind, profile, ref, verified) VALUES(?1, ?2, ?3, ?4)",
    [SHARD_IDENT_DROP] = "DELETE FROM ident WHERE blind = ?1 AND profile = ?2",
    [SHARD_IDENT_DROP_ALL] = "DELETE FROM ident WHERE profile = ?1",
};

static const char schema_sql[] =
    "BEGIN;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE ident(blind BLOB, profile INTEGER, ref BLOB, verified INTEGER, "
    "PRIMARY KEY(blind, profile)) WITHOUT ROWID;"
    "CREATE TABLE profile(id INTEGER PRIMARY KEY, who BLOB UNIQUE, version INTEGER, key_id BLOB, "
    "wrapped BLOB, body BLOB);"
    "PRAGMA user_version=1;"
    "COMMIT";
_Static_assert(SHARD_FORMAT == 1, "user_version stands in schema_sql");

int shard_run(sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc == SQLITE_DONE ? 0 : -1;
}

void shard_close_file(struct shard *s)
{
	for (int i = 0; i < SHARD_STATEMENTS; i++) {
		sqlite3_finalize(s->stmt[i]);
		s->stmt[i] = NULL;
	}
	db_close_writer(s->db, s->lock_fd);
	s->db = NULL;
}

void shard_delete_file(const struct shard *s)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[SHARD_PATH_SIZE + 8];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", s->path, ends[i]);
		unlink(path);
	}
}

/* The first column of a statement's only row as a number, or -1. */
static int64_t number_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

/* Sealed under another device key it would miss every lookup and never be fetched again. */
static bool key_fits(struct shard *s)
{
	sqlite3_stmt *stmt = s->stmt[SHARD_PROFILE_ANY];
	struct shard_sealed row;
	int rc = sqlite3_step(stmt);
	bool fits = rc == SQLITE_DONE;

	if (rc == SQLITE_ROW)
		fits = shard_sealed_get(&row, stmt, 0) == 0 &&
		       shard_unseal(s->vault, s->work, &row, s->plain) >= 0;
	sqlite3_reset(stmt);
	return fits;
}

static int open_file(struct shard *s, bool *held, char *err, size_t err_size)
{
	if (db_open_writer(&s->db, &s->lock_fd, s->path, DB_SYNC_NORMAL, held, err, err_size) != 0)
		return -1;
	snprintf(err, err_size, "%s: damaged, or of another format or device key", s->path);
	if (number_of(s->db, "PRAGMA user_version") == 0 &&
	    number_of(s->db, "SELECT count(*) FROM sqlite_master") == 0 &&
	    db_exec(s->db, schema_sql) != 0)
		goto err_close_file;
	if (number_of(s->db, "PRAGMA user_version") != SHARD_FORMAT ||
	    number_of(s->db, "SELECT count(*) FROM pragma_quick_check(1) WHERE quick_check='ok'") !=
	        1)
		goto err_close_file;
	for (int i = 0; i < SHARD_STATEMENTS; i++) {
		s->stmt[i] = db_prepare(s->db, statement_sql[i]);
		if (s->stmt[i] == NULL)
			goto err_close_file;
	}
	if (!key_fits(s))
		goto err_close_file;
	return 0;
err_close_file:
	shard_close_file(s);
	return -1;
}

int shard_make_ready(struct shard *s, bool *made, char *err, size_t err_size)
{
	bool held = false;

	*made = access(s->path, F_OK) != 0;
	for (int i = 0; i < OPEN_TRIES; i++) {
		if (open_file(s, &held, err, err_size) == 0)
			return 0;
		if (held)
			return -1;
		if (db_disk_is_full(s->path)) {
			snprintf(err, err_size, "%s: the disk is full", s->path);
			return -1;
		}
		log_warn("shard: %s; it is made anew and fetched from HQ", err);
		shard_delete_file(s);
		*made = true;
	}
	return -1;
}

int shard_open(struct shard **out, const char *path, const struct vault *vault, bool *made,
               char *err, size_t err_size)
{
	struct shard *s = calloc(1, sizeof(*s));

	if (s == NULL)
		goto err_memory;
	s->vault = vault;
	s->work = vault_work_new();
	if (s->work == NULL)
		goto err_memory;
	if (!text_copy(s->path, sizeof(s->path), path)) {
		snprintf(err, err_size, "%s: the path is too long", path);
		goto err_free_shard;
	}
	if (shard_make_ready(s, made, err, err_size) != 0)
		goto err_free_shard;
	*out = s;
	return 0;
err_memory:
	snprintf(err, err_size, "%s: out of memory", path);
err_free_shard:
	shard_free(s);
	return -1;
}

void shard_free(struct shard *s)
{
	if (s == NULL)
		return;
	shard_close_file(s);
	vault_work_free(s->work);
	vault_wipe(s, sizeof(*s));
	free(s);
}

static int mark_number(struct shard *s, const char *name, int64_t *out)
{
	sqlite3_stmt *stmt = s->stmt[SHARD_META_GET];
	int rc;

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	*out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

int shard_mark_set(struct shard *s, const char *name, int64_t value)
{
	sqlite3_bind_text(s->stmt[SHARD_META_SET], 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s->stmt[SHARD_META_SET], 2, value);
	return shard_run(s->stmt[SHARD_META_SET]);
}

int shard_mark_get(struct shard *s, struct shard_mark *out)
{
	sqlite3_stmt *stmt = s->stmt[SHARD_META_GET];
	int64_t version;
	int rc;

	memset(out, 0, sizeof(*out));
	if (s->db == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, "generation", -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) == SQLITE_TEXT)
		text_copy(out->generation, sizeof(out->generation),
		          (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_reset(stmt);
	if ((rc != SQLITE_ROW && rc != SQLITE_DONE) || mark_number(s, "version", &version) != 0 ||
	    mark_number(s, "synced_wall_us", &out->synced_wall_us) != 0) {
		log_error("shard: %s: %s", s->path, sqlite3_errmsg(s->db));
		return -1;
	}
	out->version = (uint64_t)version;
	return 0;
}

int shard_synced(struct shard *s, int64_t wall_us)
{
	if (s->db == NULL)
		return -1;
	if (shard_mark_set(s, "synced_wall_us", wall_us) == 0)
		return 0;
	log_error("shard: %s: %s", s->path, sqlite3_errmsg(s->db));
	return -1;
}
