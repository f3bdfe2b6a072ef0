#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#define DB_LOCK_WAIT_MS                                                                            \
	1000 /* a predecessor that is just closing is waited for, another is not                   \
	      */
#define DB_LOCK_STEP_MS 20
#define DB_MMAP "67108864" /* bytes; pages of the file, not anonymous memory */
#define DB_PATH_SIZE 1024
#define DB_BLOCK_BYTES 65536
#define DB_ROOM_BYTES (1024u * 1024u) /* what opening takes: the -shm, a log, some pages */
#define DB_WORDS_CHARS 40             /* of a statement, for the log: its table, never its values */

static int lock_file(const char *path, bool *held, char *err, size_t err_size)
{
	char lock[DB_PATH_SIZE];
	const struct timespec step = {.tv_nsec = DB_LOCK_STEP_MS * 1000000L};
	int fd, waited_ms = 0;

	snprintf(lock, sizeof(lock), "%s.lock", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(err, err_size, "%s: %s", lock, strerror(errno));
		return -1;
	}
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		*held = errno == EWOULDBLOCK;
		if (errno != EINTR && (!*held || waited_ms >= DB_LOCK_WAIT_MS)) {
			snprintf(err, err_size, "%s: %s", path,
			         *held ? "another process is writing this file" : strerror(errno));
			close(fd);
			return -1;
		}
		nanosleep(&step, NULL);
		waited_ms += DB_LOCK_STEP_MS;
	}
	*held = false;
	return fd;
}

/* SQLite gives its -wal and -shm files the mode of the database: set that one first. A file that is
 * there is never opened here: closing a descriptor drops every lock this process has on it. */
static int make_file(const char *path, char *err, size_t err_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	if ((fd < 0 && errno != EEXIST) || chmod(path, 0600) != 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	return 0;
}

/* After a sync that failed, pages of the log may be in memory only, though they read as if they
 * were in the file: what is committed behind them would be lost with them when the power goes.
 * Written anew they come to the disk. */
static int renew_log(const char *path, char *err, size_t err_size)
{
	char log[DB_PATH_SIZE], block[DB_BLOCK_BYTES];
	off_t at = 0;
	ssize_t n;

	snprintf(log, sizeof(log), "%s-wal", path);
	int fd = open(log, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		goto err_say;
	while ((n = pread(fd, block, sizeof(block), at)) > 0) {
		if (pwrite(fd, block, (size_t)n, at) != n)
			goto err_close;
		at += n;
	}
	if (n < 0 || (at > 0 && fdatasync(fd) != 0))
		goto err_close;
	close(fd);
	return 0;
err_close:
	close(fd);
err_say:
	snprintf(err, err_size, "%s: %s", log, strerror(errno));
	return -1;
}

static int run(sqlite3 *db, const char *path, const char *sql, char *err, size_t err_size)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	snprintf(err, err_size, "%s: %s", path, sqlite3_errmsg(db));
	return -1;
}

static int open_file(sqlite3 **db, const char *path, int flags, char *err, size_t err_size)
{
	if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		snprintf(err, err_size, "%s: %s", path,
		         *db != NULL ? sqlite3_errmsg(*db) : "out of memory");
		return -1;
	}
	sqlite3_extended_result_codes(*db, 1);
	sqlite3_busy_timeout(*db, DB_BUSY_MS);
	return 0;
}

static bool is_new(sqlite3 *db)
{
	sqlite3_stmt *stmt;
	bool empty = false;

	if (sqlite3_prepare_v2(db, "PRAGMA page_count", -1, &stmt, NULL) != SQLITE_OK)
		return false;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		empty = sqlite3_column_int64(stmt, 0) == 0;
	sqlite3_finalize(stmt);
	return empty;
}

/* Page size and auto-vacuum hold only if they come before the first table. In a file that has some,
 * saying auto-vacuum again would be a write: then a full disk could not be opened. */
static int set_writer(sqlite3 *db, const char *path, enum db_sync sync, char *err, size_t err_size)
{
	if (is_new(db) && run(db, path, "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL",
	                      err, err_size) != 0)
		return -1;
	if (run(db, path, "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON", err, err_size) != 0)
		return -1;
	return run(db, path,
	           sync == DB_SYNC_FULL ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
	           err, err_size);
}

int db_open_writer(struct sqlite3 **out, int *lock_fd, const char *path, enum db_sync sync,
                   bool *lock_held, char *err, size_t err_size)
{
	sqlite3 *db = NULL;
	int fd;

	*lock_held = false;
	if (strlen(path) > DB_PATH_SIZE - 16) {
		snprintf(err, err_size, "database: the path is too long");
		return -1;
	}
	fd = lock_file(path, lock_held, err, err_size);
	if (fd < 0)
		return -1;
	if (make_file(path, err, err_size) != 0 || renew_log(path, err, err_size) != 0 ||
	    open_file(&db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err, err_size) != 0 ||
	    set_writer(db, path, sync, err, err_size) != 0)
		goto err_close;
	*out = db;
	*lock_fd = fd;
	return 0;
err_close:
	sqlite3_close(db);
	close(fd);
	return -1;
}

void db_close_writer(struct sqlite3 *db, int lock_fd)
{
	if (db == NULL)
		return;
	if (sqlite3_close(db) != SQLITE_OK) {
		log_error("a database was closed while a statement of it was still in use");
		sqlite3_close_v2(db);
	}
	close(lock_fd);
}

int db_open_reader(struct sqlite3 **out, const char *path, char *err, size_t err_size)
{
	sqlite3 *db = NULL;

	if (open_file(&db, path, SQLITE_OPEN_READONLY, err, err_size) != 0)
		goto err_close;
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (run(db, path, "PRAGMA mmap_size=" DB_MMAP "; PRAGMA query_only=ON", err, err_size) != 0)
		goto err_close;
	*out = db;
	return 0;
err_close:
	sqlite3_close(db);
	return -1;
}

void db_close_reader(struct sqlite3 *db)
{
	sqlite3_close_v2(db);
}

bool db_disk_is_full(const char *path)
{
	char dir[DB_PATH_SIZE];
	struct statvfs vfs;
	char *slash;

	if (!text_copy(dir, sizeof(dir), path))
		return false;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	if (statvfs(slash ? dir : ".", &vfs) != 0)
		return false;
	/* Root may take what a file system holds back from others. */
	return (uint64_t)(geteuid() == 0 ? vfs.f_bfree : vfs.f_bavail) * vfs.f_frsize <
	       DB_ROOM_BYTES;
}

int db_exec(struct sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	log_error("database: \"%.*s\": %s", DB_WORDS_CHARS, sql, sqlite3_errmsg(db));
	return -1;
}

struct sqlite3_stmt *db_prepare(struct sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) == SQLITE_OK)
		return stmt;
	log_error("database: \"%.*s\": %s", DB_WORDS_CHARS, sql, sqlite3_errmsg(db));
	return NULL;
}

bool db_row(sqlite3_stmt *q, bool *failed)
{
	int rc = q ? sqlite3_step(q) : SQLITE_MISUSE;

	if (rc == SQLITE_ROW)
		return true;
	if (rc == SQLITE_DONE)
		return false;
	*failed = true;
	if (q)
		log_error("database: \"%.*s\": %s", DB_WORDS_CHARS, sqlite3_sql(q),
		          sqlite3_errmsg(sqlite3_db_handle(q)));
	return false;
}
