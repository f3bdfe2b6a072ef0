#include "store/shard.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "store/db.h"
#include "store/shard_internal.h"

#define OPEN_ERROR_SIZE 256

enum { FIND, GET, COUNT, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
    [FIND] = "SELECT p.who, p.key_id, p.wrapped, p.body, i.ref, i.verified FROM ident i "
             "JOIN profile p ON p.id = i.profile WHERE i.blind = ?1 ORDER BY i.profile",
    [GET] = "SELECT who, key_id, wrapped, body FROM profile WHERE who = ?1",
    [COUNT] = "SELECT count(*) FROM profile",
};

struct shard_reader {
	char path[SHARD_PATH_SIZE];
	const struct vault *vault;
	struct vault_work *work;
	sqlite3 *db; /* NULL while there is no file, or none that can be read */
	sqlite3_stmt *stmt[STATEMENTS];
	dev_t device;
	ino_t inode;
	uint8_t plain[SHARD_PROFILE_MAX];
};

int shard_sealed_get(struct shard_sealed *out, sqlite3_stmt *stmt, int column)
{
	int body = sqlite3_column_bytes(stmt, column + 3);

	if (sqlite3_column_bytes(stmt, column) != VAULT_BLIND_BYTES ||
	    sqlite3_column_bytes(stmt, column + 1) != EVENT_ID_BYTES ||
	    sqlite3_column_bytes(stmt, column + 2) != VAULT_WRAP_BYTES ||
	    body < VAULT_SEAL_OVERHEAD || body > SHARD_BODY_MAX)
		return -1;
	out->who = sqlite3_column_blob(stmt, column);
	out->key_id = sqlite3_column_blob(stmt, column + 1);
	out->wrapped = sqlite3_column_blob(stmt, column + 2);
	out->body = sqlite3_column_blob(stmt, column + 3);
	out->body_len = (size_t)body;
	return 0;
}

ssize_t shard_unseal(const struct vault *v, struct vault_work *w, const struct shard_sealed *row,
                     uint8_t *out)
{
	uint8_t key[VAULT_KEY_BYTES];
	ssize_t n;

	if (vault_unwrap(v, w, "profile-key", row->key_id, row->wrapped, key) != 0)
		return -1;
	n = vault_unseal(w, key, row->who, VAULT_BLIND_BYTES, row->body, row->body_len, out);
	vault_wipe(key, sizeof(key));
	return n;
}

static void reader_close(struct shard_reader *r)
{
	for (int i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(r->stmt[i]);
		r->stmt[i] = NULL;
	}
	db_close_reader(r->db);
	r->db = NULL;
}

static bool format_fits(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	bool fits = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK &&
	            sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) == SHARD_FORMAT;

	sqlite3_finalize(stmt);
	return fits;
}

/* A file that the writer is just making, or that cannot be read, is the same as none: the writer
 * repairs it, and says so. */
static void reader_open_file(struct shard_reader *r, const struct stat *st)
{
	char err[OPEN_ERROR_SIZE];

	if (db_open_reader(&r->db, r->path, err, sizeof(err)) != 0)
		return;
	if (!format_fits(r->db)) {
		reader_close(r);
		return;
	}
	for (int i = 0; i < STATEMENTS; i++) {
		r->stmt[i] = db_prepare(r->db, statement_sql[i]);
		if (r->stmt[i] == NULL) {
			reader_close(r);
			return;
		}
	}
	r->device = st->st_dev;
	r->inode = st->st_ino;
}

/* The writer may have deleted the file and made it anew; what is open then is a file without a
 * name. */
static bool reader_ready(struct shard_reader *r)
{
	struct stat st;

	if (stat(r->path, &st) != 0) {
		reader_close(r);
		return false;
	}
	if (r->db != NULL && (st.st_ino != r->inode || st.st_dev != r->device))
		reader_close(r);
	if (r->db == NULL)
		reader_open_file(r, &st);
	return r->db != NULL;
}

