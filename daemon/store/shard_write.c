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
#define SALT_PURPOSE "shard-salt"
/* Bytes that the log keeps once it has been copied: a fill makes it some hundred MB long. */
#define LOG_SQL "PRAGMA journal_size_limit=4194304"

static const char *const statement_sql[SHARD_STATEMENTS] = {
    [SHARD_META_GET] = "SELECT value FROM meta WHERE name = ?1",
    [SHARD_META_SET] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
    [SHARD_PROFILE_GET] = "SELECT head FROM profile WHERE id = ?1",
    [SHARD_PROFILE_ADD] = "INSERT INTO profile(id, head, json) VALUES(?1, ?2, ?3)",
    [SHARD_PROFILE_SET] = "UPDATE profile SET head = ?2, json = ?3 WHERE id = ?1",
    [SHARD_PROFILE_DROP] = "DELETE FROM profile WHERE id = ?1",
    [SHARD_IDENT_GET] = "SELECT key, entries FROM ident WHERE key <= ?1 ORDER BY key DESC LIMIT 1",
    [SHARD_IDENT_NEXT] = "SELECT key, entries FROM ident WHERE key > ?1 ORDER BY key LIMIT 1",
    [SHARD_IDENT_ADD] = "INSERT INTO ident(key, entries) VALUES(?1, ?2)",
    [SHARD_IDENT_SET] = "UPDATE ident SET entries = ?2 WHERE key = ?1",
    [SHARD_IDENT_DROP] = "DELETE FROM ident WHERE key = ?1",
};

static const char schema_sql[] =
    "BEGIN;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE ident(key INTEGER PRIMARY KEY, entries BLOB);"
    "CREATE TABLE profile(id INTEGER PRIMARY KEY, head BLOB, json BLOB);"
    "PRAGMA user_version=4;"
    "COMMIT";
_Static_assert(SHARD_FORMAT == 4, "user_version stands in schema_sql");

static const uint8_t salt_id[EVENT_ID_BYTES]; /* a shard has one */

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

int shard_salt_get(sqlite3_stmt *meta_get, const struct vault *v, struct vault_work *w,
                   uint8_t out[VAULT_SALT_BYTES])
{
	int rc, step;

	sqlite3_bind_text(meta_get, 1, "salt", -1, SQLITE_STATIC);
	step = sqlite3_step(meta_get);
	rc = step == SQLITE_DONE ? 0 : -1;
	if (step == SQLITE_ROW && sqlite3_column_bytes(meta_get, 0) == VAULT_WRAP_BYTES &&
	    vault_unwrap(v, w, SALT_PURPOSE, salt_id, sqlite3_column_blob(meta_get, 0), out) == 0)
		rc = 1;
	sqlite3_reset(meta_get);
	return rc;
}

static int take_salt(struct shard *s, uint8_t salt[VAULT_SALT_BYTES])
{
	vault_shard_free(s->keys);
	s->keys = vault_shard_new(s->vault, s->work, salt);
	vault_wipe(salt, VAULT_SALT_BYTES);
	s->maker.keys = s->keys;
	vault_wipe(s->maker.seeds, sizeof(s->maker.seeds));
	s->maker.seeds_left = 0;
	return s->keys != NULL ? 0 : -1;
}

int shard_renew_salt(struct shard *s)
{
	uint8_t salt[VAULT_SALT_BYTES], wrapped[VAULT_WRAP_BYTES];

	vault_random(salt, sizeof(salt));
	if (vault_wrap(s->vault, s->work, SALT_PURPOSE, salt_id, salt, wrapped) != 0)
		return -1;
	sqlite3_bind_text(s->stmt[SHARD_META_SET], 1, "salt", -1, SQLITE_STATIC);
	sqlite3_bind_blob(s->stmt[SHARD_META_SET], 2, wrapped, sizeof(wrapped), SQLITE_STATIC);
	return shard_run(s->stmt[SHARD_META_SET]) == 0 ? take_salt(s, salt) : -1;
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

/* Sealed under another device key it would miss every lookup and never be fetched again: its salt
 * cannot be read, which is the same as damage. */
int shard_load(struct shard *s)
{
	uint8_t salt[VAULT_SALT_BYTES];
	int64_t count;
	int rc = shard_salt_get(s->stmt[SHARD_META_GET], s->vault, s->work, salt);

	if (mark_number(s, "count", &count) != 0)
		return -1;
	s->count = (uint64_t)count;
	s->last_profile = number_of(s->db, "SELECT ifnull(max(id), 0) FROM profile");
	if (rc > 0)
		rc = take_salt(s, salt) == 0 ? 1 : -1;
	else if (rc == 0 && s->last_profile == 0)
		rc = shard_renew_salt(s) == 0 ? 1 : -1;
	return rc > 0 && s->last_profile >= 0 ? 0 : -1;
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
	        1 ||
	    db_exec(s->db, LOG_SQL) != 0)
		goto err_close_file;
	for (int i = 0; i < SHARD_STATEMENTS; i++) {
		s->stmt[i] = db_prepare(s->db, statement_sql[i]);
		if (s->stmt[i] == NULL)
			goto err_close_file;
	}
	if (shard_load(s) != 0)
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
	s->pending = shard_pending_new();
	s->maker.work = s->work;
	s->maker.squeeze = shard_squeeze_new(true);
	if (s->work == NULL || s->pending == NULL || s->maker.squeeze == NULL)
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
	if (s->db != NULL)
		shard_settle(s);
	shard_gate_close(s->gate);
	shard_close_file(s);
	shard_pending_free(s->pending);
	shard_met_free(s->met);
	shard_helper_free(s->helper);
	shard_squeeze_free(s->maker.squeeze);
	vault_shard_free(s->keys);
	vault_work_free(s->work);
	vault_wipe(s, sizeof(*s));
	free(s);
}

void shard_share(struct shard *s, struct shard_gate *gate)
{
	s->gate = gate;
	shard_gate_open(gate);
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
