#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store/db.h"
#include "store/shard_internal.h"

#define FAULT_SIZE 160

static int db_fault(const struct shard *s, char *err, size_t err_size)
{
	snprintf(err, err_size, "shard: %s", sqlite3_errmsg(s->db));
	return -1;
}

/* The file has no index from profile to identifiers: the profile's own text names them. */
static int drop_idents(struct shard *s, int64_t profile, bool readable)
{
	sqlite3_stmt *stmt = s->stmt[SHARD_IDENT_DROP];
	uint8_t blind[VAULT_BLIND_BYTES];

	if (!readable) {
		sqlite3_bind_int64(s->stmt[SHARD_IDENT_DROP_ALL], 1, profile);
		return shard_run(s->stmt[SHARD_IDENT_DROP_ALL]);
	}
	for (int i = 0; i < s->old.ident_count; i++) {
		vault_blind(s->vault, s->work, s->old.idents[i].kind, s->old.idents[i].value,
		            blind);
		sqlite3_bind_blob(stmt, 1, blind, sizeof(blind), SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, profile);
		if (shard_run(stmt) != 0)
			return -1;
	}
	return 0;
}

/* Find a profile's row and take its identifiers away. Its id, 0 if there is no such profile, or -1.
 */
static int64_t take_old(struct shard *s, const uint8_t who[VAULT_BLIND_BYTES])
{
	sqlite3_stmt *stmt = s->stmt[SHARD_PROFILE_GET];
	struct shard_sealed row;
	char fault[FAULT_SIZE];
	bool readable = false;
	int64_t id = 0;
	ssize_t n;
	int rc;

	sqlite3_bind_blob(stmt, 1, who, VAULT_BLIND_BYTES, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		id = sqlite3_column_int64(stmt, 4);
		n = shard_sealed_get(&row, stmt, 0) == 0
		        ? shard_unseal(s->vault, s->work, &row, s->plain)
		        : -1;
		readable = n >= 0 && shard_line_read(&s->old, (const char *)s->plain, (size_t)n,
		                                     fault, sizeof(fault)) == 0;
	}
	sqlite3_reset(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return -1;
	if (rc == SQLITE_ROW && drop_idents(s, id, readable) != 0)
		return -1;
	return id;
}

/* Each state of a profile gets a key of its own; the one before goes with the row it stood in. */
static int put_profile(struct shard *s, const uint8_t who[VAULT_BLIND_BYTES], bool known,
                       const char *line, size_t len)
{
	sqlite3_stmt *stmt = s->stmt[known ? SHARD_PROFILE_SET : SHARD_PROFILE_ADD];
	uint8_t key[VAULT_KEY_BYTES], key_id[EVENT_ID_BYTES], wrapped[VAULT_WRAP_BYTES];
	int rc;

	vault_random(key, sizeof(key));
	vault_random(key_id, sizeof(key_id));
	rc = vault_wrap(s->vault, s->work, "profile-key", key_id, key, wrapped);
	if (rc == 0)
		rc = vault_seal(s->work, key, who, VAULT_BLIND_BYTES, line, len, s->body);
	vault_wipe(key, sizeof(key));
	if (rc != 0)
		return -1;
	sqlite3_bind_blob(stmt, 1, who, VAULT_BLIND_BYTES, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, (int64_t)s->line.version);
	sqlite3_bind_blob(stmt, 3, key_id, sizeof(key_id), SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 4, wrapped, sizeof(wrapped), SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 5, s->body, (int)(len + VAULT_SEAL_OVERHEAD), SQLITE_STATIC);
	return shard_run(stmt);
}

static int put_idents(struct shard *s, int64_t profile)
{
	sqlite3_stmt *stmt = s->stmt[SHARD_IDENT_ADD];
	uint8_t blind[VAULT_BLIND_BYTES];

	for (int i = 0; i < s->line.ident_count; i++) {
		const struct shard_ident *ident = &s->line.idents[i];

		vault_blind(s->vault, s->work, ident->kind, ident->value, blind);
		sqlite3_bind_blob(stmt, 1, blind, sizeof(blind), SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, profile);
		sqlite3_bind_blob(stmt, 3, ident->ref, sizeof(ident->ref), SQLITE_STATIC);
		sqlite3_bind_int(stmt, 4, ident->verified);
		if (shard_run(stmt) != 0)
			return -1;
	}
	return 0;
}

static int apply_line(struct shard *s, const char *line, size_t len, char *err, size_t err_size)
{
	uint8_t who[VAULT_BLIND_BYTES];
	int64_t id;

	if (shard_line_read(&s->line, line, len, err, err_size) != 0)
		return -1;
	vault_blind(s->vault, s->work, "customer_id", s->line.customer_id, who);
	id = take_old(s, who);
	if (id < 0)
		return db_fault(s, err, err_size);
	if (s->line.deleted) {
		s->erased = s->erased || id > 0;
		sqlite3_bind_blob(s->stmt[SHARD_PROFILE_DROP], 1, who, sizeof(who), SQLITE_STATIC);
		return shard_run(s->stmt[SHARD_PROFILE_DROP]) == 0 ? 0 : db_fault(s, err, err_size);
	}
	if (put_profile(s, who, id > 0, line, len) != 0)
		return db_fault(s, err, err_size);
	if (id == 0)
		id = sqlite3_last_insert_rowid(s->db);
	return put_idents(s, id) == 0 ? 0 : db_fault(s, err, err_size);
}

/* The number of lines, or -1. */
static int apply_lines(struct shard *s, const char *lines, size_t len, char *err, size_t err_size)
{
	int count = 0;

	while (len > 0) {
		const char *end = memchr(lines, '\n', len);
		size_t n = end != NULL ? (size_t)(end - lines) : len;
		char fault[FAULT_SIZE];

		if (end == NULL) {
			snprintf(err, err_size, "line %d: expected a newline at its end",
			         count + 1);
			return -1;
		}
		if (apply_line(s, lines, n, fault, sizeof(fault)) != 0) {
			snprintf(err, err_size, "line %d: %s", count + 1, fault);
			return -1;
		}
		count++;
		lines += n + 1;
		len -= n + 1;
	}
	return count;
}

static int drop_all(struct shard *s)
{
	s->erased = true;
	return db_exec(s->db, "DELETE FROM ident; DELETE FROM profile; DELETE FROM meta");
}

static int set_mark(struct shard *s, const struct shard_mark *mark)
{
	sqlite3_bind_text(s->stmt[SHARD_META_SET], 1, "generation", -1, SQLITE_STATIC);
	sqlite3_bind_text(s->stmt[SHARD_META_SET], 2, mark->generation, -1, SQLITE_STATIC);
	if (shard_run(s->stmt[SHARD_META_SET]) != 0)
		return -1;
	return shard_mark_set(s, "version", (int64_t)mark->version);
}

static void heal(struct shard *s, int code)
{
	char fault[FAULT_SIZE];
	bool made;

	if (code != SQLITE_CORRUPT && code != SQLITE_NOTADB)
		return;
	log_warn("shard: %s: damaged; it is made anew and fetched from HQ", s->path);
	shard_close_file(s);
	shard_delete_file(s);
	if (shard_make_ready(s, &made, fault, sizeof(fault)) != 0)
		log_error("shard: %s", fault);
}

int shard_apply(struct shard *s, const char *lines, size_t len, const struct shard_mark *mark,
                bool fresh, char *err, size_t err_size)
{
	int count, code;

	if (s->db == NULL) {
		snprintf(err, err_size, "%s: could not be opened again", s->path);
		return -1;
	}
	s->erased = false;
	if (db_exec(s->db, "BEGIN IMMEDIATE") != 0 || (fresh && drop_all(s) != 0)) {
		db_fault(s, err, err_size);
		goto err_rollback;
	}
	count = apply_lines(s, lines, len, err, err_size);
	if (count < 0)
		goto err_rollback;
	if (set_mark(s, mark) != 0 || db_exec(s->db, "COMMIT") != 0) {
		db_fault(s, err, err_size);
		goto err_rollback;
	}
	/* What was erased must be gone from the log too, not only from the tables. */
	if (s->erased)
		db_exec(s->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	return count;
err_rollback:
	code = sqlite3_errcode(s->db) & 0xff;
	if (!sqlite3_get_autocommit(s->db))
		db_exec(s->db, "ROLLBACK");
	heal(s, code);
	return -1;
}
