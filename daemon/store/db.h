/* Opening SQLite files: the only place that calls sqlite3_open, so that the rules stand once.
 *
 * One connection writes a file (journal thread: journal.db; sync thread: shard.db; HQ's loop:
 * hq.db). It holds an advisory lock on "<file>.lock" for as long as it is open, so that a second
 * process cannot become a second writer. Every other connection is read-only and never checkpoints.
 */
#ifndef LANEWAY_STORE_DB_H
#define LANEWAY_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>

struct sqlite3;
struct sqlite3_stmt;

#define DB_BUSY_MS 2000 /* readers hold no lock for long; recovery after a crash may */

enum db_sync { DB_SYNC_NORMAL, DB_SYNC_FULL };

/* The writing connection: WAL, page size 4096, the given synchronous level, secure_delete on, mode
 * 0600, incremental auto-vacuum. A log that was left behind is written to the disk anew first.
 * Waits at most a second for the lock. 0; -1 with a sentence in err and *lock_held set when another
 * process holds the file. */
int db_open_writer(struct sqlite3 **out, int *lock_fd, const char *path, enum db_sync sync,
                   bool *lock_held, char *err, size_t err_size);
void db_close_writer(struct sqlite3 *db, int lock_fd);

/* A reading connection (SQLITE_OPEN_READONLY, NO_CKPT_ON_CLOSE, 64 MiB mmap). 0, or -1 with err. */
int db_open_reader(struct sqlite3 **out, const char *path, char *err, size_t err_size);
void db_close_reader(struct sqlite3 *db);

/* Is there too little room beside this file for SQLite to open it (1 MiB)? Then that it cannot be
 * opened says nothing about the file. */
bool db_disk_is_full(const char *path);

/* One or more statements without results. 0, or -1 (logged, with the statement's first words). */
int db_exec(struct sqlite3 *db, const char *sql);

/* A prepared statement kept for the connection's life; NULL (logged) if the text is wrong. */
struct sqlite3_stmt *db_prepare(struct sqlite3 *db, const char *sql);

/* The next row of a query (NULL: it could not be prepared). false: there is none, or it could not
 * be read, which is logged and makes *failed true; it is never made false. */
bool db_row(struct sqlite3_stmt *q, bool *failed);

#endif
