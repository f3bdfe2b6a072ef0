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
/* All of the file, as far as there are addresses: pages of it, not anonymous memory. */
#define MMAP_SQL "PRAGMA mmap_size=34359738368"

enum { IDENT, HEAD, PROFILE, META, HOLD, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
    [IDENT] = "SELECT entries FROM ident WHERE key <= ?1 ORDER BY key DESC LIMIT 1",
    [HEAD] = "SELECT head FROM profile WHERE id = ?1",
    [PROFILE] = "SELECT head, json FROM profile WHERE id = ?1",
    [META] = "SELECT value FROM meta WHERE name = ?1",
    [HOLD] = "SELECT 1 FROM meta",
};

struct shard_reader {
	char path[SHARD_PATH_SIZE];
	const struct vault *vault;
	struct vault_work *work;
	struct vault_shard *keys;
	struct shard_squeeze *squeeze;
	uint8_t salt[VAULT_SALT_BYTES]; /* of keys */
	sqlite3 *db;                    /* NULL while there is no file, or none that can be read */
	sqlite3_stmt *stmt[STATEMENTS];
	dev_t device;
	ino_t inode;
	struct shard_gate *gate;  /* or NULL */
	struct shard_holder hold; /* while it is held, file and keys are those of the last commit */
	uint8_t head[SHARD_HEAD_MAX];
};

/* What a lookup is for. */
struct search {
	int64_t key;
	const uint8_t *blind;    /* or */
	const char *customer_id; /* of the one profile */
	struct shard_hit *out;
	struct buf *json;
	int max;
};

static void reader_close(struct shard_reader *r)
{
	r->hold.held = false;
	r->hold.stmt = NULL;
	for (int i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(r->stmt[i]);
		r->stmt[i] = NULL;
	}
	db_close_reader(r->db);
	r->db = NULL;
	vault_shard_free(r->keys);
	r->keys = NULL;
}

/* The keys of the salt that stands in the file. 1: other ones than before, 0, or -1: there is none
 * that this device key opens. */
