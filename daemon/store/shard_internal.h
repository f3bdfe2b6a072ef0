/* What the shard's files share. Not for other rooms. */
#ifndef LANEWAY_STORE_SHARD_INTERNAL_H
#define LANEWAY_STORE_SHARD_INTERNAL_H

#include <sqlite3.h>

#include "store/shard.h"

#define SHARD_FORMAT 1             /* PRAGMA user_version */
#define SHARD_IDENTS_MAX 32        /* identifiers of one profile */
#define SHARD_IDENT_VALUE_SIZE 321 /* the longest normal form (an e-mail address) and NUL */
#define SHARD_PATH_SIZE 512
#define SHARD_BODY_MAX (SHARD_PROFILE_MAX + VAULT_SEAL_OVERHEAD)

struct shard_ident {
	char kind[33];
	char value[SHARD_IDENT_VALUE_SIZE];
	uint8_t ref[EVENT_ID_BYTES];
	bool verified;
};

/* One line of a page: a profile's state, or its tombstone. */
struct shard_line {
	char customer_id[33];
	uint64_t version;
	bool deleted;
	int ident_count;
	struct shard_ident idents[SHARD_IDENTS_MAX];
};

/* Read and check a line. Kinds of identifiers need not be known here; unknown members are let pass.
 * 0, or -1 with what was expected where in err (never a value: those are a customer's). */
int shard_line_read(struct shard_line *out, const char *line, size_t len, char *err,
                    size_t err_size);

/* What a lane needs of a line that was checked. Display text that is too long is cut between
 * characters: a long name must not stop a page. 0, or -1 if it is not such a line. */
int shard_profile_read(struct profile *out, const char *line, size_t len);

/* A profile's row as SQLite hands it out: four columns from `column` on: who, key_id, wrapped,
 * body. */
struct shard_sealed {
	const uint8_t *who, *key_id, *wrapped, *body;
	size_t body_len;
};
/* 0, or -1 if a column is not of the size it must have. Valid until the statement is stepped. */
int shard_sealed_get(struct shard_sealed *out, sqlite3_stmt *stmt, int column);

/* Open a row's body into out (SHARD_PROFILE_MAX bytes). The length, or -1. */
ssize_t shard_unseal(const struct vault *v, struct vault_work *w, const struct shard_sealed *row,
                     uint8_t *out);

/* ---- the writer ---- */

enum shard_statement {
	SHARD_META_GET,
	SHARD_META_SET,
	SHARD_PROFILE_GET,
	SHARD_PROFILE_ADD,
	SHARD_PROFILE_SET,
	SHARD_PROFILE_DROP,
	SHARD_PROFILE_ANY,
	SHARD_IDENT_ADD,
	SHARD_IDENT_DROP,
	SHARD_IDENT_DROP_ALL,
	SHARD_STATEMENTS
};

struct shard {
	char path[SHARD_PATH_SIZE];
	const struct vault *vault;
	struct vault_work *work;
	sqlite3 *db; /* NULL: damaged, and could not be made anew */
	int lock_fd;
	sqlite3_stmt *stmt[SHARD_STATEMENTS];
	bool erased; /* this page removed something: the log must not keep it */
	struct shard_line line, old;
	uint8_t plain[SHARD_PROFILE_MAX], body[SHARD_BODY_MAX];
};

/* Close and open the file, as found or made anew if it cannot be read. As shard_open. */
void shard_close_file(struct shard *s);
void shard_delete_file(const struct shard *s);
int shard_make_ready(struct shard *s, bool *made, char *err, size_t err_size);

/* Step a statement that gives no row and drop its bindings. 0, or -1. */
int shard_run(sqlite3_stmt *stmt);
int shard_mark_set(struct shard *s, const char *name, int64_t value);

#endif
