/* hq.db: the one file in which HQ keeps events, profiles and its outbox.
 *
 * One connection writes (the loop's). A failed statement is logged and remembered: the transaction
 * it stood in can then only be rolled back, so that callers check once, at the commit. When the
 * disk fails (anything but a full one) the process ends with HQ_DB_EXIT_UNKNOWN: what is durable,
 * the next start finds out. Tables: WIRE.md, "hq.db". Statements: hq_sql.def.
 */
#ifndef LANEWAY_HQ_DB_H
#define LANEWAY_HQ_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/ref.h"

#define HQ_DB_EXIT_UNKNOWN 75

struct sqlite3;
struct sqlite3_stmt;
struct hq_db;

enum hq_sql {
#define HQ_SQL(symbol, text) HQ_SQL_##symbol,
#include "hq/base/hq_sql.def"
	HQ_SQL_COUNT
};

/* Open or make <dir>/hq.db and the mark beside it (hq_mark.h); a database that is behind its mark,
 * or has lost it, gets a new generation (logged). 0; -1 with a sentence in err, *held set when
 * another process writes it.
 */
int hq_db_open(struct hq_db **out, const char *dir, bool *held, char *err, size_t err_size);
void hq_db_close(struct hq_db *db);
struct sqlite3 *hq_db_handle(struct hq_db *db);
/* Copy the log into the file when a commit leaves this many pages in it; 1,000 unless said. */
void hq_db_checkpoint_at(struct hq_db *db, int pages);

/* 16 hex digits: which life of the database this is. Renewed when it was restored from a copy. */
const char *hq_db_generation(const struct hq_db *db);

/* Commits of this database since it was made; survives renewals, so a restored copy has fewer. */
uint64_t hq_db_turn(const struct hq_db *db);

/* What is committed may be told: from here on a restored copy would be noticed at the next open.
 * 0; -1: the mark cannot be written (logged), nobody is to be told of anything. */
int hq_db_mark(struct hq_db *db);

/* Begin a new generation; not within a transaction. turn: the highest that is known to have been
 * reached (0: no more than is held here). 0 or -1. */
struct hq_db_restored {
	const char *cause;  /* one word: "mark", "no_mark", "store", "command" */
	const char *detail; /* a sentence for a person */
	uint64_t turn;
	int64_t wall_us;
};
int hq_db_renew(struct hq_db *db, const struct hq_db_restored *why);

/* A transaction. When a statement in it has failed, those behind it are not run and find no rows.
 * Commit rolls back and returns -1 when any statement in it failed, or any allocation
 * since its begin (base/memory.h): a column that could not be read reads as null. */
int hq_db_begin(struct hq_db *db);
int hq_db_commit(struct hq_db *db);
void hq_db_rollback(struct hq_db *db);

/* Bind and run a statement without results. types, one letter per argument:
 *   i int64_t    t const char * (NULL: null)    b const void *, size_t (NULL: null)
 * The number of rows changed, or -1. */
int hq_db_run(struct hq_db *db, enum hq_sql id, const char *types, ...);

/* Bind a query; then `while (hq_db_row(db, q))`. A query that is left before its last row is ended
 * with hq_db_end. One use of a statement at a time. Arguments are copied. */
struct sqlite3_stmt *hq_db_query(struct hq_db *db, enum hq_sql id, const char *types, ...);
bool hq_db_row(struct hq_db *db, struct sqlite3_stmt *q);
void hq_db_end(struct sqlite3_stmt *q);

/* The first column of the first row, or `none` when there is no row or it is null. */
int64_t hq_db_int(struct hq_db *db, int64_t none, enum hq_sql id, const char *types, ...);

int64_t hq_db_last_id(struct hq_db *db);

/* A column's text, "" when null; its bytes when it has exactly n, else NULL. Valid until the next
 * row. */
const char *hq_db_text(struct sqlite3_stmt *q, int column);
const void *hq_db_bytes(struct sqlite3_stmt *q, int column, size_t n);
/* A column's reference. false: it has none, *out is as it was. */
bool hq_db_ref(struct sqlite3_stmt *q, int column, struct ref *out);

/* Numbers in `meta`: "version" (the feed's sequencer), "applied" (id of the last event folded). */
int64_t hq_db_meta(struct hq_db *db, const char *name);
void hq_db_meta_set(struct hq_db *db, const char *name, int64_t value);

#endif