static int load_keys(struct shard_reader *r)
{
	uint8_t salt[VAULT_SALT_BYTES];

	if (shard_salt_get(r->stmt[META], r->vault, r->work, salt) <= 0)
		return -1;
	if (r->keys != NULL && memcmp(salt, r->salt, sizeof(salt)) == 0)
		return 0;
	vault_shard_free(r->keys);
	r->keys = vault_shard_new(r->vault, r->work, salt);
	memcpy(r->salt, salt, sizeof(salt));
	return r->keys != NULL ? 1 : -1;
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
	if (!format_fits(r->db) || db_exec(r->db, MMAP_SQL) != 0) {
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
	if (load_keys(r) < 0) {
		reader_close(r);
		return;
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
	if (r->db != NULL && (r->keys == NULL || st.st_ino != r->inode || st.st_dev != r->device))
		reader_close(r);
	if (r->db == NULL)
		reader_open_file(r, &st);
	return r->db != NULL;
}

/* Stay at the last commit until the gate is closed. What cannot be held is read as without. */
static void hold(struct shard_reader *r)
{
	r->hold.stmt = r->stmt[HOLD];
	r->hold.held = sqlite3_step(r->hold.stmt) == SQLITE_ROW && load_keys(r) >= 0;
	if (!r->hold.held)
		sqlite3_reset(r->hold.stmt);
}

/* Is there something to look into? reader_done must follow either way. */
static bool reader_begin(struct shard_reader *r)
{
	bool may_hold = r->gate != NULL && shard_gate_enter(r->gate);

	if (r->hold.held)
		return true;
	if (!reader_ready(r))
		return false;
	if (may_hold)
		hold(r);
	return true;
}

static void reader_done(struct shard_reader *r)
{
	if (r->gate != NULL)
		shard_gate_exit(r->gate);
}

int shard_reader_open(struct shard_reader **out, const char *path, const struct vault *vault,
                      char *err, size_t err_size)
{
	struct shard_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		goto err_memory;
	r->vault = vault;
	r->work = vault_work_new();
	r->squeeze = shard_squeeze_new(false);
	if (r->work == NULL || r->squeeze == NULL)
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
	if (r->gate != NULL)
		shard_gate_leave(r->gate, &r->hold);
	reader_close(r);
	shard_squeeze_free(r->squeeze);
	vault_work_free(r->work);
	vault_wipe(r, sizeof(*r));
	free(r);
}

void shard_reader_share(struct shard_reader *r, struct shard_gate *gate)
{
	r->gate = gate;
	if (gate != NULL)
		shard_gate_join(gate, &r->hold);
}

/* A lookup failed: begin with a new connection next time. */
static int lookup_failed(struct shard_reader *r, const char *what)
{
	log_error("shard: %s: %s", what, sqlite3_errmsg(r->db));
	reader_close(r);
	return -1;
}

/* Does the head have what is searched, and then into out. An identifier that stands twice is as
 * the last says. */
static bool head_has(const struct shard_reader *r, size_t len, const struct search *q,
                     struct shard_hit *out)
{
	const uint8_t *ident, *found = NULL;

	if (q->blind == NULL)
		return strcmp(out->profile.customer_id, q->customer_id) == 0;
	for (int i = 0; (ident = shard_head_ident(r->head, len, i)) != NULL; i++) {
		if (memcmp(ident, q->blind, VAULT_BLIND_BYTES) == 0)
			found = ident;
	}
	if (found != NULL)
		shard_head_hit(found, out);
	return found != NULL;
}

static bool add_json(struct shard_reader *r, sqlite3_stmt *stmt, struct buf *json)
{
	ssize_t len =
	    shard_row_json(r->work, sqlite3_column_blob(stmt, 1),
	                   (size_t)sqlite3_column_bytes(stmt, 1), shard_squeeze_room(r->squeeze));

	return len >= 0 && shard_squeeze_out(r->squeeze, (size_t)len, json) == 0;
}

/* 1 with the profile in out, 0: it is another's row, or -1: it cannot be opened. */
static int read_row(struct shard_reader *r, const struct search *q, sqlite3_stmt *stmt,
                    struct shard_hit *out, struct buf *json)
{
	ssize_t len = shard_row_head(r->keys, r->work, sqlite3_column_blob(stmt, 0),
	                             (size_t)sqlite3_column_bytes(stmt, 0), r->head);

	if (len < 0 || shard_head_read(&out->profile, r->head, (size_t)len) != 0)
		return -1;
	if (!head_has(r, (size_t)len, q, out))
		return 0;
	return json == NULL || add_json(r, stmt, json) ? 1 : -1;
}

/* As read_row. The number of a profile that is not there is damage. */
static int take_profile(struct shard_reader *r, const struct search *q, int64_t profile, int n)
{
	sqlite3_stmt *stmt = r->stmt[q->json != NULL ? PROFILE : HEAD];
	int rc = -1;

	sqlite3_bind_int64(stmt, 1, profile);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		rc = read_row(r, q, stmt, &q->out[n], q->json != NULL ? &q->json[n] : NULL);
	sqlite3_reset(stmt);
	return rc;
}

/* The number of profiles, or -1. While the first statement stands on its row, both see the file as
 * it was at one commit. */
static int search_once(struct shard_reader *r, const struct search *q)
{
	sqlite3_stmt *stmt = r->stmt[IDENT];
	struct shard_list list = {0};
	int found = 0, rc;

	sqlite3_bind_int64(stmt, 1, q->key);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && shard_list_get(&list, sqlite3_column_blob(stmt, 0),
	                                       (size_t)sqlite3_column_bytes(stmt, 0), q->key) != 0)
		found = -1;
	for (int i = 0; i < list.count && found >= 0; i++) {
		int one = found < q->max ? take_profile(r, q, shard_list_at(&list, i), found) : 1;

		found = one < 0 ? -1 : found + one;
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? found : -1;
}

/* With everything dropped since the keys were read there is another salt: then nothing was found,
 * or nothing could be opened. */
static bool keys_are_others(struct shard_reader *r)
{
	return !r->hold.held && load_keys(r) > 0;
}

static int find_ident(struct shard_reader *r, const char *kind, const char *nf, struct search *q)
{
	uint8_t blind[VAULT_BLIND_BYTES];
	int found;

	do {
		vault_shard_blind(r->keys, r->work, kind, nf, blind);
		q->key = shard_ident_key(blind);
		q->blind = blind;
		found = search_once(r, q);
		q->blind = NULL;
	} while (found <= 0 && keys_are_others(r));
	return found >= 0 ? found : lookup_failed(r, "a profile cannot be read or opened");
}

int shard_find_json(struct shard_reader *r, const char *kind, const char *nf, struct shard_hit *out,
                    struct buf *json, int max)
{
	struct search q = {.out = out, .json = json, .max = max};
	int found = reader_begin(r) ? find_ident(r, kind, nf, &q) : 0;

	reader_done(r);
	return found;
}

int shard_find(struct shard_reader *r, const char *kind, const char *nf, struct shard_hit *out,
               int max)
{
	return shard_find_json(r, kind, nf, out, NULL, max);
}

static int find_customer(struct shard_reader *r, struct search *q)
{
	int found;

	do {
		q->key = shard_who_key(r->keys, r->work, q->customer_id);
		found = search_once(r, q);
	} while (found <= 0 && keys_are_others(r));
	return found >= 0 ? found : lookup_failed(r, "a profile cannot be read or opened");
}

int shard_get(struct shard_reader *r, const char *customer_id, struct profile *out,
              struct buf *json)
{
	struct shard_hit hit = {0};
	struct search q = {.customer_id = customer_id, .out = &hit, .json = json, .max = 1};
	int found = reader_begin(r) ? find_customer(r, &q) : 0;

	reader_done(r);
	if (found <= 0)
		return found;
	*out = hit.profile;
	return 1;
}

uint64_t shard_count(struct shard_reader *r)
{
	uint64_t n = 0;

	if (reader_begin(r)) {
		sqlite3_bind_text(r->stmt[META], 1, "count", -1, SQLITE_STATIC);
		if (sqlite3_step(r->stmt[META]) == SQLITE_ROW)
			n = (uint64_t)sqlite3_column_int64(r->stmt[META], 0);
		sqlite3_reset(r->stmt[META]);
	}
	reader_done(r);
	return n;
}