int shard_reader_open(struct shard_reader **out, const char *path, const struct vault *vault,
                      char *err, size_t err_size)
{
	struct shard_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		goto err_memory;
	r->vault = vault;
	r->work = vault_work_new();
	if (r->work == NULL)
		goto err_memory;
	if (!text_copy(r->path, sizeof(r->path), path)) {
		snprintf(err, err_size, "%s: the path is too long", path);
		goto err_free_reader;
	}
	reader_ready(r);
	*out = r;
	return 0;
err_memory:
	snprintf(err, err_size, "%s: out of memory", path);
err_free_reader:
	shard_reader_free(r);
	return -1;
}

void shard_reader_free(struct shard_reader *r)
{
	if (r == NULL)
		return;
	reader_close(r);
	vault_work_free(r->work);
	vault_wipe(r->plain, sizeof(r->plain));
	free(r);
}

/* Unseal and read the row that stmt stands on; the length of its JSON in r->plain, or -1. */
static ssize_t read_row(struct shard_reader *r, sqlite3_stmt *stmt, struct profile *out)
{
	struct shard_sealed row;
	ssize_t n;

	if (shard_sealed_get(&row, stmt, 0) != 0)
		return -1;
	n = shard_unseal(r->vault, r->work, &row, r->plain);
	if (n < 0 || shard_profile_read(out, (const char *)r->plain, (size_t)n) != 0)
		return -1;
	return n;
}

/* A lookup failed: begin with a new connection next time. */
static int lookup_failed(struct shard_reader *r, const char *what)
{
	log_error("shard: %s: %s", what, sqlite3_errmsg(r->db));
	reader_close(r);
	return -1;
}

static bool read_hit(struct shard_reader *r, sqlite3_stmt *stmt, struct shard_hit *out)
{
	if (read_row(r, stmt, &out->profile) < 0 || sqlite3_column_bytes(stmt, 4) != EVENT_ID_BYTES)
		return false;
	text_b64(sqlite3_column_blob(stmt, 4), EVENT_ID_BYTES, out->ident_ref);
	out->verified = sqlite3_column_int(stmt, 5) != 0;
	return true;
}

int shard_find(struct shard_reader *r, const char *kind, const char *nf, struct shard_hit *out,
               int max)
{
	uint8_t blind[VAULT_BLIND_BYTES];
	sqlite3_stmt *stmt;
	bool readable = true;
	int found = 0, rc;

	if (!reader_ready(r))
		return 0;
	stmt = r->stmt[FIND];
	vault_blind(r->vault, r->work, kind, nf, blind);
	sqlite3_bind_blob(stmt, 1, blind, sizeof(blind), SQLITE_STATIC);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && readable) {
		if (found < max)
			readable = read_hit(r, stmt, &out[found]);
		found++;
	}
	sqlite3_reset(stmt);
	if (!readable)
		return lookup_failed(r, "a profile cannot be opened with this device's key");
	return rc == SQLITE_DONE ? found : lookup_failed(r, "lookup");
}

int shard_get(struct shard_reader *r, const char *customer_id, struct profile *out,
              struct buf *json)
{
	uint8_t who[VAULT_BLIND_BYTES];
	sqlite3_stmt *stmt;
	ssize_t n = 0;
	int rc;

	if (!reader_ready(r))
		return 0;
	stmt = r->stmt[GET];
	vault_blind(r->vault, r->work, "customer_id", customer_id, who);
	sqlite3_bind_blob(stmt, 1, who, sizeof(who), SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		n = read_row(r, stmt, out);
	sqlite3_reset(stmt);
	if (n < 0)
		return lookup_failed(r, "a profile cannot be opened with this device's key");
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return lookup_failed(r, "lookup");
	if (json != NULL)
		buf_add(json, r->plain, (size_t)n);
	return 1;
}

uint64_t shard_count(struct shard_reader *r)
{
	uint64_t n = 0;

	if (!reader_ready(r))
		return 0;
	if (sqlite3_step(r->stmt[COUNT]) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(r->stmt[COUNT], 0);
	sqlite3_reset(r->stmt[COUNT]);
	return n;
}
